//! `check`: runs the gate.

mod observer;

use std::collections::BTreeMap;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, ValueHint};
use tokio::time::Instant;

use super::args::{NetworkArgs, Output, Source, TargetArgs, duration, source};
use super::base::{self, NoBase};
use super::cloud::References;
use super::filters::Filters;
use super::load::{client_settings, load};
use super::refs::{RefArgs, marketplace_lags};
use super::target::Choice;
use super::{Exit, env, lint, network, print_error, printed, signals};
use crate::gate::{self, Case, Ended, Judged, TimeLimits};
use crate::handoff::request;
use crate::location::{self, rewrite};
use crate::probe::{Client, Keyring, Prober};
use crate::report::bounds::fit_lines;
use crate::report::model::{ArtifactReport, Changes, DocumentReport, Report};
use crate::report::summary::{self, Audience};
use crate::report::written::Written;
use crate::report::{advise, files, json, markdown};
use crate::stream::{Artifact, Claims, MetaJsonClaim, Partition, RefDocuments, Sha256, Sourced, Sources};
use crate::verdict::{Outcome, Strictness, Verdict, Verify};

use observer::RunObserver;

#[expect(clippy::doc_markdown, reason = "the comments of arguments are the help texts")]
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct CheckArgs {
    /// Installer checkout, stream file, manifest or directory of manifests whose ConfigMaps hold streams, https://
    /// URL of a stream file, or - for standard input
    #[arg(value_name = "SOURCE", default_value = ".", value_parser = source, value_hint = ValueHint::AnyPath)]
    pub sources: Vec<Source>,

    /// How much evidence is required for a pass
    #[arg(long, value_enum, default_value_t, help_heading = "What is checked")]
    pub verify: Verify,

    /// How to treat a missing detached signature
    #[arg(long, value_enum, default_value_t, help_heading = "What is checked")]
    pub signatures: Strictness,

    /// How to treat a missing or malformed cloud reference: a VHD in Azure, a container image, an object in IBM Cloud,
    /// an AMI
    #[arg(long, value_name = "MODE", value_enum, default_value_t, help_heading = "What is checked")]
    pub cloud_images: Strictness,

    /// Also report which artifacts the checkout changed since it diverged from this branch, tag or commit; no verdict
    /// depends on it [default: $PULL_BASE_SHA, if the checkout has that commit]
    #[arg(long, value_name = "REF", help_heading = "What is checked")]
    pub base: Option<String>,
    /// OpenPGP public keys, as gpg --export writes them, to verify sha256sum.txt.gpg and the signatures of artifacts,
    /// which are downloaded for that
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "What is checked")]
    pub keyring: Option<PathBuf>,

    /// Check only the K-th of N disjoint parts; a hash of each artifact decides its part
    #[arg(long, value_name = "K/N", help_heading = "What is checked")]
    pub partition: Option<Partition>,

    #[command(flatten)]
    pub filters: Filters,

    #[command(flatten)]
    pub refs: RefArgs,

    #[command(flatten)]
    pub target: TargetArgs,

    #[command(flatten)]
    pub network: NetworkArgs,

    /// Time limit of the whole run [default: 4h plus the time of --wait]
    #[arg(long, value_name = "DURATION", value_parser = duration, help_heading = "Time")]
    pub deadline: Option<Duration>,

    /// Keep checking missing artifacts until they appear or this time has passed
    #[arg(long, value_name = "DURATION", value_parser = duration, help_heading = "Time")]
    pub wait: Option<Duration>,

    /// Time between two checks of missing artifacts
    #[arg(long, value_name = "DURATION", default_value = "1m", value_parser = pause, help_heading = "Time")]
    pub wait_interval: Duration,

    /// Output format
    #[arg(long, value_enum, default_value_t, help_heading = "Output")]
    pub output: Output,

    /// Directory for the reports: JUnit XML, JSON and HTML [default: $ARTIFACTS, or $ARTIFACT_DIR]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, help_heading = "Output")]
    pub artifacts_dir: Option<PathBuf>,
}

impl CheckArgs {
    /// The time limit of the whole run.
    pub fn deadline(&self) -> Duration {
        const FOR_ONE_ROUND: Duration = Duration::from_secs(4 * 60 * 60);
        self.deadline.unwrap_or_else(|| FOR_ONE_ROUND.saturating_add(self.wait.unwrap_or_default()))
    }
}

const EXAMPLES: &str = "\
Examples:
  art-mirror-validate check
      the installer checkout in this directory
  art-mirror-validate check --published
      the same, ignoring the environment: the required presubmit
  art-mirror-validate check -a s390x -p metal
      only the metal artifacts of s390x
  art-mirror-validate check --base origin/main
      and say what this branch changes
  art-mirror-validate check --wait 2h
      wait until ART has mirrored everything, for up to two hours
  art-mirror-validate check --ref main --ref 'release-*' --git installer
      what users of every branch install from
  oc get -n openshift-machine-config-operator configmap coreos-bootimages \\
    -o yaml | art-mirror-validate check -
      what a cluster boots from

Exit status:
  0    every artifact passed
  1    at least one artifact is missing, wrong or not at a published location
  2    usage error or unusable document; nothing was requested
  3    nothing is known to be wrong, but something could not be determined
  130  interrupted (143: terminated); the reports contain what was known";

/// Parses a duration other than zero.
fn pause(text: &str) -> Result<Duration, String> {
    match duration(text)? {
        Duration::ZERO => Err("expected more than nothing".to_owned()),
        pause => Ok(pause),
    }
}

/// The most requests to one host at a time for a run over refs.
const CONCURRENCY_OF_REFS: usize = 1_000;

/// Practically forever, but still within the range of clocks.
const A_CENTURY: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

pub(super) fn run(args: CheckArgs, quiet: bool) -> Exit {
    network::run(async |stop| check(args, quiet, stop).await)
}

async fn check(args: CheckArgs, quiet: bool, mut stop: network::Stop<'_>) -> Exit {
    let started = Instant::now();
    if let Some(directory) = reports_directory(args.artifacts_dir.as_deref()) {
        files::remove_earlier(&directory);
    }
    let mut choice = match args.target.choose() {
        Ok(choice) => choice,
        Err(problem) => return unusable(&args, None, &problem),
    };
    let (keyring, keys) = match read_keyring(args.keyring.as_deref()) {
        Ok(keyring) => keyring.unzip(),
        Err(problem) => return unusable(&args, Some(&choice), &problem),
    };
    let client = match client_settings(&args.network, choice.rules()) {
        Ok(mut settings) => {
            // Twenty branches have three thousand artifacts; the default would need a dozen round trips.
            if args.refs.is_given() && args.network.concurrency.is_none() {
                settings.concurrency = CONCURRENCY_OF_REFS;
            }
            Client::new(settings)
        }
        Err(problem) => return unusable(&args, Some(&choice), &problem),
    };
    // Loads the trust roots while the documents are read, which takes about as long.
    client.prepare();
    let prober = Prober::new(client).with_keyring(keyring);
    let plan = match plan(&args, &mut choice, &prober, started, &mut stop).await {
        Ok(plan) => plan,
        Err(exit) => return exit,
    };
    let CheckPlan { sources, claims, changes, references, refs } = plan;
    let mut subjects = subjects(&sources, claims);
    let part = args.partition.map(|partition| (partition, scope_digest(&args, keys, &subjects)));
    if let Some(partition) = args.partition {
        subjects.retain(|it| partition.contains(&it.artifact.id, &it.artifact.sha256));
    }
    if let Some(problem) = choice.unsuitable(subjects.iter().map(|it| (&it.sourced.document, it.artifact))) {
        return unusable(&args, Some(&choice), &problem);
    }
    let cases: Vec<Case> = subjects.iter().map(|subject| subject.case(&args, &choice)).collect();
    let mut report = Report { changes, verify: Some(args.verify), ..empty_report(Some(&choice), &sources) };
    let mut observer = RunObserver::new(&args, quiet, &subjects, &cases);
    observer.begin(&report);

    let limits = TimeLimits {
        deadline: started.checked_add(args.deadline()),
        wait: args
            .wait
            .and_then(|wait| Some((started.checked_add(wait.min(A_CENTURY))?, args.wait_interval))),
    };
    let Judged { artifacts: outcomes, clouds, ended } =
        gate::run(&prober, &cases, references.to_judge(), limits, stop, &mut observer).await;
    let (artifacts, log) = observer.into_artifacts(&outcomes);
    // Frees memory: with many artifacts, these are as large as the reports, and no longer needed.
    drop((outcomes, cases, prober));

    let interrupt = match ended {
        Some(Ended::Stopped(interrupt)) => Some(interrupt),
        Some(Ended::Deadline) | None => None,
    };
    report = report.of(artifacts);
    report.interrupted_by = interrupt.map(|interrupt| interrupt.name.to_owned());
    report.elapsed_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    if let Some((partition, scope)) = part {
        report = report.part(partition, scope);
    }
    let documents: Vec<Arc<str>> =
        sources.documents.iter().map(|sourced| Arc::clone(&sourced.document.name)).collect();
    report = report.with_refs(&refs, &documents).with_cloud(args.cloud_images, references.reports(&clouds));
    if let Some(mut log) = log {
        for of_ref in &report.refs {
            let _ = log.news(&of_ref.line());
            for remark in &of_ref.remarks {
                let _ = log.news(&format!("{}: {remark}", of_ref.name));
            }
        }
        for reference in &report.cloud_images {
            let _ = log.cloud(reference, args.cloud_images);
        }
        for note in &report.notes {
            let _ = log.note(note);
        }
    }
    let is_for_pull_request = report.prow.retest().is_some();
    advise(&mut report, |document| rewritable(&args.sources, document, is_for_pull_request));
    let reader = if quiet { Audience::QuietLog } else { Audience::Log };
    let exit = finish(args.output, reader, args.artifacts_dir.as_deref(), report);
    interrupt.map_or(exit, |interrupt| interrupt.exit)
}

struct CheckPlan {
    sources: Sources,
    /// The claims of each document, by architecture.
    claims: Vec<BTreeMap<Arc<str>, Arc<Claims>>>,
    changes: Option<Changes>,
    references: References,
    /// The refs that the documents are from, each with its messages about lagging marketplace images.
    refs: Vec<(RefDocuments, Vec<String>)>,
}

/// Reads the documents and the base. The error is the exit status of a run that ends here.
async fn plan(
    args: &CheckArgs,
    choice: &mut Choice,
    prober: &Prober,
    started: Instant,
    stop: &mut network::Stop<'_>,
) -> Result<CheckPlan, Exit> {
    let read = async {
        if args.refs.is_given() {
            return args.refs.read().await.map(|read| {
                let lags = marketplace_lags(&read);
                (read.sources, read.refs.into_iter().zip(lags).collect())
            });
        }
        load(&args.sources, prober).await.map(|sources| (sources, Vec::new()))
    };
    let sources = tokio::select! {
        biased;
        interrupt = &mut *stop => return Err(interrupted(args, choice, interrupt)),
        loaded = tokio::time::timeout(args.deadline(), read) => loaded,
    };
    let Ok(sources) = sources else {
        unusable(args, Some(choice), "the deadline passed before the documents were read");
        return Err(Exit::Inconclusive);
    };
    let (mut sources, refs) = sources.map_err(|problems| unusable(args, Some(choice), &problems))?;
    let deadline = started.checked_add(args.deadline()).map(Instant::into_std);
    let sources_of_base = if args.refs.is_given() { &[][..] } else { &args.sources };
    let base = tokio::select! {
        biased;
        interrupt = stop => return Err(interrupted(args, choice, interrupt)),
        base = base::read(args.base.clone(), sources_of_base, deadline) => base,
    };
    let base = match base {
        Ok(base) => Some(base),
        Err(NoBase::NotGiven) => None,
        Err(NoBase::Unreadable(why)) => {
            choice.notes.push(why);
            None
        }
        Err(NoBase::Unusable(problem)) => return Err(unusable(args, Some(choice), &problem)),
    };
    if !args.refs.is_given() {
        choice.notes.extend(lint::notes(&args.sources, &sources, base.as_ref()));
    }
    let claims = sources.documents.iter().map(|sourced| Claims::of(&sourced.document)).collect();
    let mut documents: Vec<_> = sources.documents.iter_mut().map(|sourced| &mut sourced.document).collect();
    args.filters.apply(&mut documents).map_err(|error| unusable(args, Some(choice), &error.to_string()))?;
    let changes = base.map(|base| base.changes_to(&args.filters, &sources));
    // A partitioned run checks cloud references in its first part.
    let checks_clouds =
        choice.target == location::Target::Published && args.partition.is_none_or(|it| it.part() == 1);
    let mode = if checks_clouds { args.cloud_images } else { Strictness::Ignore };
    let references = References::of(mode, &args.filters, &sources)
        .map_err(|problem| unusable(args, Some(choice), &problem))?;
    Ok(CheckPlan { sources, claims, changes, references, refs })
}

/// The path of a document, if all its URLs can be moved to their published locations. In a report for a pull request,
/// it is relative to the root of the checkout, because the reader's checkout is elsewhere than the job's.
fn rewritable(sources: &[Source], document: &str, from_root: bool) -> Option<String> {
    let paths = sources.iter().filter_map(|source| match source {
        Source::Path(path) if path.is_dir() => Some(path.join(document)),
        Source::Path(path) => (path.as_os_str() == document).then(|| path.clone()),
        Source::Stdin | Source::Url(_) => None,
    });
    let movable = |path: &PathBuf| {
        let text = std::fs::read_to_string(path).ok()?;
        rewrite(document, &text, &location::Target::PublishedPlace).ok()
    };
    let path = paths.into_iter().find(|path| movable(path).is_some())?;
    if from_root {
        Some(document.to_owned())
    } else {
        path.strip_prefix(".").unwrap_or(&path).to_str().map(str::to_owned)
    }
}

/// The keys of `--keyring`, and the digest of the file; `None` without the option.
fn read_keyring(file: Option<&Path>) -> Result<Option<(Keyring, Sha256)>, String> {
    let Some(file) = file else { return Ok(None) };
    let problem = |why: String| format!("--keyring {}: {why}", file.display());
    let bytes = std::fs::read(file).map_err(|error| problem(error.to_string()))?;
    let keyring = Keyring::open(&bytes).map_err(|error| problem(error.to_string()))?;
    Ok(Some((keyring, Sha256::of(&bytes))))
}

/// An artifact and its document.
struct CheckedArtifact<'s> {
    sourced: &'s Sourced,
    artifact: &'s Artifact,
    /// Its index in the unpartitioned run.
    index: usize,
    /// The document's claims about the artifact's architecture; only the first artifact of each has them.
    claims: Option<Arc<Claims>>,
    /// The artifact's id, after its document's name if there are several.
    id: String,
}

/// All artifacts. The first one of an architecture in a document gets the claims about that architecture.
fn subjects(sources: &Sources, mut claims: Vec<BTreeMap<Arc<str>, Arc<Claims>>>) -> Vec<CheckedArtifact<'_>> {
    let several = sources.documents.len() > 1;
    let all = sources.documents.iter().enumerate().flat_map(|(at, sourced)| {
        sourced.document.artifacts.iter().map(move |artifact| (at, sourced, artifact))
    });
    let all = all.enumerate().map(|(index, (at, sourced, artifact))| CheckedArtifact {
        sourced,
        artifact,
        index,
        claims: claims.get_mut(at).and_then(|claims| claims.remove(&artifact.id.arch)),
        id: if several {
            format!("{}:{}", sourced.document.name, artifact.id)
        } else {
            artifact.id.to_string()
        },
    });
    all.collect()
}

/// A digest of what all parts of a run must have in common and reports do not contain otherwise: the selected
/// artifacts, and the options that can change a verdict.
fn scope_digest(args: &CheckArgs, keys: Option<Sha256>, subjects: &[CheckedArtifact<'_>]) -> Sha256 {
    use std::fmt::Write as _;

    let mut text = String::new();
    let CheckArgs { signatures, cloud_images, network, .. } = args;
    let hosts = (&network.allow_host, network.allow_private_addresses);
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{signatures:?} {cloud_images:?} {keys:?} {hosts:?}");
    for CheckedArtifact { id, artifact, .. } in subjects {
        let _ = writeln!(text, "{id:?} {} {:?}", artifact.sha256, artifact.location);
    }
    Sha256::of(text.as_bytes())
}

impl CheckedArtifact<'_> {
    fn case(&self, args: &CheckArgs, choice: &Choice) -> Case {
        let artifact = self.artifact;
        let mut case = choice.case(self.sourced, artifact, args.verify, args.signatures);
        case.expectation.claim = Some(MetaJsonClaim {
            id: artifact.id.clone(),
            release: Arc::clone(&artifact.release),
            file_name: artifact.location.rsplit('/').next().unwrap_or_default().into(),
            claims: self.claims.clone(),
        });
        case
    }

    fn report(&self, case: Option<&Case>, outcome: &Outcome) -> ArtifactReport {
        let url = case.and_then(|case| case.location.as_ref().ok()).map(ToString::to_string);
        let name = &self.sourced.document.name;
        let report = ArtifactReport::of(name, &self.id, self.artifact, url, outcome);
        ArtifactReport { index: self.index, ..report }
    }
}

/// The report of a run over these documents, without results.
fn empty_report(choice: Option<&Choice>, sources: &Sources) -> Report {
    let mut report = Report::begun(choice.map(Choice::reported).unwrap_or_default());
    report.prow = super::prow::context();
    let documents = sources.documents.iter().map(|Sourced { document, .. }| DocumentReport {
        name: Arc::clone(&document.name),
        sha256: document.sha256,
        artifacts: document.artifacts.len(),
    });
    report.documents = documents.collect();
    report.skipped.clone_from(&sources.skipped);
    report.notes = choice.map(|choice| choice.notes.clone()).unwrap_or_default();
    fit_lines(&mut report.notes);
    report
}

fn print_line(note: &str) {
    let _ = writeln!(anstream::stderr(), "{note}");
}

/// Writes reports that say why nothing was checked, so that the job's pages do not show an earlier run's verdict.
fn unusable(args: &CheckArgs, choice: Option<&Choice>, problems: &str) -> Exit {
    let mut report = empty_report(choice, &Sources::default());
    report.problems = problems.lines().map(str::to_owned).collect();
    fit_lines(&mut report.problems);
    print_error(report.problems.join("\n"));
    write_files(args.artifacts_dir.as_deref(), &report);
    Exit::Unusable
}

/// Writes reports of a run that was interrupted while it read its documents.
fn interrupted(args: &CheckArgs, choice: &Choice, interrupt: signals::Interrupt) -> Exit {
    let mut report = empty_report(Some(choice), &Sources::default());
    report.interrupted_by = Some(interrupt.name.to_owned());
    write_files(args.artifacts_dir.as_deref(), &report);
    interrupt.exit
}

/// The directory for reports; `None` if neither the option nor the environment names one.
fn reports_directory(artifacts_dir: Option<&Path>) -> Option<PathBuf> {
    let from_environment = || env::path(env::ARTIFACTS).or_else(|| env::path(env::ARTIFACT_DIR));
    artifacts_dir.map(Path::to_path_buf).or_else(from_environment)
}

/// Writes the reports to their directory, if there is one.
fn write_files(artifacts_dir: Option<&Path>, report: &Report) -> Written {
    let Some(directory) = reports_directory(artifacts_dir) else { return Written::default() };
    let written = files::write(&directory, report);
    for error in &written.errors {
        print_error(error);
    }
    written
}

/// Writes the files and the output, and returns the exit status. `reader` applies if standard output is not a terminal.
pub(super) fn finish(output: Output, reader: Audience, artifacts_dir: Option<&Path>, report: Report) -> Exit {
    let mut exit = match report.verdict {
        Verdict::Pass => Exit::Pass,
        Verdict::Fail => Exit::Fail,
        Verdict::Inconclusive => Exit::Inconclusive,
    };
    let report = &Report { request: request::write(&report), ..report };
    // An old report could be taken for this run's, so a run that cannot write its reports does not pass.
    let written = write_files(artifacts_dir, report);
    if !written.errors.is_empty() && exit == Exit::Pass {
        exit = Exit::Inconclusive;
    }
    let reader = if io::stdout().is_terminal() { Audience::Terminal } else { reader };
    let mut out = io::BufWriter::new(anstream::stdout());
    let shown = match output {
        Output::Json => json::write(&mut out, report),
        Output::Markdown => markdown::write(&mut out, report, &written),
        Output::Human => summary::write(&mut out, report, &written, reader),
    };
    let exit = printed(shown.and_then(|()| out.flush()), exit);
    if let Some(path) = written.request.filter(|_| output != Output::Human) {
        print_line(&format!("the request, to copy: {}", path.display()));
    }
    exit
}
