//! What a run that reads everything takes in memory: little, and no more for large files than for small ones.

use std::fs;
use std::time::Duration;

use embedded_mirror::{Config, Mirror, Resource};
use serde_json::json;

use crate::support::world::CaFile;
use crate::support::{BUILD, Checkout, Stream, check_locally};

const FILES: u64 = 48;

/// The most that a run may take, in KiB, and by how much more for files of twelve times the size.
const MOST: u64 = 100 * 1024;
const SLACK: u64 = 12 * 1024;

/// The most resident memory, in KiB, of a run that proves so many files of this size.
fn peak(size: u64) -> u64 {
    let mirror = Mirror::start(Config::tls_http2()).unwrap();
    let ca = CaFile::of(&mirror.ca_pem());
    let mut stream = Stream::new();
    for number in 0..FILES {
        let path = format!("/{BUILD}/x86_64/rhcos-{BUILD}-p{number:02}.x86_64.raw");
        let file = Resource::synthetic(number, size);
        let sha256 = data_encoding::HEXLOWER.encode(&file.content().sha256());
        mirror.put(&path, file.etag("v1"));
        let component = json!({ "location": mirror.url(&path), "sha256": sha256, "size": size });
        stream = stream.with(&format!("x86_64/p{number:02}/raw/disk"), component);
    }
    let program =
        check_locally(Checkout::of(&stream)).args(["--verify", "content", "--ca-file"]).arg(ca.path());
    let mut running = program.start();
    let mut peak = 0;
    while running.child.try_wait().unwrap().is_none() {
        let status = fs::read_to_string(format!("/proc/{}/status", running.child.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        peak = peak.max(line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0));
        std::thread::sleep(Duration::from_millis(5));
    }
    let report = running.finish().exits(0).report();
    assert_eq!(report.counts(), [FILES, 0, 0]);
    assert!(mirror.connections() <= 33, "{} connections", mirror.connections());
    peak
}

#[test]
fn forty_eight_files_take_little_memory_however_large_they_are() {
    let (small, large) = (peak(1 << 20), peak(12 << 20));
    eprintln!("{} MiB with files of 1 MiB, {} MiB with files of 12 MiB", small / 1024, large / 1024);
    assert!(small > 0 && large < MOST, "{small} and {large} KiB");
    assert!(large <= small + SLACK, "{small} and {large} KiB");
}
