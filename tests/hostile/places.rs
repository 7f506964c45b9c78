//! Addresses that must never be requested, as observed by a listener there.

use std::fs;
use std::path::Path;

use embedded_mirror::{Behaviour, Config, Mirror, Proxy, ProxyConfig, Resource, hex_sha256};
use serde_json::Value;

use crate::gate::{REPORTS, Run, check, document, gate, run};
use crate::ground::files_below;

fn judge(locations: &[String], more: &[&str], environment: &[(&str, &str)]) -> Run {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("stream.json");
    fs::write(&file, document(locations)).unwrap();
    let mut command = check(&file, more);
    command.envs(environment.iter().copied());
    run(command)
}

#[track_caller]
fn assert_nothing_passes(run: &Run, of: &str) {
    if run.code == Some(2) {
        return;
    }
    let report = run.report();
    for artifact in report["artifacts"].as_array().unwrap() {
        assert_eq!(artifact["verdict"], "fail", "{of}: {artifact}");
    }
    assert_eq!(run.code, Some(1), "{of}: {}", run.said());
}

/// Spellings of a loopback listener's address, and of other internal addresses, some disguised as a published host.
fn spellings(port: u16) -> Vec<String> {
    let hosts = [
        "127.0.0.1",
        "127.1",
        "127.0.1",
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "0177.0.0.1",
        "017700000001",
        "0x7F.0x0.0x0.0x1",
        "127.0.0.1.",
        "0.0.0.0",
        "0",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "localhost",
        "LOCALHOST",
        "localhost.",
        "ip6-localhost",
        "\u{ff11}\u{ff12}\u{ff17}.0.0.1",
        "127\u{3002}0\u{3002}0\u{3002}1",
        "\u{2460}\u{2461}\u{2466}.0.0.1",
        "mirror.openshift.com@127.0.0.1",
        "mirror.openshift.com:443@127.0.0.1",
        "user:secret@127.0.0.1",
        "@127.0.0.1",
        "mirror.openshift.com%40127.0.0.1",
        "mirror.openshift.com%2f@127.0.0.1",
        "127.0.0.1\\@mirror.openshift.com",
        "127.0.0.1#@mirror.openshift.com",
        "127.0.0.1?@mirror.openshift.com",
        "12\t7.0.0.1",
        "127.0.\n0.1",
        "127.0.0.1%00.mirror.openshift.com",
        // Cyrillic and other letters that look like Latin ones.
        "m\u{456}rror.openshift.com",
        "mirror.openshift.\u{441}om",
        "mirr\u{f8}r.openshift.com",
        "xn--mrror-q2a.openshift.com",
        "mirror.openshift.com.evil.example",
        "mirror-openshift.com",
    ];
    let mut all: Vec<String> = hosts.iter().map(|host| format!("http://{host}:{port}/f.iso")).collect();
    all.extend([
        format!("http:\\\\127.0.0.1:{port}\\f.iso"),
        format!("http:/127.0.0.1:{port}/f.iso"),
        format!("http:127.0.0.1:{port}/f.iso"),
        format!("http:///127.0.0.1:{port}/f.iso"),
        format!("//127.0.0.1:{port}/f.iso"),
        format!("\thttp://127.0.0.1:{port}/f.iso "),
        format!("http://mirror.openshift.com/@127.0.0.1:{port}/../f.iso\r\nHost: 127.0.0.1"),
        format!("ht\ntp://127.0.0.1:{port}/f.iso"),
        format!("HTTP://127.0.0.1:{port}/f.iso"),
        format!("ftp://127.0.0.1:{port}/f.iso"),
        format!("gopher://127.0.0.1:{port}/f.iso"),
        format!("ws://127.0.0.1:{port}/f.iso"),
        format!("file://127.0.0.1:{port}/f.iso"),
        format!("jar:http://127.0.0.1:{port}!/f.iso"),
        format!("http://[fe80::1%25lo]:{port}/f.iso"),
        "http://169.254.169.254/latest/meta-data/iam".to_owned(),
        "http://[::ffff:169.254.169.254]/latest/meta-data/iam".to_owned(),
        "http://2852039166/latest/meta-data/iam".to_owned(),
        "http://0xa9.0xfe.0xa9.0xfe/latest/meta-data/iam".to_owned(),
        "http://metadata.google.internal/computeMetadata/v1/x".to_owned(),
        "https://kubernetes.default.svc/api/v1/secrets".to_owned(),
        "file:///var/run/secrets/kubernetes.io/serviceaccount/token".to_owned(),
    ]);
    all
}

#[test]
fn no_spelling_of_an_internal_address_is_requested() {
    let mirror = Mirror::start(Config::plain()).unwrap();
    mirror.put("/f.iso", Resource::bytes("x"));
    let port = mirror.addr().port();
    for spelling in spellings(port) {
        let one = std::slice::from_ref(&spelling);
        assert_nothing_passes(&judge(one, &[], &[]), &spelling);
        // The host is allowed but the address isn't, so a name that resolves to it is refused too.
        let hosts = ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0"];
        let allowed = hosts.map(|host| ["--allow-host", host]).concat();
        assert_nothing_passes(&judge(one, &allowed, &[]), &spelling);
        assert_eq!(mirror.connections(), 0, "{spelling} reached the listener: {:?}", mirror.requests());
    }
}

#[test]
fn the_source_itself_cannot_be_at_an_internal_address() {
    let mirror = Mirror::start(Config::tls_http1()).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let ca = directory.path().join("ca.pem");
    fs::write(&ca, mirror.ca_pem()).unwrap();
    mirror.put("/stream.json", Resource::bytes(document(&[])));
    for host in ["127.0.0.1", "localhost", "127.1", "[::ffff:127.0.0.1]"] {
        let url = format!("https://{host}:{}/stream.json", mirror.addr().port());
        let run = run(gate(&["check", &url, "--ca-file", ca.to_str().unwrap(), "--allow-host", host]));
        assert_eq!(run.code, Some(2), "{url}: {}", run.said());
        assert_eq!(mirror.connections(), 0, "{url}");
    }
}

/// Redirects to internal addresses, after up to four valid redirects.
#[test]
fn no_redirect_to_an_internal_address_is_followed_at_any_hop() {
    let names = ["mirror.openshift.com", "art-rhcos-ci.s3.amazonaws.com"];
    let outer = Mirror::start(Config::tls_http2().names(names)).unwrap();
    let inner = Mirror::start(Config::plain()).unwrap();
    let inner_port = inner.addr().port();
    let proxy = names.iter().fold(ProxyConfig::new(), |proxy, name| proxy.host(name, outer.addr()));
    // The proxy would forward requests to these hosts.
    let traps = ["localhost", "127.0.0.1", "169.254.169.254", "inner.example", "[::1]"];
    let proxy = traps.iter().fold(proxy, |proxy, trap| proxy.host(trap, inner.addr()));
    let proxy = Proxy::start(proxy).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let ca = directory.path().join("ca.pem");
    fs::write(&ca, outer.ca_pem()).unwrap();

    let mut targets = spellings(inner_port);
    targets.extend(
        ["https://169.254.169.254/latest", "https://inner.example/f", "https://localhost/f"]
            .map(String::from),
    );
    targets
        .extend(["https://mirror.openshift.com:8443/f", "http://mirror.openshift.com/f"].map(String::from));
    targets.extend(
        ["https://u:p@mirror.openshift.com/f", "https://releases-art-rhcos.svc.ci.openshift.org/f"]
            .map(String::from),
    );
    // A target that is not a valid header value cannot be sent.
    targets.retain(|target| http::HeaderValue::from_bytes(target.as_bytes()).is_ok());
    let mut locations = Vec::new();
    for (number, target) in targets.iter().enumerate() {
        let hops = number % 5;
        for hop in 0..=hops {
            let next = if hop == hops {
                target.clone()
            } else {
                format!("https://{}/{number}/{}", names[hop % 2], hop + 1)
            };
            outer.put(&format!("/{number}/{hop}"), Resource::redirect(307, &next));
        }
        locations.push(format!("https://mirror.openshift.com/{number}/0"));
    }
    let proxies = [("HTTPS_PROXY", proxy.url()), ("HTTP_PROXY", proxy.url())];
    let proxies = proxies.each_ref().map(|(name, url)| (*name, url.as_str()));
    let run = judge(&locations, &["--ca-file", ca.to_str().unwrap(), "--verify", "exists"], &proxies);
    let report = run.report();
    for (artifact, target) in report["artifacts"].as_array().unwrap().iter().zip(&targets) {
        let reason = artifact["reason"].as_str().unwrap_or("none");
        // A target resolved as a path on the same host leads to a file that doesn't exist.
        assert!(
            artifact["verdict"] == "fail"
                && matches!(reason, "redirect-not-allowed" | "address-not-allowed" | "missing"),
            "{target}: {artifact}"
        );
    }
    assert_eq!(inner.connections(), 0, "{:?}", inner.requests());
    for asked in proxy.asked() {
        assert!(asked.known && names.iter().any(|name| asked.target == format!("{name}:443")), "{asked:?}");
    }
}

/// A published host under its own name, and an internal server that any request would reach, even through the proxy.
struct Trap {
    outer: Mirror,
    inner: Mirror,
    proxy: Proxy,
}

impl Trap {
    const OUTER: &str = "http://mirror.openshift.com";

    /// `--allow-host` for internal hosts: the names are allowed, but the addresses must still be refused.
    const NAMED: [&str; 10] = [
        "--allow-host",
        "127.0.0.1",
        "--allow-host",
        "localhost",
        "--allow-host",
        "[::1]",
        "--allow-host",
        "[::ffff:127.0.0.1]",
        "--allow-host",
        "0.0.0.0",
    ];

    fn set() -> Self {
        let [outer, inner] = [(); 2].map(|()| Mirror::start(Config::plain()).unwrap());
        inner.put("/f.iso", Resource::bytes("x"));
        let known = ProxyConfig::new().host("mirror.openshift.com", outer.addr());
        let known = ["127.0.0.1", "localhost", "[::1]"]
            .iter()
            .fold(known, |known, host| known.host(host, inner.addr()));
        Self { outer, inner, proxy: Proxy::start(known).unwrap() }
    }

    /// Checks a document twice: with all requests through the proxy, and with direct requests to internal hosts,
    /// whose names are allowed.
    fn judge(&self, document: &str, more: &[&str]) -> impl Iterator<Item = Run> {
        [(&[][..], ""), (&Self::NAMED[..], "127.0.0.1,localhost,::1,0.0.0.0")]
            .into_iter()
            .map(move |(named, direct)| self.judge_one(document, &[more, named].concat(), direct))
    }

    fn judge_one(&self, document: &str, more: &[&str], direct: &str) -> Run {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("stream.json");
        fs::write(&file, document).unwrap();
        let mut command = gate(&["check", "--output", "json", "--timeout", "5s", "--retries", "1"]);
        command.args(more).arg(&file).env("HTTP_PROXY", self.proxy.url()).env("NO_PROXY", direct);
        run(command)
    }

    #[track_caller]
    fn assert_no_connections(&self, of: &str) {
        assert_eq!(self.inner.connections(), 0, "{of}: {:?}", self.inner.requests());
    }
}

#[test]
fn no_signature_is_requested_from_an_internal_address() {
    let trap = Trap::set();
    trap.outer.put("/f.iso", Resource::bytes("x").repr_digest());
    let (spellings, unusable): (Vec<String>, Vec<String>) = spellings(trap.inner.addr().port())
        .into_iter()
        .partition(|spelling| url::Url::parse(spelling).is_ok());
    let signed = |signatures: &[String]| {
        let locations = vec![format!("{}/f.iso", Trap::OUTER); signatures.len()];
        let mut text: Value = serde_json::from_str(&document(&locations)).unwrap();
        let artifacts = text["architectures"]["x86_64"]["artifacts"].as_object_mut().unwrap();
        for (platform, signature) in artifacts.values_mut().zip(signatures) {
            let disk = &mut platform["formats"]["iso"]["disk"];
            disk["sha256"] = hex_sha256(b"x").into();
            disk["signature"] = signature.as_str().into();
        }
        text.to_string()
    };
    for (signatures, code, verdict) in [("warn", 0, "pass"), ("require", 1, "fail")] {
        for run in trap.judge(&signed(&spellings), &["--signatures", signatures]) {
            assert_eq!(run.code, Some(code), "{signatures}: {}", run.said());
            for (artifact, spelling) in run.report()["artifacts"].as_array().unwrap().iter().zip(&spellings) {
                assert_eq!(artifact["verdict"], verdict, "{spelling}: {artifact}");
                let why = if signatures == "warn" { &artifact["warnings"][0] } else { &artifact["message"] };
                assert!(why.as_str().is_some_and(|why| why.contains("signature")), "{spelling}: {artifact}");
            }
            trap.assert_no_connections(signatures);
        }
    }
    for spelling in unusable {
        for run in trap.judge(&signed(std::slice::from_ref(&spelling)), &["--signatures", "warn"]) {
            assert_eq!(run.code, Some(2), "{spelling}: {}", run.said());
        }
    }
    trap.assert_no_connections("what is no URL");
    // A request that is allowed reaches the internal server, so the test can fail.
    let signature = format!("http://127.0.0.1:{}/f.iso", trap.inner.addr().port());
    let allowed = ["--allow-host", "127.0.0.1", "--allow-private-addresses", "--signatures", "require"];
    let run = trap.judge_one(&signed(&[signature]), &allowed, "127.0.0.1");
    assert_eq!((run.code, trap.inner.connections()), (Some(0), 1), "{}", run.said());
}

#[test]
fn no_download_is_redirected_to_an_internal_address() {
    type Serve<'s> = &'s dyn Fn(&str) -> Resource;
    let redirect = |target: &str| Behaviour::redirect(307, target);
    let bytes = || Resource::bytes(vec![7; 5_000]).etag("v1");
    let kinds: [(&str, &str, usize, Serve<'_>); 3] = [
        ("a download", "content", 1, &|target| bytes().on_get(redirect(target))),
        ("the rest of a download", "content", 2, &|target| {
            bytes().on_get(Behaviour::Sequence(vec![Behaviour::DropAfter(2_000), redirect(target)]))
        }),
        ("one byte in place of HEAD", "exists", 1, &|target| {
            bytes().on_head(Behaviour::status(405)).on_get(redirect(target))
        }),
    ];
    for (kind, verify, requests, resource) in kinds {
        let trap = Trap::set();
        let mut targets = spellings(trap.inner.addr().port());
        // A target that is not a valid header value cannot be sent.
        targets.retain(|target| http::HeaderValue::from_bytes(target.as_bytes()).is_ok());
        let place = |number: usize| format!("{}/{number}/f.iso", Trap::OUTER);
        let locations: Vec<String> = (0..targets.len()).map(place).collect();
        let serve = || {
            for (number, target) in targets.iter().enumerate() {
                trap.outer.put(&place(number), resource(target));
            }
        };
        serve();
        for run in trap.judge(&document(&locations), &["--verify", verify]) {
            assert_eq!(run.code, Some(1), "{kind}: {}", run.said());
            let report = run.report();
            for (number, target) in targets.iter().enumerate() {
                let artifact = &report["artifacts"][number];
                // A target resolved as a path on the same host leads to a file that doesn't exist.
                let why = artifact["reason"].as_str().unwrap_or("none");
                assert!(
                    matches!(why, "redirect-not-allowed" | "address-not-allowed" | "missing"),
                    "{kind}, {target}: {artifact}"
                );
                assert_eq!(trap.outer.count("GET", &place(number)), requests, "{kind}, {target}");
            }
            let refused = report["artifacts"].as_array().unwrap().iter();
            let refused = refused.filter(|artifact| artifact["reason"] != "missing").count();
            assert!(refused + 5 > targets.len(), "{kind}: {refused} of {}", targets.len());
            trap.assert_no_connections(kind);
            // Resets the counts of requests and the sequences of behaviours.
            trap.outer.forget();
            serve();
        }
    }
}

#[test]
fn nothing_is_written_outside_the_directory_that_is_given() {
    // Names with a slash or a colon are refused; others are accepted, but never used as file names.
    let slashes =
        ["../../../escaped", "/escaped", "a/../../escaped", "../escaped", "./escaped", "C:\\escaped"];
    let names = ["..", ".", "\u{0}escaped", "..\\..\\escaped", "%2e%2e%2fescaped", "~", "$(id)"];
    let mut cases: Vec<(&[&str], i32)> = vec![(&names, 1)];
    cases.extend(slashes.iter().map(|name| (std::slice::from_ref(name), 2)));
    for (names, code) in cases {
        let mut text: Value =
            serde_json::from_str(&document(&["https://mirror.example.com/f".to_owned()])).unwrap();
        let artifacts = text["architectures"]["x86_64"]["artifacts"].as_object_mut().unwrap();
        let platform = artifacts.remove("p000000").unwrap();
        for name in names {
            let mut platform = platform.clone();
            let place =
                format!("https://mirror.example.com/pub/%2e%2e/{}", name.replace(['\u{0}', '\\'], ""));
            platform["formats"]["iso"]["disk"]["location"] = place.into();
            artifacts.insert((*name).to_owned(), platform);
        }
        let root = tempfile::tempdir().unwrap();
        let (file, out) = (root.path().join("stream.json"), root.path().join("a/b/artifacts"));
        fs::write(&file, text.to_string()).unwrap();
        fs::create_dir_all(&out).unwrap();
        let mut command = check(&file, &[]);
        command.arg("--artifacts-dir").arg(&out).current_dir(&out);
        let run = run(command);
        assert_eq!(run.code, Some(code), "{names:?}: {}", run.said());
        let reports = REPORTS.iter().map(|name| format!("a/b/artifacts/{name}"));
        let all: Vec<_> = reports.chain(["stream.json".to_owned()]).collect();
        assert_eq!(files_below(root.path()), all, "{names:?}");
        assert!(!Path::new("/escaped").exists(), "{names:?}");
    }
}
