//! The known hosts: where a merged document can have its artifacts, and who fills each host.

use super::artifact_url::ArtifactUrl;

/// The hosts that a merged document can name: ART's public mirror, ART's CDN, Fedora's host.
pub const PUBLISHED_HOSTS: [&str; 3] =
    ["mirror.openshift.com", "rhcos.mirror.openshift.com", "builds.coreos.fedoraproject.org"];

/// The bridge of 2021, default prefix of `OPENSHIFT_INSTALL_CI_COREOS_BOOTIMAGES=1`.
pub const BRIDGE_2021: &str = "https://releases-art-rhcos.svc.ci.openshift.org/art/storage/releases";

/// The hosts of the bridge servers: the one of 2021, and its successor.
pub const BRIDGE_HOSTS: [&str; 2] =
    ["releases-art-rhcos.svc.ci.openshift.org", "rhcos-redirector.apps.art.xq1c.p1.openshiftapps.com"];

/// ART's public mirror, which its sync job fills.
pub const PUBLIC_MIRROR: &str = "https://mirror.openshift.com/pub/openshift-v4";

/// The bucket behind ART's CDN, to which clients in EC2 address ranges are redirected.
const REDIRECT_BUCKET: &str = "art-rhcos-ci";

/// How the gate treats a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HostKind {
    /// One of [`PUBLISHED_HOSTS`].
    Published,
    /// An internal bridge server: e2e jobs use it, and a merged document must not.
    Bridge,
    /// The S3 bucket behind a published host. Redirects to it are followed; a document must not name it.
    RedirectTarget,
    /// Any other host.
    Other,
}

impl HostKind {
    /// The kind of a host in lower case and without a port, as returned by [`url::Url::host_str`].
    pub fn of(host: &str) -> Self {
        if PUBLISHED_HOSTS.contains(&host) {
            Self::Published
        } else if BRIDGE_HOSTS.contains(&host) {
            Self::Bridge
        } else if is_redirect_bucket(host) {
            Self::RedirectTarget
        } else {
            Self::Other
        }
    }
}

/// Who uploads the files of a published location, and so can correct them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// ART's sync job: `mirror.openshift.com`.
    SyncJob,
    /// The build pipeline, into its own bucket: `rhcos.mirror.openshift.com`.
    Pipeline,
    /// Fedora's pipeline: `builds.coreos.fedoraproject.org`.
    Fedora,
    /// Anybody else.
    Other,
}

impl Owner {
    /// Who fills a host.
    pub fn of_host(host: &str) -> Self {
        match host {
            "mirror.openshift.com" => Self::SyncJob,
            "rhcos.mirror.openshift.com" => Self::Pipeline,
            "builds.coreos.fedoraproject.org" => Self::Fedora,
            _ => Self::Other,
        }
    }

    /// Who fills a location, by its path: other mirrors use the layouts of the public ones.
    pub fn of_path(url: &ArtifactUrl) -> Self {
        if bucket_directory(url).is_some() {
            Self::Pipeline
        } else if url.directory().contains("/dependencies/rhcos/") {
            Self::SyncJob
        } else {
            Self::Other
        }
    }
}

/// The directory inside the build pipeline's bucket, for a URL below `/art/storage/`.
pub fn bucket_directory(url: &ArtifactUrl) -> Option<&str> {
    url.url().path().strip_suffix(url.file_name())?.strip_prefix("/art/storage/")
}

/// The hosts that cloud references can name, by kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CloudHost {
    /// The pipeline's storage account in Azure.
    AzureBlob,
    /// IBM Cloud Object Storage: one host per region, with the bucket in the path.
    IbmObject,
    /// The registry of boot images.
    Registry,
}

impl CloudHost {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::AzureBlob, Self::IbmObject, Self::Registry];

    /// Whether a host, as returned by [`url::Url::host_str`], is of this kind.
    pub fn is(self, host: &str) -> bool {
        match self {
            Self::AzureBlob => host == "rhcos.blob.core.windows.net",
            Self::IbmObject => {
                let region = host
                    .strip_prefix("s3.")
                    .and_then(|rest| rest.strip_suffix(".cloud-object-storage.appdomain.cloud"));
                region.is_some_and(|it| it.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'))
            }
            Self::Registry => host == "quay.io",
        }
    }
}

/// `art-rhcos-ci.s3.amazonaws.com`, and the regional and dual-stack host names of the same bucket
/// (Amazon S3 User Guide, "Virtual hosting of buckets").
fn is_redirect_bucket(host: &str) -> bool {
    let Some(endpoint) = host
        .strip_prefix(REDIRECT_BUCKET)
        .and_then(|rest| rest.strip_prefix('.'))
        .and_then(|rest| rest.strip_suffix(".amazonaws.com"))
    else {
        return false;
    };
    let labels: Vec<&str> = endpoint.split('.').collect();
    match labels.as_slice() {
        ["s3"] => true,
        ["s3", region] | ["s3", "dualstack", region] => is_region(region),
        [legacy] => legacy.strip_prefix("s3-").is_some_and(is_region),
        _ => false,
    }
}

/// Whether a label is a region of AWS's commercial partition, such as `us-east-1`. In another partition, somebody
/// else can own a bucket of this name (botocore's `partitions.json`, `regionRegex` of `aws`).
fn is_region(label: &str) -> bool {
    let [area, direction, number] = label.split('-').collect::<Vec<_>>()[..] else { return false };
    matches!(area, "us" | "eu" | "ap" | "sa" | "ca" | "me" | "af" | "il" | "mx")
        && !direction.is_empty()
        && direction.bytes().all(|byte| byte.is_ascii_lowercase())
        && !number.is_empty()
        && number.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_known_by_their_whole_name() {
        use HostKind::{Bridge, Other, Published, RedirectTarget};
        let cases = [
            ("mirror.openshift.com", Published),
            ("rhcos.mirror.openshift.com", Published),
            ("builds.coreos.fedoraproject.org", Published),
            ("releases-art-rhcos.svc.ci.openshift.org", Bridge),
            ("rhcos-redirector.apps.art.xq1c.p1.openshiftapps.com", Bridge),
            ("art-rhcos-ci.s3.amazonaws.com", RedirectTarget),
            ("art-rhcos-ci.s3.us-east-1.amazonaws.com", RedirectTarget),
            ("art-rhcos-ci.s3-us-west-2.amazonaws.com", RedirectTarget),
            ("art-rhcos-ci.s3.dualstack.eu-central-1.amazonaws.com", RedirectTarget),
            ("art-rhcos-ci.s3.ap-southeast-2.amazonaws.com", RedirectTarget),
            ("art-rhcos-ci.s3.us-gov-west-1.amazonaws.com", Other),
            ("art-rhcos-ci.s3-us-gov-west-1.amazonaws.com", Other),
            ("art-rhcos-ci.s3.us-iso-east-1.amazonaws.com", Other),
            ("art-rhcos-ci.s3.cn-north-1.amazonaws.com", Other),
            ("art-rhcos-ci.s3.cn-north-1.amazonaws.com.cn", Other),
            ("art-rhcos-ci.s3.eusc-de-east-1.amazonaws.com", Other),
            ("art-rhcos-ci.s3.us-east.amazonaws.com", Other),
            ("art-rhcos-ci.s3.us--1.amazonaws.com", Other),
            ("art-rhcos-ci.s3.evil.amazonaws.com", Other),
            ("art-rhcos-ci.s3-website.amazonaws.com", Other),
            ("art-rhcos-ci.s3.amazonaws.com.evil.example", Other),
            ("art-rhcos-ci.ec2-1-2-3-4.compute-1.amazonaws.com", Other),
            ("evil.art-rhcos-ci.s3.amazonaws.com", Other),
            ("other.s3.amazonaws.com", Other),
            ("mirror.openshift.com.", Other),
            ("notmirror.openshift.com", Other),
            ("xmirror.openshift.com.evil.example", Other),
            ("", Other),
        ];
        for (host, kind) in cases {
            assert_eq!(HostKind::of(host), kind, "{host}");
        }
    }

    #[test]
    fn a_place_is_filled_by_whom_its_host_or_its_path_names() {
        for (host, owner) in [
            ("mirror.openshift.com", Owner::SyncJob),
            ("rhcos.mirror.openshift.com", Owner::Pipeline),
            ("builds.coreos.fedoraproject.org", Owner::Fedora),
            ("mirror.example", Owner::Other),
        ] {
            assert_eq!(Owner::of_host(host), owner, "{host}");
        }
        for (path, owner, bucket) in [
            ("art/storage/prod/streams/f", Owner::Pipeline, Some("prod/streams/")),
            ("art/storage/f", Owner::Pipeline, Some("")),
            ("x/art/storage/f", Owner::Other, None),
            ("pub/x86_64/dependencies/rhcos/4.8/f", Owner::SyncJob, None),
            ("f", Owner::Other, None),
        ] {
            let url = ArtifactUrl::parse(&format!("https://h/{path}")).unwrap();
            assert_eq!((Owner::of_path(&url), bucket_directory(&url)), (owner, bucket), "{path}");
        }
    }

    #[test]
    fn the_hosts_of_a_cloud_are_known_by_their_whole_name() {
        use CloudHost::{AzureBlob, IbmObject, Registry};
        for (host, kind) in [
            ("rhcos.blob.core.windows.net", Some(AzureBlob)),
            ("s3.au-syd.cloud-object-storage.appdomain.cloud", Some(IbmObject)),
            ("s3.us.cloud-object-storage.appdomain.cloud", Some(IbmObject)),
            ("quay.io", Some(Registry)),
            ("evil.blob.core.windows.net", None),
            ("s3.evil.us.cloud-object-storage.appdomain.cloud", None),
            ("s3.us_1.cloud-object-storage.appdomain.cloud", None),
            ("s3.us.cloud-object-storage.appdomain.cloud.evil.example", None),
            ("evil.quay.io", None),
            ("", None),
        ] {
            let kinds: Vec<CloudHost> = CloudHost::ALL.into_iter().filter(|kind| kind.is(host)).collect();
            assert_eq!(kinds, Vec::from_iter(kind), "{host}");
        }
    }
}
