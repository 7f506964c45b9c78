//! What an artifact should be.

use serde::Serialize;

/// Who says what size a file should have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum SizeSource {
    /// The stream document's optional `size`.
    #[serde(rename = "stream")]
    Stream,
    /// Legacy metadata in the same checkout.
    #[serde(rename = "legacy")]
    Legacy,
    /// The build's `meta.json`.
    #[serde(rename = "meta.json")]
    MetaJson,
    /// A HEAD of the same file on the bridge.
    #[serde(rename = "bridge")]
    Bridge,
}
