//! The outputs: the log, the summary on a terminal, the JSON report on standard output and on disk.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use embedded_mirror::{Behaviour, Config, Mirror, Resource, hex_sha256};
use rustix::process::Signal;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use serde_json::{Value, json};

use crate::support::ground::skip;
use crate::support::server::{Server, artifact, file, never, published, status};
use crate::support::{Checkout, Nobody, Program, Running, Stream, check, check_checkout, component, size_of};

/// A run with every kind of verdict, and the servers it needs.
fn every_kind() -> ((Server, Nobody), Program) {
    let server = Server::start();
    let dead = Nobody::new();
    for name in ["good.iso", "unsigned.iso", "short.raw.gz", "conflict.iso"] {
        server.put(&format!("/{name}"), published(name));
    }
    let denied = "<Error><Code>AccessDenied</Code></Error>";
    server.put("/s3.iso", status(403).set_body_raw(denied, "application/xml"));
    let other = "not what the document names";
    server.put("/corrupt.iso", file(other).insert_header("x-amz-meta-sha256", hex_sha256(other.as_bytes())));
    let away = "http://169.254.169.254/latest/meta-data/?token=secret";
    server.put("/away.iso", status(307).insert_header("location", away));
    server.put("/busy.iso", status(503));
    server.put("/slow-down.iso", status(429));
    server.put("/plain.iso", artifact("plain.iso"));

    let at = |name: &str| component(&server.url(&format!("/{name}")));
    let with = |mut component: Value, field: &str, value: Value| {
        component[field] = value;
        component
    };
    let bridge = "https://releases-art-rhcos.svc.ci.openshift.org/art/storage/releases/x.iso";
    let stream = [
        ("x86_64/metal/iso/disk", at("good.iso")),
        (
            "x86_64/metal/pxe/kernel",
            with(at("unsigned.iso"), "signature", json!(server.url("/unsigned.iso.sig"))),
        ),
        ("x86_64/aws/vmdk.gz/disk", at("absent.vmdk.gz")),
        ("x86_64/azure/vhd.gz/disk", at("s3.iso")),
        ("x86_64/metal/raw.gz/disk", with(at("short.raw.gz"), "size", json!(size_of("short.raw.gz") + 4096))),
        ("x86_64/openstack/iso/disk", at("corrupt.iso")),
        ("x86_64/gcp/iso/disk", at("conflict.iso")),
        ("ppc64le/metal/iso/disk", component(bridge)),
        ("ppc64le/metal/raw/disk", component("https://evil.example/x.iso")),
        ("ppc64le/powervs/ova/disk", component("ftp://mirror.openshift.com/x.ova")),
        ("s390x/metal/iso/disk", at("away.iso")),
        ("s390x/metal/raw/disk", at("busy.iso")),
        ("s390x/qemu/qcow2/disk", at("slow-down.iso")),
        ("s390x/qemu-secex/qcow2/disk", at("plain.iso")),
        ("aarch64/metal/iso/disk", component(&format!("http://{}/x.iso", dead.addr))),
    ]
    .into_iter()
    .fold(Stream::new(), |stream, (id, component)| stream.with(id, component));
    let legacy = json!({ "images": { "x": { "path": "conflict.iso", "sha256": hex_sha256(b"") } } });
    let checkout = Checkout::of(&stream)
        .file("data/data/rhcos-amd64.json", legacy.to_string())
        .file("data/data/coreos/marketplace/rhcos.json", "{}");
    let program = check_checkout(checkout).locally().args(["--retries", "1"]);
    ((server, dead), program)
}

/// Filters out what differs between runs: versions, ports and times.
fn stable_snapshots() -> insta::internals::SettingsBindDropGuard {
    let mut settings = insta::Settings::clone_current();
    settings.add_filter(r"art-mirror-validate \d+\.\d+\.\d+( \([0-9a-f]+\))?", "art-mirror-validate VERSION");
    // The document's digest depends on the ports in it.
    settings.add_filter(r#"(rhcos\.json",\s+"sha256": ")[0-9a-f]{64}"#, "${1}SHA256");
    settings.add_filter(r"127\.0\.0\.1:\d+", "127.0.0.1:PORT");
    settings.add_filter(r"in (\d+m )?(\d+s ?)?(\d+ms)?\n", "in TIME\n");
    settings.add_filter(r#""version": "[^"]+""#, r#""version": "VERSION""#);
    settings.add_filter(r#""elapsed_ms": \d+"#, r#""elapsed_ms": 0"#);
    settings.bind_to_scope()
}

#[test]
fn a_log_has_a_line_for_each_artifact_and_the_groups_at_the_end() {
    let (_mirror, program) = every_kind();
    let finished = program.run().exits(1);
    let log = &finished.stdout;
    {
        let _settings = stable_snapshots();
        insta::assert_snapshot!("log", log);
    }
    assert_eq!(finished.stderr, "");
    assert!(!log.contains('\u{1b}') && !log.contains("secret"), "{log}");
    for (number, line) in log.lines().enumerate() {
        let highlighted = line.contains("FAIL") || line.contains("ERROR:") || line.contains("timed out");
        let begins = line.starts_with("FAIL ") || line.starts_with("ERROR: ");
        assert_eq!(highlighted, begins, "line {number}: {line}");
    }
    for (word, count) in [("FAIL ", 9), ("ERROR: ", 4), ("PASS ", 2)] {
        assert_eq!(log.lines().filter(|line| line.starts_with(word)).count(), count, "{word}");
    }
    assert!(
        log.lines()
            .last()
            .unwrap()
            .starts_with("fail: 15 artifacts: 2 passed, 9 failed, 4 undetermined, 1 warning, in ")
    );

    // A log has no colours, even if the environment forces them.
    let forced = program.env("CLICOLOR_FORCE", "1").run().exits(1);
    assert!(!forced.stdout.contains('\u{1b}'), "{}", forced.stdout);
}

#[test]
fn a_log_can_be_followed_while_the_run_goes_on() {
    let server = Server::start();
    server.put("/a.iso", published("a.iso"));
    server.put("/b.iso", never());
    let stream = Stream::new()
        .with("x86_64/metal/a/disk", component(&server.url("/a.iso")))
        .with("x86_64/metal/b/disk", component(&server.url("/b.iso")));
    let program =
        check_checkout(Checkout::of(&stream)).locally().args(["--timeout", "20s", "--retries", "0"]);
    let started = Instant::now();
    let mut child = program.command().spawn().unwrap();
    let stdout = child.stdout.take().unwrap();
    let running = Running::of(child);
    let mut lines = BufReader::new(stdout).lines().map(Result::unwrap);
    assert!(lines.any(|line| line == "PASS x86_64/metal/a/disk"));
    assert!(started.elapsed() < Duration::from_secs(15), "only at the end: {:?}", started.elapsed());
    running.signal(Signal::TERM);
    assert!(lines.any(|line| line.starts_with("undetermined: 2 artifacts: 1 passed")));
    running.finish().exits(143);
}

/// Three files that are each sent slowly.
fn slow_downloads() -> (Mirror, Program) {
    let mirror = Mirror::start(Config::plain()).unwrap();
    let mut stream = Stream::new();
    for name in ["a", "b", "c"] {
        let path = format!("/{name}.iso");
        let slow = Behaviour::Paced { bytes: 4, every: Duration::from_millis(80) };
        mirror.put(&path, Resource::artifact(&path[1..]).on_get(slow));
        stream = stream.with(&format!("x86_64/metal/{name}/disk"), component(&mirror.url(&path)));
    }
    (mirror, check_checkout(Checkout::of(&stream)).locally().args(["--verify", "content"]))
}

#[test]
fn a_log_announces_how_much_content_is_read() {
    let (_mirror, program) = slow_downloads();
    let log = program.run().exits(0).stdout;
    let at = |text: &str| log.find(text).unwrap_or_else(|| panic!("{text} is not in\n{log}"));
    assert!(at("reading the content of 3 files, ") < at("PASS "), "{log}");
}

#[test]
fn a_terminal_shows_bars_that_fit_and_leave_nothing_behind() {
    let (_mirror, program) = slow_downloads();
    let command = program.command();
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let words: Vec<String> = words.map(|word| format!("'{}'", word.to_str().unwrap())).collect();
    let script = format!("stty cols 60 rows 20; exec {}", words.join(" "));
    let shown = std::process::Command::new("script")
        .args(["--quiet", "--return", "--command", &script, "/dev/null"])
        .env_clear()
        .envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))))
        .env("TERM", "xterm")
        .output();
    let Ok(shown) = shown else { return skip("script is not installed") };
    assert!(shown.status.success(), "{shown:?}");
    let shown = String::from_utf8(shown.stdout).unwrap();
    let is_bar = |line: &str| line.contains('━') || line.contains(" of 3 files");
    let escapes = regex::Regex::new("\u{1b}\\[[0-9;?]*[A-Za-z]").unwrap();
    let plain = escapes.replace_all(&shown, "\n").into_owned();
    // A line padded to the full width has no newline, so parts are also split at runs of spaces.
    let parts = plain.split(['\r', '\n']).flat_map(|line| line.split("   "));
    let drawn: Vec<&str> = parts.filter(|part| is_bar(part)).collect();
    assert!(drawn.iter().any(|line| line.contains("of 3 files")), "{shown:?}");
    for line in drawn {
        assert!(line.chars().count() <= 60, "{line:?}");
    }
    let (_, left) = shown.rsplit_once("\u{1b}[2K").unwrap();
    assert!(left.contains("pass") && !is_bar(left), "{left:?}");
}

#[test]
fn quiet_prints_only_the_summary_and_verbose_logs_to_standard_error() {
    let (_mirror, program) = every_kind();
    let quiet = program.clone().arg("--quiet").run().exits(1);
    assert!(!quiet.stdout.contains("PASS ") && !quiet.stdout.contains("FAIL "), "{}", quiet.stdout);
    assert!(quiet.stdout.contains("\nfail: 15 artifacts"), "{}", quiet.stdout);
    let verbose = program.clone().arg("-v").run().exits(1);
    assert!(verbose.stderr.contains("no connection"), "{}", verbose.stderr);
    assert!(
        verbose.stderr.contains("asked again") && !verbose.stderr.contains("answered"),
        "{}",
        verbose.stderr
    );
    let verbose = program.clone().arg("-vv").run().exits(1);
    assert!(verbose.stderr.contains("no connection"), "{}", verbose.stderr);
    let asked = verbose.stderr.matches("method=HEAD").count();
    assert!(asked >= 15, "{asked} of the requests: {}", verbose.stderr);
    let logged = program.env("RUST_LOG", "art_mirror_validate=debug").run().exits(1);
    assert!(logged.stderr.contains("no connection"), "{}", logged.stderr);
}

#[test]
fn the_json_report_is_the_same_on_standard_output_and_on_disk() {
    let (_mirror, program) = every_kind();
    let directory = tempfile::tempdir().unwrap();
    let program = program.args(["--output", "json"]);
    let read = |path: &Path| std::fs::read_to_string(path.join("art-mirror-validate.json")).unwrap();

    let explicit = directory.path().join("a/b");
    let environment = directory.path().join("prow");
    let both = program.clone().arg("--artifacts-dir").arg(&explicit).env("ARTIFACTS", &environment);
    let finished = both.run().exits(1);
    assert_eq!(finished.stdout, read(&explicit), "byte for byte");
    assert!(!environment.exists(), "the option takes precedence over the variable");
    let mut names: Vec<_> = std::fs::read_dir(&explicit)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(
        names,
        [
            "art-mirror-validate-request.md",
            "art-mirror-validate-summary.html",
            "art-mirror-validate.json",
            "junit_art-mirror-validate.xml",
        ]
    );

    let finished = program.clone().env("ARTIFACTS", &environment).run().exits(1);
    assert_eq!(finished.stdout, read(&environment));
    let _settings = stable_snapshots();
    insta::assert_snapshot!("json", finished.stdout);

    let schema =
        std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("ci/art-mirror-validate.schema.json"));
    let schema: Value = serde_json::from_slice(&schema.unwrap()).unwrap();
    let report: Value = serde_json::from_str(&finished.stdout).unwrap();
    jsonschema::validate(&schema, &report).unwrap();

    // An empty variable is an unset one.
    program.env("ARTIFACTS", "").in_directory(directory.path()).run().exits(1);
}

#[test]
fn markdown_is_a_comment_for_the_pull_request() {
    let (_mirror, program) = every_kind();
    let program =
        program.args(["--output", "markdown"]).env("REPO_OWNER", "openshift").env("REPO_NAME", "installer");
    let finished = program.env("PULL_NUMBER", "1234").run().exits(1);
    assert!(finished.stdout.starts_with(['#', '*', '<']), "{}", finished.stdout);
    for word in ["missing", "sha256-mismatch", "not-published", "x86_64/aws/vmdk.gz/disk"] {
        assert!(finished.stdout.contains(word), "{word}\n{}", finished.stdout);
    }
}

#[test]
fn a_job_of_prow_is_named_in_its_log() {
    let (_mirror, program) = every_kind();
    let finished = program
        .env("JOB_NAME", "pull-ci-openshift-installer-main-art-mirror-validate")
        .env("BUILD_ID", "1790000000000000000")
        .env("REPO_OWNER", "openshift")
        .env("REPO_NAME", "installer")
        .env("PULL_NUMBER", "1234\u{1b}[2J")
        .env("PULL_BASE_REF", "main")
        .env("PULL_PULL_SHA", "0123abc")
        .run();
    let log = finished.stdout;
    assert!(
        log.contains(
            "\njob: pull-ci-openshift-installer-main-art-mirror-validate, run 1790000000000000000\n"
        )
    );
    assert!(log.contains("\npull request: openshift/installer#1234") && !log.contains('\u{1b}'), "{log}");
}

#[test]
fn nothing_in_a_document_acts_on_a_terminal_or_forges_a_line() {
    let server = Server::start();
    let evil = "iso\u{1b}]0;owned\u{7}\nPASS forged\u{202e}\u{9b}2J";
    let stream = Stream::new().with(&format!("x86_64/metal/{evil}/disk"), component(&server.url("/f.iso")));
    server.put("/sha256sum.txt", file("\u{1b}[31mred\u{7}"));
    server.put("/f.iso", artifact("f.iso").insert_header("digest", b"SHA-256=\xff\x9b31m".as_slice()));
    let program = check_checkout(Checkout::of(&stream)).locally();
    let log = program.run().exits(3).stdout;
    let terminal = on_a_terminal(&program, &[("NO_COLOR", "1")]);
    let stderr = program.clone().args(["-p", "none\u{1b}"]).run().exits(2).stderr;
    let formats = program.args(["-f", "none"]).run().exits(2).stderr;
    for text in [log, terminal, stderr, formats] {
        assert!(!text.contains(['\u{1b}', '\u{7}', '\u{9b}', '\u{202e}']), "{text:?}");
        assert!(!text.contains("\nPASS forged"), "{text}");
    }
}

/// The output of a program whose standard output is a terminal.
pub(crate) fn on_a_terminal(program: &Program, environment: &[(&str, &str)]) -> String {
    // The number of terminals can be limited.
    static ONE_AT_A_TIME: LazyLock<std::sync::Mutex<()>> = LazyLock::new(std::sync::Mutex::default);
    let _one = ONE_AT_A_TIME.lock();
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let name = ptsname(&master, vec![]).unwrap().into_string().unwrap();
    let slave: OwnedFd = File::options().read(true).write(true).open(name).unwrap().into();
    let mut command = program.clone().env("TERM", "xterm-256color").command();
    for (name, value) in environment {
        command.env(name, value);
    }
    let child = command.stdout(slave).spawn().unwrap();
    // The command holds the slave end; while it is open, reading the master does not end.
    drop(command);
    let reader = std::thread::spawn(move || {
        let mut shown = vec![];
        // Linux returns EIO after the last writer has closed.
        let _ = File::from(master).read_to_end(&mut shown);
        shown
    });
    let finished = Running::of(child).finish();
    assert_eq!(finished.stderr, "", "bars are only for a terminal on standard error");
    String::from_utf8(reader.join().unwrap()).unwrap().replace("\r\n", "\n")
}

#[test]
pub(crate) fn on_a_terminal_there_is_a_summary_in_groups() {
    let (_mirror, program) = every_kind();
    let shown = on_a_terminal(&program, &[("NO_COLOR", "1")]);
    assert!(!shown.contains('\u{1b}'), "{shown:?}");
    let _settings = stable_snapshots();
    insta::assert_snapshot!("terminal", shown);
}

#[test]
fn colours_follow_the_environment() {
    let (_mirror, program) = every_kind();
    for (environment, coloured) in [
        (&[][..], true),
        (&[("NO_COLOR", "1")], false),
        (&[("NO_COLOR", "")], true),
        (&[("TERM", "dumb")], false),
        (&[("CLICOLOR", "0")], false),
        (&[("CLICOLOR_FORCE", "1"), ("TERM", "dumb")], true),
    ] {
        let shown = on_a_terminal(&program, environment);
        assert_eq!(shown.contains('\u{1b}'), coloured, "{environment:?}: {shown:?}");
    }
}

#[test]
fn errors_go_to_standard_error_and_results_to_standard_output() {
    let finished = check("/nowhere").args(["--output", "json"]).run().exits(2);
    assert_eq!((&*finished.stdout, finished.stderr.lines().count()), ("", 1));
}
