//! How a stream document must describe a build, derived from the build's `meta.json`.
//!
//! coreos-assembler makes documents from `meta.json` (`generate-release-meta`, then `plume cosa2stream`): an image's
//! name gives platform and format, the cloud uploads give the cloud images. What documents regularly omit is not
//! reported: images without a platform (`ostree`, `dasd`, `oscontainer`, `legacy-oscontainer`,
//! `extensions-container`, `oci-manifest`, `ignition-gpg-key`), the upload URL of GCP, the image name of Azure, and
//! the release (before 2022) and family of GCP's image.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Artifact, Document};
use crate::text::{count, excerpt};

/// The most values of a build's cloud uploads. Real builds have about 300.
const MAX_VALUES: usize = 4000;

/// The most bytes of these values and their paths together. Real builds have less than 30 KiB.
const MAX_BYTES: usize = 256 * 1024;

/// The longest value, in bytes.
const MAX_VALUE_BYTES: usize = 1024;

/// The most differences of a kind that are listed.
const MAX_DIFFERENCES: usize = 10;

/// The images that are the disk of the platform of the same name.
const PLATFORMS: [&str; 24] = [
    "aliyun",
    "applehv",
    "aws",
    "azure",
    "azurestack",
    "digitalocean",
    "exoscale",
    "gcp",
    "hetzner",
    "hyperv",
    "ibmcloud",
    "kubevirt",
    "metal",
    "nutanix",
    "nvidiabluefield",
    "openstack",
    "oraclecloud",
    "powervs",
    "proxmoxve",
    "qemu",
    "qemu-secex",
    "virtualbox",
    "vmware",
    "vultr",
];

/// The images of the platform `metal`: their name, format and component.
const METAL: [(&str, &str, &str); 7] = [
    ("live-iso", "iso", "disk"),
    ("live-kernel", "pxe", "kernel"),
    ("live-initramfs", "pxe", "initramfs"),
    ("live-rootfs", "pxe", "rootfs"),
    ("iso", "installer.iso", "disk"),
    ("kernel", "installer-pxe", "kernel"),
    ("initramfs", "installer-pxe", "initramfs"),
];

/// The keys of `meta.json` with cloud uploads.
pub(super) const CLOUDS: [&str; 8] =
    ["aliyun", "amis", "aws-winli", "azure", "gcp", "ibmcloud", "kubevirt", "powervs"];

/// The paths of cloud images in documents, below the architecture.
const CLOUD_PATHS: [&str; 8] = [
    "images.aliyun",
    "images.aws",
    "images.gcp",
    "images.ibmcloud",
    "images.kubevirt",
    "images.powervs",
    "rhel-coreos-extensions.aws-winli",
    "rhel-coreos-extensions.azure-disk",
];

/// Platform, format and component.
type ComponentKey = (String, String, String);

/// The values of a `meta.json` that make a [`DocumentBuild`].
#[derive(Debug, Default)]
pub(super) struct MetaJson {
    pub(super) id: Option<String>,
    pub(super) arch: Option<String>,
    images: BTreeMap<String, String>,
    /// The path of keys and the value of each scalar of the cloud uploads.
    values: Vec<(Vec<String>, String)>,
    bytes: usize,
    is_too_wide: bool,
}

impl MetaJson {
    pub(super) fn image(&mut self, name: &str, path: &str) {
        let is_known = PLATFORMS.contains(&name) || name == "metal4k" || METAL.iter().any(|it| it.0 == name);
        if is_known && path.len() <= MAX_VALUE_BYTES {
            self.images.insert(name.to_owned(), path.to_owned());
        }
    }

    /// Adds a value of a cloud upload. Beyond the limits, no build is derived.
    pub(super) fn value(&mut self, path: &[String], value: &str) {
        let bytes = value.len() + path.iter().map(String::len).sum::<usize>();
        self.bytes = self.bytes.saturating_add(bytes);
        let fits =
            self.values.len() < MAX_VALUES && self.bytes <= MAX_BYTES && value.len() <= MAX_VALUE_BYTES;
        if fits {
            self.values.push((path.to_vec(), value.to_owned()));
        } else {
            self.is_too_wide = true;
        }
    }

    /// The build, if the metadata has its ID, architecture and images.
    pub(super) fn finish(self) -> Option<DocumentBuild> {
        let (id, arch) = (self.id?, self.arch?);
        (!self.is_too_wide).then_some(())?;
        let key = |(name, path): (&String, &String)| Some((component_key(name, path, &arch)?, path.clone()));
        let components: BTreeMap<ComponentKey, String> = self.images.iter().filter_map(key).collect();
        let mut build = DocumentBuild { components, cloud: BTreeMap::new(), id, arch };
        build.read_cloud(&self.values);
        (!build.components.is_empty()).then_some(build)
    }
}

fn component_key(name: &str, path: &str, arch: &str) -> Option<ComponentKey> {
    let place = |platform: &str, format: &str, component: &str| {
        (platform.to_owned(), format.to_owned(), component.to_owned())
    };
    if let Some((_, format, component)) = METAL.iter().find(|it| it.0 == name) {
        return Some(place("metal", format, component));
    }
    let (_, format) = path.rsplit_once(&format!("{name}.{arch}."))?;
    Some(if name == "metal4k" {
        place("metal", &format!("4k.{format}"), "disk")
    } else {
        place(name, format, "disk")
    })
}

/// A build as a document must describe it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentBuild {
    id: String,
    arch: String,
    components: BTreeMap<ComponentKey, String>,
    /// The values of the cloud images by path below the architecture.
    cloud: BTreeMap<String, String>,
}

/// The content of a document for one architecture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claims {
    arch: Arc<str>,
    components: BTreeSet<(Arc<str>, Arc<str>, Arc<str>)>,
    cloud: BTreeMap<String, String>,
    /// The number of values beyond the limits.
    more: usize,
}

impl Claims {
    pub fn of(document: &Document) -> BTreeMap<Arc<str>, Arc<Self>> {
        let mut all: BTreeMap<Arc<str>, Self> = BTreeMap::new();
        let new = |arch: &Arc<str>| Self {
            arch: Arc::clone(arch),
            components: BTreeSet::new(),
            cloud: BTreeMap::new(),
            more: 0,
        };
        for Artifact { id, .. } in &document.artifacts {
            let place = (Arc::clone(&id.platform), Arc::clone(&id.format), Arc::clone(&id.component));
            all.entry(Arc::clone(&id.arch)).or_insert_with(|| new(&id.arch)).components.insert(place);
        }
        for image in &document.cloud_images {
            let Some(claims) = all.get_mut(&image.arch) else { continue };
            if !CLOUD_PATHS.iter().any(|place| is_below(&image.path, place)) {
                continue;
            }
            if claims.cloud.len() < MAX_VALUES && image.path.len() <= MAX_VALUE_BYTES {
                claims.cloud.insert(image.path.clone(), excerpt(&image.value, MAX_VALUE_BYTES));
            } else {
                claims.more += 1;
            }
        }
        all.into_iter().map(|(arch, claims)| (arch, Arc::new(claims))).collect()
    }
}

/// The part of a document to compare with the `meta.json` beside an artifact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetaJsonClaim {
    pub id: super::ArtifactId,
    pub release: Arc<str>,
    pub file_name: Box<str>,
    /// The document's content for the architecture; only one artifact of each architecture has it.
    pub claims: Option<Arc<Claims>>,
}

/// How a document differs from a build.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Differences {
    /// Values that contradict each other, one sentence each.
    pub contradictions: Vec<String>,
    /// What the document leaves out, one sentence each.
    pub omissions: Vec<String>,
}

impl DocumentBuild {
    /// Compares the document with this build, whose `meta.json` is beside the artifact.
    pub fn compare(&self, claim: &MetaJsonClaim) -> Differences {
        let mut differences = Differences::default();
        let contradiction = self.artifact_contradiction(claim);
        if let (None, Some(claims)) = (&contradiction, &claim.claims) {
            self.compare_architecture(claims, &mut differences);
        }
        differences.contradictions.extend(contradiction);
        bound(&mut differences.contradictions);
        bound(&mut differences.omissions);
        differences
    }

    fn artifact_contradiction(&self, claim: &MetaJsonClaim) -> Option<String> {
        let MetaJsonClaim { id, release, file_name, .. } = claim;
        if *self.arch != *id.arch {
            return Some(format!("meta.json beside it is of {}", excerpt(&self.arch, 80)));
        }
        if *self.id != **release {
            let (is, said) = (excerpt(&self.id, 80), excerpt(release, 80));
            return Some(format!("meta.json beside it is of build {is}, the document says {said}"));
        }
        let place = (id.platform.to_string(), id.format.to_string(), id.component.to_string());
        let is_named_by_build = file_name.contains(&*self.id);
        match self.components.get(&place) {
            Some(file) if is_named_by_build && **file != **file_name => {
                let (is, said) = (excerpt(file, 200), excerpt(file_name, 200));
                Some(format!("meta.json says its file is {is}, the document says {said}"))
            }
            Some(_) => None,
            None => Some(format!("meta.json of build {} has no such image", excerpt(&self.id, 80))),
        }
    }

    fn compare_architecture(&self, claims: &Claims, differences: &mut Differences) {
        let arch = excerpt(&claims.arch, 80);
        for (platform, format, component) in self.components.keys() {
            let place = (platform.as_str().into(), format.as_str().into(), component.as_str().into());
            if !claims.components.contains(&place) {
                let id = excerpt(&format!("{arch}/{platform}/{format}/{component}"), 200);
                differences.omissions.push(format!("the document lacks {id}, which the build has"));
            }
        }
        if claims.more > 0 {
            let values = count(claims.more, "more value");
            differences
                .contradictions
                .push(format!("the document has {values} of {arch} images than any build"));
        }
        for (path, said) in &claims.cloud {
            let place = excerpt(&format!("{arch} {path}"), 200);
            match self.cloud.get(path) {
                Some(is) if excerpt(is, MAX_VALUE_BYTES) != *said => {
                    let (is, said) = (excerpt(is, 200), excerpt(said, 200));
                    differences
                        .contradictions
                        .push(format!("meta.json says {place} is {is}, the document says {said}"));
                }
                Some(_) => {}
                None => {
                    let said = excerpt(said, 200);
                    differences
                        .contradictions
                        .push(format!("meta.json has no {place}, the document says {said}"));
                }
            }
        }
        let mut left_out: BTreeSet<&str> = BTreeSet::new();
        for path in self.cloud.keys().filter(|path| !claims.cloud.contains_key(*path)) {
            let (group, _) = path.rsplit_once('.').unwrap_or((path, ""));
            let has_group =
                claims.cloud.range(format!("{group}.")..).next().is_some_and(|it| is_below(it.0, group));
            if !has_group {
                left_out.insert(group);
            } else if !matches!(path.as_str(), "images.gcp.release" | "images.gcp.family") {
                left_out.insert(path);
            }
        }
        let left_out = left_out.into_iter().map(|path| {
            let place = excerpt(&format!("{arch} {path}"), 200);
            format!("the document lacks {place}, which the build has")
        });
        differences.omissions.extend(left_out);
    }

    /// Maps the values of cloud uploads to their paths in documents.
    fn read_cloud(&mut self, values: &[(Vec<String>, String)]) {
        // Uploads by key and, in a list, by index.
        let mut uploads: BTreeMap<(&str, &str), BTreeMap<&str, &str>> = BTreeMap::new();
        let mut tags: Vec<&str> = Vec::new();
        for (path, value) in values {
            match path.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
                ["kubevirt", "tags", _] => tags.push(value),
                [key, field] => {
                    uploads.entry((key, "")).or_default().insert(field, value);
                }
                [key, index, field] => {
                    uploads.entry((key, index)).or_default().insert(field, value);
                }
                _ => {}
            }
        }
        for ((key, _), upload) in uploads {
            let get = |field: &str| upload.get(field).map(|value| (*value).to_owned());
            let region = |place: &str, field: &str| Some(format!("{place}.regions.{}", upload.get(field)?));
            let (group, fields): (Option<String>, Vec<(&str, Option<String>)>) = match key {
                "amis" => (region("images.aws", "name"), vec![("image", get("hvm"))]),
                "aws-winli" => {
                    (region("rhel-coreos-extensions.aws-winli", "name"), vec![("image", get("hvm"))])
                }
                "aliyun" => (region("images.aliyun", "name"), vec![("image", get("id"))]),
                "ibmcloud" | "powervs" => (
                    region(&format!("images.{key}"), "region"),
                    ["object", "bucket", "url"].map(|field| (field, get(field))).to_vec(),
                ),
                "gcp" => (
                    Some("images.gcp".to_owned()),
                    vec![("name", get("image")), ("project", get("project")), ("family", get("family"))],
                ),
                "azure" => (Some("rhel-coreos-extensions.azure-disk".to_owned()), vec![("url", get("url"))]),
                "kubevirt" => {
                    // The floating tag is the one that does not contain the build ID.
                    let mut moving = tags.iter().filter(|tag| !tag.contains(&self.id));
                    let tag = moving.next().filter(|_| moving.next().is_none());
                    let image = upload.get("image");
                    let tagged = image.zip(tag).map(|(image, tag)| format!("{image}:{tag}"));
                    let digest =
                        image.zip(upload.get("digest")).map(|(image, digest)| format!("{image}@{digest}"));
                    (Some("images.kubevirt".to_owned()), vec![("image", tagged), ("digest-ref", digest)])
                }
                _ => continue,
            };
            let Some(group) = group else { continue };
            for (field, value) in fields.into_iter().chain([("release", Some(self.id.clone()))]) {
                if let Some(value) = value {
                    self.cloud.insert(format!("{group}.{field}"), value);
                }
            }
        }
    }
}

fn is_below(path: &str, place: &str) -> bool {
    path.strip_prefix(place).is_some_and(|rest| rest.starts_with('.'))
}

fn bound(sentences: &mut Vec<String>) {
    let more = sentences.len().saturating_sub(MAX_DIFFERENCES);
    if more > 0 {
        sentences.truncate(MAX_DIFFERENCES);
        sentences.push(format!("{} like these", count(more, "more difference")));
    }
}

#[cfg(test)]
mod tests;
