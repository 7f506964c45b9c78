//! Reading JSON strictly: duplicate keys are faults, faults have positions, values are bounded.
//!
//! The parser is `serde_json`. An object is read entry by entry, each from its slice of the text.

use std::collections::HashSet;
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::str::FromStr;
use std::sync::Arc;

use serde::de::IgnoredAny;
use serde_json::Value;

use super::Sha256;
use super::fault::{Fault, Faults, described, path, quoted};
use super::json::{entries, line_and_column, offset};
use super::limits::{
    MAX_CLOUD_BYTES, MAX_CLOUD_PATH, MAX_CLOUD_VALUE, MAX_DOCUMENT_BYTES, MAX_NESTING, MAX_READ,
};
use crate::text::{excerpt, printed_length};

/// The approximate memory of a scalar besides its text and path, in bytes.
const LEAF: usize = 128;

pub(super) struct Reader<'t> {
    pub(super) file: &'t str,
    text: &'t str,
    path: Vec<String>,
    faults: Faults,
    /// Names that many artifacts share, stored once.
    names: HashSet<Arc<str>>,
    /// What is left of [`MAX_CLOUD_BYTES`].
    cloud_bytes_left: usize,
    /// What is left of [`MAX_READ`].
    read_bytes_left: usize,
}

/// How an object of a document is read.
pub(super) struct Shape {
    /// The keys that Go readers know here. Go's `encoding/json` ignores case, so that the installer would accept a
    /// key that differs only in case and the gate would not: such a key is a fault.
    pub(super) fields: &'static [&'static str],
    /// Whether null is an empty object: Go writes nil maps as null, and ignores null when reading.
    pub(super) is_nullable: bool,
    /// What a fault says was expected if the value is not an object.
    pub(super) expected: &'static str,
}

impl<'t> Reader<'t> {
    /// Reads a JSON text with `root`.
    pub(super) fn read(
        file: &'t str,
        bytes: &'t [u8],
        root: impl FnOnce(&mut Self, &'t str),
    ) -> Result<(), Faults> {
        Self::read_lossy(file, bytes, |reader, raw| {
            if reader.is_clean() {
                root(reader, raw);
            }
        })
    }

    /// The same, but malformed JSON is read up to the error.
    pub(super) fn read_lossy(
        file: &'t str,
        bytes: &'t [u8],
        root: impl FnOnce(&mut Self, &'t str),
    ) -> Result<(), Faults> {
        let whole = |position, found: String, expected: &str| {
            let (file, path, expected) = (file.to_owned(), String::new(), expected.to_owned());
            Faults::from(Fault { file, position, path, found, expected })
        };
        if bytes.len() > MAX_DOCUMENT_BYTES {
            let expected = format!("at most {MAX_DOCUMENT_BYTES}");
            return Err(whole(None, format!("{} bytes", bytes.len()), &expected));
        }
        let text = std::str::from_utf8(bytes).map_err(|error| {
            let position = line_and_column(bytes, error.valid_up_to());
            whole(Some(position), "bytes that are not UTF-8".to_owned(), "UTF-8 text")
        })?;
        let mut reader = Self {
            file,
            text,
            path: Vec::new(),
            faults: Faults::default(),
            names: HashSet::new(),
            cloud_bytes_left: MAX_CLOUD_BYTES,
            read_bytes_left: MAX_READ,
        };
        if let Err(error) = serde_json::from_str::<IgnoredAny>(text) {
            reader.malformed(text, &error);
        }
        root(&mut reader, text.trim_ascii());
        if reader.faults.is_empty() { Ok(()) } else { Err(reader.faults) }
    }

    /// Calls `entry` for each entry of an object and returns whether it is complete. Any other value is a fault.
    pub(super) fn object(
        &mut self,
        raw: &'t str,
        shape: &Shape,
        entry: impl FnMut(&mut Self, &str, &'t str),
    ) -> bool {
        if shape.is_nullable && raw == "null" {
            return true;
        }
        if !raw.starts_with('{') {
            self.fault(Some(raw), described(raw), shape.expected);
            return false;
        }
        let is_field = |path: &[String]| path.last().is_some_and(|key| shape.fields.contains(&key.as_str()));
        self.entries(raw, is_field, entry)
    }

    /// Calls `entry` for each entry of an object or array, at its path; a duplicate key is a fault.
    fn entries(
        &mut self,
        raw: &'t str,
        is_known: impl Fn(&[String]) -> bool,
        mut entry: impl FnMut(&mut Self, &str, &'t str),
    ) -> bool {
        let left = self.read_bytes_left.checked_sub(raw.len());
        let Some(left) = left.filter(|_| self.path.len() < MAX_NESTING) else {
            let expected = format!("at most {MAX_NESTING} levels, fewer in a large document");
            self.fault(Some(raw), "too many levels of nesting".to_owned(), &expected);
            return false;
        };
        self.read_bytes_left = left;
        let mut seen = raw.starts_with('{').then(SeenKeys::default);
        let outcome = entries(raw, |key, value| {
            self.within(key, |reader| {
                if let Some(folded) = folded(key) {
                    let mut path = reader.path.clone();
                    path.splice(path.len().saturating_sub(1).., [folded.clone()]);
                    if is_known(&path) && !is_known(&reader.path) {
                        let expected = format!("\"{folded}\" in that spelling");
                        reader.fault(Some(value), format!("the key {}", quoted(key)), &expected);
                    }
                }
                if seen.as_mut().is_none_or(|seen| seen.insert(key)) {
                    entry(reader, key, value);
                } else {
                    reader.fault(Some(value), "a duplicate key".to_owned(), "each key once");
                    reader.skip(value);
                }
            });
        });
        if let Err(error) = &outcome {
            // An error inside one of the values is already recorded.
            if self.is_clean() {
                self.malformed(raw, error);
            }
        }
        outcome.is_ok()
    }

    /// Records malformed JSON in this slice of the text.
    fn malformed(&mut self, part: &str, error: &serde_json::Error) {
        let what = error.to_string();
        let what = what.split(" at line ").next().unwrap_or_default();
        let begin = offset(self.text, part).unwrap_or_default();
        let before: usize =
            part.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum();
        let offset = begin + before + error.column().saturating_sub(1);
        self.faults.push_with(|| Fault {
            file: self.file.to_owned(),
            position: Some(line_and_column(self.text.as_bytes(), offset)),
            path: path(&self.path),
            found: format!("malformed JSON ({})", excerpt(what, 200)),
            expected: "valid JSON".to_owned(),
        });
    }

    /// Records a fault at the current path.
    pub(super) fn fault(&mut self, at: Option<&'t str>, found: String, expected: &str) {
        let text = self.text;
        let at = at.and_then(|raw| self.offset(raw));
        self.faults.push_with(|| Fault {
            file: self.file.to_owned(),
            position: at.map(|offset| line_and_column(text.as_bytes(), offset)),
            path: path(&self.path),
            found,
            expected: expected.to_owned(),
        });
    }

    /// Records the faults of a document inside this one.
    pub(super) fn append(&mut self, faults: Faults) {
        self.faults.append(faults);
    }

    pub(super) fn is_clean(&self) -> bool {
        self.faults.is_empty()
    }

    pub(super) fn interned(&mut self, name: &str) -> Arc<str> {
        if let Some(known) = self.names.get(name) {
            return Arc::clone(known);
        }
        let new: Arc<str> = name.into();
        self.names.insert(Arc::clone(&new));
        new
    }

    pub(super) fn missing(&mut self, field: &str, expected: &str) {
        self.within(field, |reader| reader.fault(None, "nothing".to_owned(), expected));
    }

    /// Runs `work` at the path of a key.
    pub(super) fn within<T>(&mut self, key: &str, work: impl FnOnce(&mut Self) -> T) -> T {
        self.path.push(key.to_owned());
        let result = work(self);
        self.path.pop();
        result
    }

    /// The value as a string of at most `limit` bytes as printed, or a fault.
    pub(super) fn text(&mut self, raw: &'t str, limit: usize) -> Option<String> {
        let text = self.string(raw)?;
        if printed_length(&text) <= limit {
            return Some(text);
        }
        self.invalid_string(raw, &text, format!("at most {limit} characters"));
        None
    }

    /// The value as a digest in hexadecimal digits of either case, or a fault.
    pub(super) fn hex_digest(&mut self, raw: &'t str) -> Option<Sha256> {
        let text = self.string(raw)?;
        Sha256::from_hex(&text).map_err(|error| self.invalid_string(raw, &text, error)).ok()
    }

    /// The value as a string, or a fault.
    fn string(&mut self, raw: &'t str) -> Option<String> {
        match serde_json::from_str(raw) {
            Ok(string) => return Some(string),
            Err(error) if raw.starts_with('"') => self.malformed(raw, &error),
            Err(_) => self.fault(Some(raw), described(raw), "a string"),
        }
        None
    }

    /// The value of an optional field: null and the empty string mean the same as its absence, as for Go.
    pub(super) fn optional<T>(
        &mut self,
        raw: &'t str,
        read: impl FnOnce(&mut Self, &'t str) -> Option<T>,
    ) -> Option<T> {
        if matches!(raw, "null" | "\"\"") { None } else { read(self, raw) }
    }

    /// The value parsed from a string, or a fault.
    pub(super) fn parsed<T: FromStr<Err: fmt::Display>>(&mut self, raw: &'t str) -> Option<T> {
        let text = self.string(raw)?;
        text.parse().map_err(|error: T::Err| self.invalid_string(raw, &text, error)).ok()
    }

    /// Records that a string is invalid. The error's text says what was expected.
    pub(super) fn invalid_string(&mut self, raw: &'t str, text: &str, error: impl fmt::Display) {
        let expected = error.to_string();
        self.fault(Some(raw), quoted(text), expected.strip_prefix("expected ").unwrap_or(&expected));
    }

    /// The value as a number of bytes, or a fault.
    pub(super) fn size(&mut self, raw: &'t str) -> Option<u64> {
        let size = serde_json::from_str(raw).ok();
        if size.is_none() {
            self.fault(Some(raw), described(raw), "a whole number of bytes");
        }
        size
    }

    pub(super) fn offset(&self, raw: &str) -> Option<usize> {
        offset(self.text, raw)
    }
}

/// Whether Go's `encoding/json` matches `key` to `field`: they are equal under simple case folding, which maps the
/// long s and the Kelvin sign to ASCII letters.
pub(super) fn go_reads_as(key: &str, field: &str) -> bool {
    key.chars().map(fold).eq(field.chars())
}

const fn fold(character: char) -> char {
    match character {
        '\u{17f}' => 's',
        '\u{212a}' => 'k',
        other => other.to_ascii_lowercase(),
    }
}

/// Hashes of the keys of an object, because a hostile document has millions. A collision would refuse a valid
/// document, but is improbable, and cannot be provoked because the hasher's keys are random.
#[derive(Default)]
struct SeenKeys {
    hashes: HashSet<u64>,
    hasher: RandomState,
}

impl SeenKeys {
    fn insert(&mut self, key: &str) -> bool {
        self.hashes.insert(self.hasher.hash_one(key))
    }
}

/// What Go's reader expects of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expected {
    Object,
    Text,
    /// The key is unknown, or any value is accepted.
    Anything,
}

/// Returns what is expected at a path of keys.
pub(super) type Schema = fn(&[String]) -> Expected;

impl<'t> Reader<'t> {
    /// Checks an unused value for duplicate keys.
    pub(super) fn skip(&mut self, raw: &'t str) {
        self.check(raw, |_| Expected::Anything);
    }

    /// The same for a value that must also match what Go's reader expects.
    pub(super) fn check(&mut self, raw: &'t str, schema: Schema) {
        self.walk(raw, schema, &mut |_, _, _| {});
    }

    /// Calls `leaf` for each scalar of a value, within the limits for cloud images.
    pub(super) fn leaves(&mut self, raw: &'t str, schema: Schema, mut leaf: impl FnMut(&[String], &str)) {
        self.walk(raw, schema, &mut |reader, raw, scalar| {
            // A document with faults is not used.
            if !reader.is_clean() {
                return;
            }
            // A key can be as long as the document; printing cannot shorten it, so a long one need not be printed.
            let bytes: usize = reader.path.iter().map(|key| key.len() + 1).sum();
            let keys = if bytes > MAX_CLOUD_PATH {
                bytes
            } else {
                reader.path.iter().map(|key| printed_length(key) + 1).sum()
            };
            let mut long = |what, limit| {
                let expected = format!("a {what} of at most {limit} characters");
                reader.fault(Some(raw), format!("a longer {what}"), &expected);
            };
            if keys > MAX_CLOUD_PATH {
                return long("path of keys", MAX_CLOUD_PATH);
            }
            if printed_length(scalar) > MAX_CLOUD_VALUE {
                return long("value", MAX_CLOUD_VALUE);
            }
            if let Some(left) =
                reader.cloud_bytes_left.checked_sub(keys.saturating_add(scalar.len()).saturating_add(LEAF))
            {
                reader.cloud_bytes_left = left;
                leaf(&reader.path, scalar);
            } else {
                let expected =
                    format!("values that take no more than {MAX_CLOUD_BYTES} bytes with their paths");
                reader.fault(Some(raw), "one value too many".to_owned(), &expected);
            }
        });
    }

    /// Calls `leaf` for each scalar of a value except null.
    fn walk(&mut self, raw: &'t str, schema: Schema, leaf: &mut Leaf<'_, 't>) {
        let (expected, first) = (schema(&self.path), raw.as_bytes().first());
        match (expected, first) {
            (_, Some(b'n')) => {}
            (Expected::Object, first) if first != Some(&b'{') => {
                self.fault(Some(raw), described(raw), "an object");
            }
            (Expected::Text, first) if first != Some(&b'"') => {
                self.fault(Some(raw), described(raw), "a string");
            }
            (_, Some(b'{' | b'[')) => {
                let is_known = |path: &[String]| schema(path) != Expected::Anything;
                self.entries(raw, is_known, |reader, _, value| reader.walk(value, schema, leaf));
            }
            _ => match serde_json::from_str(raw) {
                Ok(Value::String(scalar)) => leaf(self, raw, &scalar),
                Ok(scalar) => leaf(self, raw, &scalar.to_string()),
                Err(error) => self.malformed(raw, &error),
            },
        }
    }
}

/// Called with the text of a scalar in the document and its value: a string's content, or JSON.
type Leaf<'l, 't> = dyn FnMut(&mut Reader<'t>, &'t str, &str) + 'l;

/// A key after Go's case folding, if that changes it.
fn folded(key: &str) -> Option<String> {
    let is_plain = key.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase());
    (!is_plain).then(|| key.chars().map(fold).collect())
}
