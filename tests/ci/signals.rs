//! An aborted Prow job leaves complete reports within a second.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read as _};
use std::process::Stdio;
use std::time::{Duration, Instant};

use embedded_mirror::{Behaviour, Resource};
use rustix::process::{Pid, Signal, kill_process};

use crate::shape::container_tests;
use crate::world::World;

/// Far more than in a real checkout.
const ARTIFACTS: usize = 10_000;

/// One second for a release build (`cargo test --release`). A debug build takes several, and the machine can be busy;
/// then this limit only finds hangs.
const LIMIT: Duration = Duration::from_secs(if cfg!(debug_assertions) { 30 } else { 1 });

fn document() -> String {
    let mut platforms = String::new();
    for number in 0..ARTIFACTS {
        let comma = if number == 0 { "" } else { "," };
        let _ = write!(
            platforms,
            r#"{comma}"p{number}": {{"release": "9.6.20251015-1", "formats": {{"iso": {{"disk": {{
                "location": "https://rhcos.mirror.openshift.com/art/storage/{number}.iso",
                "sha256": "{}"}}}}}}}}"#,
            "ab".repeat(32)
        );
    }
    format!(r#"{{"stream": "rhel-9.6", "architectures": {{"x86_64": {{"artifacts": {{{platforms}}}}}}}}}"#)
}

#[test]
fn an_aborted_job_leaves_complete_reports_within_a_second() {
    let world = World::with_documents(&[("rhcos.json".to_owned(), document())]);
    // The first hundred requests get a response, the others never do.
    for location in &world.locations[100..] {
        world.mirror.put(location, Resource::bytes("").behaves(Behaviour::Hang));
    }
    for (signal, name, status) in [(Signal::TERM, "SIGTERM", 143), (Signal::INT, "SIGINT", 130)] {
        let (_, commands) = container_tests().remove(0);
        let mut job = world
            .in_ci_operator("bash")
            .arg("-c")
            .arg(format!("set -eu\n{commands}"))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut log = BufReader::new(job.stdout.take().unwrap());
        let mut line = String::new();
        while !line.starts_with("FAIL ") {
            line.clear();
            assert!(log.read_line(&mut line).unwrap() > 0, "the first hundred are missing");
        }
        let reader = std::thread::spawn(move || {
            let mut rest = String::new();
            log.read_to_string(&mut rest).map(|_| rest)
        });

        let aborted = Instant::now();
        kill_process(Pid::from_child(&job), signal).unwrap();
        let exit = job.wait().unwrap();
        let took = aborted.elapsed();

        assert_eq!(exit.code(), Some(status), "{exit}");
        println!("{name}: {took:?}");
        assert!(took < LIMIT, "{took:?}");
        world.assert_complete_reports();
        let report = world.report();
        assert_eq!(report["interrupted_by"], name);
        assert_eq!(report["artifacts"].as_array().unwrap().len(), ARTIFACTS);
        assert!(report["summary"]["failed"].as_u64().unwrap() > 0, "known failures remain");
        let log = reader.join().unwrap().unwrap();
        assert!(log.lines().last().unwrap().starts_with("fail: 10000 artifacts: 0 passed, "), "{log}");
    }
}
