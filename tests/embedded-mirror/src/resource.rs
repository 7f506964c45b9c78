//! A file, and how the mirror answers requests for it.

use bytes::Bytes;
use data_encoding::{BASE64, HEXLOWER};
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, ETAG, HeaderMap, HeaderName, HeaderValue};

use crate::artifact::artifact_content;
use crate::behaviour::Behaviour;
use crate::content::Content;

/// What is at a path: bytes, headers, and how requests for it are answered.
///
/// As it comes it answers GET and HEAD with 200 and `Content-Type: application/octet-stream`, supports `Range`
/// with one range and `If-Range`, and publishes no digest.
#[derive(Debug, Clone)]
#[must_use]
pub struct Resource {
    pub(crate) content: Content,
    pub(crate) headers: HeaderMap,
    pub(crate) s3_checksum: Option<HeaderValue>,
    pub(crate) ranges: bool,
    pub(crate) total_in_ranges: Option<Box<str>>,
    pub(crate) bearer: Option<Bearer>,
    pub(crate) any: Behaviour,
    pub(crate) head: Option<Behaviour>,
    pub(crate) get: Option<Behaviour>,
}

/// The token that a resource wants to be shown, and how it says so.
#[derive(Debug, Clone)]
pub(crate) struct Bearer {
    pub(crate) authorization: HeaderValue,
    pub(crate) challenge: HeaderValue,
}

impl Resource {
    /// A file of this content.
    pub fn new(content: Content) -> Self {
        let octets = HeaderValue::from_static("application/octet-stream");
        Self {
            content,
            headers: HeaderMap::from_iter([(CONTENT_TYPE, octets)]),
            s3_checksum: None,
            ranges: true,
            total_in_ranges: None,
            bearer: None,
            any: Behaviour::Normal,
            head: None,
            get: None,
        }
    }

    /// A file of these bytes.
    pub fn bytes(bytes: impl Into<Bytes>) -> Self {
        Self::new(Content::Bytes(bytes.into()))
    }

    /// A file of that many bytes of noise, which take no memory.
    pub fn synthetic(seed: u64, size: u64) -> Self {
        Self::new(Content::Synthetic { seed, size })
    }

    /// The test artifact of that file name ([`artifact_content`]).
    pub fn artifact(file_name: &str) -> Self {
        Self::bytes(artifact_content(file_name))
    }

    /// A redirect to `target`, say with 307.
    pub fn redirect(status: u16, target: &str) -> Self {
        Self::bytes("").behaves(Behaviour::redirect(status, target))
    }

    /// What it holds.
    pub fn content(&self) -> &Content {
        &self.content
    }

    /// Replaces a header, or removes it where `value` is empty. Not for `Content-Length`: see
    /// [`Behaviour::ContentLength`].
    ///
    /// # Panics
    /// On what is no header, at once and where the test wrote it.
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        let name = header_name(name);
        if value.as_ref().is_empty() {
            self.headers.remove(name);
        } else {
            self.headers.insert(name, header_value(value.as_ref()));
        }
        self
    }

    /// Publishes the true digest as `Repr-Digest` (RFC 9530).
    pub fn repr_digest(self) -> Self {
        let value = format!("sha-256=:{}:", BASE64.encode(&self.content.sha256()));
        self.header("repr-digest", value)
    }

    /// Publishes the true digest as `Digest` (RFC 3230).
    pub fn digest(self) -> Self {
        let value = format!("SHA-256={}", BASE64.encode(&self.content.sha256()));
        self.header("digest", value)
    }

    /// Publishes the true digest as the user's metadata of an S3 object, `x-amz-meta-sha256`.
    pub fn s3_meta_sha256(self) -> Self {
        let value = HEXLOWER.encode(&self.content.sha256());
        self.header("x-amz-meta-sha256", value)
    }

    /// Publishes the true digest as S3 does a stored checksum: `x-amz-checksum-sha256`, and only to those who
    /// ask with `x-amz-checksum-mode: ENABLED`.
    pub fn s3_checksum(self) -> Self {
        let value = BASE64.encode(&self.content.sha256());
        self.s3_checksum_value(&value)
    }

    /// As [`Self::s3_checksum`], with a value of the test's choice, such as a checksum of parts (`…-3`).
    pub fn s3_checksum_value(mut self, value: &str) -> Self {
        self.s3_checksum = Some(header_value(value.as_bytes()));
        self
    }

    /// Labels the file `Content-Encoding: x-gzip`, as Apache does with `.gz` files. The bytes stay as they are.
    pub fn labelled_gzip(mut self) -> Self {
        self.headers.insert(CONTENT_ENCODING, HeaderValue::from_static("x-gzip"));
        self
    }

    /// Sets `Content-Type`.
    pub fn content_type(self, value: &str) -> Self {
        self.header(CONTENT_TYPE.as_str(), value)
    }

    /// Sets the strong entity tag `"tag"`.
    pub fn etag(self, tag: &str) -> Self {
        self.header(ETAG.as_str(), format!("\"{tag}\""))
    }

    /// Answers a request for a range with the whole file.
    pub fn ignores_range(mut self) -> Self {
        self.ranges = false;
        self
    }

    /// Says this of the whole file's length in the `Content-Range` of a part: another number, or `*`.
    pub fn total_in_ranges(mut self, total: &str) -> Self {
        self.total_in_ranges = Some(total.into());
        self
    }

    /// Answers 401 with this challenge (`WWW-Authenticate`) to whoever does not show this token.
    ///
    /// # Panics
    /// On what is no header.
    pub fn wants_bearer(mut self, token: &str, challenge: &str) -> Self {
        let authorization = header_value(format!("Bearer {token}").as_bytes());
        self.bearer = Some(Bearer { authorization, challenge: header_value(challenge.as_bytes()) });
        self
    }

    /// How requests of any method are answered, unless [`Self::on_head`] or [`Self::on_get`] says otherwise.
    pub fn behaves(mut self, behaviour: Behaviour) -> Self {
        self.any = behaviour;
        self
    }

    /// How HEAD is answered.
    pub fn on_head(mut self, behaviour: Behaviour) -> Self {
        self.head = Some(behaviour);
        self
    }

    /// How GET is answered.
    pub fn on_get(mut self, behaviour: Behaviour) -> Self {
        self.get = Some(behaviour);
        self
    }

    /// A file that becomes `other` once `requests` requests (of any method) have been answered.
    pub fn changing_to(self, requests: usize, other: Self) -> Self {
        let first = self.clone();
        let mut sequence = vec![Behaviour::serve(first); requests];
        sequence.push(Behaviour::serve(other));
        Self { head: None, get: None, ..self }.behaves(Behaviour::Sequence(sequence))
    }
}

#[expect(clippy::panic, reason = "a test that misspells a header should fail there and then")]
pub(crate) fn header_name(name: &str) -> HeaderName {
    HeaderName::try_from(name).unwrap_or_else(|_| panic!("{name:?} is no header name"))
}

#[expect(clippy::panic, reason = "a test that misspells a header should fail there and then")]
pub(crate) fn header_value(value: &[u8]) -> HeaderValue {
    HeaderValue::from_bytes(value).unwrap_or_else(|_| panic!("{value:?} is no header value"))
}
