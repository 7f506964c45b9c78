//! The entries of a JSON value as slices of its text, so that each has a position.

use std::fmt;

use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// The largest text in which lines are looked up, in bytes; real ones have 20 to 60 KiB.
const MAX_BYTES: usize = 4 * 1024 * 1024;

/// Calls `entry` with the key or index and the text of each entry of an object or array, in order. In malformed JSON,
/// these are the entries before the error and the value that contains it.
pub(super) fn entries<'t>(text: &'t str, entry: impl FnMut(&str, &'t str)) -> Result<(), serde_json::Error> {
    serde_json::Deserializer::from_str(text).deserialize_any(Entries { text, rest: text, entry })
}

struct Entries<'t, F> {
    text: &'t str,
    /// The text after the last value.
    rest: &'t str,
    entry: F,
}

impl<'t, F: FnMut(&str, &'t str)> Visitor<'t> for Entries<'t, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object or an array")
    }

    fn visit_map<A: MapAccess<'t>>(mut self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            match map.next_value::<&RawValue>() {
                Ok(value) => {
                    let end = offset(self.text, value.get()).map(|offset| offset + value.get().len());
                    self.rest = end.and_then(|end| self.text.get(end..)).unwrap_or_default();
                    (self.entry)(&key, value.get());
                }
                Err(error) => {
                    if let Some(value) = value_behind_key(self.rest) {
                        (self.entry)(&key, value);
                    }
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'t>>(mut self, mut seq: A) -> Result<(), A::Error> {
        let mut index = 0_usize;
        while let Some(element) = seq.next_element::<&RawValue>()? {
            (self.entry)(&index.to_string(), element.get());
            index += 1;
        }
        Ok(())
    }
}

/// The text after the next key of an object and its colon.
fn value_behind_key(rest: &str) -> Option<&str> {
    let is_between = |character: char| matches!(character, '{' | ',') || character.is_ascii_whitespace();
    let rest = rest.trim_start_matches(is_between);
    let mut keys = serde_json::Deserializer::from_str(rest).into_iter::<String>();
    keys.next()?.ok()?;
    Some(rest.get(keys.byte_offset()..)?.trim_ascii_start().strip_prefix(':')?.trim_ascii_start())
}

/// The offset of a slice in its text.
pub(super) fn offset(text: &str, part: &str) -> Option<usize> {
    let offset = part.as_ptr().addr().checked_sub(text.as_ptr().addr())?;
    (offset <= text.len()).then_some(offset)
}

/// The line and column of an offset, both from 1, the column in bytes.
pub(super) fn line_and_column(bytes: &[u8], offset: usize) -> (usize, usize) {
    let before = bytes.get(..offset).unwrap_or(bytes);
    let line = before.iter().filter(|&&byte| byte == b'\n').count() + 1;
    let column = before.iter().rev().take_while(|&&byte| byte != b'\n').count() + 1;
    (line, column)
}

/// The line, from 1, of the value at this path, or of the last of the keys that exists.
pub fn line_of(text: &str, path: &[String]) -> Option<usize> {
    if text.len() > MAX_BYTES {
        return None;
    }
    let mut value = text;
    for key in path {
        let mut found = None;
        let outcome = entries(value, |name, raw| {
            if name == key {
                found = Some(raw);
            }
        });
        let (Ok(()), Some(raw)) = (outcome, found) else { break };
        value = raw;
    }
    offset(text, value).map(|offset| line_and_column(text.as_bytes(), offset).0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_resolved_to_a_line() {
        let text = "{\n  \"a\": {\n    \"b\": 1,\n    \"c\": {\"d\":\n 2}\n  }\n}";
        for (path, expected) in
            [("", 1), ("a", 2), ("a.b", 3), ("a.c", 4), ("a.c.d", 5), ("a.x", 2), ("x", 1)]
        {
            let path: Vec<String> =
                path.split('.').filter(|key| !key.is_empty()).map(str::to_owned).collect();
            assert_eq!(line_of(text, &path), Some(expected), "{path:?}");
        }
        assert_eq!(line_of("kind: ConfigMap", &["a".to_owned()]), Some(1));
    }
}
