//! The gate that keeps RHEL CoreOS boot-image bumps from merging before ART's mirror has every byte.
//!
//! Data runs one way:
//!
//! > checkout → documents → artifacts → where each should be → evidence from the network → verdict →
//! > reports, exit status
//!
//! | module | knows |
//! | --- | --- |
//! | [`stream`] | files in a checkout, the document formats, artifact ids, legacy sizes |
//! | [`location`] | build IDs, layouts, hosts; parses a URL and renders it for another target |
//! | [`http`] | reqwest clients under the gate's rules: allowed hosts, addresses, redirects, retries |
//! | [`probe`] | requests evidence about one file from a server: size, sidecars, bytes and digests |
//! | [`verdict`] | expectation × evidence → verdict; pure, without I/O or clock |
//! | [`gate`] | one run: rounds, deadline, interruption |
//! | [`change`] | what a bump changes, for `diff` and `check --base` |
//! | [`report`] | verdicts as text, JSON, `JUnit`, HTML and Markdown |
//! | [`lint`] | contradictions within documents, between them, and with their base; pure |
//! | [`handoff`] | the request to ART, copying to a mirror, what a mirror must retain |
//! | [`cli`] | arguments, environment, exit status |

// Only `location` is a public API. The other modules are public for this program's tests and fuzz targets.
mod atomic;
#[doc(hidden)]
pub mod change;
#[doc(hidden)]
pub mod cli;
#[doc(hidden)]
pub mod gate;
#[doc(hidden)]
pub mod handoff;
#[doc(hidden)]
pub mod http;
#[doc(hidden)]
pub mod lint;
pub mod location;
#[doc(hidden)]
pub mod probe;
#[doc(hidden)]
pub mod report;
#[doc(hidden)]
pub mod stream;
#[doc(hidden)]
pub mod text;
#[doc(hidden)]
pub mod verdict;

#[cfg(test)]
#[path = "../tests/support/ground.rs"]
mod test_support;
