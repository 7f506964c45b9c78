//! Faults of a job's environment: signals, full disks, closed pipes, no network. Each run ends within its time limit,
//! with the right exit status, with complete files or none, and with a message that names the cause.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    missing_docs,
    reason = "tests can panic, and print why they are skipped"
)]

#[path = "../support/binary.rs"]
mod binary;
#[path = "../support/child.rs"]
mod child;
#[path = "../support/ground.rs"]
mod ground;
#[path = "../support/server.rs"]
mod server;

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use binary::{PROGRAM, clean, program};
use child::Watched;
use embedded_mirror::{
    Behaviour, Config, Connections, Mirror, Proxy, ProxyConfig, Resource, artifact_content, hex_sha256,
};
use ground::{skip, testdata};
use rustix::process::Signal;
use serde_json::{Map, Value, json};
use server::{Server, never, published};

const REPORTS: [&str; 3] =
    ["art-mirror-validate-summary.html", "art-mirror-validate.json", "junit_art-mirror-validate.xml"];

/// A host that is never requested.
const UNUSED: SocketAddr = SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 9));

/// The file name of an artifact.
fn name(index: usize) -> String {
    format!("rhcos-48.83.202102230316-0-{index:04}.x86_64.iso")
}

/// A server with this many artifacts, and a job that checks them.
fn served(artifacts: usize) -> (Server, Job) {
    let server = Server::start();
    for name in (0..artifacts).map(name) {
        server.put(&format!("/pub/{name}"), published(&name));
    }
    let job = Job::at(server.addr(), &server.url(""), artifacts);
    (server, job)
}

/// A document, and the host that its artifacts are on.
struct Job {
    host: SocketAddr,
    directory: tempfile::TempDir,
}

impl Job {
    fn at(host: SocketAddr, origin: &str, artifacts: usize) -> Self {
        let mut platforms = Map::new();
        for name in (0..artifacts).map(name) {
            let location = format!("{origin}/pub/{name}");
            let disk = json!({ "location": location, "sha256": hex_sha256(&artifact_content(&name)) });
            let formats = json!({ "iso": { "disk": disk } });
            platforms.insert(name, json!({ "release": "48.83.202102230316-0", "formats": formats }));
        }
        let job = Self { host, directory: tempfile::tempdir().unwrap() };
        job.write(&platforms);
        job
    }

    /// Writes a document with these platforms.
    fn write(&self, platforms: &Map<String, Value>) {
        let document = json!({
            "stream": "rhcos-4.8",
            "metadata": { "last-modified": "2021-03-31T10:00:00Z" },
            "architectures": { "x86_64": { "artifacts": platforms } },
        });
        fs::write(self.path("stream.json"), document.to_string()).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn arguments(&self, more: &[&str]) -> Vec<String> {
        let host = self.host.to_string();
        let file = self.path("stream.json").display().to_string();
        let fixed = ["check", &file, "--allow-private-addresses", "--allow-host", &host, "--deadline", "30s"];
        let timeout = if more.contains(&"--timeout") { &[][..] } else { &["--timeout", "10s"] };
        fixed.iter().chain(timeout).chain(more).map(ToString::to_string).collect()
    }

    fn check(&self, more: &[&str]) -> Command {
        let mut command = gate();
        command.args(self.arguments(more));
        command
    }
}

fn gate() -> Command {
    let mut command = program::<&str>(&[]);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// The output of a command, which must end within `limit`.
#[track_caller]
fn within(limit: Duration, command: &mut Command) -> Output {
    finish(limit, Watched::start(command))
}

#[track_caller]
fn finish(limit: Duration, child: Watched) -> Output {
    child.end(limit).output
}

fn said(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    format!("{}{}", text(&output.stdout), text(&output.stderr))
}

/// Asserts that the directory contains complete reports only.
fn assert_whole(directory: &Path, interrupted: &str) {
    let Ok(entries) = fs::read_dir(directory) else { return };
    for entry in entries {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let text = fs::read_to_string(&path).unwrap_or_default();
        match name.as_str() {
            "art-mirror-validate.json" => {
                let report: Value = serde_json::from_str(&text).unwrap();
                assert!(report["summary"].is_object(), "{name}");
            }
            "junit_art-mirror-validate.xml" => {
                roxmltree::Document::parse(&text).unwrap();
            }
            "art-mirror-validate-summary.html" => {
                assert!(text.trim_end().ends_with("</html>"), "{name} is cut");
            }
            // A killed run leaves a temporary file, which is not named like a report.
            _ => assert_eq!(interrupted, "KILL", "{name} was left behind"),
        }
    }
}

/// Whether a process handles SIGTERM and SIGINT (`SigCgt`, proc(5)). Until then, they terminate it without a report.
#[cfg(target_os = "linux")]
fn handles_signals(child: &Watched) -> bool {
    let status = fs::read_to_string(format!("/proc/{}/status", child.child.id())).unwrap_or_default();
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
    let caught = caught.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or_default();
    // SIGINT is 2 and SIGTERM 15, from the lowest bit.
    caught & (1 << 1) != 0 && caught & (1 << 14) != 0
}

#[cfg(not(target_os = "linux"))]
fn handles_signals(_: &Watched) -> bool {
    false
}

#[test]
fn a_signal_at_any_moment_leaves_complete_files_or_none() {
    let (server, job) = served(60);
    for index in 0..60 {
        let name = name(index);
        // The last response takes longer than any round, so most runs are interrupted.
        let delay = if index == 59 { 1_000 } else { index * 3 };
        let slow = published(&name).set_delay(Duration::from_millis(delay as u64));
        server.put(&format!("/pub/{name}"), slow);
    }
    let rounds = |signal: Signal, name: &str, status: i32| {
        let codes = (0..12).filter_map(|round| interrupted(&job, round, signal, name, status));
        codes.collect::<Vec<i32>>()
    };
    let signals = [(Signal::TERM, "TERM", 143), (Signal::INT, "INT", 130), (Signal::KILL, "KILL", -1)];
    let codes: Vec<i32> = std::thread::scope(|scope| {
        let rounds = signals.map(|(signal, name, status)| scope.spawn(move || rounds(signal, name, status)));
        rounds.into_iter().flat_map(|rounds| rounds.join().unwrap()).collect()
    });
    assert!(codes.contains(&143) && codes.contains(&130), "{codes:?}");
}

/// The exit status of a run that receives a signal at a random moment; `None` if the signal terminated it.
fn interrupted(job: &Job, round: usize, signal: Signal, name: &str, status: i32) -> Option<i32> {
    let artifacts = job.path(&format!("artifacts-{name}-{round}"));
    let child = Watched::start(&mut job.check(&["--artifacts-dir", artifacts.to_str().unwrap()]));
    // A random moment: before signals are handled, during requests, or while reports are written.
    std::thread::sleep(Duration::from_millis(fastrand::u64(0..350)));
    let listening = handles_signals(&child);
    child.signal(signal);
    let output = finish(Duration::from_secs(10), child);
    assert_whole(&artifacts, name);
    let Some(code) = output.status.code() else {
        assert!(name == "KILL" || !listening, "{name} ended a run that handles signals: {}", said(&output));
        return None;
    };
    // The run may have ended before the signal.
    assert!(code == 0 || code == status, "{name}: {code} {}", said(&output));
    assert!(REPORTS.iter().all(|name| artifacts.join(name).is_file()), "{name}: {}", said(&output));
    if code != 0 {
        let report = fs::read(artifacts.join("art-mirror-validate.json")).unwrap();
        let report: Value = serde_json::from_slice(&report).unwrap();
        assert_eq!(report["interrupted_by"], format!("SIG{name}"));
        // All artifacts, or none if the documents had not been read yet.
        let artifacts = report["artifacts"].as_array().unwrap().len();
        assert!(artifacts == 60 || artifacts == 0, "{artifacts} artifacts");
    }
    Some(code)
}

/// `mirror` is killed repeatedly while it copies, and resumes.
#[test]
fn files_with_their_final_names_are_complete_after_mirror_is_killed() {
    let server = Mirror::start(Config::plain()).unwrap();
    let job = Job::at(server.addr(), "", 0);
    let mut platforms = Map::new();
    let files: Vec<(String, Resource)> = (0..8)
        .map(|index| {
            let paced = Behaviour::Paced { bytes: 20_000, every: Duration::from_millis(10) };
            let file = Resource::synthetic(index, 400_000).etag("v1").on_get(paced);
            (format!("rhcos-48.83.202102230316-0-{index}.x86_64.raw"), file)
        })
        .collect();
    let digest = |file: &Resource| data_encoding::HEXLOWER.encode(&file.content().sha256());
    for (index, (name, file)) in files.iter().enumerate() {
        server.put(&format!("/pub/{name}"), file.clone());
        let disk = json!({ "location": server.url(&format!("/pub/{name}")), "sha256": digest(file) });
        let formats = json!({ "raw": { "disk": disk } });
        platforms
            .insert(format!("p{index}"), json!({ "release": "48.83.202102230316-0", "formats": formats }));
    }
    job.write(&platforms);
    let copies = job.path("copies");
    let assert_right = || {
        let right = files.iter().filter(|(name, file)| {
            let copy = fs::read(copies.join(name)).ok();
            if let Some(copy) = &copy {
                assert_eq!(hex_sha256(copy), digest(file), "{name} has its name and {} bytes", copy.len());
            }
            copy.is_some()
        });
        right.count()
    };
    let mirror = || {
        let mut command = gate();
        command.arg("mirror").arg(job.path("stream.json")).arg("--dest").arg(&copies);
        command.args(["--allow-private-addresses", "--allow-host", &job.host.to_string()]);
        command
    };
    let mut rng = fastrand::Rng::new();
    let mut counts = Vec::new();
    for _ in 0..12 {
        let child = Watched::start(&mut mirror());
        // A random moment.
        std::thread::sleep(Duration::from_millis(rng.u64(0..250)));
        child.signal(Signal::KILL);
        finish(Duration::from_secs(10), child);
        counts.push(assert_right());
    }
    assert!(counts[0] < files.len(), "no run was killed while it copied: {counts:?}");
    let output = within(Duration::from_secs(30), &mut mirror());
    assert_eq!((output.status.code(), assert_right()), (Some(0), files.len()), "{}", said(&output));
    let left = fs::read_dir(&copies).unwrap().count();
    assert_eq!(left, files.len(), "files of killed runs remain");
}

#[test]
fn a_signal_ends_a_run_that_waits() {
    let server = Mirror::start(Config::plain()).unwrap();
    server.set_connections(Connections::BlackHole);
    let job = Job::at(server.addr(), &format!("http://{}", server.addr()), 3);
    for (signal, name, status) in [(Signal::TERM, "TERM", 143), (Signal::INT, "INT", 130)] {
        let artifacts = job.path(name);
        let long = ["--timeout", "1h", "--wait", "1h", "--artifacts-dir", artifacts.to_str().unwrap()];
        let child = Watched::start(&mut job.check(&long));
        // The start of the wait cannot be observed, because nothing is printed.
        std::thread::sleep(Duration::from_millis(600));
        child.signal(signal);
        let output = finish(Duration::from_secs(5), child);
        assert_eq!(output.status.code(), Some(status), "{}", said(&output));
        assert!(REPORTS.iter().all(|name| artifacts.join(name).is_file()));
        assert_whole(&artifacts, name);
    }
}

#[test]
fn a_run_that_cannot_write_its_reports_does_not_pass() {
    let (server, job) = served(2);
    fs::write(job.path("file"), "").unwrap();
    fs::create_dir(job.path("taken")).unwrap();
    fs::create_dir(job.path("taken/art-mirror-validate.json")).unwrap();
    for place in [
        job.path("file"),
        job.path("file/below"),
        job.path("taken"),
        "/proc/nowhere".into(),
        "/dev/full".into(),
    ] {
        let output =
            within(Duration::from_secs(20), &mut job.check(&["--artifacts-dir", place.to_str().unwrap()]));
        assert_eq!(output.status.code(), Some(3), "{place:?}: {}", said(&output));
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            message.contains("error: ") && message.contains(place.to_str().unwrap()),
            "{place:?}: {message}"
        );
        assert!(said(&output).contains("2 artifacts: 2 passed"), "the log is whole: {}", said(&output));
    }
    // Failures remain failures.
    server.remove(&format!("/pub/{}", name(0)));
    let nowhere = job.path("file/below");
    let mut command = job.check(&["--artifacts-dir", nowhere.to_str().unwrap()]);
    let output = within(Duration::from_secs(20), &mut command);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
}

#[test]
fn a_deleted_directory_is_created_again_or_reported() {
    let (server, job) = served(1);
    let slow = published(&name(0)).set_delay(Duration::from_millis(500));
    server.put(&format!("/pub/{}", name(0)), slow);
    let artifacts = job.path("artifacts");
    fs::create_dir(&artifacts).unwrap();
    let child = Watched::start(&mut job.check(&["--artifacts-dir", artifacts.to_str().unwrap()]));
    std::thread::sleep(Duration::from_millis(200));
    fs::remove_dir_all(&artifacts).unwrap();
    let output = finish(Duration::from_secs(10), child);
    let all = REPORTS.iter().all(|name| artifacts.join(name).is_file());
    assert_eq!(output.status.code(), Some(if all { 0 } else { 3 }), "{}", said(&output));
}

/// Needs permission to mount a file system of 48 KiB.
#[test]
fn a_full_disk_leaves_complete_files_or_none() {
    let (_server, job) = served(200);
    let disk = job.path("disk");
    fs::create_dir(&disk).unwrap();
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=48k", "none"])
        .arg(&disk)
        .stderr(Stdio::null())
        .status();
    if !mounted.is_ok_and(|status| status.success()) {
        skip("no file system can be mounted here");
        return;
    }
    let output =
        within(Duration::from_secs(20), &mut job.check(&["--artifacts-dir", disk.to_str().unwrap()]));
    let left: Vec<_> = fs::read_dir(&disk).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    let whole = std::panic::catch_unwind(|| assert_whole(&disk, "a full disk"));
    let _ = Command::new("umount").arg(&disk).status();
    assert!(whole.is_ok(), "{left:?}");
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    assert!(left.len() < 3, "{left:?}");
    assert!(said(&output).contains("No space left on device"), "{}", said(&output));
}

/// A limit on file sizes acts like a full disk, and needs no privileges.
#[test]
fn a_limit_on_file_sizes_leaves_complete_files_or_none() {
    let (_server, job) = served(200);
    // In blocks of 512 bytes: no report fits, or some do.
    for (blocks, most) in [(1, 0), (64, 0), (300, 2)] {
        let artifacts = job.path(&format!("artifacts-{blocks}"));
        let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"");
        let arguments = job.arguments(&["--artifacts-dir", artifacts.to_str().unwrap()]);
        let output = within(Duration::from_secs(20), gate_in("sh", &script).args(&arguments));
        assert_eq!(output.status.code(), Some(3), "{blocks}: {}", said(&output));
        assert_whole(&artifacts, "a limit");
        let written = REPORTS.iter().filter(|name| artifacts.join(name).is_file()).count();
        assert!(written <= most, "{blocks}: {written} reports");
        for name in REPORTS.iter().filter(|name| !artifacts.join(name).is_file()) {
            let said = said(&output);
            let line = said.lines().find(|line| line.contains(name)).unwrap_or_default();
            assert!(line.contains("File too large"), "{blocks}: {said}");
        }
    }
}

/// The program aborts when it runs out of memory.
#[test]
fn a_run_out_of_memory_leaves_complete_files_or_none() {
    let (_server, job) = served(200);
    let mut aborted = 0;
    for kib in (0..24).map(|step| 20_000 + step * 6_000) {
        let artifacts = job.path("artifacts");
        fs::create_dir_all(&artifacts).unwrap();
        for name in REPORTS {
            fs::write(artifacts.join(name), "an earlier run's").unwrap();
        }
        let script = format!("ulimit -v {kib}; exec \"$0\" \"$@\"");
        let arguments = job.arguments(&["--artifacts-dir", artifacts.to_str().unwrap()]);
        let output = within(Duration::from_secs(20), gate_in("sh", &script).args(&arguments));
        match output.status.code() {
            // The program could not be executed.
            Some(126 | 127) => continue,
            Some(0) => {}
            _ => aborted += 1,
        }
        // If the run aborts before it has read its arguments, the earlier reports remain.
        let stands = |name: &&&str| fs::read(artifacts.join(name)).is_ok_and(|it| it == b"an earlier run's");
        let earlier = REPORTS.iter().filter(stands).count();
        assert!(earlier == 0 || earlier == REPORTS.len() && !output.status.success(), "{kib}: {earlier}");
        if earlier == 0 {
            assert_whole(&artifacts, "a lack of memory");
        }
        fs::remove_dir_all(&artifacts).unwrap();
    }
    assert!(aborted > 0, "no limit was reached");
}

#[test]
fn a_closed_pipe_changes_no_verdict() {
    let (_server, job) = served(300);
    for output in ["human", "json", "markdown"] {
        let arguments = job.arguments(&["--output", output]);
        // The pipe is closed before any output, or after the first line.
        for reader in ["true", "head -1"] {
            let script = format!("{{ \"$0\" \"$@\"; echo $? >&2; }} | {reader} >/dev/null");
            let mut command = gate_in("sh", &script);
            let told = within(Duration::from_secs(20), command.args(&arguments));
            let message = String::from_utf8_lossy(&told.stderr).into_owned();
            assert_eq!(message.trim(), "0", "{output} into {reader}: {message}");
        }
        // If standard output is full, that is reported.
        let mut command = gate_in("sh", "\"$0\" \"$@\" >/dev/full");
        let full = said(&within(Duration::from_secs(20), command.args(&arguments)));
        let says = "error: standard output: No space left on device";
        assert!(full.contains(says), "{output}: {full}");
    }
    let arguments = job.arguments(&["--output", "json"]);
    // If standard output is closed, its descriptor must not be reused for a file that then gets the output.
    let artifacts = job.path("artifacts");
    let arguments = [&arguments[..], &["--artifacts-dir".into(), artifacts.display().to_string()]].concat();
    let closed = within(Duration::from_secs(20), gate_in("sh", "\"$0\" \"$@\" >&- 2>&-").args(&arguments));
    assert_eq!(closed.status.code(), Some(0));
    assert!(REPORTS.iter().all(|name| artifacts.join(name).is_file()));
    assert_whole(&artifacts, "a closed standard output");
    let report: Value =
        serde_json::from_slice(&fs::read(artifacts.join("art-mirror-validate.json")).unwrap()).unwrap();
    assert_eq!(report["summary"]["passed"], 300);
}

#[test]
fn a_closed_pipe_is_not_an_error_of_any_command() {
    let document = testdata("checkout/data/data/coreos/rhcos.json");
    let document = document.to_str().unwrap();
    // The bridge is unreachable, so `sync-list` exits with 3, whatever happens to its reader.
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let bridge = format!("http://{nobody}/art/storage");
    let sync_list: Vec<&str> =
        ["sync-list", document, "--stream-prefix", &bridge, "--allow-private-addresses", "--retries", "0"]
            .into();
    for (arguments, status) in [
        (vec!["resolve", "--source", document], 0),
        (vec!["rewrite", document, "--to", "bridge", "--stream-prefix", &bridge], 0),
        (sync_list, 3),
        (vec!["diff", document, document], 0),
        (vec!["man"], 0),
        (vec!["completions", "bash"], 0),
    ] {
        for reader in ["true", "head -1"] {
            let script = format!("{{ \"$0\" \"$@\"; echo status $? >&2; }} | {reader} >/dev/null");
            let told = within(Duration::from_secs(20), gate_in("sh", &script).args(&arguments));
            let message = String::from_utf8_lossy(&told.stderr).into_owned();
            assert_eq!(message.trim(), format!("status {status}"), "{arguments:?} into {reader}");
        }
        let full =
            within(Duration::from_secs(20), gate_in("sh", "\"$0\" \"$@\" >/dev/full").args(&arguments));
        assert!(said(&full).contains("No space left on device"), "{arguments:?}: {}", said(&full));
        // A partial list must not look complete.
        assert_ne!(full.status.code(), Some(0), "{arguments:?}");
    }
}

/// Runs a shell script, in which the binary is `"$0" "$@"`.
fn gate_in(shell: &str, script: &str) -> Command {
    let mut command = clean(shell);
    command.args(["-c", script, PROGRAM]);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

#[test]
fn few_descriptors_are_enough_or_the_cause_is_named() {
    let (_server, job) = served(200);
    // Inherited descriptors count too and vary, so which step fails is not known.
    for limit in [8, 10, 12, 16, 24, 40] {
        let artifacts = job.path(&format!("artifacts-{limit}"));
        let arguments = job.arguments(&["--retries", "2", "--artifacts-dir", artifacts.to_str().unwrap()]);
        let script = format!("ulimit -n {limit}; exec \"$0\" \"$@\"");
        let output = within(Duration::from_secs(40), gate_in("sh", &script).args(&arguments));
        let code = output.status.code();
        // 2: the document could not be opened.
        assert!(matches!(code, Some(0 | 2 | 3)), "{limit}: {code:?} {}", said(&output));
        let all = REPORTS.iter().all(|name| artifacts.join(name).is_file());
        assert!(all || code != Some(0), "{limit}: not all reports, and {code:?}");
        assert_whole(&artifacts, "few descriptors");
        if code != Some(0) {
            assert!(said(&output).contains("open files"), "{limit}: {}", said(&output));
        }
    }
}

#[test]
fn an_unreachable_network_is_soon_inconclusive() {
    let server = Mirror::start(Config::plain()).unwrap();
    let address = server.addr().to_string();
    let job = Job::at(server.addr(), &format!("http://{address}"), 40);
    // A black hole: connections are accepted but never answered.
    server.set_connections(Connections::BlackHole);
    let soon = ["--retries", "1", "--timeout", "200ms"];
    let output = within(Duration::from_secs(25), &mut job.check(&soon));
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    assert!(said(&output).contains("no answer within 200ms"), "{}", said(&output));
    // Resets.
    server.set_connections(Connections::Reset);
    let output = within(Duration::from_secs(25), &mut job.check(&["--retries", "1"]));
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    assert!(said(&output).to_lowercase().contains("reset"), "{}", said(&output));
    // No server listens.
    drop(server);
    let document = job.directory.path().join("stream.json");
    let output = within(Duration::from_secs(25), &mut check_at(&address, &document));
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    assert!(said(&output).contains("refused"), "{}", said(&output));
    // A server listens, but connections cannot be established.
    let _full = FullBacklog::at(&address);
    let output = within(Duration::from_secs(25), &mut check_at(&address, &document));
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    let named = ["no connection within 200ms", "timed out", "deadline has elapsed"];
    assert!(named.iter().any(|cause| said(&output).contains(cause)), "{}", said(&output));
}

fn check_at(address: &str, document: &Path) -> Command {
    let mut command = gate();
    command.args(["check", "--allow-private-addresses", "--timeout", "200ms", "--retries", "1"]);
    command.args(["--allow-host", address]).arg(document);
    command
}

/// A listening port whose backlog is full, so that connections time out.
struct FullBacklog {
    _waiting: Vec<std::net::TcpStream>,
    _listener: tokio::net::TcpListener,
    _runtime: tokio::runtime::Runtime,
}

impl FullBacklog {
    fn at(address: &str) -> Self {
        let address = address.parse().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let listener = {
            let _entered = runtime.enter();
            let socket = tokio::net::TcpSocket::new_v4().unwrap();
            socket.set_reuseaddr(true).unwrap();
            socket.bind(address).unwrap();
            socket.listen(1).unwrap()
        };
        let connect = || std::net::TcpStream::connect_timeout(&address, Duration::from_millis(300)).ok();
        let waiting: Vec<_> = std::iter::from_fn(connect).take(64).collect();
        assert!(waiting.len() < 64, "the backlog is never full");
        Self { _waiting: waiting, _listener: listener, _runtime: runtime }
    }
}

#[test]
fn an_unresolvable_name_is_soon_inconclusive() {
    let job = Job::at(UNUSED, "http://no-such-host.invalid", 20);
    let more = ["--allow-host", "no-such-host.invalid", "--retries", "1", "--output", "json"];
    let output = within(Duration::from_secs(30), &mut job.check(&more));
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    for artifact in report["artifacts"].as_array().unwrap() {
        assert_eq!(artifact["reason"], "unreachable", "{artifact}");
        // The rest of the message depends on the system's resolver.
        let message = artifact["message"].as_str().unwrap();
        assert!(message.contains("failed to lookup address information: "), "{message}");
    }
}

/// A resolver that never answers. Needs permission to listen on port 53 and to mount.
#[cfg(target_os = "linux")]
#[test]
fn a_silent_resolver_is_soon_inconclusive() {
    let Ok(resolver) = std::net::UdpSocket::bind("127.0.0.153:53") else {
        skip("not permitted to listen on port 53 here");
        return;
    };
    let job = Job::at(UNUSED, "http://no-such-host.invalid", 2);
    let configuration = job.path("resolv.conf");
    fs::write(&configuration, "nameserver 127.0.0.153\n").unwrap();
    let script =
        format!("mount --bind '{}' /etc/resolv.conf || exit 99; exec \"$0\" \"$@\"", configuration.display());
    let mut command = clean("unshare");
    command.args(["-m", "sh", "-c", &script, PROGRAM]);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let more =
        ["--allow-host", "no-such-host.invalid", "--timeout", "200ms", "--retries", "1", "--output", "json"];
    // An abandoned lookup keeps its thread, which must not delay the exit.
    command.args(job.arguments(&more));
    let Ok(child) = command.spawn() else {
        skip("unshare is not installed");
        return;
    };
    let output = finish(Duration::from_secs(15), Watched::of(child));
    if output.status.code() == Some(99) || said(&output).contains("unshare: ") {
        skip("no file system can be mounted here");
        return;
    }
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    for artifact in report["artifacts"].as_array().unwrap() {
        assert_eq!(artifact["reason"], "timeout", "{artifact}");
        assert!(artifact["message"].as_str().unwrap().contains("no connection within 200ms"), "{artifact}");
    }
    resolver.set_nonblocking(true).unwrap();
    assert!(resolver.recv(&mut [0; 512]).is_ok(), "the resolver got no query");
}

#[test]
fn a_proxy_that_dies_or_refuses_is_inconclusive() {
    let host = "mirror.openshift.com";
    let server = Mirror::start(Config::tls_http2().names([host])).unwrap();
    let job = Job::at(server.addr(), "https://mirror.openshift.com", 40);
    for name in (1..40).map(name) {
        server.put(&format!("/pub/{name}"), Resource::artifact(&name).repr_digest());
    }
    // One file is large enough for the proxy to die while it is read.
    let name = name(0);
    let large = Resource::synthetic(1, 2_000_000).repr_digest();
    let digest = data_encoding::HEXLOWER.encode(&large.content().sha256());
    server.put(&format!("/pub/{name}"), large);
    let document = fs::read_to_string(job.path("stream.json")).unwrap();
    let document = document.replace(&hex_sha256(&artifact_content(&name)), &digest);
    fs::write(job.path("stream.json"), document).unwrap();
    fs::write(job.path("ca.pem"), server.ca_pem()).unwrap();
    let ca = job.path("ca.pem").display().to_string();
    let known = || ProxyConfig::new().host(host, server.addr());
    let published = &["--verify", "published"][..];
    // Retries find no proxy.
    let gone = "Connection refused";
    for (what, proxy, more, code, says, dies) in [
        ("well", known(), published, 0, "40", false),
        ("at once", known().dies_after(1), published, 3, gone, true),
        ("in the handshake", known().dies_after(700), published, 3, gone, true),
        ("in an answer", known().dies_after(4_000), published, 3, gone, true),
        ("in a file", known().dies_after(1_000_000), &["--verify", "content"], 3, gone, true),
        ("407", known().refuses(407), published, 3, "proxy authorization required", false),
        ("503", known().refuses(503), published, 3, "CONNECT with 503", false),
        ("unknown", ProxyConfig::new(), published, 3, "CONNECT with 502", false),
    ] {
        let proxy = Proxy::start(proxy).unwrap();
        let more = [more, &["--ca-file", &ca, "--retries", "1", "--output", "json"]].concat();
        let output = within(Duration::from_secs(25), job.check(&more).env("HTTPS_PROXY", proxy.url()));
        assert_eq!(output.status.code(), Some(code), "{what}: {}", said(&output));
        assert_eq!(proxy.is_dead(), dies, "{what}");
        assert!(said(&output).contains(says), "{what}: {}", said(&output));
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        for artifact in report["artifacts"].as_array().unwrap() {
            // Files verified before the proxy died still pass.
            if artifact["verdict"] == "pass" {
                continue;
            }
            let message = artifact["message"].as_str().unwrap();
            assert!(message.contains(&format!("through the proxy {}", proxy.addr())), "{what}: {artifact}");
            assert!(message.contains(says), "{what}: {artifact}");
        }
        let passed = report["summary"]["passed"].as_u64().unwrap();
        assert!(passed < 40 || code == 0, "{what}: {report:#}");
    }
}

/// Deadlines do not depend on the wall clock, which is set during the run.
#[cfg(target_os = "linux")]
#[test]
fn a_clock_that_jumps_moves_no_deadline() {
    const DAYS: i64 = 24 * 60 * 60;
    let library = ["x86_64", "aarch64", "powerpc64le", "s390x"]
        .map(|arch| format!("/usr/lib/{arch}-linux-gnu/faketime/libfaketime.so.1"))
        .into_iter()
        .find(|path| Path::new(path).exists());
    let Some(library) = &library else {
        skip("libfaketime is not installed");
        return;
    };
    let (server, job) = served(3);
    // The request for one file is never answered.
    server.put(&format!("/pub/{}", name(0)), never());
    let jump = |offsets: [(&str, i64); 2]| {
        let offset = tempfile::NamedTempFile::new().unwrap();
        fs::write(&offset, "+0").unwrap();
        let with_the_clock = |command: &mut Command| {
            command.env("LD_PRELOAD", library).env("FAKETIME_TIMESTAMP_FILE", offset.path());
            command.env("FAKETIME_NO_CACHE", "1").env("FAKETIME_DONT_FAKE_MONOTONIC", "1").spawn().unwrap()
        };
        // The clock's offset in seconds, as seen by another program.
        let wrong_by = || {
            let date = with_the_clock(Command::new("date").arg("+%s").stdout(Stdio::piped()));
            let told: i64 = said(&date.wait_with_output().unwrap()).trim().parse().unwrap();
            told - i64::try_from(std::time::UNIX_EPOCH.elapsed().unwrap().as_secs()).unwrap()
        };
        let began = Instant::now();
        // Long enough for the clock to be set during each of two attempts.
        let more = ["--timeout", "700ms", "--retries", "1", "--output", "json"];
        let child = Watched::of(with_the_clock(&mut job.check(&more)));
        for (now, seconds) in offsets {
            // Within the 700 ms of the first request, and then of its retry.
            std::thread::sleep(Duration::from_millis(400));
            fs::write(&offset, now).unwrap();
            let off = wrong_by() - seconds;
            assert!(off.abs() < 60, "the clock should be wrong by {now}, and is so by {off} s more");
        }
        // The gate uses the faked clock.
        let maps = fs::read_to_string(format!("/proc/{}/maps", child.child.id())).unwrap();
        assert!(maps.contains("libfaketime"), "{maps}");
        let output = finish(Duration::from_secs(10), child);
        let took = began.elapsed();
        assert_eq!(output.status.code(), Some(3), "{offsets:?}: {}", said(&output));
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(report["summary"]["passed"], 2, "{offsets:?}: {report:#}");
        assert_eq!(report["artifacts"][0]["reason"], "timeout", "{offsets:?}: {report:#}");
        // Two attempts of 700 ms; the reported time must not exceed the one measured here.
        assert!(took >= Duration::from_millis(1400), "{offsets:?}: {took:?}");
        assert!(report["elapsed_ms"].as_u64().unwrap() <= took.as_millis().try_into().unwrap_or(u64::MAX));
    };
    let jump = &jump;
    std::thread::scope(|scope| {
        for offsets in [
            [("+4000d", 4_000 * DAYS), ("+0", 0)],
            [("-4000d", -4_000 * DAYS), ("+0", 0)],
            [("+0", 0), ("-1h", -60 * 60)],
        ] {
            scope.spawn(move || jump(offsets));
        }
    });
}
