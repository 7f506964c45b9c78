//! Helpers for tests of the built program: generated documents, the program in a clean environment, and its report.
//!
//! All traffic stays on loopback: [`Program::new`] sets a proxy that refuses every connection, and tests that need a
//! published host replace it with an embedded proxy.

#![allow(dead_code, reason = "each test program uses what it needs")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail as tests do"
)]

pub(crate) mod binary;
pub(crate) mod bump;
pub(crate) mod child;
pub(crate) mod ground;
pub(crate) mod server;
pub(crate) mod world;

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io::Cursor;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use embedded_mirror::{artifact_content, hex_sha256};
use rustix::process::Signal;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpSocket;

use self::child::{Ended, Watched};

/// The ID of the artifact in documents with a single one.
pub(crate) const ISO: &str = "x86_64/metal/iso/disk";

/// The build ID of all generated artifacts.
pub(crate) const BUILD: &str = "419.96.202506171412-0";

/// A proxy that refuses all connections: nothing listens on port 9 (discard) of a test machine.
pub(crate) const DEAD_PROXY: &str = "http://127.0.0.1:9";

/// The time limit of every run, after which its test fails; far more than any run takes.
pub(crate) const WATCHDOG: Duration = Duration::from_secs(60);

/// A component of a document, with the digest of the test artifact at its location.
pub(crate) fn component(location: &str) -> Value {
    let file_name = location.rsplit('/').next().unwrap_or_default();
    json!({ "location": location, "sha256": hex_sha256(&artifact_content(file_name)) })
}

/// The size of the test artifact at a location, in bytes.
pub(crate) fn size_of(location: &str) -> u64 {
    artifact_content(location.rsplit('/').next().unwrap_or_default()).len() as u64
}

/// A builder of a stream document.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stream(BTreeMap<String, Value>);

impl Stream {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// A document with one artifact, [`ISO`].
    pub(crate) fn of(component: Value) -> Self {
        Self::new().with(ISO, component)
    }

    /// Adds an artifact with this ID.
    pub(crate) fn with(mut self, id: &str, component: Value) -> Self {
        self.0.insert(id.to_owned(), component);
        self
    }

    /// The document, with artifacts in the order of their IDs.
    pub(crate) fn json(&self) -> Value {
        let mut architectures = json!({});
        for (id, component) in &self.0 {
            let [arch, platform, format, part] = id.split('/').collect::<Vec<_>>().try_into().unwrap();
            let place = &mut architectures[arch]["artifacts"][platform];
            place["release"] = json!(BUILD);
            place["formats"][format][part] = component.clone();
        }
        json!({ "stream": "rhcos-4.19", "metadata": {}, "architectures": architectures })
    }
}

/// An installer checkout in a temporary directory.
#[derive(Debug)]
pub(crate) struct Checkout(TempDir);

impl Checkout {
    pub(crate) fn empty() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// A checkout with the document `data/data/coreos/rhcos.json`.
    pub(crate) fn of(stream: &Stream) -> Self {
        Self::empty().file("data/data/coreos/rhcos.json", stream.json().to_string())
    }

    pub(crate) fn file(self, path: &str, content: impl AsRef<[u8]>) -> Self {
        let path = self.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
        self
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }
}

/// A builder of a run of the built program.
#[derive(Debug, Clone)]
pub(crate) struct Program {
    args: Vec<OsString>,
    environment: BTreeMap<OsString, OsString>,
    directory: Option<PathBuf>,
    stdin: Option<Vec<u8>>,
    checkout: Option<Arc<Checkout>>,
}

/// `check SOURCE`.
pub(crate) fn check(source: impl AsRef<OsStr>) -> Program {
    Program::new("check").arg(source)
}

/// `check` of a checkout with `--output json` and access to servers on loopback.
pub(crate) fn check_locally(checkout: Checkout) -> Program {
    check_checkout(checkout).locally().args(["--output", "json"])
}

/// `check` of a checkout, which is kept while the program needs it.
pub(crate) fn check_checkout(checkout: Checkout) -> Program {
    let program = check(checkout.path());
    Program { checkout: Some(Arc::new(checkout)), ..program }
}

impl Program {
    /// A command of the program, with only `PATH` and [`DEAD_PROXY`] in its environment.
    pub(crate) fn new(command: &str) -> Self {
        let program = Self {
            args: vec![command.into()],
            environment: BTreeMap::new(),
            directory: None,
            stdin: None,
            checkout: None,
        };
        program.env("HTTPS_PROXY", DEAD_PROXY).env("HTTP_PROXY", DEAD_PROXY)
    }

    pub(crate) fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    pub(crate) fn args<A: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args.extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.environment.insert(name.into(), value.as_ref().to_owned());
        self
    }

    /// Allows servers on loopback, without a proxy.
    pub(crate) fn locally(self) -> Self {
        self.args(["--allow-host", "127.0.0.1", "--allow-private-addresses"])
            .env("NO_PROXY", "127.0.0.1,localhost")
    }

    pub(crate) fn in_directory(mut self, directory: &Path) -> Self {
        self.directory = Some(directory.to_owned());
        self
    }

    /// Sets the content of standard input, which is empty otherwise.
    pub(crate) fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = Some(bytes.into());
        self
    }

    /// The command, with standard output and error captured.
    pub(crate) fn command(&self) -> Command {
        let mut command = binary::program(&self.args);
        command.envs(&self.environment);
        // Unless a test says otherwise, nothing is downloaded.
        if self.args.first().is_some_and(|it| it == "check") && !self.args.contains(&"--verify".into()) {
            command.args(["--verify", "published"]);
        }
        // Unless a test says otherwise, cloud images are not checked.
        if self.args.first().is_some_and(|it| it == "check") && !self.args.contains(&"--cloud-images".into())
        {
            command.args(["--cloud-images", "ignore"]);
        }
        // Unless a test says otherwise, retries end much sooner than by default.
        if self.args.first().is_some_and(|it| it == "check") && !self.args.contains(&"--retry-for".into()) {
            command.args(["--retry-for", "5s"]);
        }
        if let Some(directory) = &self.directory {
            command.current_dir(directory);
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub(crate) fn start(&self) -> Running {
        let child = match &self.stdin {
            Some(bytes) => Watched::fed(&mut self.command(), Cursor::new(bytes.clone())),
            None => Watched::start(&mut self.command()),
        };
        Running { child, checkout: self.checkout.clone() }
    }

    pub(crate) fn run(&self) -> Finished {
        self.start().finish()
    }
}

/// A running program.
#[derive(Debug)]
pub(crate) struct Running {
    child: Watched,
    checkout: Option<Arc<Checkout>>,
}

impl Running {
    /// Takes over a started child, and reads its piped output.
    pub(crate) fn of(child: Child) -> Self {
        Self { child: Watched::of(child), checkout: None }
    }

    pub(crate) fn signal(&self, signal: Signal) {
        self.child.signal(signal);
    }

    pub(crate) fn finish(self) -> Finished {
        self.child.end(WATCHDOG).into()
    }
}

/// The result of a run.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) elapsed: Duration,
}

impl From<Ended> for Finished {
    fn from(ended: Ended) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self {
            code: ended.output.status.code(),
            stdout: text(&ended.output.stdout),
            stderr: text(&ended.output.stderr),
            elapsed: ended.took,
        }
    }
}

impl Finished {
    /// Fails the test unless the exit status is `code`.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    /// Runs a command to its end, with empty standard input.
    pub(crate) fn of(command: &mut Command) -> Self {
        Watched::fed(command, std::io::empty()).end(WATCHDOG).into()
    }

    /// The exit status; fails the test if a signal ended the program.
    #[track_caller]
    pub(crate) fn status(&self) -> i32 {
        self.code.unwrap()
    }

    pub(crate) fn all(&self) -> String {
        format!("exit {:?}\n{}{}", self.code, self.stdout, self.stderr)
    }

    /// The JSON on standard output.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {}", self.all()))
    }

    /// The JSON on standard output, which must match the schema of this name in `ci/`.
    #[track_caller]
    pub(crate) fn json_of(&self, schema: &str) -> Value {
        let path = ground::root().join("ci").join(format!("{schema}.schema.json"));
        let schema = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        let json = self.json();
        let validator = jsonschema::validator_for(&schema).unwrap();
        let faults: Vec<String> =
            validator.iter_errors(&json).map(|fault| format!("{}: {fault}", fault.instance_path())).collect();
        assert!(faults.is_empty(), "{faults:?}");
        json
    }

    /// The JSON report on standard output.
    #[track_caller]
    pub(crate) fn report(&self) -> Report {
        Report(self.json())
    }
}

/// A JSON report.
#[derive(Debug)]
pub(crate) struct Report(pub(crate) Value);

impl Report {
    /// The artifact with this ID.
    #[track_caller]
    pub(crate) fn artifact(&self, id: &str) -> &Value {
        let artifacts = self.0["artifacts"].as_array().unwrap();
        let found = artifacts.iter().find(|artifact| artifact["id"] == id);
        found.unwrap_or_else(|| panic!("no artifact {id} in {:#}", self.0))
    }

    /// The only artifact.
    #[track_caller]
    pub(crate) fn only(&self) -> &Value {
        assert_eq!(self.0["summary"]["artifacts"], 1, "{:#}", self.0);
        &self.0["artifacts"][0]
    }

    /// The numbers of artifacts that passed, failed and were inconclusive.
    pub(crate) fn counts(&self) -> [u64; 3] {
        ["passed", "failed", "inconclusive"].map(|count| self.0["summary"][count].as_u64().unwrap())
    }
}

/// Runs the program to its end, and returns its peak resident memory in KiB too.
pub(crate) fn watch(program: &Program) -> (Finished, u64) {
    let (ended, peak) = program.start().child.end_measured(WATCHDOG);
    (ended.into(), peak)
}

/// Waits until a condition is true, and fails the test after [`WATCHDOG`].
#[track_caller]
pub(crate) fn until(what: &str, is_so: impl Fn() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < WATCHDOG, "timed out: {what}");
        std::thread::sleep(Duration::from_millis(3));
    }
}

/// A loopback address that refuses connections. While this exists, the kernel assigns its port to no other socket, but
/// a server that sets `SO_REUSEADDR` can still bind to it explicitly.
#[derive(Debug)]
pub(crate) struct Nobody {
    pub(crate) addr: SocketAddr,
    _bound: TcpSocket,
}

impl Nobody {
    pub(crate) fn new() -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_reuseaddr(true).unwrap();
        socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).unwrap();
        Self { addr: socket.local_addr().unwrap(), _bound: socket }
    }
}
