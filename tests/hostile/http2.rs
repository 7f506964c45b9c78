//! Servers that abuse HTTP/2: endless frames, connections that end early.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use embedded_mirror::{Authority, Config, Mirror, Resource, artifact_content};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::gate::{MEMORY, REPORTS, check, document, run};

type Stream = StreamOwned<ServerConnection, TcpStream>;

/// Frame types (RFC 9113, section 6).
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;

const END_HEADERS: u8 = 4;

/// The stream of the client's first request.
const FIRST: u32 = 1;

/// A frame (RFC 9113, section 4.1).
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// What a server sends after the first request: `first` once, then `again` repeatedly, unless it is empty.
struct Attack {
    name: &'static str,
    first: Vec<u8>,
    again: Vec<u8>,
}

fn attacks() -> Vec<Attack> {
    let attack = |name, first, again| Attack { name, first, again };
    // Literals without indexing (RFC 7541, section 6.2.2): a status, and a header `x` of 16 KiB.
    let informational = [0x08, 3, b'1', b'0', b'3'];
    let large = [&[0x00, 1, b'x', 0x7f, 0x81, 0x7f][..], &[b'y'; 16_384 - 6]].concat();
    let open = frame(HEADERS, 0, FIRST, &[0x88]);
    vec![
        attack("continuations of nothing", open.clone(), frame(CONTINUATION, 0, FIRST, &[])),
        attack("continuations of large headers", open, frame(CONTINUATION, 0, FIRST, &large)),
        attack("early hints", vec![], frame(HEADERS, END_HEADERS, FIRST, &informational)),
        attack("pings", vec![], frame(PING, 0, 0, &[7; 8])),
        attack("settings", vec![], frame(SETTINGS, 0, 0, &[0, 4, 0, 1, 0, 0])),
        attack("windows", vec![], frame(WINDOW_UPDATE, 0, FIRST, &[0, 0, 0, 1])),
        attack("unknown frames", vec![], frame(0xfa, 0xff, FIRST, &[9; 1_024])),
        attack("a farewell that lets be asked again", frame(GOAWAY, 0, 0, &[0; 8]), vec![]),
        attack("a farewell that blames", frame(GOAWAY, 0, 0, &[0, 0, 0, 0, 0, 0, 0, 11]), vec![]),
        attack("farewells", vec![], frame(GOAWAY, 0, 0, &[0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0])),
    ]
}

/// Serves TLS on loopback, with a thread for each connection, and returns the port.
fn serve<S>(authority: &Authority, alpn: &[&[u8]], serve: S) -> u16
where
    S: Fn(Stream) -> std::io::Result<()> + Clone + Send + 'static,
{
    let (certificate, key) = authority.issue(&["127.0.0.1"]).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()],
            PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap(),
        )
        .unwrap();
    config.alpn_protocols = alpn.iter().map(|protocol| protocol.to_vec()).collect();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (config, serve) = (Arc::clone(&config), serve.clone());
            std::thread::spawn(move || {
                serve(StreamOwned::new(ServerConnection::new(config).unwrap(), stream.unwrap()))
            });
        }
    });
    port
}

/// Attacks every connection until the client closes it, which is an error here.
fn listen(authority: &Authority, attack: Arc<Attack>) -> u16 {
    serve(authority, &[b"h2"], move |stream| attack.carry_out(stream))
}

/// Refuses requests over HTTP/2 with these frames, and forwards those over HTTP/1.1 to a mirror.
fn prefer_http1(mut stream: Stream, refusal: &[u8], mirror: SocketAddr) -> std::io::Result<()> {
    while stream.conn.is_handshaking() {
        stream.conn.complete_io(&mut stream.sock)?;
    }
    if stream.conn.alpn_protocol() == Some(b"h2") {
        stream.write_all(&frame(SETTINGS, 0, 0, &[]))?;
        wait_for_request(&mut stream)?;
        stream.write_all(refusal)?;
        stream.flush()?;
        while stream.read(&mut [0; 1024])? > 0 {}
        return Ok(());
    }
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        head.extend(byte);
    }
    let mut server = TcpStream::connect(mirror)?;
    head.truncate(head.len() - 2);
    server.write_all(&[&head[..], b"Connection: close\r\n\r\n"].concat())?;
    let mut answer = Vec::new();
    server.read_to_end(&mut answer)?;
    stream.write_all(&answer)?;
    // close_notify is not needed, because the response has a length.
    stream.flush()
}

#[test]
fn a_server_that_requires_http1_is_reached_over_http1() {
    let authority = Authority::new().unwrap();
    let directory = tempfile::tempdir().unwrap();
    let ca = directory.path().join("ca.pem");
    std::fs::write(&ca, authority.pem()).unwrap();
    let mirror = Mirror::start(Config::plain()).unwrap();
    mirror.put("/pub/a.iso", Resource::artifact("a.iso"));
    let size = artifact_content("a.iso").len();
    let required = 13_u32.to_be_bytes();
    for refusal in [frame(RST_STREAM, 0, FIRST, &required), frame(GOAWAY, 0, 0, &[[0; 4], required].concat())]
    {
        let addr = mirror.addr();
        let port =
            serve(&authority, &[b"h2", b"http/1.1"], move |stream| prefer_http1(stream, &refusal, addr));
        let host = format!("127.0.0.1:{port}");
        let file = directory.path().join("stream.json");
        let text = document(&[format!("https://{host}/pub/a.iso")]);
        std::fs::write(&file, text.replace("\"location\"", &format!("\"size\":{size},\"location\"")))
            .unwrap();
        let more = ["--allow-private-addresses", "--allow-host", &host, "--verify", "exists"];
        let mut command = check(&file, &more);
        command.arg("--ca-file").arg(&ca);
        let run = run(command);
        assert_eq!(run.code, Some(0), "{}", run.said());
        assert_eq!(run.report()["artifacts"][0]["attempts"], 1);
    }
}

impl Attack {
    fn carry_out(&self, mut stream: Stream) -> std::io::Result<()> {
        stream.write_all(&frame(SETTINGS, 0, 0, &[]))?;
        wait_for_request(&mut stream)?;
        stream.write_all(&self.first)?;
        stream.flush()?;
        let mut answers = vec![0; 64 * 1024];
        if self.again.is_empty() {
            while stream.read(&mut answers)? > 0 {}
            return Ok(());
        }
        let volley = self.again.repeat((64 * 1024 / self.again.len()).max(1));
        stream.sock.set_read_timeout(Some(Duration::from_millis(1)))?;
        loop {
            stream.write_all(&volley)?;
            stream.flush()?;
            // The client's frames are read so that it can continue to send.
            let _ = stream.read(&mut answers);
        }
    }
}

/// Reads the client's preface and all frames up to its first request.
fn wait_for_request(stream: &mut Stream) -> std::io::Result<()> {
    stream.read_exact(&mut [0; 24])?;
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head)?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        stream.read_exact(&mut vec![0; length as usize])?;
        if head[3] == HEADERS {
            return Ok(());
        }
    }
}

#[test]
fn endless_frames_cause_a_timeout_and_use_no_memory() {
    let authority = Authority::new().unwrap();
    let directory = tempfile::tempdir().unwrap();
    let ca = directory.path().join("ca.pem");
    std::fs::write(&ca, authority.pem()).unwrap();
    let withstand = |attack: Attack| {
        let (name, attack) = (attack.name, Arc::new(attack));
        let host = format!("127.0.0.1:{}", listen(&authority, attack));
        let reports = tempfile::tempdir().unwrap();
        let file = reports.path().join("stream.json");
        let locations = ["a", "b"].map(|name| format!("https://{host}/pub/{name}.iso"));
        std::fs::write(&file, document(&locations)).unwrap();
        // A longer timeout would let more data accumulate if it were kept.
        let more = ["--allow-private-addresses", "--allow-host", &host, "--timeout", "600ms"];
        let mut command = check(&file, &more);
        command.arg("--ca-file").arg(&ca).arg("--artifacts-dir").arg(reports.path());
        let run = run(command);
        eprintln!("{name}: {} MiB, {:?}", run.peak, run.took);
        assert_eq!(run.code, Some(3), "{name}: {}", run.said());
        for artifact in run.report()["artifacts"].as_array().unwrap() {
            assert_eq!(artifact["verdict"], "inconclusive", "{name}: {artifact}");
        }
        assert!(run.peak < MEMORY / 2, "{name}: {} MiB", run.peak);
        assert!(run.took < Duration::from_secs(15), "{name}: {:?}", run.took);
        assert!(REPORTS.iter().all(|name| reports.path().join(name).is_file()), "{name}");
    };
    std::thread::scope(|scope| {
        for attack in attacks() {
            scope.spawn(|| withstand(attack));
        }
    });
}
