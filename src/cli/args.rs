//! The arguments that several commands share.

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

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A checkout, a stream file or a manifest.
    Path(PathBuf),
    Stdin,
    Url(ArtifactUrl),
}

/// Output format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Output {
    /// Text for people
    #[default]
    Human,
    /// JSON for programs
    Json,
    /// Markdown for a comment on a pull request
    Markdown,
}

/// Output format without Markdown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum PlainOutput {
    /// Text
    #[default]
    Human,
    /// JSON
    Json,
}

#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Where to look")]
pub struct TargetArgs {
    /// Check the literal locations, whatever the environment says; the required presubmit runs this
    #[arg(long, conflicts_with_all = ["stream_prefix", "mirror"])]
    pub published: bool,

    /// Resolve to the bridge at this prefix, such as https://HOST/art/storage/releases
    /// [also: $OPENSHIFT_INSTALL_COREOS_STREAM_PREFIX, and $OPENSHIFT_INSTALL_CI_COREOS_BOOTIMAGES=1 for the
    /// bridge of 2021]
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url)]
    pub stream_prefix: Option<String>,

    /// Resolve to the mirror at this base, such as https://mirror.openshift.com/pub/openshift-v4
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url)]
    pub mirror: Option<Prefix>,

    /// Directory on the mirror: a release (4.8.2, dev-4.19) or a series (4.8)
    #[arg(long, value_name = "VERSION")]
    pub mirror_version: Option<MirrorVersion>,

    /// Use the mirror's pre-release directories
    #[arg(long)]
    pub pre_release: bool,
}

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Network")]
pub struct NetworkArgs {
    /// Additional host that may be requested: HOST or HOST:PORT; repeatable
    #[arg(long, value_name = "HOST")]
    pub allow_host: Vec<AllowedHost>,

    /// Allow hosts with loopback, private or link-local addresses
    #[arg(long)]
    pub allow_private_addresses: bool,

    /// PEM file with additional CA certificates [also: $SSL_CERT_FILE]
    #[arg(long, value_name = "PEM", value_hint = ValueHint::FilePath, value_parser = PathBufValueParser::new().try_map(trust_roots))]
    pub ca_file: Option<PathBuf>,

    /// Maximum number of concurrent requests to one host [default: 256, or 1000 with --ref]
    #[arg(long, value_name = "N", value_parser = positive)]
    pub concurrency: Option<usize>,

    /// How long to retry transient failures of a host (5xx, 429, resets, timeouts, name resolution); 0 disables
    /// retries
    #[arg(long, value_name = "DURATION", default_value = "2m", value_parser = duration)]
    pub retry_for: Duration,

    /// Maximum number of retries of a request within that time [default: unlimited]
    #[arg(long, value_name = "N")]
    pub retries: Option<u32>,

    /// Timeout of one request
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = duration)]
    pub timeout: Duration,
}

impl NetworkArgs {
    /// The files with additional CA certificates, including those of the environment.
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

/// Parses the path of a file, which must contain CA certificates.
fn trust_roots(path: PathBuf) -> Result<PathBuf, String> {
    check_trust_roots(&path).map_err(|why| format!("found no usable CA certificate: {why}"))?;
    Ok(path)
}

pub(super) fn positive(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(number @ 1..=10_000) => Ok(number),
        _ => Err("expected a whole number from 1 to 10000".to_owned()),
    }
}
