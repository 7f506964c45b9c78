//! HTTP: what may be requested, and the evidence that comes of it.

mod address;
mod digest_headers;
mod evidence;
mod rules;
mod sha256sum;

pub use address::is_global;
pub use evidence::{
    Absence, DigestSource, Evidence, Observation, PublishedDigest, Trouble, TroubleKind, Unread,
};
pub use rules::{AllowedHost, AllowedHostError, MAX_REDIRECTS, Refusal, Rules};
pub use sha256sum::{Sha256sum, Sha256sumError};
