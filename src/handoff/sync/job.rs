//! A run of ART's sync job: its parameters, the names that it writes, and its effects on existing files.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Refused, SyncBuild, SyncFile, SyncState, WhyRefused};
use crate::handoff::directory::{RHCOS_ID_TXT, SHA256SUM_TXT, SIDECARS, second_names};
use crate::location::{Arch, ArtifactUrl, BuildId, Location, Series};
use crate::probe::Sha256sum;
use crate::stream::Sha256;
use crate::text::{count, excerpt};

/// The public mirror's root, below which the Jenkins job writes.
const PUBLIC_ROOT: &str = "/pub/openshift-v4";

/// The mirror's directory of releases that are not final.
const PRE_RELEASE: &str = "pre-release";

/// The answer to a request for a small file: its bytes, `None` if it is missing, or why that is unknown.
pub type Fetched = Result<Option<Vec<u8>>, String>;

/// A run of `artcd sync-rhcos`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct SyncJob {
    /// `--version`: the name of the directory, which also replaces the build ID in file names.
    pub version: String,
    /// `--mirror-prefix`.
    pub mirror_prefix: String,
    /// `--base-dir`.
    pub base_dir: String,
    /// `--no-latest`: without it, the job could downgrade a `latest` directory, or fail.
    pub no_latest: bool,
    /// `--synclist`: the name of the list's file; null if the list was refused.
    pub synclist: Option<String>,
    /// The command line, to run in the directory of the list; null if the list was refused.
    pub command: Option<String>,
    /// The parameters of the Jenkins job `rhcos_sync`; null if it would not derive the same run from the release.
    pub jenkins: Option<Vec<String>>,
    /// The URL of `--base-dir`.
    #[serde(skip)]
    base_url: String,
}

/// A directory with a copy of the newest release.
struct Latest {
    /// Its `rhcos-id.txt`.
    id: ArtifactUrl,
    /// The job does not change the directory if this file exists.
    unless: Option<ArtifactUrl>,
}

impl SyncJob {
    /// The run that writes the directory of a file; `None` if the job cannot write it.
    pub(super) fn of(destination: &Location) -> Option<Self> {
        let release = destination.release().map(ToString::to_string);
        let url = destination.url();
        let (above, _) = url.split_once("/dependencies/rhcos/")?;
        let base = destination.base();
        let root = base.split_once("://").map_or(base, |(_, rest)| rest);
        let root = root.find('/').and_then(|at| root.get(at..)).unwrap_or_default();
        Some(Self {
            version: release.or_else(|| destination.build().map(ToString::to_string))?,
            mirror_prefix: destination.directory().to_owned(),
            base_dir: base_dir(root, destination.arch()),
            no_latest: false,
            synclist: None,
            command: None,
            jenkins: None,
            base_url: format!("{above}/dependencies/rhcos"),
        })
    }

    /// A sentence if the name that the job writes for a file differs from the document's.
    pub(super) fn misnames(&self, arch: Arch, build: &BuildId, file: &SyncFile) -> Option<String> {
        let Self { version, mirror_prefix, .. } = self;
        let name =
            if version.contains(arch.rpm_name()) { version.clone() } else { format!("{version}-{arch}") };
        let name = file.url.file_name().replace(build.as_str(), &name);
        let written = format!("{mirror_prefix}/{version}/{name}");
        let (_, wanted) = file.destination.as_str().split_once("/dependencies/rhcos/")?;
        (written != wanted).then(|| {
            format!(
                "the job would write {}, but the document names {}: the job replaces the build ID with VERSION-ARCH. mirror --request writes the document's name; rewrite --to mirror --mirror-version 4.M.P puts the job's name into the document",
                excerpt(&written, 200),
                excerpt(wanted, 200)
            )
        })
    }

    /// Sets the name of the list and the command line.
    pub(super) fn run_with(&mut self, synclist: String, arch: Arch, build: &BuildId) {
        let Self { version, mirror_prefix, base_dir, .. } = &*self;
        let latest = if self.no_latest { " --no-latest" } else { "" };
        // The job also uploads files left in its working directory, so that must be new. Without `--signing-env`, the
        // job would delete an existing signature.
        let directory = format!("sync-{arch}-{build}");
        self.command = Some(format!(
            "mkdir {directory} && artcd --working-dir {directory} sync-rhcos --arch {arch} --build-id {build} \
             --version {version} --mirror-prefix {mirror_prefix} --base-dir {base_dir} --synclist {synclist} \
             --signing-env prod{latest}"
        ));
        self.synclist = Some(synclist);
    }

    /// The directories that the job makes equal to the release's; `None` if the version does not begin with a series.
    fn latest(&self) -> Option<[Latest; 2]> {
        let Series { major, minor } = series_of(&self.version)?;
        let next = Series { major, minor: minor.saturating_add(1) };
        let id_file = |directory: &str| {
            let url = format!("{}/{directory}/{RHCOS_ID_TXT}", self.base_url);
            ArtifactUrl::parse(&url).ok()
        };
        let prefix = &self.mirror_prefix;
        let (first, newer, global) = if prefix == PRE_RELEASE {
            let newer = format!("{prefix}/latest-{next}");
            (format!("{prefix}/latest-{major}.{minor}"), newer, format!("{prefix}/latest"))
        } else {
            (format!("{prefix}/latest"), format!("{next}/latest"), "latest".to_owned())
        };
        Some([
            Latest { id: id_file(&first)?, unless: None },
            Latest { id: id_file(&global)?, unless: Some(id_file(&newer)?) },
        ])
    }

    /// Whether the Jenkins job would derive the same parameters from the release.
    fn follows_from_its_release(&self, arch: Arch) -> bool {
        let is_final = self.version.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        let prefix = series_of(&self.version).filter(|_| is_final).map(|series| series.to_string());
        series_of(&self.version).is_some()
            && !self.version.contains("nightly")
            && self.mirror_prefix == prefix.as_deref().unwrap_or(PRE_RELEASE)
            && self.base_dir == base_dir(PUBLIC_ROOT, arch)
    }
}

fn base_dir(root: &str, arch: Arch) -> String {
    format!("{root}/{arch}/dependencies/rhcos")
}

/// The series at the beginning of a version, as the job parses it: `dev-4.19` has none.
fn series_of(version: &str) -> Option<Series> {
    let (major, rest) = version.split_once('.')?;
    let end = rest.find(|character: char| !character.is_ascii_digit()).unwrap_or(rest.len());
    format!("{major}.{}", rest.get(..end)?).parse().ok()
}

impl SyncBuild {
    /// The URLs of small files that show how the job would affect existing files.
    pub fn state_files(&self) -> Vec<ArtifactUrl> {
        let (Some(job), Some(file), []) = (&self.sync_job, self.files.first(), self.refused.as_slice())
        else {
            return Vec::new();
        };
        let latest = job.latest().into_iter().flatten();
        let latest = latest.flat_map(|latest| std::iter::once(latest.id).chain(latest.unless));
        [RHCOS_ID_TXT, SHA256SUM_TXT]
            .map(|name| file.destination.sibling(name))
            .into_iter()
            .chain(latest)
            .collect()
    }

    /// Evaluates the contents of [`Self::state_files`], and refuses the list if files would be lost, unless `replace`.
    pub fn evaluate(&mut self, answers: &BTreeMap<ArtifactUrl, Fetched>, replace: bool) {
        if !self.refused.is_empty() {
            return;
        }
        let Some(mut job) = self.sync_job.take() else { return };
        let answer = |url: &ArtifactUrl| answers.get(url).cloned().unwrap_or(Ok(None));
        self.evaluate_directory(&answer, replace);
        match job.latest() {
            None => {
                job.no_latest = true;
                self.remarks.push(format!(
                    "--no-latest: the job fails where a version such as {} does not begin with a series",
                    job.version
                ));
            }
            Some(latest) => {
                let changed = latest.iter().filter(|it| {
                    !it.unless.as_ref().is_some_and(|newer| matches!(answer(newer), Ok(Some(_))))
                });
                for latest in changed {
                    job.no_latest |= self.evaluate_latest(latest, answer(&latest.id));
                }
            }
        }
        let is_mirrored = self.id_of(&answer).is_ok_and(|id| id.as_ref() == Some(&self.build_id));
        if is_mirrored {
            self.remarks.push(format!(
                "{RHCOS_ID_TXT} already names this build: the Jenkins job skips it unless FORCE is set"
            ));
        }
        // The Jenkins job reads the build ID from this artifact.
        let has_qemu = self.files.iter().any(|file| &*file.id.platform == "qemu");
        if has_qemu && job.follows_from_its_release(self.arch) {
            job.jenkins = Some(vec![
                format!("RELEASE_TAG={}-{}", job.version, self.arch),
                format!("FORCE={is_mirrored}"),
                format!("NO_LATEST={}", job.no_latest),
                "SIGN_ONLY=false".to_owned(),
            ]);
        }
        self.sync_job = Some(job);
    }

    fn id_of(&self, answer: &impl Fn(&ArtifactUrl) -> Fetched) -> Result<Option<BuildId>, String> {
        let Some(file) = self.files.first() else { return Ok(None) };
        answer(&file.destination.sibling(RHCOS_ID_TXT))?.map(|bytes| build_id(&bytes)).transpose()
    }

    /// Refuses the list, or adds a remark, if the job would change or delete existing files, or that is unknown.
    fn evaluate_directory(&mut self, answer: &impl Fn(&ArtifactUrl) -> Fetched, replace: bool) {
        let Some(first) = self.files.first() else { return };
        let (mut losses, mut unknown) = (Vec::new(), Vec::new());
        let id = self.id_of(answer);
        match &id {
            Ok(Some(other)) if *other != self.build_id => {
                losses.push(format!("{RHCOS_ID_TXT} names build {other}"));
            }
            Ok(_) => {}
            Err(why) => unknown.push(format!("{RHCOS_ID_TXT}: {why}")),
        }
        let written: BTreeMap<String, Sha256> = self.files.iter().flat_map(SyncFile::names).collect();
        let mut changed: Vec<String> = Vec::new();
        let mut deleted = Vec::new();
        let sums = match answer(&first.destination.sibling(SHA256SUM_TXT)) {
            Ok(Some(bytes)) => {
                let (sums, outcome) = Sha256sum::parse(&bytes);
                losses.extend(outcome.err().map(|error| format!("{SHA256SUM_TXT} is not readable: {error}")));
                sums
            }
            Ok(None) => {
                let is_empty = self.files.iter().all(|file| file.state == SyncState::Missing);
                if !is_empty || matches!(id, Ok(Some(_))) {
                    losses
                        .push(format!("it is not empty, and it has no {SHA256SUM_TXT} that lists its files"));
                }
                Sha256sum::default()
            }
            Err(why) => {
                unknown.push(format!("{SHA256SUM_TXT}: {why}"));
                Sha256sum::default()
            }
        };
        for (name, digests) in sums.files() {
            match written.get(name) {
                Some(digest) if digests == [*digest] => {}
                Some(_) => changed.push(excerpt(name, 200)),
                None if SIDECARS.contains(&name) => {}
                None => deleted.push(excerpt(name, 200)),
            }
        }
        for file in &self.files {
            let name = file.destination.file_name();
            match file.state {
                SyncState::Wrong if sums.of(name).is_empty() => changed.push(excerpt(name, 200)),
                SyncState::Undetermined => {
                    unknown.extend(file.message.iter().map(|why| format!("{}: {why}", excerpt(name, 200))));
                }
                _ => {}
            }
        }
        for (what, mut names) in [("change the bytes of", changed), ("delete", deleted)] {
            names.sort();
            if let Some(first) = names.first() {
                let more = names.len() - 1;
                let more =
                    if more == 0 { String::new() } else { format!(" and {} more", count(more, "name")) };
                losses.push(format!("the job would {what} {first}{more}"));
            }
        }
        let directory = excerpt(first.destination.directory(), 300);
        let is_undetermined = losses.is_empty();
        losses.append(&mut unknown);
        if losses.is_empty() {
            return;
        }
        let losses = format!("{directory}: {}", losses.join("; "));
        if replace {
            self.remarks.push(format!("--replace: {losses}"));
        } else {
            let why = if is_undetermined { WhyRefused::Undetermined } else { WhyRefused::Occupied };
            let message = format!("{losses}. If nothing needs the existing files, pass --replace");
            self.refused.push(Refused { why, message });
        }
    }

    /// Adds a remark on changes of a `latest` directory, and returns whether the job must not change it.
    fn evaluate_latest(&mut self, latest: &Latest, held: Fetched) -> bool {
        let directory = excerpt(latest.id.directory(), 300);
        let held = match held.and_then(|bytes| bytes.map(|bytes| build_id(&bytes)).transpose()) {
            Ok(None) => return false,
            Ok(Some(held)) => held,
            Err(why) => {
                self.remarks
                    .push(format!("--no-latest: cannot determine which build {directory} holds ({why})"));
                return true;
            }
        };
        if held.age() > self.build_id.age() {
            self.remarks.push(format!(
                "--no-latest: {directory} holds build {held}, which is newer; without it the job would downgrade it"
            ));
            return true;
        }
        if held != self.build_id {
            self.remarks.push(format!(
                "{directory} moves from build {held} to {}: the content of its unversioned names changes",
                self.build_id
            ));
        }
        false
    }
}

impl SyncFile {
    /// All names that the job writes for the file, with its digest.
    fn names(&self) -> Vec<(String, Sha256)> {
        let second = Location::read(&self.destination).map(|location| second_names(&location));
        let names = second.unwrap_or_default().into_iter();
        names.chain([self.destination.file_name().to_owned()]).map(|name| (name, self.sha256)).collect()
    }
}

fn build_id(bytes: &[u8]) -> Result<BuildId, String> {
    String::from_utf8_lossy(bytes).trim().parse().map_err(|error| format!("{error}"))
}
