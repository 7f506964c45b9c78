//! A wiremock file server for tests that only need statuses, headers and small bodies.
//!
//! wiremock has no TLS, sends each response completely or not at all, and supports neither ranges nor counting
//! connections. Tests of published hosts, HTTP/2, proxies, redirects across hosts, resumed downloads and broken or slow
//! bodies use the embedded mirror, and so do those of `mirror` and of the oracle, which need all of that.

#![allow(dead_code, reason = "each test program uses what it needs")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests fail as tests do")]

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use data_encoding::BASE64;
use embedded_mirror::{artifact_content, sha256};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

/// This status without a body.
pub(crate) fn status(code: u16) -> ResponseTemplate {
    ResponseTemplate::new(code)
}

/// A file with these bytes, without a digest.
pub(crate) fn file(bytes: impl Into<Vec<u8>>) -> ResponseTemplate {
    status(200).set_body_raw(bytes, "application/octet-stream")
}

/// A file with its digest in `Repr-Digest`.
pub(crate) fn digested(bytes: impl Into<Vec<u8>>) -> ResponseTemplate {
    let bytes = bytes.into();
    let digest = format!("sha-256=:{}:", BASE64.encode(&sha256(&bytes)));
    file(bytes).insert_header("repr-digest", digest)
}

/// The test artifact of that name, without a digest.
pub(crate) fn artifact(name: &str) -> ResponseTemplate {
    file(artifact_content(name))
}

/// The test artifact of that name, with its digest in `Repr-Digest`.
pub(crate) fn published(name: &str) -> ResponseTemplate {
    digested(artifact_content(name))
}

/// An HTML page with this status.
pub(crate) fn page(code: u16, html: &str) -> ResponseTemplate {
    status(code).set_body_raw(html, "text/html")
}

/// No response for an hour, which is longer than any test takes.
pub(crate) fn never() -> ResponseTemplate {
    status(200).set_delay(Duration::from_secs(3_600))
}

/// The responses of a server by path or `METHOD path`, and the requests so far.
#[derive(Default)]
struct State {
    answers: HashMap<String, Vec<ResponseTemplate>>,
    requests: Vec<(Instant, Request)>,
}

/// Responds by method and path, or else by the path alone.
#[derive(Clone, Default)]
struct Files(Arc<Mutex<State>>);

impl Respond for Files {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let mut state = self.0.lock().unwrap();
        state.requests.push((Instant::now(), request.clone()));
        let path = request.url.path();
        let exact = format!("{} {path}", request.method);
        let key = if state.answers.contains_key(&exact) { &exact } else { path };
        match state.answers.get_mut(key) {
            None => status(404),
            Some(answers) if answers.len() > 1 => answers.remove(0),
            Some(answers) => answers[0].clone(),
        }
    }
}

/// A server on loopback, which answers 404 for any path not added with [`Self::put`].
pub(crate) struct Server {
    server: MockServer,
    files: Files,
}

impl Server {
    pub(crate) fn start() -> Self {
        let files = Files::default();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let server = runtime.block_on(async {
            let server = MockServer::start().await;
            Mock::given(any()).respond_with(files.clone()).mount(&server).await;
            server
        });
        Self { server, files }
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        *self.server.address()
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.server.uri())
    }

    /// Sets the response for a path or URL, for all methods or, with `at` as `METHOD path`, for one.
    pub(crate) fn put(&self, at: &str, answer: ResponseTemplate) {
        self.put_in_turn(at, [answer]);
    }

    /// Sets the responses for successive requests; the last one is repeated.
    pub(crate) fn put_in_turn(&self, at: &str, answers: impl IntoIterator<Item = ResponseTemplate>) {
        let at = at.replace(&self.server.uri(), "");
        self.files.0.lock().unwrap().answers.insert(at, answers.into_iter().collect());
    }

    /// Adds files with their digests.
    pub(crate) fn put_all(&self, files: impl IntoIterator<Item = (String, Vec<u8>)>) {
        for (path, bytes) in files {
            self.put(&path, digested(bytes));
        }
    }

    pub(crate) fn remove(&self, at: &str) {
        self.files.0.lock().unwrap().answers.remove(at).unwrap();
    }

    /// All requests with the times of their arrival.
    pub(crate) fn requests(&self) -> Vec<(Instant, Request)> {
        self.files.0.lock().unwrap().requests.clone()
    }

    pub(crate) fn request_count(&self) -> usize {
        self.files.0.lock().unwrap().requests.len()
    }

    pub(crate) fn count(&self, method: &str, path: &str) -> usize {
        let state = self.files.0.lock().unwrap();
        state.requests.iter().filter(|(_, it)| it.method.as_str() == method && it.url.path() == path).count()
    }

    pub(crate) fn forget(&self) {
        self.files.0.lock().unwrap().requests.clear();
    }
}
