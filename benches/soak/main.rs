//! Tests that memory, descriptors and connections of a long `check --wait` do not grow while mirrors misbehave.
//! `cargo bench --bench soak -- [--minutes N] [--binary PATH] [--samples CSV]`.
//!
//! Exit status 1 if one of them grows, or if the run itself fails.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    unreachable_pub,
    reason = "a benchmark can panic, and prints its results"
)]

mod faulty;
mod sample;

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use faulty::Faulty;
use sample::{Quantity, Sample};
use serde_json::Value;

/// The interval between samples, and between changes of the mirrors.
const EVERY: Duration = Duration::from_millis(250);

struct Arguments {
    minutes: f64,
    binary: PathBuf,
    samples: Option<PathBuf>,
}

impl Arguments {
    fn read() -> Self {
        let binary = PathBuf::from(env!("CARGO_BIN_EXE_art-mirror-validate"));
        let mut arguments = Self { minutes: 30.0, binary, samples: None };
        let mut words = std::env::args().skip(1);
        while let Some(word) = words.next() {
            let mut value = || words.next().unwrap_or_else(|| panic!("{word} needs a value"));
            match &*word {
                "--minutes" => arguments.minutes = value().parse().unwrap(),
                "--binary" => arguments.binary = value().into(),
                "--samples" => arguments.samples = Some(value().into()),
                // Added by cargo.
                "--bench" => {}
                _ => panic!("{word}: expected --minutes N, --binary PATH or --samples CSV"),
            }
        }
        arguments
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::read();
    let time = Duration::from_secs_f64(arguments.minutes * 60.0);
    let faulty = Faulty::start();
    let reports = tempfile::tempdir().unwrap();
    let began = Instant::now();
    let mut child = Command::new(&arguments.binary)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .arg("check")
        .arg(faulty.document())
        .args(["--allow-host", "127.0.0.1", "--allow-private-addresses", "--cloud-images", "ignore"])
        .args(["--verify", "auto", "--timeout", "250ms", "--retry-for", "250ms", "--wait-interval", "100ms"])
        .arg("--ca-file")
        .arg(faulty.ca())
        .args(["--wait", &format!("{}s", time.as_secs()), "--artifacts-dir"])
        .arg(reports.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let rounds = Arc::new(AtomicU64::new(0));
    let (stdout, counted) = (child.stdout.take().unwrap(), Arc::clone(&rounds));
    std::thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            counted.fetch_add(u64::from(line.contains(" left; asking again in ")), Ordering::Relaxed);
        }
    });

    let mut samples = Vec::new();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        faulty.change(began.elapsed(), time);
        // After that, the program only writes its reports.
        if began.elapsed() < time {
            samples.extend(Sample::of(child.id()));
        }
        // The interval between two samples.
        std::thread::sleep(EVERY);
    };

    let rounds = rounds.load(Ordering::Relaxed);
    if let Some(path) = &arguments.samples {
        std::fs::write(path, sample::csv(&samples)).unwrap();
    }
    println!(
        "{} artifacts on three servers, {:.1} minutes, {rounds} rounds, {} requests, {} connections, {} samples",
        faulty.artifacts(),
        began.elapsed().as_secs_f64() / 60.0,
        faulty.requests(),
        faulty.connections(),
        samples.len()
    );
    let mut wrong = Vec::new();
    wrong.extend(sample::table(&samples));
    let report = std::fs::read(reports.path().join("art-mirror-validate.json")).unwrap_or_default();
    let report: Value = serde_json::from_slice(&report).unwrap_or_default();
    let summary = &report["summary"];
    println!("result: {status}, {summary}");
    if status.code() != Some(1) || summary["artifacts"] != faulty.artifacts() {
        wrong.push("the run did not end with the missing files that it was given".to_owned());
    }
    // All files that appeared must pass, except perhaps the last one, and no others.
    let appeared = faulty.appeared();
    if !(appeared.saturating_sub(1)..=appeared).contains(&summary["passed"].as_u64().unwrap_or(0)) {
        wrong.push(format!("{appeared} files appeared"));
    }
    if rounds < time.as_secs() / 20 {
        wrong.push(format!("only {rounds} rounds"));
    }
    for fault in &wrong {
        println!("MISSED: {fault}");
    }
    if wrong.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The limits of growth from the second quarter of the run, after the warm-up, to the last. During a round the values
/// vary with the requests in flight, so the low samples, from between two rounds, are compared.
const QUANTITIES: [Quantity; 4] = [
    Quantity { name: "resident memory, KiB", of: |it| it.rss, more_in_a_hundred: 10, more: 2048 },
    Quantity { name: "proportional memory, KiB", of: |it| it.pss, more_in_a_hundred: 10, more: 2048 },
    Quantity { name: "descriptors", of: |it| it.descriptors, more_in_a_hundred: 0, more: 3 },
    Quantity { name: "connections", of: |it| it.connections, more_in_a_hundred: 0, more: 3 },
];
