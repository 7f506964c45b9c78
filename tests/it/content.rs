//! `--verify content` and `auto`: files are read completely, over reliable and unreliable connections.

use std::io::Write as _;
use std::time::Duration;

use art_mirror_validate::probe::{Client, ClientSettings, DigestSource, Prober};
use art_mirror_validate::verdict::{Outcome, Reason, Verdict, Verify};
use embedded_mirror::{Answer, Behaviour, Config, Mirror, Resource, artifact_content, sha256sum_txt};
use proptest::prelude::*;

use crate::content_support::{case, outcome, outcome_with, outcomes, settings, sha256};
use crate::support::server::{Server, artifact, digested, file, page, status};

fn mirror() -> Mirror {
    Mirror::start(Config::plain()).unwrap()
}

/// Pseudorandom bytes, in which no two parts are alike.
fn noise(size: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[0]
    };
    std::iter::repeat_with(next).take(size).collect()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn xz(bytes: &[u8], preset: u32) -> Vec<u8> {
    let mut encoder = liblzma::write::XzEncoder::new(Vec::new(), preset);
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 3).unwrap()
}

fn served(resource: Resource, expected: &[u8]) -> Outcome {
    let mirror = mirror();
    mirror.put(NAME_PATH, resource);
    outcome(case(&mirror.url(NAME_PATH), expected))
}

const NAME_PATH: &str = "/9.6.20251015-1/rhcos-9.6.20251015-1-metal.x86_64.raw";

fn reason(outcome: &Outcome) -> &'static str {
    outcome.reason().map_or("pass", Reason::as_str)
}

#[test]
fn the_correct_content_passes_as_its_own_evidence() {
    let bytes = noise(3_000_000);
    for config in [Config::plain(), Config::tls_http1(), Config::tls_http2()] {
        let mirror = Mirror::start(config).unwrap();
        let ca = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(ca.path(), mirror.ca_pem()).unwrap();
        let roots = if mirror.ca_pem().is_empty() { vec![] } else { vec![ca.path().to_owned()] };
        mirror.put(NAME_PATH, Resource::bytes(bytes.clone()).labelled_gzip());
        let settings = ClientSettings { extra_roots: roots, ..settings() };
        let outcome = outcome_with(settings, case(&mirror.url(NAME_PATH), &bytes));
        assert_eq!(outcome.verdict(), Verdict::Pass, "{outcome:?}");
        assert_eq!(outcome.observed_sha256, Some((sha256(&bytes), DigestSource::Content)));
        assert_eq!(outcome.observed_size, Some(3_000_000));
        assert_eq!(mirror.count("GET", NAME_PATH), 1);
    }
}

#[test]
fn any_wrong_byte_is_found() {
    let good = noise(300_001);
    let flipped = |at: usize| {
        let mut bytes = good.clone();
        bytes[at] ^= 1;
        bytes
    };
    let mut appended = good.clone();
    appended.push(0);
    for (what, bytes) in [
        ("the first bit", flipped(0)),
        ("a bit in the middle", flipped(150_000)),
        ("the last bit", flipped(300_000)),
        ("the last byte is missing", good[..300_000].to_vec()),
        ("a byte too many", appended),
        ("another file", noise(300_002)),
    ] {
        let server = Server::start();
        server.put(NAME_PATH, file(bytes.clone()));
        let outcome = outcome(case(&server.url(NAME_PATH), &good));
        assert_eq!(reason(&outcome), "sha256-mismatch", "{what}");
        assert_eq!(outcome.observed_sha256, Some((sha256(&bytes), DigestSource::Content)), "{what}");
    }
}

#[test]
fn a_known_size_is_compared_with_the_content() {
    let good = noise(1000);
    for (served, expected) in [(&good[..999], "size-mismatch"), (&good[..], "pass")] {
        let server = Server::start();
        server.put(NAME_PATH, file(served.to_vec()));
        let mut case = case(&server.url(NAME_PATH), &good);
        case.expectation.size = Some(1000);
        assert_eq!(reason(&outcome(case)), expected);
    }
}

#[test]
fn two_swapped_files_both_fail() {
    let server = Server::start();
    let (one, two) = (noise(5000), noise(5001));
    server.put("/one", file(two.clone()));
    server.put("/two", file(one.clone()));
    let cases = [case(&server.url("/one"), &one), case(&server.url("/two"), &two)];
    let outcomes = outcomes(&Prober::new(Client::new(settings())), &cases);
    assert!(outcomes.iter().all(|outcome| reason(outcome) == "sha256-mismatch"), "{outcomes:?}");
}

#[test]
fn auto_reads_only_files_without_a_published_digest() {
    let server = Server::start();
    let bytes = noise(1000);
    server.put("/a/sha256sum.txt", file(sha256sum_txt([("f", &bytes)])));
    server.put("/a/f", file(bytes.clone()));
    server.put("/b/f", file(bytes.clone()));
    server.put("/c/f", digested(bytes.clone()));
    let cases = ["/a/f", "/b/f", "/c/f"].map(|path| {
        let mut case = case(&server.url(path), &bytes);
        case.expectation.verify = Verify::Auto;
        case
    });
    let outcomes = outcomes(&Prober::new(Client::new(settings())), &cases);
    let from: Vec<_> =
        outcomes.iter().filter_map(|outcome| outcome.observed_sha256.map(|(_, from)| from)).collect();
    assert_eq!(from, [DigestSource::Sha256sumTxt, DigestSource::Content, DigestSource::Header]);
    assert!(outcomes.iter().all(|outcome| outcome.verdict() == Verdict::Pass));
    let downloads = ["/a/f", "/b/f", "/c/f"].map(|path| server.count("GET", path));
    assert_eq!(downloads, [0, 1, 0]);
}

#[test]
fn correct_content_does_not_excuse_a_contradicting_sidecar() {
    let server = Server::start();
    let bytes = noise(1000);
    server.put("/a/sha256sum.txt", file(sha256sum_txt([("f", b"others")])));
    server.put("/a/f", file(bytes.clone()));
    let outcome = outcome(case(&server.url("/a/f"), &bytes));
    assert_eq!(reason(&outcome), "sha256-mismatch");
    assert_eq!(outcome.observed_sha256, Some((sha256(b"others"), DigestSource::Sha256sumTxt)));
}

#[test]
fn a_download_is_resumed_after_a_dropped_connection() {
    let bytes = noise(500_000);
    let drop = Behaviour::Sequence(vec![Behaviour::DropAfter(200_000), Behaviour::Normal]);
    let mirror = mirror();
    mirror.put(NAME_PATH, Resource::bytes(bytes.clone()).etag("v1").on_get(drop));
    let outcome = outcome(case(&mirror.url(NAME_PATH), &bytes));
    assert_eq!(reason(&outcome), "pass", "{outcome:?}");
    let requests = mirror.requests();
    let resumed = requests.iter().find(|request| request.header("range").is_some()).unwrap();
    assert_eq!(resumed.header("range"), Some("bytes=200000-"));
    assert_eq!(resumed.header("if-range"), Some("\"v1\""));
    assert_eq!(mirror.count("GET", NAME_PATH), 2);
}

#[test]
fn a_download_is_resumed_after_a_stalled_connection() {
    let bytes = noise(50_000);
    let stall = Behaviour::Sequence(vec![Behaviour::StallAfter(20_000), Behaviour::Normal]);
    let mirror = mirror();
    let date = "Wed, 01 Jan 2025 00:00:00 GMT";
    mirror.put(NAME_PATH, Resource::bytes(bytes.clone()).header("last-modified", date).on_get(stall));
    let settings = ClientSettings { timeout: Duration::from_millis(200), ..settings() };
    let outcome = outcome_with(settings, case(&mirror.url(NAME_PATH), &bytes));
    assert_eq!(reason(&outcome), "pass", "{outcome:?}");
    assert!(mirror.requests().iter().any(|request| request.header("if-range") == Some(date)));
}

#[test]
fn a_slow_download_continues_and_a_stalled_one_times_out() {
    let bytes = noise(20_000);
    let slow = Behaviour::Paced { bytes: 2000, every: Duration::from_millis(100) };
    let dead = Behaviour::Sequence(vec![Behaviour::StallAfter(5000), Behaviour::StallAfter(0)]);
    for (behaviour, expected) in [(slow, "pass"), (dead, "timeout")] {
        let mirror = mirror();
        mirror.put(NAME_PATH, Resource::bytes(bytes.clone()).etag("v1").on_get(behaviour));
        // Four times the interval between parts of the slow file.
        let settings = ClientSettings { timeout: Duration::from_millis(400), retries: Some(1), ..settings() };
        let started = std::time::Instant::now();
        let outcome = outcome_with(settings, case(&mirror.url(NAME_PATH), &bytes));
        assert_eq!(reason(&outcome), expected, "{outcome:?}");
        assert!(started.elapsed() < Duration::from_secs(10));
    }
}

#[test]
fn an_endless_trickle_times_out() {
    let bytes = noise(20_000);
    // A few bytes now and then do not count as progress, whether or not downloads are resumed.
    let trickle = Behaviour::Paced { bytes: 5, every: Duration::from_millis(50) };
    for resource in [Resource::bytes(bytes.clone()).etag("v1"), Resource::bytes(bytes.clone())] {
        let mirror = mirror();
        mirror.put(NAME_PATH, resource.on_get(trickle.clone()));
        let settings = ClientSettings { timeout: Duration::from_millis(200), retries: Some(1), ..settings() };
        let started = std::time::Instant::now();
        let outcome = outcome_with(settings, case(&mirror.url(NAME_PATH), &bytes));
        assert_eq!(reason(&outcome), "timeout", "{outcome:?}");
        assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
        assert!(mirror.count("GET", NAME_PATH) <= 3);
    }
}

#[test]
fn a_server_that_ignores_ranges_is_read_from_the_start() {
    let bytes = noise(100_000);
    let drop = Behaviour::Sequence(vec![Behaviour::DropAfter(60_000), Behaviour::Normal]);
    let tagged = Resource::bytes(bytes.clone()).etag("v1");
    for resource in [
        tagged.clone().ignores_range().on_get(drop.clone()),
        Resource::bytes(bytes.clone()).on_get(drop.clone()),
        tagged.header("etag", "W/\"weak\"").on_get(drop),
    ] {
        assert_eq!(reason(&served(resource, &bytes)), "pass");
    }
}

#[test]
fn a_file_that_changes_between_two_parts_starts_over() {
    let new = noise(100_000).split_off(10_000);
    let old = noise(90_000);
    let first = Resource::bytes(old.clone()).etag("old").on_get(Behaviour::DropAfter(40_000));
    let second = Resource::bytes(new.clone()).etag("new");
    // A server that supports Range but not If-Range sends a part of the new file.
    let part = Answer::status(206)
        .header("content-range", "bytes 40000-89999/90000")
        .header("etag", "\"new\"")
        .body(new[40_000..].to_vec());
    let unconditional = Behaviour::Sequence(vec![
        Behaviour::serve(first.clone()),
        Behaviour::Answer(part),
        Behaviour::serve(second.clone()),
    ]);
    let changing = Behaviour::Sequence(vec![Behaviour::serve(first), Behaviour::serve(second)]);
    for behaviour in [changing, unconditional] {
        for (expected, verdict) in [(&new, "pass"), (&old, "sha256-mismatch")] {
            let resource = Resource::bytes(old.clone()).on_get(behaviour.clone());
            assert_eq!(reason(&served(resource, expected)), verdict);
        }
    }
}

#[test]
fn a_part_that_was_not_asked_for_is_not_appended() {
    let bytes = noise(50_000);
    let good = Resource::bytes(bytes.clone()).etag("v1");
    for range in ["bytes 0-49999/50000", "bytes 20001-49999/50000", "bytes 20000-29999/30000", "nonsense"] {
        let part = Answer::status(206)
            .header("content-range", range)
            .header("etag", "\"v1\"")
            .body(bytes[20_000..].to_vec());
        let behaviour = Behaviour::Sequence(vec![
            Behaviour::DropAfter(20_000),
            Behaviour::Answer(part),
            Behaviour::Normal,
        ]);
        assert_eq!(reason(&served(good.clone().on_get(behaviour), &bytes)), "pass", "{range}");
    }
}

#[test]
fn a_file_that_is_never_complete_never_passes() {
    let bytes = noise(50_000);
    let good = Resource::bytes(bytes.clone()).etag("v1");
    for behaviour in [
        Behaviour::ContentLength(60_000),
        Behaviour::EndlessBody,
        Behaviour::Reset,
        Behaviour::status(500),
        Behaviour::status(404),
        Behaviour::soft_404(),
        Behaviour::ContentLength(40_000),
        Behaviour::Cycle(vec![Behaviour::DropAfter(0)]),
    ] {
        let mut resource = good.clone().on_get(behaviour.clone());
        let outcome = served(resource.clone(), &bytes);
        assert_ne!(outcome.verdict(), Verdict::Pass, "{behaviour:?}");
        resource = resource.ignores_range();
        assert_ne!(served(resource, &bytes).verdict(), Verdict::Pass, "{behaviour:?}");
    }
}

#[test]
fn compressed_content_is_verified_in_the_same_pass() {
    let raw = noise(700_000);
    let (half, rest) = raw.split_at(300_000);
    let mut skippable = vec![0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3];
    skippable.extend(zstd(&raw));
    for (name, packed) in [
        ("/f.gz", gzip(&raw)),
        ("/f.xz", xz(&raw, 6)),
        ("/f9.xz", xz(&raw, 9)),
        ("/f.zst", zstd(&raw)),
        ("/two.gz", [gzip(half), gzip(rest)].concat()),
        ("/two.xz", [xz(half, 1), vec![0; 8], xz(rest, 9)].concat()),
        ("/two.zst", [zstd(half), zstd(rest)].concat()),
        ("/skippable.zst", skippable),
        ("/named-otherwise.img", gzip(&raw)),
        ("/not-compressed", raw.clone()),
    ] {
        let server = Server::start();
        server.put(name, file(packed.clone()).insert_header("content-encoding", "x-gzip"));
        for (expected, verdict) in [(&raw[..], "pass"), (half, "uncompressed-sha256-mismatch")] {
            let mut case = case(&server.url(name), &packed);
            case.expectation.uncompressed_sha256 = Some(sha256(expected));
            let outcome = outcome(case);
            assert_eq!(reason(&outcome), verdict, "{name}: {}", outcome.message());
            assert_eq!(outcome.observed_uncompressed_sha256, Some(sha256(&raw)), "{name}");
        }
        assert_eq!(server.count("GET", name), 2);
    }
}

#[test]
fn a_damaged_compressed_file_fails() {
    let raw = noise(200_000);
    for (suffix, packed) in [("gz", gzip(&raw)), ("xz", xz(&raw, 1)), ("zst", zstd(&raw))] {
        let garbage = [&packed[..], b"garbage"].concat();
        let zeros = [&packed[..], &[0; 5]].concat();
        let truncated = packed[..packed.len() - 3].to_vec();
        let halved = packed[..packed.len() / 2].to_vec();
        for bytes in [garbage, zeros, truncated, halved, b"no such format".to_vec(), b"x".to_vec()] {
            let server = Server::start();
            let path = format!("/f.{suffix}");
            server.put(&path, file(bytes.clone()));
            let mut case = case(&server.url(&path), &bytes);
            case.expectation.uncompressed_sha256 = Some(sha256(&raw));
            let outcome = outcome(case);
            assert_eq!(reason(&outcome), "uncompressed-sha256-mismatch", "{suffix} {}", bytes.len());
            // Even if decompression fails, every byte is counted and hashed.
            assert_eq!(outcome.observed_size, Some(bytes.len() as u64));
            assert_eq!(outcome.observed_sha256, Some((sha256(&bytes), DigestSource::Content)));
        }
    }
}

/// Content that cannot be unpacked is not known to be wrong, so the report warns that it was not verified.
#[test]
fn an_unsupported_compression_is_a_warning() {
    let raw = noise(1_000);
    let bzip2 = [b"BZh91AY&SY", &raw[..]].concat();
    let zip = |method: u8| [b"PK\x03\x04\x14\0\0\0", &[method, 0][..], &[0; 20], &raw].concat();
    for (name, bytes, is_a_warning) in [
        ("/f.raw.bz2", bzip2.clone(), true),
        ("/f.raw", bzip2, true),
        ("/f.raw.lz4", raw.clone(), true),
        ("/f.raw.7z", raw.clone(), true),
        ("/f.vhdx.zip", zip(93), true),
        // Not compressed, or not in the format that the name says.
        ("/f.raw", raw.clone(), false),
        ("/f.vhdx.zip", raw.clone(), false),
        ("/f.raw.gz", raw.clone(), false),
    ] {
        let server = Server::start();
        server.put(name, file(bytes.clone()));
        let mut case = case(&server.url(name), &bytes);
        case.expectation.uncompressed_sha256 = Some(sha256(b"what is inside"));
        let outcome = outcome(case);
        let warned = outcome.warnings.iter().any(|it| it.contains("uncompressed-sha256 not verified"));
        let expected = if is_a_warning { "pass" } else { "uncompressed-sha256-mismatch" };
        assert_eq!((reason(&outcome), warned), (expected, is_a_warning), "{name}: {}", outcome.message());
    }
}

/// The Hyper-V image as cosa packs it with Info-ZIP, to a file and to a pipe.
#[test]
fn a_zip_archive_of_one_file_is_unpacked() {
    const INSIDE: &[u8] = b"the disk inside, the disk inside, the disk inside\n";
    for packed in [
        "UEsDBBQAAgAIAAAAIVohOxk7FwAAADIAAAAJAAAAZGlzay52aGR4K8lIVUjJLM5WyMwrzkxJ1VEoISDA\
                    BQBQSwECHgMUAAIACAAAACFaITsZOxcAAAAyAAAACQAAAAAAAAABAAAApIEAAAAAZGlzay52aGR4UEsF\
                    BgAAAAABAAEANwAAAD4AAAAAAA==",
        "UEsDBC0AAAAIAEepeV0hOxk7//////////8BABQALQEAEAAyAAAAAAAAABcAAAAAAAAAK8lIVUjJLM5W\
                    yMwrzkxJ1VEoISDABQBQSwECHgMtAAAACABHqXldITsZOxcAAAAyAAAAAQAAAAAAAAABAAAAgBEAAAAA\
                    LVBLBgYsAAAAAAAAAB4DLQAAAAAAAAAAAAEAAAAAAAAAAQAAAAAAAAAvAAAAAAAAAEoAAAAAAAAAUEsG\
                    BwAAAAB5AAAAAAAAAAEAAABQSwUGAAAAAAEAAQAvAAAASgAAAAAA",
    ] {
        let packed = data_encoding::BASE64.decode(packed.as_bytes()).unwrap();
        for (inside, verdict) in [(INSIDE, "pass"), (b"another", "uncompressed-sha256-mismatch")] {
            let server = Server::start();
            server.put("/f.vhdx.zip", file(packed.clone()));
            let mut case = case(&server.url("/f.vhdx.zip"), &packed);
            case.expectation.uncompressed_sha256 = Some(sha256(inside));
            let outcome = outcome(case);
            assert_eq!(reason(&outcome), verdict, "{}", outcome.message());
            assert!(outcome.warnings.is_empty(), "{:?}", outcome.warnings);
        }
    }
}

#[test]
fn a_decompression_bomb_is_stopped_at_the_expected_size() {
    let zeros = vec![0; 50_000_000];
    for (path, packed) in [("/f.gz", gzip(&zeros)), ("/f.xz", xz(&zeros, 0)), ("/f.zst", zstd(&zeros))] {
        let server = Server::start();
        server.put(path, file(packed.clone()));
        let mut case = case(&server.url(path), &packed);
        case.expectation.uncompressed_sha256 = Some(sha256(&zeros));
        case.expectation.uncompressed_size = Some(1_000_000);
        let outcome = outcome(case);
        assert_eq!(reason(&outcome), "uncompressed-sha256-mismatch");
        assert!(outcome.message().contains("more than the 1000000 bytes"), "{}", outcome.message());
    }
}

/// A body that ends with the connection can be truncated anywhere, so its length is compared with HEAD's.
#[test]
fn a_body_that_ends_with_the_connection_must_have_the_length_from_head() {
    let bytes = noise(1000);
    let raw = |body: &[u8]| Behaviour::Garbage([b"HTTP/1.1 200 OK\r\n\r\n", body].concat().into());
    for (answers, says) in [
        (vec![raw(&bytes)], "pass"),
        (vec![raw(&bytes[..500]), raw(&bytes)], "pass"),
        (vec![raw(&bytes[..500])], "unreachable"),
    ] {
        let resource = Resource::bytes(bytes.clone()).on_get(Behaviour::Sequence(answers));
        let outcome = served(resource, &bytes);
        assert_eq!(reason(&outcome), says, "{outcome:?}");
    }
}

/// A chunked body has an explicit end: one shorter than HEAD's length is another file, not a truncated one.
#[test]
fn a_shorter_body_with_an_explicit_end_is_another_file() {
    let bytes = noise(1000);
    let shorter = Resource::bytes(bytes[..500].to_vec()).behaves(Behaviour::NoContentLength);
    let outcome = served(Resource::bytes(bytes.clone()).on_get(Behaviour::serve(shorter)), &bytes);
    assert_eq!(reason(&outcome), "sha256-mismatch", "{outcome:?}");
    assert_eq!(outcome.attempts, 2, "HEAD, and GET once");
}

#[test]
fn downloads_do_not_delay_other_requests() {
    let mirror = mirror();
    let slow = Behaviour::Paced { bytes: 10, every: Duration::from_millis(50) };
    let bytes = noise(100);
    let paths: Vec<String> = (0..20).map(|number| format!("/{number}")).collect();
    for path in &paths {
        mirror.put(path, Resource::bytes(bytes.clone()).on_get(slow.clone()));
    }
    let cases: Vec<_> = paths.iter().map(|path| case(&mirror.url(path), &bytes)).collect();
    let settings = ClientSettings { concurrency: 2, ..settings() };
    let outcomes = outcomes(&Prober::new(Client::new(settings)), &cases);
    assert!(outcomes.iter().all(|outcome| outcome.verdict() == Verdict::Pass));
    let requests = mirror.requests();
    let last_head = requests.iter().filter(|it| it.method == "HEAD").map(|it| it.at).max().unwrap();
    let last_get = requests.iter().filter(|it| it.method == "GET").map(|it| it.at).max().unwrap();
    assert!(last_get.duration_since(last_head) > Duration::from_secs(1));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// Wherever connections break, only the correct digest passes; with a validator and progress on every connection,
    /// the file passes.
    #[test]
    fn drops_anywhere_do_no_harm(
        size in 1_usize..200_000,
        drops in prop::collection::vec(0_u64..120_000, 0..6),
        validator: bool,
        ranges: bool,
        wrong: bool,
    ) {
        let bytes = noise(size);
        let mut resource = Resource::bytes(bytes.clone());
        if validator {
            resource = resource.etag("v1");
        }
        if !ranges {
            resource = resource.ignores_range();
        }
        let mut sequence: Vec<Behaviour> = drops.iter().map(|&at| Behaviour::DropAfter(at)).collect();
        sequence.push(Behaviour::Normal);
        let expected = if wrong { noise(size + 1) } else { bytes };
        let outcome = served(resource.on_get(Behaviour::Sequence(sequence)), &expected);
        if wrong {
            prop_assert_ne!(outcome.verdict(), Verdict::Pass);
        } else {
            prop_assert_ne!(outcome.verdict(), Verdict::Fail, "{:?}", outcome);
            if outcome.verdict() == Verdict::Pass {
                prop_assert_eq!(outcome.observed_sha256, Some((sha256(&expected), DigestSource::Content)));
            }
            if validator && ranges && drops.iter().all(|&at| at > 0) {
                prop_assert_eq!(outcome.verdict(), Verdict::Pass, "{:?}", outcome);
            }
        }
    }
}

/// HEAD can look normal for an archived file, for example behind a CDN that removes the storage class.
#[test]
fn a_file_is_missing_if_get_reports_it_as_archived() {
    let s3 = |code: &str| status(403).set_body_raw(format!("<Error><Code>{code}</Code></Error>"), "text/xml");
    let server = Server::start();
    server.put("HEAD /f.iso", artifact("f.iso"));
    for (answer, reason_word, says) in [
        (s3("InvalidObjectState"), "missing", "until it is restored"),
        (s3("AccessDenied"), "missing", "403"),
        (page(403, "Request blocked.").insert_header("server", "CloudFront"), "server-error", "firewall"),
    ] {
        server.put("/f.iso", answer);
        let outcome = outcome(case(&server.url("/f.iso"), &artifact_content("f.iso")));
        assert_eq!(reason(&outcome), reason_word);
        assert!(outcome.message().contains(says), "{}", outcome.message());
    }
}
