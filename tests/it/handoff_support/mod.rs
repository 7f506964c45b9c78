//! Helpers for the tests of the hand-off to ART.

#![allow(dead_code, reason = "each test uses a part of it")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test helpers can panic like tests"
)]

pub(crate) mod sync_job;

use std::path::Path;
use std::process::Command;

use art_mirror_validate::location::{Mirror as MirrorPlace, Prefix, Target, resolve};
use art_mirror_validate::stream::{Artifact, Document, Sources};
use embedded_mirror::{Mirror, Resource, artifact_content};

pub(crate) use crate::support::Finished;
pub(crate) use crate::support::binary::program;
use crate::support::ground::skip;
#[allow(unused_imports, reason = "each test uses a part of it")]
pub(crate) use crate::support::ground::{Repo, files_below, testdata};

/// The path of the bridge's files.
pub(crate) const STORAGE: &str = "/art/storage";
/// The path of the public mirror's files.
pub(crate) const PUB: &str = "/pub/openshift-v4";

pub(crate) fn run(args: &[&str]) -> Finished {
    Finished::of(&mut program(args))
}

pub(crate) fn documents(path: &Path) -> Vec<Document> {
    let mut sources = Sources::default();
    sources.add_path(path).unwrap();
    sources.documents.into_iter().map(|sourced| sourced.document).collect()
}

pub(crate) fn bridge(prefix: &str) -> Target {
    Target::Bridge(Prefix::parse(prefix).unwrap())
}

pub(crate) fn public(base: &str) -> Target {
    let base = Prefix::parse(base).unwrap();
    Target::Mirror(MirrorPlace::new(base, None, false).unwrap())
}

/// For the artifacts of a document selected by `keep`: the path at a target, and the content.
pub(crate) fn files(
    document: &Document,
    target: &Target,
    keep: impl Fn(&Artifact) -> bool,
) -> Vec<(String, Vec<u8>)> {
    let kept = document.artifacts.iter().filter(|artifact| keep(artifact));
    kept.map(|artifact| {
        let place = resolve(&artifact.location, Some(&artifact.release), target).unwrap();
        let name = artifact.location.rsplit('/').next().unwrap();
        (place.url().path().to_owned(), artifact_content(name))
    })
    .collect()
}

/// The content that a server has at a URL.
pub(crate) fn download(server: &Mirror, url: &str) -> Vec<u8> {
    let (_, path) = url.split_once(&server.addr().to_string()).unwrap();
    server.table().get(path).unwrap().content().chunk(0, u64::MAX).to_vec()
}

/// A server with all files that are now below a directory.
pub(crate) fn serve(directory: &Path) -> Mirror {
    serve_below(directory, "")
}

/// Likewise, with all paths below `path`.
pub(crate) fn serve_below(directory: &Path, path: &str) -> Mirror {
    let server = Mirror::start(embedded_mirror::Config::plain()).unwrap();
    for file in files_below(directory) {
        let at = Path::new("/").join(path).join(&file);
        server.put(at.to_str().unwrap(), Resource::bytes(std::fs::read(directory.join(&file)).unwrap()));
    }
    server
}

/// A real nginx that serves a directory until it is dropped.
pub(crate) struct Nginx {
    process: std::process::Child,
    port: u16,
    _prefix: tempfile::TempDir,
}

impl Nginx {
    /// `None` if nginx is not installed, with a notice.
    pub(crate) fn start(directory: &Path) -> Option<Self> {
        let installed = ["/usr/sbin/nginx", "/usr/bin/nginx", "/usr/local/sbin/nginx"];
        let Some(program) = installed.iter().find(|path| Path::new(path).exists()) else {
            skip("nginx is not installed");
            return None;
        };
        // Another process can take the port before nginx does; then the test fails.
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let prefix = tempfile::tempdir().unwrap();
        let at = prefix.path().display();
        let config = format!(
            "daemon off; master_process off; pid {at}/pid; error_log {at}/error.log;\n\
             events {{}}\n\
             http {{ access_log off; client_body_temp_path {at}/1; proxy_temp_path {at}/2;\n\
             fastcgi_temp_path {at}/3; uwsgi_temp_path {at}/4; scgi_temp_path {at}/5;\n\
             server {{ listen 127.0.0.1:{port}; root {}; }} }}\n",
            directory.display()
        );
        let file = prefix.path().join("nginx.conf");
        std::fs::write(&file, config).unwrap();
        let process = Command::new(program).arg("-e").arg("stderr").arg("-c").arg(&file).spawn().unwrap();
        let nginx = Self { process, port, _prefix: prefix };
        for _ in 0..200 {
            if std::net::TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return Some(nginx);
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        panic!("nginx does not listen");
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
