//! The relay and the proxy, with curl where it is installed.
#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "helpers of tests")]

#[path = "../../support/ground.rs"]
mod ground;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use embedded_mirror::{Config, Mirror, Proxy, ProxyConfig, Relay, Resource};

/// Runs curl. Without curl, returns `None` and reports the test as skipped.
fn curl(arguments: &[&str]) -> Option<Output> {
    let mut command = Command::new("curl");
    for variable in ["http_proxy", "https_proxy", "HTTPS_PROXY", "NO_PROXY", "no_proxy", "ALL_PROXY"] {
        command.env_remove(variable);
    }
    match command.args(["-sS", "--max-time", "10"]).args(arguments).output() {
        Ok(output) => Some(output),
        Err(error) => {
            ground::skip(&format!("curl cannot be run: {error}"));
            None
        }
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn exchange(addr: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(addr).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    text(&answer)
}

#[test]
fn a_relay_adds_round_trips_and_loses_no_byte() {
    let mirror = Mirror::start(Config::plain()).unwrap();
    mirror.put("/x", Resource::synthetic(1, 3_000_000));
    let relay = Relay::start(mirror.addr(), Duration::from_millis(25)).unwrap();
    let start = Instant::now();
    let answer = exchange(relay.addr(), "HEAD /x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    let took = start.elapsed();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    // One round trip for TCP, one for the request.
    assert!((100..200).contains(&took.as_millis()), "{took:?}");
    let mut stream = TcpStream::connect(relay.addr()).unwrap();
    stream.write_all(b"GET /x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n").unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    let start = bytes.windows(4).position(|it| it == b"\r\n\r\n").unwrap() + 4;
    let expected = Resource::synthetic(1, 3_000_000).content().sha256();
    assert_eq!(embedded_mirror::sha256(&bytes[start..]), expected);
    assert_eq!(relay.connections(), 2);
}

#[test]
fn tls_and_http2_take_three_round_trips() {
    let mirror = Mirror::start(Config::tls_http2()).unwrap();
    mirror.put("/x", Resource::bytes("abc"));
    let relay = Relay::start(mirror.addr(), Duration::from_millis(40)).unwrap();
    let url = format!("https://{}/x", relay.addr());
    let format = "%{http_version} %{http_code} %{time_total}";
    let Some(output) = curl(&["-k", "-o", "/dev/null", "-w", format, &url]) else { return };
    let line = text(&output.stdout);
    let [version, status, seconds] = line.split(' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
    assert_eq!(status, "200", "{}", text(&output.stderr));
    if version != "2" {
        eprintln!("this curl does not support HTTP/2");
    }
    let seconds: f64 = seconds.parse().unwrap();
    assert!((0.24..0.36).contains(&seconds), "{seconds}");
}

#[test]
fn a_proxy_serves_a_mirror_under_a_real_hosts_name() {
    let mirror = Mirror::start(Config::tls_http2().names(["mirror.openshift.com"])).unwrap();
    mirror.put("/pub/x", Resource::bytes("abc"));
    let proxy = Proxy::start(ProxyConfig::new().host("mirror.openshift.com", mirror.addr())).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let ca = directory.path().join("ca.pem");
    std::fs::write(&ca, mirror.ca_pem()).unwrap();
    let (proxy_url, ca) = (proxy.url(), ca.display().to_string());
    let base = ["-x", &proxy_url, "--cacert", &ca];
    let Some(output) = curl(&[&base[..], &["https://mirror.openshift.com/pub/x"]].concat()) else { return };
    assert_eq!(text(&output.stdout), "abc", "{}", text(&output.stderr));
    assert_eq!(mirror.requests()[0].host.as_deref(), Some("mirror.openshift.com"));

    let elsewhere = curl(&[&base[..], &["https://example.com/"]].concat()).unwrap();
    assert!(!elsewhere.status.success());
    let asked: Vec<_> =
        proxy.asked().iter().map(|it| (it.method.clone(), it.target.clone(), it.known)).collect();
    let connect = |target: &str, known| ("CONNECT".to_owned(), target.to_owned(), known);
    assert_eq!(asked, [connect("mirror.openshift.com:443", true), connect("example.com:443", false)]);
}

#[test]
fn plain_requests_go_through_a_proxy_in_absolute_form() {
    let mirror = Mirror::start(Config::plain()).unwrap();
    mirror.put("/x", Resource::bytes("abc"));
    let proxy = Proxy::start(ProxyConfig::new().host("h.example:80", mirror.addr())).unwrap();
    let ask = |url: &str| {
        let request =
            format!("GET {url} HTTP/1.1\r\nHost: h.example\r\nProxy-Connection: keep-alive\r\n\r\n");
        exchange(proxy.addr(), &request)
    };
    assert!(ask("http://h.example:80/x?y").ends_with("\r\n\r\nabc"));
    assert!(ask("http://other.example/x").starts_with("HTTP/1.1 502"));
    let request = mirror.requests().remove(0);
    assert_eq!((request.path.as_str(), request.query.as_deref()), ("/x", Some("y")));
    assert_eq!((request.header("host"), request.header("proxy-connection")), (Some("h.example"), None));
    assert_eq!((proxy.connections(), proxy.asked()[0].target.as_str()), (2, "http://h.example:80/x?y"));
}

#[test]
fn a_proxy_can_refuse() {
    let proxy = Proxy::start(ProxyConfig::new().refuses(407)).unwrap();
    let answer = exchange(proxy.addr(), "CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n");
    assert!(answer.starts_with("HTTP/1.1 407"), "{answer}");
    assert_eq!(proxy.asked()[0].headers, ["Host: h:443"]);
}

#[test]
fn a_proxy_can_die() {
    let mirror = Mirror::start(Config::plain()).unwrap();
    mirror.put("/x", Resource::synthetic(1, 100_000));
    let proxy = Proxy::start(ProxyConfig::new().host("h", mirror.addr()).dies_after(50_000)).unwrap();
    let answer = exchange(proxy.addr(), "GET http://h/x HTTP/1.1\r\nHost: h\r\n\r\n");
    assert!(answer.len() < 100_000, "{}", answer.len());
    assert!(proxy.is_dead());
    std::thread::sleep(Duration::from_millis(50));
    assert!(TcpStream::connect(proxy.addr()).is_err());
}
