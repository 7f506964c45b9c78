//! Cloud references: what clouds report about public images.
//!
//! A registry takes two requests of our own client (three with a token): a registry library would bring its
//! own client, which does not apply our rules for hosts, addresses, redirects and sizes.

use std::sync::Arc;

use serde::Deserialize;
use url::Url;

use super::answer::{SmallFile, error_observation, small_file};
use super::evidence::Observation;
use super::observe::{FileInfo, observe};
use crate::http::header::{self, HeaderMap};
use crate::http::{
    Ask, Client, ErrorAnswer, Method, ProbeError, ProbeErrorKind, StatusCode, Traffic, probe_error,
};
use crate::location::{ArtifactUrl, CloudHost, ImageRef};
use crate::stream::Sha256;

/// The accepted types of manifest (OCI image specification, and Docker's equivalents).
const MANIFESTS: &str = "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, \
                         application/vnd.docker.distribution.manifest.list.v2+json, \
                         application/vnd.docker.distribution.manifest.v2+json";

/// The longest token that is accepted, in bytes. Quay's have some 700.
const MAX_TOKEN: usize = 8 * 1024;

/// The longest response with a token, in bytes.
const MAX_TOKEN_ANSWER: usize = 32 * 1024;

/// What to request for one cloud reference.
#[derive(Debug, Clone)]
#[expect(clippy::large_enum_variant, reason = "there are a dozen of them")]
pub enum CloudRequest {
    /// A file in Azure's storage.
    Blob(ArtifactUrl),
    /// A file in IBM Cloud's object storage.
    Object(ArtifactUrl),
    /// A manifest by its digest, and the tag that should resolve to it.
    Container {
        /// The image by digest.
        image: ImageRef,
        /// The image by tag.
        tag: Option<ImageRef>,
    },
}

/// What is known about one cloud reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CloudEvidence {
    /// The result of the request for the blob, object or manifest.
    pub image: Observation,
    /// The `x-ms-blob-type` of a blob, if the server reports it.
    pub blob_type: Option<String>,
    /// The manifest's digest as the registry reports it.
    pub digest: Option<Sha256>,
    /// What the tag resolves to; `None` if it was not requested.
    pub tag: Option<Result<Option<Sha256>, ProbeError>>,
    /// Whether the registry shows the image only to clients with an account.
    pub needs_account: bool,
    /// The attempts to request the image.
    pub attempts: u32,
    pub answered_by: Option<Arc<str>>,
}

impl CloudEvidence {
    /// Evidence with an observation alone.
    pub fn only(image: Observation) -> Self {
        Self {
            image,
            blob_type: None,
            digest: None,
            tag: None,
            needs_account: false,
            attempts: 0,
            answered_by: None,
        }
    }
}

/// Gathers the evidence for one cloud reference.
pub(super) async fn ask_cloud(client: &Client, request: &CloudRequest) -> CloudEvidence {
    match request {
        CloudRequest::Blob(url) => stored(client, CloudHost::AzureBlob, url).await,
        CloudRequest::Object(url) => stored(client, CloudHost::IbmObject, url).await,
        CloudRequest::Container { image, tag } => {
            let mut registry = Registry { client, token: None };
            let (image, digest, attempts) = registry.manifest(image).await;
            // Quay answers 401 for a private repository, even with an anonymous token.
            let needs_account = registry.token.is_some()
                && matches!(&image, Observation::Undetermined(error) if error.status == Some(401));
            // The tag is compared with the image, so it is only requested if that is present.
            let tag = match (&image, tag) {
                (Observation::Present { .. }, Some(tag)) => Some(match registry.manifest(tag).await {
                    (Observation::Present { .. }, digest, _) => Ok(digest),
                    (Observation::Absent { .. }, ..) => Ok(None),
                    (other, ..) => Err(other.into_error()),
                }),
                _ => None,
            };
            CloudEvidence { digest, tag, needs_account, attempts, ..CloudEvidence::only(image) }
        }
    }
}

async fn stored(client: &Client, kind: CloudHost, url: &ArtifactUrl) -> CloudEvidence {
    if let Err(refusal) = client.rules().admit_cloud(kind, url) {
        return CloudEvidence::only(Observation::Refused(refusal));
    }
    let FileInfo { observation, blob_type, attempts, answered_by, .. } = observe(client, url.url()).await;
    CloudEvidence { blob_type, attempts, answered_by, ..CloudEvidence::only(observation) }
}

/// A client of one registry (OCI distribution specification).
struct Registry<'c> {
    client: &'c Client,
    /// The token, once the registry has asked for one.
    token: Option<String>,
}

impl Registry<'_> {
    /// Requests a manifest: the observation, the digest that the registry reports, and the attempts.
    async fn manifest(&mut self, image: &ImageRef) -> (Observation, Option<Sha256>, u32) {
        let mut attempts = 0;
        match self.head(image, &mut attempts).await {
            Ok((status, headers)) => {
                let observation = match status {
                    StatusCode::OK => Observation::present(status, None),
                    _ => error_observation(&ErrorAnswer {
                        status,
                        headers: headers.clone(),
                        start: Vec::new(),
                        is_cut: false,
                        attempts,
                    }),
                };
                let digest = headers
                    .get("docker-content-digest")
                    .and_then(|digest| digest.to_str().ok()?.strip_prefix("sha256:")?.parse().ok());
                (observation, digest, attempts)
            }
            Err(observation) => (observation, None, attempts),
        }
    }

    /// The status and headers of a HEAD request, with a token if the registry requires one.
    async fn head(
        &mut self,
        image: &ImageRef,
        attempts: &mut u32,
    ) -> Result<(StatusCode, HeaderMap), Observation> {
        let url = image.manifest().ok_or_else(|| unusable("the image reference gives no URL"))?;
        self.client.rules().admit_cloud(CloudHost::Registry, &url).map_err(Observation::Refused)?;
        loop {
            let (headers, bearer) = (&[("accept", MANIFESTS)], self.token.as_deref());
            let ask = Ask { method: &Method::HEAD, headers, bearer, traffic: Traffic::Requests };
            let answer = self.client.ask(ask, url.url(), attempts).await.map_err(Observation::from)?;
            let (status, headers) = (answer.status(), answer.without_body());
            if status != StatusCode::UNAUTHORIZED || self.token.is_some() {
                return Ok((status, headers));
            }
            self.token = Some(self.fetch_token(&url, &headers).await?);
        }
    }

    /// Fetches an anonymous token (distribution, "Token Authentication Specification").
    async fn fetch_token(&self, registry: &ArtifactUrl, headers: &HeaderMap) -> Result<String, Observation> {
        let challenges = headers.get_all(header::WWW_AUTHENTICATE).iter();
        let challenge = challenges
            .filter_map(|value| value.to_str().ok())
            .find_map(Challenge::parse)
            .ok_or_else(|| unusable("the registry answered 401 and does not say where to get a token"))?;
        let mut url = Url::parse(&challenge.realm)
            .ok()
            .filter(|url| {
                url.scheme() == "https"
                    && url.host() == registry.url().host()
                    && url.port() == registry.url().port()
            })
            .ok_or_else(|| {
                unusable("the registry asks for a token from another host, which is not allowed")
            })?;
        url.query_pairs_mut()
            .extend_pairs(challenge.service.map(|service| ("service", service)))
            .extend_pairs(challenge.scope.map(|scope| ("scope", scope)));
        match small_file(self.client, &url, MAX_TOKEN_ANSWER).await {
            SmallFile::Whole(bytes) => serde_json::from_slice::<TokenAnswer>(&bytes)
                .ok()
                .and_then(|answer| answer.token.or(answer.access_token))
                .filter(|token| is_token(token))
                .ok_or_else(|| unusable("the registry's response has no usable token")),
            SmallFile::TooLarge => Err(unusable("the registry's token response is too large")),
            SmallFile::None(observation @ Observation::Refused(_)) => Err(observation),
            SmallFile::None(observation) => Err(Observation::Undetermined(observation.into_error())),
        }
    }
}

/// Either field may hold the token.
#[derive(Deserialize)]
struct TokenAnswer {
    token: Option<String>,
    access_token: Option<String>,
}

/// RFC 6750, section 2.1.
fn is_token(text: &str) -> bool {
    let is_good = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte);
    (1..=MAX_TOKEN).contains(&text.len()) && text.bytes().all(is_good)
}

/// `Bearer realm="…",service="…",scope="…"`.
#[derive(Debug, PartialEq, Eq)]
struct Challenge {
    realm: String,
    service: Option<String>,
    scope: Option<String>,
}

impl Challenge {
    fn parse(value: &str) -> Option<Self> {
        let (scheme, mut rest) = value.trim().split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return None;
        }
        let (mut realm, mut service, mut scope) = (None, None, None);
        loop {
            let (name, quoted) = rest.split_once('=')?;
            // Escaped quotes are not supported; no registry sends any.
            let (value, after) = quoted.trim_start().strip_prefix('"')?.split_once('"')?;
            let into = match name.trim() {
                "realm" => Some(&mut realm),
                "service" => Some(&mut service),
                "scope" => Some(&mut scope),
                _ => None,
            };
            if let Some(into) = into {
                into.get_or_insert(value.to_owned());
            }
            match after.trim_start().strip_prefix(',') {
                Some(after) => rest = after,
                None => return Some(Self { realm: realm?, service, scope }),
            }
        }
    }
}

fn unusable(why: &str) -> Observation {
    Observation::Undetermined(probe_error(ProbeErrorKind::ServerError, why.to_owned()))
}
