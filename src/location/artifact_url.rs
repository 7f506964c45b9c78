//! The URL of an artifact, validated so that it can be requested exactly as it is written.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use url::{Host, Url};

use crate::text::excerpt;

/// An absolute `http` or `https` URL without userinfo, query or fragment, in the exact spelling that is requested.
///
/// URL parsers normalize backslashes, tabs, `..`, octal IPv4 addresses or full-width dots. Where two parsers do so
/// differently, the gate checks one URL and a user downloads another. A spelling that the
/// [URL Standard](https://url.spec.whatwg.org/) would change is therefore rejected.
///
/// Clones share one allocation, because each artifact has a location.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ArtifactUrl(Arc<Url>);

impl ArtifactUrl {
    /// Parses a location of a document.
    pub fn parse(text: &str) -> Result<Self, BadLocation> {
        let url = Url::parse(text).map_err(|error| BadLocation::NotAUrl { why: error.to_string() })?;
        Self::try_from(url).and_then(|url| {
            if url.as_str() == text {
                Ok(url)
            } else {
                Err(BadLocation::NotCanonical { canonical: excerpt(url.as_str(), 300) })
            }
        })
    }

    /// The URL as text.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The URL.
    pub fn url(&self) -> &Url {
        &self.0
    }

    /// The host in lower case; IPv6 addresses in brackets.
    pub fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default()
    }

    /// The last segment of the path, never empty.
    pub fn file_name(&self) -> &str {
        self.0.path().rsplit('/').next().unwrap_or_default()
    }

    /// The URL of another file in the same directory.
    #[must_use]
    pub fn sibling(&self, file_name: &str) -> Self {
        let mut url = Url::clone(&self.0);
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop().push(file_name);
        }
        Self(Arc::new(url))
    }

    /// The URL without the file name, with its trailing slash.
    pub fn directory(&self) -> &str {
        let url = self.as_str();
        url.strip_suffix(self.file_name()).unwrap_or(url)
    }
}

impl TryFrom<Url> for ArtifactUrl {
    type Error = BadLocation;

    /// Accepts a URL that is already parsed, such as a redirect's target.
    fn try_from(url: Url) -> Result<Self, BadLocation> {
        check(&url)?;
        if url.path().ends_with('/') {
            return Err(BadLocation::NoFile);
        }
        Ok(Self(Arc::new(url)))
    }
}

/// The checks that a location and a prefix share.
pub(super) fn check(url: &Url) -> Result<(), BadLocation> {
    if !matches!(url.scheme(), "http" | "https") {
        return Err(BadLocation::Scheme { found: excerpt(url.scheme(), 40) });
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(BadLocation::Userinfo);
    }
    if url.query().is_some() {
        return Err(BadLocation::Query);
    }
    if url.fragment().is_some() {
        return Err(BadLocation::Fragment);
    }
    match url.host() {
        Some(Host::Domain(domain)) if domain.ends_with('.') => Err(BadLocation::TrailingDot),
        _ => Ok(()),
    }
}

impl Serialize for ArtifactUrl {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for ArtifactUrl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

impl fmt::Display for ArtifactUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a text is not a location.
#[expect(missing_docs, reason = "each message says what it is")]
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadLocation {
    #[error("it is not an absolute URL ({why})")]
    NotAUrl { why: String },
    #[error("{why}")]
    NoPlace { why: String },
    #[error("its scheme is {found}; expected https or http")]
    Scheme { found: String },
    #[error("it contains a user name or password; expected neither")]
    Userinfo,
    #[error("it has a query (`?…`); expected none")]
    Query,
    #[error("the digest in its query is not a sha256; expected 64 hexadecimal digits, or nothing")]
    QueryDigest,
    #[error("it has a fragment (`#…`); expected none")]
    Fragment,
    #[error("its host name ends with a dot; expected none")]
    TrailingDot,
    #[error("its path ends with a slash; expected a file")]
    NoFile,
    #[error(
        "its spelling is ambiguous: it would be requested as {canonical}; expected exactly that spelling"
    )]
    NotCanonical { canonical: String },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_is_a_plain_url_in_its_only_spelling() {
        for good in [
            "https://rhcos.mirror.openshift.com/art/storage/x/rhcos.iso",
            "http://127.0.0.1:8080/a/b",
            "http://[::1]:8080/a",
            "https://h/a%20b",
        ] {
            assert_eq!(ArtifactUrl::parse(good).unwrap().as_str(), good);
        }
        let bad = [
            ("", "not an absolute URL"),
            ("/art/x", "not an absolute URL"),
            ("ftp://h/x", "scheme is ftp"),
            ("file:///etc/passwd", "scheme is file"),
            ("https://u@h/x", "user name"),
            ("https://u:p@h/x", "user name"),
            ("https://h/x?y", "query"),
            ("https://h/x?", "query"),
            ("https://h/x#y", "fragment"),
            ("https://h./x", "dot"),
            ("https://h/x/", "slash"),
            ("https://h", "slash"),
            ("https://H/x", "https://h/x"),
            ("HTTPS://h/x", "https://h/x"),
            ("https://h:443/x", "https://h/x"),
            ("https://h/a/../x", "https://h/x"),
            ("https://h/a/%2e%2e/x", "https://h/x"),
            ("https:\\\\h\\x", "https://h/x"),
            ("https:h/x", "https://h/x"),
            ("https://h/\tx", "https://h/x"),
            (" https://h/x", "https://h/x"),
            ("https://h/x\n", "https://h/x"),
            ("http://0177.0.0.1/x", "http://127.0.0.1/x"),
            ("http://0x7f.1/x", "http://127.0.0.1/x"),
            ("http://2130706433/x", "http://127.0.0.1/x"),
            ("http://127.1/x", "http://127.0.0.1/x"),
            ("http://[0:0:0:0:0:0:0:1]/x", "http://[::1]/x"),
            ("https://ｍirror.openshift.com/x", "https://mirror.openshift.com/x"),
            ("https://mirror。openshift.com/x", "https://mirror.openshift.com/x"),
            ("https://h/ü", "https://h/%C3%BC"),
        ];
        for (text, says) in bad {
            let error = ArtifactUrl::parse(text).expect_err(text).to_string();
            assert!(error.contains(says), "{text:?}: {error}");
        }
    }

    #[test]
    fn a_sibling_is_in_the_same_directory() {
        let url = ArtifactUrl::parse("https://h/a/b/file.iso").unwrap();
        assert_eq!(url.sibling("meta.json").as_str(), "https://h/a/b/meta.json");
        assert_eq!(url.file_name(), "file.iso");
        assert_eq!(url.directory(), "https://h/a/b/");
        assert_eq!(ArtifactUrl::parse("https://h/f").unwrap().sibling("s").as_str(), "https://h/s");
    }
}
