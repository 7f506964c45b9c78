//! `resolve`: prints the URL that an e2e job should fetch.

#![expect(
    clippy::doc_markdown,
    reason = "the comments of arguments are the help texts, where backticks would show"
)]

use std::collections::HashMap;
use std::io::{self, BufWriter, Read, Write};

use clap::Args;
use serde::Serialize;

use super::args::{NetworkArgs, PlainOutput, Source, TargetArgs, source};
use super::filters::Filters;
use super::load::load_blocking;
use super::{Exit, check_written, unusable};
use crate::location::{ChecksumUrl, Target, resolve};
use crate::stream::{Artifact, Sha256, Sources};
use crate::text::{Printable, excerpt, json};

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct ResolveArgs {
    /// URLs from stream metadata or install configs, whose ?sha256=… is kept; - reads one per line from standard
    /// input; without URLs, the artifacts of --source that match the filters
    #[arg(value_name = "URL")]
    pub urls: Vec<String>,

    /// Documents that the artifacts are in: installer checkout, stream file, ConfigMap manifest, https:// URL
    /// [default: . if no URL is given]
    #[arg(long, value_name = "SOURCE", value_parser = source)]
    pub source: Option<Source>,

    /// Output format: a URL per line, or a JSON object per line with url, location, id, sha256 and uncompressed_sha256
    #[arg(long, value_enum, default_value_t, help_heading = "Output")]
    pub output: PlainOutput,

    /// The same as --output json
    #[arg(long, conflicts_with = "output", help_heading = "Output")]
    pub json: bool,

    /// Append ?sha256=…, as in bare-metal install configs: the digest of the uncompressed file if known
    #[arg(long, conflicts_with_all = ["json", "output"], help_heading = "Output")]
    pub with_checksum: bool,

    #[command(flatten)]
    pub filters: Filters,

    #[command(flatten)]
    pub target: TargetArgs,

    #[command(flatten)]
    pub network: NetworkArgs,
}

impl ResolveArgs {
    fn prints_json(&self) -> bool {
        self.json || self.output == PlainOutput::Json
    }
}

const EXAMPLES: &str = "\
Examples:
  export OPENSHIFT_INSTALL_COREOS_STREAM_PREFIX=https://HOST/art/storage
  art-mirror-validate resolve https://…/rhcos-….x86_64.qcow2.gz
      print where the bridge has a file of the stream metadata
  art-mirror-validate resolve -a x86_64 -p openstack
      the same for artifacts of the checkout in this directory
  art-mirror-validate resolve -a x86_64 -p qemu --with-checksum
      for a bare-metal install config
  art-mirror-validate resolve - <urls.txt
      print all of them, or none and every error

Exit status: 0, or 2 if a URL cannot be resolved; then no URL is printed.";

#[derive(Debug, Serialize)]
struct Resolved<'a> {
    url: String,
    location: &'a str,
    id: Option<String>,
    document: Option<&'a str>,
    sha256: Option<Sha256>,
    uncompressed_sha256: Option<Sha256>,
}

pub(super) fn run(args: &ResolveArgs) -> Exit {
    resolve_all(args).map_or_else(unusable, |()| Exit::Pass)
}

fn resolve_all(args: &ResolveArgs) -> Result<(), String> {
    let target = args.target.choose()?.target;
    let urls = urls(args)?;
    let of_source = urls.is_empty();
    let mut sources = match (&args.source, of_source) {
        (Some(source), _) => load_blocking(std::slice::from_ref(source), &args.network)?,
        (None, true) => load_blocking(&[Source::Path(".".into())], &args.network)?,
        (None, false) => Sources::default(),
    };
    let resolved = if of_source {
        let mut documents: Vec<_> =
            sources.documents.iter_mut().map(|sourced| &mut sourced.document).collect();
        args.filters.apply(&mut documents).map_err(|error| error.to_string())?;
        resolve_artifacts(&sources, &target)
    } else {
        resolve_urls(args, &urls, &sources, &target)
    };
    resolved.and_then(|resolved| print_all(args, &resolved)).map_err(|problems| problems.join("\n"))
}

/// A URL to resolve, and its line of standard input, from 1; `None` if it is an argument.
type InputUrl = (Option<usize>, String);

/// The URLs of the command line, where `-` stands for those of standard input, one per line.
fn urls(args: &ResolveArgs) -> Result<Vec<InputUrl>, String> {
    let mut urls = Vec::new();
    for url in &args.urls {
        if url != "-" {
            urls.push((None, url.clone()));
            continue;
        }
        if args.source == Some(Source::Stdin) {
            return Err("standard input is the document of --source, so it has no URLs".to_owned());
        }
        let mut input = Vec::new();
        io::stdin().lock().read_to_end(&mut input).map_err(|error| format!("standard input: {error}"))?;
        // A line that is not UTF-8 is not a URL either; the error shows the replacement characters.
        let text = String::from_utf8_lossy(&input);
        let lines = text.lines().map(str::trim_ascii).enumerate().filter(|(_, line)| !line.is_empty());
        urls.extend(lines.map(|(at, line)| (Some(at + 1), line.to_owned())));
    }
    Ok(urls)
}

fn resolve_artifacts<'a>(sources: &'a Sources, target: &Target) -> Result<Vec<Resolved<'a>>, Vec<String>> {
    let all = sources.documents.iter().flat_map(|sourced| {
        let name = &*sourced.document.name;
        sourced.document.artifacts.iter().map(move |artifact| (name, artifact))
    });
    collect(all.map(|(name, artifact)| {
        let release = (!artifact.release.is_empty()).then_some(&*artifact.release);
        let place = resolve(&artifact.location, release, target).map_err(|error| error.to_string())?;
        Ok(Resolved::of(target.as_written(&place), &artifact.location, Some((name, artifact))))
    }))
}

/// Resolves URLs. The documents can supply a URL's release and digests, which must not contradict the digest in its
/// query.
fn resolve_urls<'a>(
    args: &ResolveArgs,
    urls: &'a [InputUrl],
    sources: &'a Sources,
    target: &Target,
) -> Result<Vec<Resolved<'a>>, Vec<String>> {
    let mut known: HashMap<&str, (&str, &Artifact)> = HashMap::new();
    for sourced in &sources.documents {
        for artifact in &sourced.document.artifacts {
            known.insert(&artifact.location, (&sourced.document.name, artifact));
        }
    }
    let resolve_url = |text: &'a str| {
        let url = ChecksumUrl::parse(text).map_err(|error| error.to_string())?;
        let artifact = known.get(url.location()).copied();
        let release = artifact.map(|(_, artifact)| &*artifact.release).filter(|release| !release.is_empty());
        let place = resolve(url.location(), release, target).map_err(|error| error.to_string())?;
        if let Some((name, Artifact { id, sha256, uncompressed_sha256, .. })) = artifact
            && let Some(digest) = url.contradicted_by(*sha256, *uncompressed_sha256)
        {
            let (text, name) = (excerpt(text, 500), Printable(name));
            return Err(format!("{text}: its query names {digest}, which is not a sha256 of {id} in {name}"));
        }
        let query = if args.with_checksum { "" } else { url.query() };
        Ok(Resolved::of(target.as_written(&place) + query, text, artifact))
    };
    collect(urls.iter().map(|(line, text)| {
        resolve_url(text).map_err(|why| match line {
            Some(line) => format!("line {line}: {why}"),
            None => why,
        })
    }))
}

fn collect<'a>(
    results: impl Iterator<Item = Result<Resolved<'a>, String>>,
) -> Result<Vec<Resolved<'a>>, Vec<String>> {
    let mut resolved = Vec::new();
    let mut problems = Vec::new();
    for result in results {
        match result {
            Ok(url) => resolved.push(url),
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() { Ok(resolved) } else { Err(problems) }
}

impl<'a> Resolved<'a> {
    fn of(url: String, location: &'a str, artifact: Option<(&'a str, &Artifact)>) -> Self {
        Self {
            url,
            location,
            id: artifact.map(|(_, artifact)| artifact.id.to_string()),
            document: artifact.map(|(name, _)| name),
            sha256: artifact.map(|(_, artifact)| artifact.sha256),
            uncompressed_sha256: artifact.and_then(|(_, artifact)| artifact.uncompressed_sha256),
        }
    }
}

fn print_all(args: &ResolveArgs, resolved: &[Resolved<'_>]) -> Result<(), Vec<String>> {
    if args.with_checksum {
        let unknown = resolved.iter().filter(|file| file.sha256.is_none());
        let unknown: Vec<String> = unknown
            .map(|file| {
                let url = excerpt(file.location, 500);
                format!("{url}: its sha256 is unknown; name the document that it is in with --source")
            })
            .collect();
        if !unknown.is_empty() {
            return Err(unknown);
        }
    }
    let mut out = BufWriter::new(io::stdout().lock());
    let mut write = || {
        for file in resolved {
            if args.prints_json() {
                json::line(&mut out, file)?;
                continue;
            }
            match file.uncompressed_sha256.or(file.sha256).filter(|_| args.with_checksum) {
                Some(digest) => writeln!(out, "{}?sha256={digest}", file.url)?,
                None => writeln!(out, "{}", file.url)?,
            }
        }
        out.flush()
    };
    check_written(write()).map_err(|problem| vec![problem])
}
