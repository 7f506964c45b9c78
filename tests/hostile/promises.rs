//! Every test that SECURITY.md cites exists.

use std::fs;
use std::path::Path;

use crate::ground::{files_below, root};

/// The content of a file, or of every Rust file below a directory.
fn texts(place: &Path) -> Vec<String> {
    let read =
        |path: &Path| fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    if place.is_file() {
        return vec![read(place)];
    }
    let is_rust = |name: &String| Path::new(name).extension().is_some_and(|suffix| suffix == "rs");
    files_below(place).iter().filter(|name| is_rust(name)).map(|name| read(&place.join(name))).collect()
}

#[test]
fn every_test_that_a_promise_cites_exists() {
    let root = root();
    let security = fs::read_to_string(root.join("SECURITY.md")).unwrap();
    let is_rule = |line: &str| line.starts_with("| ---");
    let lines = security.lines().zip(security.lines().skip(1).chain([""]));
    // All rows except the heads of tables and the rules below them.
    let rows = lines.filter(|(line, next)| !is_rule(line) && !is_rule(next)).map(|(line, _)| line);
    let rows = rows.filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |"));
    let mut promises = rows.filter_map(|row| row.split_once(" | ")).peekable();
    assert!(promises.peek().is_some(), "SECURITY.md has no table");
    for (promise, cited) in promises {
        // Every other piece is in backticks: a path, or a name in the path before it.
        let mut place: Option<(&str, Vec<String>)> = None;
        for cited in cited.split('`').skip(1).step_by(2) {
            if root.join(cited).exists() {
                place = Some((cited, texts(&root.join(cited))));
                continue;
            }
            let Some((name, texts)) = &place else { panic!("{promise}: there is no {cited}") };
            let a_name = cited.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
            let wanted = if a_name { format!("fn {cited}(") } else { cited.to_owned() };
            assert!(texts.iter().any(|text| text.contains(&wanted)), "{promise}: {name} has no {wanted}");
        }
        assert!(place.is_some(), "{promise}: nothing is cited");
    }
}
