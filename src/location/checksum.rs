//! URLs as install configs hold them: with the file's digest in the query.

use super::artifact_url::BadLocation;
use super::place_error::PlaceError;
use crate::stream::Sha256;

/// A URL whose query may say digests of the file, and nothing else: `?sha256=…`, `?compressed-sha256=…`. Either may
/// be empty.
///
/// `sha256` is of the file uncompressed in some configs, and of the file itself in others.
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
    /// Splits a URL from its query. What is left is not yet known to be a location.
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

    /// The query with its question mark, as it was written; empty if there is none.
    pub fn query(&self) -> &'a str {
        self.query
    }

    /// The digest in the query that a document's digests contradict.
    pub fn contradicted_by(&self, sha256: Sha256, uncompressed: Option<Sha256>) -> Option<Sha256> {
        let either = self.sha256.filter(|it| *it != sha256 && Some(*it) != uncompressed);
        either.or_else(|| self.compressed_sha256.filter(|it| *it != sha256))
    }
}
