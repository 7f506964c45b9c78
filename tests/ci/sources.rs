//! Conventions that all sources follow.

use std::fs;
use std::path::Path;
use std::time::Duration;

use crate::ground::files_below;

/// What nobody has to explain.
const SHORT: Duration = Duration::from_millis(200);

#[test]
fn whoever_sleeps_for_long_says_why() {
    let mut unexplained = Vec::new();
    let mut sleeps = 0;
    for directory in ["src", "tests", "benches", "examples"] {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join(directory);
        for name in files_below(&directory)
            .iter()
            .filter(|name| Path::new(name).extension().is_some_and(|it| it == "rs"))
        {
            let text = fs::read_to_string(directory.join(name)).unwrap();
            let mut before = "";
            for (number, line) in (1..).zip(text.lines()) {
                if let Some((_, rest)) = line.split_once(concat!("thread::", "sleep(")) {
                    sleeps += 1;
                    let is_explained = before.trim_start().starts_with("//");
                    if !is_explained && of(rest).is_none_or(|length| length > SHORT) {
                        unexplained.push(format!("{}:{number}:{line}", directory.join(name).display()));
                    }
                }
                before = line;
            }
        }
    }
    assert!(sleeps > 10, "only {sleeps} are found");
    assert!(unexplained.is_empty(), "no comment says why:\n{}", unexplained.join("\n"));
}

/// The length of a sleep, where it stands there.
fn of(argument: &str) -> Option<Duration> {
    let (_, length) = argument.split_once("from_millis(")?;
    Some(Duration::from_millis(length.split_once(')')?.0.parse().ok()?))
}
