//! The memory of a run with `--verify content` is small, and independent of file sizes, even if files demand much.

use std::io::Read as _;

use embedded_mirror::{Config, Mirror, Resource, hex_sha256};
use serde_json::json;

use crate::support::server::{Server, file};
use crate::support::world::CaFile;
use crate::support::{BUILD, Checkout, Report, Stream, check_locally, watch};

const FILES: u64 = 48;

/// The limit for a run, and for the growth from small files to ones twelve times as large, in KiB.
const LIMIT: u64 = 100 * 1024;
const GROWTH: u64 = 24 * 1024;

/// The documented limit for any run, in KiB.
const DOCUMENTED_LIMIT: u64 = 150 * 1024;

/// The peak resident memory, in KiB, of a run that reads files of this size in bytes.
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
    let program = check_locally(Checkout::of(&stream)).args(["--verify", "content", "--ca-file"]);
    let (finished, peak) = watch(&program.arg(ca.path()));
    assert_eq!(finished.exits(0).report().counts(), [FILES, 0, 0]);
    assert!(mirror.connections() <= 33, "{} connections", mirror.connections());
    peak
}

#[test]
fn forty_eight_files_take_little_memory_however_large_they_are() {
    let (small, large) = (peak(1 << 20), peak(12 << 20));
    eprintln!("{} MiB with files of 1 MiB, {} MiB with files of 12 MiB", small / 1024, large / 1024);
    assert!(small > 0 && large < LIMIT, "{small} and {large} KiB");
    assert!(large <= small + GROWTH, "{small} and {large} KiB");
}

/// Zeros as a zstd frame with a window of `1 << window_log` bytes (RFC 8878, sections 3.1.1.1.2 and 3.1.1.2).
fn zst(window_log: u8, mebibytes: usize) -> Vec<u8> {
    // Each block is one byte repeated 128 KiB times; the last block is empty and marked as last.
    let block = [&((128_u32 << 10) << 3 | 1 << 1).to_le_bytes()[..3], &[0]].concat();
    let header = [0x28, 0xb5, 0x2f, 0xfd, 0, (window_log - 10) << 3];
    [&header[..], &block.repeat(mebibytes * 8), &[1, 0, 0]].concat()
}

/// Zeros as a complete .xz file.
fn xz(mebibytes: u64) -> Vec<u8> {
    let mut encoder = liblzma::write::XzEncoder::new(Vec::new(), 0);
    std::io::copy(&mut std::io::repeat(0).take(mebibytes << 20), &mut encoder).unwrap();
    encoder.finish().unwrap()
}

/// The same file with another dictionary size (the .xz file format, sections 3.1 and 5.3.1).
fn with_dictionary(dictionary: u8, mut xz: Vec<u8>) -> Vec<u8> {
    // After the stream's header: size, flags, the filter LZMA2 and its properties, padding, CRC32.
    let header = &mut xz[12..24];
    assert_eq!(header[..4], [2, 0, 0x21, 1]);
    header[4] = dictionary;
    let mut crc = flate2::Crc::new();
    crc.update(&header[..8]);
    header[8..].copy_from_slice(&crc.sum().to_le_bytes());
    xz
}

/// Many gzip members of a mebibyte of zeros each.
fn gz(mebibytes: usize) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    std::io::copy(&mut std::io::repeat(0).take(1 << 20), &mut encoder).unwrap();
    encoder.finish().unwrap().repeat(mebibytes)
}

#[test]
fn files_that_need_much_memory_share_the_budget_or_are_refused() {
    struct Kind {
        name: &'static str,
        suffix: &'static str,
        count: usize,
        bytes: Vec<u8>,
        /// A part of the message if it is refused.
        refused: Option<&'static str>,
    }
    let kind = |name, suffix, count, bytes, refused| Kind { name, suffix, count, bytes, refused };
    let too_much_memory = Some("MiB of memory");
    let kinds = [
        kind("window64", "zst", 4, zst(26, 70), None),
        kind("window128", "zst", 8, zst(27, 160), too_much_memory),
        kind("dictionary64", "xz", 4, with_dictionary(28, xz(70)), None),
        kind("dictionary128", "xz", 8, with_dictionary(30, xz(1)), too_much_memory),
        kind("dictionary1536", "xz", 1, with_dictionary(37, xz(1)), too_much_memory),
        kind("dictionary4096", "xz", 1, with_dictionary(40, xz(1)), too_much_memory),
        // The document gives no uncompressed size.
        kind("bomb", "gz", 1, gz(1_100), Some("more than 250 times its size")),
    ];
    let zeros = hex_sha256(&vec![0; 70 << 20]);
    let server = Server::start();
    let mut stream = Stream::new();
    for Kind { name, suffix, count, bytes, .. } in &kinds {
        for number in 0..*count {
            let path = format!("/{BUILD}/x86_64/{name}-{number}.{suffix}");
            server.put(&path, file(bytes.clone()));
            let location = server.url(&path);
            let component =
                json!({ "location": location, "sha256": hex_sha256(bytes), "uncompressed-sha256": zeros });
            stream = stream.with(&format!("x86_64/{name}-{number}/{suffix}/disk"), component);
        }
    }
    let program = check_locally(Checkout::of(&stream)).args(["--verify", "content"]);
    let (finished, peak) = watch(&program);
    eprintln!("{} MiB, {:?}", peak / 1024, finished.elapsed);
    let report: Report = finished.exits(1).report();
    for Kind { name, suffix, count, refused, .. } in kinds {
        for number in 0..count {
            let artifact = report.artifact(&format!("x86_64/{name}-{number}/{suffix}/disk"));
            match refused {
                None => assert_eq!(artifact["verdict"], "pass", "{artifact:#}"),
                // Bytes that were not decompressed are not known to be wrong, so this is only a warning.
                Some(why) if name != "bomb" => {
                    assert_eq!(artifact["verdict"], "pass", "{artifact:#}");
                    let warning = artifact["warnings"][0].as_str().unwrap();
                    assert!(warning.contains(why) && warning.contains("not verified"), "{artifact:#}");
                }
                Some(why) => {
                    assert_eq!(artifact["reason"], "uncompressed-sha256-mismatch", "{artifact:#}");
                    assert!(artifact["message"].as_str().unwrap().contains(why), "{artifact:#}");
                }
            }
        }
    }
    assert!(peak > 0 && peak < DOCUMENTED_LIMIT, "{peak} KiB");
}
