//! What is to be mirrored: for each architecture of a build, its whole list of URLs, and how it gets to its place.
//!
//! ART's sync job fetches every URL of `--synclist`, puts `VERSION-ARCH` in place of the build ID in the files'
//! names, adds the second names and the sidecars, and makes `BASE_DIR/MIRROR_PREFIX/VERSION/` equal to that: what
//! the list does not name is gone afterwards. So there is a list for the job only where it is the whole build, and
//! nothing that is there would be lost. `mirror --request` takes everything, for it merges.

mod job;
mod markdown;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize, Serializer};

pub use job::{Fetched, SyncJob};

use super::directory::build_of;
use super::request::Requested;
use crate::location::{Arch, ArtifactUrl, BuildId, Location, Owner, PUBLIC_MIRROR, bucket_directory};
use crate::report::ProwContext;
use crate::report::model::ReportedTarget;
use crate::stream::{Artifact, ArtifactId, Sha256, Sourced};
use crate::text::excerpt;

/// The version of the JSON form.
pub const SCHEMA_VERSION: u32 = 2;

/// What is to be mirrored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct SyncList {
    /// The version of this shape; another one means that fields were renamed or taken away.
    #[cfg_attr(test, schemars(extend("const" = SCHEMA_VERSION)))]
    pub schema_version: u32,
    /// Where the files were looked for.
    pub missing_from: ReportedTarget,
    /// The bridge that the files are to be fetched from; null if the documents' own locations are on one.
    pub bridge: Option<String>,
    /// `openshift/installer#4821`, if a pull request waits.
    pub pull_request: Option<String>,
    /// The builds, in the order of the documents.
    pub builds: Vec<SyncBuild>,
    /// What was asked for and is in no build, and why.
    pub unlisted: Vec<Unlisted>,
    /// Other remarks.
    pub notes: Vec<String>,
}

/// The files of one directory: one architecture of a build.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct SyncBuild {
    /// The architecture, by its RPM name.
    #[serde(serialize_with = "shown")]
    #[cfg_attr(test, schemars(with = "String"))]
    pub arch: Arch,
    /// The build.
    #[serde(serialize_with = "shown")]
    #[cfg_attr(test, schemars(with = "String"))]
    pub build_id: BuildId,
    /// The run of ART's sync job, if it fills the directory.
    pub sync_job: Option<SyncJob>,
    /// The directory below its bucket that the build pipeline must upload to, if that fills it.
    pub upload_to: Option<String>,
    /// Why nobody but `mirror --request` gets a list.
    pub refused: Vec<Refused>,
    /// What the job will do besides.
    pub remarks: Vec<String>,
    /// The files, each once.
    pub files: Vec<SyncFile>,
}

/// One file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct SyncFile {
    /// The document's name.
    pub document: Arc<str>,
    /// The artifact.
    #[cfg_attr(test, schemars(with = "String"))]
    pub id: ArtifactId,
    /// Where the bridge has it: a line of the list.
    #[cfg_attr(test, schemars(with = "String"))]
    pub url: ArtifactUrl,
    /// The location as in the document.
    pub location: String,
    /// Where it should be once it is mirrored.
    #[cfg_attr(test, schemars(with = "String"))]
    pub destination: ArtifactUrl,
    /// What is there now.
    pub state: SyncState,
    /// What was found there, one sentence for a person.
    pub message: Option<String>,
    /// The digest that the document names.
    #[cfg_attr(test, schemars(with = "String", regex(pattern = "^[0-9a-f]{64}$")))]
    pub sha256: Sha256,
    /// The size in bytes that the bridge gave.
    pub size: Option<u64>,
}

/// What is at a destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum SyncState {
    /// The file.
    Present,
    /// Nothing.
    Missing,
    /// Other bytes.
    Wrong,
    /// Nobody knows.
    Undetermined,
}

/// A reason not to hand a list over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Refused {
    /// The kind of reason.
    pub why: WhyRefused,
    /// The same, one sentence for a person.
    pub message: String,
}

/// Why a list is not handed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum WhyRefused {
    /// A part of the build was asked for.
    Part,
    /// The bridge lacks a file, or one has no place.
    Incomplete,
    /// The job gives other names than the document has.
    OtherNames,
    /// What is there would be lost.
    Occupied,
    /// Whether anything would be lost could not be determined.
    Undetermined,
    /// Neither the sync job nor the build pipeline fills the place.
    NotArts,
}

/// Something that was asked for and cannot be listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Unlisted {
    /// The document's name.
    pub document: Arc<str>,
    /// The artifact.
    #[cfg_attr(test, schemars(with = "String"))]
    pub id: ArtifactId,
    /// The location as in the document.
    pub location: String,
    /// Where it was looked for; null if that cannot be determined.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub url: Option<ArtifactUrl>,
    /// Why it is not listed.
    pub why: WhyUnlisted,
    /// The same, one sentence for a person.
    pub message: String,
}

/// Why a file is not listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum WhyUnlisted {
    /// The bridge does not have it, or has something else.
    NotOnBridge,
    /// Its URL at the bridge, or where it should be, cannot be determined.
    NoPlace,
    /// What is wrong with it is nothing that mirroring would correct.
    NotForArt,
    /// Whether the bridge has it could not be determined.
    Undetermined,
}

impl WhyUnlisted {
    const fn words(self) -> &'static str {
        match self {
            Self::NotOnBridge => "the bridge does not have it",
            Self::NoPlace => "its URL cannot be determined",
            Self::NotForArt => "mirroring would not correct it",
            Self::Undetermined => "whether the bridge has it could not be determined",
        }
    }
}

/// An artifact of the documents, and what is known of it: what a [`SyncList`] is made from.
#[derive(Debug, Clone)]
pub struct Candidate<'s> {
    pub sourced: &'s Sourced,
    pub artifact: &'s Artifact,
    /// Where it should be.
    pub destination: Option<ArtifactUrl>,
    /// Where the bridge should have it.
    pub url: Option<ArtifactUrl>,
    pub state: SyncState,
    /// The same, one sentence for a person.
    pub message: Option<String>,
    /// The size in bytes that the bridge gave.
    pub size: Option<u64>,
    pub left_out: Option<LeftOut>,
}

/// Why an artifact is not listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LeftOut {
    /// It was not asked for, so that its build is listed in part.
    Filtered,
    /// It cannot be listed, and the sentence says why.
    Unlisted(WhyUnlisted, String),
}

impl<'s> Candidate<'s> {
    /// One of which nothing else is known yet.
    pub fn new(sourced: &'s Sourced, artifact: &'s Artifact, destination: Option<ArtifactUrl>) -> Self {
        let state = SyncState::Undetermined;
        Self { sourced, artifact, destination, url: None, state, message: None, size: None, left_out: None }
    }

    pub fn directory(&self) -> Option<&str> {
        self.destination.as_ref().map(ArtifactUrl::directory)
    }
}

impl SyncList {
    /// The list of everything that the bridge has, by directory. What a build is listed without is the reason that its
    /// list is refused: of every directory of the architecture, if its own is not known.
    pub fn of(
        candidates: Vec<Candidate<'_>>,
        missing_from: ReportedTarget,
        bridge: Option<String>,
        prow: &ProwContext,
    ) -> Self {
        let mut list = Self {
            schema_version: SCHEMA_VERSION,
            missing_from,
            bridge,
            pull_request: prow.pull_request(),
            builds: Vec::new(),
            unlisted: Vec::new(),
            notes: Vec::new(),
        };
        let mut gaps = Vec::new();
        for candidate in candidates {
            let Some(left_out) = candidate.left_out.clone().or_else(|| list.add(&candidate).err()) else {
                continue;
            };
            let (why, message) = match left_out {
                LeftOut::Filtered => (WhyRefused::Part, "the filters leave files of the build out"),
                LeftOut::Unlisted(why, message) => {
                    let Candidate { sourced, artifact, destination, url, .. } = &candidate;
                    list.unlisted.push(Unlisted {
                        document: Arc::clone(&sourced.document.name),
                        id: artifact.id.clone(),
                        location: artifact.location.clone(),
                        url: url.clone().or_else(|| destination.clone()),
                        why,
                        message,
                    });
                    let is_unknown = why == WhyUnlisted::Undetermined;
                    let why = if is_unknown { WhyRefused::Undetermined } else { WhyRefused::Incomplete };
                    (
                        why,
                        "not every file of the build can be listed, and the job would delete those that are not",
                    )
                }
            };
            gaps.push((candidate, Refused { why, message: message.to_owned() }));
        }
        for build in &mut list.builds {
            let directory = build.files.first().map(|file| file.destination.directory());
            for (candidate, refused) in &gaps {
                let is_of_build = *candidate.artifact.id.arch == *build.arch.rpm_name()
                    && (candidate.destination.is_none() || candidate.directory() == directory);
                if is_of_build && !build.refused.contains(refused) {
                    build.refused.push(refused.clone());
                }
            }
            build.refuse_other_names();
        }
        list
    }

    fn add(&mut self, candidate: &Candidate<'_>) -> Result<(), LeftOut> {
        let no_place = |why: String| LeftOut::Unlisted(WhyUnlisted::NoPlace, why);
        let Candidate { sourced, artifact, destination, url, state, message, size, .. } = candidate;
        let (Some(url), Some(destination)) = (url, destination) else {
            return Err(no_place("its URL cannot be determined".to_owned()));
        };
        let file = SyncFile {
            document: Arc::clone(&sourced.document.name),
            id: artifact.id.clone(),
            url: url.clone(),
            location: artifact.location.clone(),
            destination: destination.clone(),
            state: *state,
            message: message.clone(),
            sha256: artifact.sha256,
            size: *size,
        };
        let at_bridge = Location::read(url).map_err(|error| no_place(error.to_string()))?;
        let destination = Location::read(destination).map_err(|error| no_place(error.to_string()))?;
        let build_id =
            build_of(&at_bridge, &artifact.release).map_err(|error| no_place(error.to_string()))?;
        let in_directory = |build: &&mut SyncBuild| {
            build.files.iter().any(|other| other.destination.directory() == file.destination.directory())
        };
        if let Some(build) = self.builds.iter_mut().find(in_directory) {
            // Several artifacts, or documents, may name one file.
            return match build.files.iter().find(|other| other.destination == file.destination) {
                None => {
                    build.files.push(file);
                    Ok(())
                }
                Some(other) if other.sha256 == file.sha256 => Ok(()),
                Some(other) => Err(LeftOut::Unlisted(
                    WhyUnlisted::NotForArt,
                    format!(
                        "its sha256 is {}, and {} of {} has the same file with sha256 {}",
                        file.sha256,
                        other.id,
                        excerpt(&other.document, 200),
                        other.sha256
                    ),
                )),
            };
        }
        // The job writes below one root, wherever else a document may have such directories.
        let root = self.missing_from.prefix.as_deref().unwrap_or(PUBLIC_MIRROR);
        let is_below = file.destination.as_str().strip_prefix(root).is_some_and(|tail| tail.starts_with('/'));
        let is_jobs = is_below && Owner::of_path(&file.destination) == Owner::SyncJob;
        let sync_job = is_jobs.then(|| SyncJob::of(&destination)).flatten();
        let upload_to = bucket_directory(&file.destination).map(str::to_owned);
        let refused = (sync_job.is_none() && upload_to.is_none()).then(|| Refused {
            why: WhyRefused::NotArts,
            message: format!(
                "neither ART's sync job nor its build pipeline uploads to {}",
                excerpt(file.destination.directory(), 300)
            ),
        });
        self.builds.push(SyncBuild {
            arch: at_bridge.arch(),
            build_id,
            sync_job,
            upload_to,
            refused: refused.into_iter().collect(),
            remarks: Vec::new(),
            files: vec![file],
        });
        Ok(())
    }

    /// Gives each build its list, unless that is refused. Two lists never share a name.
    pub fn hand_over(&mut self) {
        let mut taken: BTreeMap<String, usize> = BTreeMap::new();
        for build in &mut self.builds {
            let Some(job) = &mut build.sync_job else { continue };
            if !build.refused.is_empty() {
                job.jenkins = None;
                continue;
            }
            let base = format!("synclist-{}-{}", build.arch, build.build_id);
            let number = taken.entry(base.clone()).and_modify(|number| *number += 1).or_insert(1);
            let name = if *number == 1 { format!("{base}.txt") } else { format!("{base}-{number}.txt") };
            job.run_with(name, build.arch, &build.build_id);
        }
    }
}

impl SyncBuild {
    pub fn lines(&self) -> String {
        self.files.iter().flat_map(|file| [file.url.as_str(), "\n"]).collect()
    }

    /// How many files are not at their destination.
    fn missing(&self) -> usize {
        self.files.iter().filter(|file| file.state != SyncState::Present).count()
    }

    /// Who is asked to mirror it, and the reasons why nobody is.
    fn asked(&self) -> &'static str {
        match (&self.sync_job, &self.upload_to) {
            _ if !self.refused.is_empty() => "For `mirror --request` only, which deletes nothing.",
            (_, Some(_)) => {
                "For the build pipeline, which uploads to its own bucket. ART's sync job does not upload there."
            }
            _ => "For ART's sync job, which deletes from the directory what its list does not name.",
        }
    }

    fn refuse_other_names(&mut self) {
        let Some(job) = &self.sync_job else { return };
        let message = self.files.iter().find_map(|file| job.misnames(self.arch, &self.build_id, file));
        self.refused.extend(message.map(|message| Refused { why: WhyRefused::OtherNames, message }));
    }
}

/// `sync.json`, as far as it is carried out.
#[derive(Deserialize)]
struct ReadList {
    builds: Vec<ReadBuild>,
}

#[derive(Deserialize)]
struct ReadBuild {
    build_id: String,
    files: Vec<Requested>,
}

pub fn read(text: &str) -> Result<Vec<Requested>, String> {
    // The shape may be another one, so the version comes first.
    #[derive(Deserialize)]
    struct SchemaVersion {
        schema_version: u32,
    }
    let bad = |error: serde_json::Error| format!("it is not a list written by sync-list: {error}");
    let SchemaVersion { schema_version } = serde_json::from_str(text).map_err(bad)?;
    if schema_version != SCHEMA_VERSION {
        return Err(format!(
            "found schema_version {schema_version}, expected {SCHEMA_VERSION}: run sync-list again"
        ));
    }
    let list: ReadList = serde_json::from_str(text).map_err(bad)?;
    let files = list.builds.into_iter().flat_map(|ReadBuild { build_id, files }| {
        files.into_iter().map(move |file| Requested {
            title: excerpt(&file.title, 300),
            release: build_id.clone(),
            ..file
        })
    });
    Ok(files.collect())
}

fn shown<T: ToString, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&value.to_string())
}

#[cfg(test)]
mod tests;
