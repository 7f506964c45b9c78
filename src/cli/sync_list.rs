//! `sync-list`: lists the files to mirror, as the sync job's lists or as a request to the build pipeline.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, ValueHint};
use tokio::time::Instant;

use super::args::{NetworkArgs, Output, Source, TargetArgs, duration, source};
use super::filters::Filters;
use super::load::{client_settings, load};
use super::network::{self, Stop, unless_stopped};
use super::target::Choice;
use super::{Exit, env, print, prow, unusable};
use crate::atomic;
use crate::gate::Case;
use crate::handoff::directory::Directories;
use crate::handoff::mirror::Arrangement;
use crate::handoff::sync::{
    Candidate, Fetched, LeftOut, SyncBuild, SyncList, SyncState, WhyRefused, WhyUnlisted,
};
use crate::location::{
    ArtifactUrl, HostKind, OcpVersion, Owner, PUBLIC_MIRROR, Prefix, Target, bucket_directory,
};
use crate::probe::{Client, Prober};
use crate::report::ProwContext;
use crate::stream::{Artifact, Sources};
use crate::text::{excerpt, json};
use crate::verdict::{Finding, Outcome, Reason, Strictness, Verdict, Verify};

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct SyncListArgs {
    /// Installer checkout, stream file, ConfigMap manifest, https:// URL of a stream file, or - for standard input
    #[arg(value_name = "SOURCE", default_value = ".", value_parser = source, value_hint = ValueHint::AnyPath)]
    pub sources: Vec<Source>,

    /// Also list builds of which nothing is missing
    #[arg(long)]
    pub all: bool,

    /// Allow the job to change and delete files of other builds in its directory
    #[arg(long)]
    pub replace: bool,

    /// OpenShift release, such as 4.19.0-ec.0 or dev-4.19, whose directory on ART's mirror the sync job fills, if the
    /// documents do not name one
    #[arg(long, value_name = "VERSION", conflicts_with_all = ["mirror_version", "pre_release", "published"])]
    pub release_version: Option<OcpVersion>,

    #[command(flatten)]
    pub filters: Filters,

    #[command(flatten)]
    pub target: TargetArgs,

    #[command(flatten)]
    pub network: NetworkArgs,

    /// Time limit of the whole run
    #[arg(long, value_name = "DURATION", default_value = "1h", value_parser = duration, help_heading = "Network")]
    pub deadline: Duration,

    /// Output format
    #[arg(long, value_enum, default_value_t, help_heading = "Output")]
    pub output: Output,

    /// Directory for the sync job's lists (synclist-ARCH-BUILDID.txt), the request (request.md) and sync.json;
    /// replaces those of an earlier run
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, help_heading = "Output")]
    pub dest: Option<PathBuf>,
}

const EXAMPLES: &str = "\
Examples:
  export OPENSHIFT_INSTALL_COREOS_STREAM_PREFIX=https://b.example/art/storage
  art-mirror-validate sync-list
      show what the build pipeline must upload or the sync job must mirror
  art-mirror-validate sync-list --release-version 4.19.0-ec.0 --dest request/
      write the lists and command lines of the sync job for a release

A list for the sync job is always a whole build, because the job deletes what
its list does not name. If the list would be incomplete, or the job would
destroy other files, no list is written and the reason is given. The bridge is
checked for every file first.

Exit status:
  0  everything requested is listed; there may be nothing to mirror
  1  the bridge lacks a file, mirroring would not fix one, or a list is refused
  2  usage error, unusable document, or two builds for one directory
  3  something could not be determined";

pub(super) fn run(args: &SyncListArgs, quiet: bool) -> Exit {
    network::run(async |stop| match list(args, quiet, stop).await {
        Ok(exit) | Err(exit) => exit,
    })
}

async fn list(args: &SyncListArgs, quiet: bool, mut stop: Stop<'_>) -> Result<Exit, Exit> {
    let deadline = Instant::now().checked_add(args.deadline);
    let choice = args.target.choose().map_err(unusable)?;
    let destinations = Destinations::of(args, &choice).map_err(unusable)?;
    let mut rules = choice.rules();
    rules.allowed.extend(destinations.release.iter().flat_map(|choice| choice.rules().allowed));
    // Documents may name files on a bridge, which are requested there.
    rules.bridges = true;
    rules.allowed.extend(crate::location::BRIDGE_HOSTS.iter().filter_map(|host| host.parse().ok()));
    let settings = client_settings(&args.network, rules).map_err(unusable)?;
    let prober = Prober::new(Client::new(settings));
    let sources = unless_stopped(&mut stop, load(&args.sources, &prober)).await?.map_err(unusable)?;
    let mut filtered: Vec<_> = sources.documents.iter().map(|sourced| sourced.document.clone()).collect();
    let filtered = args.filters.apply(&mut filtered.iter_mut().collect::<Vec<_>>());
    filtered.map_err(unusable)?;

    let mut files = destinations.candidates(args, &sources).map_err(unusable)?;
    let is_on_bridge =
        |file: &Candidate<'_>| file.left_out.is_none() && is_on_bridge(&file.artifact.location);
    if choice.bridge.is_none() && !files.iter().any(is_on_bridge) {
        return Err(unusable(format!(
            "the files are fetched from a bridge: name it with --stream-prefix, or set {}",
            env::STREAM_PREFIX
        )));
    }
    let mut judge = async |files: &mut [&mut Candidate<'_>], at: &dyn Fn(&Candidate<'_>) -> Case| {
        let cases: Vec<Case> = files.iter().map(|file| at(file)).collect();
        network::judge(&prober, &cases, deadline, stop.as_mut(), quiet).await
    };
    let case = |file: &Candidate<'_>, choice: &Choice, location: Option<&ArtifactUrl>| {
        let case = choice.case(file.sourced, file.artifact, Verify::Auto, Strictness::Ignore);
        Case { location: location.map_or(case.location, |url| Ok(url.clone())), ..case }
    };
    let mut judged = remaining(&mut files);
    let at = |file: &Candidate<'_>| case(file, destinations.choice(file.artifact), file.destination.as_ref());
    let outcomes = judge(&mut judged, &at).await?;
    judged.into_iter().zip(outcomes).for_each(|(file, outcome)| set_state(file, &outcome));
    if !args.all {
        drop_complete(&mut files);
    }

    let bridge = Choice {
        target: choice.bridge.clone().map_or(Target::Published, Target::Bridge),
        bridge: None,
        notes: Vec::new(),
    };
    for file in remaining(&mut files) {
        match at_bridge(&bridge, file.artifact) {
            Ok(url) => file.url = Some(url),
            Err(message) => file.left_out = Some(LeftOut::Unlisted(WhyUnlisted::NoPlace, message)),
        }
    }
    let mut judged = remaining(&mut files);
    let outcomes = judge(&mut judged, &|file| case(file, &bridge, file.url.as_ref())).await?;
    judged.into_iter().zip(outcomes).for_each(|(file, outcome)| set_bridge(file, &outcome));

    let prow = prow::context();
    let mut list = SyncList::of(
        files,
        destinations.release.as_ref().unwrap_or(&destinations.named).reported(),
        choice.bridge.as_ref().map(ToString::to_string),
        &prow,
    );
    let mut answers: BTreeMap<ArtifactUrl, Fetched> = BTreeMap::new();
    for url in list.builds.iter().flat_map(SyncBuild::state_files).collect::<BTreeSet<_>>() {
        let answer = unless_stopped(&mut stop, prober.optional_document(&url)).await?;
        answers.insert(url, answer.map_err(|error| error.to_string()));
    }
    for build in &mut list.builds {
        build.evaluate(&answers, args.replace);
    }
    list.assign_lists();
    list.notes.extend(destinations.note(&list));
    for note in &choice.notes {
        network::print_note(note);
    }
    let written = args.dest.as_deref().map(|directory| write(directory, &list, &prow));
    let mut exit = exit_of(&list);
    if let Some(Err(problem)) = written {
        exit = unusable(problem);
    }
    Ok(print(exit, |out| match args.output {
        Output::Human => list.write_human(out, &prow),
        Output::Markdown => list.write_markdown(out, &prow),
        Output::Json => json::pretty(out, &list),
    }))
}

fn is_on_bridge(location: &str) -> bool {
    ArtifactUrl::parse(location).is_ok_and(|it| HostKind::of(it.host()) == HostKind::Bridge)
}

/// The URL of a file on the configured bridge, or the document's own if that is on a bridge.
fn at_bridge(bridge: &Choice, artifact: &Artifact) -> Result<ArtifactUrl, String> {
    if bridge.target == Target::Published && !is_on_bridge(&artifact.location) {
        return Err("its location is not on a bridge, and no --stream-prefix names one".to_owned());
    }
    bridge.locate(&artifact.location, &artifact.release).map_err(|error| error.to_string())
}

/// The targets where files should be.
struct Destinations {
    /// The mirror of the arguments, or else the literal locations. A bridge is never a destination.
    named: Choice,
    /// The directories of `--release-version`.
    release: Option<Choice>,
}

impl Destinations {
    fn of(args: &SyncListArgs, choice: &Choice) -> Result<Self, String> {
        let bridge = &choice.bridge;
        let of = |target| Choice { target, bridge: bridge.clone(), notes: Vec::new() };
        let named = match &choice.target {
            Target::Mirror(_) | Target::Flat(_) => choice.target.clone(),
            Target::Published | Target::PublishedPlace | Target::Bridge(_) => Target::Published,
        };
        let release = args.release_version.clone().map(|release| {
            let public = || Prefix::parse(PUBLIC_MIRROR).map_err(|error| error.to_string());
            let base = args.target.mirror.clone().map_or_else(public, Ok)?;
            Arrangement::Release(release).target(base)
        });
        Ok(Self { named: of(named), release: release.transpose()?.map(of) })
    }

    /// The target of an artifact. Without --mirror, --release-version does not move what a document has in a directory
    /// of ART's mirror.
    fn choice(&self, artifact: &Artifact) -> &Choice {
        let literal = ArtifactUrl::parse(&artifact.location);
        let is_on_mirror = literal.is_ok_and(|url| Owner::of_path(&url) == Owner::SyncJob);
        let stays = is_on_mirror && self.named.target == Target::Published;
        self.release.as_ref().filter(|_| !stays).unwrap_or(&self.named)
    }

    /// All artifacts, with their destinations. It is an error if two builds have the same directory.
    fn candidates<'s>(
        &self,
        args: &SyncListArgs,
        sources: &'s Sources,
    ) -> Result<Vec<Candidate<'s>>, String> {
        let mut candidates = Vec::new();
        let mut directories = Directories::default();
        let all = sources
            .documents
            .iter()
            .flat_map(|sourced| sourced.document.artifacts.iter().map(move |artifact| (sourced, artifact)));
        for (sourced, artifact) in all {
            let place = self.choice(artifact).locate(&artifact.location, &artifact.release);
            let left_out = match &place {
                _ if !args.filters.matches(&sourced.document, &artifact.id) => Some(LeftOut::Filtered),
                Err(error) => Some(LeftOut::Unlisted(WhyUnlisted::NoPlace, error.to_string())),
                Ok(destination) => {
                    let claimed =
                        directories.claim_for(destination, &sourced.document.name, &artifact.release);
                    claimed.map_err(|error| error.to_string())?;
                    None
                }
            };
            candidates.push(Candidate { left_out, ..Candidate::new(sourced, artifact, place.ok()) });
        }
        Ok(candidates)
    }

    /// With --release-version, a note if the sync job does not fill the locations that the documents name.
    fn note(&self, list: &SyncList) -> Option<String> {
        self.release.as_ref()?;
        let elsewhere = list.builds.iter().flat_map(|build| &build.files).find(|file| {
            let literal = ArtifactUrl::parse(&file.location);
            literal.is_ok_and(|url| bucket_directory(&url).is_some())
        })?;
        let host =
            ArtifactUrl::parse(&elsewhere.location).map(|url| excerpt(url.host(), 100)).unwrap_or_default();
        Some(format!(
            "the documents name {host}, which the sync job does not fill: check --published sees nothing of what \
             it does. Without --release-version, sync-list says what the build pipeline must upload there"
        ))
    }
}

/// The candidates that are not left out.
fn remaining<'f, 's>(files: &'f mut [Candidate<'s>]) -> Vec<&'f mut Candidate<'s>> {
    files.iter_mut().filter(|file| file.left_out.is_none()).collect()
}

/// Sets the state of a file at its destination. A file that mirroring would not correct is left out.
fn set_state(file: &mut Candidate<'_>, outcome: &Outcome) {
    file.state = match deciding_reason(outcome) {
        None => SyncState::Present,
        Some(Reason::Missing) => SyncState::Missing,
        Some(Reason::SizeMismatch | Reason::Sha256Mismatch) => SyncState::Wrong,
        Some(reason) => {
            if reason.verdict() != Verdict::Inconclusive {
                file.left_out = Some(LeftOut::Unlisted(WhyUnlisted::NotForArt, outcome.message()));
            }
            SyncState::Undetermined
        }
    };
    file.message = (file.state != SyncState::Present).then(|| outcome.message());
}

/// Leaves out a file that the bridge does not have.
fn set_bridge(file: &mut Candidate<'_>, outcome: &Outcome) {
    file.size = outcome.observed_size;
    file.left_out = deciding_reason(outcome).map(|reason| {
        let why = match reason.verdict() {
            Verdict::Inconclusive => WhyUnlisted::Undetermined,
            Verdict::Fail | Verdict::Pass => WhyUnlisted::NotOnBridge,
        };
        LeftOut::Unlisted(why, outcome.message())
    });
}

/// Drops the files in directories that are complete.
fn drop_complete(files: &mut Vec<Candidate<'_>>) {
    let incomplete: BTreeSet<String> = remaining(files)
        .into_iter()
        .filter(|file| file.state != SyncState::Present)
        .filter_map(|file| file.directory().map(str::to_owned))
        .collect();
    let is_needed = |file: &Candidate<'_>| file.directory().is_some_and(|it| incomplete.contains(it));
    files.retain(|file| file.left_out.is_some() || is_needed(file));
}

/// The first reason that concerns the presence of a file. A missing published digest does not.
fn deciding_reason(outcome: &Outcome) -> Option<Reason> {
    outcome.findings.iter().map(Finding::reason).find(|reason| *reason != Reason::NoDigest)
}

fn exit_of(list: &SyncList) -> Exit {
    let unlisted = list.unlisted.iter().map(|it| it.why == WhyUnlisted::Undetermined);
    let refused = list.builds.iter().flat_map(|build| &build.refused);
    // The user asked for a part of the build.
    let refused =
        refused.filter(|it| it.why != WhyRefused::Part).map(|it| it.why == WhyRefused::Undetermined);
    let mut undetermined = unlisted.chain(refused).peekable();
    if undetermined.peek().is_none() {
        Exit::Pass
    } else if undetermined.all(|it| it) {
        Exit::Inconclusive
    } else {
        Exit::Fail
    }
}

/// Writes the lists, the request and the JSON, each atomically. Deletes the lists of an earlier run, which may be for
/// another build, or for one that is refused now.
fn write(directory: &Path, list: &SyncList, prow: &ProwContext) -> Result<(), String> {
    let failed = |path: &Path, error: io::Error| format!("{}: {error}", path.display());
    fs::create_dir_all(directory).map_err(|error| failed(directory, error))?;
    for entry in fs::read_dir(directory).map_err(|error| failed(directory, error))? {
        let entry = entry.map_err(|error| failed(directory, error))?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with("synclist-") && name.ends_with(".txt") {
            fs::remove_file(entry.path()).map_err(|error| failed(&entry.path(), error))?;
        }
    }
    for build in &list.builds {
        let Some(synclist) = build.sync_job.as_ref().and_then(|job| job.synclist.as_ref()) else { continue };
        let path = directory.join(synclist);
        atomic::write(directory, &path, &|out| out.write_all(build.lines().as_bytes()))
            .map_err(|error| failed(&path, error))?;
    }
    let request = directory.join("request.md");
    atomic::write(directory, &request, &|out| list.write_markdown(out, prow))
        .map_err(|error| failed(&request, error))?;
    let json = directory.join("sync.json");
    atomic::write(directory, &json, &|out| json::pretty(out, list)).map_err(|error| failed(&json, error))
}
