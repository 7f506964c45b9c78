//! How requests are made.

use std::path::PathBuf;
use std::time::Duration;

use super::proxy::Proxies;
use super::retry::Policy;
use super::rules::Rules;

/// How requests are made.
#[derive(Debug, Clone)]
pub struct ClientSettings {
    pub rules: Rules,
    pub proxies: Proxies,
    pub extra_roots: Vec<PathBuf>,
    /// The most requests to one host at a time.
    pub concurrency: usize,
    /// How often a request is made again after a failure that may pass; `None` leaves it to the time.
    pub retries: Option<u32>,
    /// How long a host's failures that may pass are ridden out.
    pub retry_for: Duration,
    /// How long one request may take, from the moment it is sent to its answer.
    pub timeout: Duration,
}

impl ClientSettings {
    pub(super) fn policy(&self) -> Policy {
        Policy { retries: self.retries, time: self.retry_for }
    }
}

/// Which connections a request goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Traffic {
    /// Small answers: those of one host share a connection where it speaks HTTP/2.
    Requests,
    /// Whole files: HTTP/1.1, each on a connection that is its own as long as it takes.
    Downloads,
}
