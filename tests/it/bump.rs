//! A boot-image bump from the pull request to the merge; each step uses what the previous step wrote.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use embedded_mirror::{
    Config, Mirror, Proxy, ProxyConfig, Resource, artifact_content, artifact_uncompressed, hex_sha256,
};
use serde_json::Value;

use crate::handoff_support::sync_job::SyncJob;
use crate::handoff_support::{
    Finished, Repo, STORAGE, bridge, documents, download, files, files_below, program, testdata,
};
use crate::support::world::{CLOUDS, MIRROR};

const HOME: &str = "data/data/coreos/rhcos.json";
const OLD: &str = "419.96.202506171412-0";
const NEW: &str = "419.96.202507010000-0";

/// The installer's repository, the bridge, and ART's mirror under its real name.
struct Setup {
    installer: Repo,
    bridge: Mirror,
    /// The files of ART's web server.
    web: tempfile::TempDir,
    mirror: Mirror,
    proxy: Proxy,
    scratch: tempfile::TempDir,
}

impl Setup {
    fn new() -> Self {
        let hosts = [&[MIRROR][..], &CLOUDS].concat();
        let mirror = Mirror::start(Config::tls_http2().names(hosts.iter().copied())).unwrap();
        let known = hosts.iter().fold(ProxyConfig::new(), |known, host| known.host(host, mirror.addr()));
        let proxy = Proxy::start(known).unwrap();
        let setup = Self {
            installer: Repo::new(),
            bridge: Mirror::start(Config::plain()).unwrap(),
            web: tempfile::tempdir().unwrap(),
            scratch: tempfile::tempdir().unwrap(),
            mirror,
            proxy,
        };
        fs::write(setup.scratch.path().join("ca.pem"), setup.mirror.ca_pem()).unwrap();
        setup
    }

    /// A path for the output of a step.
    fn dir(&self, name: &str) -> PathBuf {
        self.scratch.path().join(name)
    }

    /// Runs a command in the installer's checkout, in the environment of a CI cluster.
    fn run(&self, args: &[&str]) -> Finished {
        Finished::of(&mut self.program(args))
    }

    /// Likewise in an e2e job, which uses the bridge.
    fn run_e2e(&self, args: &[&str]) -> Finished {
        Finished::of(
            self.program(args)
                .env("OPENSHIFT_INSTALL_COREOS_STREAM_PREFIX", self.bridge.url(STORAGE))
                .arg("--allow-private-addresses"),
        )
    }

    fn program(&self, args: &[&str]) -> Command {
        let mut program = program(args);
        program.current_dir(self.installer.path());
        program.env("HTTPS_PROXY", self.proxy.url()).env("NO_PROXY", "127.0.0.1");
        program.env("SSL_CERT_FILE", self.dir("ca.pem"));
        program
    }

    /// Serves all files that are now in the web server's directory.
    fn publish(&self) {
        for file in files_below(self.web.path()) {
            let content = fs::read(self.web.path().join(&file)).unwrap();
            self.mirror.put(&format!("/{file}"), Resource::bytes(content));
        }
    }

    fn builds_reach_the_bridge(&self, arch: &str) {
        let document = &documents(&self.installer.path().join(HOME))[0];
        let target = bridge(&self.bridge.url(STORAGE));
        for (path, bytes) in files(document, &target, |artifact| artifact.id.arch.starts_with(arch)) {
            self.bridge.put(&path, Resource::bytes(bytes).repr_digest());
        }
    }
}

/// The document for the next release, with a new build, whose files have other content.
fn bumped(text: &str) -> String {
    let text = text.replace(OLD, NEW);
    let mut document: Value = serde_json::from_str(&text).unwrap();
    let platforms = document["architectures"]["x86_64"]["artifacts"].as_object_mut().unwrap();
    for platform in platforms.values_mut() {
        for format in platform["formats"].as_object_mut().unwrap().values_mut() {
            for component in format.as_object_mut().unwrap().values_mut() {
                let location = component["location"].as_str().unwrap().replace("4.19.0", "4.19.1");
                let name = location.rsplit('/').next().unwrap().to_owned();
                component["location"] = location.into();
                component["sha256"] = hex_sha256(&artifact_content(&name)).into();
                if component.get("uncompressed-sha256").is_some() {
                    component["uncompressed-sha256"] = hex_sha256(&artifact_uncompressed(&name)).into();
                }
            }
        }
    }
    serde_json::to_string_pretty(&document).unwrap() + "\n"
}

fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap()
}

#[test]
fn a_bump_goes_from_the_bridge_to_the_mirror_and_merges() {
    let setup = Setup::new();
    let path = |name: &str| setup.dir(name).to_str().unwrap().to_owned();
    let installer = setup.installer.path();
    let root = setup.web.path().join("pub/openshift-v4");

    // Before: the old build is on the mirror, and main and the release branch pin it.
    setup.installer.write(HOME, &text(&testdata("checkout").join(HOME)));
    setup.builds_reach_the_bridge("");
    setup.run(&["rewrite", "--to", "mirror", "--mirror-version", "4.19.0", "--in-place"]).exits(0);
    let release = ["--layout", "release", "--release-version", "4.19.0"];
    setup.run_e2e(&[&["mirror", "--dest", root.to_str().unwrap()][..], &release].concat()).exits(0);
    setup.publish();
    setup.installer.commit("4.19");
    setup.installer.git(&["branch", "release-4.19"]);

    // The pull request: its URLs are already the public ones, but its files are only on the bridge.
    setup.installer.git(&["checkout", "-q", "-b", "bump"]);
    setup.installer.write(HOME, &bumped(&text(&installer.join(HOME))));
    setup.installer.commit("Bump the boot images");
    setup.builds_reach_the_bridge("x86_64");
    let ran = setup.run(&["diff", "main:", "bump:"]);
    assert_eq!(
        (ran.status(), ran.stdout.contains("the new side has newer builds")),
        (1, true),
        "{}",
        ran.all()
    );

    // The gate fails, and writes the request to ART.
    let ran = setup.run(&["check", "--published", "--artifacts-dir", &path("artifacts")]).exits(1);
    assert!(ran.stdout.contains("the request, to copy: "), "{}", ran.stdout);
    let request = text(&setup.dir("artifacts").join("art-mirror-validate-request.md"));
    assert!(request.contains(&format!("x86_64, build {NEW}")), "{request}");

    // The e2e job uses the files on the bridge.
    let one = ["-a", "x86_64", "-p", "metal", "-f", "raw.gz"];
    let ran = setup.run_e2e(&[&["resolve"][..], &one].concat()).exits(0);
    let url = ran.stdout.trim();
    assert!(url.starts_with(&setup.bridge.url(STORAGE)), "{url}");
    setup.run_e2e(&[&["mirror", "--dest", &path("e2e")][..], &one].concat()).exits(0);
    let (_, at_bridge) = url.split_once(&setup.bridge.addr().to_string()).unwrap();
    assert_eq!(setup.bridge.count("GET", at_bridge), 1, "from the resolved URL");
    let image = "rhcos-4.19.1-x86_64-metal.x86_64.raw.gz";
    assert_eq!(fs::read(setup.dir("e2e").join(image)).unwrap(), artifact_content(image));

    // It passes, and the request to ART is made.
    setup.run_e2e(&["sync-list", "--dest", &path("request")]).exits(0);
    let list = text(&setup.dir(&format!("request/synclist-x86_64-{NEW}.txt")));
    assert!(list.lines().any(|line| line == url), "{list}");

    // ART's sync job carries it out.
    let list: Value = serde_json::from_str(&text(&setup.dir("request/sync.json"))).unwrap();
    let command = list["builds"][0]["sync_job"]["command"].as_str().unwrap();
    SyncJob::of(command).run(&setup.dir("request"), setup.web.path(), &|url| download(&setup.bridge, url));
    setup.publish();

    // The gate passes.
    setup.run(&["check", "--published", "--artifacts-dir", &path("artifacts")]).exits(0);
    assert!(!setup.dir("artifacts/art-mirror-validate-request.md").exists(), "no request to ART is left");

    // The bump merges. The release branch still pins the old build.
    setup.installer.git(&["checkout", "-q", "main"]);
    setup.installer.git(&["merge", "-q", "bump"]);
    let refs = ["--ref", "main", "--ref", "release-4.19"];
    let ran = setup
        .run(&[&["retention", "--listing", root.to_str().unwrap(), "--output", "json"][..], &refs].concat())
        .exits(0);
    let report = ran.json();
    let pinned_by = |build: &str| {
        let builds = report["builds"].as_array().unwrap();
        builds.iter().find(|it| it["build_id"] == build).unwrap()["pinned_by"].clone()
    };
    assert_eq!(pinned_by(OLD), serde_json::json!(["refs/heads/release-4.19"]));
    assert_eq!(pinned_by(NEW), serde_json::json!(["refs/heads/main"]));
    assert_eq!(report["summary"]["orphans"], 0);
}
