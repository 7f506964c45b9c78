//! An HTTP mirror on loopback whose responses are chosen by the test.
//!
//! A [`Mirror`] serves a [`Table`] of [`Resource`]s, which can change while it runs, over plain HTTP/1.1 or over
//! TLS with HTTP/1.1 or HTTP/2. Each resource has a [`Behaviour`] for each method, from *normal* to *endless
//! headers*. Requests are recorded. A [`Proxy`] serves mirrors under the names of real hosts, and a [`Relay`] delays
//! their traffic. Each runs on its own thread with its own runtime until it is dropped, so that both synchronous and
//! asynchronous tests can use it.
//!
//! ```
//! use embedded_mirror::{Behaviour, Config, Mirror, Resource};
//!
//! let mirror = Mirror::start(Config::plain())?;
//! mirror.put("/rhcos.iso", Resource::bytes("an image").repr_digest());
//! mirror.put("/busy.iso", Resource::bytes("an image").behaves(Behaviour::recovering(2, Behaviour::status(503))));
//! assert!(mirror.url("/rhcos.iso").starts_with("http://127.0.0.1:"));
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! Tests that only need statuses, headers and small bodies use wiremock (`tests/support/server.rs`). This mirror is for
//! TLS, HTTP/2, the published hosts under their real names, redirects across hosts, ranges, connections, and servers
//! that misbehave.
//!
//! This crate shares no code with the program under test, so that no mistake is made in both and goes unnoticed.

mod artifact;
mod background;
mod behaviour;
mod body;
mod config;
mod content;
mod log;
mod mirror;
mod proxy;
mod raw;
mod registry;
mod relay;
mod resource;
mod respond;
mod serve;
mod table;
mod tls;

pub use artifact::{artifact_content, artifact_uncompressed, hex_sha256, meta_json, sha256, sha256sum_txt};
pub use behaviour::{Answer, Behaviour};
pub use config::{Config, Protocol};
pub use content::Content;
pub use log::Recorded;
pub use mirror::{Connections, Mirror};
pub use proxy::{Proxied, Proxy, ProxyConfig, ProxyFault};
pub use registry::Registry;
pub use relay::Relay;
pub use resource::Resource;
pub use table::Table;
pub use tls::Authority;
