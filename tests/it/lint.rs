//! `lint`, and the notes that `check` prints from it.

use std::fs;
use std::time::{Duration, Instant};

use art_mirror_validate::lint::Rule;
use serde_json::Value;

use crate::handoff_support::{Finished, Repo, program, run, testdata};
use crate::support::{DEAD_PROXY, Program};

const HOME: &str = "data/data/coreos/rhcos.json";

/// A document with the same build on all architectures, as the pipeline makes them.
fn text() -> String {
    let text = fs::read_to_string(testdata("checkout").join(HOME)).unwrap();
    let mut text =
        regex::Regex::new(r"419\.96\.20250617141\d-0").unwrap().replace_all(&text, "419.96.202506171412-0");
    let dashed =
        regex::Regex::new(r"419-96-20250617141\d-0").unwrap().replace_all(&text, "419-96-202506171412-0");
    text = dashed.into_owned().into();
    text.into_owned()
}

/// A newer build, without one of the AWS regions, and with the label of an earlier release.
fn bumped() -> String {
    let text = text().replace("419.96.202506171412-0", "419.96.202507010000-0");
    let text = text
        .replace("419-96-202506171412-0", "419-96-202507010000-0")
        .replace("rhcos-4.19\"", "rhcos-4.18\"");
    let mut document: Value = serde_json::from_str(&text).unwrap();
    let x86 = &mut document["architectures"]["x86_64"];
    let regions = x86["images"]["aws"]["regions"].as_object_mut().unwrap();
    let region = regions.keys().next().unwrap().clone();
    regions.remove(&region);
    serde_json::to_string_pretty(&document).unwrap() + "\n"
}

fn repo() -> Repo {
    let repo = Repo::new();
    repo.write(
        HOME,
        &(serde_json::to_string_pretty(&serde_json::from_str::<Value>(&text()).unwrap()).unwrap() + "\n"),
    );
    repo.commit("before");
    repo.git(&["tag", "before"]);
    repo
}

fn lint(repo: &Repo, args: &[&str]) -> Finished {
    Finished::of(program(&["lint"]).args(args).current_dir(repo.path()))
}

#[test]
fn a_good_document_is_quiet_and_fast() {
    let repo = repo();
    let started = Instant::now();
    let ran = lint(&repo, &["--base", "before", "--deny", "all"]);
    assert_eq!(
        (ran.status(), ran.stdout.as_str()),
        (0, "1 document since before: nothing found\n"),
        "{}",
        ran.all()
    );
    // It takes milliseconds; the limit allows for a busy machine.
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
}

#[test]
fn a_bump_is_reported_in_every_format() {
    let repo = repo();
    repo.write(HOME, &bumped());
    let ran = lint(&repo, &["--base", "before"]);
    assert_eq!(ran.status(), 0, "warnings alone decide nothing: {}", ran.all());
    insta::assert_snapshot!("human", ran.stdout);
    insta::assert_snapshot!("markdown", lint(&repo, &["--base", "before", "--output", "markdown"]).stdout);
    let junit = lint(&repo, &["--base", "before", "--output", "junit", "--deny", "L011"]).exits(1);
    insta::assert_snapshot!("junit", junit.stdout);
    let json = lint(&repo, &["--base", "before", "--output", "json", "--deny", "lost"]).json_of("lint");
    assert_eq!(json["denied"], 1);
    let found: Vec<_> = json["findings"].as_array().unwrap().iter().map(|it| &it["code"]).collect();
    assert_eq!(found, ["L001", "L011"]);
}

#[test]
fn findings_have_their_line_numbers() {
    let repo = repo();
    repo.write(HOME, &bumped());
    let ran = lint(&repo, &["--output", "json", HOME]);
    let json = ran.json_of("lint");
    let finding = &json["findings"][0];
    assert_eq!(finding["file"], HOME);
    let line = usize::try_from(finding["line"].as_u64().unwrap()).unwrap();
    let text = bumped();
    assert!(text.lines().nth(line - 1).unwrap().contains("rhcos-4.18"), "{finding}");
    // On standard input, the lines are the same and there is no file name.
    let json = Program::new("lint").args(["-", "--output", "json"]).stdin(text).run().json();
    assert_eq!(
        (&json["findings"][0]["line"], &json["findings"][0]["file"]),
        (&finding["line"], &Value::Null)
    );
}

#[test]
fn rules_are_allowed_and_denied_by_code_and_by_name() {
    let repo = repo();
    repo.write(HOME, &bumped());
    let cases: [(&[&str], i32, usize); 6] = [
        (&["--deny", "all"], 1, 2),
        (&["--deny", "L001"], 1, 2),
        (&["--deny", "label-release", "--allow", "label-release"], 0, 1),
        (&["--deny", "all", "--allow", "L001", "--allow", "lost"], 0, 0),
        (&["--deny", "l010"], 0, 2),
        (&["--allow", "all"], 0, 0),
    ];
    for (args, status, findings) in cases {
        let ran = lint(&repo, &[&["--base", "before", "--output", "json"], args].concat());
        assert_eq!(ran.status(), status, "{args:?}: {}", ran.all());
        assert_eq!(ran.json_of("lint")["findings"].as_array().unwrap().len(), findings, "{args:?}");
    }
    for bad in
        [&["--deny", "L999"][..], &["https://example.com/x.json"], &["--base", "nowhere"], &["nothing"]]
    {
        assert_eq!(lint(&repo, bad).status(), 2, "{bad:?}");
    }
}

#[test]
fn the_branch_comes_from_prow() {
    let repo = repo();
    for (branch, findings) in [("release-4.19", 0), ("release-4.20", 1), ("main", 0)] {
        let mut command = program(&["lint", "--output", "json"]);
        let ran = Finished::of(command.current_dir(repo.path()).env("PULL_BASE_REF", branch));
        assert_eq!(ran.json_of("lint")["findings"].as_array().unwrap().len(), findings, "{branch}");
    }
}

#[test]
fn every_rule_is_explained() {
    let ran = run(&["lint", "--rules"]);
    for rule in Rule::ALL {
        assert!(ran.stdout.contains(&format!("{rule}\n")), "{rule}");
        for text in [rule.says(), rule.because()] {
            assert!(ran.stdout.contains(text) && text.len() < 120 && !text.contains('\n'), "{rule}: {text}");
        }
    }
    let codes: Vec<String> = (1..=Rule::ALL.len()).map(|number| format!("L{number:03}")).collect();
    assert_eq!(Rule::ALL.iter().map(|rule| rule.code()).collect::<Vec<_>>(), codes);
}

#[test]
fn check_notes_what_lint_finds() {
    let repo = repo();
    repo.write(HOME, &bumped());
    // No server is needed, because lint does not depend on the requests.
    let args = ["check", "--published", "--base", "before", "--retries", "0", "--output", "json"];
    let ran = Finished::of(program(&args).current_dir(repo.path()).env("HTTPS_PROXY", DEAD_PROXY));
    let notes: Vec<String> = serde_json::from_value(ran.json()["notes"].clone()).unwrap();
    let lint: Vec<&String> = notes.iter().filter(|note| note.starts_with("lint: ")).collect();
    assert_eq!(lint.len(), 2, "{notes:?}");
    assert!(lint[0].contains("rhcos.json:259: the stream label names OpenShift 4.18"), "{lint:?}");
}
