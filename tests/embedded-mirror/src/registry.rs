//! A small container registry (OCI distribution specification) with manifests by digest and by tag, and anonymous
//! token authentication.

use data_encoding::HEXLOWER;

use crate::artifact::sha256;
use crate::mirror::Mirror;
use crate::resource::Resource;

/// A registry on a mirror with TLS.
#[derive(Debug, Clone)]
pub struct Registry<'m> {
    mirror: &'m Mirror,
    /// The public scheme and host, for the URL of the token service.
    origin: String,
}

/// The token that the registry issues to everyone and requires for manifests.
const TOKEN: &str = "eyJhbGciOiJSUzI1NiJ9.anybody-may.pull_it";

/// The path of the token service.
const TOKEN_PATH: &str = "/v2/auth";

impl<'m> Registry<'m> {
    /// A registry on this mirror.
    pub fn new(mirror: &'m Mirror) -> Self {
        Self::at(mirror, &format!("https://{}", mirror.addr()))
    }

    /// A registry on this mirror with another public scheme and host.
    pub fn at(mirror: &'m Mirror, origin: &str) -> Self {
        mirror.put(
            TOKEN_PATH,
            Resource::bytes(format!("{{\"token\": \"{TOKEN}\"}}")).content_type("application/json"),
        );
        Self { mirror, origin: origin.to_owned() }
    }

    /// Adds a manifest to a repository, under its digest and an optional tag. Returns the reference by digest.
    pub fn put(&self, repository: &str, tag: Option<&str>, manifest: &str) -> String {
        let digest = format!("sha256:{}", HEXLOWER.encode(&sha256(manifest.as_bytes())));
        for reference in tag.into_iter().chain([&*digest]) {
            self.put_at(
                repository,
                reference,
                Resource::bytes(manifest.to_owned()).header("docker-content-digest", &digest),
            );
        }
        format!("{}/{repository}@{digest}", self.mirror.addr())
    }

    /// Adds any resource at a manifest's path; it requires the token too.
    pub fn put_at(&self, repository: &str, reference: &str, resource: Resource) {
        let resource = resource.content_type("application/vnd.oci.image.manifest.v1+json");
        let challenge = format!(
            "Bearer realm=\"{}\",service=\"{}\",scope=\"repository:{repository}:pull\"",
            format_args!("{}{TOKEN_PATH}", self.origin),
            self.mirror.addr()
        );
        self.mirror.put(
            &format!("/v2/{repository}/manifests/{reference}"),
            resource.wants_bearer(TOKEN, &challenge),
        );
    }
}
