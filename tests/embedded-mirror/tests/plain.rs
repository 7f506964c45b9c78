//! Plain HTTP/1.1, with raw requests and responses.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use embedded_mirror::{
    Answer, Behaviour, Config, Connections, Mirror, Resource, Table, artifact_content, hex_sha256,
};

/// How a connection ended.
#[derive(Debug, PartialEq, Eq)]
enum End {
    Closed,
    Reset,
    Silent,
    /// Not at all: [`MAX_RESPONSE`] bytes were read.
    More,
}

const READ_TIMEOUT: Duration = Duration::from_millis(300);
const MAX_RESPONSE: usize = 4 << 20;

fn ask(addr: SocketAddr, method_and_target: &str) -> (String, End) {
    ask_with(addr, method_and_target, &[])
}

fn ask_with(addr: SocketAddr, method_and_target: &str, headers: &[&str]) -> (String, End) {
    let mut stream = TcpStream::connect(addr).unwrap();
    stream.set_read_timeout(Some(READ_TIMEOUT)).unwrap();
    let first = [&format!("{method_and_target} HTTP/1.1"), "Host: h", "Connection: close"];
    let request = [&first, headers, &["", ""]].concat().join("\r\n");
    let mut bytes = Vec::new();
    let mut end = End::More;
    if stream.write_all(request.as_bytes()).is_err() {
        return (String::new(), End::Reset);
    }
    let mut buffer = vec![0; 64 * 1024];
    while bytes.len() < MAX_RESPONSE {
        match stream.read(&mut buffer) {
            Ok(0) => {
                end = End::Closed;
                break;
            }
            Ok(read) => bytes.extend(buffer.iter().take(read)),
            Err(error) => {
                end = if error.kind() == ErrorKind::ConnectionReset { End::Reset } else { End::Silent };
                break;
            }
        }
    }
    (String::from_utf8_lossy(&bytes).into_owned(), end)
}

fn mirror() -> Mirror {
    Mirror::start(Config::plain()).unwrap()
}

fn serve(resource: Resource) -> Mirror {
    let mirror = mirror();
    mirror.put("/x", resource);
    mirror
}

fn head_of(response: &str) -> String {
    response.split("\r\n\r\n").next().unwrap_or_default().to_ascii_lowercase()
}

fn body_of(response: &str) -> &str {
    response.split_once("\r\n\r\n").map_or("", |(_, body)| body)
}

#[test]
fn a_file_is_served_with_its_headers() {
    let name = "rhcos-1-metal.x86_64.raw.gz";
    let resource =
        Resource::artifact(name).repr_digest().digest().s3_meta_sha256().labelled_gzip().etag("v1");
    let digest = hex_sha256(&artifact_content(name));
    let mirror = serve(resource);
    let (response, end) = ask(mirror.addr(), "HEAD /x");
    let head = head_of(&response);
    assert_eq!(end, End::Closed);
    assert!(head.starts_with("http/1.1 200 ok\r\n"), "{head}");
    for line in [
        &format!("content-length: {}", artifact_content(name).len()),
        "content-encoding: x-gzip",
        "etag: \"v1\"",
        "accept-ranges: bytes",
        "repr-digest: sha-256=:",
        "digest: sha-256=",
        &format!("x-amz-meta-sha256: {digest}"),
    ] {
        assert!(head.contains(&format!("\r\n{line}")), "{line}: {head}");
    }
    assert_eq!(body_of(&response), "");
    assert_eq!(mirror.count("HEAD", "/x"), 1);
    assert_eq!(mirror.count("GET", "/x"), 0);
}

#[test]
fn s3_checksums_are_sent_only_on_request() {
    let mirror = serve(Resource::bytes("abc").s3_checksum());
    assert!(!ask(mirror.addr(), "HEAD /x").0.contains("x-amz-checksum"));
    let (response, _) = ask_with(mirror.addr(), "HEAD /x", &["x-amz-checksum-mode: ENABLED"]);
    let checksum = "x-amz-checksum-sha256: ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=";
    assert!(response.contains(checksum), "{response}");
}

#[test]
fn ranges_follow_the_options_of_the_resource() {
    let good = || Resource::bytes("0123456789").etag("v1");
    let cases: [(Resource, &[&str], &str, &str); 8] = [
        (good(), &["Range: bytes=0-0"], "206", "0"),
        (good(), &["Range: bytes=4-"], "206", "456789"),
        (good(), &["Range: bytes=-2"], "206", "89"),
        (good(), &["Range: bytes=10-"], "416", ""),
        (good(), &["Range: bytes=4-", "If-Range: \"v1\""], "206", "456789"),
        (good(), &["Range: bytes=4-", "If-Range: \"v0\""], "200", "0123456789"),
        (good().header("etag", "W/\"v1\""), &["Range: bytes=4-", "If-Range: W/\"v1\""], "200", "0123456789"),
        (good().ignores_range(), &["Range: bytes=4-"], "200", "0123456789"),
    ];
    for (resource, headers, status, body) in cases {
        let mirror = serve(resource);
        let (response, _) = ask_with(mirror.addr(), "GET /x", headers);
        assert!(response.starts_with(&format!("HTTP/1.1 {status}")), "{headers:?}: {response}");
        assert_eq!(body_of(&response), body, "{headers:?}");
    }
    for (resource, total) in
        [(good(), "10"), (good().total_in_ranges("*"), "*"), (good().total_in_ranges("999"), "999")]
    {
        let range = ask_with(serve(resource).addr(), "GET /x", &["Range: bytes=3-4"]).0;
        assert!(head_of(&range).contains(&format!("content-range: bytes 3-4/{total}\r")), "{range}");
    }
}

#[test]
fn an_answer_is_sent_as_given_and_missing_files_are_404() {
    let teapot = Answer::status(418).header("x-kettle", "on");
    for (answer, method, says, body) in [
        (None, "GET", "404 not found", "404 Not Found\n"),
        (Some(Answer::s3_access_denied()), "HEAD", "403 forbidden", ""),
        (Some(Answer::s3_access_denied()), "GET", "application/xml", "AccessDenied"),
        (Some(teapot), "GET", "x-kettle: on", "418"),
    ] {
        let mirror = mirror();
        if let Some(answer) = answer {
            mirror.put("/x", Resource::bytes("").behaves(Behaviour::Answer(answer)));
        }
        let (response, _) = ask(mirror.addr(), &format!("{method} /x"));
        assert!(head_of(&response).contains(says), "{response}");
        assert!(body_of(&response).contains(body), "{response}");
    }
}

#[test]
fn head_can_be_answered_in_the_ways_of_real_servers() {
    for (behaviour, status, has, has_not) in [
        (Behaviour::status(405), "405", "content-type", "\r\nx-"),
        (Behaviour::NoContentLength, "200", "content-type", "content-length"),
        (Behaviour::ContentLength(0), "200", "content-length: 0", "content-length: 3"),
        (Behaviour::ContentLength(7), "200", "content-length: 7", "content-length: 3"),
        (Behaviour::soft_404(), "200", "text/html", "octet"),
        (Behaviour::retry_after(503, "2"), "503", "retry-after: 2", "octet"),
        (Behaviour::redirect(307, "https://h/y"), "307", "location: https://h/y", "octet"),
        (Behaviour::HugeHeader(100_000), "200", "x-huge: xxx", "nothing"),
    ] {
        let mirror = serve(Resource::bytes("abc").on_head(behaviour.clone()));
        let (response, end) = ask(mirror.addr(), "HEAD /x");
        let head = head_of(&response);
        assert_eq!((end, body_of(&response)), (End::Closed, ""), "{behaviour:?}");
        assert!(head.starts_with(&format!("http/1.1 {status}")), "{behaviour:?}: {head}");
        assert!(head.contains(has) && !head.contains(has_not), "{behaviour:?}: {head}");
        // GET is not affected.
        assert_eq!(body_of(&ask(mirror.addr(), "GET /x").0), "abc", "{behaviour:?}");
    }
}

#[test]
fn connections_break_where_the_test_says() {
    use End::{Closed, More, Reset, Silent};
    for (behaviour, method, length, end) in [
        (Behaviour::Reset, "GET", 0..=0, Reset),
        (Behaviour::Close, "HEAD", 0..=0, Closed),
        (Behaviour::Hang, "GET", 0..=0, Silent),
        (Behaviour::StallInHeaders, "GET", 27..=27, Silent),
        (Behaviour::SlowLoris(Duration::from_millis(10)), "HEAD", MAX_RESPONSE..=MAX_RESPONSE, More),
        (Behaviour::Garbage("SSH-2.0-x\r\n".into()), "GET", 11..=11, Closed),
        (Behaviour::EndlessHeaders, "HEAD", MAX_RESPONSE..=usize::MAX, More),
        (Behaviour::EndlessBody, "HEAD", MAX_RESPONSE..=usize::MAX, More),
        (Behaviour::EndlessBody, "GET", MAX_RESPONSE..=usize::MAX, More),
    ] {
        let mirror = serve(Resource::bytes("abc").behaves(behaviour.clone()));
        if let Behaviour::SlowLoris(_) = behaviour {
            // It sends too slowly for `ask` to reach its limit, and never pauses long enough to time out.
            let mut stream = TcpStream::connect(mirror.addr()).unwrap();
            stream.write_all(b"HEAD /x HTTP/1.1\r\nHost: h\r\n\r\n").unwrap();
            let mut bytes = [0; 64];
            stream.read_exact(&mut bytes[..40]).unwrap();
            assert!(bytes.starts_with(b"HTTP/1.1 200 OK\r\nX-Slow: xxxxx"));
            continue;
        }
        let (response, how) = ask(mirror.addr(), &format!("{method} /x"));
        assert_eq!(how, end, "{behaviour:?}: {}", response.len());
        assert!(length.contains(&response.len()), "{behaviour:?}: {}", response.len());
        // The mirror still works.
        mirror.put("/x", Resource::bytes("abc"));
        assert_eq!(body_of(&ask(mirror.addr(), "GET /x").0), "abc", "{behaviour:?}");
    }
}

#[test]
fn bodies_break_where_the_test_says() {
    let size = 300_000;
    for (behaviour, sent, end) in [
        (Behaviour::DropAfter(0), 0, End::Closed),
        (Behaviour::DropAfter(1), 1, End::Closed),
        (Behaviour::DropAfter(270_000), 270_000, End::Closed),
        (Behaviour::StallAfter(0), 0, End::Silent),
        (Behaviour::StallAfter(1000), 1000, End::Silent),
        (Behaviour::ContentLength(1000), 1000, End::Closed),
        (Behaviour::ContentLength(400_000), 300_000, End::Closed),
        (Behaviour::Paced { bytes: 100_000, every: Duration::from_millis(5) }, 300_000, End::Closed),
    ] {
        let mirror = serve(Resource::synthetic(1, size).behaves(behaviour.clone()));
        let mut stream = TcpStream::connect(mirror.addr()).unwrap();
        stream.set_read_timeout(Some(READ_TIMEOUT)).unwrap();
        stream.write_all(b"GET /x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n").unwrap();
        let mut bytes = Vec::new();
        let how = stream.read_to_end(&mut bytes).map_or(End::Silent, |_| End::Closed);
        let start = bytes
            .windows(4)
            .position(|it| it == b"\r\n\r\n")
            .map_or_else(|| panic!("{behaviour:?}: {how:?}"), |it| it + 4);
        assert_eq!((bytes.len() - start, how), (sent, end), "{behaviour:?}");
    }
}

#[test]
fn behaviours_can_depend_on_the_request_number() {
    let busy = || Behaviour::status(503);
    let statuses = |resource: Resource, count: usize| -> Vec<String> {
        let mirror = serve(resource);
        let asked = (0..count).map(|_| ask(mirror.addr(), "HEAD /x").0);
        asked.map(|response| response.get(9..12).unwrap_or("-").to_owned()).collect()
    };
    let file = || Resource::bytes("abc");
    assert_eq!(statuses(file().behaves(Behaviour::recovering(2, busy())), 4), ["503", "503", "200", "200"]);
    assert_eq!(statuses(file().behaves(Behaviour::flapping(busy())), 4), ["503", "200", "503", "200"]);
    assert_eq!(
        statuses(file().behaves(Behaviour::Sequence(vec![Behaviour::Close, busy()])), 3),
        ["-", "503", "503"]
    );
    assert_eq!(statuses(file().behaves(Behaviour::Cycle(Vec::new())), 1), ["200"]);
    assert_eq!(statuses(file().behaves(Behaviour::lossy(1000, 1, busy())), 2), ["503", "503"]);
    assert_eq!(statuses(file().behaves(Behaviour::lossy(0, 1, busy())), 2), ["200", "200"]);
    let some = statuses(file().behaves(Behaviour::lossy(500, 1, busy())), 40);
    assert!((8..=32).contains(&some.iter().filter(|status| *status == "503").count()), "{some:?}");
}

#[test]
fn a_file_can_change_between_requests() {
    let mirror = serve(Resource::bytes("old").etag("1").changing_to(2, Resource::bytes("newer").etag("2")));
    let bodies: Vec<String> = (0..3).map(|_| body_of(&ask(mirror.addr(), "GET /x").0).to_owned()).collect();
    assert_eq!(bodies, ["old", "old", "newer"]);
}

#[test]
fn several_mirrors_can_serve_a_table_that_changes() {
    let table = Table::new();
    let [one, two] = [(); 2].map(|()| Mirror::start(Config::plain().table(&table)).unwrap());
    assert!(ask(one.addr(), "HEAD /art/x").0.starts_with("HTTP/1.1 404"));
    table.put("https://rhcos.mirror.openshift.com/art/x", Resource::bytes("abc"));
    assert!(ask(one.addr(), "HEAD /art/x?y=z").0.starts_with("HTTP/1.1 200"));
    assert!(ask(two.addr(), "HEAD /art/x").0.starts_with("HTTP/1.1 200"));
    assert!(two.remove("/art/x") && !one.remove("/art/x"));
    assert!(ask(one.addr(), "HEAD /art/x").0.starts_with("HTTP/1.1 404"));
    assert_eq!(one.count("HEAD", "/art/x"), 3);
}

#[test]
fn a_delay_comes_before_the_headers() {
    let delay = Duration::from_millis(120);
    let mirror = serve(Resource::bytes("abc").behaves(Behaviour::slow(delay)));
    let start = Instant::now();
    assert_eq!(body_of(&ask(mirror.addr(), "GET /x").0), "abc");
    assert!(start.elapsed() >= delay);
}

#[test]
fn requests_are_recorded_unless_disabled() {
    let mirror = serve(Resource::bytes("abc"));
    ask_with(mirror.addr(), "GET /x?a=b", &["Range: bytes=0-0"]);
    ask(mirror.addr(), "HEAD /y");
    let requests = mirror.requests();
    let [get, head] = requests.as_slice() else { panic!("{requests:?}") };
    assert_eq!((get.method.as_str(), get.path.as_str(), get.query.as_deref()), ("GET", "/x", Some("a=b")));
    assert_eq!((get.header("range"), get.host.as_deref()), (Some("bytes=0-0"), Some("h")));
    assert_eq!((get.connection, head.connection, head.path.as_str()), (0, 1, "/y"));
    assert!(get.at <= head.at);
    assert_eq!((mirror.connections(), mirror.handshakes(), mirror.request_count()), (2, 0, 2));
    mirror.forget();
    assert_eq!((mirror.connections(), mirror.request_count(), mirror.requests().len()), (0, 0, 0));

    let silent = Mirror::start(Config::plain().record(false)).unwrap();
    ask(silent.addr(), "HEAD /x");
    assert_eq!((silent.request_count(), silent.requests().len()), (1, 0));
}

#[test]
fn the_peak_counts_concurrent_requests() {
    let mirror = serve(Resource::bytes("abc").behaves(Behaviour::slow(Duration::from_millis(200))));
    let addr = mirror.addr();
    let clients: Vec<_> = (0..5).map(|_| std::thread::spawn(move || ask(addr, "HEAD /x"))).collect();
    for client in clients {
        client.join().unwrap();
    }
    assert_eq!(mirror.peak(), 5);
}

#[test]
fn connections_can_be_refused_in_two_ways() {
    let mirror = serve(Resource::bytes("abc"));
    mirror.set_connections(Connections::Reset);
    assert_eq!(ask(mirror.addr(), "GET /x"), (String::new(), End::Reset));
    mirror.set_connections(Connections::BlackHole);
    assert_eq!(ask(mirror.addr(), "GET /x"), (String::new(), End::Silent));
    mirror.set_connections(Connections::Serve);
    assert_eq!(body_of(&ask(mirror.addr(), "GET /x").0), "abc");
}

#[test]
fn a_mirror_can_be_restarted_at_the_address_of_a_dropped_one() {
    let mirror = serve(Resource::bytes("abc"));
    let addr = mirror.addr();
    drop(mirror);
    assert!(TcpStream::connect(addr).is_err());
    let mirror = Mirror::start(Config::plain().bind(addr)).unwrap();
    assert_eq!(mirror.addr(), addr);
    assert!(ask(addr, "GET /x").0.starts_with("HTTP/1.1 404"));
}
