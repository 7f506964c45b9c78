//! The words of a verdict, as reports spell them.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What is known of an artifact, or of a whole run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It is there and everything that was asked for agrees.
    Pass,
    /// Nothing is known to be wrong, but something could not be determined.
    #[default]
    Inconclusive,
    /// Something is known to be wrong.
    Fail,
}

impl Verdict {
    /// The verdict's word in reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Inconclusive => "inconclusive",
            Self::Fail => "fail",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

macro_rules! reasons {
    ($($(#[doc = $doc:literal])+ $name:ident = $word:literal => $verdict:ident,)+) => {
        /// Why an artifact did not pass, in the order of what a person should hear first.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[cfg_attr(test, derive(schemars::JsonSchema))]
        pub enum Reason {
            $($(#[doc = $doc])+ #[serde(rename = $word)] $name,)+
        }

        impl Reason {
            /// Every reason.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// The reason's word in reports.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word,)+ }
            }

            /// What an artifact with this reason is: known to be wrong, or undetermined.
            pub const fn verdict(self) -> Verdict {
                match self { $(Self::$name => Verdict::$verdict,)+ }
            }
        }
    };
}

reasons! {
    /// The location is not a plain http or https URL in its only spelling.
    BadLocation = "bad-location" => Fail,
    /// The location is on a bridge server, or not at a published location.
    NotPublished = "not-published" => Fail,
    /// The location's host may not be requested.
    HostNotAllowed = "host-not-allowed" => Fail,
    /// A redirect led somewhere it may not.
    RedirectNotAllowed = "redirect-not-allowed" => Fail,
    /// A host resolved to an address that may not be requested.
    AddressNotAllowed = "address-not-allowed" => Fail,
    /// The file is not there.
    Missing = "missing" => Fail,
    /// The file has another size than expected.
    SizeMismatch = "size-mismatch" => Fail,
    /// The file, or what the server publishes of it, has another sha256 than the document.
    Sha256Mismatch = "sha256-mismatch" => Fail,
    /// The decompressed bytes have another sha256 than the document.
    UncompressedSha256Mismatch = "uncompressed-sha256-mismatch" => Fail,
    /// Legacy metadata or the build's `meta.json` disagrees with the document.
    MetadataConflict = "metadata-conflict" => Fail,
    /// A signature that was asked for is missing or not good.
    BadSignature = "bad-signature" => Fail,
    /// A cloud reference that names nothing: an AMI id that is none, a container image without a digest.
    BadReference = "bad-reference" => Fail,
    /// A cloud has something else under the reference than the image that is meant.
    ImageMismatch = "image-mismatch" => Fail,
    /// No connection could be made, or it broke.
    Unreachable = "unreachable" => Inconclusive,
    /// The server took too long.
    Timeout = "timeout" => Inconclusive,
    /// The server answered with an error, or with something that says nothing about the file.
    ServerError = "server-error" => Inconclusive,
    /// The server asked to be left alone.
    RateLimited = "rate-limited" => Inconclusive,
    /// The run ended before the answer came.
    Deadline = "deadline" => Inconclusive,
    /// The server publishes no sha256 and the content was not read.
    NoDigest = "no-digest" => Inconclusive,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
