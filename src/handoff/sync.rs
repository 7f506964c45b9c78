//! The files to mirror: for each architecture of a build, the complete list of URLs, and how to mirror them.
//!
//! ART's sync job downloads every URL of `--synclist`, replaces the build ID in file names with `VERSION-ARCH`, adds
//! the second names and sidecars, and makes `BASE_DIR/MIRROR_PREFIX/VERSION/` equal to that: it deletes all other
//! files. So the job only gets a list of a complete build, and only if no existing file would be lost. `mirror
//! --request` accepts every list, because it deletes nothing.

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

/// The version of the JSON schema.
pub const SCHEMA_VERSION: u32 = 2;

/// The files to mirror.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct SyncList {
    /// The version of this schema. It changes when fields are renamed or removed.
    #[cfg_attr(test, schemars(extend("const" = SCHEMA_VERSION)))]
    pub schema_version: u32,
    /// The target that the files were checked at.
    pub missing_from: ReportedTarget,
    /// The bridge to download the files from; null if the documents' own locations are on a bridge.
    pub bridge: Option<String>,
    /// The pull request, such as `openshift/installer#4821`; null if there is none.
    pub pull_request: Option<String>,
    /// The builds, in the order of the documents.
    pub builds: Vec<SyncBuild>,
    /// Requested files that are in no build, and why.
    pub unlisted: Vec<Unlisted>,
    /// Remarks about the whole list.
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
    /// The run of ART's sync job; null if the job does not upload to the directory.
    pub sync_job: Option<SyncJob>,
    /// The directory in the build pipeline's bucket; null if the pipeline does not upload to it.
    pub upload_to: Option<String>,
    /// Why the list is for `mirror --request` only; empty if it is not.
    pub refused: Vec<Refused>,
    /// Side effects of the job.
    pub remarks: Vec<String>,
    /// The files, without duplicates.
    pub files: Vec<SyncFile>,
}

/// A file to mirror.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct SyncFile {
    /// The document's name.
    pub document: Arc<str>,
    /// The artifact.
    #[cfg_attr(test, schemars(with = "String"))]
    pub id: ArtifactId,
    /// Its URL at the bridge, which is a line of the list.
    #[cfg_attr(test, schemars(with = "String"))]
    pub url: ArtifactUrl,
    /// The location as in the document.
    pub location: String,
    /// The URL that it is mirrored to.
    #[cfg_attr(test, schemars(with = "String"))]
    pub destination: ArtifactUrl,
    /// What the destination has now.
    pub state: SyncState,
    /// What was found at the destination, in one sentence.
    pub message: Option<String>,
    /// The digest in the document.
    #[cfg_attr(test, schemars(with = "String", regex(pattern = "^[0-9a-f]{64}$")))]
    pub sha256: Sha256,
    /// The size that the bridge reported, in bytes.
    pub size: Option<u64>,
}

/// The state of a destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum SyncState {
    /// It has the file.
    Present,
    /// It has no file.
    Missing,
    /// It has other bytes.
    Wrong,
    /// Its state could not be determined.
    Undetermined,
}

/// A reason not to give a list to the sync job or the build pipeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Refused {
    /// The kind of reason.
    pub why: WhyRefused,
    /// The reason in one sentence.
    pub message: String,
}

/// The kinds of [`Refused`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum WhyRefused {
    /// Only a part of the build was requested.
    Part,
    /// Not every file of the build can be listed.
    Incomplete,
    /// The names that the job writes differ from the document's.
    OtherNames,
    /// The job would delete or change existing files.
    Occupied,
    /// It could not be determined whether the bridge has all files, or whether existing ones would be lost.
    Undetermined,
    /// Neither the sync job nor the build pipeline uploads to the directory.
    NotArts,
}

/// A requested file that cannot be listed.
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
    /// Its URL at the bridge, or else its destination; null if both are unknown.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub url: Option<ArtifactUrl>,
    /// Why it is not listed.
    pub why: WhyUnlisted,
    /// The reason in one sentence.
    pub message: String,
}

/// The kinds of reasons why a file is not listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum WhyUnlisted {
    /// The bridge does not have it, or has other bytes.
    NotOnBridge,
    /// Its URL at the bridge or its destination cannot be determined.
    NoPlace,
    /// Mirroring would not correct what is wrong with it.
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

/// An artifact for a [`SyncList`].
#[derive(Debug, Clone)]
pub struct Candidate<'s> {
    pub sourced: &'s Sourced,
    pub artifact: &'s Artifact,
    /// The URL that it is mirrored to, if known.
    pub destination: Option<ArtifactUrl>,
    /// Its URL at the bridge, if known.
    pub url: Option<ArtifactUrl>,
    pub state: SyncState,
    /// What was found at the destination, in one sentence.
    pub message: Option<String>,
    /// The size that the bridge reported, in bytes.
    pub size: Option<u64>,
    pub left_out: Option<LeftOut>,
}

/// Why an artifact is not listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LeftOut {
    /// The filters exclude it.
    Filtered,
    /// It cannot be listed, for the reason in the sentence.
    Unlisted(WhyUnlisted, String),
}

impl<'s> Candidate<'s> {
    /// An artifact that was not checked yet.
    pub fn new(sourced: &'s Sourced, artifact: &'s Artifact, destination: Option<ArtifactUrl>) -> Self {
        let state = SyncState::Undetermined;
        Self { sourced, artifact, destination, url: None, state, message: None, size: None, left_out: None }
    }

    pub fn directory(&self) -> Option<&str> {
        self.destination.as_ref().map(ArtifactUrl::directory)
    }
}

impl SyncList {
    /// Lists the candidates by directory. A candidate that is left out makes its build incomplete, so that the list is
    /// refused; if its destination is unknown, the lists of all builds of its architecture are.
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
                let can_be_of_build = *candidate.artifact.id.arch == *build.arch.rpm_name()
                    && (candidate.destination.is_none() || candidate.directory() == directory);
                if can_be_of_build && !build.refused.contains(refused) {
                    build.refused.push(refused.clone());
                }
            }
            build.refuse_other_names();
        }
        list
    }

    fn add(&mut self, candidate: &Candidate<'_>) -> Result<(), LeftOut> {
        let no_url = |why: String| LeftOut::Unlisted(WhyUnlisted::NoPlace, why);
        let Candidate { sourced, artifact, destination, url, state, message, size, .. } = candidate;
        let (Some(url), Some(destination)) = (url, destination) else {
            return Err(no_url("its URL cannot be determined".to_owned()));
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
        let at_bridge = Location::read(url).map_err(|error| no_url(error.to_string()))?;
        let destination = Location::read(destination).map_err(|error| no_url(error.to_string()))?;
        let build_id = build_of(&at_bridge, &artifact.release).map_err(|error| no_url(error.to_string()))?;
        let in_directory = |build: &&mut SyncBuild| {
            build.files.iter().any(|other| other.destination.directory() == file.destination.directory())
        };
        if let Some(build) = self.builds.iter_mut().find(in_directory) {
            // Several artifacts or documents can name the same file.
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
        // The job only writes below this root, but documents can name such directories elsewhere.
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

    /// Gives the sync job the list of each build that is not refused. Each list has a name of its own.
    pub fn assign_lists(&mut self) {
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

    /// The number of files that the destination does not have.
    fn missing(&self) -> usize {
        self.files.iter().filter(|file| file.state != SyncState::Present).count()
    }

    /// A sentence that says who can use the list.
    fn addressee(&self) -> &'static str {
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

/// The parts of `sync.json` that `mirror --request` reads.
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
    // Another version can have other fields, so the version is read first.
    #[derive(Deserialize)]
    struct SchemaVersion {
        schema_version: u32,
    }
    let unreadable = |error: serde_json::Error| format!("it is not a list written by sync-list: {error}");
    let SchemaVersion { schema_version } = serde_json::from_str(text).map_err(unreadable)?;
    if schema_version != SCHEMA_VERSION {
        return Err(format!(
            "found schema_version {schema_version}, expected {SCHEMA_VERSION}: run sync-list again"
        ));
    }
    let list: ReadList = serde_json::from_str(text).map_err(unreadable)?;
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
