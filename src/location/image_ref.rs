//! References to container images, such as `quay.io/openshift-release-dev/ocp-v4.0-art-dev@sha256:…`.

use std::str::FromStr;

use super::ArtifactUrl;
use crate::stream::Sha256;

/// The longest registry plus repository, in bytes (distribution's `reference` package).
const MAX_NAME: usize = 255;

/// The longest tag, in bytes (OCI distribution specification, "Pulling manifests").
const MAX_TAG: usize = 128;

/// A container image: `HOST[:PORT]/REPOSITORY`, then `:TAG`, `@sha256:DIGEST` or both.
///
/// The grammar is that of distribution's `reference` package without a default registry or tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageRef {
    registry: String,
    repository: String,
    tag: Option<String>,
    digest: Option<Sha256>,
}

/// A text is not an image reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected HOST/REPOSITORY:TAG or HOST/REPOSITORY@sha256:DIGEST")]
pub struct ImageRefError;

impl ImageRef {
    /// The registry and the repository, which are equal for all references to one image.
    pub fn name(&self) -> (&str, &str) {
        (&self.registry, &self.repository)
    }

    /// The tag, if there is one.
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// The manifest's digest, if there is one.
    pub fn digest(&self) -> Option<Sha256> {
        self.digest
    }

    /// The URL of the manifest: by digest if there is one, else by tag (OCI distribution specification, end-2).
    pub fn manifest(&self) -> Option<ArtifactUrl> {
        let digest = self.digest.map(|digest| format!("sha256:{digest}"));
        let reference = digest.or_else(|| self.tag.clone())?;
        let Self { registry, repository, .. } = self;
        ArtifactUrl::parse(&format!("https://{registry}/v2/{repository}/manifests/{reference}")).ok()
    }
}

impl FromStr for ImageRef {
    type Err = ImageRefError;

    fn from_str(text: &str) -> Result<Self, ImageRefError> {
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) => {
                let hex = digest.strip_prefix("sha256:").ok_or(ImageRefError)?;
                (rest, Some(hex.parse().map_err(|_| ImageRefError)?))
            }
            None => (text, None),
        };
        let (registry, path) = rest.split_once('/').ok_or(ImageRefError)?;
        let (repository, tag) = match path.split_once(':') {
            Some((repository, tag)) => (repository, Some(tag)),
            None => (path, None),
        };
        let is_valid = is_registry(registry)
            && repository.split('/').all(is_component)
            && registry.len() + 1 + repository.len() <= MAX_NAME
            && tag.is_none_or(is_tag)
            && (tag.is_some() || digest.is_some());
        let (registry, repository, tag) = (registry.into(), repository.into(), tag.map(str::to_owned));
        is_valid.then_some(Self { registry, repository, tag, digest }).ok_or(ImageRefError)
    }
}

/// Whether a text is a host in lower case with a dot or a port, which a repository component cannot have.
fn is_registry(text: &str) -> bool {
    let (host, port) = text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port)));
    let is_label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
    };
    (host.contains('.') || port.is_some())
        && host.split('.').all(is_label)
        && port.is_none_or(|port| port.parse::<u16>().is_ok_and(|number| number.to_string() == port))
}

/// Whether a text is lower-case letters and digits, separated by `.`, `_`, `__` or dashes.
fn is_component(text: &str) -> bool {
    let is_alphanumeric = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let separators =
        text.split(|character: char| character.is_ascii_lowercase() || character.is_ascii_digit());
    let is_separator =
        |text: &str| matches!(text, "" | "." | "_" | "__") || text.bytes().all(|byte| byte == b'-');
    text.as_bytes().first().is_some_and(is_alphanumeric)
        && text.as_bytes().last().is_some_and(is_alphanumeric)
        && separators.into_iter().all(is_separator)
}

fn is_tag(text: &str) -> bool {
    (1..=MAX_TAG).contains(&text.len())
        && !text.starts_with(['.', '-'])
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "833cbd9ad76a1dfae732741380fbca39220e9b123123995cc93ba0702a497d65";

    #[test]
    fn a_reference_is_read_as_it_is_written() {
        let digest = format!("quay.io/openshift-release-dev/ocp-v4.0-art-dev@sha256:{DIGEST}");
        for (text, manifest) in [
            (
                &*digest,
                format!(
                    "https://quay.io/v2/openshift-release-dev/ocp-v4.0-art-dev/manifests/sha256:{DIGEST}"
                ),
            ),
            (
                "quay.io/a/b__c:4.14-9.2-kubevirt",
                "https://quay.io/v2/a/b__c/manifests/4.14-9.2-kubevirt".to_owned(),
            ),
            ("localhost:5000/a:t", "https://localhost:5000/v2/a/manifests/t".to_owned()),
            ("127.0.0.1:5000/a:t", "https://127.0.0.1:5000/v2/a/manifests/t".to_owned()),
        ] {
            let reference: ImageRef = text.parse().expect(text);
            let (registry, repository) = reference.name();
            assert!(text.starts_with(&format!("{registry}/{repository}")) && !registry.is_empty(), "{text}");
            let tag = text.strip_prefix(&format!("{registry}/{repository}:"));
            assert_eq!(reference.tag(), tag, "{text}");
            let digest = text.split_once("@sha256:").map(|(_, digest)| digest.to_owned());
            assert_eq!(reference.digest().map(|it| it.to_string()), digest, "{text}");
            assert_eq!(reference.manifest().unwrap().as_str(), manifest);
        }
    }

    #[test]
    fn registry_and_repository_have_a_bound_together() {
        let of = |length: usize| format!("quay.io/{}:t", "a".repeat(length - "quay.io/".len()));
        assert!(of(MAX_NAME).parse::<ImageRef>().is_ok());
        assert!(of(MAX_NAME + 1).parse::<ImageRef>().is_err());
    }

    #[test]
    fn text_that_is_not_a_reference_is_refused() {
        let short = format!("quay.io/a@sha256:{}", &DIGEST[1..]);
        for text in [
            "",
            "quay.io",
            "quay.io/",
            "quay.io/a",
            "a/b:t",
            "Quay.io/a:t",
            "quay-.io/a:t",
            "-quay.io/a:t",
            "quay..io/a:t",
            "qu_ay.io/a:t",
            "quay.io:/a:t",
            "quay.io:70000/a:t",
            "quay.io:080/a:t",
            "user@quay.io/a:t",
            "quay.io/A:t",
            "quay.io/a//b:t",
            "quay.io/../a:t",
            "quay.io/a..b:t",
            "quay.io/-a:t",
            "quay.io/a:",
            "quay.io/a:-t",
            "quay.io/a:t:t",
            "quay.io/a:t?x=y",
            "quay.io/a@sha256:",
            "quay.io/a@sha512:00",
            &short,
            "https://quay.io/a:t",
        ] {
            assert_eq!(text.parse::<ImageRef>(), Err(ImageRefError), "{text}");
        }
    }
}
