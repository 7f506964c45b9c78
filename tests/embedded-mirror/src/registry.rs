//! A small container registry (OCI distribution specification): manifests by digest and by tag, for clients that send
//! the token that anyone may fetch.

use data_encoding::HEXLOWER;

use crate::artifact::sha256;
use crate::mirror::Mirror;
use crate::resource::Resource;

/// A registry on a mirror with TLS.
#[derive(Debug, Clone)]
pub struct Registry<'m> {
    mirror: &'m Mirror,
    /// Scheme and host that people know it by.
    origin: String,
}

/// The token that the registry gives to anybody and wants to be shown.
const TOKEN: &str = "eyJhbGciOiJSUzI1NiJ9.anybody-may.pull_it";

/// Where it gives it.
const TOKENS: &str = "/v2/auth";

impl<'m> Registry<'m> {
    /// A registry on this mirror.
    pub fn new(mirror: &'m Mirror) -> Self {
        Self::at(mirror, &format!("https://{}", mirror.addr()))
    }

    /// A registry on this mirror that people know by another scheme and host.
    pub fn at(mirror: &'m Mirror, origin: &str) -> Self {
        mirror.put(
            TOKENS,
            Resource::bytes(format!("{{\"token\": \"{TOKEN}\"}}")).content_type("application/json"),
        );
        Self { mirror, origin: origin.to_owned() }
    }

    /// Puts a manifest into a repository, under its digest and, if there is one, a tag. Returns the reference by
    /// digest.
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

    /// Puts anything where a manifest would be, behind the token.
    pub fn put_at(&self, repository: &str, reference: &str, resource: Resource) {
        let resource = resource.content_type("application/vnd.oci.image.manifest.v1+json");
        let challenge = format!(
            "Bearer realm=\"{}\",service=\"{}\",scope=\"repository:{repository}:pull\"",
            format_args!("{}{TOKENS}", self.origin),
            self.mirror.addr()
        );
        self.mirror.put(
            &format!("/v2/{repository}/manifests/{reference}"),
            resource.wants_bearer(TOKEN, &challenge),
        );
    }
}
