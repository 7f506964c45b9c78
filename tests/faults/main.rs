//! What befalls a job: signals, full disks, closed pipes, no network. Each run ends within its bound, with the
//! right exit status, whole files or none, and a message that names the cause.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    missing_docs,
    reason = "a test may end in a panic, and says why it skips"
)]

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use embedded_mirror::{
    Behaviour, Config, Connections, Mirror, Proxy, ProxyConfig, Resource, artifact_content, hex_sha256,
};
use serde_json::{Map, Value, json};

const REPORTS: [&str; 3] =
    ["art-mirror-validate.html", "art-mirror-validate.json", "junit_art-mirror-validate.xml"];

/// A mirror with so many artifacts, and a document that names them.
struct Job {
    mirror: Mirror,
    directory: tempfile::TempDir,
}

impl Job {
    fn new(artifacts: usize) -> Self {
        Self::at(Mirror::start(Config::plain()).unwrap(), artifacts, None)
    }

    fn at(mirror: Mirror, artifacts: usize, origin: Option<&str>) -> Self {
        let mut platforms = Map::new();
        for index in 0..artifacts {
            let name = format!("rhcos-48.83.202102230316-0-{index:04}.x86_64.iso");
            let path = format!("/pub/{name}");
            mirror.put(&path, Resource::artifact(&name).repr_digest());
            let location = origin.map_or_else(|| mirror.url(&path), |origin| format!("{origin}{path}"));
            let disk = json!({ "location": location, "sha256": hex_sha256(&artifact_content(&name)) });
            let formats = json!({ "iso": { "disk": disk } });
            platforms.insert(
                format!("p{index:04}"),
                json!({ "release": "48.83.202102230316-0", "formats": formats }),
            );
        }
        let document = json!({
            "stream": "rhcos-4.8",
            "metadata": { "last-modified": "2021-03-31T10:00:00Z" },
            "architectures": { "x86_64": { "artifacts": platforms } },
        });
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("stream.json"), document.to_string()).unwrap();
        Self { mirror, directory }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn arguments(&self, more: &[&str]) -> Vec<String> {
        let host = self.mirror.addr().to_string();
        let file = self.path("stream.json").display().to_string();
        let fixed = ["check", &file, "--allow-private-addresses", "--allow-host", &host, "--deadline", "30s"];
        let timeout = if more.contains(&"--timeout") { &[][..] } else { &["--timeout", "2s"] };
        fixed.iter().chain(timeout).chain(more).map(ToString::to_string).collect()
    }

    fn check(&self, more: &[&str]) -> Command {
        let mut command = gate();
        command.args(self.arguments(more));
        command
    }
}

fn gate() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_art-mirror-validate"));
    command.env_clear().stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// The output of a command, which ends within a time.
#[track_caller]
fn within(limit: Duration, command: &mut Command) -> Output {
    finish(limit, command.spawn().unwrap())
}

#[track_caller]
fn finish(limit: Duration, mut child: Child) -> Output {
    let began = Instant::now();
    let drain = |from: Option<Box<dyn Read + Send>>| {
        std::thread::spawn(move || {
            let mut bytes = Vec::new();
            if let Some(mut from) = from {
                let _ = from.read_to_end(&mut bytes);
            }
            bytes
        })
    };
    let out = drain(child.stdout.take().map(|it| Box::new(it) as _));
    let err = drain(child.stderr.take().map(|it| Box::new(it) as _));
    while child.try_wait().unwrap().is_none() {
        if began.elapsed() > limit {
            let _ = child.kill();
            panic!("it did not end within {limit:?}");
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    let status = child.wait().unwrap();
    Output { status, stdout: out.join().unwrap(), stderr: err.join().unwrap() }
}

fn said(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    format!("{}{}", text(&output.stdout), text(&output.stderr))
}

fn signal(child: &Child, name: &str) {
    assert!(Command::new("kill").args(["-s", name, &child.id().to_string()]).status().unwrap().success());
}

/// Every report is whole, and there is nothing else.
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
            "art-mirror-validate.html" => assert!(text.trim_end().ends_with("</html>"), "{name} is cut"),
            // Who is killed leaves what it was writing, under another name; nobody takes that for a report.
            _ => assert_eq!(interrupted, "KILL", "{name} was left behind"),
        }
    }
}

#[test]
fn signals_at_any_moment_leave_whole_files_or_none() {
    let job = Job::new(60);
    for index in 0..60 {
        let name = format!("rhcos-48.83.202102230316-0-{index:04}.x86_64.iso");
        let slow = Behaviour::slow(Duration::from_millis(index * 3));
        job.mirror.put(&format!("/pub/{name}"), Resource::artifact(&name).repr_digest().behaves(slow));
    }
    let mut rng = fastrand::Rng::new();
    for round in 0..36 {
        let (name, status) = [("TERM", 143), ("INT", 130), ("KILL", -1)][round % 3];
        let artifacts = job.path(&format!("artifacts-{round}"));
        let child = job.check(&["--artifacts-dir", artifacts.to_str().unwrap()]).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(rng.u64(0..350)));
        signal(&child, name);
        let output = finish(Duration::from_secs(10), child);
        assert_whole(&artifacts, name);
        // It may have been done already, or not yet have begun to listen for signals.
        let code = output.status.code();
        assert!(code.is_none() || code == Some(0) || code == Some(status), "{name}: {}", said(&output));
        if code == Some(143) || code == Some(130) {
            let found = REPORTS.iter().filter(|name| artifacts.join(name).is_file()).count();
            // Before the documents were read nothing is known that could be reported.
            assert!(found == 3 || found == 0, "{name}: {found} of three reports");
            if found == 3 {
                let report = fs::read(artifacts.join("art-mirror-validate.json")).unwrap();
                let report: Value = serde_json::from_slice(&report).unwrap();
                assert_eq!(report["interrupted_by"], format!("SIG{name}"));
                // All of them, or none where the documents had not been read.
                let artifacts = report["artifacts"].as_array().unwrap().len();
                assert!(artifacts == 60 || artifacts == 0, "{artifacts} artifacts");
            }
        }
    }
}

#[test]
fn a_signal_ends_a_run_that_waits() {
    let job = Job::new(3);
    job.mirror.set_connections(Connections::BlackHole);
    for (name, status) in [("TERM", 143), ("INT", 130)] {
        let artifacts = job.path(name);
        let patient = ["--timeout", "1h", "--wait", "1h", "--artifacts-dir", artifacts.to_str().unwrap()];
        let child = job.check(&patient).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(600));
        signal(&child, name);
        let output = finish(Duration::from_secs(5), child);
        assert_eq!(output.status.code(), Some(status), "{}", said(&output));
        assert!(REPORTS.iter().all(|name| artifacts.join(name).is_file()));
        assert_whole(&artifacts, name);
    }
}

#[test]
fn a_directory_that_cannot_be_written_takes_a_pass_away() {
    let job = Job::new(2);
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
    }
}

#[test]
fn a_directory_that_vanishes_is_made_again_or_missed() {
    let job = Job::new(1);
    let name = "rhcos-48.83.202102230316-0-0000.x86_64.iso";
    let slow = Behaviour::slow(Duration::from_millis(500));
    job.mirror.put(&format!("/pub/{name}"), Resource::artifact(name).repr_digest().behaves(slow));
    let artifacts = job.path("artifacts");
    fs::create_dir(&artifacts).unwrap();
    let child = job.check(&["--artifacts-dir", artifacts.to_str().unwrap()]).spawn().unwrap();
    std::thread::sleep(Duration::from_millis(200));
    fs::remove_dir_all(&artifacts).unwrap();
    let output = finish(Duration::from_secs(10), child);
    let all = REPORTS.iter().all(|name| artifacts.join(name).is_file());
    assert_eq!(output.status.code(), Some(if all { 0 } else { 3 }), "{}", said(&output));
}

/// A disk of its own, 48 KiB, for who may mount one.
#[test]
fn a_full_disk_leaves_whole_files_or_none() {
    let job = Job::new(200);
    let disk = job.path("disk");
    fs::create_dir(&disk).unwrap();
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=48k", "none"])
        .arg(&disk)
        .stderr(Stdio::null())
        .status();
    if !mounted.is_ok_and(|status| status.success()) {
        eprintln!("notice: no file system can be mounted here; a full disk is not tried");
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

#[test]
fn a_reader_who_goes_away_changes_no_verdict() {
    let job = Job::new(300);
    for output in ["human", "json", "markdown"] {
        let arguments = job.arguments(&["--output", output]);
        // The pipe is closed before the program says anything, and after its first line.
        for reader in ["true", "head -1"] {
            let script = format!("{{ \"$0\" \"$@\"; echo $? >&2; }} | {reader} >/dev/null");
            let mut command = gate_in("sh", &script);
            let told = within(Duration::from_secs(20), command.args(&arguments));
            let message = String::from_utf8_lossy(&told.stderr).into_owned();
            assert_eq!(message.trim(), "0", "{output} into {reader}: {message}");
        }
    }
    // A standard output that is full is worth a word.
    let arguments = job.arguments(&["--output", "json"]);
    let full = within(Duration::from_secs(20), gate_in("sh", "\"$0\" \"$@\" >/dev/full").args(&arguments));
    assert!(said(&full).contains("No space left on device"), "{}", said(&full));
    // A closed one, too: nothing that is opened later may get the report.
    let closed = within(Duration::from_secs(20), gate_in("sh", "\"$0\" \"$@\" >&- 2>&-").args(&arguments));
    assert!(matches!(closed.status.code(), Some(0 | 3)), "{:?}", closed.status);
}

/// A shell script that runs the binary as `"$0" "$@"`.
fn gate_in(shell: &str, script: &str) -> Command {
    let mut command = Command::new(shell);
    command.args(["-c", script, env!("CARGO_BIN_EXE_art-mirror-validate")]);
    command.env_clear().env("PATH", "/usr/bin:/bin");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

#[test]
fn few_descriptors_are_enough_or_the_cause_is_named() {
    let job = Job::new(200);
    let arguments = job.arguments(&["--retries", "2"]);
    for limit in [10, 16, 24, 40] {
        let script = format!("ulimit -n {limit}; exec \"$0\" \"$@\"");
        let output = within(Duration::from_secs(40), gate_in("sh", &script).args(&arguments));
        let code = output.status.code();
        assert!(matches!(code, Some(0 | 3)), "{limit}: {code:?} {}", said(&output));
        if code == Some(3) {
            assert!(said(&output).contains("open files"), "{limit}: {}", said(&output));
        }
    }
}

#[test]
fn a_network_that_is_not_there_is_inconclusive_and_soon() {
    let job = Job::new(40);
    let address = job.mirror.addr().to_string();
    // A black hole: connections come about and nothing more.
    job.mirror.set_connections(Connections::BlackHole);
    let output = within(Duration::from_secs(25), &mut job.check(&["--retries", "1"]));
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    assert!(said(&output).contains("no answer within 2s"), "{}", said(&output));
    // Resets.
    job.mirror.set_connections(Connections::Reset);
    let output = within(Duration::from_secs(25), &mut job.check(&["--retries", "1"]));
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    assert!(said(&output).to_lowercase().contains("reset"), "{}", said(&output));
    // Nobody listens.
    drop(job.mirror);
    let mut command = gate();
    command.args([
        "check",
        "--allow-private-addresses",
        "--timeout",
        "2s",
        "--retries",
        "1",
        "--allow-host",
        &address,
    ]);
    let output = within(Duration::from_secs(25), command.arg(job.directory.path().join("stream.json")));
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    assert!(said(&output).contains("refused"), "{}", said(&output));
}

#[test]
fn a_name_that_cannot_be_resolved_is_inconclusive_and_soon() {
    let job = Job::at(Mirror::start(Config::plain()).unwrap(), 20, Some("http://no-such-host.invalid"));
    let mut command = job.check(&["--allow-host", "no-such-host.invalid", "--retries", "1"]);
    let output = within(Duration::from_secs(30), &mut command);
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    assert!(said(&output).contains("no-such-host.invalid"), "{}", said(&output));
}

#[test]
fn a_proxy_that_dies_or_refuses_is_inconclusive() {
    let host = "mirror.openshift.com";
    let mirror = || Mirror::start(Config::tls_http2().names([host])).unwrap();
    let job = Job::at(mirror(), 40, Some("https://mirror.openshift.com"));
    fs::write(job.path("ca.pem"), job.mirror.ca_pem()).unwrap();
    let ca = job.path("ca.pem").display().to_string();
    let known = || ProxyConfig::new().host(host, job.mirror.addr());
    for (what, proxy, code, says) in [
        ("well", known(), 0, "40"),
        ("at once", known().dies_after(1), 3, ""),
        ("in the handshake", known().dies_after(700), 3, ""),
        ("in an answer", known().dies_after(4_000), 3, ""),
        ("407", known().refuses(407), 3, "proxy authorization required"),
        ("503", known().refuses(503), 3, "through the proxy"),
        ("unknown", ProxyConfig::new(), 3, "through the proxy"),
    ] {
        let proxy = Proxy::start(proxy).unwrap();
        let mut command = job.check(&["--ca-file", &ca, "--retries", "1"]);
        let output = within(Duration::from_secs(25), command.env("HTTPS_PROXY", proxy.url()));
        assert_eq!(output.status.code(), Some(code), "{what}: {}", said(&output));
        assert!(said(&output).contains(says), "{what}: {}", said(&output));
    }
}

/// A clock that somebody sets while the gate runs, there and back: deadlines are not of that clock.
#[cfg(target_os = "linux")]
#[test]
fn a_clock_that_jumps_moves_no_deadline() {
    let library = ["x86_64", "aarch64", "powerpc64le", "s390x"]
        .map(|arch| format!("/usr/lib/{arch}-linux-gnu/faketime/libfaketime.so.1"))
        .into_iter()
        .find(|path| Path::new(path).exists());
    let Some(library) = library else {
        eprintln!("notice: libfaketime is not installed; the clock was not moved");
        return;
    };
    let job = Job::new(3);
    // One of the files is never answered for.
    let name = "rhcos-48.83.202102230316-0-0000.x86_64.iso";
    job.mirror.put(&format!("/pub/{name}"), Resource::bytes("").behaves(Behaviour::Hang));
    let offset = job.path("offset");
    fs::write(&offset, "+0").unwrap();
    for offsets in [["+4000d", "+0"], ["-4000d", "+0"], ["+0", "-1h"]] {
        let began = Instant::now();
        let child = job
            .check(&["--timeout", "700ms", "--retries", "1", "--output", "json"])
            .env("LD_PRELOAD", &library)
            .env("FAKETIME_TIMESTAMP_FILE", &offset)
            .env("FAKETIME_NO_CACHE", "1")
            .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
            .spawn()
            .unwrap();
        for now in offsets {
            std::thread::sleep(Duration::from_millis(400));
            fs::write(&offset, now).unwrap();
        }
        let output = finish(Duration::from_secs(10), child);
        let took = began.elapsed();
        assert_eq!(output.status.code(), Some(3), "{offsets:?}: {}", said(&output));
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(report["summary"]["passed"], 2, "{offsets:?}: {report:#}");
        assert_eq!(report["artifacts"][0]["reason"], "timeout", "{offsets:?}: {report:#}");
        // Two attempts of 700 ms, and what was measured of them is no more than what passed here.
        assert!(took >= Duration::from_millis(1400), "{offsets:?}: {took:?}");
        assert!(report["elapsed_ms"].as_u64().unwrap() <= took.as_millis().try_into().unwrap_or(u64::MAX));
    }
}
