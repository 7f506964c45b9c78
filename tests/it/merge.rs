//! A partitioned run and the merge of its parts, with the built binary.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use embedded_mirror::hex_sha256;
use serde_json::{Value, json};

use crate::support::binary::program;
use crate::support::server::{Server, artifact, never};
use crate::support::{Finished, component, until};

const ARTIFACTS: usize = 23;

struct Setup {
    server: Server,
    directory: tempfile::TempDir,
}

impl Setup {
    fn new() -> Self {
        let setup = Self { server: Server::start(), directory: tempfile::tempdir().unwrap() };
        setup.write("doc.json", &setup.document(ARTIFACTS));
        setup
    }

    /// A document of this many artifacts, all on the server.
    fn document(&self, artifacts: usize) -> Value {
        let mut formats = serde_json::Map::new();
        for number in 0..artifacts {
            let name = format!("/{number}/rhcos-{number}.raw");
            self.server.put(&name, artifact(&format!("rhcos-{number}.raw")));
            formats.insert(format!("f{number}"), json!({ "disk": component(&self.server.url(&name)) }));
        }
        let metal = json!({ "release": "9.6.20251015-1", "formats": formats });
        let architectures = json!({ "x86_64": { "artifacts": { "metal": metal } } });
        json!({ "stream": "rhcos-4.19", "architectures": architectures })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn write(&self, name: &str, value: &Value) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, serde_json::to_vec_pretty(value).unwrap()).unwrap();
        path
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = program(args);
        command.current_dir(self.directory.path());
        command
    }

    fn program(&self, args: &[&str]) -> Finished {
        Finished::of(&mut self.command(args))
    }

    /// Checks, and writes the report to `name`.
    fn check(&self, name: &str, more: &[&str]) -> (Option<i32>, PathBuf) {
        let host = self.server.addr().to_string();
        let mut args = vec!["check", "doc.json", "--output", "json", "--allow-host", &host];
        args.extend(["--allow-private-addresses"]);
        args.extend(more);
        let output = self.program(&args);
        let path = self.path(name);
        fs::write(&path, &output.stdout).unwrap();
        (output.code, path)
    }

    fn parts(&self, of: usize, more: &[&str]) -> Vec<PathBuf> {
        let part = |part| {
            let partition = format!("{part}/{of}");
            self.check(&format!("{part}.json"), &[&["--partition", &partition], more].concat()).1
        };
        (1..=of).map(part).collect()
    }

    fn merge(&self, reports: &[PathBuf]) -> Finished {
        let paths = reports.iter().map(|path| path.to_str().unwrap());
        self.program(&["merge", "--output", "json"].into_iter().chain(paths).collect::<Vec<_>>())
    }
}

fn read(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

/// The report without its duration.
fn without_duration(mut report: Value) -> Value {
    report["elapsed_ms"] = Value::Null;
    report
}

#[test]
fn the_merged_report_equals_that_of_a_complete_run() {
    let setup = Setup::new();
    for (missing, exit) in [(None, 0), (Some("/7/rhcos-7.raw"), 1)] {
        if let Some(missing) = missing {
            setup.server.remove(missing);
        }
        let (code, whole) = setup.check("whole.json", &[]);
        assert_eq!(code, Some(exit));
        // The order does not matter; of 40 parts, some are empty.
        for of in [1, 3, 40] {
            let mut parts = setup.parts(of, &[]);
            parts.reverse();
            let merged = setup.merge(&parts).exits(exit);
            assert_eq!(without_duration(merged.json()), without_duration(read(&whole)));
        }
    }
}

#[test]
fn the_report_of_a_part_names_the_part() {
    let setup = Setup::new();
    let (code, path) = setup.check("part.json", &["--partition", "2/3"]);
    assert_eq!(code, Some(0));
    let report = read(&path);
    let scope = &report["partition"]["scope"];
    assert_eq!(report["partition"], json!({ "part": 2, "of": 3, "scope": scope }));
    assert_eq!(report["documents"][0]["artifacts"], ARTIFACTS);
    let document = fs::read(setup.path("doc.json")).unwrap();
    assert_eq!(report["documents"][0]["sha256"], hex_sha256(&document));
    assert!(report["artifacts"].as_array().unwrap().len() < ARTIFACTS);
    assert!(report["notes"][0].as_str().unwrap().starts_with("part 2 of 3 only"));
    assert_eq!(setup.check("x", &["--partition", "4/3"]).0, Some(2));
}

#[test]
fn reports_other_than_all_parts_of_one_run_are_refused() {
    let setup = Setup::new();
    let parts = setup.parts(3, &[]);
    let (one, two, three) = (&parts[0], &parts[1], &parts[2]);
    let refused = |reports: &[&PathBuf]| {
        setup.merge(&reports.iter().map(|path| (*path).clone()).collect::<Vec<_>>()).exits(2).stderr
    };
    assert!(refused(&[one, three]).contains("these of 3 parts are missing: 2"));
    assert!(refused(&[one, two, two, three]).contains("part 2 is already there"));
    let (_, whole) = setup.check("whole.json", &[]);
    assert!(refused(&[one, two, three, &whole]).contains("the report of a whole run"));

    let changed = |pointer: &str, value: Value| {
        let mut report = read(three);
        *report.pointer_mut(pointer).unwrap() = value;
        setup.write("changed.json", &report)
    };
    let pop = |report: &Path| {
        let mut report = read(report);
        report["artifacts"].as_array_mut().unwrap().pop();
        setup.write("changed.json", &report)
    };
    let strict = ["--partition", "3/3", "--signatures", "require"];
    let cases: [(&dyn Fn() -> PathBuf, &str); 12] = [
        (&|| changed("/documents/0/sha256", json!("0".repeat(64))), "list of documents differs"),
        (&|| changed("/target/kind", json!("mirror")), "target differs"),
        (&|| changed("/verify", json!("exists")), "--verify differs"),
        (&|| changed("/partition/of", json!(4)), "number of parts differs"),
        (&|| setup.check("changed.json", &strict).1, "selection of artifacts or options differs"),
        (&|| changed("/schema_version", json!(2)), "found schema_version 2"),
        (&|| changed("/artifacts/0/component", json!("kernel")), "does not belong to part 3"),
        (&|| changed("/artifacts/0/index", json!(100)), "a report is incomplete"),
        (&|| changed("/verdict", json!("fine")), "expected the JSON report of a part"),
        (&|| pop(three), "a report is incomplete"),
        (&|| setup.write("changed.json", &json!({})), "expected the JSON report of a part"),
        (&|| setup.path("nowhere.json"), "No such file"),
    ];
    for (report, why) in cases {
        let complaint = refused(&[one, two, &report()]);
        assert!(complaint.contains(why), "{why}: {complaint}");
    }
}

/// Different filters are noticed even if they select the same number of artifacts.
#[test]
fn parts_of_different_artifacts_are_refused() {
    let setup = Setup::new();
    let part = |part: usize, format: &str| {
        let partition = format!("{part}/2");
        setup.check(&format!("{part}.json"), &["--partition", &partition, "--format", format]).1
    };
    setup.merge(&[part(1, "f1"), part(2, "f1")]).exits(0);
    for other in ["f2", "f3", "f4", "f5"] {
        let complaint = setup.merge(&[part(1, "f1"), part(2, other)]).exits(2).stderr;
        assert!(complaint.contains("selection of artifacts"), "{complaint}");
    }
}

/// A part that is killed leaves no report, in particular none of an earlier run.
#[test]
fn a_run_that_is_killed_leaves_no_earlier_report() {
    let setup = Setup::new();
    let reports = setup.path("reports");
    let (code, _) = setup.check("x", &["--artifacts-dir", "reports"]);
    assert_eq!((code, fs::read_dir(&reports).unwrap().count()), (Some(0), 3));
    setup.server.put("/0/rhcos-0.raw", never());
    setup.server.forget();
    let host = setup.server.addr().to_string();
    let mut child = setup
        .command(&["check", "doc.json", "--allow-host", &host, "--allow-private-addresses"])
        .args(["--artifacts-dir", "reports"])
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    until("the file is asked for", || setup.server.count("HEAD", "/0/rhcos-0.raw") > 0);
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(fs::read_dir(&reports).unwrap().count(), 0);
}
