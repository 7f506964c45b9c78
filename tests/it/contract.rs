//! Everything that callers rely on exists and is tested by running the program: reasons, exit statuses, options,
//! environment variables. The program's types tell what exists; the text of the tests tells what they use.

use std::collections::BTreeSet;
use std::fs;

use art_mirror_validate::cli::{Cli, Exit, env};
use art_mirror_validate::verdict::Reason;
use clap::CommandFactory as _;
use regex::Regex;

use crate::support::ground::{files_below, root};

/// These lists can grow but never shrink.
const COMMANDS: &str = "check completions diff lint man merge mirror resolve retention rewrite sync-list";
const REASONS: &str = "missing size-mismatch sha256-mismatch uncompressed-sha256-mismatch metadata-conflict \
     not-published host-not-allowed redirect-not-allowed address-not-allowed bad-location bad-signature no-digest \
     unreachable timeout server-error rate-limited deadline";
const STATUSES: &str = "0 1 2 3 130 143";
const VARIABLES: &str = "OPENSHIFT_INSTALL_COREOS_STREAM_PREFIX OPENSHIFT_INSTALL_CI_COREOS_BOOTIMAGES ARTIFACTS \
     SSL_CERT_FILE HTTPS_PROXY HTTP_PROXY NO_PROXY";
const OPTIONS_OF_CHECK: &str = "stream-prefix mirror published architecture platform format component stream \
     allow-host allow-private-addresses ca-file verify signatures keyring concurrency retries retry-for timeout \
     deadline wait wait-interval partition output artifacts-dir cloud-images git ref exclude-ref";

/// The text of the tests that run the program.
fn tests() -> String {
    let directory = root().join("tests");
    let files = files_below(&directory).into_iter().filter(|name| {
        let runs_none = ["contract", "content", "connections", "fuzzing"]
            .map(|name| format!("it/{name}.rs"))
            .contains(name);
        std::path::Path::new(name).extension().is_some_and(|it| it == "rs")
            && !runs_none
            && !name.starts_with("embedded-mirror/")
    });
    files.map(|name| fs::read_to_string(directory.join(name)).unwrap()).collect()
}

fn words(text: &str) -> BTreeSet<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

#[track_caller]
fn assert_has(what: &str, existing: &BTreeSet<String>, promised: &str) {
    let removed: Vec<_> = words(promised).difference(existing).cloned().collect();
    assert!(removed.is_empty(), "{what} that callers rely on are removed: {removed:?}");
}

/// Asserts that the tests contain every name. `X` in the pattern stands for the name.
#[track_caller]
fn assert_exercised(what: &str, existing: &BTreeSet<String>, pattern: &str) {
    let tests = tests();
    let is_unused = |name: &&String| {
        let pattern = pattern.replace('X', &regex::escape(name));
        !Regex::new(&pattern).unwrap().is_match(&tests)
    };
    let unused: Vec<_> = existing.iter().filter(is_unused).collect();
    assert!(unused.is_empty(), "{what} that no test exercises through the program: {unused:?}");
}

#[test]
fn every_reason_is_exercised() {
    let existing: BTreeSet<String> = Reason::ALL.iter().map(|reason| reason.as_str().to_owned()).collect();
    assert_has("reasons", &existing, REASONS);
    assert_exercised("reasons", &existing, r#""(fail |inconclusive )?X[|"]"#);
}

#[test]
fn every_exit_status_is_exercised() {
    let existing: BTreeSet<String> = Exit::ALL.iter().map(|exit| (*exit as u8).to_string()).collect();
    assert_has("exit statuses", &existing, STATUSES);
    let pattern = r#"exits\(X\)|Some\(X\)|\(Signal::\w+, "\w+", X\)"#;
    assert_exercised("exit statuses", &existing, pattern);
}

#[test]
fn every_variable_is_exercised() {
    let existing: BTreeSet<String> = env::ALL.iter().map(|variable| variable.name.to_owned()).collect();
    assert_has("variables", &existing, VARIABLES);
    assert_exercised("variables", &existing, r#""X""#);
}

#[test]
fn every_option_is_exercised() {
    let mut cli = Cli::command();
    cli.build();
    let commands: Vec<_> = cli.get_subcommands().filter(|command| command.get_name() != "help").collect();
    let names: BTreeSet<String> = commands.iter().map(|command| command.get_name().to_owned()).collect();
    assert_has("commands", &names, COMMANDS);
    assert_exercised("commands", &names, r#""X""#);
    for command in commands {
        let options: Vec<_> = command.get_arguments().filter(|option| option.get_long().is_some()).collect();
        let long = |option: &&clap::Arg| option.get_long().unwrap_or_default().to_owned();
        if command.get_name() == "check" {
            assert_has("options", &options.iter().map(long).collect(), OPTIONS_OF_CHECK);
        }
        for option in options.iter().filter(|it| !["help", "version"].contains(&it.get_id().as_str())) {
            let short = option.get_short().map(|short| format!(r#"|"-{short}+""#)).unwrap_or_default();
            let what = format!("options of {}", command.get_name());
            assert_exercised(&what, &[long(option)].into(), &format!("--X\\b{short}"));
        }
    }
}
