//! Servers that send too much, too slowly, or content that must not be trusted.

use std::fs;
use std::path::Path;
use std::time::Duration;

use comrak::nodes::NodeValue;
use comrak::{Arena, Options, parse_document};
use embedded_mirror::{Behaviour, Config, Mirror, Resource};
use serde_json::{Value, json};

use crate::gate::{ITSELF, MEMORY, REPORTS, Run, check, document, gate, run};
use crate::server::{Server, artifact, file, status};

const DIRECTORY: &str = "/pub/openshift-v4/x86_64/dependencies/rhcos/4.8/48.83.202102230316-0/";

fn judge(locations: &[String], ca_pem: &str, more: &[&str]) -> Run {
    let directory = tempfile::tempdir().unwrap();
    let (file, ca) = (directory.path().join("stream.json"), directory.path().join("ca.pem"));
    fs::write(&file, document(locations)).unwrap();
    fs::write(&ca, ca_pem).unwrap();
    let local = ["--allow-private-addresses", "--allow-host", "127.0.0.1"];
    let mut command = check(&file, &[&local, more].concat());
    if !ca_pem.is_empty() {
        command.arg("--ca-file").arg(&ca);
    }
    run(command)
}

#[test]
fn endless_responses_cause_a_timeout_and_use_no_memory() {
    let slow_loris = Behaviour::SlowLoris(Duration::from_millis(50));
    let attacks = [
        ("headers without end", Behaviour::EndlessHeaders),
        ("a header of 100 MiB", Behaviour::HugeHeader(100 << 20)),
        ("a body without end, to HEAD too", Behaviour::EndlessBody),
        ("a header a byte at a time", slow_loris),
        ("a length beyond any disk", Behaviour::ContentLength(u64::MAX)),
        ("silence", Behaviour::Hang),
        ("noise", Behaviour::Garbage(vec![0x16; 1 << 20].into())),
        ("no HTTP", Behaviour::Garbage(b"HTTP/9.9 999999 \x1b[31m\r\n\r\n".to_vec().into())),
        ("switching protocols", Behaviour::status(101)),
        ("early hints alone", Behaviour::Garbage(b"HTTP/1.1 103 Early Hints\r\n\r\n".repeat(100_000).into())),
    ];
    let try_on = |wire: fn() -> Config| {
        for (attack, behaviour) in &attacks {
            let mirror = Mirror::start(wire()).unwrap();
            let resource = Resource::bytes("x").behaves(behaviour.clone());
            for name in ["a.iso", "b.iso", "sha256sum.txt", "meta.json"] {
                mirror.put(&format!("{DIRECTORY}{name}"), resource.clone());
            }
            let locations = ["a.iso", "b.iso"].map(|name| mirror.url(&format!("{DIRECTORY}{name}")));
            // A longer timeout would let more data accumulate if it were kept.
            let more = ["--verify", "published", "--timeout", "600ms"];
            let run = judge(&locations, &mirror.ca_pem(), &more);
            // There was a response, but no proof.
            assert!(matches!(run.code, Some(1 | 3)), "{attack}: {:?} {}", run.code, run.said());
            for artifact in run.report()["artifacts"].as_array().unwrap() {
                assert_ne!(artifact["verdict"], "pass", "{attack}: {artifact}");
            }
            // An endless sidecar is read up to the size limit of sidecars.
            let most = if attack.starts_with("a body") { MEMORY } else { ITSELF };
            assert!(run.peak < most, "{attack}: {} MiB", run.peak);
            assert!(run.took < Duration::from_secs(15), "{attack}: {:?}", run.took);
        }
    };
    std::thread::scope(|scope| {
        for wire in [Config::plain, Config::tls_http1, Config::tls_http2] {
            scope.spawn(move || try_on(wire));
        }
    });
}

/// Without a known size, the body is read as fast as it arrives, until the deadline.
#[test]
fn an_endless_body_is_read_until_the_deadline_and_uses_no_memory() {
    let endless = |wire: fn() -> Config, verify: &str| {
        let mirror = Mirror::start(wire()).unwrap();
        let paths = ["a.iso", "b.raw.gz"].map(|name| format!("{DIRECTORY}{name}"));
        for path in &paths {
            mirror.put(path, Resource::bytes("x").behaves(Behaviour::EndlessBody));
        }
        let reports = tempfile::tempdir().unwrap();
        let directory = reports.path().to_str().unwrap();
        // A longer deadline would let more data accumulate if it were kept; a shorter one might precede the requests.
        let more = ["--verify", verify, "--deadline", "1500ms", "--artifacts-dir", directory];
        let run = judge(&paths.each_ref().map(|path| mirror.url(path)), &mirror.ca_pem(), &more);
        assert_eq!(run.code, Some(3), "{verify}: {}", run.said());
        for artifact in run.report()["artifacts"].as_array().unwrap() {
            // Over HTTP/1.1, bytes after a response to HEAD can also be taken for an invalid next response.
            let reason = artifact["reason"].as_str();
            assert!(matches!(reason, Some("deadline" | "unreachable")), "{verify}: {artifact}");
        }
        assert!(mirror.count("GET", &paths[0]) > 0, "{verify}: {:?}", mirror.requests());
        assert!(run.peak < MEMORY, "{verify}: {} MiB", run.peak);
        assert!(run.took < Duration::from_secs(8), "{verify}: {:?}", run.took);
        assert!(REPORTS.iter().all(|name| reports.path().join(name).is_file()), "{verify}");
    };
    std::thread::scope(|scope| {
        for wire in [Config::plain, Config::tls_http1, Config::tls_http2] {
            for verify in ["auto", "content"] {
                scope.spawn(move || endless(wire, verify));
            }
        }
    });
}

#[test]
fn a_content_encoding_is_never_decoded() {
    // A gzip file of 100 MiB of zeros, labelled so that an HTTP client would decompress it.
    let bomb = bomb();
    let server = Server::start();
    for label in ["gzip", "x-gzip", "deflate", "br", "zstd", "gzip, gzip"] {
        let labelled = file(bomb.clone()).insert_header("content-encoding", label);
        for name in ["a.iso", "sha256sum.txt", "meta.json"] {
            server.put(&format!("{DIRECTORY}{name}"), labelled.clone());
        }
        let location = server.url(&format!("{DIRECTORY}a.iso"));
        let run = judge(&[location], "", &["--verify", "published"]);
        let report = run.report();
        assert_eq!(
            (run.code, &report["artifacts"][0]["reason"]),
            (Some(3), &"no-digest".into()),
            "{label}: {report}"
        );
        assert_eq!(report["artifacts"][0]["size"]["observed"], bomb.len(), "{label}");
        assert!(run.peak < MEMORY, "{label}: {} MiB", run.peak);
    }
}

/// 100 gzip members, each of 1 MiB of zeros in 6.6 KB: repeated matches of 258 bytes at distance 1 with the fixed
/// Huffman codes (RFC 1951, section 3.2.6).
fn bomb() -> Vec<u8> {
    let mut bits: Vec<bool> = vec![true, true, false];
    let mut push = |code: u32, length: u32| bits.extend((0..length).rev().map(|bit| code >> bit & 1 == 1));
    push(0b0011_0000, 8);
    for _ in 0..4_064 {
        // Length 258 is symbol 285, distance 1 is symbol 0.
        push(0b1100_0101, 8);
        push(0, 5);
    }
    push(0, 7);
    let deflated = bits.chunks(8).map(|byte| byte.iter().rev().fold(0, |all, bit| all << 1 | u8::from(*bit)));
    let mut member = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
    member.extend(deflated);
    member.extend([0; 8]);
    member.repeat(100)
}

#[test]
fn sidecars_with_odd_names_prove_nothing_about_others() {
    let name = "rhcos-48.83.202102230316-0-a.iso";
    let digest = "00".repeat(32);
    let odd = [
        format!("../{name}"),
        format!("../../48.83.202102230316-0/{name}"),
        format!("/{name}"),
        format!("x/{name}"),
        format!("{name} "),
        format!(" {name}"),
        format!("{name}\\n"),
        format!("{name}\u{200b}"),
        format!("{name}\u{0}"),
        name.to_uppercase(),
        format!("{name}.sig"),
        name.replace('-', "%2d"),
        "\u{1b}[2K\u{1b}[32mPASS".to_owned(),
        "*".to_owned(),
        "-".to_owned(),
        String::new(),
    ];
    let server = Server::start();
    server.put(&format!("{DIRECTORY}{name}"), artifact(name));
    for odd in &odd {
        server.put(&format!("{DIRECTORY}sha256sum.txt"), file(format!("{digest}  {odd}\n")));
        let meta = serde_json::json!({ "images": { "x": { "path": odd, "sha256": digest } } });
        server.put(&format!("{DIRECTORY}meta.json"), file(meta.to_string()));
        let location = server.url(&format!("{DIRECTORY}{name}"));
        let run = judge(&[location], "", &["--verify", "published"]);
        assert_eq!(run.code, Some(3), "{odd:?}: {}", run.report());
        assert!(!run.stdout.contains(&0x1b) && !run.stderr.contains(&0x1b), "{odd:?}");
    }
}

const ESCAPES: &str = "\u{1b}[31m\u{1b}]8;;http://evil.example\u{7}\u{9b}2J\r\u{8}\u{202e}\nFAIL forged";
const MARKUP: &str = "<script>alert(1)</script><img src=x onerror=alert(1)>]]>&amp;\"'`|@org/team #1 ![i](http://evil.example/i.png)";

/// Lines that would end a Markdown code fence of some length.
const FENCES: &str = "\n```\n# forged\n~~~~\n`````````\n[x](http://evil.example)\n";

#[test]
fn untrusted_text_stays_text_in_every_output() {
    let server = Server::start();
    let evil = format!("{ESCAPES}{MARKUP}{FENCES}");
    // A name has no slash and at most 64 characters as printed; the stream and a release can have 128.
    let arch = "arch\u{1b}[31m\u{9b}2J\u{202e}\nFAIL forged".to_owned();
    let id = "platform<img src=x onerror=alert(1)>]]>&amp;\"'`|@org".to_owned();
    let missing = "missing\n```\n# forged\n~~~~\n[x](http)\n".to_owned();
    let hop = format!("{DIRECTORY}hop.iso");
    let mut text: Value = serde_json::from_str(&document(&[server.url(&hop), String::new()])).unwrap();
    text["stream"] = ESCAPES.into();
    let artifacts = text["architectures"]["x86_64"]["artifacts"].as_object_mut().unwrap();
    let [led_astray, mut not_there] = ["p000000", "p000001"].map(|name| artifacts.remove(name).unwrap());
    // A missing artifact, which the request to ART names. A location can only have URL characters.
    let nowhere = server.url("/pub/%0a%60%60%60%0a%1b[31m%e2%80%ae.iso");
    not_there["formats"]["iso"]["disk"]["location"] = nowhere.into();
    for (name, release, mut platform) in [(&id, MARKUP, led_astray), (&missing, FENCES, not_there)] {
        platform["release"] = release.into();
        artifacts.insert(name.clone(), platform);
    }
    let artifacts = artifacts.clone();
    text["architectures"][&arch] = json!({ "artifacts": artifacts });
    let redirect = format!("https://evil.example/{}", MARKUP.replace(' ', "%20"));
    server.put(&hop, status(302).insert_header("location", redirect));
    server.put(&format!("{DIRECTORY}sha256sum.txt"), file(&*evil));
    server.put(&format!("{DIRECTORY}meta.json"), file(&*evil));
    let directory = tempfile::tempdir().unwrap();
    let source = directory.path().join("stream.json");
    for mistake in [false, true] {
        if mistake {
            text["architectures"]["x86_64"]["artifacts"][&id]["formats"]["iso"]["disk"]["sha256"] =
                evil.clone().into();
        }
        fs::write(&source, text.to_string()).unwrap();
        for output in ["human", "json", "markdown"] {
            let mut command =
                gate(&["check", "--output", output, "--timeout", "10s", "--retries", "0", "-vv"]);
            command.args(["--allow-private-addresses", "--allow-host", &server.addr().to_string()]);
            command.arg("--artifacts-dir").arg(directory.path()).arg(&source);
            let run = run(command);
            assert_eq!(run.code, Some(if mistake { 2 } else { 1 }), "{output}: {}", run.said());
            for said in [&run.stdout, &run.stderr] {
                let said = String::from_utf8(said.clone()).unwrap();
                assert_no_controls(&said, output);
                assert!(!said.lines().any(|line| line.starts_with("FAIL forged")), "{output}: {said}");
            }
        }
        assert_reports_are_text(directory.path());
        let request = directory.path().join("art-mirror-validate-request.md");
        assert_eq!(request.is_file(), !mistake);
        if !mistake {
            assert_request_is_text(&fs::read_to_string(request).unwrap());
        }
    }
}

#[track_caller]
fn assert_no_controls(text: &str, of: &str) {
    let control = text.chars().find(|it| it.is_control() && *it != '\n' || *it == '\u{202e}');
    assert_eq!(control, None, "{of}: {text:?}");
}

#[track_caller]
fn assert_reports_are_text(directory: &Path) {
    let read = |name: &str| fs::read_to_string(directory.join(name)).unwrap();
    let html = read("art-mirror-validate-summary.html");
    assert!(!html.contains("<script>alert") && !html.contains("<img src=x"), "{html}");
    let junit = read("junit_art-mirror-validate.xml");
    assert!(roxmltree::Document::parse(&junit).is_ok(), "{junit}");
    for (file, name) in [(&html, "HTML"), (&junit, "JUnit")] {
        assert_no_controls(file, name);
    }
    let _: Value = serde_json::from_str(&read("art-mirror-validate.json")).unwrap();
}

/// Rendered, the request is a code block and a paragraph of our own, whatever the block contains.
#[track_caller]
fn assert_request_is_text(request: &str) {
    assert_no_controls(request, "the request");
    let arena = Arena::new();
    let parsed = parse_document(&arena, request, &Options::default());
    let blocks: Vec<NodeValue> = parsed.children().map(|block| block.data.borrow().value.clone()).collect();
    let [NodeValue::CodeBlock(block), NodeValue::Paragraph] = &blocks[..] else {
        panic!("{blocks:#?}: {request}");
    };
    assert_eq!(block.literal.matches("sha256 ").count(), 2, "{request}");
    assert!(block.literal.contains("# forged") && !request.contains("\n# forged"), "{request}");
}
