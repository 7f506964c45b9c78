//! A file and how requests for it are answered.

use bytes::Bytes;
use data_encoding::{BASE64, HEXLOWER};
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, ETAG, HeaderMap, HeaderName, HeaderValue};

use crate::artifact::artifact_content;
use crate::behaviour::Behaviour;
use crate::content::Content;

/// A file at a path: its content, its headers, and how requests for it are answered.
///
/// By default it answers GET and HEAD with 200 and `Content-Type: application/octet-stream`, supports `If-Range` and
/// `Range` with one range, and publishes no digest.
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

/// The token that a resource requires, and the challenge for requests without it.
#[derive(Debug, Clone)]
pub(crate) struct Bearer {
    pub(crate) authorization: HeaderValue,
    pub(crate) challenge: HeaderValue,
}

impl Resource {
    /// A file with this content.
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

    /// A file with these bytes.
    pub fn bytes(bytes: impl Into<Bytes>) -> Self {
        Self::new(Content::Bytes(bytes.into()))
    }

    /// A file with [`Content::Synthetic`].
    pub fn synthetic(seed: u64, size: u64) -> Self {
        Self::new(Content::Synthetic { seed, size })
    }

    /// The test artifact of that file name ([`artifact_content`]).
    pub fn artifact(file_name: &str) -> Self {
        Self::bytes(artifact_content(file_name))
    }

    /// A redirect to `target`, with a status such as 307.
    pub fn redirect(status: u16, target: &str) -> Self {
        Self::bytes("").behaves(Behaviour::redirect(status, target))
    }

    /// The content of the file.
    pub fn content(&self) -> &Content {
        &self.content
    }

    /// Replaces a header, or removes it if `value` is empty. For `Content-Length` see
    /// [`Behaviour::ContentLength`].
    ///
    /// # Panics
    /// If the name or value is not valid.
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

    /// Publishes the true digest as user-defined metadata of an S3 object, `x-amz-meta-sha256`.
    pub fn s3_meta_sha256(self) -> Self {
        let value = HEXLOWER.encode(&self.content.sha256());
        self.header("x-amz-meta-sha256", value)
    }

    /// Publishes the true digest as a stored checksum of S3: `x-amz-checksum-sha256`, only for requests with
    /// `x-amz-checksum-mode: ENABLED`.
    pub fn s3_checksum(self) -> Self {
        let value = BASE64.encode(&self.content.sha256());
        self.s3_checksum_value(&value)
    }

    /// As [`Self::s3_checksum`], with any value, such as a checksum of parts (`…-3`).
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

    /// Ignores `Range`, and answers with the whole file.
    pub fn ignores_range(mut self) -> Self {
        self.ranges = false;
        self
    }

    /// Sets the total length in the `Content-Range` of partial responses: a wrong number, or `*`.
    pub fn total_in_ranges(mut self, total: &str) -> Self {
        self.total_in_ranges = Some(total.into());
        self
    }

    /// Answers requests without this token with 401 and this challenge (`WWW-Authenticate`).
    ///
    /// # Panics
    /// If the token or challenge is not a valid header value.
    pub fn wants_bearer(mut self, token: &str, challenge: &str) -> Self {
        let authorization = header_value(format!("Bearer {token}").as_bytes());
        self.bearer = Some(Bearer { authorization, challenge: header_value(challenge.as_bytes()) });
        self
    }

    /// Sets how requests are answered, except for methods set by [`Self::on_head`] or [`Self::on_get`].
    pub fn behaves(mut self, behaviour: Behaviour) -> Self {
        self.any = behaviour;
        self
    }

    /// Sets how HEAD is answered.
    pub fn on_head(mut self, behaviour: Behaviour) -> Self {
        self.head = Some(behaviour);
        self
    }

    /// Sets how GET is answered.
    pub fn on_get(mut self, behaviour: Behaviour) -> Self {
        self.get = Some(behaviour);
        self
    }

    /// A file that changes to `other` after `requests` requests of any method.
    pub fn changing_to(self, requests: usize, other: Self) -> Self {
        let first = self.clone();
        let mut sequence = vec![Behaviour::serve(first); requests];
        sequence.push(Behaviour::serve(other));
        Self { head: None, get: None, ..self }.behaves(Behaviour::Sequence(sequence))
    }
}

#[expect(clippy::panic, reason = "a test that misspells a header should fail where it does")]
pub(crate) fn header_name(name: &str) -> HeaderName {
    HeaderName::try_from(name).unwrap_or_else(|_| panic!("{name:?} is not a header name"))
}

#[expect(clippy::panic, reason = "a test that misspells a header should fail where it does")]
pub(crate) fn header_value(value: &[u8]) -> HeaderValue {
    HeaderValue::from_bytes(value).unwrap_or_else(|_| panic!("{value:?} is not a header value"))
}
