//! The memory needed for the sidecars of many directories: only requested entries are kept.

use std::fmt::Write as _;

use embedded_mirror::{artifact_content, hex_sha256};
use serde_json::json;

use crate::support::server::{Server, file, published};
use crate::support::{Checkout, Stream, check_locally, component, watch};

/// The documented limit for a hundred directories, in KiB, and the number tried.
const DOCUMENTED_LIMIT: u64 = 400 * 1024;
const DIRECTORIES: usize = 100;

/// How many directories have a `meta.json` of the maximum size, with long paths.
const LARGEST: usize = 2;

/// A `meta.json` of 30 KB with a hundred faults below many long keys, of characters that are printed as eight bytes.
fn many_faults() -> String {
    let twice = "\"a\": 1, ".repeat(100);
    let key = "\u{202e}".repeat(80);
    let (before, after) = (format!("{{\"{key}\": ").repeat(100), "}".repeat(100));
    format!("{{\"images\": {{\"x\": {{\"y\": {before}{{{twice}\"b\": 2}}{after}}}}}}}")
}

/// A `meta.json` with many images, whose paths have this many characters.
fn many_images(path: usize) -> String {
    let images: Vec<String> =
        (0..9_900).map(|number| format!("\"{number}\": {{\"path\": \"{number:0path$}\"}}")).collect();
    format!("{{\"images\": {{{}}}}}", images.join(","))
}

/// A `sha256sum.txt` of the maximum size with as many lines as possible.
fn many_lines() -> String {
    let digest = hex_sha256(b"");
    let mut text = String::new();
    for number in 0.. {
        let _ = writeln!(text, "{digest}  {number:x}");
        if text.len() + 75 > 1024 * 1024 {
            break;
        }
    }
    text
}

#[test]
fn a_hundred_directories_with_hostile_sidecars_stay_within_the_documented_memory() {
    let server = Server::start();
    let (faults, lines, long) = (many_faults(), many_lines(), many_images(3_200));
    assert!(faults.len() < 32_000 && lines.len() > 1_000_000 && long.len() > 31_000_000);
    let mut stream = Stream::new();
    for number in 0..DIRECTORIES {
        let path = format!("/{number}/f.iso");
        server.put(&path, published("f.iso"));
        let meta = if number < LARGEST { &long } else { &faults };
        server.put(&format!("/{number}/meta.json"), file(meta.clone()));
        server.put(&format!("/{number}/sha256sum.txt"), file(lines.clone()));
        stream = stream.with(&format!("x86_64/p{number:03}/iso/disk"), component(&server.url(&path)));
    }
    let (finished, peak) = watch(&check_locally(Checkout::of(&stream)));
    eprintln!("{} MiB, {:?}", peak / 1024, finished.elapsed);
    let report = finished.exits(0).report();
    assert_eq!(report.counts(), [DIRECTORIES as u64, 0, 0]);
    let warning = report.artifact("x86_64/p099/iso/disk")["warnings"][0].as_str().unwrap();
    assert!(warning.contains("meta.json") && warning.len() < 4_000, "{warning}");
    assert!(peak > 0 && peak < DOCUMENTED_LIMIT, "{peak} KiB");
}

/// A valid `meta.json` of some megabytes is read completely, and what contradicts a file counts.
#[test]
fn a_large_meta_json_is_read_and_its_contradictions_are_found() {
    let server = Server::start();
    let mut stream = Stream::new();
    for (number, is_right) in (0..8).map(|number| (number, number % 2 == 0)) {
        let path = format!("/{number}/f.iso");
        server.put(&path, published("f.iso"));
        let digest = if is_right { hex_sha256(&artifact_content("f.iso")) } else { hex_sha256(b"another") };
        let last = json!({ "path": "f.iso", "sha256": digest }).to_string();
        let meta = many_images(320);
        let meta = format!("{}, \"last\": {last}}}}}", meta.strip_suffix("}}").unwrap());
        assert!((3_000_000..4_000_000).contains(&meta.len()));
        server.put(&format!("/{number}/meta.json"), file(meta));
        stream = stream.with(&format!("x86_64/p{number}/iso/disk"), component(&server.url(&path)));
    }
    let report = check_locally(Checkout::of(&stream)).run().exits(1).report();
    assert_eq!(report.counts(), [4, 4, 0]);
    assert_eq!(report.artifact("x86_64/p7/iso/disk")["reason"], "metadata-conflict");
}
