//! A mirror with the real hosts' names, a checkout, and the environment of a Prow job.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use embedded_mirror::{Config, Mirror, Proxy, ProxyConfig, Resource};
use serde_json::Value;

pub(crate) use crate::binary::PROGRAM;
use crate::ground::testdata;

/// The servers and files that a job uses.
pub(crate) struct World {
    directory: tempfile::TempDir,
    pub(crate) mirror: Mirror,
    proxy: Proxy,
    /// All locations in the checkout.
    pub(crate) locations: Vec<String>,
    /// The URLs of blobs in Azure, the only cloud references in `testdata/checkout` that are publicly accessible.
    blobs: Vec<String>,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with_documents(&documents(&testdata("checkout/data/data/coreos")))
    }

    /// A checkout with these documents, given by their names in `data/data/coreos` and their text.
    pub(crate) fn with_documents(documents: &[(String, String)]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let coreos = directory.path().join("checkout/data/data/coreos");
        fs::create_dir_all(&coreos).unwrap();
        let mut locations = Vec::new();
        for (name, text) in documents {
            fs::write(coreos.join(name), text).unwrap();
            collect_locations(&serde_json::from_str(text).unwrap(), &mut locations);
        }
        let blobs: Vec<String> = documents.iter().flat_map(|(_, text)| blobs(text)).collect();
        let places = locations.iter().chain(&blobs);
        let hosts: BTreeSet<&str> = places.filter_map(|it| it.split('/').nth(2)).collect();
        let mirror = Mirror::start(Config::tls_http2().names(hosts.iter().copied())).unwrap();
        let known = hosts.iter().fold(ProxyConfig::new(), |config, host| config.host(host, mirror.addr()));
        let proxy = Proxy::start(known).unwrap();
        fs::write(directory.path().join("ca.pem"), mirror.ca_pem()).unwrap();
        fs::create_dir(directory.path().join("bin")).unwrap();
        fs::create_dir(directory.path().join("artifacts")).unwrap();
        let on_path = directory.path().join("bin/art-mirror-validate");
        std::os::unix::fs::symlink(PROGRAM, on_path).unwrap();
        Self { directory, mirror, proxy, locations, blobs }
    }

    /// Serves everything with its digest, as after ART has mirrored it.
    pub(crate) fn mirror_everything(&self) {
        for location in &self.locations {
            let file = location.rsplit('/').next().unwrap();
            self.mirror.put(location, Resource::artifact(file).repr_digest());
        }
        for blob in &self.blobs {
            self.mirror.put(blob, Resource::synthetic(1, 1024).header("x-ms-blob-type", "PageBlob"));
        }
    }

    pub(crate) fn checkout(&self) -> PathBuf {
        self.directory.path().join("checkout")
    }

    pub(crate) fn artifacts(&self) -> PathBuf {
        self.directory.path().join("artifacts")
    }

    /// A command in the checkout, with the environment of a Prow presubmit.
    pub(crate) fn in_prow(&self, program: &str) -> Command {
        let mut command = self.in_ci_operator(program);
        command.env_remove("ARTIFACT_DIR").env("ARTIFACTS", self.artifacts());
        command
    }

    /// A command in the checkout, with the environment of a ci-operator step, which differs from [`World::in_prow`]
    /// in the variable for the artifacts directory.
    pub(crate) fn in_ci_operator(&self, program: &str) -> Command {
        let path = std::env::var("PATH").unwrap();
        let mut command = Command::new(program);
        command
            .current_dir(self.checkout())
            .env_clear()
            .env("PATH", format!("{}:{path}", self.directory.path().join("bin").display()))
            .env("HOME", "/alabama")
            .env("ARTIFACT_DIR", self.artifacts())
            .env("HTTPS_PROXY", self.proxy.url())
            .env("SSL_CERT_FILE", self.directory.path().join("ca.pem"))
            .envs([
                ("CI", "true"),
                ("JOB_NAME", "pull-ci-openshift-installer-main-art-mirror-validate"),
                ("JOB_TYPE", "presubmit"),
                ("BUILD_ID", "1987654321098765312"),
                ("PROW_JOB_ID", "0d6c8f0e-2f9c-4f6e-9a1e-0a4e5a3c1b2d"),
                ("REPO_OWNER", "openshift"),
                ("REPO_NAME", "installer"),
                ("PULL_BASE_REF", "main"),
                ("PULL_BASE_SHA", "9b1c4f0a7d3e5b2c8a6f1d0e4c7b9a3f5d2e8c6b"),
                ("PULL_NUMBER", "4821"),
                ("PULL_PULL_SHA", "5d2f0c3a9be1774f6d0a1c52b7e1f4a3c9d8e7f6"),
                (
                    "JOB_SPEC",
                    r#"{"type":"presubmit","job":"pull-ci-openshift-installer-main-art-mirror-validate"}"#,
                ),
            ]);
        command
    }

    /// The JSON report that the last run left.
    pub(crate) fn report(&self) -> Value {
        let path = self.artifacts().join("art-mirror-validate.json");
        serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
    }

    /// Asserts that all reports exist and are complete.
    pub(crate) fn assert_complete_reports(&self) {
        let artifacts = self.artifacts();
        let read = |name: &str| fs::read_to_string(artifacts.join(name)).unwrap();
        assert!(self.report()["schema_version"] == 1);
        roxmltree::Document::parse(&read("junit_art-mirror-validate.xml")).unwrap();
        assert!(read("art-mirror-validate-summary.html").trim_end().ends_with("</html>"));
        let others = fs::read_dir(&artifacts).unwrap().map(|entry| entry.unwrap().file_name());
        let others = others.filter(|name| name != "art-mirror-validate-request.md").count();
        assert_eq!(others, 3, "no other files, except a request to ART");
    }
}

pub(crate) fn stdout(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// The URLs of a document's blobs in Azure.
fn blobs(document: &str) -> Vec<String> {
    let urls = document.split('"').filter(|text| text.starts_with("https://rhcos.blob.core.windows.net/"));
    urls.map(str::to_owned).collect()
}

fn documents(directory: &Path) -> Vec<(String, String)> {
    let files = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let files = files.filter(|path| path.is_file());
    files
        .map(|path| {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            (name, fs::read_to_string(path).unwrap())
        })
        .collect()
}

fn collect_locations(value: &Value, locations: &mut Vec<String>) {
    match value {
        Value::Object(entries) => {
            locations.extend(entries.get("location").and_then(Value::as_str).map(str::to_owned));
            entries.values().for_each(|value| collect_locations(value, locations));
        }
        Value::Array(items) => items.iter().for_each(|value| collect_locations(value, locations)),
        _ => {}
    }
}
