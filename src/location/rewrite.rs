//! Rewriting the URLs of a stream document for another target.

use std::collections::HashMap;

use super::artifact_url::ArtifactUrl;
use super::place::resolve;
use super::target::Target;
use crate::stream::{Faults, FoundUrl, find_urls, replace_urls};
use crate::text::excerpt;

/// A document with the URLs of a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rewritten {
    /// The document; every byte outside of the changed URLs is unchanged.
    pub text: String,
    /// The number of URLs of the document's artifacts.
    pub urls: usize,
    /// The number of URLs that changed.
    pub changed: usize,
}

/// Replaces the locations and signatures of a document's artifacts with their URLs at a target.
///
/// Only the bytes of the URLs change; a document that is already at the target is returned unchanged. If any URL has
/// no equivalent at the target, the error lists every such URL. Faults name the document `name`.
///
/// ```
/// use art_mirror_validate::location::{Prefix, Target, rewrite};
///
/// let document = r#"{"stream": "rhcos-4.8", "architectures": {"x86_64": {"artifacts": {"qemu": {
///     "release": "48.84.202109241901-0", "formats": {"qcow2.gz": {"disk": {
///     "sha256": "f7ba2bc1a7bb9a4e1f8a0f6bb3fa8a1f4e0b23ae0d5e4ff14eb1a4ba64a9a16e", "location": "https://rhcos.mirror.openshift.com/art/storage/releases/rhcos-4.8/48.84.202109241901-0/x86_64/rhcos-48.84.202109241901-0-qemu.x86_64.qcow2.gz"}}}}}}}}"#;
/// let bridge = Target::Bridge(Prefix::parse("https://bridge.example/art/storage")?);
///
/// let moved = rewrite("rhcos.json", document, &bridge)?;
/// assert_eq!(moved.text, document.replace("rhcos.mirror.openshift.com", "bridge.example"));
/// assert_eq!((moved.urls, moved.changed), (1, 1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn rewrite(name: &str, document: &str, target: &Target) -> Result<Rewritten, RewriteError> {
    let found = find_urls(name, document)?;
    let mut places: Vec<ArtifactUrl> = Vec::with_capacity(found.len());
    let mut unplaced = Vec::new();
    let mut taken: HashMap<String, &FoundUrl> = HashMap::with_capacity(found.len());
    for url in &found {
        match resolve(&url.url, url.release.as_deref(), target) {
            Err(error) => unplaced.push(format!("{}: {error}", excerpt(&url.path(), 300))),
            Ok(place) => {
                let other = *taken.entry(place.as_str().to_owned()).or_insert(url);
                if other.url != url.url {
                    let (path, other) = (excerpt(&url.path(), 300), excerpt(&other.path(), 300));
                    unplaced.push(format!(
                        "{path}: its new URL would be {place}, which is already the URL of a different file, {other}"
                    ));
                }
                places.push(place);
            }
        }
    }
    if !unplaced.is_empty() {
        return Err(RewriteError::Unplaced(unplaced));
    }
    let pairs = || found.iter().zip(places.iter().map(ArtifactUrl::as_str));
    Ok(Rewritten {
        text: replace_urls(document, pairs()),
        urls: found.len(),
        changed: pairs().filter(|(found, place)| found.url != *place).count(),
    })
}

/// Why a document was not rewritten.
#[expect(missing_docs, reason = "each message says what it is")]
#[derive(Debug, thiserror::Error)]
pub enum RewriteError {
    #[error(transparent)]
    Document(#[from] Faults),
    /// The path and the reason of each URL without an equivalent at the target, or with that of another file.
    #[error("{} of the document's URLs could not be placed:\n  {}", .0.len(), .0.join("\n  "))]
    Unplaced(Vec<String>),
}
