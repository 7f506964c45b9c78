//! HTTP: what may be requested, and the evidence that comes of it.

mod address;
mod backoff;
mod client;
mod connect;
mod content;
mod digest_headers;
mod evidence;
mod notes;
mod observe;
mod openpgp;
mod origin;
mod prober;
mod rules;
mod sha256sum;
mod sidecars;
mod tls;

pub use address::is_global;
pub use client::{Client, ClientSettings};
pub use content::{
    ContentEvidence, ContentInquiry, Extent, FileProgress, MAX_UNCOMPRESSED_BYTES, Sink, Transferred,
    Transfers, TransfersNow, Uncompressed, Unfinished, When,
};
pub(crate) use digest_headers::HeaderDigests;
pub use evidence::{
    Absence, DigestSource, Evidence, Observation, PublishedDigest, Trouble, TroubleKind, Unread,
};
pub use notes::Notes;
pub use openpgp::{Keyring, KeyringError, SignatureCheck};
pub use prober::{FetchError, Inquiry, Prober, Sidecarring};
pub use rules::{AllowedHost, AllowedHostError, MAX_REDIRECTS, Refusal, Rules};
pub use sha256sum::{Sha256sum, Sha256sumError};
pub use sidecars::{MAX_META_JSON_BYTES, MAX_SHA256SUM_BYTES};
pub use tls::check_trust_roots;
