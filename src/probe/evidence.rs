//! What the network said of an artifact. What it means is for the judge to say.

use serde::Serialize;

/// Where a digest was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum DigestSource {
    /// A digest header of the response.
    #[serde(rename = "header")]
    Header,
    /// The directory's `sha256sum.txt`.
    #[serde(rename = "sha256sum.txt")]
    Sha256sumTxt,
    /// The build's `meta.json`.
    #[serde(rename = "meta.json")]
    MetaJson,
    /// The bytes themselves.
    #[serde(rename = "content")]
    Content,
}
