//! `rewrite`: moves the URLs of a stream document.

use std::fmt::Display;
use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::args::{NetworkArgs, Source, TargetArgs, source};
use super::{Exit, check_written, unusable};
use crate::location::{Mirror, PUBLIC_MIRROR, Prefix, RewriteError, Target, rewrite};
use crate::stream::{MAX_DOCUMENT_BYTES, Sources};
use crate::text::Printable;

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct RewriteArgs {
    /// Stream file, checkout (with --in-place, or if it has one document), or - for standard input
    #[arg(value_name = "SOURCE", default_value = ".", value_parser = source)]
    pub source: Source,

    /// Where to move URLs [default: as --stream-prefix, --mirror or the environment say]
    #[arg(long, value_enum, conflicts_with_all = ["base_url", "published"])]
    pub to: Option<Destination>,

    /// Move URLs to a flat directory: each becomes BASE/FILE
    #[arg(long, value_name = "BASE", conflicts_with_all = ["published", "stream_prefix", "mirror"])]
    pub base_url: Option<Prefix>,

    /// Change the files instead of printing the document
    #[arg(short, long)]
    pub in_place: bool,

    #[command(flatten)]
    pub target: TargetArgs,

    #[command(flatten)]
    pub network: NetworkArgs,
}

/// Where URLs are moved to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Destination {
    /// The published location of each file: what a document must name before it is merged
    Published,
    /// The bridge of --stream-prefix or the environment
    Bridge,
    /// The mirror of --mirror, or ART's public mirror
    Mirror,
    /// The pre-release directories of that mirror
    PreRelease,
}

const EXAMPLES: &str = "\
Examples:
  art-mirror-validate rewrite --to published --in-place
      from a bridge to the published locations, before the pull request merges
  art-mirror-validate rewrite rhcos.json --to bridge \\
    --stream-prefix https://HOST/art/storage
      what an e2e job boots from
  art-mirror-validate rewrite rhcos.json --base-url http://127.0.0.1:8080
      what a directory serves

Exit status: 0, or 2 if a URL cannot be moved; then nothing is printed or
changed.";

pub(super) fn run(args: &RewriteArgs) -> Exit {
    carry_out(args).map_or_else(unusable, |()| Exit::Pass)
}

/// A document's text and origin; `path` is `None` for standard input and URLs.
struct DocumentText {
    name: String,
    path: Option<PathBuf>,
    text: String,
}

fn carry_out(args: &RewriteArgs) -> Result<(), String> {
    let target = destination(args)?;
    let texts = read(args)?;
    if let (false, [first, second, ..]) = (args.in_place, texts.as_slice()) {
        return Err(format!(
            "found {} and {}; name one, or change all of them with --in-place",
            Printable(&first.name),
            Printable(&second.name)
        ));
    }
    let mut moved = Vec::with_capacity(texts.len());
    for DocumentText { name, path, text } in &texts {
        let rewritten = rewrite(name, text, &target).map_err(|error| match error {
            RewriteError::Document(faults) => faults.to_string(),
            error @ RewriteError::Unplaced(_) => format!("{}: {error}", Printable(name)),
        })?;
        moved.push((name, path, rewritten));
    }
    if !args.in_place {
        let mut out = io::stdout().lock();
        let written = moved.iter().try_for_each(|(_, _, rewritten)| out.write_all(rewritten.text.as_bytes()));
        return check_written(written.and_then(|()| out.flush()));
    }
    for (name, path, rewritten) in moved {
        let name = Printable(name);
        let Some(path) = path else {
            return Err(format!("{name} is not a file that can be changed in place"));
        };
        if rewritten.changed > 0 {
            replace(path, &rewritten.text).map_err(|error| format!("{name}: {error}"))?;
        }
        let mut stderr = anstream::stderr();
        // If standard error is closed, the files are changed nevertheless.
        let _ = writeln!(stderr, "{name}: {} of {} URLs changed", rewritten.changed, rewritten.urls);
    }
    Ok(())
}

fn destination(args: &RewriteArgs) -> Result<Target, String> {
    if let Some(base) = &args.base_url {
        return Ok(Target::Flat(base.clone()));
    }
    let mut wanted = args.target.clone();
    match args.to {
        Some(Destination::Published) => {
            let TargetArgs { stream_prefix, mirror, mirror_version, pre_release, .. } = &wanted;
            let other_places = stream_prefix.is_some() || mirror.is_some() || mirror_version.is_some();
            if other_places || *pre_release {
                return Err("--to published takes no other location: each URL has its own".to_owned());
            }
            return Ok(Target::PublishedPlace);
        }
        Some(Destination::Bridge) => {
            if wanted.mirror.is_some() {
                return Err("--to bridge requires --stream-prefix, not --mirror".to_owned());
            }
            let bridge = wanted.choose()?.bridge;
            return bridge.map(Target::Bridge).ok_or_else(|| {
                let variable = super::env::STREAM_PREFIX;
                format!("--to bridge needs the bridge's prefix: --stream-prefix or {variable}")
            });
        }
        Some(Destination::Mirror | Destination::PreRelease) if wanted.mirror.is_none() => {
            wanted.mirror = Prefix::parse(PUBLIC_MIRROR).map(Some).map_err(|error| error.to_string())?;
        }
        _ => {}
    }
    wanted.pre_release |= args.to == Some(Destination::PreRelease);
    if let (Some(_), Some(base)) = (args.to, &wanted.mirror) {
        let mirror = Mirror::new(base.clone(), wanted.mirror_version.clone(), wanted.pre_release);
        return mirror.map(Target::Mirror).map_err(|error| error.to_string());
    }
    match wanted.choose()?.target {
        Target::Published => {
            let variable = super::env::STREAM_PREFIX;
            Err(format!(
                "nowhere to move URLs to: pass --to, --base-url, --stream-prefix or --mirror, or set {variable}"
            ))
        }
        target => Ok(target),
    }
}

fn read(args: &RewriteArgs) -> Result<Vec<DocumentText>, String> {
    let failed = |name: &str, error: &dyn Display| format!("{}: {error}", Printable(name));
    let utf8 = |name: &str, bytes| String::from_utf8(bytes).map_err(|error| failed(name, &error));
    match &args.source {
        Source::Stdin => {
            let mut bytes = Vec::new();
            // One byte more shows that it is too large.
            let limit = u64::try_from(MAX_DOCUMENT_BYTES).unwrap_or(u64::MAX).saturating_add(1);
            io::stdin().lock().take(limit).read_to_end(&mut bytes).map_err(|error| format!("-: {error}"))?;
            Ok(vec![DocumentText { name: "-".to_owned(), path: None, text: utf8("-", bytes)? }])
        }
        Source::Url(url) => {
            let bytes = super::load::fetch_blocking(url, &args.network)?;
            Ok(vec![DocumentText { name: url.to_string(), path: None, text: utf8(url.as_str(), bytes)? }])
        }
        Source::Path(path) => {
            let paths = if path.is_dir() { documents_of(path)? } else { vec![path.clone()] };
            let read = |path: PathBuf| {
                let name = path.display().to_string();
                let bytes = fs::read(&path).map_err(|error| failed(&name, &error))?;
                Ok(DocumentText { text: utf8(&name, bytes)?, name, path: Some(path) })
            };
            paths.into_iter().map(read).collect()
        }
    }
}

fn documents_of(checkout: &Path) -> Result<Vec<PathBuf>, String> {
    let mut sources = Sources::default();
    sources.add_path(checkout).map_err(|errors| errors.to_string())?;
    Ok(sources.documents.iter().map(|sourced| checkout.join(&*sourced.document.name)).collect())
}

/// Replaces a file atomically. A symbolic link stays, and its target is replaced.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    let real = fs::canonicalize(path)?;
    let directory = real.parent().ok_or_else(|| io::Error::other("it is in no directory"))?;
    let mut file = tempfile::NamedTempFile::new_in(directory)?;
    file.write_all(text.as_bytes())?;
    file.as_file().set_permissions(fs::metadata(&real)?.permissions())?;
    file.persist(&real).map_err(|error| error.error)?;
    Ok(())
}
