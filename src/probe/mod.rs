//! Requests about one file, and the evidence that they gather.

mod answer;
mod cloud;
mod content;
mod digest_headers;
mod evidence;
mod observe;
mod openpgp;
mod prober;
mod sha256sum;
mod sidecars;

pub use crate::http::{
    AllowedHost, Client, ClientSettings, Outage, ProbeError, ProbeErrorKind, Proxies, Refusal, Rules,
    check_trust_roots,
};
pub use cloud::{CloudEvidence, CloudRequest};
pub use content::{
    ContentEvidence, ContentRequest, Extent, FileProgress, MAX_UNCOMPRESSED_BYTES, Sink, Transferred,
    Transfers, TransfersNow, Uncompressed, Unfinished,
};
pub use digest_headers::HeaderDigests;
pub use evidence::{Absence, DigestSource, Evidence, Observation, PublishedDigest, Unread};
pub use openpgp::{Keyring, KeyringError, SignatureCheck};
pub use prober::{Examination, FetchError, ProbeRequest, Prober, SidecarPolicy};
pub use sha256sum::{Sha256sum, Sha256sumError};
pub use sidecars::{MAX_META_JSON_BYTES, MAX_SHA256SUM_BYTES};
