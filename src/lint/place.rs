//! Where in a text a path of keys leads.

use std::fmt;

use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

/// The largest text in which places are looked for, in bytes; the real ones have 20 to 60 KiB.
const MAX_BYTES: usize = 4 * 1024 * 1024;

/// The line, from 1, of the value that these keys lead to, or of the last of them that is there.
pub fn line(text: &str, path: &[String]) -> Option<usize> {
    if text.len() > MAX_BYTES {
        return None;
    }
    let mut value = text;
    for key in path {
        let found = serde_json::Deserializer::from_str(value).deserialize_map(Find(key));
        let Ok(Some(found)) = found else { break };
        value = found.get();
    }
    let offset = value.as_ptr().addr().checked_sub(text.as_ptr().addr())?;
    let before = text.as_bytes().get(..offset)?;
    Some(before.iter().filter(|&&byte| byte == b'\n').count() + 1)
}

/// Finds the value of a key in an object.
struct Find<'k>(&'k str);

impl<'t> Visitor<'t> for Find<'_> {
    type Value = Option<&'t RawValue>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'t>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        while let Some(key) = map.next_key::<String>()? {
            if key == self.0 {
                found = Some(map.next_value()?);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }
}
