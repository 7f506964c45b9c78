//! URLs of install configs, which carry the file's digest in the query.

use super::artifact_url::BadLocation;
use super::place_error::PlaceError;
use crate::stream::Sha256;

/// A URL whose query holds digests only: `?sha256=…`, `?compressed-sha256=…`. Either can be empty.
///
/// `sha256` is the digest of the uncompressed bytes in some configs, of the file itself in others.
///
/// ```
/// use art_mirror_validate::location::ChecksumUrl;
///
/// let url = ChecksumUrl::parse("https://h/rhcos.qcow2?sha256=")?;
/// assert_eq!((url.location(), url.query()), ("https://h/rhcos.qcow2", "?sha256="));
/// # Ok::<(), art_mirror_validate::location::PlaceError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChecksumUrl<'a> {
    location: &'a str,
    query: &'a str,
    sha256: Option<Sha256>,
    compressed_sha256: Option<Sha256>,
}

impl<'a> ChecksumUrl<'a> {
    /// Splits a URL from its query. The part before the query is not validated.
    pub fn parse(text: &'a str) -> Result<Self, PlaceError> {
        Self::read(text).map_err(|why| PlaceError::not_understood(text, why.into()))
    }

    fn read(text: &'a str) -> Result<Self, BadLocation> {
        let (location, query) = text.find('?').and_then(|at| text.split_at_checked(at)).unwrap_or((text, ""));
        let mut url = Self { location, query, sha256: None, compressed_sha256: None };
        let Some(pairs) = query.strip_prefix('?') else { return Ok(url) };
        for pair in pairs.split('&') {
            let (slot, digest) = match pair.split_once('=') {
                Some(("sha256", digest)) => (&mut url.sha256, digest),
                Some(("compressed-sha256", digest)) => (&mut url.compressed_sha256, digest),
                _ => return Err(BadLocation::Query),
            };
            if !digest.is_empty() {
                *slot = Some(digest.to_ascii_lowercase().parse().map_err(|_| BadLocation::QueryDigest)?);
            }
        }
        Ok(url)
    }

    /// The URL without its query.
    pub fn location(&self) -> &'a str {
        self.location
    }

    /// The query with its question mark, unchanged; empty if there is none.
    pub fn query(&self) -> &'a str {
        self.query
    }

    /// The digest in the query that contradicts the document's digests, if there is one.
    pub fn contradicted_by(&self, sha256: Sha256, uncompressed: Option<Sha256>) -> Option<Sha256> {
        let either = self.sha256.filter(|it| *it != sha256 && Some(*it) != uncompressed);
        either.or_else(|| self.compressed_sha256.filter(|it| *it != sha256))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_of_digests_alone_is_read_and_kept_as_it_is() {
        let digest = "0f".repeat(32);
        let upper = digest.to_uppercase();
        for (query, sha256, compressed) in [
            ("", false, false),
            ("?sha256=", false, false),
            ("?sha256=&compressed-sha256=", false, false),
            (&*format!("?sha256={digest}"), true, false),
            (&format!("?sha256={upper}"), true, false),
            (&format!("?compressed-sha256={digest}"), false, true),
            (&format!("?sha256={digest}&compressed-sha256={digest}"), true, true),
        ] {
            let text = format!("https://h/f{query}");
            let url = ChecksumUrl::parse(&text).unwrap();
            assert_eq!((url.location(), url.query()), ("https://h/f", query));
            assert_eq!(
                (url.sha256.is_some(), url.compressed_sha256.is_some()),
                (sha256, compressed),
                "{query}"
            );
        }
        for query in ["?", "?x=1", "?sha256", "?sha256=12", "?sha256=&", "?SHA256=", "?sha256=?"] {
            assert!(ChecksumUrl::parse(&format!("https://h/f{query}")).is_err(), "{query}");
        }
    }

    /// `sha256` is of the file or of its uncompressed bytes; `compressed-sha256` is of the file only.
    #[test]
    fn a_digest_that_is_neither_of_the_documents_contradicts_it() {
        let [file, inside, other] = [[1; 32], [2; 32], [3; 32]].map(Sha256::from_bytes);
        for (sha256, compressed, uncompressed, contradiction) in [
            (None, None, Some(inside), None),
            (Some(file), None, None, None),
            (Some(file), Some(file), Some(inside), None),
            (Some(inside), None, Some(inside), None),
            (Some(inside), None, None, Some(inside)),
            (Some(other), None, Some(inside), Some(other)),
            (None, Some(inside), Some(inside), Some(inside)),
            (Some(file), Some(other), Some(inside), Some(other)),
        ] {
            let url = ChecksumUrl { location: "", query: "", sha256, compressed_sha256: compressed };
            assert_eq!(url.contradicted_by(file, uncompressed), contradiction, "{url:?}");
        }
    }
}
