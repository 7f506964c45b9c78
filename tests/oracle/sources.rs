//! Writes the documents of a round in the form of its source.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use embedded_mirror::{artifact_content, artifact_uncompressed, hex_sha256};
use serde_json::{Map, Value, json};

use crate::draw::WITHOUT_DOCUMENTS;
use crate::ground::git;
use crate::resources::{other, size};
use crate::setup::{BRIDGE, Setup};
use crate::world::{Branch, Keys, Place, Source, Truth, Written};

/// The arguments and standard input that give `check` its documents.
pub struct Input {
    pub arguments: Vec<OsString>,
    pub stdin: Vec<u8>,
}

const MALFORMED: &str = "{\"stream\": \"s\", \"metadata\": {}, \"architectures\": 7}";

/// An unrelated manifest of a payload.
const OTHER_MANIFEST: &str =
    "kind: ConfigMap\napiVersion: v1\nmetadata:\n  name: images\ndata:\n  images.json: '{}'\n";

impl Setup<'_> {
    /// Writes the documents to an empty directory.
    pub fn write_documents(&self, directory: &Path) -> Input {
        let documents = self.documents();
        let mut stdin = Vec::new();
        let put = |path: &str, text: &str| {
            let path = directory.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, text).unwrap();
        };
        let source = match &self.world.source {
            Source::Checkout if documents.len() == 1 => {
                put("data/data/rhcos-stream.json", &documents[0].to_string());
                if let Some(legacy) = self.legacy() {
                    put("data/data/rhcos-amd64.json", &legacy.to_string());
                }
                directory.to_owned()
            }
            Source::Checkout => {
                for (index, document) in documents.iter().enumerate() {
                    put(&format!("data/data/coreos/stream-{index}.json"), &document.to_string());
                }
                directory.to_owned()
            }
            Source::File => {
                put("stream.json", &documents[0].to_string());
                directory.join("stream.json")
            }
            Source::Stdin => {
                stdin = documents[0].to_string().into_bytes();
                "-".into()
            }
            Source::Manifest(keys, written) => {
                let name =
                    if matches!(written, Written::Json | Written::JsonList) { "cm.json" } else { "cm.yaml" };
                put(name, &manifest(&documents, *keys, *written));
                directory.join(name)
            }
            Source::Payload(keys, written) => {
                put("0000_50_installer_coreos-bootimages.yaml", &manifest(&documents, *keys, *written));
                put("0000_30_machine-api-operator_01_images.configmap.yaml", OTHER_MANIFEST);
                put("0000_50_cluster.crd.yaml", "kind: CustomResourceDefinition\nspec:\n  stream: rhel-9\n");
                put("release-metadata", "{\"kind\": \"cincinnati-metadata-v0\", \"version\": \"5.0.0\"}");
                put("image-references", "{\"kind\": \"ImageStream\", \"spec\": {\"tags\": []}}");
                directory.to_owned()
            }
            Source::Branches(branches) => {
                self.write_branches(directory, branches, &documents);
                let git = [OsString::from("--git"), directory.into()];
                let refs = ["--ref", "release-*", "--exclude-ref", "release-4.1", "--ref", "main"];
                let arguments = git.into_iter().chain(refs.map(OsString::from)).collect();
                return Input { arguments, stdin };
            }
        };
        Input { arguments: vec![source.into()], stdin }
    }

    /// Creates a bare repository with `git fast-import`.
    fn write_branches(&self, directory: &Path, branches: &[Branch], documents: &[Value]) {
        let mut stream = String::new();
        let paths = paths(branches, documents.len());
        let mut commit = |branch: &str, files: &[(String, String)]| {
            write!(stream, "commit refs/heads/{branch}\ncommitter t <t@example.com> 0 +0000\ndata 0\n")
                .unwrap();
            for (path, text) in files {
                write!(stream, "M 100644 inline {path}\ndata {}\n{text}\n", text.len()).unwrap();
            }
        };
        for Branch { name, documents: its, malformed } in branches {
            let mut files = vec![("README".to_owned(), (*name).to_owned())];
            for index in its.iter().filter(|index| **index < documents.len()) {
                let path = format!("data/data/coreos/stream-{}.json", paths[*index]);
                files.push((path, documents[*index].to_string()));
            }
            files.extend(malformed.then(|| ("data/data/coreos/bad.json".to_owned(), MALFORMED.to_owned())));
            commit(name, &files);
        }
        // The excluded branch has a location that must not be requested.
        let foreign = format!("{}/rhcos-48.83.202102230300-0-qemu.x86_64.qcow2.gz", self.foreign());
        let component = json!({ "location": foreign, "sha256": hex_sha256(b"") });
        let artifacts = json!({ "qemu": { "release": "48.83.202102230300-0", "formats": { "qcow2.gz": { "disk": component } } } });
        let excluded = document("excluded", &artifacts).to_string();
        commit("release-4.1", &[("data/data/coreos/rhcos.json".to_owned(), excluded)]);
        git(directory, &["init", "--quiet", "--bare"], b"");
        git(directory, &["fast-import", "--quiet"], stream.as_bytes());
    }

    fn documents(&self) -> Vec<Value> {
        let ranges = self.world.split().into_iter().enumerate();
        ranges
            .map(|(index, range)| {
                let mut platforms = Map::new();
                for position in range {
                    let (id, platform) = self.platform(position);
                    platforms.insert(id, platform);
                }
                // Two documents have the same stream name, so that only manifest keys and file names distinguish them.
                let stream = format!("rhel-{}", index / 2);
                let mut document = document(&stream, &platforms.into());
                if index == 0 {
                    let (images, extensions) = self.cloud_sections();
                    document["architectures"]["x86_64"]["images"] = images;
                    document["architectures"]["x86_64"]["rhel-coreos-extensions"] = extensions;
                }
                document
            })
            .collect()
    }

    /// The ID and content of the platform for the artifact at a position of the documents.
    fn platform(&self, position: usize) -> (String, Value) {
        let index = self.world.document[position];
        let artifact = &self.world.artifacts[index];
        let name = self.name(index, artifact);
        let meant = artifact_content(&name);
        let here = format!("{}{name}", self.documented(artifact.directory));
        let path = format!("{}{name}", self.path(artifact.directory));
        let location = match artifact.place {
            Place::Mirror => here.clone(),
            Place::Bridge => format!("{BRIDGE}{path}"),
            Place::Foreign => format!("{}{path}", self.foreign()),
        };
        let mut component = json!({ "location": location, "sha256": hex_sha256(&meant) });
        if let Some(truth) = artifact.size {
            component["size"] = size(&meant, truth, 1_000).into();
        }
        if let Some(truth) = artifact.uncompressed {
            let inside = artifact_uncompressed(&name);
            let digest = if truth == Truth::Right { hex_sha256(&inside) } else { other(&inside) };
            component["uncompressed-sha256"] = digest.into();
        }
        if artifact.signature.is_some() {
            component["signature"] = format!("{here}.sig").into();
        }
        let formats = json!({ "raw.gz": { "disk": component } });
        (
            format!("p{position:02}"),
            json!({ "release": self.release(artifact.directory), "formats": formats }),
        )
    }

    fn legacy(&self) -> Option<Value> {
        let mut images = Map::new();
        for (index, artifact) in self.world.document.iter().zip(self.world.named()) {
            let Some(entry) = artifact.legacy else { continue };
            let name = self.name(*index, artifact);
            let meant = artifact_content(&name);
            let digest = if entry.sha256 == Truth::Right { hex_sha256(&meant) } else { other(&meant) };
            let mut image = json!({ "path": name, "sha256": digest });
            if let Some(truth) = entry.size {
                image["size"] = size(&meant, truth, 2_000).into();
            }
            images.insert(format!("image-{index:02}"), image);
        }
        (!images.is_empty()).then(|| json!({ "buildid": "48.83.202102230300-0", "images": images }))
    }
}

/// The number in each document's file name. Documents that are on no branch together share a name.
fn paths(branches: &[Branch], documents: usize) -> Vec<usize> {
    let mut paths: Vec<usize> = Vec::new();
    for document in 0..documents {
        let are_together = |other: usize| {
            branches.iter().any(|it| it.documents.contains(&document) && it.documents.contains(&other))
        };
        let is_free = |path: &usize| !(0..document).any(|it| paths[it] == *path && are_together(it));
        paths.extend((0..=document).find(is_free));
    }
    paths
}

fn document(stream: &str, platforms: &Value) -> Value {
    json!({
        "stream": stream,
        "metadata": { "last-modified": "2021-03-31T10:00:00Z" },
        "architectures": { "x86_64": { "artifacts": platforms } },
    })
}

fn manifest(documents: &[Value], keys: Keys, written: Written) -> String {
    let mut data = Map::new();
    let streams = match keys {
        Keys::Stream => &[],
        Keys::Streams | Keys::Both => documents,
        Keys::Apart => &documents[1..],
    };
    if !streams.is_empty() {
        let map: Map<_, _> = streams
            .iter()
            .enumerate()
            .map(|(index, it)| (format!("rhel-{}", index + 9), it.clone()))
            .collect();
        data.insert("streams".to_owned(), Value::from(map).to_string().into());
    }
    if keys != Keys::Streams || streams.is_empty() {
        // The same document, formatted differently.
        data.insert("stream".to_owned(), format!("{:#}\n", documents[0]).into());
    }
    let name = json!({ "name": "coreos-bootimages", "namespace": "openshift-machine-config-operator" });
    let manifest = json!({ "kind": "ConfigMap", "apiVersion": "v1", "metadata": name, "data": data });
    match written {
        Written::Json => manifest.to_string(),
        Written::JsonList => {
            json!({ "kind": "List", "apiVersion": "v1", "items": [{ "kind": "Secret" }, manifest] })
                .to_string()
        }
        Written::Yaml => yaml(&data),
        Written::YamlAmongOthers => format!("{OTHER_MANIFEST}---\n{}", yaml(&data)),
    }
}

/// YAML as the installer has it, with documents in block scalars.
fn yaml(data: &Map<String, Value>) -> String {
    let mut text =
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: coreos-bootimages\ndata:\n".to_owned();
    for (key, value) in data {
        writeln!(text, "  {key}: |").unwrap();
        for line in value.as_str().unwrap().lines() {
            writeln!(text, "    {line}").unwrap();
        }
    }
    text
}

/// The disagreements between the report's branches and its artifacts.
pub fn disagreements(branches: &[Branch], of_document: &[Vec<&Value>], report: &Value) -> Vec<String> {
    let said = report["refs"].as_array().map_or(&[][..], Vec::as_slice);
    let mut found = Vec::new();
    if said.len() != branches.len() {
        found.push(format!("{} branches in the report", said.len()));
    }
    for branch in branches {
        let Some(said) = said.iter().find(|it| it["name"] == branch.name) else {
            found.push(format!("{} is not reported", branch.name));
            continue;
        };
        let its = branch.documents.iter().filter_map(|document| of_document.get(*document));
        let artifacts: Vec<_> = its.flatten().collect();
        let count = |verdict: &str| artifacts.iter().filter(|it| it["verdict"] == verdict).count();
        let (passed, failed, open) = (count("pass"), count("fail"), count("inconclusive"));
        let verdict = match (failed, open) {
            (1.., _) => "fail",
            (0, 1..) => "inconclusive",
            (0, 0) if is_open(branch, of_document.len()) => "inconclusive",
            (0, 0) => "pass",
        };
        let summary = &said["summary"];
        let is_right = said["verdict"] == verdict
            && summary["artifacts"] == artifacts.len()
            && summary["passed"] == passed
            && summary["failed"] == failed
            && summary["inconclusive"] == open;
        if !is_right {
            found.push(format!(
                "{said} is reported for {branch:?}, which must be {verdict} with {} artifacts",
                artifacts.len()
            ));
        }
    }
    found
}

/// Whether the pins of a branch cannot be determined: it has a malformed document, or unexpectedly none.
pub fn is_open(branch: &Branch, documents: usize) -> bool {
    let is_empty = branch.documents.iter().all(|document| *document >= documents);
    branch.malformed || is_empty && branch.name != WITHOUT_DOCUMENTS
}
