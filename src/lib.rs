//! The gate that keeps RHEL CoreOS boot-image bumps from merging before ART's mirror has every byte.
//!
//! Data runs one way, and no module knows a later one:
//!
//! > checkout → documents → artifacts → where each should be → evidence from the network → verdict →
//! > reports, exit status
//!
//! | module | knows |
//! | --- | --- |
//! | [`stream`] | files in a checkout, the document formats, artifact ids, legacy sizes |
//! | [`location`] | build IDs, layouts, hosts; parses a URL and renders it elsewhere |
//! | [`http`] | reqwest clients under our rules: where requests may go, addresses, redirects, retries |
//! | [`probe`] | what is asked of a server about one file: size, sidecars, bytes and digests; gives evidence |
//! | [`verdict`] | expectation × evidence → verdict; pure, without I/O or clock |
//! | [`change`] | what a bump changes, for `diff` and `check --base` |
//! | [`report`] | verdicts as text, JSON, `JUnit`, HTML and Markdown |
//! | [`lint`] | what in the documents contradicts itself, its siblings, its base; pure |
//! | [`handoff`] | the request to ART, the mirror, what a mirror must keep |
//! | [`cli`] | arguments, environment, exit status |

mod atomic;
pub mod change;
pub mod cli;
pub mod gate;
pub mod handoff;
pub mod http;
pub mod lint;
pub mod location;
pub mod probe;
pub mod report;
pub mod stream;
pub mod text;
pub mod verdict;
