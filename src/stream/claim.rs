//! Which JSON texts claim to be stream metadata.

use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};

use super::reader::go_reads_as;

/// The keys by which an object claims to be stream metadata, in any spelling that the installer's reader takes
/// for them: none hides a document from the gate alone.
const KEYS: [&str; 2] = ["stream", "architectures"];

/// Whether a text is a well-formed JSON value without the keys that stream metadata has.
pub(super) fn is_none_made(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    if text.trim_start().starts_with('{') {
        serde_json::from_str(text).is_ok_and(|Claim(is_made)| !is_made)
    } else {
        serde_json::from_str(text).is_ok_and(|IgnoredAny| true)
    }
}

/// Whether an object has any of the [`KEYS`]. Nothing else of it is kept: it may be of any size.
struct Claim(bool);

impl<'t> Deserialize<'t> for Claim {
    fn deserialize<D: Deserializer<'t>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Self(false))
    }
}

impl<'t> Visitor<'t> for Claim {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'t>>(mut self, mut map: A) -> Result<Self, A::Error> {
        while let Some((key, IgnoredAny)) = map.next_entry::<String, _>()? {
            self.0 |= KEYS.iter().any(|claim| go_reads_as(&key, claim));
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_is_made_by_a_key_however_it_is_spelled() {
        for claims in [r#"{"stream": 1}"#, r#" {"x": [], "Architectures": {}}"#, r#"{"\u017ftream": 1}"#] {
            assert!(!is_none_made(claims.as_bytes()), "{claims}");
        }
        for other in ["{}", "[]", "1", r#"{"x": {"stream": 1}}"#, r#"["stream"]"#] {
            assert!(is_none_made(other.as_bytes()), "{other}");
        }
        for broken in ["", "{", "[1,]", r#"{"x": "#, "{} {}"] {
            assert!(!is_none_made(broken.as_bytes()), "what is malformed is no other kind of file: {broken}");
        }
        assert!(!is_none_made(b"\"\xff\""));
    }
}
