//! Every snippet of README.md works exactly as written and in the order of the file, on a bump of the bundled
//! checkout and of the newest real one.

#[path = "../../examples/rehearsal/src/documents.rs"]
#[allow(dead_code, reason = "the rehearsal needs more of it")]
mod documents;

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use art_mirror_validate::location::PUBLISHED_HOSTS;
use embedded_mirror::{Authority, Config, Mirror, Proxy, ProxyConfig, Resource};
use regex::Regex;
use serde_json::Value;

use crate::support::binary::PROGRAM;
use crate::support::ground::{Repo, files_below, installed, real_checkouts, root, testdata};
use crate::support::world::CLOUDS;

const BRIDGE: &str = "https://bridge.example/art/storage";

/// The commands with another exit status than 0, by their beginning.
const STATUSES: [(&str, i32); 2] =
    [("art-mirror-validate check --published ~/src/installer", 1), ("art-mirror-validate diff ", 1)];

/// A fenced block.
#[derive(Debug)]
struct Snippet {
    section: String,
    language: String,
    text: String,
}

fn snippets() -> Vec<Snippet> {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let (mut section, mut found, mut open) = (String::new(), Vec::new(), None::<Snippet>);
    for line in readme.lines() {
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(language)) => {
                open = Some(Snippet {
                    section: section.clone(),
                    language: language.to_owned(),
                    text: String::new(),
                });
            }
            (Some(_), Some(_)) => found.extend(open.take()),
            (Some(snippet), None) => writeln!(snippet.text, "{line}").unwrap(),
            (None, None) => {
                if let Some(heading) = line.strip_prefix("## ") {
                    heading.clone_into(&mut section);
                }
            }
        }
    }
    found
}

/// An installer checkout whose branch bumps the boot images, the bridge with the new ones, and ART's web server with
/// the old ones.
struct World {
    installer: Repo,
    home: tempfile::TempDir,
    bridge: Mirror,
    mirror: Mirror,
    proxy: Proxy,
}

impl World {
    fn new(checkout: &Path) -> Self {
        let authority = Authority::new().unwrap();
        let served = [&PUBLISHED_HOSTS[..], &CLOUDS, &["lab.example"]].concat();
        let start = |names: &[&str]| {
            Mirror::start(Config::tls_http2().names(names.iter().copied()).authority(&authority)).unwrap()
        };
        let (bridge, mirror) = (start(&["bridge.example"]), start(&served));
        let hosts = ProxyConfig::new().host("bridge.example", bridge.addr());
        let hosts = served.iter().fold(hosts, |hosts, name| hosts.host(name, mirror.addr()));
        let home = tempfile::tempdir().unwrap();
        fs::write(home.path().join("ca.pem"), authority.pem()).unwrap();
        for directory in ["bin", "src"] {
            fs::create_dir(home.path().join(directory)).unwrap();
        }
        let world =
            Self { installer: Repo::new(), home, bridge, mirror, proxy: Proxy::start(hosts).unwrap() };
        let link = |to: &Path, at: &str| {
            std::os::unix::fs::symlink(to, world.home.path().join(at)).unwrap();
        };
        link(Path::new(PROGRAM), "bin/art-mirror-validate");
        link(world.installer.path(), "src/installer");
        world.bump(checkout);
        world.publish();
        world
    }

    fn bump(&self, checkout: &Path) {
        let here = self.installer.path();
        for (name, text) in documents::read(checkout).unwrap() {
            self.installer.write(&name, &with_regions(&name, &text, true));
        }
        self.reaches_the_bridge();
        for (url, bytes) in
            documents::on_the_bridge(here, "https://rhcos.mirror.openshift.com/art/storage").unwrap()
        {
            self.installer.write(&format!("web/{}", url.splitn(4, '/').last().unwrap()), &bytes);
        }
        self.installer.write(".git/info/exclude", "/web\n");
        self.installer.commit("What is pinned today");
        self.installer.git(&["branch", "release-4.21"]);
        self.installer.git(&["update-ref", "refs/remotes/origin/main", "HEAD"]);
        self.installer.git(&["checkout", "--quiet", "-b", "bump"]);
        for (name, text) in documents::bumped(here).unwrap() {
            self.installer.write(&name, &with_regions(&name, &text, false));
        }
        self.installer.commit("Bump the boot images");
        self.reaches_the_bridge();
    }

    fn reaches_the_bridge(&self) {
        for (url, bytes) in documents::on_the_bridge(self.installer.path(), BRIDGE).unwrap() {
            self.bridge.put(url.strip_prefix("https://bridge.example").unwrap(), Resource::bytes(bytes));
        }
    }

    /// Serves all files that are now in the web servers' directories.
    fn publish(&self) {
        for directory in ["web", "lab"].map(|name| self.installer.path().join(name)) {
            for file in if directory.exists() { files_below(&directory) } else { Vec::new() } {
                let bytes = fs::read(directory.join(&file)).unwrap();
                self.mirror.put(&format!("/{file}"), Resource::bytes(bytes));
            }
        }
    }

    /// A command in the checkout, in an environment that leads to these hosts.
    fn command(&self, program: &str) -> Command {
        let home = self.home.path();
        let path = std::env::var("PATH").unwrap();
        let mut command = Command::new(program);
        command
            .current_dir(self.installer.path())
            .env_clear()
            .env("PATH", format!("{}:{path}", home.join("bin").display()))
            .env("HOME", home)
            .env("INSTALLER", self.installer.path())
            .env("ARTIFACTS", ".")
            .env("HTTPS_PROXY", self.proxy.url())
            .env("SSL_CERT_FILE", home.join("ca.pem"));
        command
    }

    fn bash(&self, script: &str) -> Output {
        self.command("bash").args(["-ec", script]).output().unwrap()
    }
}

/// A document with or without AWS images in the US government's regions.
fn with_regions(name: &str, text: &str, has: bool) -> String {
    let mut document: Value = serde_json::from_str(text).unwrap();
    let regions = document["architectures"]["x86_64"]["images"]["aws"]["regions"].as_object_mut().unwrap();
    if !name.ends_with("coreos-rhel-9.json") {
        return text.to_owned();
    }
    let some = regions.values().next().unwrap().clone();
    for region in ["us-gov-east-1", "us-gov-west-1"] {
        if has {
            regions.insert(region.to_owned(), some.clone())
        } else {
            regions.remove(region)
        };
    }
    serde_json::to_string_pretty(&document).unwrap() + "\n"
}

fn said(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    format!("{}{}", text(&output.stdout), text(&output.stderr))
}

/// Runs the command at each prompt, and, if `compares`, compares its output with the text.
fn session(world: &World, text: &str, compares: bool) {
    for step in text.split("$ ").filter(|step| !step.is_empty()) {
        let (command, shown) = step.split_once('\n').unwrap();
        let output = world.bash(command);
        let said = said(&output);
        let expected = STATUSES.iter().find(|(beginning, _)| command.starts_with(beginning));
        let expected = expected.map_or(0, |(_, status)| *status);
        assert_eq!(output.status.code(), Some(expected), "{command}\n{said}");
        if compares {
            let parts = shown.split('…').map(regex::escape).collect::<Vec<_>>().join("(?s:.*)");
            assert!(
                Regex::new(&parts).unwrap().is_match(&said),
                "{command} should print\n{shown}and prints\n{said}"
            );
        }
    }
}

/// Runs the Go example in a program that defines its two variables and prints the result.
fn run_go(world: &World, snippet: &str) {
    if !installed("go") {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let main = directory.path().join("main.go");
    let program = format!(
        "package main\n\nimport (\n\t\"fmt\"\n\t\"os\"\n\t\"os/exec\"\n)\n\nfunc main() {{\n\turl, prefix := os.Args[1], os.Args[2]\n\
         {snippet}\tif err != nil {{\n\t\tpanic(err)\n\t}}\n\tfmt.Print(string(place))\n}}\n"
    );
    fs::write(&main, program).unwrap();
    let artifact = world
        .bash("art-mirror-validate resolve --source . -a x86_64 -p qemu --stream rhcos-4.22 --output json");
    let artifact: Value = serde_json::from_slice(&artifact.stdout).unwrap();
    let (location, digest) = (artifact["location"].as_str().unwrap(), artifact["sha256"].as_str().unwrap());
    let in_an_install_config = format!("{location}?sha256={digest}");
    let output = world
        .command("go")
        .args(["run", main.to_str().unwrap(), &in_an_install_config, BRIDGE])
        .env("GOCACHE", Path::new(env!("CARGO_TARGET_TMPDIR")).join("go"))
        .envs([("GO111MODULE", "off"), ("GOTOOLCHAIN", "local")])
        .output()
        .unwrap();
    let printed = said(&output);
    assert!(output.status.success(), "{printed}");
    assert!(
        printed.starts_with(BRIDGE) && printed.trim().ends_with(&format!("?sha256={digest}")),
        "{printed}"
    );
}

/// Commands that build or install are not run; the files and packages they name must exist.
fn assert_names_exist(text: &str) {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let of = |pattern: &str, text: &str| -> Vec<String> {
        let found = Regex::new(pattern).unwrap();
        found.captures_iter(text).map(|it| it[1].to_owned()).collect()
    };
    for package in of(r"-p (\S+)", text) {
        assert!(manifest.contains(&format!("\"examples/{package}\"")), "{package}");
    }
    let repository = of(r#"(?m)^repository = "(.*)"$"#, &manifest).remove(0);
    for url in of(r"--git (\S+)", text) {
        assert_eq!(url, repository);
    }
    for script in of(r"(?m)^(ci/\S+)", text) {
        assert!(root().join(&script).is_file(), "{script}");
    }
}

fn run_all(checkout: &Path, compares: bool) {
    let world = World::new(checkout);
    let (mut section, mut exports) = (String::new(), String::new());
    for snippet in snippets() {
        if section != snippet.section {
            section.clone_from(&snippet.section);
            exports.clear();
        }
        let text = &snippet.text;
        match &*snippet.language {
            _ if text.contains("cargo ") || text.contains("podman ") => assert_names_exist(text),
            "console" => session(&world, text, compares),
            "sh" => {
                let output = world.bash(&format!("{exports}{text}"));
                assert!(output.status.success(), "{}:\n{text}\n{}", checkout.display(), said(&output));
                text.lines().filter(|line| line.starts_with("export ")).for_each(|line| {
                    writeln!(exports, "{line}").unwrap();
                });
            }
            "go" => run_go(&world, text),
            other => panic!("a snippet of {other:?} is not run: {text}"),
        }
        world.publish();
    }
}

#[test]
fn every_snippet_works_on_the_bundled_checkout() {
    run_all(&testdata("checkout-2026"), true);
}

#[test]
fn every_snippet_works_on_the_newest_real_checkout() {
    let newest: Option<PathBuf> = real_checkouts().pop();
    if let Some(newest) = newest {
        run_all(&newest, false);
    }
}
