//! `sync-list`: what ART is to mirror, in the form that its sync job takes.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, ValueHint};
use tokio::time::Instant;

use super::args::{Filters, NetworkArgs, Output, Source, TargetArgs, duration, source};
use super::load::{client_settings, load};
use super::network::{self, Stop};
use super::target::Choice;
use super::{Exit, Verbosity, complain, env, prow};
use crate::gate::Case;
use crate::handoff::sync::{Available, Findings, SyncFile, SyncList, Unlisted, WhyUnlisted};
use crate::location::{HostKind, Literal, OcpVersion, Target, resolve};
use crate::probe::{AllowedHost, Client, Prober};
use crate::report::files::write_atomically;
use crate::stream::{Artifact, BuildFile, Sources};
use crate::text::json;
use crate::verdict::{Expectation, Finding, Outcome, Reason, Signatures, Verdict, Verify};

/// `sync-list`
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct SyncListArgs {
    /// An installer checkout, a stream file, a ConfigMap manifest, an https:// URL of a stream file, or - for
    /// standard input
    #[arg(value_name = "SOURCE", default_value = ".", value_parser = source, value_hint = ValueHint::AnyPath)]
    pub sources: Vec<Source>,

    /// Every file, not only what is missing
    #[arg(long)]
    pub all: bool,

    /// The OpenShift release that is mirrored, such as 4.19.0-ec.0: the job's --version, where the locations
    /// do not say one
    #[arg(long, value_name = "VERSION")]
    pub release_version: Option<OcpVersion>,

    /// Which artifacts.
    #[command(flatten)]
    pub filters: Filters,

    /// Where the bridge is, and where files are missing.
    #[command(flatten)]
    pub target: TargetArgs,

    /// How requests are made.
    #[command(flatten)]
    pub network: NetworkArgs,

    /// How long all of it may take
    #[arg(long, value_name = "DURATION", default_value = "1h", value_parser = duration, help_heading = "Network")]
    pub deadline: Duration,

    /// What standard output gets
    #[arg(long, value_enum, default_value_t, help_heading = "Output")]
    pub output: Output,

    /// A directory for the lists (synclist-ARCH-BUILDID.txt), the request (request.md) and sync.json
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, help_heading = "Output")]
    pub dest: Option<PathBuf>,
}

const EXAMPLES: &str = "\
Examples:
  export OPENSHIFT_INSTALL_COREOS_STREAM_PREFIX=https://b.example/art/storage
  art-mirror-validate sync-list            the request to ART
  art-mirror-validate sync-list --release-version 4.19.0-ec.0 --dest request/
  art-mirror-validate sync-list --all -a s390x rhcos.json

The bridge is asked for every file first; what it does not have is reported, and
not listed.

Exit status:
  0  every file that was asked for is listed; there may be none to mirror
  1  at least one is not: the bridge lacks it, or mirroring would not mend it
  2  wrong usage, or a document that cannot be used
  3  something could not be determined";

/// Finds out, lists and prints.
pub(super) fn run(args: &SyncListArgs, verbosity: Verbosity) -> Exit {
    network::run(async |stop| match list(args, verbosity, stop).await {
        Ok(exit) | Err(exit) => exit,
    })
}

/// One artifact, and where it stands.
struct Subject<'s> {
    document: &'s Arc<str>,
    artifact: &'s Artifact,
    legacy: Vec<BuildFile>,
}

async fn list(args: &SyncListArgs, verbosity: Verbosity, mut stop: Stop<'_>) -> Result<Exit, Exit> {
    let unusable = |problem: String| {
        complain(problem);
        Exit::Unusable
    };
    let deadline = Instant::now().checked_add(args.deadline);
    let choice = args.target.choose().map_err(unusable)?;
    let mut rules = choice.rules();
    // Files that the documents themselves have on a bridge are asked for there.
    rules.bridges = true;
    rules.allowed.extend(known_bridges());
    let settings = client_settings(&args.network, rules).map_err(unusable)?;
    let prober = Prober::new(Client::new(settings));
    let sources = tokio::select! {
        biased;
        interrupt = &mut stop => return Err(interrupt.exit()),
        loaded = load(&args.sources, &prober) => loaded,
    };
    let mut sources = sources.map_err(unusable)?;
    let mut documents: Vec<_> = sources.documents.iter_mut().map(|sourced| &mut sourced.document).collect();
    args.filters.apply(&mut documents).map_err(|error| unusable(error.to_string()))?;
    let subjects = subjects(&sources);
    let missing = Missing::of(&choice);
    if choice.bridge.is_none() && !subjects.iter().any(|subject| is_on_bridge(subject.artifact)) {
        return Err(unusable(format!(
            "the files are fetched from a bridge, and nothing says which: pass --stream-prefix, or set {}",
            env::STREAM_PREFIX
        )));
    }

    let mut findings = Findings::default();
    let wanted = if args.all {
        subjects.iter().collect()
    } else {
        let cases: Vec<Case> = subjects.iter().map(|subject| missing.case(subject)).collect();
        let outcomes = network::judge(&prober, &cases, deadline, stop.as_mut(), verbosity).await;
        let outcomes = outcomes.map_err(super::signals::Interrupt::exit)?;
        missing.sift(&subjects, &outcomes, &mut findings)
    };
    let mut asked: Vec<(&Subject<'_>, Literal)> = Vec::new();
    for subject in wanted {
        match at_bridge(&choice, subject.artifact) {
            Ok(place) => asked.push((subject, place)),
            Err(message) => {
                findings.unlisted.push(subject.unlisted(None, WhyUnlisted::NoPlace, message));
            }
        }
    }
    let cases: Vec<Case> = asked.iter().map(|(subject, place)| subject.case(Ok(place.clone()))).collect();
    let outcomes = network::judge(&prober, &cases, deadline, stop, verbosity).await;
    let outcomes = outcomes.map_err(super::signals::Interrupt::exit)?;
    for ((subject, place), outcome) in asked.into_iter().zip(&outcomes) {
        subject.ask_for(place, outcome, &missing, &mut findings);
    }

    let prow = prow::context();
    let missing_from = (!args.all).then(|| missing.reported());
    let bridge = choice.bridge.as_ref().map(ToString::to_string);
    let list = SyncList::of(findings, missing_from, bridge, &prow, args.release_version.as_ref());
    for note in &choice.notes {
        network::remark(note);
    }
    let written = args.dest.as_deref().map(|directory| write(directory, &list, &prow));
    let mut exit = exit_of(&list);
    match written {
        Some(Ok(())) | None => {}
        Some(Err(problem)) => {
            complain(problem);
            exit = Exit::Unusable;
        }
    }
    let mut out = io::BufWriter::new(anstream::stdout());
    let shown = match args.output {
        Output::Human => list.write_human(&mut out),
        Output::Markdown => list.write_markdown(&mut out, &prow),
        Output::Json => json::pretty(&mut out, &list),
    };
    Ok(network::shown(shown.and_then(|()| out.flush()), exit))
}

fn known_bridges() -> impl Iterator<Item = AllowedHost> {
    crate::location::BRIDGE_HOSTS.iter().filter_map(|host| host.parse().ok())
}

fn subjects(sources: &Sources) -> Vec<Subject<'_>> {
    let all = sources.documents.iter().flat_map(|sourced| {
        sourced.document.artifacts.iter().map(move |artifact| {
            let file_name = artifact.location.rsplit('/').next().unwrap_or_default();
            let legacy = sourced.legacy.of(file_name).to_vec();
            Subject { document: &sourced.document.name, artifact, legacy }
        })
    });
    all.collect()
}

fn is_on_bridge(artifact: &Artifact) -> bool {
    Literal::parse(&artifact.location).is_ok_and(|it| HostKind::of(it.host()) == HostKind::Bridge)
}

/// Where the bridge has a file: at the configured one, or where the document says, if that is a bridge.
fn at_bridge(choice: &Choice, artifact: &Artifact) -> Result<Literal, String> {
    let release = (!artifact.release.is_empty()).then_some(&*artifact.release);
    match &choice.bridge {
        Some(prefix) => resolve(&artifact.location, release, &Target::Bridge(prefix.clone()))
            .map_err(|error| error.to_string()),
        None if is_on_bridge(artifact) => {
            Literal::parse(&artifact.location).map_err(|error| error.to_string())
        }
        None => {
            Err("its location is on no bridge, and no --stream-prefix says which bridge has it".to_owned())
        }
    }
}

/// Where files should be, and are missing.
struct Missing {
    choice: Choice,
}

impl Missing {
    /// The mirror that was named, else the literal locations. A bridge is where files are fetched from, so
    /// nothing is missing there.
    fn of(choice: &Choice) -> Self {
        let target = match &choice.target {
            Target::Mirror(_) | Target::Flat(_) => choice.target.clone(),
            Target::Published | Target::PublishedPlace | Target::Bridge(_) => Target::Published,
        };
        Self { choice: Choice { target, bridge: choice.bridge.clone(), notes: Vec::new() } }
    }

    fn reported(&self) -> crate::report::model::Target {
        self.choice.reported()
    }

    fn place(&self, artifact: &Artifact) -> Result<Literal, crate::location::BadLocation> {
        self.choice.place(&artifact.location, &artifact.release)
    }

    fn case(&self, subject: &Subject<'_>) -> Case {
        subject.case(self.place(subject.artifact))
    }

    /// Those that ART should mirror. What mirroring would not mend goes into the findings.
    fn sift<'s>(
        &self,
        subjects: &'s [Subject<'s>],
        outcomes: &[Outcome],
        findings: &mut Findings,
    ) -> Vec<&'s Subject<'s>> {
        let mut wanted = Vec::new();
        for (subject, outcome) in subjects.iter().zip(outcomes) {
            let literal_bridge = self.choice.target == Target::Published && is_on_bridge(subject.artifact);
            let why = match deciding(outcome) {
                None if literal_bridge => None,
                None => continue,
                Some(Reason::Missing | Reason::SizeMismatch | Reason::Sha256Mismatch) => None,
                Some(reason) if reason.verdict() == Verdict::Inconclusive => Some(WhyUnlisted::Undetermined),
                Some(_) => Some(WhyUnlisted::NotForArt),
            };
            match why {
                None => wanted.push(subject),
                Some(why) => {
                    let place = self.place(subject.artifact).ok();
                    findings.unlisted.push(subject.unlisted(place, why, outcome.message()));
                }
            }
        }
        wanted
    }
}

/// What decides whether a file is there. That nobody publishes its digest says nothing of that.
fn deciding(outcome: &Outcome) -> Option<Reason> {
    outcome.findings.iter().map(Finding::reason).find(|reason| *reason != Reason::NoDigest)
}

impl Subject<'_> {
    fn case(&self, location: Result<Literal, crate::location::BadLocation>) -> Case {
        let artifact = self.artifact;
        Case {
            location,
            signature: None,
            bridge: None,
            expectation: Expectation {
                sha256: artifact.sha256,
                uncompressed_sha256: artifact.uncompressed_sha256,
                size: artifact.size,
                uncompressed_size: artifact.uncompressed_size,
                legacy: self.legacy.clone(),
                names_signature: artifact.signature.is_some(),
                verify: Verify::Published,
                signatures: Signatures::Ignore,
            },
        }
    }

    fn unlisted(&self, url: Option<Literal>, why: WhyUnlisted, message: String) -> Unlisted {
        Unlisted {
            document: Arc::clone(self.document),
            id: self.artifact.id.clone(),
            location: self.artifact.location.clone(),
            url,
            why,
            message,
        }
    }

    /// Lists the file, if the bridge has it.
    fn ask_for(&self, place: Literal, outcome: &Outcome, missing: &Missing, findings: &mut Findings) {
        let why = deciding(outcome).map(|reason| match reason.verdict() {
            Verdict::Inconclusive => WhyUnlisted::Undetermined,
            _ => WhyUnlisted::NotOnBridge,
        });
        if let Some(why) = why {
            findings.unlisted.push(self.unlisted(Some(place), why, outcome.message()));
            return;
        }
        let artifact = self.artifact;
        findings.available.push(Available {
            file: SyncFile {
                document: Arc::clone(self.document),
                id: artifact.id.clone(),
                url: place,
                location: artifact.location.clone(),
                sha256: artifact.sha256,
                size: outcome.observed_size,
            },
            release: Arc::clone(&artifact.release),
            destination: missing.place(artifact).ok(),
        });
    }
}

fn exit_of(list: &SyncList) -> Exit {
    if list.unlisted.is_empty() {
        Exit::Pass
    } else if list.unlisted.iter().all(|it| it.why == WhyUnlisted::Undetermined) {
        Exit::Inconclusive
    } else {
        Exit::Fail
    }
}

/// Writes the lists, the request and the JSON, each whole or not at all.
fn write(directory: &Path, list: &SyncList, prow: &crate::report::ProwContext) -> Result<(), String> {
    let failed = |path: &Path, error: io::Error| format!("{}: {error}", path.display());
    fs::create_dir_all(directory).map_err(|error| failed(directory, error))?;
    for build in &list.builds {
        let path = directory.join(&build.synclist);
        write_atomically(directory, &path, &|out| out.write_all(build.lines().as_bytes()))
            .map_err(|error| failed(&path, error))?;
    }
    let request = directory.join("request.md");
    write_atomically(directory, &request, &|out| list.write_markdown(out, prow))
        .map_err(|error| failed(&request, error))?;
    let json = directory.join("sync.json");
    write_atomically(directory, &json, &|out| json::pretty(out, list)).map_err(|error| failed(&json, error))
}
