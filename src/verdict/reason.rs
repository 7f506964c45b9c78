//! Verdicts and reasons, as reports spell them.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The result of checking an artifact, or of a whole run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// The file is present and every requested check agrees.
    Pass,
    /// Nothing is known to be wrong, but something could not be determined.
    #[default]
    Inconclusive,
    /// Something is known to be wrong.
    Fail,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Pass => "pass",
            Self::Inconclusive => "inconclusive",
            Self::Fail => "fail",
        })
    }
}

macro_rules! reasons {
    ($($(#[doc = $doc:literal])+ $name:ident = $word:literal => $verdict:ident,)+) => {
        /// Why an artifact did not pass, most important to a reader first.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[cfg_attr(test, derive(schemars::JsonSchema))]
        pub enum Reason {
            $($(#[doc = $doc])+ #[serde(rename = $word)] $name,)+
        }

        impl Reason {
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word,)+ }
            }

            /// Whether this reason is a failure or undetermined.
            pub const fn verdict(self) -> Verdict {
                match self { $(Self::$name => Verdict::$verdict,)+ }
            }
        }
    };
}

reasons! {
    /// The location is not a plain http or https URL in its canonical spelling.
    BadLocation = "bad-location" => Fail,
    /// The location is on a bridge server, not at a published location.
    NotPublished = "not-published" => Fail,
    /// The location's host is not allowed.
    HostNotAllowed = "host-not-allowed" => Fail,
    /// A redirect leads to a target that is not allowed.
    RedirectNotAllowed = "redirect-not-allowed" => Fail,
    /// A host resolved to an address that is not allowed.
    AddressNotAllowed = "address-not-allowed" => Fail,
    /// The file is missing.
    Missing = "missing" => Fail,
    /// The file's size differs from the expected one.
    SizeMismatch = "size-mismatch" => Fail,
    /// The sha256 of the file, or one that the server publishes for it, differs from the document's.
    Sha256Mismatch = "sha256-mismatch" => Fail,
    /// The sha256 of the decompressed bytes differs from the document's.
    UncompressedSha256Mismatch = "uncompressed-sha256-mismatch" => Fail,
    /// Legacy metadata or the build's `meta.json` disagrees with the document.
    MetadataConflict = "metadata-conflict" => Fail,
    /// A required signature is missing, or a signature is not valid.
    BadSignature = "bad-signature" => Fail,
    /// A malformed cloud reference: an invalid AMI ID, a container image without a digest.
    BadReference = "bad-reference" => Fail,
    /// The cloud has another image under the reference.
    ImageMismatch = "image-mismatch" => Fail,
    /// No connection could be made, or the connection broke.
    Unreachable = "unreachable" => Inconclusive,
    /// The server took too long.
    Timeout = "timeout" => Inconclusive,
    /// The server answered with an error, or with an answer that does not tell whether the file is present.
    ServerError = "server-error" => Inconclusive,
    /// The server rate-limited the request.
    RateLimited = "rate-limited" => Inconclusive,
    /// The run ended before the answer came.
    Deadline = "deadline" => Inconclusive,
    /// The server publishes no sha256 and the content was not read.
    NoDigest = "no-digest" => Inconclusive,
}
