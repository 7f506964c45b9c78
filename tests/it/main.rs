//! The tests that need no test program of their own: of commands, of the library's public API, and of promises. They
//! are one program, so that it is linked only once and they all run in parallel.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "tests and helpers can panic, and print what they measured"
)]

mod bump;
mod changes_since_base;
mod completions;
mod connections;
mod content;
mod content_support;
mod contract;
mod diff;
mod false_pass;
mod fuzzing;
mod handoff_support;
mod html_in_chromium;
mod lint;
mod merge;
mod mirror;
mod readme;
mod requests;
mod resolve;
mod retention;
mod signatures;
#[path = "../support/mod.rs"]
mod support;
mod sync_job;
mod sync_list;
