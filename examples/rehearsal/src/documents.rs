//! Generates the data of the rehearsal: digests and bytes of the files, and a bump of the documents.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use art_mirror_validate::location::{ArtifactUrl, HostKind, Location, Prefix, Target, resolve};
use art_mirror_validate::stream::{Artifact, ArtifactId, Sources};
use embedded_mirror::{artifact_content, artifact_uncompressed, hex_sha256, meta_json};
use serde_json::Value;

/// Paths in a checkout, and the documents there.
type Named = Vec<(String, String)>;

/// URLs and the bytes of their files.
type Files = Vec<(String, Vec<u8>)>;

fn sources(checkout: &Path) -> Result<Sources, Box<dyn Error>> {
    let mut sources = Sources::default();
    sources.add_path(checkout).map_err(|errors| errors.to_string())?;
    Ok(sources)
}

fn artifacts(sources: &Sources) -> impl Iterator<Item = &Artifact> {
    sources.documents.iter().flat_map(|sourced| &sourced.document.artifacts)
}

/// The stream documents of a checkout, or a single one, with the digests of generated files.
pub(crate) fn read(checkout: &Path) -> Result<Named, Box<dyn Error>> {
    let mut documents = Vec::new();
    for sourced in sources(checkout)?.documents {
        let name = sourced.document.name.to_string();
        let (path, name) = if checkout.is_dir() {
            (checkout.join(&name), name)
        } else {
            let file = checkout.file_name().unwrap_or_default().to_string_lossy();
            (checkout.to_owned(), format!("data/data/coreos/{file}"))
        };
        documents.push((name, with_generated_digests(&fs::read_to_string(path)?)?));
    }
    Ok(documents)
}

/// The stream documents of a checkout, with each build replaced by one of a year later.
pub(crate) fn bumped(checkout: &Path) -> Result<Named, Box<dyn Error>> {
    let mut documents = Vec::new();
    let builds = builds(checkout)?;
    for sourced in sources(checkout)?.documents {
        let name = sourced.document.name.to_string();
        let text = fs::read_to_string(checkout.join(&name))?;
        let text = builds.iter().fold(text, |text, build| text.replace(build, &a_year_later(build)));
        documents.push((name, with_generated_digests(&text)?));
    }
    Ok(documents)
}

/// The IDs of the builds that a checkout pins.
pub(crate) fn builds(checkout: &Path) -> Result<Vec<String>, Box<dyn Error>> {
    let sources = sources(checkout)?;
    let builds: BTreeSet<String> = artifacts(&sources).map(|artifact| artifact.release.to_string()).collect();
    Ok(builds.into_iter().collect())
}

/// `419.96.202506171412-0` becomes `419.96.202606171412-0`.
fn a_year_later(build: &str) -> String {
    let parts = build.split_inclusive(['.', '-']).map(|part| {
        let year = part.get(..4).filter(|_| part.len() > 8).and_then(|year| year.parse::<u32>().ok());
        year.map_or_else(
            || part.to_owned(),
            |year| format!("{}{}", year + 1, part.get(4..).unwrap_or_default()),
        )
    });
    parts.collect()
}

/// Replaces the digests of every artifact by those of its test artifact, and removes signatures and sizes.
fn with_generated_digests(text: &str) -> Result<String, Box<dyn Error>> {
    fn visit(value: &mut Value) {
        match value {
            Value::Array(items) => items.iter_mut().for_each(visit),
            Value::Object(fields) => {
                let name =
                    fields.get("location").and_then(Value::as_str).and_then(|it| it.rsplit('/').next());
                if let Some(name) = name.map(str::to_owned)
                    && fields.contains_key("sha256")
                {
                    fields.insert("sha256".to_owned(), hex_sha256(&artifact_content(&name)).into());
                    if fields.contains_key("uncompressed-sha256") {
                        let digest = hex_sha256(&artifact_uncompressed(&name));
                        fields.insert("uncompressed-sha256".to_owned(), digest.into());
                    }
                    fields.retain(|field, _| !matches!(&**field, "signature" | "size" | "uncompressed-size"));
                }
                fields.values_mut().for_each(visit);
            }
            _ => {}
        }
    }
    let mut document = serde_json::from_str(text)?;
    visit(&mut document);
    Ok(serde_json::to_string_pretty(&document)? + "\n")
}

/// Whether a document has locations on a bridge.
pub(crate) fn names_bridge(checkout: &Path) -> Result<bool, Box<dyn Error>> {
    let sources = sources(checkout)?;
    Ok(artifacts(&sources)
        .filter_map(|artifact| ArtifactUrl::parse(&artifact.location).ok())
        .any(|location| HostKind::of(location.host()) == HostKind::Bridge))
}

/// The ID of the artifact that the e2e job uses.
pub(crate) fn first_artifact(checkout: &Path) -> Result<ArtifactId, Box<dyn Error>> {
    let sources = sources(checkout)?;
    let id = artifacts(&sources).map(|artifact| &artifact.id).next();
    Ok(id.ok_or("there is no artifact")?.clone())
}

/// The files that a build pipeline puts on the bridge: the artifacts, and `meta.json` in each directory.
pub(crate) fn on_the_bridge(checkout: &Path, prefix: &str) -> Result<Files, Box<dyn Error>> {
    let bridge = Target::Bridge(Prefix::parse(prefix)?);
    let mut directories: BTreeMap<String, (ArtifactUrl, Vec<String>)> = BTreeMap::new();
    for artifact in artifacts(&sources(checkout)?) {
        let url = resolve(&artifact.location, Some(&artifact.release), &bridge)?;
        let names = directories.entry(url.directory().to_owned());
        names.or_insert_with(|| (url.clone(), Vec::new())).1.push(url.file_name().to_owned());
    }
    let mut files = Vec::new();
    for (url, names) in directories.into_values() {
        let build = Location::read(&url)?.build().map(ToString::to_string).unwrap_or_default();
        let meta = meta_json(&build, names.iter().map(|name| (name, artifact_content(name))));
        files.push((url.sibling("meta.json").to_string(), meta.into_bytes()));
        files.extend(names.iter().map(|name| (url.sibling(name).to_string(), artifact_content(name))));
    }
    Ok(files)
}

/// Truncates the first file that `mirror` fetched to half its size, with a matching digest in `sha256sum.txt`. Returns
/// its name.
pub(crate) fn truncate_one(web: &Path, printed: &str) -> Result<String, Box<dyn Error>> {
    let fetched = printed.lines().find_map(|line| line.strip_prefix("fetched"));
    let path = web.join(fetched.ok_or("nothing was fetched")?.trim());
    let bytes = fs::read(&path)?;
    let half = bytes.get(..bytes.len() / 2).unwrap_or_default();
    fs::write(&path, half)?;
    let sums = path.with_file_name("sha256sum.txt");
    let text = fs::read_to_string(&sums)?;
    fs::write(sums, text.replace(&hex_sha256(&bytes), &hex_sha256(half)))?;
    Ok(path.file_name().unwrap_or_default().to_string_lossy().into_owned())
}

/// The files below a directory.
pub(crate) fn files_below(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let (mut files, mut left) = (Vec::new(), vec![directory.to_owned()]);
    while let Some(next) = left.pop() {
        for entry in fs::read_dir(next)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() { left.push(entry.path()) } else { files.push(entry.path()) }
        }
    }
    Ok(files)
}
