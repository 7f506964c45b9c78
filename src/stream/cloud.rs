//! The cloud references of a document: images that a cloud has, under `images` and `rhel-coreos-extensions`.

use std::collections::HashMap;
use std::sync::Arc;

use super::{Artifact, CloudImage, Document};

/// One image, or the images of one platform that only its own account can see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CloudReference {
    pub arch: Arc<str>,
    /// Where below it: `images/kubevirt`, `images/powervs/au-syd`, `extensions/azure-disk`.
    pub place: String,
    /// The `release`, a build ID, where it has one of its own.
    pub release: Option<String>,
    pub resource: CloudResource,
    /// The release of the platform's artifacts, where the document has any.
    pub artifact_release: Option<Arc<str>>,
}

/// What a cloud reference names. The texts are as the document has them, and empty where it has none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CloudResource {
    /// A blob in Azure's storage.
    Blob { url: String },
    /// An object in IBM Cloud's object storage.
    Object {
        /// The region that the document has it under.
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
    /// Images that cannot be seen without an account.
    Account(Vec<AccountImage>),
}

/// An image that cannot be seen without an account.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AccountImage {
    /// The region, for clouds that have an image for each.
    pub region: Option<String>,
    pub release: Option<String>,
    /// The image's id (`image`) or name (`name`).
    pub image: String,
    /// GCP's project.
    pub project: Option<String>,
}

impl CloudReference {
    /// The reference's id within its document, such as `x86_64/images/kubevirt`.
    pub fn id(&self) -> String {
        format!("{}/{}", self.arch, self.place)
    }

    /// The name of its cloud as platforms have it: `aws` for `images/aws` and `extensions/aws-winli`.
    pub fn platform(&self) -> &str {
        platform(self.place.split('/').nth(1).unwrap_or_default())
    }
}

/// The platform of artifacts that a cloud's images are made from.
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
            let Some(at) = At::of(&value.path) else { continue };
            let index = *known.entry((Arc::clone(&value.arch), at.place())).or_insert_with(|| {
                references.push(self.begin(value, &at));
                references.len() - 1
            });
            if let Some(reference) = references.get_mut(index) {
                reference.take(&at, &value.value);
            }
        }
        references
    }

    fn begin(&self, value: &CloudImage, at: &At<'_>) -> CloudReference {
        let of_platform = |artifact: &&Artifact| {
            artifact.id.arch == value.arch && &*artifact.id.platform == platform(at.cloud)
        };
        CloudReference {
            arch: Arc::clone(&value.arch),
            place: at.place(),
            release: None,
            resource: at.resource(),
            artifact_release: self.artifacts.iter().find(of_platform).map(|it| Arc::clone(&it.release)),
        }
    }
}

/// Where a value stands: `images.powervs.regions.au-syd.url`.
struct At<'p> {
    section: &'static str,
    cloud: &'p str,
    region: Option<&'p str>,
    field: &'p str,
}

impl<'p> At<'p> {
    fn of(path: &'p str) -> Option<Self> {
        let (section, rest) = match path.split_once('.')? {
            ("images", rest) => ("images", rest),
            (_, rest) => ("extensions", rest),
        };
        let (cloud, rest) = rest.split_once('.').unwrap_or((rest, ""));
        // A region's name may have dots in it if somebody wants to see what happens.
        match rest.strip_prefix("regions.").and_then(|rest| rest.rsplit_once('.')) {
            Some((region, field)) => Some(Self { section, cloud, region: Some(region), field }),
            None => Some(Self { section, cloud, region: None, field: rest }),
        }
    }

    /// Whether the region's object can be asked for without an account.
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
    fn take(&mut self, at: &At<'_>, value: &str) {
        let into = match (&mut self.resource, at.field) {
            (CloudResource::Account(images), field) => {
                let region = at.region.map(str::to_owned);
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
    fn values_come_together_to_references() {
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
