//! Conventions of the source files.

use std::fs;
use std::path::Path;
use std::time::Duration;

use regex::Regex;

use crate::ground::{files_below, root};

/// Waits up to this long need no explanation.
const SHORT: Duration = Duration::from_millis(200);

/// A time limit of this length or more is assumed never to be reached in a test.
const OUT_OF_REACH: Duration = Duration::from_secs(5);

/// Whether a comment precedes the line after these, or the statement or table that contains it.
fn is_explained(before: &[&str]) -> bool {
    let above = before.iter().rev().map(|line| line.trim());
    let is_comment = |line: &&str| line.starts_with("//");
    let is_over = |line: &&str| line.is_empty() || line.ends_with([';', '{', '}']);
    above.take_while(|line| is_comment(line) || !is_over(line)).any(|line| is_comment(&line))
}

/// Fails if a line waits and no comment explains it.
#[track_caller]
fn assert_explained(directories: &[&str], waits: impl Fn(&str) -> bool) {
    let (mut all, mut unexplained) = (0, Vec::new());
    for directory in directories.iter().map(|name| root().join(name)) {
        let files = files_below(&directory).into_iter();
        for name in files.filter(|name| Path::new(name).extension().is_some_and(|it| it == "rs")) {
            let text = fs::read_to_string(directory.join(&name)).unwrap();
            let lines: Vec<&str> = text.lines().collect();
            for (number, text) in lines.iter().enumerate() {
                if waits(text) {
                    all += 1;
                    if !is_explained(&lines[..number]) {
                        unexplained.push(format!(
                            "{}:{}:{text}",
                            directory.join(&name).display(),
                            number + 1
                        ));
                    }
                }
            }
        }
    }
    assert!(all > 3, "only {all} are found");
    assert!(unexplained.is_empty(), "no comment says why:\n{}", unexplained.join("\n"));
}

#[test]
fn long_sleeps_are_explained() {
    let sleep = Regex::new(concat!(r"thread::", r"sleep\((?:.*from_millis\(([0-9_]+)\))?")).unwrap();
    assert_explained(&["src", "tests", "benches", "examples"], |line| {
        let Some(found) = sleep.captures(line) else { return false };
        let length = found.get(1).map(|it| it.as_str().replace('_', "").parse().unwrap());
        length.is_none_or(|length| Duration::from_millis(length) > SHORT)
    });
}

/// If a time limit of the program is neither short nor out of reach, a test waits for it to expire.
#[test]
fn long_time_limits_are_explained() {
    let option = r#""--(?:deadline|timeout|wait|wait-interval|retry-for)", &?"([^"]+)""#;
    let setting = r"\b(?:timeout|retry_for): Duration::from_(millis|secs)\(([0-9_]+)\)";
    let [option, setting] = [option, setting].map(|pattern| Regex::new(pattern).unwrap());
    let is_waited_out = |length: Duration| length > SHORT && length < OUT_OF_REACH;
    assert_explained(&["src", "tests"], |line| {
        let options = option.captures_iter(line).map(|found| found[1].to_owned());
        let settings = setting.captures_iter(line).map(|found| {
            let unit = if &found[1] == "millis" { "ms" } else { "s" };
            format!("{}{unit}", found[2].replace('_', ""))
        });
        // Values that are not durations test that they are rejected.
        let lengths = options.chain(settings).filter_map(|length| humantime::parse_duration(&length).ok());
        lengths.into_iter().any(is_waited_out)
    });
}

#[test]
fn an_explanation_precedes_the_statement_or_the_table() {
    let explained = |text: &str| {
        let lines: Vec<&str> = text.lines().collect();
        is_explained(lines.split_last().unwrap().1)
    };
    for text in
        ["// Why; it is so.\nwait", "// Why.\nlet it =\n    wait", "// Why.\nfor it in [\n    1,\n    wait"]
    {
        assert!(explained(text), "{text}");
    }
    for text in ["wait", "// Why not.\nelse;\nwait", "// Of the function.\nfn f() {\n    wait"] {
        assert!(!explained(text), "{text}");
    }
}
