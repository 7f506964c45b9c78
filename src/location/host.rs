//! The hosts of the field: which of them are places a merged document may name, and who fills each.

use super::artifact_url::ArtifactUrl;

/// The hosts where a merged document's artifacts may be: ART's public mirror, ART's CDN, Fedora's own.
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

/// What a host is to the gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HostKind {
    /// One of [`PUBLISHED_HOSTS`].
    Published,
    /// An internal bridge server: good for e2e jobs, never for a merge.
    Bridge,
    /// The S3 bucket behind a published host. A redirect may lead there; a document may not name it.
    RedirectTarget,
    /// Any other host.
    Other,
}

impl HostKind {
    /// The kind of a host, given in lower case and without a port, as [`url::Url::host_str`] has it.
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

/// Who puts files where they are published, and so can correct what is wrong there.
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

    /// Who fills a place as its path tells: mirrors elsewhere are laid out like the public ones.
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

/// The directory below the build pipeline's bucket that a place shows, if it is one of those.
pub fn bucket_directory(url: &ArtifactUrl) -> Option<&str> {
    url.url().path().strip_suffix(url.file_name())?.strip_prefix("/art/storage/")
}

/// Where cloud references may be, by their kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CloudHost {
    /// The storage account of the pipeline in Azure.
    AzureBlob,
    /// IBM Cloud Object Storage: a host for each region, and buckets in the path.
    IbmObject,
    /// The registries with boot images.
    Registry,
}

impl CloudHost {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::AzureBlob, Self::IbmObject, Self::Registry];

    /// Whether a host, as [`url::Url::host_str`] has it, is of this kind.
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

/// `art-rhcos-ci.s3.amazonaws.com`, and the regional and dual-stack forms of the same bucket's name
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

/// `us-east-1`: a region of AWS's commercial partition, the one that the bucket is in. In another partition the same
/// name may be anybody's bucket (botocore's `partitions.json`, `regionRegex` of `aws`).
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
