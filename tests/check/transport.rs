//! TLS, HTTP/2, proxies, and the published hosts under their own names, served through a proxy.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use embedded_mirror::{Behaviour, Config, Mirror, Protocol, Proxy, ProxyConfig, Resource};
use http::Version;
use serde_json::json;

use crate::retries::fifty;
use crate::support::world::{BUCKET, CDN, CaFile, MIRROR, World};
use crate::support::{Checkout, Stream, check_checkout, check_locally, component};

#[test]
fn many_requests_share_an_http2_connection() {
    let streams = 20;
    let mirror = Mirror::start(Config::tls_http2().max_concurrent_streams(streams)).unwrap();
    let mut stream = Stream::new();
    for number in 0..200 {
        let path = format!("/b/{number:03}.iso");
        let slow = Behaviour::slow(Duration::from_millis(10));
        mirror.put(&path, Resource::artifact(&format!("{number:03}.iso")).repr_digest().behaves(slow));
        stream = stream.with(&format!("x86_64/metal/{number:03}/disk"), component(&mirror.url(&path)));
    }
    let ca = CaFile::of(&mirror.ca_pem());
    let report = check_locally(Checkout::of(&stream)).arg("--ca-file").arg(ca.path()).run().exits(0).report();
    assert_eq!(report.counts(), [200, 0, 0]);
    // One connection per hundred concurrent requests, of which there are at most 256.
    assert!((1..=3).contains(&mirror.connections()), "{} connections", mirror.connections());
    assert_eq!(mirror.connections(), mirror.handshakes());
    assert!(mirror.requests().iter().all(|request| request.version == Version::HTTP_2));
    assert!(mirror.peak() > 5, "{} at a time", mirror.peak());
    // A stream that the server refused because too many were open was not processed, so it is not an attempt.
    assert!(report.0["artifacts"].as_array().unwrap().iter().all(|artifact| artifact["attempts"] == 1));
}

#[test]
fn the_concurrency_option_limits_simultaneous_requests() {
    for config in [Config::plain(), Config::tls_http1(), Config::tls_http2()] {
        let mirror = Mirror::start(config).unwrap();
        let ca = CaFile::of(&mirror.ca_pem());
        let stream = fifty(|file| {
            let name = file.rsplit('/').next().unwrap();
            let slow = Behaviour::slow(Duration::from_millis(5));
            mirror.put(file, Resource::artifact(name).repr_digest().behaves(slow));
            component(&mirror.url(file))
        });
        let program = check_locally(Checkout::of(&stream)).args(["--concurrency", "3"]);
        let program =
            if mirror.ca_pem().is_empty() { program } else { program.arg("--ca-file").arg(ca.path()) };
        assert_eq!(program.run().exits(0).report().counts(), [50, 0, 0]);
        assert!(mirror.peak() <= 3, "{} at a time", mirror.peak());
    }
}

#[test]
fn a_server_without_http2_is_reached_over_http1() {
    let mirror = Mirror::start(Config::tls_http1()).unwrap();
    let ca = CaFile::of(&mirror.ca_pem());
    let stream = fifty(|file| {
        mirror.put(file, Resource::artifact(file.rsplit('/').next().unwrap()).repr_digest());
        component(&mirror.url(file))
    });
    // OpenSSL's variable has the same effect as `--ca-file`.
    let program = check_locally(Checkout::of(&stream)).env("SSL_CERT_FILE", ca.path());
    assert_eq!(program.run().exits(0).report().counts(), [50, 0, 0]);
    assert!(mirror.requests().iter().all(|request| request.version == Version::HTTP_11));
    assert!(mirror.peak() <= 50, "{} requests at a time", mirror.peak());
    // The limit tested in `tests/it/connections.rs`.
    assert!(mirror.connections() <= 64, "{} connections", mirror.connections());
}

#[test]
fn an_untrusted_certificate_is_tried_once_and_explained() {
    let mirror = Mirror::start(Config::tls_http2()).unwrap();
    mirror.put("/f.iso", Resource::artifact("f.iso").repr_digest());
    let stream = fifty(|file| component(&mirror.url(file)));
    let report = check_locally(Checkout::of(&stream)).run().exits(3).report();
    let artifact = &report.0["artifacts"][0];
    assert_eq!(artifact["reason"], "unreachable");
    assert!(artifact["message"].as_str().unwrap().contains("--ca-file"), "{artifact:#}");
    assert_eq!((mirror.connections(), mirror.request_count()), (1, 0));
}

/// A TCP relay to `upstream` that closes some connections at once, selected by number from 0.
fn flaky(upstream: SocketAddr, refuses: impl Fn(usize) -> bool + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for (number, client) in listener.incoming().enumerate() {
            let Ok(client) = client else { return };
            if refuses(number) {
                continue;
            }
            let Ok(server) = TcpStream::connect(upstream) else { return };
            let ways = [(client.try_clone(), server.try_clone()), (Ok(server), Ok(client))];
            for (from, to) in ways {
                let (mut from, mut to) = (from.unwrap(), to.unwrap());
                std::thread::spawn(move || {
                    let _ = io::copy(&mut from, &mut to);
                    let _ = to.shutdown(std::net::Shutdown::Both);
                });
            }
        }
    });
    addr
}

#[test]
fn failed_connections_are_retried() {
    for protocol in [Protocol::TlsHttp1, Protocol::TlsHttp2] {
        let mirror = Mirror::start(Config::new(protocol)).unwrap();
        let ca = CaFile::of(&mirror.ca_pem());
        // The first three connections fail, or the three after the first.
        for first in [0, 1] {
            let addr = flaky(mirror.addr(), move |number| (first..first + 3).contains(&number));
            let stream = fifty(|file| {
                let busy = Behaviour::slow(Duration::from_millis(20));
                let name = file.rsplit('/').next().unwrap();
                mirror.put(file, Resource::artifact(name).repr_digest().behaves(busy));
                component(&format!("https://{addr}{file}"))
            });
            let program = check_locally(Checkout::of(&stream)).arg("--ca-file").arg(ca.path());
            let report = program.run().exits(0).report();
            assert_eq!(report.counts(), [50, 0, 0], "{protocol:?} {first}");
        }
    }
}

/// A TCP relay to a mirror that drops everything sent to the client on the first connection after the first request,
/// without closing it, like a middlebox whose table is full.
fn dropping(mirror: &Arc<Mirror>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    let mirror = Arc::clone(mirror);
    std::thread::spawn(move || {
        for (number, client) in listener.incoming().enumerate() {
            let (Ok(mut client), Ok(mut server)) = (client, TcpStream::connect(mirror.addr())) else {
                return;
            };
            let (mut from_client, mut to_server) = (client.try_clone().unwrap(), server.try_clone().unwrap());
            std::thread::spawn(move || io::copy(&mut from_client, &mut to_server));
            let mirror = Arc::clone(&mirror);
            std::thread::spawn(move || {
                let mut bytes = vec![0; 64 * 1024];
                while let Ok(count @ 1..) = server.read(&mut bytes) {
                    let is_dropped = number == 0 && mirror.request_count() > 0;
                    if !is_dropped && client.write_all(&bytes[..count]).is_err() {
                        return;
                    }
                }
            });
        }
    });
    addr
}

#[test]
fn requests_on_a_dead_connection_are_retried_on_another() {
    let mirror = Arc::new(Mirror::start(Config::tls_http2()).unwrap());
    let ca = CaFile::of(&mirror.ca_pem());
    let addr = dropping(&mirror);
    let stream = fifty(|file| {
        mirror.put(file, Resource::artifact(file.rsplit('/').next().unwrap()).repr_digest());
        component(&format!("https://{addr}{file}"))
    });
    let program = check_locally(Checkout::of(&stream)).arg("--ca-file").arg(ca.path());
    // All fifty must be answered on the other connection within the timeout.
    let report =
        program.args(["--timeout", "700ms", "--retries", "1", "--verify", "exists"]).run().exits(0).report();
    assert_eq!(report.counts(), [50, 0, 0]);
    assert_eq!(mirror.connections(), 2);
}

#[test]
fn unreadable_ca_certificates_are_a_usage_error() {
    let no_roots = CaFile::of("no certificate\n");
    let missing = no_roots.path().with_file_name("not-there.pem");
    for (file, why) in [(no_roots.path(), "no certificate"), (missing, "No such file")] {
        let mirror = Mirror::start(Config::tls_http2()).unwrap();
        let stream = Stream::of(component(&mirror.url("/f.iso")));
        let run = check_locally(Checkout::of(&stream)).arg("--ca-file").arg(&file).run().exits(2);
        for says in ["--ca-file", file.to_str().unwrap(), why] {
            assert!(run.stderr.contains(says), "{}", run.stderr);
        }
        assert_eq!(mirror.connections(), 0);
    }
}

#[test]
fn the_published_hosts_are_reached_by_their_names_and_by_https() {
    let world = World::start();
    let path = "/pub/openshift-v4/x86_64/dependencies/rhcos/4.19/4.19.0/f.iso";
    world.mirror.put(path, Resource::artifact("f.iso").repr_digest());
    let stream = Stream::of(component(&format!("https://{MIRROR}{path}")));
    world.check(&stream).run().exits(0);
    let asked = world.proxy.asked();
    assert_eq!(asked.len(), 1);
    assert_eq!((&*asked[0].method, &*asked[0].target), ("CONNECT", "mirror.openshift.com:443"));
    assert!(world.mirror.requests().iter().all(|request| request.host.as_deref() == Some(MIRROR)));
}

#[test]
fn a_redirect_may_lead_to_the_bucket_behind_the_cdn_and_nowhere_else() {
    let foreign = "which is not one of the hosts that may be requested";
    for (target, reason, says) in [
        ("https://art-rhcos-ci.s3.amazonaws.com/f.iso?X-Amz-Signature=1", "", BUCKET),
        ("https://mirror.openshift.com/f.iso", "", MIRROR),
        ("/elsewhere/f.iso", "", CDN),
        ("http://mirror.openshift.com/f.iso", "redirect-not-allowed", "which downgrades https to http"),
        ("https://other.s3.amazonaws.com/f.iso", "redirect-not-allowed", foreign),
        ("https://mirror.openshift.com:8443/f.iso", "redirect-not-allowed", foreign),
        ("https://169.254.169.254/f.iso", "redirect-not-allowed", foreign),
        ("https://127.0.0.1/f.iso", "redirect-not-allowed", foreign),
        (
            "https://rhcos-redirector.apps.art.xq1c.p1.openshiftapps.com/f.iso",
            "redirect-not-allowed",
            foreign,
        ),
    ] {
        let world = World::start();
        world.cdn.put("/art/storage/f.iso", Resource::redirect(307, target));
        for server in [&world.mirror, &world.bucket] {
            server.put("/f.iso", Resource::artifact("f.iso").repr_digest());
        }
        world.cdn.put("/elsewhere/f.iso", Resource::artifact("f.iso").repr_digest());
        let stream = Stream::of(component(&format!("https://{CDN}/art/storage/f.iso")));
        let finished = world.check(&stream).run().exits(i32::from(!reason.is_empty()));
        let report = finished.report();
        let artifact = report.only();
        let expected = if reason.is_empty() { json!(null) } else { json!(reason) };
        assert_eq!(artifact["reason"], expected, "{target}: {artifact:#}");
        if reason.is_empty() {
            assert_eq!(artifact["answered_by"], says, "{artifact:#}");
            let notes = report.0["notes"].as_array().unwrap();
            let notes =
                notes.iter().filter_map(|note| note.as_str()).filter(|it| it.starts_with("answered by"));
            let expected = match says {
                BUCKET => "answered by the bucket, not the CDN: ",
                MIRROR => "answered by mirror.openshift.com, to which rhcos.mirror.openshift.com redirected",
                _ => "",
            };
            let notes = notes.collect::<Vec<_>>().join("\n");
            assert!(notes.starts_with(expected) && expected.is_empty() == notes.is_empty(), "{notes}");
        } else {
            assert!(artifact["message"].as_str().unwrap().contains(says), "{artifact:#}");
            assert_eq!(artifact["answered_by"], json!(null), "{artifact:#}");
        }
        assert!(!finished.stdout.contains("X-Amz-Signature"), "signed URLs are not shown");
        assert!(world.proxy.asked().iter().all(|asked| asked.known), "{:?}", world.proxy.asked());
    }
}

#[test]
fn no_override_turns_the_required_gate_green() {
    let world = World::start();
    let bridge = "rhcos-redirector.apps.art.xq1c.p1.openshiftapps.com";
    let prefix = format!("https://{bridge}/art/storage/releases");
    let path = "/art/storage/releases/rhcos-4.19/419.96.202506171412-0/x86_64/f.iso";
    let published = Stream::of(component(&format!("https://{CDN}{path}")));
    let program = world.check(&published).env("OPENSHIFT_INSTALL_COREOS_STREAM_PREFIX", &prefix);
    let report = program.env("OPENSHIFT_INSTALL_CI_COREOS_BOOTIMAGES", "1").run().exits(1).report();
    assert_eq!(report.only()["reason"], "missing");
    assert_eq!(report.0["target"], json!({ "kind": "published", "prefix": null }));
    assert_eq!(world.cdn.count("HEAD", path), 1, "at the document's location");

    // `--allow-host` does not make a bridge a published location.
    let bridged = Stream::of(component(&format!("https://{bridge}{path}")));
    let report = world.check(&bridged).args(["--allow-host", bridge]).run().exits(1).report();
    assert_eq!(report.only()["reason"], "not-published");
    assert!(world.proxy.asked().iter().all(|asked| asked.known), "{:?}", world.proxy.asked());
}

#[test]
fn the_proxies_of_the_environment_are_used_and_their_passwords_never_shown() {
    let mirror = Mirror::start(Config::plain()).unwrap();
    let proxy = Proxy::start(ProxyConfig::new().host(MIRROR, mirror.addr())).unwrap();
    mirror.put("/f.iso", Resource::artifact("f.iso").repr_digest());
    let stream = Stream::of(component(&format!("http://{MIRROR}/f.iso")));
    let program = || check_checkout(Checkout::of(&stream)).args(["--output", "json", "--retries", "1"]);

    let with_credentials = proxy.url().replace("http://", "http://user:secret@");
    program().env("HTTP_PROXY", &with_credentials).run().exits(0);
    let asked = proxy.asked().remove(0);
    assert!(asked.target.starts_with("http://mirror.openshift.com"), "in absolute form: {asked:?}");
    let authorization = "proxy-authorization: basic dxnlcjpzzwnyzxq=";
    assert!(asked.headers.iter().any(|header| header.to_lowercase() == authorization), "{asked:?}");

    // Messages about proxies that are down or require authorization do not contain passwords.
    let refusing = Proxy::start(ProxyConfig::new().refuses(407)).unwrap();
    let secure = Stream::of(component(&format!("https://{MIRROR}/f.iso")));
    for proxy in ["http://user:secret@127.0.0.1:9", &refusing.url().replace("http://", "http://user:secret@")]
    {
        let program =
            check_checkout(Checkout::of(&secure)).args(["--output", "json", "-vv", "--retries", "1"]);
        let finished = program.env("HTTPS_PROXY", proxy).run().exits(3);
        let report = finished.report();
        assert_eq!(report.only()["reason"], "unreachable");
        assert!(report.only()["message"].as_str().unwrap().contains("through the proxy 127.0.0.1:"));
        assert!(!finished.stdout.contains("secret") && !finished.stderr.contains("secret"), "{finished:?}");
    }

    // An unusable proxy is a usage error; no request bypasses it.
    let before = mirror.connections();
    for (name, value) in [("HTTPS_PROXY", "ftp://user:secret@127.0.0.1:9"), ("ALL_PROXY", "http://:x")] {
        let finished = check_checkout(Checkout::of(&secure)).env(name, value).run().exits(2);
        assert!(finished.stderr.contains(name), "{}", finished.stderr);
        assert!(!finished.stderr.contains("secret"), "{}", finished.stderr);
    }
    assert_eq!(mirror.connections(), before);

    // Requests to a `NO_PROXY` host are direct.
    mirror.forget();
    let local = Stream::of(component(&mirror.url("/f.iso")));
    let before = proxy.connections();
    check_locally(Checkout::of(&local)).env("HTTP_PROXY", proxy.url()).run().exits(0);
    assert_eq!(proxy.connections(), before);
    assert!(mirror.connections() > 0);
}
