//! Which kind of document a JSON text claims to be.

use serde::de::IgnoredAny;

use super::json::entries;
use super::reader::go_reads_as;

/// Which kind of document a JSON text claims to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Claim {
    /// Stream metadata: it has a key of [`KEYS`].
    Stream,
    /// A Kubernetes manifest: it has the key `kind`.
    Manifest,
    Object,
    Value,
    /// Unknown, because it is not well-formed.
    Malformed,
}

/// The keys of stream metadata. Any spelling that the installer accepts counts, so that no document that it reads is
/// hidden from the gate.
const KEYS: [&str; 2] = ["stream", "architectures"];

impl Claim {
    pub(super) fn of(bytes: &[u8]) -> Self {
        let Ok(text) = std::str::from_utf8(bytes) else { return Self::Malformed };
        if serde_json::from_str::<IgnoredAny>(text).is_err() {
            return Self::Malformed;
        }
        if !text.trim_start().starts_with('{') {
            return Self::Value;
        }
        let mut claim = Self::Object;
        let outcome = entries(text, |key, _| {
            // The installer reads a stream document even if it also has a `kind`.
            if KEYS.iter().any(|known| go_reads_as(key, known)) {
                claim = Self::Stream;
            } else if key == "kind" && claim == Self::Object {
                claim = Self::Manifest;
            }
        });
        outcome.map_or(Self::Malformed, |()| claim)
    }

    /// Why a text is not stream metadata, if it certainly is not.
    pub(super) const fn why_not(self) -> Option<&'static str> {
        match self {
            Self::Stream | Self::Malformed => None,
            Self::Manifest | Self::Object => Some("not stream metadata: it has no `architectures`"),
            Self::Value => Some("not stream metadata: it is not an object"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_is_made_by_a_key_however_it_is_spelled() {
        let cases = [
            (r#"{"stream": 1}"#, Claim::Stream),
            (r#" {"x": [], "Architectures": {}}"#, Claim::Stream),
            (r#"{"\u017ftream": 1}"#, Claim::Stream),
            (r#"{"kind": "ConfigMap", "stream": 1}"#, Claim::Stream),
            (r#"{"stream": 1, "kind": "ConfigMap"}"#, Claim::Stream),
            (r#"{"kind": 1}"#, Claim::Manifest),
            ("{}", Claim::Object),
            (r#"{"x": {"stream": 1}}"#, Claim::Object),
            ("[]", Claim::Value),
            (r#"["stream"]"#, Claim::Value),
            ("1", Claim::Value),
            ("", Claim::Malformed),
            ("{", Claim::Malformed),
            ("[1,]", Claim::Malformed),
            (r#"{"x": "#, Claim::Malformed),
            ("{} {}", Claim::Malformed),
        ];
        for (text, claim) in cases {
            assert_eq!(Claim::of(text.as_bytes()), claim, "{text}");
        }
        assert_eq!(Claim::of(b"\"\xff\""), Claim::Malformed);
    }
}
