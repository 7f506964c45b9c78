//! `mirror`: copies artifacts to a directory and verifies them.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::atomic::Ordering;
use std::time::Duration;

use clap::{Args, ValueEnum, ValueHint};
use clap_complete::engine::ArgValueCandidates;
use futures_util::stream::{self, StreamExt};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

use super::args::{NetworkArgs, PlainOutput, Source, TargetArgs, source};
use super::filters::{Filters, NoMatch, platforms};
use super::load::{client_settings, load};
use super::network::{self, Stop, unless_stopped};
use super::target::Choice;
use super::{Exit, env, print, print_error, unusable};
use crate::atomic;
use crate::handoff::mirror::{
    Arrangement, FetchFailure, Fetcher, MirrorPlan, NotClaimed, Planned, Received, bytes_to_fetch, claim,
    free_space, write_sidecars,
};
use crate::handoff::{request, sync};
use crate::location::{OcpVersion, Prefix, Series, Target};
use crate::probe::{AllowedHost, Client, ClientSettings, Observation, ProbeRequest, Prober, SidecarPolicy};
use crate::stream::{Document, Sha256, Sources, UrlField, find_urls, replace_urls};
use crate::text::{Printable, bytes, count, excerpt, json};

/// The number of concurrent downloads.
const CONCURRENT_FILES: usize = 4;

const PROGRESS_INTERVAL: Duration = Duration::from_millis(200);

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct MirrorArgs {
    /// Installer checkout, stream file, ConfigMap manifest, https:// URL of a stream file, or - for standard input
    #[arg(value_name = "SOURCE", default_value = ".", value_parser = source, value_hint = ValueHint::AnyPath)]
    pub source: Source,

    /// Like SOURCE, plume's name for it
    #[arg(long, value_name = "FILE", value_parser = source, conflicts_with_all = ["source", "request"])]
    pub src_file: Option<Source>,

    /// Carry out a request, with DIR as the root of the web server: sync.json of sync-list, or the
    /// art-mirror-validate-request.md of check, from the bridge of --stream-prefix; unlike ART's sync job, this
    /// deletes nothing
    #[arg(long, value_name = "FILE", conflicts_with_all = ["source", "layout", "release_version", "url"])]
    pub request: Option<PathBuf>,

    /// Directory for the files; those that are already there and right are kept
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub dest: PathBuf,

    /// How the files are arranged
    #[arg(long, value_enum, default_value_t)]
    pub layout: MirrorLayout,

    /// OpenShift release that names directories for --layout release; for --layout build its series, if build IDs
    /// have none
    #[arg(long, value_name = "VERSION")]
    pub release_version: Option<OcpVersion>,

    /// Allow directories that hold another build, and replace its files of the same name
    #[arg(long)]
    pub replace: bool,

    /// Write the stream document to this file; with --url, with the URLs of the copies
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub dest_file: Option<PathBuf>,

    /// URL where DIR will be served, for --dest-file
    #[arg(long, value_name = "BASE", requires = "dest_file", value_hint = ValueHint::Url)]
    pub url: Option<Prefix>,

    /// Only this platform, plume's name for --platform; repeatable
    #[arg(long, value_name = "TYPE", add = ArgValueCandidates::new(platforms))]
    pub artifact: Vec<String>,

    /// Print what would be fetched without fetching it
    #[arg(short = 'n', long)]
    pub dry_run: bool,

    /// Output format: text, or a JSON list of the files and the result of each
    #[arg(long, value_enum, default_value_t, help_heading = "Output")]
    pub output: PlainOutput,

    #[command(flatten)]
    pub filters: Filters,

    #[command(flatten)]
    pub target: TargetArgs,

    #[command(flatten)]
    pub network: NetworkArgs,
}

/// How files are arranged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum MirrorLayout {
    /// All in one directory, like plume
    #[default]
    Flat,
    /// Like rhcos.mirror.openshift.com, with meta.json: DIR/builds/BUILDID/ARCH
    Streams,
    /// Like the public mirror, by build: ARCH/dependencies/rhcos/4.M/BUILDID
    Build,
    /// Like the public mirror, by release: ARCH/dependencies/rhcos/4.M/VERSION
    Release,
}

const EXAMPLES: &str = "\
Examples:
  art-mirror-validate mirror --dest images -a x86_64 -p metal
  art-mirror-validate mirror --layout streams --dest /srv/lab/streams
  art-mirror-validate mirror --layout build --dest /srv/mirror
  art-mirror-validate mirror --request request/sync.json --dest /srv
  art-mirror-validate mirror --request art-mirror-validate-request.md \\
      --stream-prefix https://HOST/art/storage --dest /srv
  art-mirror-validate mirror --src-file rhcos.json --dest images \\
      --dest-file local.json --url http://host:8080

A file gets its name only after its sha256 was verified, and an interrupted
download is resumed. Existing files are read and verified, not trusted.
Detached signatures are not copied, and sha256sum.txt is left for you to sign.

Exit status:
  0  every file is present and verified
  1  at least one is missing at its source, or is wrong there
  2  usage error, unusable document, another build in the directory, or too
     little space
  3  a server was unreachable, a file could not be written, or another run is
     using the directory
  130, 143  interrupted; run it again to go on";

pub(super) fn run(args: &MirrorArgs, quiet: bool) -> Exit {
    network::run(async |stop| match mirror(args, quiet, stop).await {
        Ok(exit) | Err(exit) => exit,
    })
}

async fn mirror(args: &MirrorArgs, quiet: bool, mut stop: Stop<'_>) -> Result<Exit, Exit> {
    let choice = args.target.choose().map_err(unusable)?;
    let (settings, mut plan, sources) = if let Some(request) = &args.request {
        let name = request.display().to_string();
        let text = fs::read_to_string(request).map_err(|error| unusable(format!("{name}: {error}")))?;
        let (settings, plan) = plan_of_request(args, &choice, &name, &text).map_err(unusable)?;
        (settings, plan, None)
    } else {
        let settings = client_settings(&args.network, choice.rules()).map_err(unusable)?;
        let prober = Prober::new(Client::new(settings.clone()));
        let source = args.src_file.as_ref().unwrap_or(&args.source);
        let sources = unless_stopped(&mut stop, load(std::slice::from_ref(source), &prober)).await?;
        let (plan, sources) =
            plan_of_documents(args, &choice, sources.map_err(unusable)?).map_err(unusable)?;
        (settings, plan, Some(sources))
    };
    let prober = Prober::new(Client::new(settings.clone()));
    unless_stopped(&mut stop, learn_sizes(&mut plan, &prober)).await?;
    if args.dry_run {
        return Ok(show(args, quiet, &plan, &[], Exit::Pass));
    }
    fs::create_dir_all(&args.dest).map_err(|error| unusable(format!("{}: {error}", args.dest.display())))?;
    check_space(&args.dest, &plan).map_err(unusable)?;
    let _locks = claim(&args.dest, &plan, args.replace).map_err(|error| {
        print_error(&error);
        if matches!(error, NotClaimed::Occupied { .. }) { Exit::Unusable } else { Exit::Inconclusive }
    })?;

    let results = unless_stopped(&mut stop, fetch(args, settings, &plan, quiet)).await?;
    let present: BTreeSet<PathBuf> = plan
        .files
        .iter()
        .zip(&results)
        .filter(|(_, result)| result.is_ok())
        .map(|(file, _)| file.path.clone())
        .collect();
    let mut exit = exit_of(&results);
    match write_sidecars(&args.dest, &plan, &present, &prober).await {
        Ok(remarks) => remarks.iter().for_each(|remark| network::print_note(remark)),
        Err(error) => {
            print_error(format!("{}: {error}", args.dest.display()));
            exit = if exit == Exit::Pass { Exit::Inconclusive } else { exit };
        }
    }
    if let (Exit::Pass, Some(file), Some(sources)) = (exit, &args.dest_file, &sources)
        && let Err(problem) = write_document(args, file, sources)
    {
        return Err(unusable(problem));
    }
    Ok(show(args, quiet, &plan, &results, exit))
}

fn arrangement(args: &MirrorArgs) -> Result<Arrangement, String> {
    match (args.layout, &args.release_version) {
        (MirrorLayout::Flat, None) => Ok(Arrangement::Flat),
        (MirrorLayout::Streams, None) => Ok(Arrangement::Streams),
        (MirrorLayout::Flat | MirrorLayout::Streams, Some(_)) => {
            Err("--release-version requires --layout build or release".to_owned())
        }
        (MirrorLayout::Build, release) => {
            Ok(Arrangement::Build(release.as_ref().map(|release| -> Series { release.series() })))
        }
        (MirrorLayout::Release, Some(release)) => Ok(Arrangement::Release(release.clone())),
        (MirrorLayout::Release, None) => Err("--layout release requires --release-version".to_owned()),
    }
}

/// The plan of a request, and the client's settings for it.
fn plan_of_request(
    args: &MirrorArgs,
    choice: &Choice,
    name: &str,
    text: &str,
) -> Result<(ClientSettings, MirrorPlan), String> {
    let mut settings = client_settings(&args.network, choice.rules())?;
    let requested = if text.trim_start().starts_with('{') {
        let requested = sync::read(text);
        // A user who passes a list trusts the bridge that it names.
        settings.rules.bridges = true;
        let urls = requested.iter().flatten().map(|file| file.url.url());
        settings.rules.allowed.extend(urls.filter_map(AllowedHost::of));
        requested
    } else if choice.target == Target::Published {
        Err(format!(
            "it names what is missing but not where to fetch it: pass --stream-prefix, or set {}",
            env::STREAM_PREFIX
        ))
    } else {
        // The request originates from a pull request, so it must not choose the host.
        request::read(name, text, |location, release| {
            choice.locate(location, release).map_err(|error| error.to_string())
        })
    };
    let requested = requested.and_then(|requested| {
        let none = "it requests no files; expected sync.json of sync-list, or the art-mirror-validate-request.md of check";
        if requested.is_empty() { Err(none.to_owned()) } else { Ok(requested) }
    });
    let plan =
        requested.and_then(|requested| MirrorPlan::of_request(requested).map_err(|error| error.to_string()));
    plan.map(|plan| (settings, plan)).map_err(|why| format!("{}: {why}", excerpt(name, 300)))
}

/// The plan of the documents' artifacts, and the filtered documents. The error has a line for each artifact.
fn plan_of_documents(
    args: &MirrorArgs,
    choice: &Choice,
    mut sources: Sources,
) -> Result<(MirrorPlan, Sources), String> {
    let arrangement = arrangement(args)?;
    let mut documents: Vec<_> = sources.documents.iter_mut().map(|sourced| &mut sourced.document).collect();
    let mut filters = args.filters.clone();
    filters.platform.extend(args.artifact.iter().cloned());
    filters.apply(&mut documents).map_err(|error| match error {
        // Plume's -a has another meaning.
        NoMatch::Value { what: "architecture", .. } => {
            format!("{error}. -a is --architecture; for plume's -a (a platform), pass --artifact or -p")
        }
        error => error.to_string(),
    })?;
    let mut plan = MirrorPlan::default();
    let mut problems = Vec::new();
    for sourced in &sources.documents {
        for artifact in &sourced.document.artifacts {
            let file_name = artifact.location.rsplit('/').next().unwrap_or_default();
            let legacy = sourced.legacy.of(file_name).iter().find_map(|file| file.size);
            let url = choice.locate(&artifact.location, &artifact.release);
            let url = url.map_err(|error| format!("{}: {error}", excerpt(&artifact.id.to_string(), 300)));
            let added = url.and_then(|url| {
                let size = artifact.size.or(legacy);
                plan.add(&arrangement, &sourced.document.name, artifact, url, size)
                    .map_err(|error| error.to_string())
            });
            problems.extend(added.err());
        }
    }
    if problems.is_empty() { Ok((plan, sources)) } else { Err(problems.join("\n")) }
}

/// Requests the sizes, to check the free space and show progress. Errors are ignored: the download will report them.
async fn learn_sizes(plan: &mut MirrorPlan, prober: &Prober) {
    let of_file = |file: &Planned| ProbeRequest {
        location: file.url.clone(),
        signature: None,
        size_from: None,
        sidecars: SidecarPolicy::None,
        content: None,
    };
    let requests = plan.files.iter().map(of_file).enumerate().collect();
    let mut examination = prober.examine(requests, |_, _| false);
    while let Some((index, evidence)) = examination.next().await {
        if let (Some(file), Observation::Present { size, .. }) = (plan.files.get_mut(index), evidence.file) {
            // The server's size takes precedence, because that is what will be downloaded.
            file.size = size.or(file.size);
        }
    }
}

fn check_space(directory: &Path, plan: &MirrorPlan) -> Result<(), String> {
    let needed = bytes_to_fetch(directory, plan);
    let free = free_space(directory).map_err(|error| format!("{}: {error}", directory.display()))?;
    if needed <= free {
        return Ok(());
    }
    let (needed, free) = (bytes(needed), bytes(free));
    Err(format!("{} has {free} free, but {needed} are needed; nothing was fetched", directory.display()))
}

async fn fetch(
    args: &MirrorArgs,
    settings: ClientSettings,
    plan: &MirrorPlan,
    quiet: bool,
) -> Vec<Result<&'static str, FetchFailure>> {
    let client = Client::new(settings);
    let total = plan.files.iter().filter_map(|file| file.size).fold(0, u64::saturating_add);
    let bar = if quiet {
        ProgressBar::hidden()
    } else {
        ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr())
    };
    let template = "{bar:30.cyan/dim} {binary_bytes}/{binary_total_bytes} {binary_bytes_per_sec} {eta:.dim}";
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.progress_chars("━╸─"));
    }
    let received = Received::default();
    let fetcher = Fetcher::new(&client, &args.dest, received.clone());
    let mut results =
        pin!(stream::iter(&plan.files).map(|file| fetcher.fetch(file)).buffered(CONCURRENT_FILES).collect());
    let mut clock = tokio::time::interval(PROGRESS_INTERVAL);
    loop {
        tokio::select! {
            results = &mut results => {
                bar.finish_and_clear();
                return results;
            }
            _ = clock.tick() => bar.set_position(received.load(Ordering::Relaxed)),
        }
    }
}

fn exit_of(results: &[Result<&'static str, FetchFailure>]) -> Exit {
    let mut failures = results.iter().filter_map(|result| result.as_ref().err()).peekable();
    if failures.peek().is_none() {
        Exit::Pass
    } else if failures.any(FetchFailure::is_wrong) {
        Exit::Fail
    } else {
        Exit::Inconclusive
    }
}

/// A planned file and its result.
#[derive(Serialize)]
struct Row<'p> {
    path: &'p Path,
    url: &'p str,
    id: &'p str,
    sha256: Sha256,
    size: Option<u64>,
    result: &'static str,
    message: Option<String>,
}

/// Prints the result of each file, or the plan for a dry run, which has no results.
fn show(
    args: &MirrorArgs,
    quiet: bool,
    plan: &MirrorPlan,
    results: &[Result<&'static str, FetchFailure>],
    exit: Exit,
) -> Exit {
    let rows = plan.files.iter().enumerate().map(|(index, file)| {
        let (result, message) = match results.get(index) {
            None => ("planned", None),
            Some(Ok(fetched)) => (*fetched, None),
            Some(Err(failure)) => ("failed", Some(excerpt(&failure.to_string(), 500))),
        };
        let Planned { path, url, title: id, sha256, size, .. } = file;
        Row { path, url: url.as_str(), id, sha256: *sha256, size: *size, result, message }
    });
    print(exit, |out| {
        if args.output == PlainOutput::Json {
            return json::pretty(out, &rows.collect::<Vec<_>>());
        }
        for Row { path, url, id, size, result, message, .. } in rows {
            let path = path.display().to_string();
            let path = Printable(&path);
            match message {
                Some(why) => writeln!(out, "FAIL {path}: {}: {why}", Printable(id))?,
                None if args.dry_run => {
                    let size = size.map_or_else(|| "of unknown size".to_owned(), bytes);
                    writeln!(out, "{path} from {}, {size}", Printable(url))?;
                }
                None if quiet => {}
                None => writeln!(out, "{result:<8} {path}")?,
            }
        }
        let all = count(plan.files.len(), "file");
        if args.dry_run {
            return writeln!(
                out,
                "{all}, {} to fetch; nothing was fetched",
                bytes(bytes_to_fetch(&args.dest, plan))
            );
        }
        let verified = results.iter().filter(|result| result.is_ok()).count();
        writeln!(out, "{verified} of {all} in {}, verified", Printable(&args.dest.display().to_string()))
    })
}

/// Writes the document to `--dest-file`, with `--url` with the URLs of the copies.
fn write_document(args: &MirrorArgs, file: &Path, sources: &Sources) -> Result<(), String> {
    let Some(first) = sources.documents.first() else { return Ok(()) };
    let path = match args.src_file.as_ref().unwrap_or(&args.source) {
        Source::Path(path) if path.is_dir() => path.join(&*first.document.name),
        Source::Path(path) => path.clone(),
        Source::Stdin | Source::Url(_) => {
            return Err("--dest-file requires a source that is a file".to_owned());
        }
    };
    if sources.documents.len() > 1 {
        return Err("--dest-file writes one document, but there are several; name one".to_owned());
    }
    let name = path.display();
    let text = fs::read_to_string(&path).map_err(|error| format!("{name}: {error}"))?;
    let moved = match &args.url {
        None => text,
        Some(base) => moved(&text, &arrangement(args)?.target(base.clone())?, &first.document)
            .map_err(|why| format!("{name}: {why}"))?,
    };
    let directory = file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    atomic::write(directory, file, &|out| out.write_all(moved.as_bytes()))
        .map_err(|error| format!("{}: {error}", file.display()))
}

/// The document with the URLs of the copies; all else is unchanged, including the URLs of artifacts not copied.
fn moved(text: &str, target: &Target, document: &Document) -> Result<String, String> {
    let found = find_urls(&document.name, text).map_err(|faults| faults.to_string())?;
    let copied: BTreeSet<_> = document.artifacts.iter().map(|artifact| &artifact.id).collect();
    let mut replacements = Vec::new();
    for url in &found {
        replacements.push(if url.field == UrlField::Location && copied.contains(&url.id) {
            let place = crate::location::resolve(&url.url, url.release.as_deref(), target);
            target.as_written(&place.map_err(|error| error.to_string())?)
        } else {
            url.url.clone()
        });
    }
    Ok(replace_urls(text, found.iter().zip(replacements.iter().map(String::as_str))))
}
