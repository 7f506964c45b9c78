//! Runs `check` as its callers do: the built binary against real sockets on loopback.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test helpers can panic like tests"
)]

#[path = "../support/mod.rs"]
mod support;

mod cloud;
mod deadlines;
mod fail_open;
#[cfg(target_os = "linux")]
mod memory;
mod network;
mod outputs;
mod readable;
mod reasons;
mod refs;
mod retries;
mod sidecars;
mod sidecars_memory;
mod sources;
mod transport;
mod upgrade;
