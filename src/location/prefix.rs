//! The prefix of a bridge or mirror, from an argument or the environment.

use std::fmt;
use std::str::FromStr;

use url::Url;

use super::artifact_url::{BadLocation, check};
use super::host::BRIDGE_2021;
use super::layout::{is_plain, segments};
use crate::text::excerpt;

/// An `http` or `https` URL that other URLs are placed under: a host, optionally a port, and a path of any depth.
///
/// Stored without a trailing slash, with the host in lower case, and without the scheme's default port.
///
/// ```
/// use art_mirror_validate::location::Prefix;
///
/// let prefix = Prefix::parse("https://Bridge.example:443/art/storage/releases/")?;
/// assert_eq!(prefix.as_str(), "https://bridge.example/art/storage/releases");
/// # Ok::<(), art_mirror_validate::location::PrefixError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Prefix {
    text: Box<str>,
    written: Box<str>,
    host: Box<str>,
    kind: PrefixKind,
}

/// The layout under a prefix, by the end of its path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PrefixKind {
    /// `…/releases`: the releases layout.
    Releases,
    /// `…/streams`: the streams layout.
    Streams,
    /// `…/storage`: the parent of `releases` and `prod/streams`.
    Storage,
    /// `…/openshift-v4`: the layout of the public mirror.
    Mirror,
    /// Anything else: URLs keep their layout.
    Other,
}

impl Prefix {
    /// Parses a prefix.
    pub fn parse(text: &str) -> Result<Self, PrefixError> {
        Self::read(text).map_err(|why| PrefixError {
            // A password must not reach a log through an error message.
            found: if text.contains('@') { "a URL with `@`".to_owned() } else { excerpt(text, 300) },
            why,
        })
    }

    fn read(text: &str) -> Result<Self, BadPrefix> {
        let url = Url::parse(text).map_err(|error| BadPrefix::NotAUrl { why: error.to_string() })?;
        check(&url)?;
        let path = url.path().strip_suffix('/').unwrap_or(url.path());
        let canonical = url.as_str().strip_suffix('/').unwrap_or(url.as_str());
        if !is_spelled_as(text, &url, path) {
            return Err(BadPrefix::NotCanonical { canonical: excerpt(canonical, 300) });
        }
        if let Some(segment) = path.split('/').skip(1).find(|segment| !is_plain(segment)) {
            return Err(BadPrefix::UnusualSegment { segment: excerpt(segment, 80) });
        }
        let kind = match segments(&url).filter(|segment| !segment.is_empty()).last() {
            Some("releases") => PrefixKind::Releases,
            Some("streams") => PrefixKind::Streams,
            Some("storage") => PrefixKind::Storage,
            Some("openshift-v4") => PrefixKind::Mirror,
            _ => PrefixKind::Other,
        };
        let written = text.strip_suffix('/').unwrap_or(text).into();
        Ok(Self { text: canonical.into(), written, host: url.host_str().unwrap_or_default().into(), kind })
    }

    /// The prefix that the environment sets, if it sets one.
    ///
    /// The arguments are the values of `OPENSHIFT_INSTALL_COREOS_STREAM_PREFIX` and
    /// `OPENSHIFT_INSTALL_CI_COREOS_BOOTIMAGES`. An empty value counts as unset. The first takes precedence; the
    /// second means the [bridge of 2021](BRIDGE_2021), unless it is `0` or `false`.
    pub fn from_environment(
        prefix: Option<&str>,
        ci_bootimages: Option<&str>,
    ) -> Result<Option<Self>, PrefixError> {
        if let Some(prefix) = prefix.filter(|value| !value.is_empty()) {
            return Self::parse(prefix).map(Some);
        }
        let off = |value: &str| value.is_empty() || value == "0" || value.eq_ignore_ascii_case("false");
        if ci_bootimages.is_none_or(off) { Ok(None) } else { Self::parse(BRIDGE_2021).map(Some) }
    }

    /// The prefix as text, without a trailing slash.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The prefix as given, without a trailing slash: it can have capital letters in the host, or the default port.
    pub fn as_written(&self) -> &str {
        &self.written
    }

    /// The host in lower case, without the port; IPv6 addresses in brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The prefix as a URL.
    pub fn url(&self) -> Option<Url> {
        Url::parse(&self.text).ok()
    }

    /// The layout under the prefix.
    pub fn kind(&self) -> PrefixKind {
        self.kind
    }
}

/// Whether a text equals the URL, ignoring letter case before the path, a default port, and a trailing slash.
///
/// The parser also normalizes backslashes, tabs, dot segments and octal addresses; such a text is refused.
fn is_spelled_as(text: &str, url: &Url, path: &str) -> bool {
    let Some((scheme, rest)) = text.split_once("://") else { return false };
    let (authority, written_path) =
        rest.find('/').and_then(|at| rest.split_at_checked(at)).unwrap_or((rest, ""));
    let host = url.host_str().unwrap_or_default();
    let authority = authority.to_ascii_lowercase();
    let same_host = authority.strip_prefix(host).is_some_and(|port| match url.port_or_known_default() {
        Some(number) => port == format!(":{number}") || (port.is_empty() && url.port().is_none()),
        None => port.is_empty(),
    });
    scheme.eq_ignore_ascii_case(url.scheme())
        && same_host
        && written_path.strip_suffix('/').unwrap_or(written_path) == path
}

impl FromStr for Prefix {
    type Err = PrefixError;

    fn from_str(text: &str) -> Result<Self, PrefixError> {
        Self::parse(text)
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

/// A text is not a prefix.
#[expect(missing_docs, reason = "each message says what it is")]
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{found} is not a prefix: {why}")]
pub struct PrefixError {
    found: String,
    #[source]
    pub why: BadPrefix,
}

/// Why a text is not a prefix.
#[expect(missing_docs, reason = "each message says what it is")]
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadPrefix {
    #[error("it is not an absolute URL ({why}); expected one such as https://HOST/art/storage/releases")]
    NotAUrl { why: String },
    #[error(transparent)]
    Url(#[from] BadLocation),
    #[error(
        "its spelling is ambiguous: it would be read as {canonical}; write it that way if that is what you mean"
    )]
    NotCanonical { canonical: String },
    #[error(
        "its path segment `{segment}` is empty, percent-encoded or otherwise unusual; expected plain names"
    )]
    UnusualSegment { segment: String },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_is_kept_in_one_spelling() {
        use PrefixKind::{Mirror, Other, Releases, Storage, Streams};
        let cases = [
            ("https://b/art/storage/releases", "https://b/art/storage/releases", Releases),
            ("https://b/art/storage/releases/", "https://b/art/storage/releases", Releases),
            ("https://b/art/storage/prod/streams", "https://b/art/storage/prod/streams", Streams),
            ("HTTPS://B.Example:443/art/storage/", "https://b.example/art/storage", Storage),
            ("https://b/pub/openshift-v4", "https://b/pub/openshift-v4", Mirror),
            ("http://127.0.0.1:8080/x/y", "http://127.0.0.1:8080/x/y", Other),
            ("http://[::1]:8080", "http://[::1]:8080", Other),
            ("http://h/", "http://h", Other),
            ("http://h:80", "http://h", Other),
            ("https://h:80/x", "https://h:80/x", Other),
            ("https://h/X/a_b/pull=1", "https://h/X/a_b/pull=1", Other),
        ];
        for (text, kept, kind) in cases {
            let prefix = Prefix::parse(text).expect(text);
            assert_eq!((prefix.as_str(), prefix.kind()), (kept, kind), "{text}");
            assert_eq!(prefix.url(), Url::parse(kept).ok(), "{text}");
            assert_eq!(prefix.as_written(), text.strip_suffix('/').unwrap_or(text));
            assert_eq!(Prefix::parse(kept).as_ref().map(Prefix::as_str), Ok(kept));
        }
    }

    #[test]
    fn text_that_a_parser_would_normalize_is_refused() {
        let cases = [
            ("", "not an absolute URL"),
            ("bridge.example/art", "not an absolute URL"),
            ("/art/storage", "not an absolute URL"),
            ("ftp://h/x", "scheme is ftp"),
            ("file:///x", "scheme is file"),
            ("https://u:secret@h/x", "user name"),
            ("https://h/x?y=1", "query"),
            ("https://h/x?", "query"),
            ("https://h/x#y", "fragment"),
            ("https://h./x", "dot"),
            ("https://h/a/../x", "https://h/x"),
            ("https://h/a/%2e%2e/x", "https://h/x"),
            ("https://h/a/..", "spelling is ambiguous"),
            ("https:\\\\h\\x", "https://h/x"),
            ("https://h\\x", "https://h/x"),
            ("https:h/x", "https://h/x"),
            ("https:///h/x", "https://h/x"),
            (" https://h/x", "https://h/x"),
            ("https://h/x\n", "https://h/x"),
            ("https://h/\tx", "https://h/x"),
            ("http://0177.0.0.1/x", "http://127.0.0.1/x"),
            ("http://[0:0:0:0:0:0:0:1]/x", "http://[::1]/x"),
            ("https://ｈ/x", "https://h/x"),
            ("https://h:0443/x", "https://h/x"),
            ("https://h/a//b", "segment ``"),
            ("https://h/a//", "segment ``"),
            ("https://h/a%2fb", "segment `a%2fb`"),
            ("https://h/.../b", "segment `...`"),
        ];
        for (text, says) in cases {
            let error = Prefix::parse(text).expect_err(text).to_string();
            assert!(error.contains(says), "{text:?}: {error}");
            assert!(!error.contains("secret"), "{error}");
        }
    }

    #[test]
    fn the_environment_asks_for_a_bridge() {
        let explicit = "https://b/art/storage/releases";
        let cases = [
            (None, None, None),
            (Some(""), None, None),
            (Some(""), Some(""), None),
            (None, Some("0"), None),
            (None, Some("false"), None),
            (None, Some("1"), Some(BRIDGE_2021)),
            (None, Some("true"), Some(BRIDGE_2021)),
            (Some(""), Some("1"), Some(BRIDGE_2021)),
            (Some(explicit), Some("1"), Some(explicit)),
            (Some(explicit), Some("0"), Some(explicit)),
        ];
        for (prefix, ci, expected) in cases {
            let found = Prefix::from_environment(prefix, ci).unwrap();
            assert_eq!(found.as_ref().map(Prefix::as_str), expected, "{prefix:?} {ci:?}");
        }
        assert!(Prefix::from_environment(Some("nonsense"), Some("1")).is_err());
    }
}
