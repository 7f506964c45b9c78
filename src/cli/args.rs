//! The arguments that several commands share, as a person sees them in `--help`.

#![expect(
    rustdoc::bare_urls,
    clippy::doc_markdown,
    reason = "these comments are the help texts, where backticks would show"
)]

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{PathBufValueParser, TypedValueParser};
use clap::{Args, ValueEnum, ValueHint};

use super::env;
use crate::http::{AllowedHost, check_trust_roots};
use crate::location::{ArtifactUrl, MirrorVersion, Prefix};

/// Where documents come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A checkout, a stream file or a manifest.
    Path(PathBuf),
    /// Standard input.
    Stdin,
    /// A document on the web.
    Url(ArtifactUrl),
}

/// What standard output gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Output {
    /// A summary on a terminal, else a log
    #[default]
    Human,
    /// The JSON report
    Json,
    /// A comment for a pull request
    Markdown,
}

/// What standard output gets, where nobody wants a comment for a pull request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum PlainOutput {
    /// Text
    #[default]
    Human,
    /// JSON
    Json,
}

/// Where to look.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Where to look")]
pub struct TargetArgs {
    /// The literal locations, whatever the environment says; what the required presubmit runs
    #[arg(long, conflicts_with_all = ["stream_prefix", "mirror"])]
    pub published: bool,

    /// The bridge at this prefix, such as https://HOST/art/storage/releases
    /// [also: $OPENSHIFT_INSTALL_COREOS_STREAM_PREFIX, and $OPENSHIFT_INSTALL_CI_COREOS_BOOTIMAGES=1 for the
    /// bridge of 2021]
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url)]
    pub stream_prefix: Option<String>,

    /// The mirror at this base, such as https://mirror.openshift.com/pub/openshift-v4
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url)]
    pub mirror: Option<Prefix>,

    /// The mirror's directory of this release (4.8.2, dev-4.19) or series (4.8)
    #[arg(long, value_name = "VERSION")]
    pub mirror_version: Option<MirrorVersion>,

    /// The mirror's pre-release directories
    #[arg(long)]
    pub pre_release: bool,
}

/// How requests are made.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Network")]
pub struct NetworkArgs {
    /// A further host that may be requested: HOST or HOST:PORT; repeatable
    #[arg(long, value_name = "HOST")]
    pub allow_host: Vec<AllowedHost>,

    /// Hosts may have loopback, private or link-local addresses
    #[arg(long)]
    pub allow_private_addresses: bool,

    /// A PEM file with further trust roots [also: $SSL_CERT_FILE]
    #[arg(long, value_name = "PEM", value_hint = ValueHint::FilePath, value_parser = PathBufValueParser::new().try_map(trust_roots))]
    pub ca_file: Option<PathBuf>,

    /// The most requests to one host at a time [default: 256, or 1000 over the refs of a repository]
    #[arg(long, value_name = "N", value_parser = positive)]
    pub concurrency: Option<usize>,

    /// How long transient failures of a host are retried (5xx, 429, resets, timeouts, name resolution); 0 for no
    /// retries
    #[arg(long, value_name = "DURATION", default_value = "2m", value_parser = duration)]
    pub retry_for: Duration,

    /// The most retries of a request within that time [default: no limit]
    #[arg(long, value_name = "N")]
    pub retries: Option<u32>,

    /// How long one request may take
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = duration)]
    pub timeout: Duration,
}

impl NetworkArgs {
    /// The files with further trust roots, those of the environment among them.
    pub fn extra_roots(&self) -> Vec<PathBuf> {
        let from_environment = env::path(env::SSL_CERT_FILE);
        self.ca_file.clone().into_iter().chain(from_environment).collect()
    }
}

pub(super) fn source(text: &str) -> Result<Source, String> {
    if text == "-" {
        return Ok(Source::Stdin);
    }
    if text.starts_with("https://") {
        return ArtifactUrl::parse(text).map(Source::Url).map_err(|error| error.to_string());
    }
    if text.starts_with("http://") {
        return Err("a document may only come from an https:// URL".to_owned());
    }
    if text.is_empty() {
        return Err("expected a path, an https:// URL or -".to_owned());
    }
    Ok(Source::Path(text.into()))
}

/// A duration such as `90s`, `5m` or `1h30m`.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text)
        .map_err(|error| format!("{error}; expected a duration such as 90s, 5m or 1h30m"))
}

/// The path of a file with trust roots.
fn trust_roots(path: PathBuf) -> Result<PathBuf, String> {
    check_trust_roots(&path).map_err(|why| format!("no trust root could be read: {why}"))?;
    Ok(path)
}

pub(super) fn positive(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(number @ 1..=10_000) => Ok(number),
        _ => Err("expected a whole number from 1 to 10000".to_owned()),
    }
}
