//! HTTP/1.1 and HTTP/2 over TLS, with a client of hyper and rustls.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use embedded_mirror::{Authority, Behaviour, Config, Connections, Mirror, Resource};
use http::{Request, Response, Version};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

async fn connect(mirror: &Mirror, name: &str, alpn: &[&[u8]]) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(mirror.ca_pem().as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|it| it.to_vec()).collect();
    let stream = TcpStream::connect(mirror.addr()).await?;
    let name = ServerName::try_from(name.to_owned()).unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, stream).await
}

type Sender2 = http2::SendRequest<Empty<Bytes>>;

async fn http2(mirror: &Mirror) -> Sender2 {
    let stream = connect(mirror, "127.0.0.1", &[b"h2", b"http/1.1"]).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let (sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    sender
}

async fn ask(sender: &mut Sender2, method: &str, path: &str) -> hyper::Result<Response<Incoming>> {
    let uri = format!("https://mirror.openshift.com{path}");
    sender.send_request(Request::builder().method(method).uri(uri).body(Empty::new()).unwrap()).await
}

fn mirror() -> Mirror {
    let mirror = Mirror::start(Config::tls_http2()).unwrap();
    mirror.put("/x", Resource::bytes("abc"));
    mirror
}

#[tokio::test]
async fn many_requests_share_one_connection() {
    let mirror = mirror();
    mirror.put("/x", Resource::bytes("abc").behaves(Behaviour::slow(Duration::from_millis(50))));
    let sender = http2(&mirror).await;
    let all = (0..100).map(|_| {
        let mut sender = sender.clone();
        tokio::spawn(async move { ask(&mut sender, "HEAD", "/x").await.unwrap().status().as_u16() })
    });
    for one in all.collect::<Vec<_>>() {
        assert_eq!(one.await.unwrap(), 200);
    }
    assert_eq!((mirror.connections(), mirror.handshakes(), mirror.count("HEAD", "/x")), (1, 1, 100));
    assert!(mirror.peak() > 50, "{}", mirror.peak());
    let request = mirror.requests().remove(0);
    assert_eq!((request.version, request.connection), (Version::HTTP_2, 0));
    assert_eq!(request.host.as_deref(), Some("mirror.openshift.com"));
}

#[tokio::test]
async fn tls_http1_does_not_offer_http2() {
    let mirror = Mirror::start(Config::tls_http1()).unwrap();
    mirror.put("/x", Resource::bytes("abc"));
    let stream = connect(&mirror, "localhost", &[b"h2", b"http/1.1"]).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    for _ in 0..2 {
        let request = Request::get("/x").header("host", "h").body(Empty::<Bytes>::new()).unwrap();
        let response = sender.send_request(request).await.unwrap();
        assert_eq!(response.version(), Version::HTTP_11);
        assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "abc");
        sender.ready().await.unwrap();
    }
    assert_eq!((mirror.connections(), mirror.request_count()), (1, 2));
}

#[tokio::test]
async fn raw_faults_work_over_tls() {
    let mirror = Mirror::start(Config::tls_http1()).unwrap();
    for behaviour in [Behaviour::Reset, Behaviour::Close, Behaviour::Garbage("nonsense\r\n".into())] {
        mirror.put("/x", Resource::bytes("abc").behaves(behaviour));
        let stream = connect(&mirror, "localhost", &[]).await.unwrap();
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let request = Request::get("/x").header("host", "h").body(Empty::<Bytes>::new()).unwrap();
        assert!(sender.send_request(request).await.is_err());
    }
}

#[tokio::test]
async fn on_http2_most_faults_affect_only_their_stream() {
    let mirror = mirror();
    mirror.put("/good", Resource::bytes("abc"));
    let mut sender = http2(&mirror).await;
    for behaviour in [Behaviour::Reset, Behaviour::Garbage("x".into()), Behaviour::DropAfter(1000)] {
        mirror.put("/x", Resource::synthetic(1, 10_000).behaves(behaviour.clone()));
        let broken = match ask(&mut sender, "GET", "/x").await {
            Err(_) => true,
            Ok(response) => response.into_body().collect().await.is_err(),
        };
        assert!(broken, "{behaviour:?}");
        assert_eq!(ask(&mut sender, "HEAD", "/good").await.unwrap().status(), 200, "{behaviour:?}");
    }
    for behaviour in [Behaviour::Hang, Behaviour::StallInHeaders, Behaviour::SlowLoris(Duration::ZERO)] {
        mirror.put("/x", Resource::bytes("abc").behaves(behaviour.clone()));
        assert!(timeout(Duration::from_millis(50), ask(&mut sender, "HEAD", "/x")).await.is_err());
        assert_eq!(ask(&mut sender, "HEAD", "/good").await.unwrap().status(), 200, "{behaviour:?}");
    }
    // A client can reject that many headers by resetting the stream or by closing the connection.
    mirror.put("/x", Resource::bytes("abc").behaves(Behaviour::EndlessHeaders));
    assert!(ask(&mut sender, "HEAD", "/x").await.is_err());
    assert_eq!(mirror.connections(), 1);

    let mut sender = http2(&mirror).await;
    mirror.put("/x", Resource::bytes("abc").behaves(Behaviour::Close));
    assert!(ask(&mut sender, "GET", "/x").await.is_err());
    assert!(ask(&mut sender, "GET", "/good").await.is_err(), "the connection is gone");
}

#[tokio::test]
async fn on_http2_a_head_response_can_have_a_wrong_length_or_a_body() {
    let mirror = mirror();
    let mut sender = http2(&mirror).await;
    for (behaviour, length) in [
        (Behaviour::Normal, Some("3")),
        (Behaviour::NoContentLength, None),
        (Behaviour::ContentLength(0), Some("0")),
        (Behaviour::ContentLength(9), Some("9")),
        (Behaviour::status(405), Some("23")),
    ] {
        mirror.put("/x", Resource::bytes("abc").on_head(behaviour.clone()));
        let response = ask(&mut sender, "HEAD", "/x").await.unwrap();
        let found = response.headers().get("content-length").map(|it| it.to_str().unwrap().to_owned());
        assert_eq!(found.as_deref(), length, "{behaviour:?}");
        assert!(response.into_body().collect().await.unwrap().to_bytes().is_empty(), "{behaviour:?}");
    }
    mirror.put("/x", Resource::bytes("abc").on_head(Behaviour::EndlessBody));
    let response = ask(&mut sender, "HEAD", "/x").await;
    let endless = match response {
        Err(_) => true,
        Ok(response) => {
            let mut body = response.into_body();
            !matches!(timeout(Duration::from_millis(200), body.frame()).await, Ok(None))
        }
    };
    assert!(endless);
}

#[tokio::test]
async fn large_files_stream_over_http2() {
    let mirror = mirror();
    let resource = Resource::synthetic(5, 5_000_000);
    let digest = resource.content().sha256();
    mirror.put("/x", resource);
    let mut sender = http2(&mirror).await;
    let body = ask(&mut sender, "GET", "/x").await.unwrap().into_body();
    let bytes = body.collect().await.unwrap().to_bytes();
    assert_eq!((bytes.len(), embedded_mirror::sha256(&bytes)), (5_000_000, digest));
}

#[tokio::test]
async fn one_authority_can_certify_several_mirrors_each_for_its_names() {
    let authority = Authority::new().unwrap();
    let start = |name: &str| Mirror::start(Config::tls_http2().authority(&authority).names([name])).unwrap();
    let (cdn, s3) = (start("rhcos.mirror.openshift.com"), start("art-rhcos-ci.s3.amazonaws.com"));
    assert_eq!(cdn.ca_pem(), s3.ca_pem());
    assert!(connect(&cdn, "rhcos.mirror.openshift.com", &[]).await.is_ok());
    assert!(connect(&s3, "art-rhcos-ci.s3.amazonaws.com", &[]).await.is_ok());
    assert!(connect(&s3, "rhcos.mirror.openshift.com", &[]).await.is_err());
    let (certificate, key) = authority.issue(&["localhost"]).unwrap();
    assert!(certificate.contains("BEGIN CERTIFICATE") && key.contains("PRIVATE KEY"));
}

#[tokio::test]
async fn a_black_hole_completes_no_handshake() {
    let mirror = mirror();
    mirror.set_connections(Connections::BlackHole);
    assert!(timeout(Duration::from_millis(100), connect(&mirror, "localhost", &[])).await.is_err());
    mirror.set_connections(Connections::Reset);
    assert!(connect(&mirror, "localhost", &[]).await.is_err());
    assert_eq!((mirror.connections(), mirror.handshakes()), (2, 0));
}
