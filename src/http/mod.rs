//! HTTP on reqwest, under our rules: where requests may go, which addresses are dialled, how long transient
//! failures are retried.
//!
//! | file | what |
//! | --- | --- |
//! | `rules` | which URLs may be requested, and which redirects followed |
//! | `address`, `resolver` | which addresses a name may have; only addresses that were checked are dialled |
//! | `trust` | trust roots, and the certificates of `--ca-file` |
//! | `proxy` | the proxy variables of the environment |
//! | `retry` | which failures are retried, how long to wait, which host is down |
//! | `host` | one value per host: its reqwest clients, its permits, its health |
//! | `failure` | errors, with their messages |
//! | `settings` | options of the client |
//! | `client` | requests with redirects and retries |

mod address;
mod client;
mod failure;
mod host;
mod proxy;
mod resolver;
mod retry;
mod rules;
mod settings;
mod trust;

pub use address::is_global;
pub use client::Client;
pub(crate) use client::{Answer, Ask, ErrorAnswer, Small, scheme_and_host};
pub(crate) use failure::{Again, Failure, is_transient, probe_error, status_error};
pub use failure::{ProbeError, ProbeErrorKind, THROUGH_PROXY};
pub use proxy::{Proxies, ProxyError};
pub use reqwest::{Method, StatusCode, header};
pub use retry::Outage;
pub(crate) use retry::retry_after;
pub use rules::{AllowedHost, AllowedHostError, MAX_REDIRECTS, Refusal, Rules};
pub use settings::ClientSettings;
pub(crate) use settings::Traffic;
pub use trust::check_trust_roots;
