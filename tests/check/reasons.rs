//! Every reason in the contract that `check --verify published` can report, in one run.

use std::net::SocketAddr;

use embedded_mirror::{
    Answer, Behaviour, Config, Mirror, Proxy, ProxyConfig, Resource, hex_sha256, meta_json,
};
use serde_json::{Value, json};

use crate::support::server::{Server, artifact, file, published, status};
use crate::support::{Checkout, ISO, Nobody, Stream, check_checkout, check_locally, component, size_of};

/// Base64 of the SHA-256 of the empty string: well-formed, and wrong for every file here.
const WRONG_B64: &str = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
const WRONG_HEX: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

type Serve = Box<dyn Fn(&Mirror, &FilePath)>;
type Edit = Box<dyn Fn(&mut Value)>;

/// One artifact: how it is served and described, and the expected result.
struct Row {
    name: &'static str,
    /// Verdict, reason (empty for none) and a part of the message.
    says: (&'static str, &'static str, &'static str),
    serve: Serve,
    component: Edit,
}

/// The path of a row's file, alone in its directory.
struct FilePath {
    directory: String,
    file_name: String,
}

impl FilePath {
    fn of(name: &str) -> Self {
        Self { directory: format!("/{name}"), file_name: format!("{name}.iso") }
    }

    fn file(&self) -> String {
        format!("{}/{}", self.directory, self.file_name)
    }

    fn sidecar(&self, name: &str) -> String {
        format!("{}/{name}", self.directory)
    }

    fn artifact(&self) -> Resource {
        Resource::artifact(&self.file_name)
    }
}

type Expected = (&'static str, &'static str, &'static str);

fn row(name: &'static str, says: Expected, serve: impl Fn(&Mirror, &FilePath) + 'static) -> Row {
    Row { name, says, serve: Box::new(serve), component: Box::new(|_| {}) }
}

/// A file with this behaviour.
fn behaves(name: &'static str, says: Expected, behaviour: Behaviour) -> Row {
    row(name, says, move |mirror, path| {
        mirror.put(&path.file(), path.artifact().repr_digest().behaves(behaviour.clone()));
    })
}

/// A file whose response has this header.
fn header(name: &'static str, says: Expected, header: &'static str, value: String) -> Row {
    row(name, says, move |mirror, path| mirror.put(&path.file(), path.artifact().header(header, &value)))
}

/// A good file, for which the document names another location.
fn elsewhere(name: &'static str, says: Expected, location: impl Into<String>) -> Row {
    let location = location.into();
    good(name, says).document(move |component| component["location"] = json!(location))
}

/// A good file with a digest header.
fn good(name: &'static str, says: Expected) -> Row {
    row(name, says, |mirror, path| mirror.put(&path.file(), path.artifact().repr_digest()))
}

impl Row {
    fn document(mut self, edit: impl Fn(&mut Value) + 'static) -> Self {
        self.component = Box::new(edit);
        self
    }

    fn id(&self) -> String {
        format!("x86_64/metal/{}/disk", self.name)
    }
}

fn missing() -> Vec<Row> {
    vec![
        row("404", ("fail", "missing", "answered 404"), |_, _| {}),
        behaves("410", ("fail", "missing", "answered 410"), Behaviour::status(410)),
        behaves(
            "403",
            ("fail", "missing", "403, as S3 does for an object that does not exist"),
            Behaviour::Answer(Answer::s3_access_denied()),
        ),
        behaves("soft-404", ("fail", "missing", "HTML page"), Behaviour::soft_404()),
        row("empty", ("fail", "missing", "an empty file"), |mirror, path| {
            mirror.put(&path.file(), Resource::bytes(""));
        }),
    ]
}

/// A firewall's challenge page with status 200.
fn challenge(mark: &str) -> Resource {
    Resource::bytes("<!DOCTYPE html><title>Just a moment...</title>")
        .content_type("text/html")
        .header(mark, "challenge")
}

/// 403 responses by origin, and archived files.
fn refused() -> Vec<Row> {
    const MISSING: Expected = ("fail", "missing", "answered 403");
    const UNDETERMINED: Expected = ("inconclusive", "server-error", "403");
    const ARCHIVED: Expected = ("fail", "missing", "archived and cannot be downloaded until it is restored");
    const CLASS: &str = "x-amz-storage-class";
    let answers = |name, says, answer| behaves(name, says, Behaviour::Answer(answer));
    let classed = |name, says, headers: &'static [(&'static str, &'static str)]| {
        row(name, says, |mirror, path| {
            let file = headers
                .iter()
                .fold(path.artifact().repr_digest(), |it, (name, value)| it.header(name, value));
            mirror.put(&path.file(), file.on_get(Behaviour::Answer(Answer::s3_archived())));
        })
    };
    let restored = "ongoing-request=\"false\", expiry-date=\"Fri, 21 Dec 2029 00:00:00 GMT\"";
    vec![
        answers("403-s3", MISSING, Answer::s3_access_denied().header("x-cache", "Error from cloudfront")),
        answers("403-nobody", MISSING, Answer::status(403)),
        // The rest of the cut-off body might have said that the file is archived.
        answers("403-cut", UNDETERMINED, Answer::s3_access_denied().header("content-length", "3000")),
        answers("403-cloudfront", UNDETERMINED, Answer::firewall(None)),
        answers("403-challenge", UNDETERMINED, Answer::firewall(Some(("cf-mitigated", "challenge")))),
        answers("403-waf", UNDETERMINED, Answer::firewall(Some(("x-amzn-waf-action", "captcha")))),
        // As for a URL signed for GET only, or a store that authorises HEAD separately.
        row("403-to-head", ("pass", "", "(from a response header)"), |mirror, path| {
            let refuses = Behaviour::Answer(Answer::s3_access_denied());
            mirror.put(&path.file(), path.artifact().repr_digest().on_head(refuses));
        }),
        row("403-then-503", ("inconclusive", "server-error", "answered 503"), |mirror, path| {
            let refuses = Behaviour::Answer(Answer::s3_access_denied());
            let file = path.artifact().on_head(refuses).on_get(Behaviour::status(503));
            mirror.put(&path.file(), file);
        }),
        row("403-archived", ARCHIVED, |mirror, path| {
            let refuses = Behaviour::Answer(Answer::firewall(None));
            let archived = Behaviour::Answer(Answer::s3_archived());
            mirror.put(&path.file(), path.artifact().on_head(refuses).on_get(archived));
        }),
        row("sums-firewall", UNDETERMINED, |mirror, path| {
            mirror.put(&path.file(), path.artifact().repr_digest());
            let blocks = Behaviour::Answer(Answer::firewall(None));
            mirror.put(&path.sidecar("sha256sum.txt"), Resource::bytes("").behaves(blocks));
        }),
        // A challenge with status 200 is not an empty checksum file: the real one might contradict the document.
        row("sums-challenge", ("inconclusive", "server-error", "sha256sum.txt"), |mirror, path| {
            mirror.put(&path.file(), path.artifact().repr_digest());
            mirror.put(&path.sidecar("sha256sum.txt"), challenge("cf-mitigated"));
        }),
        row("meta-challenge", ("inconclusive", "server-error", "meta.json"), |mirror, path| {
            mirror.put(&path.file(), path.artifact().repr_digest());
            mirror.put(&path.sidecar("meta.json"), challenge("x-amzn-waf-action"));
        }),
        row(
            "meta-archived",
            ("inconclusive", "server-error", "meta.json: it is archived"),
            |mirror, path| {
                mirror.put(&path.file(), path.artifact().repr_digest());
                let archived = Behaviour::Answer(Answer::s3_archived());
                mirror.put(&path.sidecar("meta.json"), Resource::bytes("").behaves(archived));
            },
        ),
        classed("glacier", ARCHIVED, &[(CLASS, "GLACIER")]),
        classed("deep-archive", ARCHIVED, &[(CLASS, "DEEP_ARCHIVE")]),
        classed("archive-tier", ARCHIVED, &[("x-amz-archive-status", "ARCHIVE_ACCESS")]),
        classed("restoring", ARCHIVED, &[(CLASS, "GLACIER"), ("x-amz-restore", "ongoing-request=\"true\"")]),
        row("restored", ("pass", "", "(from a response header)"), move |mirror, path| {
            let file = path.artifact().repr_digest().header(CLASS, "GLACIER");
            mirror.put(&path.file(), file.header("x-amz-restore", restored));
        }),
        header("glacier-ir", ("inconclusive", "no-digest", ""), CLASS, "GLACIER_IR".to_owned()),
    ]
}

fn sizes() -> Vec<Row> {
    vec![
        good("size-stream", ("fail", "size-mismatch", "expected 7 bytes (from the document)"))
            .document(|component| component["size"] = json!(7)),
        good("size-legacy", ("fail", "size-mismatch", "expected 8 bytes (from legacy metadata)")),
        row("size-meta", ("fail", "size-mismatch", "expected 9 bytes (from meta.json)"), |mirror, path| {
            mirror.put(&path.file(), path.artifact());
            let digest = hex_sha256(&embedded_mirror::artifact_content(&path.file_name));
            let meta = json!({ "images": { "x": { "path": path.file_name, "sha256": digest, "size": 9 } } });
            mirror.put(&path.sidecar("meta.json"), Resource::bytes(meta.to_string()));
        }),
        // The document's size takes precedence over that of legacy metadata.
        good("size-order", ("pass", "", "as the document says"))
            .document(|component| component["size"] = json!(size_of("size-order.iso"))),
        behaves("no-size", ("fail", "size-mismatch", "it has 99 bytes"), Behaviour::ContentLength(99))
            .document(|component| component["size"] = json!(7)),
    ]
}

fn digests() -> Vec<Row> {
    const NONE: Expected = ("inconclusive", "no-digest", "publishes no sha256");
    let by_header = ("fail", "sha256-mismatch", "a response header");
    let by_sums = ("fail", "sha256-mismatch", "sha256sum.txt beside it");
    let sums = |path: &FilePath, digest: &str| Resource::bytes(format!("{digest}  {}\n", path.file_name));
    vec![
        good("repr-digest", ("pass", "", "(from a response header)")),
        header("repr-digest-wrong", by_header, "repr-digest", format!("sha-256=:{WRONG_B64}:")),
        header("digest-wrong", by_header, "digest", format!("SHA-256={WRONG_B64}")),
        header("s3-meta-wrong", by_header, "x-amz-meta-sha256", WRONG_HEX.to_owned()),
        row("s3-checksum", ("pass", "", "(from a response header)"), |mirror, path| {
            mirror.put(&path.file(), path.artifact().s3_checksum());
        }),
        row("s3-checksum-wrong", by_header, |mirror, path| {
            mirror.put(&path.file(), path.artifact().s3_checksum_value(WRONG_B64));
        }),
        // A checksum of part checksums neither confirms nor contradicts the file.
        row("s3-parts", NONE, |mirror, path| {
            mirror.put(&path.file(), path.artifact().s3_checksum_value(&format!("{WRONG_B64}-17")));
        }),
        row("s3-parts-and-more", ("pass", "", "(from a response header)"), |mirror, path| {
            let value = format!("{WRONG_B64}-17");
            mirror.put(&path.file(), path.artifact().s3_checksum_value(&value).s3_meta_sha256());
        }),
        row("s3-composite", NONE, |mirror, path| {
            let file = path.artifact().s3_checksum().header("x-amz-checksum-type", "COMPOSITE");
            mirror.put(&path.file(), file);
        }),
        // Neither do these headers.
        header("etag", NONE, "etag", "\"9a0364b9e99bb480dd25e1f0284c8555\"".to_owned()),
        header("content-md5", NONE, "content-md5", "mgNkuembtIDdJeHwKEyFVQ==".to_owned()),
        header("artifactory-wrong", by_header, "x-checksum-sha256", WRONG_HEX.to_owned()),
        row("quoted", NONE, |mirror, path| {
            let digest = embedded_mirror::sha256(&embedded_mirror::artifact_content(&path.file_name));
            let quoted = format!("x=\"a, sha-256=:{}:, b\"", data_encoding::BASE64.encode(&digest));
            mirror.put(&path.file(), path.artifact().header("repr-digest", quoted));
        }),
        row("headers-differ", by_header, |mirror, path| {
            let artifact = path.artifact().repr_digest().header("x-amz-meta-sha256", WRONG_HEX);
            mirror.put(&path.file(), artifact);
        }),
        row("sums", ("pass", "", "(from sha256sum.txt beside it)"), move |mirror, path| {
            mirror.put(&path.file(), path.artifact());
            let digest = hex_sha256(&embedded_mirror::artifact_content(&path.file_name));
            mirror.put(&path.sidecar("sha256sum.txt"), sums(path, &digest));
        }),
        row("sums-wrong", by_sums, move |mirror, path| {
            mirror.put(&path.file(), path.artifact());
            mirror.put(&path.sidecar("sha256sum.txt"), sums(path, WRONG_HEX));
        }),
        row("sums-differ", by_sums, move |mirror, path| {
            mirror.put(&path.file(), path.artifact().repr_digest());
            mirror.put(&path.sidecar("sha256sum.txt"), sums(path, WRONG_HEX));
        }),
        good("document-wrong", by_header).document(|component| component["sha256"] = json!(WRONG_HEX)),
        row("none", NONE, |mirror, path| {
            mirror.put(&path.file(), path.artifact());
        }),
    ]
}

fn metadata() -> Vec<Row> {
    let conflict = |image: Value| {
        move |mirror: &Mirror, path: &FilePath| {
            let mut image = image.clone();
            image["path"] = json!(path.file_name);
            mirror.put(&path.file(), path.artifact().repr_digest());
            let meta = json!({ "images": { "x": image } });
            mirror.put(&path.sidecar("meta.json"), Resource::bytes(meta.to_string()));
        }
    };
    vec![
        good("meta-legacy", ("fail", "metadata-conflict", "rhcos-amd64.json says sha256 e3b0c442")),
        row(
            "meta-json",
            ("fail", "metadata-conflict", "meta.json says sha256 e3b0c442"),
            conflict(json!({ "sha256": WRONG_HEX })),
        ),
        row(
            "meta-uncompressed",
            ("fail", "metadata-conflict", "meta.json says uncompressed-sha256 e3b0c442"),
            conflict(json!({ "uncompressed-sha256": WRONG_HEX })),
        )
        .document(|component| component["uncompressed-sha256"] = json!("0".repeat(64))),
        row("meta-good", ("pass", "", "(from meta.json beside it)"), |mirror, path| {
            mirror.put(&path.file(), path.artifact());
            let content = embedded_mirror::artifact_content(&path.file_name);
            let meta = meta_json("x", [(&path.file_name, content)]);
            mirror.put(&path.sidecar("meta.json"), Resource::bytes(meta));
        }),
    ]
}

fn locations(port: u16) -> Vec<Row> {
    let bridge = ("fail", "not-published", "is an internal bridge server");
    let host = ("fail", "host-not-allowed", "is not one of the hosts that may be requested");
    let bad = |says| ("fail", "bad-location", says);
    vec![
        elsewhere("bridge-2021", bridge, "https://releases-art-rhcos.svc.ci.openshift.org/art/x/f.iso"),
        elsewhere("bridge", bridge, "https://rhcos-redirector.apps.art.xq1c.p1.openshiftapps.com/art/f.iso"),
        elsewhere("foreign", host, "https://evil.example/f.iso"),
        elsewhere("metadata-service", host, "http://169.254.169.254/latest/meta-data"),
        elsewhere("odd-port", host, "https://mirror.openshift.com:8443/f.iso"),
        elsewhere("bucket", host, "https://art-rhcos-ci.s3.amazonaws.com/f.iso"),
        elsewhere("lookalike", host, "https://mirror.openshift.com.evil.example/f.iso"),
        elsewhere("listener", host, format!("http://127.0.0.1:{port}/f.iso")),
        elsewhere("ftp", bad("its scheme is ftp"), "ftp://mirror.openshift.com/f.iso"),
        elsewhere("file", bad("its scheme is file"), "file:///etc/passwd"),
        elsewhere("userinfo", bad("a user name or password"), "https://u:p@mirror.openshift.com/f.iso"),
        elsewhere("query", bad("has a query"), "https://mirror.openshift.com/f.iso?x"),
        elsewhere("dots", bad("ambiguous"), "https://mirror.openshift.com/a/../f.iso"),
    ]
}

fn redirects(port: u16) -> Vec<Row> {
    let to = |name, says, target: &str| behaves(name, says, Behaviour::redirect(307, target));
    let refused = |says| ("fail", "redirect-not-allowed", says);
    let foreign = refused("which is not one of the hosts that may be requested");
    vec![
        to("to-foreign", foreign, "https://evil.example/f.iso"),
        to("to-metadata", foreign, "http://169.254.169.254/latest/meta-data/"),
        to("to-listener", foreign, &format!("http://127.0.0.1:{port}/f.iso")),
        to("to-bridge", foreign, "https://releases-art-rhcos.svc.ci.openshift.org/f.iso"),
        to("to-userinfo", refused("a user name or password"), "http://u:p@mirror.openshift.com/f.iso"),
        to("to-file", refused("neither http nor https"), "file:///etc/passwd"),
        to("to-nowhere", refused("which is not a URL"), "http://["),
        to("loop", refused("more redirects than the 5"), "/loop/loop.iso"),
        row("six-hops", refused("more redirects than the 5"), |mirror, path| hops(mirror, path, 6)),
        row("five-hops", ("pass", "", "(from a response header)"), |mirror, path| hops(mirror, path, 5)),
    ]
}

/// A file behind `count` redirects.
fn hops(mirror: &Mirror, path: &FilePath, count: usize) {
    let hop = |number: usize| {
        if number == 0 { path.file() } else { format!("{}/hop-{number}/{}", path.directory, path.file_name) }
    };
    for number in 0..count {
        mirror.put(&hop(number), Resource::redirect(302, &hop(number + 1)));
    }
    mirror.put(&hop(count), path.artifact().repr_digest());
}

fn errors(nobody: SocketAddr) -> Vec<Row> {
    vec![
        behaves("503", ("inconclusive", "server-error", "answered 503"), Behaviour::status(503)),
        behaves("500", ("inconclusive", "server-error", "answered 500"), Behaviour::status(500)),
        behaves("425", ("inconclusive", "server-error", "answered 425"), Behaviour::status(425)),
        behaves("401", ("inconclusive", "server-error", "answered 401"), Behaviour::status(401)),
        behaves("429", ("inconclusive", "rate-limited", "answered 429"), Behaviour::status(429)),
        behaves("408", ("inconclusive", "timeout", "answered 408"), Behaviour::status(408)),
        behaves("504", ("inconclusive", "timeout", "answered 504"), Behaviour::status(504)),
        behaves("reset", ("inconclusive", "unreachable", ""), Behaviour::Reset),
        behaves("garbage", ("inconclusive", "unreachable", ""), Behaviour::Garbage("SSH-2.0\r\n\r\n".into())),
        behaves("headers", ("inconclusive", "unreachable", ""), Behaviour::EndlessHeaders),
        elsewhere("nobody", ("inconclusive", "unreachable", "refused"), format!("http://{nobody}/f.iso")),
    ]
}

#[test]
fn each_case_has_its_verdict_reason_and_message() {
    let mirror = Mirror::start(Config::plain()).unwrap();
    let listener = Mirror::start(Config::plain()).unwrap();
    let proxy = Proxy::start(ProxyConfig::new()).unwrap();
    let nobody = Nobody::new();
    let mut rows = vec![];
    rows.extend([missing(), refused(), sizes(), digests(), metadata()].into_iter().flatten());
    rows.extend(
        [locations(listener.addr().port()), redirects(listener.addr().port()), errors(nobody.addr)]
            .into_iter()
            .flatten(),
    );

    let mut stream = Stream::new();
    let allowed = [mirror.addr(), nobody.addr];
    for row in &rows {
        let path = FilePath::of(row.name);
        (row.serve)(&mirror, &path);
        let mut component = component(&mirror.url(&path.file()));
        (row.component)(&mut component);
        stream = stream.with(&row.id(), component);
    }
    let legacy = json!({ "images": {
        "a": { "path": "size-legacy.iso", "size": 8 },
        "b": { "path": "size-order.iso", "size": 8 },
        "c": { "path": "meta-legacy.iso", "sha256": WRONG_HEX },
    } });
    let checkout = Checkout::of(&stream).file("data/data/rhcos-amd64.json", legacy.to_string());
    let mut program = check_checkout(checkout)
        .args(["--allow-private-addresses", "--output", "json", "--retries", "1"])
        .env("HTTPS_PROXY", proxy.url())
        .env("HTTP_PROXY", proxy.url())
        .env("NO_PROXY", "127.0.0.1");
    for host in allowed {
        program = program.arg("--allow-host").arg(host.to_string());
    }
    // There are both failures (1) and undetermined artifacts (3); 1 takes precedence.
    let report = program.run().exits(1).report();

    let mut wrong = vec![];
    for row in &rows {
        let found = report.artifact(&row.id());
        let (verdict, reason, says) = row.says;
        let reason = if reason.is_empty() { Value::Null } else { json!(reason) };
        let message = found["message"].as_str().unwrap();
        if found["verdict"] != verdict || found["reason"] != reason || !message.contains(says) {
            wrong.push(format!("{}: {} {} {message:?}", row.name, found["verdict"], found["reason"]));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!((listener.connections(), proxy.asked()), (0, vec![]), "no forbidden host was requested");
}

#[test]
fn the_exit_status_is_0_1_or_3_by_the_verdicts() {
    let server = Server::start();
    server.put("/good.iso", published("good.iso"));
    server.put("/unknown.iso", artifact("unknown.iso"));
    for (files, code, verdict) in [
        (&["good"][..], 0, "pass"),
        (&["good", "absent"], 1, "fail"),
        (&["good", "unknown"], 3, "inconclusive"),
        (&["absent", "good", "unknown"], 1, "fail"),
    ] {
        let stream = files.iter().fold(Stream::new(), |stream, file| {
            let location = server.url(&format!("/{file}.iso"));
            stream.with(&format!("x86_64/metal/{file}/disk"), component(&location))
        });
        let report = check_locally(Checkout::of(&stream)).run().exits(code).report();
        assert_eq!(
            (report.0["verdict"].as_str(), report.0["schema_version"].as_u64()),
            (Some(verdict), Some(1))
        );
    }
}

#[test]
fn private_addresses_are_refused_however_they_are_written() {
    let mirror = Mirror::start(Config::plain()).unwrap();
    let port = mirror.addr().port();
    for (host, says) in [
        ("127.0.0.1", "127.0.0.1, which is not a public address"),
        // A name is checked after it is resolved.
        ("localhost", "which is not a public address"),
        ("[::1]", "::1, which is not a public address"),
        ("[::ffff:7f00:1]", "which is not a public address"),
        ("0.0.0.0", "0.0.0.0, which is not a public address"),
    ] {
        mirror.put("/f.iso", Resource::artifact("f.iso").repr_digest());
        let checkout = Checkout::of(&Stream::of(component(&format!("http://{host}:{port}/f.iso"))));
        let program = check_checkout(checkout).args(["--output", "json", "--allow-host", host]);
        let report = program.env("NO_PROXY", "*").run().exits(1).report();
        let artifact = report.only();
        assert_eq!(artifact["reason"], "address-not-allowed", "{artifact:#}");
        assert!(artifact["message"].as_str().unwrap().contains(says), "{artifact:#}");
    }
    assert_eq!(mirror.connections(), 0);
}

#[test]
fn the_signatures_option_decides_whether_a_signature_is_required() {
    let server = Server::start();
    server.put("/f.iso", published("f.iso"));
    server.put("/good.sig", file("a signature"));
    server.put("/busy.sig", status(503));
    let warns = json!(["the signature is missing: the server answered 404"]);
    for (mode, signature, code, reason, warnings) in [
        ("require", Some("/good.sig"), 0, Value::Null, json!([])),
        ("require", Some("/absent.sig"), 1, json!("bad-signature"), json!([])),
        ("require", None, 1, json!("bad-signature"), json!([])),
        ("require", Some("/busy.sig"), 3, json!("server-error"), json!([])),
        ("warn", Some("/good.sig"), 0, Value::Null, json!([])),
        ("warn", Some("/absent.sig"), 0, Value::Null, warns.clone()),
        ("warn", None, 0, Value::Null, json!([])),
        ("ignore", Some("/absent.sig"), 0, Value::Null, json!([])),
    ] {
        server.forget();
        let mut component = component(&server.url("/f.iso"));
        if let Some(signature) = signature {
            component["signature"] = json!(server.url(signature));
        }
        let checkout = Checkout::of(&Stream::of(component));
        let program = check_locally(checkout).args(["--signatures", mode, "--retries", "1"]);
        let report = program.run().exits(code).report();
        let artifact = report.only();
        assert_eq!(
            (&artifact["reason"], &artifact["warnings"]),
            (&reason, &warnings),
            "{mode} {signature:?}"
        );
        if let (Some(signature), "ignore") = (signature, mode) {
            assert_eq!(server.count("HEAD", signature), 0, "an ignored signature is not requested");
        }
    }
}

#[test]
fn the_verify_option_decides_which_evidence_is_required() {
    let mirror = Mirror::start(Config::plain()).unwrap();
    mirror.put("/plain.iso", Resource::artifact("plain.iso"));
    mirror.put("/digest.iso", Resource::artifact("digest.iso").digest());
    mirror.put(
        "/unsized.iso",
        Resource::artifact("unsized.iso").digest().ignores_range().behaves(Behaviour::NoContentLength),
    );
    for (mode, file, size, code, reason) in [
        ("exists", "/plain.iso", true, 0, Value::Null),
        ("exists", "/plain.iso", false, 0, Value::Null),
        ("exists", "/unsized.iso", false, 0, Value::Null),
        ("exists", "/unsized.iso", true, 3, json!("server-error")),
        ("auto", "/digest.iso", true, 0, Value::Null),
        ("published", "/digest.iso", true, 0, Value::Null),
        ("published", "/plain.iso", true, 3, json!("no-digest")),
    ] {
        mirror.forget();
        let mut component = component(&mirror.url(file));
        if size {
            component["size"] = json!(size_of(file));
        }
        let program = check_locally(Checkout::of(&Stream::of(component))).args(["--verify", mode]);
        let report = program.run().exits(code).report();
        let artifact = report.artifact(ISO);
        assert_eq!(artifact["reason"], reason, "{mode} {file}: {artifact:#}");
        let sidecars = mirror.count("GET", "/meta.json") + mirror.count("GET", "/sha256sum.txt");
        let wanted = match (mode, size) {
            ("exists", true) => 0,
            ("exists", false) => 1,
            _ => 2,
        };
        assert_eq!(sidecars, wanted, "{mode} {file}: no unnecessary requests");
    }
}
