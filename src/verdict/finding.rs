//! What the judge finds, each said in a sentence for a person.

use super::{Reason, SizeSource, Verdict};
use crate::probe::{Absence, DigestSource, ProbeError, ProbeErrorKind, Refusal};
use crate::stream::Sha256;
use crate::text::{Printable, bytes};

/// One thing that keeps an artifact from passing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Finding {
    /// It was not asked for, or the answer not followed.
    #[error("{0}")]
    Refused(Refusal),
    /// It is not there.
    #[error("{}", how.said(*status))]
    Missing {
        /// The response's status.
        status: u16,
        /// How it showed.
        how: Absence,
    },
    /// It has another size.
    #[error("it has {}, expected {} (from {expected_from})", bytes(*observed), bytes(*expected))]
    Size {
        /// The size that it should have, in bytes.
        expected: u64,
        /// Who says so.
        expected_from: SizeSource,
        /// The size that it has, in bytes.
        observed: u64,
    },
    /// What the server publishes, or the bytes themselves, have another digest.
    #[error("its sha256 is {observed} ({}), expected {expected}", said_by(*from))]
    Sha256 {
        /// The document's digest.
        expected: Sha256,
        /// The digest that was found.
        observed: Sha256,
        /// Where.
        from: DigestSource,
    },
    /// The decompressed bytes have another digest.
    #[error("its sha256 once decompressed is {observed}, expected {expected}")]
    UncompressedSha256 {
        /// The document's digest.
        expected: Sha256,
        /// The digest that was found.
        observed: Sha256,
    },
    /// The bytes cannot be decompressed.
    #[error("it cannot be decompressed: {0}")]
    NotDecompressed(String),
    /// Build metadata disagrees with the document.
    #[error("{} says {what} {observed}, the document says {expected}", Printable(said_by))]
    Metadata {
        /// The metadata.
        said_by: String,
        /// `sha256` or `uncompressed-sha256`.
        what: &'static str,
        /// The document's digest.
        expected: Sha256,
        /// The metadata's digest.
        observed: Sha256,
    },
    /// The build's `meta.json` does not have what the document says.
    #[error("{0}")]
    Build(String),
    /// It has another size once decompressed.
    #[error("it has {} once decompressed, expected {} (from {expected_from})", bytes(*observed), bytes(*expected))]
    UncompressedSize {
        /// The size that it should have once decompressed, in bytes.
        expected: u64,
        /// Who says so.
        expected_from: SizeSource,
        /// The size that it has once decompressed, in bytes.
        observed: u64,
    },
    /// A signature is required, and there is none.
    #[error("a signature is required, but {0}")]
    Signature(String),
    /// A signature that the keyring does not confirm.
    #[error("{of}: {why}")]
    BadSignature {
        /// What is signed.
        of: &'static str,
        /// Why it does not hold; it names the key.
        why: String,
    },
    /// A signature that a keyring should confirm, and nobody asked it.
    #[error("the signature was not checked, as the content was not read")]
    SignatureNotChecked,
    /// Something could not be determined.
    #[error("{}{}", about.map(|it| format!("{it}: ")).unwrap_or_default(), Printable(&trouble.detail))]
    Undetermined {
        /// The sidecar or signature that it is about; `None` for the file itself.
        about: Option<&'static str>,
        /// What went wrong.
        trouble: ProbeError,
    },
    /// The server does not tell the file's size.
    #[error("the server does not tell its size, expected {} (from {expected_from})", bytes(*expected))]
    NoSize {
        /// The size that it should have, in bytes.
        expected: u64,
        /// Who says so.
        expected_from: SizeSource,
    },
    /// No published digest.
    #[error("it is there, but its server publishes no sha256 of it")]
    NoDigest,
    /// Its bytes were to be read, and were not.
    #[error("it is there, but its content was not read")]
    NotRead,
}

impl Finding {
    /// The finding's word in reports.
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
            Self::Signature(_) | Self::BadSignature { .. } => Reason::BadSignature,
            Self::Undetermined { trouble, .. } => match trouble.kind {
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

    /// Whether it is known to be wrong, or undetermined.
    pub fn verdict(&self) -> Verdict {
        self.reason().verdict()
    }
}

const fn said_by(source: DigestSource) -> &'static str {
    match source {
        DigestSource::Header => "a header of the server's response",
        DigestSource::Sha256sumTxt => "sha256sum.txt beside it",
        DigestSource::MetaJson => "meta.json beside it",
        DigestSource::Content => "of the bytes that were served",
    }
}
