//! Options of the client.

use std::path::PathBuf;
use std::time::Duration;

use super::proxy::Proxies;
use super::retry::Policy;
use super::rules::Rules;

#[derive(Debug, Clone)]
pub struct ClientSettings {
    pub rules: Rules,
    pub proxies: Proxies,
    pub extra_roots: Vec<PathBuf>,
    /// The most requests to one host at a time.
    pub concurrency: usize,
    /// The most retries of one request after transient failures; `None` limits them by time alone.
    pub retries: Option<u32>,
    /// How long a host's transient failures are retried.
    pub retry_for: Duration,
    /// The timeout of one request, from sending it to its answer.
    pub timeout: Duration,
}

impl ClientSettings {
    pub(super) fn policy(&self) -> Policy {
        Policy { retries: self.retries, time: self.retry_for }
    }
}

/// Which connections a request uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Traffic {
    /// Small answers, on one shared connection per host that speaks HTTP/2.
    Requests,
    /// Whole files, over HTTP/1.1, each on a connection that it does not share.
    Downloads,
}
