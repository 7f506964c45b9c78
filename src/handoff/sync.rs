//! What ART's sync job takes: for each architecture of a build, a list of URLs to fetch and the parameters.
//!
//! The job fetches every URL of `--synclist`, puts `VERSION-ARCH` in place of the build ID in the files' names,
//! adds the second names and the sidecars, and uploads all of it to `BASE_DIR/MIRROR_PREFIX/VERSION/`.

mod human;
mod markdown;
mod parameters;

use std::sync::Arc;

use serde::{Serialize, Serializer};

pub use parameters::{Destination, NoDestination};

use crate::location::{Arch, BuildId, Literal, OcpVersion};
use crate::report::ProwContext;
use crate::report::model::Target;
use crate::stream::{ArtifactId, Sha256};

/// The version of the JSON form.
pub const SCHEMA_VERSION: u32 = 1;

/// What ART is asked to mirror.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct SyncList {
    /// The version of this shape; another one means that fields were renamed or taken away.
    #[cfg_attr(test, schemars(extend("const" = SCHEMA_VERSION)))]
    pub schema_version: u32,
    /// Where the files were looked for and found missing; null if every file was asked for.
    pub missing_from: Option<Target>,
    /// The bridge that the files are to be fetched from; null if the documents' own locations are on one.
    pub bridge: Option<String>,
    /// `openshift/installer#4821`, if a pull request waits.
    pub pull_request: Option<String>,
    /// One run of the job each, in the order of the documents.
    pub builds: Vec<SyncBuild>,
    /// What was asked for and is not in any list, and why.
    pub unlisted: Vec<Unlisted>,
    /// What the job still has to be told, and other remarks.
    pub notes: Vec<String>,
}

/// One run of the sync job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct SyncBuild {
    /// `--arch`.
    #[serde(serialize_with = "shown")]
    #[cfg_attr(test, schemars(with = "String"))]
    pub arch: Arch,
    /// `--build-id`.
    #[serde(serialize_with = "shown")]
    #[cfg_attr(test, schemars(with = "String"))]
    pub build_id: BuildId,
    /// `--version`; null if nobody said.
    pub version: Option<String>,
    /// `--mirror-prefix`; null if nobody said.
    pub mirror_prefix: Option<String>,
    /// `--base-dir`.
    pub base_dir: String,
    /// `--synclist`: the name of the file with the list.
    pub synclist: String,
    /// The files, each once.
    pub files: Vec<SyncFile>,
}

/// One file of a list.
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
    pub url: Literal,
    /// The location as in the document.
    pub location: String,
    /// The digest that the document names.
    #[cfg_attr(test, schemars(with = "String", regex(pattern = "^[0-9a-f]{64}$")))]
    pub sha256: Sha256,
    /// The size in bytes that the bridge gave.
    pub size: Option<u64>,
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
    /// Where the bridge would have it; null if that cannot be told.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub url: Option<Literal>,
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
    /// Its place at the bridge, or on the mirror, cannot be told.
    NoPlace,
    /// What is wrong with it is nothing that mirroring would mend.
    NotForArt,
    /// Whether it is missing, or whether the bridge has it, could not be determined.
    Undetermined,
}

impl WhyUnlisted {
    /// What a person should hear, as the title of all of them.
    const fn title(self) -> &'static str {
        match self {
            Self::NotOnBridge => "The bridge does not have them",
            Self::NoPlace => "Their place cannot be told",
            Self::NotForArt => "Mirroring would not mend them",
            Self::Undetermined => "Could not be determined",
        }
    }

    const ALL: [Self; 4] = [Self::NotOnBridge, Self::NoPlace, Self::NotForArt, Self::Undetermined];
}

/// A file that the bridge has.
#[derive(Debug, Clone)]
pub struct Available {
    /// The file.
    pub file: SyncFile,
    /// The document's release, for a location that does not say the build.
    pub release: Arc<str>,
    /// Where it should be once it is mirrored, as far as anything says that.
    pub destination: Option<Literal>,
}

/// What a [`SyncList`] is made from.
#[derive(Debug, Clone, Default)]
pub struct Findings {
    /// What the bridge has.
    pub available: Vec<Available>,
    /// What cannot be listed.
    pub unlisted: Vec<Unlisted>,
}

impl SyncList {
    /// The list of everything that the bridge has, by architecture and build. `release` is the OpenShift
    /// release that the builds are mirrored for, where their locations do not say one.
    pub fn of(
        findings: Findings,
        missing_from: Option<Target>,
        bridge: Option<String>,
        prow: &ProwContext,
        release: Option<&OcpVersion>,
    ) -> Self {
        let mut list = Self {
            schema_version: SCHEMA_VERSION,
            missing_from,
            bridge,
            pull_request: prow.pull_request(),
            builds: Vec::new(),
            unlisted: findings.unlisted,
            notes: Vec::new(),
        };
        for Available { file, release: build, destination } in findings.available {
            match Destination::of(&file.url, &build, destination.as_ref(), release) {
                Ok(destination) => list.add(destination, file),
                Err(error) => list.unlisted.push(Unlisted {
                    document: file.document,
                    id: file.id,
                    location: file.location,
                    url: Some(file.url),
                    why: WhyUnlisted::NoPlace,
                    message: error.to_string(),
                }),
            }
        }
        list.name_lists();
        list.note_what_is_unsaid(release);
        list
    }

    /// How many files are listed.
    pub fn files(&self) -> usize {
        self.builds.iter().map(|build| build.files.len()).sum()
    }

    fn add(&mut self, destination: Destination, file: SyncFile) {
        let Destination { arch, build, version, mirror_prefix, base_dir } = destination;
        let at = self.builds.iter().position(|known| {
            known.arch == arch
                && known.build_id == build
                && known.version == version
                && known.mirror_prefix == mirror_prefix
                && known.base_dir == base_dir
        });
        let known = at.and_then(|at| self.builds.get_mut(at));
        match known {
            Some(known) => match known.files.iter().find(|other| other.url == file.url) {
                None => known.files.push(file),
                // Several artifacts, or documents, may name one file.
                Some(other) if other.sha256 == file.sha256 => {}
                Some(other) => self.unlisted.push(Unlisted {
                    message: format!(
                        "its sha256 is {}, and {} has the same file with sha256 {}",
                        file.sha256, other.id, other.sha256
                    ),
                    document: file.document,
                    id: file.id,
                    location: file.location,
                    url: Some(file.url),
                    why: WhyUnlisted::NotForArt,
                }),
            },
            None => self.builds.push(SyncBuild {
                arch,
                build_id: build,
                version,
                mirror_prefix,
                base_dir,
                synclist: String::new(),
                files: vec![file],
            }),
        }
    }

    /// One name for each list. Builds of one ID that go to two places are rare, but must not share a file.
    fn name_lists(&mut self) {
        let mut taken: Vec<String> = Vec::new();
        for build in &mut self.builds {
            let base = format!("synclist-{}-{}", build.arch, build.build_id);
            let before = taken.iter().filter(|name| **name == base).count();
            build.synclist = match before {
                0 => format!("{base}.txt"),
                _ => format!("{base}-{}.txt", before + 1),
            };
            taken.push(base);
        }
    }

    fn note_what_is_unsaid(&mut self, release: Option<&OcpVersion>) {
        let some = |test: fn(&SyncBuild) -> bool| self.builds.iter().any(test);
        if some(|build| build.version.is_none()) {
            self.notes.push(
                "the job needs --version, the OpenShift release that is mirrored: pass --release-version"
                    .to_owned(),
            );
        }
        if some(|build| build.version.is_some() && build.mirror_prefix.is_none())
            || (release.is_none() && some(|build| build.mirror_prefix.is_none()))
        {
            self.notes.push(
                "the job needs --mirror-prefix, which follows from --release-version: builds that are named \
                 after RHEL say no OpenShift version"
                    .to_owned(),
            );
        }
        if let Some(release) = release {
            let others: Vec<String> = self
                .builds
                .iter()
                .filter_map(|build| build.version.clone().filter(|version| version != release.as_str()))
                .collect();
            if let Some(other) = others.first() {
                self.notes.push(format!(
                    "--release-version {release} is not used for every build: files are to be in the \
                     directory {other}, where they were looked for"
                ));
            }
        }
    }

    /// Why files are not listed, each reason once, with its files.
    fn unlisted_by_reason(&self) -> impl Iterator<Item = (WhyUnlisted, Vec<&Unlisted>)> {
        WhyUnlisted::ALL.into_iter().filter_map(|why| {
            let of_it: Vec<&Unlisted> = self.unlisted.iter().filter(|it| it.why == why).collect();
            (!of_it.is_empty()).then_some((why, of_it))
        })
    }
}

impl SyncBuild {
    /// The list, one URL a line.
    pub fn lines(&self) -> String {
        self.files.iter().flat_map(|file| [file.url.as_str(), "\n"]).collect()
    }

    /// The job's parameters. What nobody said is in capitals.
    pub fn parameters(&self) -> [(&'static str, String); 6] {
        [
            ("--arch", self.arch.to_string()),
            ("--build-id", self.build_id.to_string()),
            ("--version", self.version.clone().unwrap_or_else(|| "VERSION".to_owned())),
            ("--mirror-prefix", self.mirror_prefix.clone().unwrap_or_else(|| "PREFIX".to_owned())),
            ("--base-dir", self.base_dir.clone()),
            ("--synclist", self.synclist.clone()),
        ]
    }

    fn command_line(&self) -> String {
        let words: Vec<String> =
            self.parameters().into_iter().map(|(name, value)| format!("{name} {value}")).collect();
        words.join(" ")
    }
}

fn shown<T: ToString, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&value.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_file_is_listed_once_and_with_one_digest() {
        let url = "https://b/releases/rhcos-4.8/48.84.202107202156-0/x86_64/rhcos-48.84.202107202156-0-qemu.x86_64.qcow2.gz";
        let available = |digest: u8| Available {
            file: SyncFile {
                document: "d".into(),
                id: ArtifactId {
                    arch: "x86_64".into(),
                    platform: "qemu".into(),
                    format: "qcow2.gz".into(),
                    component: "disk".into(),
                },
                url: Literal::parse(url).unwrap(),
                location: url.to_owned(),
                sha256: Sha256::from_bytes([digest; 32]),
                size: None,
            },
            release: "48.84.202107202156-0".into(),
            destination: None,
        };
        let listed = |digests: &[u8]| {
            let available = digests.iter().map(|digest| available(*digest)).collect();
            let findings = Findings { available, unlisted: Vec::new() };
            let list = SyncList::of(findings, None, None, &ProwContext::default(), None);
            (list.files(), list.unlisted.iter().map(|it| it.why).collect::<Vec<_>>())
        };
        assert_eq!(listed(&[1, 1]), (1, vec![]));
        assert_eq!(listed(&[1, 2]), (1, vec![WhyUnlisted::NotForArt]), "the documents contradict each other");
    }
}
