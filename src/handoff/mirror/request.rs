//! The requests that are carried out: what `sync-list` writes for ART's sync job, and what the gate leaves beside
//! its reports.

use serde::Deserialize;

use super::plan::{Directory, Plan, PlanError, Planned, Sidecars, odd, path_of, with_installer_name};
use crate::handoff::sync;
use crate::location::{Arch, BuildId, Literal};
use crate::stream::Sha256;
use crate::text::excerpt;

/// `sync.json`, as far as it is carried out.
#[derive(Deserialize)]
struct ListedRequest {
    schema_version: u32,
    builds: Vec<ListedBuild>,
}

#[derive(Deserialize)]
struct ListedBuild {
    arch: String,
    build_id: String,
    version: Option<String>,
    mirror_prefix: Option<String>,
    base_dir: String,
    files: Vec<ListedFile>,
}

#[derive(Deserialize)]
struct ListedFile {
    id: String,
    url: String,
    sha256: String,
    size: Option<u64>,
}

/// One file that the gate asks for.
struct Asked<'r> {
    url: &'r str,
    release: &'r str,
    sha256: Option<Sha256>,
}

/// Whether a request is the gate's, which is text, rather than a list of `sync-list`, which is JSON.
pub fn is_of_the_gate(request: &str) -> bool {
    !request.trim_start().starts_with('{')
}

impl Plan {
    /// Plans what a list of `sync-list` asks for, as ART's sync job would carry it out: below
    /// `BASE_DIR/MIRROR_PREFIX/VERSION`.
    pub fn of_sync_list(name: &str, text: &str) -> Result<Self, PlanError> {
        let bad = |why: String| PlanError::Request { name: excerpt(name, 300), why };
        let request: ListedRequest = serde_json::from_str(text)
            .map_err(|error| bad(format!("it is no list of sync-list: {error}")))?;
        if request.schema_version != sync::SCHEMA_VERSION {
            return Err(bad(format!("it has schema_version {}; expected 1", request.schema_version)));
        }
        let mut plan = Self::default();
        for build in request.builds {
            let arch = Arch::from_rpm_name(&build.arch)
                .ok_or_else(|| bad(format!("{} is no architecture", excerpt(&build.arch, 40))))?;
            let id: BuildId = build.build_id.parse().map_err(|error| bad(format!("{error}")))?;
            let what = format!("{arch}, build {id}");
            let version = build.version.ok_or_else(|| {
                bad(format!("{what}: it does not say the version; make it with --release-version"))
            })?;
            let prefix = build
                .mirror_prefix
                .ok_or_else(|| bad(format!("{what}: it does not say the mirror prefix")))?;
            let directory = [build.base_dir.as_str(), prefix.as_str(), version.as_str()].join("/");
            let above: Vec<&str> = directory.split('/').filter(|segment| !segment.is_empty()).collect();
            for file in build.files {
                let url = Literal::parse(&file.url).map_err(|error| bad(format!("{what}: {error}")))?;
                let sha256 = file.sha256.parse().map_err(|error| bad(format!("{what}: {error}")))?;
                let named = url.file_name();
                let (file_name, link) = renamed(named, arch, &id, &version);
                let mut segments = above.clone();
                segments.push(&file_name);
                let path = path_of(&segments).ok_or_else(|| bad(odd(&directory)))?;
                let links = link.into_iter().flat_map(with_installer_name).collect();
                let meta_json = (version == id.as_str()).then(|| url.sibling("meta.json"));
                let directory = Directory { build: id.clone(), meta_json };
                let (title, size) = (excerpt(&file.id, 300), file.size);
                let planned = Planned { title, url, sha256, size, path, links, signature: None };
                plan.put(planned, Some(directory))?;
            }
        }
        Ok(plan)
    }

    /// Plans what the gate asks for in `art-mirror-validate-request.md`: every file where the gate looked for
    /// it, so that the directory is the root of the mirror's web server. `source` says where the bridge has the
    /// file of a location and a release.
    ///
    /// What a ticket system does to white space and to what is around the lines does no harm.
    pub fn of_the_gates_request(
        name: &str,
        text: &str,
        source: impl Fn(&str, &str) -> Result<Literal, String>,
    ) -> Result<Self, PlanError> {
        let bad = |why: String| PlanError::Request { name: excerpt(name, 300), why };
        let mut plan = Self::default();
        for Asked { url: location, release, sha256 } in asked(text).map_err(bad)? {
            let bad = |why: String| bad(format!("{}: {why}", excerpt(location, 300)));
            let sha256 = sha256.ok_or_else(|| bad("no sha256 follows it".to_owned()))?;
            let place = Literal::parse(location).map_err(|error| bad(error.to_string()))?;
            let segments: Vec<&str> = place.url().path().split('/').skip(1).collect();
            let path = path_of(&segments).ok_or_else(|| bad(odd(place.url().path())))?;
            let url = source(location, release).map_err(bad)?;
            let Sidecars { links, directory } = Sidecars::of(&place, release, &url).map_err(bad)?;
            let title = excerpt(place.file_name(), 300);
            plan.put(Planned { title, url, sha256, size: None, path, links, signature: None }, directory)?;
        }
        if plan.files.is_empty() {
            return Err(bad("it asks for no file; expected sync.json of sync-list, or what check left in \
                            art-mirror-validate-request.md"
                .to_owned()));
        }
        Ok(plan)
    }
}

/// The files of a gate's request: `ARCH, build BUILDID`, then URLs, each with `sha256 DIGEST` after it.
fn asked(text: &str) -> Result<Vec<Asked<'_>>, String> {
    let mut asked: Vec<Asked<'_>> = Vec::new();
    let mut release = "";
    for line in text.lines().map(str::trim) {
        if line.starts_with("https://") || line.starts_with("http://") {
            asked.push(Asked { url: line, release, sha256: None });
        } else if let Some(digest) = line.strip_prefix("sha256 ") {
            let of = asked.last_mut().filter(|of| of.sha256.is_none());
            let of = of.ok_or_else(|| format!("`{}` follows no URL", excerpt(line, 100)))?;
            of.sha256 = Some(digest.trim().parse().map_err(|error| format!("{}: {error}", of.url))?);
        } else if let Some((_, build)) = line.split_once(", build ") {
            release = build;
        } else if line.starts_with("and ") && line.ends_with(" more, listed in art-mirror-validate.json") {
            return Err("it leaves files out; mirror these artifacts from the document".to_owned());
        }
    }
    Ok(asked)
}

/// The name that the sync job gives a file, and the second one without any version.
fn renamed(file_name: &str, arch: Arch, build: &BuildId, version: &str) -> (String, Option<String>) {
    let unversioned = file_name.replacen(&format!("-{build}"), "", 1);
    let link = (unversioned != file_name).then_some(unversioned);
    if version == build.as_str() {
        return (file_name.to_owned(), link);
    }
    let release =
        if version.contains(arch.rpm_name()) { version.to_owned() } else { format!("{version}-{arch}") };
    (file_name.replacen(build.as_str(), &release, 1), link)
}
