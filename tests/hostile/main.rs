//! A hostile pull request and hostile servers: nothing panics, hangs past its deadline, exceeds the documented
//! memory, requests a forbidden address, or writes outside its directory.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    missing_docs,
    unreachable_pub,
    reason = "tests can panic, and print what they measured"
)]

#[path = "../support/binary.rs"]
mod binary;
#[path = "../support/child.rs"]
mod child;
mod documents;
mod gate;
#[path = "../support/ground.rs"]
mod ground;
mod http2;
mod places;
mod promises;
#[path = "../support/server.rs"]
mod server;
mod servers;
mod width;
