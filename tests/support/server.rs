//! A server of files for tests that need statuses, headers and small bodies: wiremock, in the same manner for all.
//!
//! wiremock has no TLS, answers each request whole or not at all, knows no ranges and counts no connections. Tests of
//! the published hosts, of HTTP/2, of proxies, of redirects across hosts, of downloads that are resumed and of broken
//! or slow bodies use the embedded mirror, and so do those of `mirror` and of the oracle, whose worlds have all that.

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

/// This status, with nothing else.
pub(crate) fn status(code: u16) -> ResponseTemplate {
    ResponseTemplate::new(code)
}

/// A file of these bytes, of which no digest is published.
pub(crate) fn file(bytes: impl Into<Vec<u8>>) -> ResponseTemplate {
    status(200).set_body_raw(bytes, "application/octet-stream")
}

/// The same with its digest as `Repr-Digest`.
pub(crate) fn digested(bytes: impl Into<Vec<u8>>) -> ResponseTemplate {
    let bytes = bytes.into();
    let digest = format!("sha-256=:{}:", BASE64.encode(&sha256(&bytes)));
    file(bytes).insert_header("repr-digest", digest)
}

/// The test artifact of that name.
pub(crate) fn artifact(name: &str) -> ResponseTemplate {
    file(artifact_content(name))
}

/// The same with its digest.
pub(crate) fn published(name: &str) -> ResponseTemplate {
    digested(artifact_content(name))
}

/// A page of HTML with this status.
pub(crate) fn page(code: u16, html: &str) -> ResponseTemplate {
    status(code).set_body_raw(html, "text/html")
}

/// No answer, for as long as any test takes.
pub(crate) fn never() -> ResponseTemplate {
    status(200).set_delay(Duration::from_secs(3_600))
}

/// What a server has, and what was asked of it.
#[derive(Default)]
struct State {
    answers: HashMap<String, Vec<ResponseTemplate>>,
    requests: Vec<(Instant, Request)>,
}

/// Answers by the method and path, or else by the path alone.
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

/// A server on loopback. What is not put there is answered with 404.
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

    /// How requests for a path (or URL) are answered: of all methods, or of one where that precedes the path.
    pub(crate) fn put(&self, at: &str, answer: ResponseTemplate) {
        self.put_in_turn(at, [answer]);
    }

    /// The same, the first request as the first says, and so on; the last one goes on for ever.
    pub(crate) fn put_in_turn(&self, at: &str, answers: impl IntoIterator<Item = ResponseTemplate>) {
        let at = at.replace(&self.server.uri(), "");
        self.files.0.lock().unwrap().answers.insert(at, answers.into_iter().collect());
    }

    /// Puts files with their digests.
    pub(crate) fn put_all(&self, files: impl IntoIterator<Item = (String, Vec<u8>)>) {
        for (path, bytes) in files {
            self.put(&path, digested(bytes));
        }
    }

    pub(crate) fn remove(&self, at: &str) {
        self.files.0.lock().unwrap().answers.remove(at).unwrap();
    }

    /// Every request, and when it came.
    pub(crate) fn requests(&self) -> Vec<(Instant, Request)> {
        self.files.0.lock().unwrap().requests.clone()
    }

    pub(crate) fn request_count(&self) -> usize {
        self.files.0.lock().unwrap().requests.len()
    }

    /// How many requests of that method there were for a path.
    pub(crate) fn count(&self, method: &str, path: &str) -> usize {
        let state = self.files.0.lock().unwrap();
        state.requests.iter().filter(|(_, it)| it.method.as_str() == method && it.url.path() == path).count()
    }

    /// Forgets all requests.
    pub(crate) fn forget(&self) {
        self.files.0.lock().unwrap().requests.clear();
    }
}
