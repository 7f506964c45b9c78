//! The cloud references of a document: images in clouds, from `images` and `rhel-coreos-extensions`.

use std::collections::HashMap;
use std::sync::Arc;

use super::{Artifact, CloudImage, Document};

/// One image, or all images of a platform that need an account to be seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CloudReference {
    pub arch: Arc<str>,
    /// The path below the architecture: `images/kubevirt`, `images/powervs/au-syd`, `extensions/azure-disk`.
    pub place: String,
    /// The reference's own `release`, a build ID, if it has one.
    pub release: Option<String>,
    pub resource: CloudResource,
    /// The release of the platform's artifacts, if the document has any.
    pub artifact_release: Option<Arc<str>>,
}

/// The image of a cloud reference. The texts are those of the document, empty where it has none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CloudResource {
    /// A blob in Azure's storage.
    Blob {
        url: String,
    },
    /// An object in IBM Cloud's object storage.
    Object {
        /// The region under which the document lists it.
        region: String,
        bucket: String,
        object: String,
        url: String,
    },
    Container {
        /// The image by tag.
        image: String,
        /// The image by digest.
        digest_ref: String,
    },
    Account(Vec<AccountImage>),
}

/// An image that cannot be seen without an account.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AccountImage {
    /// The region, in clouds with an image per region.
    pub region: Option<String>,
    pub release: Option<String>,
    /// The value of `image` (an ID) or `name`.
    pub image: String,
    /// GCP's project.
    pub project: Option<String>,
}

impl CloudReference {
    /// The reference's id within its document, such as `x86_64/images/kubevirt`.
    pub fn id(&self) -> String {
        format!("{}/{}", self.arch, self.place)
    }

    /// The platform of its cloud: `aws` for `images/aws` and `extensions/aws-winli`.
    pub fn platform(&self) -> &str {
        platform(self.place.split('/').nth(1).unwrap_or_default())
    }
}

/// The platform of the artifacts that a cloud's images are made from.
fn platform(cloud: &str) -> &str {
    match cloud {
        "azure-disk" => "azure",
        "aws-winli" => "aws",
        other => other,
    }
}

impl Document {
    /// The cloud references, in the document's order.
    pub fn cloud_references(&self) -> Vec<CloudReference> {
        let mut references: Vec<CloudReference> = Vec::new();
        let mut known: HashMap<(Arc<str>, String), usize> = HashMap::new();
        for value in &self.cloud_images {
            let Some(path) = ValuePath::of(&value.path) else { continue };
            let index = *known.entry((Arc::clone(&value.arch), path.place())).or_insert_with(|| {
                references.push(self.begin(value, &path));
                references.len() - 1
            });
            if let Some(reference) = references.get_mut(index) {
                reference.take(&path, &value.value);
            }
        }
        references
    }

    fn begin(&self, value: &CloudImage, path: &ValuePath<'_>) -> CloudReference {
        let of_platform = |artifact: &&Artifact| {
            artifact.id.arch == value.arch && &*artifact.id.platform == platform(path.cloud)
        };
        CloudReference {
            arch: Arc::clone(&value.arch),
            place: path.place(),
            release: None,
            resource: path.resource(),
            artifact_release: self.artifacts.iter().find(of_platform).map(|it| Arc::clone(&it.release)),
        }
    }
}

/// The parsed path of a value, such as `images.powervs.regions.au-syd.url`.
struct ValuePath<'p> {
    section: &'static str,
    cloud: &'p str,
    region: Option<&'p str>,
    field: &'p str,
}

impl<'p> ValuePath<'p> {
    fn of(path: &'p str) -> Option<Self> {
        let (section, rest) = match path.split_once('.')? {
            ("images", rest) => ("images", rest),
            (_, rest) => ("extensions", rest),
        };
        let (cloud, rest) = rest.split_once('.').unwrap_or((rest, ""));
        // In a hostile document, a region's name can contain dots.
        match rest.strip_prefix("regions.").and_then(|rest| rest.rsplit_once('.')) {
            Some((region, field)) => Some(Self { section, cloud, region: Some(region), field }),
            None => Some(Self { section, cloud, region: None, field: rest }),
        }
    }

    /// Whether the region has an object that can be requested without an account.
    fn is_object(&self) -> bool {
        matches!(self.cloud, "powervs" | "ibmcloud") && self.section == "images"
    }

    fn place(&self) -> String {
        let Self { section, cloud, .. } = self;
        match self.region.filter(|_| self.is_object()) {
            Some(region) => format!("{section}/{cloud}/{region}"),
            None => format!("{section}/{cloud}"),
        }
    }

    fn resource(&self) -> CloudResource {
        match (self.section, self.cloud, self.region) {
            ("extensions", "azure-disk", _) => CloudResource::Blob { url: String::new() },
            ("images", "kubevirt", _) => {
                CloudResource::Container { image: String::new(), digest_ref: String::new() }
            }
            (_, _, Some(region)) if self.is_object() => CloudResource::Object {
                region: region.to_owned(),
                bucket: String::new(),
                object: String::new(),
                url: String::new(),
            },
            _ => CloudResource::Account(Vec::new()),
        }
    }
}

impl CloudReference {
    fn take(&mut self, path: &ValuePath<'_>, value: &str) {
        let into = match (&mut self.resource, path.field) {
            (CloudResource::Account(images), field) => {
                let region = path.region.map(str::to_owned);
                if images.last().is_none_or(|image| image.region != region) {
                    images.push(AccountImage { region, ..AccountImage::default() });
                }
                let Some(image) = images.last_mut() else { return };
                match field {
                    "release" => image.release = Some(value.to_owned()),
                    "image" | "name" => value.clone_into(&mut image.image),
                    "project" => image.project = Some(value.to_owned()),
                    _ => {}
                }
                return;
            }
            (_, "release") => {
                self.release = Some(value.to_owned());
                return;
            }
            (CloudResource::Blob { url } | CloudResource::Object { url, .. }, "url") => url,
            (CloudResource::Object { bucket, .. }, "bucket") => bucket,
            (CloudResource::Object { object, .. }, "object") => object,
            (CloudResource::Container { image, .. }, "image") => image,
            (CloudResource::Container { digest_ref, .. }, "digest-ref") => digest_ref,
            _ => return,
        };
        value.clone_into(into);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_grouped_into_references() {
        let digest = "f6e4458958f38a7bccae4a89a73134d431b86b183ebcf76542446c959fa2d520";
        let text = format!(
            r#"{{"stream": "s", "architectures": {{"x86_64": {{
                "artifacts": {{"azure": {{"release": "1", "formats": {{"vhd.gz": {{"disk":
                    {{"location": "https://h/f", "sha256": "{digest}"}}}}}}}}}},
                "images": {{
                    "aws": {{"regions": {{
                        "us-east-1": {{"release": "1", "image": "ami-1"}},
                        "us-east-2": {{"release": "2", "image": "ami-2"}}}}}},
                    "gcp": {{"project": "p", "name": "n"}},
                    "kubevirt": {{"image": "quay.io/a:t", "digest-ref": "quay.io/a@sha256:{digest}", "release": "1"}},
                    "powervs": {{"regions": {{
                        "au-syd": {{"object": "o", "bucket": "b", "url": "https://h/b/o", "release": "1"}},
                        "a.b": {{"url": "https://h"}}}}}}}},
                "rhel-coreos-extensions": {{"azure-disk": {{"release": "2", "url": "https://h/blob"}},
                    "marketplace": {{"azure": {{"offer": "x"}}}}}}}}}}}}"#
        );
        let document = Document::parse("d.json", text.as_bytes()).unwrap();
        let references = document.cloud_references();
        let ids: Vec<String> = references.iter().map(CloudReference::id).collect();
        assert_eq!(
            ids,
            [
                "x86_64/images/aws",
                "x86_64/images/gcp",
                "x86_64/images/kubevirt",
                "x86_64/images/powervs/au-syd",
                "x86_64/images/powervs/a.b",
                "x86_64/extensions/azure-disk",
                "x86_64/extensions/marketplace",
            ]
        );
        let CloudResource::Account(images) = &references[0].resource else { panic!("{references:?}") };
        let of_region = |region: &str, release: &str, image: &str| AccountImage {
            region: Some(region.to_owned()),
            release: Some(release.to_owned()),
            image: image.to_owned(),
            project: None,
        };
        assert_eq!(images, &[of_region("us-east-1", "1", "ami-1"), of_region("us-east-2", "2", "ami-2")]);
        let blob = &references[5];
        assert_eq!(blob.resource, CloudResource::Blob { url: "https://h/blob".to_owned() });
        assert_eq!((blob.release.as_deref(), blob.artifact_release.as_deref()), (Some("2"), Some("1")));
        let CloudResource::Object { region, bucket, object, url } = &references[3].resource else { panic!() };
        assert_eq!([region, bucket, object, url], ["au-syd", "b", "o", "https://h/b/o"]);
        let CloudResource::Container { image, digest_ref } = &references[2].resource else { panic!() };
        assert!(image == "quay.io/a:t" && digest_ref.ends_with(digest));
    }
}
