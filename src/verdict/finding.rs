//! Findings of the judge, each with its message.

use super::{Reason, SizeSource, Verdict};
use crate::probe::{Absence, DigestSource, ProbeError, ProbeErrorKind, Refusal};
use crate::stream::Sha256;
use crate::text::{Printable, bytes};

/// One thing that keeps an artifact from passing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Finding {
    #[error("{0}")]
    Refused(Refusal),
    #[error("{}", how.describe(*status))]
    Missing { status: u16, how: Absence },
    #[error("it has {}, expected {} (from {expected_from})", bytes(*observed), bytes(*expected))]
    Size { expected: u64, expected_from: SizeSource, observed: u64 },
    #[error("its sha256 is {observed} ({}), expected {expected}", source_text(*from))]
    Sha256 { expected: Sha256, observed: Sha256, from: DigestSource },
    #[error("its sha256 after decompression is {observed}, expected {expected}")]
    UncompressedSha256 { expected: Sha256, observed: Sha256 },
    #[error("it cannot be decompressed: {0}")]
    NotDecompressed(String),
    #[error("{} says {what} {observed}, the document says {expected}", Printable(said_by))]
    Metadata { said_by: String, what: &'static str, expected: Sha256, observed: Sha256 },
    #[error("{0}")]
    Build(String),
    #[error("it has {} after decompression, expected {} (from {expected_from})", bytes(*observed), bytes(*expected))]
    UncompressedSize { expected: u64, expected_from: SizeSource, observed: u64 },
    #[error("a signature is required, but {0}")]
    Signature(String),
    #[error("{of}: {why}")]
    BadSignature { of: &'static str, why: String },
    #[error("the signature was not checked because the content was not read")]
    SignatureNotChecked,
    #[error("{}{}", about.map(|it| format!("{it}: ")).unwrap_or_default(), Printable(&error.detail))]
    Undetermined { about: Option<&'static str>, error: ProbeError },
    #[error("the server does not report its size, expected {} (from {expected_from})", bytes(*expected))]
    NoSize { expected: u64, expected_from: SizeSource },
    #[error("it is present, but the server publishes no sha256 for it")]
    NoDigest,
    /// A malformed cloud reference.
    #[error("{0}")]
    Reference(String),
    /// The cloud has another image under the reference.
    #[error("{0}")]
    Image(String),
    #[error("it is present, but its content was not read")]
    NotRead,
}

impl Finding {
    pub fn reason(&self) -> Reason {
        match self {
            Self::Refused(Refusal::BadLocation(_)) => Reason::BadLocation,
            Self::Refused(Refusal::Bridge { .. }) => Reason::NotPublished,
            Self::Refused(Refusal::Host { .. }) => Reason::HostNotAllowed,
            Self::Refused(Refusal::Redirect { .. }) => Reason::RedirectNotAllowed,
            Self::Refused(Refusal::Address { .. }) => Reason::AddressNotAllowed,
            Self::Missing { .. } => Reason::Missing,
            Self::Size { .. } | Self::UncompressedSize { .. } => Reason::SizeMismatch,
            Self::Sha256 { .. } => Reason::Sha256Mismatch,
            Self::Metadata { .. } | Self::Build(_) => Reason::MetadataConflict,
            Self::Reference(_) => Reason::BadReference,
            Self::Image(_) => Reason::ImageMismatch,
            Self::Signature(_) | Self::BadSignature { .. } => Reason::BadSignature,
            Self::Undetermined { error, .. } => match error.kind {
                ProbeErrorKind::Unreachable => Reason::Unreachable,
                ProbeErrorKind::Timeout => Reason::Timeout,
                ProbeErrorKind::ServerError => Reason::ServerError,
                ProbeErrorKind::RateLimited => Reason::RateLimited,
                ProbeErrorKind::Deadline => Reason::Deadline,
            },
            Self::NoSize { .. } => Reason::ServerError,
            Self::UncompressedSha256 { .. } | Self::NotDecompressed(_) => Reason::UncompressedSha256Mismatch,
            Self::NoDigest | Self::NotRead | Self::SignatureNotChecked => Reason::NoDigest,
        }
    }

    pub fn verdict(&self) -> Verdict {
        self.reason().verdict()
    }
}

pub(super) const fn source_text(source: DigestSource) -> &'static str {
    match source {
        DigestSource::Header => "a response header",
        DigestSource::Sha256sumTxt => "sha256sum.txt beside it",
        DigestSource::MetaJson => "meta.json beside it",
        DigestSource::Content => "the bytes that were served",
    }
}
