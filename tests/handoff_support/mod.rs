//! What the tests of the hand-off share.

#![allow(dead_code, reason = "each test uses a part of it")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "helpers of tests fail as tests do"
)]

pub(crate) mod sync_job;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use art_mirror_validate::location::{Mirror as MirrorPlace, Prefix, Target, resolve};
use art_mirror_validate::stream::{Artifact, Document, Sources};
use embedded_mirror::{Mirror, Resource, artifact_content};

/// The path of the bridge's files.
pub(crate) const STORAGE: &str = "/art/storage";
/// The path of the public mirror's files.
pub(crate) const PUB: &str = "/pub/openshift-v4";

/// A path below `testdata/`.
pub(crate) fn testdata(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata").join(path)
}

/// The program, with an environment that says nothing.
pub(crate) fn program(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_art-mirror-validate"));
    command.env_clear().args(args);
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command
}

/// What came of running the program.
pub(crate) struct Ran {
    pub(crate) status: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    pub(crate) fn of(command: &mut Command) -> Self {
        let Output { status, stdout, stderr } = command.output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self { status: status.code().unwrap(), stdout: text(stdout), stderr: text(stderr) }
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {}", self.all()))
    }

    /// The JSON that a command printed, which must be as its committed schema says.
    pub(crate) fn json_of(&self, command: &str) -> serde_json::Value {
        let path = format!("{}/ci/{command}.schema.json", env!("CARGO_MANIFEST_DIR"));
        let schema = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        let json = self.json();
        let validator = jsonschema::validator_for(&schema).unwrap();
        let faults: Vec<String> =
            validator.iter_errors(&json).map(|fault| format!("{}: {fault}", fault.instance_path())).collect();
        assert!(faults.is_empty(), "{faults:?}");
        json
    }

    pub(crate) fn all(&self) -> String {
        format!("exit {}\n{}{}", self.status, self.stdout, self.stderr)
    }
}

pub(crate) fn run(args: &[&str]) -> Ran {
    Ran::of(&mut program(args))
}

/// The documents at a path.
pub(crate) fn documents(path: &Path) -> Vec<Document> {
    let mut sources = Sources::default();
    sources.add_path(path).unwrap();
    sources.documents.into_iter().map(|sourced| sourced.document).collect()
}

/// A bridge at a server.
pub(crate) fn bridge(server: &Mirror) -> Target {
    Target::Bridge(Prefix::parse(&server.url(STORAGE)).unwrap())
}

/// The mirror at a server.
pub(crate) fn public(server: &Mirror) -> Target {
    let base = Prefix::parse(&server.url(PUB)).unwrap();
    Target::Mirror(MirrorPlace::new(base, None, false).unwrap())
}

/// Puts the artifacts of a document that `keep` wants where a target has them.
pub(crate) fn put(server: &Mirror, document: &Document, target: &Target, keep: impl Fn(&Artifact) -> bool) {
    for artifact in document.artifacts.iter().filter(|artifact| keep(artifact)) {
        let place = resolve(&artifact.location, Some(&artifact.release), target).unwrap();
        let name = artifact.location.rsplit('/').next().unwrap();
        server.put(place.url().path(), Resource::bytes(artifact_content(name)).repr_digest());
    }
}

/// The bytes that a server has at a URL.
pub(crate) fn download(server: &Mirror, url: &str) -> Vec<u8> {
    let (_, path) = url.split_once(&server.addr().to_string()).unwrap();
    server.table().get(path).unwrap().content().chunk(0, u64::MAX).to_vec()
}

/// A git repository in a directory of its own.
pub(crate) struct Repo(pub(crate) tempfile::TempDir);

impl Repo {
    pub(crate) fn new() -> Self {
        let repo = Self(tempfile::tempdir().unwrap());
        repo.git(&["init", "-q", "-b", "main"]);
        repo
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn git(&self, args: &[&str]) {
        let mut git = Command::new("git");
        git.current_dir(self.path()).args(["-c", "user.name=t", "-c", "user.email=t@example.com"]).args(args);
        git.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CONFIG_GLOBAL", "/dev/null");
        let output = git.output().unwrap();
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// Writes a file, and the directories that it needs.
    pub(crate) fn write(&self, path: &str, content: &str) {
        let path = self.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    pub(crate) fn commit(&self, message: &str) {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "--allow-empty", "-m", message]);
    }
}

/// The regular files below a directory, in order, hidden ones included.
pub(crate) fn files_below(directory: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut left = vec![directory.to_owned()];
    while let Some(next) = left.pop() {
        for entry in std::fs::read_dir(next).unwrap().map(Result::unwrap) {
            if entry.file_type().unwrap().is_dir() {
                left.push(entry.path());
            } else {
                found.push(entry.path().strip_prefix(directory).unwrap().to_str().unwrap().to_owned());
            }
        }
    }
    found.sort();
    found
}

/// A server of all that is below a directory now.
pub(crate) fn serve(directory: &Path) -> Mirror {
    serve_below(directory, "")
}

/// The same below a path.
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
    /// None where nginx is not installed, with a notice.
    pub(crate) fn start(directory: &Path) -> Option<Self> {
        let installed = ["/usr/sbin/nginx", "/usr/bin/nginx", "/usr/local/sbin/nginx"];
        let Some(program) = installed.iter().find(|path| Path::new(path).exists()) else {
            println!("skipped: nginx is not installed");
            return None;
        };
        // The port is free now; another may take it before nginx does, which then fails the test loudly.
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
