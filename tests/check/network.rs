//! Conditions of real networks: short-lived connections, proxies, certificates, large sidecars on one connection.

use std::time::Duration;

use embedded_mirror::{
    Authority, Behaviour, Config, Mirror, Proxy, ProxyConfig, Resource, Table, artifact_content, hex_sha256,
};
use serde_json::json;

use crate::retries::fifty;
use crate::support::world::{CaFile, MIRROR};
use crate::support::{Checkout, ISO, Nobody, Stream, check_checkout, check_locally, component};

#[test]
fn all_files_are_checked_if_the_server_closes_after_each_response() {
    let mirror = Mirror::start(Config::tls_http2().requests_per_connection(1)).unwrap();
    let ca = CaFile::of(&mirror.ca_pem());
    let mut stream = Stream::new();
    for number in 0..60 {
        let name = format!("{number:02}.iso");
        mirror.put(&format!("/b/{name}"), Resource::artifact(&name).repr_digest());
        stream = stream
            .with(&format!("x86_64/metal/{number:02}/disk"), component(&mirror.url(&format!("/b/{name}"))));
    }
    let report = check_locally(Checkout::of(&stream)).arg("--ca-file").arg(ca.path()).run().exits(0).report();
    assert_eq!(report.counts(), [60, 0, 0]);
}

#[test]
fn large_sidecars_on_one_connection_do_not_starve_each_other() {
    let mirror = Mirror::start(Config::tls_http2()).unwrap();
    let ca = CaFile::of(&mirror.ca_pem());
    let pad = "x".repeat(3_000_000);
    let mut stream = Stream::new();
    for number in 0..24 {
        let name = format!("{number:02}.iso");
        let path = format!("/{number:02}/{name}");
        mirror.put(&path, Resource::artifact(&name));
        let content = artifact_content(&name);
        let image = json!({ "path": name, "sha256": hex_sha256(&content), "size": content.len() });
        let meta = json!({ "pad": pad, "images": { "metal": image } }).to_string();
        mirror.put(&format!("/{number:02}/meta.json"), Resource::bytes(meta));
        stream = stream.with(&format!("x86_64/metal/{number:02}/disk"), component(&mirror.url(&path)));
    }
    let program =
        check_locally(Checkout::of(&stream)).arg("--ca-file").arg(ca.path()).args(["--timeout", "20s"]);
    let report = program.run().exits(0).report();
    assert_eq!(report.counts(), [24, 0, 0]);
    assert_eq!(mirror.count("GET", "/00/meta.json"), 1);
    assert_eq!(mirror.connections(), 1);
}

#[test]
fn misdirected_requests_are_retried_on_a_new_connection() {
    for config in [Config::tls_http2(), Config::tls_http1()] {
        let mirror = Mirror::start(config).unwrap();
        let ca = CaFile::of(&mirror.ca_pem());
        let once = Behaviour::recovering(1, Behaviour::status(421));
        mirror.put("/f.iso", Resource::artifact("f.iso").repr_digest().behaves(once));
        mirror.put("/g.iso", Resource::artifact("g.iso").repr_digest().behaves(Behaviour::status(421)));
        let stream = Stream::of(component(&mirror.url("/f.iso")))
            .with("x86_64/metal/raw/disk", component(&mirror.url("/g.iso")));
        let program = check_locally(Checkout::of(&stream)).arg("--ca-file").arg(ca.path());
        let report = program.run().exits(3).report();
        assert_eq!(report.artifact(ISO)["attempts"], 2);
        assert_eq!(report.artifact("x86_64/metal/raw/disk")["http_status"], 421);
        assert_eq!(mirror.count("HEAD", "/g.iso"), 2);
        assert!(mirror.handshakes() >= 2, "{}", mirror.handshakes());
    }
}

#[test]
fn a_self_signed_certificate_that_is_given_is_trusted_for_its_names_and_time() {
    let year = 2099;
    let other = Authority::self_signed(&["127.0.0.1"], year).unwrap();
    for (names, last_year, given, says) in [
        (["127.0.0.1"], year, true, ""),
        (["127.0.0.1"], year, false, "it is self-signed, or is a CA certificate"),
        (["other.example"], year, true, "it is not valid for 127.0.0.1"),
        (["127.0.0.1"], 2020, true, "it expired on 2020-12-31"),
    ] {
        let authority = Authority::self_signed(&names, last_year).unwrap();
        let mirror = Mirror::start(Config::tls_http2().authority(&authority)).unwrap();
        mirror.put("/f.iso", Resource::artifact("f.iso").repr_digest());
        let ca = CaFile::of(&if given { authority.pem() } else { other.pem() });
        let program = check_locally(Checkout::of(&Stream::of(component(&mirror.url("/f.iso")))));
        let finished =
            program.arg("--ca-file").arg(ca.path()).run().exits(if says.is_empty() { 0 } else { 3 });
        if says.is_empty() {
            continue;
        }
        let message = finished.report().only()["message"].as_str().unwrap().to_owned();
        assert!(message.contains(says) && message.contains("--ca-file"), "{message}");
        for debug in ["Error", "Other(", "http", "[", "{", "UnixTime"] {
            assert!(!message.contains(debug), "{debug}: {message}");
        }
        assert_eq!(mirror.connections(), 1);
    }
}

#[test]
fn content_length_is_ignored_beside_transfer_encoding() {
    let mirror = Mirror::start(Config::plain()).unwrap();
    let content = "x".repeat(10_000);
    let chunked = |claims: &str| {
        let head =
            format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n{claims}Connection: close\r\n\r\n");
        Behaviour::Garbage(format!("{head}{:x}\r\n{content}\r\n0\r\n\r\n", content.len()).into())
    };
    let location = mirror.url("/f.iso");
    for claims in ["", "Content-Length: 77\r\n", "Content-Length: 99999\r\n"] {
        mirror.put("/f.iso", Resource::bytes(content.clone()).on_get(chunked(claims)));
        let component = json!({ "location": location, "sha256": hex_sha256(content.as_bytes()) });
        check_locally(Checkout::of(&Stream::of(component))).args(["--verify", "content"]).run().exits(0);
        // Other content fails.
        let component = json!({ "location": location, "sha256": hex_sha256(b"another") });
        let program = check_locally(Checkout::of(&Stream::of(component))).args(["--verify", "content"]);
        assert_eq!(program.run().exits(1).report().only()["reason"], "sha256-mismatch", "{claims}");
    }
}

#[test]
fn an_outage_within_the_retry_time_changes_no_verdict_and_is_logged() {
    let nobody = Nobody::new();
    let addr = nobody.addr;
    let stream = fifty(|file| component(&format!("http://{addr}{file}")));
    let checkout = Checkout::of(&stream);
    let program = check_checkout(checkout).locally().args(["--retry-for", "1m"]);
    let table = Table::new();
    for number in 0..50 {
        let name = format!("{number:02}.iso");
        table.put(&format!("/b/{name}"), Resource::artifact(&name).repr_digest());
    }
    let running = program.start();
    // The log mentions a host once it has been down for longer than a second.
    std::thread::sleep(Duration::from_millis(1_500));
    let _mirror = Mirror::start(Config::plain().bind(addr).table(&table)).unwrap();
    let finished = running.finish().exits(0);
    let note = format!("note: {addr}: no connection: Connection refused (os error 111), asking again for ");
    assert!(finished.stdout.contains(&note), "{}", finished.stdout);
}

#[test]
fn the_size_of_http1_headers_is_limited() {
    let mirror = Mirror::start(Config::plain()).unwrap();
    for (bytes, code) in [(200_000, 0), (600_000, 3)] {
        mirror.put("/f.iso", Resource::artifact("f.iso").repr_digest().behaves(Behaviour::HugeHeader(bytes)));
        let program = check_locally(Checkout::of(&Stream::of(component(&mirror.url("/f.iso")))));
        program.args(["--retries", "0"]).run().exits(code);
    }
}

#[test]
fn the_published_hosts_are_reached_through_every_kind_of_proxy() {
    let authority = Authority::new().unwrap();
    let mirror = Mirror::start(Config::tls_http2().names([MIRROR]).authority(&authority)).unwrap();
    mirror.put("/f.iso", Resource::artifact("f.iso").repr_digest());
    let ca = CaFile::of(&authority.pem());
    let stream = Stream::of(component(&format!("https://{MIRROR}/f.iso")));
    let known = || ProxyConfig::new().host(MIRROR, mirror.addr());
    for config in [known(), known().tls(&authority), known().socks()] {
        let proxy = Proxy::start(config).unwrap();
        let program =
            check_checkout(Checkout::of(&stream)).args(["--output", "json", "--ca-file"]).arg(ca.path());
        let report = program.env("HTTPS_PROXY", proxy.url()).run().exits(0).report();
        assert_eq!(report.counts(), [1, 0, 0], "{}", proxy.url());
        let asked = proxy.asked();
        assert!(asked.iter().all(|asked| asked.target == format!("{MIRROR}:443")), "{asked:?}");
        assert_eq!(asked.len(), 1);
    }
    for (config, says) in [
        (ProxyConfig::new().socks(), "through the proxy 127.0.0.1:"),
        (known().refuses(204), "answered CONNECT with 204; expected 200"),
    ] {
        let proxy = Proxy::start(config).unwrap();
        let program = check_checkout(Checkout::of(&stream)).args(["--output", "json", "--retries", "0"]);
        let report = program.env("HTTPS_PROXY", proxy.url()).run().exits(3).report();
        let message = report.only()["message"].as_str().unwrap();
        assert!(message.contains(says), "{message}");
    }
}

#[test]
fn the_response_of_a_proxy_is_reported_for_every_artifact() {
    let proxy = Proxy::start(ProxyConfig::new().refuses(503)).unwrap();
    let stream = fifty(|file| component(&format!("https://{MIRROR}{file}")));
    for retries in ["0", "1"] {
        let program = check_checkout(Checkout::of(&stream)).args(["--output", "json", "--retries", retries]);
        let report = program.env("HTTPS_PROXY", proxy.url()).run().exits(3).report();
        for artifact in report.0["artifacts"].as_array().unwrap() {
            let message = artifact["message"].as_str().unwrap();
            assert!(message.contains("it answered CONNECT with 503"), "{message}");
        }
    }
}
