//! The sidecars in a mirror's directory: `sha256sum.txt` and `rhcos-id.txt`, as the sync job writes them, and the
//! build's `meta.json`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::plan::MirrorPlan;
use crate::atomic;
use crate::handoff::directory::{RHCOS_ID_TXT, SHA256SUM_TXT};
use crate::location::{BuildId, is_plain_segment};
use crate::probe::Prober;
use crate::stream::{BuildMetadata, Sha256};

/// Writes the sidecars of every directory of a plan, for the `present` files. Entries of `sha256sum.txt` for
/// existing files that are not in the plan stay. Returns remarks, for example on a `meta.json` that could not be copied.
pub async fn write_sidecars(
    root: &Path,
    plan: &MirrorPlan,
    present: &BTreeSet<PathBuf>,
    prober: &Prober,
) -> io::Result<Vec<String>> {
    let mut remarks = Vec::new();
    for (path, sidecars) in &plan.directories {
        let directory = root.join(path);
        let mut sums = earlier_sums(&directory);
        for file in plan.files.iter().filter(|file| file.path.parent() == Some(path)) {
            let name = file.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            for name in std::iter::once(&name).chain(&file.links) {
                if present.contains(&file.path) {
                    sums.insert(name.clone(), file.sha256);
                } else {
                    sums.remove(name);
                }
            }
        }
        if sums.is_empty() {
            continue;
        }
        let text = sums.iter().fold(String::new(), |mut text, (name, sha256)| {
            let _ = writeln!(text, "{sha256}  {name}");
            text
        });
        let before = fs::read(directory.join(SHA256SUM_TXT)).ok();
        put(&directory, SHA256SUM_TXT, text.as_bytes())?;
        if before.as_deref() != Some(text.as_bytes()) && directory.join("sha256sum.txt.gpg").exists() {
            let path = path.display();
            remarks.push(format!("{path}/sha256sum.txt.gpg signs an earlier sha256sum.txt: sign it again"));
        }
        write_id(&directory, &sidecars.build)?;
        let Some(url) = &sidecars.meta_json else { continue };
        let read = prober.document(url).await.map_err(|error| error.to_string()).and_then(|bytes| {
            let why = meta_json_problem(&sidecars.build, &bytes);
            why.map_or(Ok(bytes), |why| Err(format!("{url}: {why}")))
        });
        match read {
            Ok(bytes) => put(&directory, "meta.json", &bytes)?,
            Err(why) => remarks.push(format!("meta.json was not copied: {why}")),
        }
    }
    Ok(remarks)
}

pub(super) fn write_id(directory: &Path, build: &BuildId) -> io::Result<()> {
    put(directory, RHCOS_ID_TXT, format!("{build}\n").as_bytes())
}

fn put(directory: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    atomic::write(directory, &directory.join(name), &|out| out.write_all(bytes))
}

/// Why a text is not the `meta.json` of a build; `None` if it is.
fn meta_json_problem(build: &BuildId, bytes: &[u8]) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Meta {
        buildid: Option<String>,
    }
    if let Err(faults) = BuildMetadata::parse("meta.json", bytes) {
        return Some(faults.to_string());
    }
    match serde_json::from_slice::<Meta>(bytes).ok()?.buildid {
        Some(id) if id != build.as_str() => {
            Some(format!("it belongs to build {}, not to {build}", crate::text::excerpt(&id, 80)))
        }
        _ => None,
    }
}

/// The entries of `sha256sum.txt` for existing files.
pub(super) fn earlier_sums(directory: &Path) -> BTreeMap<String, Sha256> {
    let text = fs::read_to_string(directory.join(SHA256SUM_TXT)).unwrap_or_default();
    let lines = text.lines().filter_map(|line| {
        let (digest, name) = line.split_once("  ")?;
        let exists = is_plain_segment(name) && directory.join(name).is_file();
        exists.then_some((name.to_owned(), digest.parse().ok()?))
    });
    lines.collect()
}
