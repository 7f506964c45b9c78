//! Reading JSON objects strictly: duplicate keys found, every fault collected with its place, strings and
//! numbers with their position in the text.
//!
//! The parser is `serde_json`; this is the visitor that it drives, in one pass and without a tree.

use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::str::FromStr;
use std::sync::Arc;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::Sha256;
use super::fault::{Fault, Faults, described, path, quoted};
use super::limits::{MAX_CLOUD_BYTES, MAX_CLOUD_PATH, MAX_CLOUD_VALUE, MAX_DOCUMENT_BYTES};
use crate::text::{excerpt, printed_length};

/// What a scalar takes besides its text and that of its path, in bytes, about.
const LEAF: usize = 128;

pub(super) struct Reader<'t> {
    file: &'t str,
    text: &'t str,
    path: RefCell<Vec<String>>,
    faults: RefCell<Faults>,
    /// Names that stand in many artifacts, kept once.
    names: RefCell<HashSet<Arc<str>>>,
    /// How much more may be handed out, of [`MAX_CLOUD_BYTES`].
    room: Cell<usize>,
}

/// What comes of reading an entry.
pub(super) type Read<'t, A> = Result<(), <A as MapAccess<'t>>::Error>;

macro_rules! scalars {
    ($($visit:ident($value:ident: $type:ty) => $($said:expr),+;)+) => {$(
        fn $visit<E: Error>(self, $value: $type) -> Result<(), E> {
            self.scalar($($said),+);
            Ok(())
        }
    )+};
}

/// What an object at some place of a document looks like.
pub(super) trait Shape<'t>: Sized {
    /// The names that readers written in Go give a meaning here. Go's `encoding/json` ignores case, so a key
    /// that differs from one of these in case alone would be one thing to the gate and another to the
    /// installer: it is a fault.
    const FIELDS: &'static [&'static str] = &[];

    /// Whether null is an object without entries: Go writes maps that were never made so, and reads null as
    /// nothing.
    const NULLABLE: bool = false;

    /// What was expected, should the value be no object.
    const EXPECTED: &'static str = "an object";

    /// Takes the value of one key from `map`.
    fn entry<A: MapAccess<'t>>(&mut self, reader: &Reader<'t>, key: String, map: &mut A) -> Read<'t, A>;

    /// After the last entry: what is missing?
    fn end(self, _reader: &Reader<'t>) {}

    /// In place of all that, if the value was no object.
    fn mistyped(self, reader: &Reader<'t>, found: String) {
        reader.fault(None, found, Self::EXPECTED);
    }
}

impl<'t> Reader<'t> {
    pub(super) fn read(file: &'t str, bytes: &'t [u8], shape: impl Shape<'t>) -> Result<(), Faults> {
        let whole = |position, found: String, expected: &str| {
            Faults::from(Fault {
                file: file.to_owned(),
                position,
                path: String::new(),
                found,
                expected: expected.to_owned(),
            })
        };
        if bytes.len() > MAX_DOCUMENT_BYTES {
            let expected = format!("at most {MAX_DOCUMENT_BYTES}");
            return Err(whole(None, format!("{} bytes", bytes.len()), &expected));
        }
        let text = std::str::from_utf8(bytes).map_err(|error| {
            let position = line_and_column(bytes, error.valid_up_to());
            whole(Some(position), "bytes that are not UTF-8".to_owned(), "UTF-8 text")
        })?;
        let reader = Self {
            file,
            text,
            path: RefCell::default(),
            faults: RefCell::default(),
            names: RefCell::default(),
            room: Cell::new(MAX_CLOUD_BYTES),
        };
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let outcome = reader.object(shape).deserialize(&mut deserializer).and_then(|()| deserializer.end());
        let mut faults = reader.faults.into_inner();
        if let Err(error) = outcome {
            let what = error.to_string();
            let what = what.split(" at line ").next().unwrap_or_default().to_owned();
            let position = (error.line() > 0).then(|| (error.line(), error.column().max(1)));
            faults.push(Fault {
                file: file.to_owned(),
                position,
                path: String::new(),
                found: format!("malformed JSON ({})", excerpt(&what, 200)),
                expected: "valid JSON".to_owned(),
            });
        }
        if faults.is_empty() { Ok(()) } else { Err(faults) }
    }

    /// The seed of an object of this shape at the current path.
    pub(super) fn object<S: Shape<'t>>(&self, shape: S) -> ObjectSeed<'_, 't, S> {
        ObjectSeed { reader: self, shape }
    }

    /// Records a fault at the current path.
    pub(super) fn fault(&self, at: Option<&'t RawValue>, found: String, expected: &str) {
        self.faults.borrow_mut().push_with(|| Fault {
            file: self.file.to_owned(),
            position: at.and_then(|raw| self.position(raw)),
            path: path(&self.path.borrow()),
            found,
            expected: expected.to_owned(),
        });
    }

    /// Records the faults of a document inside this one.
    pub(super) fn append(&self, faults: Faults) {
        self.faults.borrow_mut().append(faults);
    }

    pub(super) fn is_clean(&self) -> bool {
        self.faults.borrow().is_empty()
    }

    pub(super) fn interned(&self, name: &str) -> Arc<str> {
        let mut names = self.names.borrow_mut();
        if let Some(known) = names.get(name) {
            return Arc::clone(known);
        }
        let new: Arc<str> = name.into();
        names.insert(Arc::clone(&new));
        new
    }

    fn duplicate_key(&self) {
        self.fault(None, "a duplicate key".to_owned(), "each key once");
    }

    pub(super) fn missing(&self, field: &str, expected: &str) {
        self.within(field, || self.fault(None, "nothing".to_owned(), expected));
    }

    /// Does something at the path of a key.
    pub(super) fn within<T>(&self, key: &str, work: impl FnOnce() -> T) -> T {
        self.path.borrow_mut().push(key.to_owned());
        let result = work();
        self.path.borrow_mut().pop();
        result
    }

    /// The value of an entry as a string of bounded length as printed, or a fault.
    pub(super) fn text(&self, raw: &'t RawValue, limit: usize) -> Option<String> {
        let text = self.string(raw)?;
        if printed_length(&text) <= limit {
            return Some(text);
        }
        self.bad_string(raw, &text, format!("at most {limit} characters"));
        None
    }

    /// The value of an entry as a digest in hexadecimal digits of either case, or a fault.
    pub(super) fn hex_digest(&self, raw: &'t RawValue) -> Option<Sha256> {
        let text = self.string(raw)?;
        Sha256::from_hex(&text).map_err(|error| self.bad_string(raw, &text, error)).ok()
    }

    /// The value of an entry as a string, or a fault.
    fn string(&self, raw: &'t RawValue) -> Option<String> {
        let string = serde_json::from_str(raw.get()).ok();
        if string.is_none() {
            self.fault(Some(raw), described(raw.get()), "a string");
        }
        string
    }

    /// The value of an optional field: null and the empty string are what Go's `omitempty` would have left out.
    pub(super) fn optional<T>(
        &self,
        raw: &'t RawValue,
        read: impl FnOnce(&Self, &'t RawValue) -> Option<T>,
    ) -> Option<T> {
        if matches!(raw.get(), "null" | "\"\"") { None } else { read(self, raw) }
    }

    /// The value of an entry as something written in a string, or a fault.
    pub(super) fn parsed<T: FromStr<Err: fmt::Display>>(&self, raw: &'t RawValue) -> Option<T> {
        let text = self.string(raw)?;
        text.parse().map_err(|error: T::Err| self.bad_string(raw, &text, error)).ok()
    }

    /// Records that a string is not what was expected. The error's text says what was.
    pub(super) fn bad_string(&self, raw: &'t RawValue, text: &str, error: impl fmt::Display) {
        let expected = error.to_string();
        self.fault(Some(raw), quoted(text), expected.strip_prefix("expected ").unwrap_or(&expected));
    }

    /// The value of an entry as a number of bytes, or a fault.
    pub(super) fn size(&self, raw: &'t RawValue) -> Option<u64> {
        let size = serde_json::from_str(raw.get()).ok();
        if size.is_none() {
            self.fault(Some(raw), described(raw.get()), "a whole number of bytes");
        }
        size
    }

    pub(super) fn offset(&self, raw: &RawValue) -> Option<usize> {
        let offset = raw.get().as_ptr().addr().checked_sub(self.text.as_ptr().addr())?;
        (offset <= self.text.len()).then_some(offset)
    }

    fn position(&self, raw: &RawValue) -> Option<(usize, usize)> {
        self.offset(raw).map(|offset| line_and_column(self.text.as_bytes(), offset))
    }
}

/// The line and column of an offset, both from 1, the column in bytes.
fn line_and_column(bytes: &[u8], offset: usize) -> (usize, usize) {
    let before = bytes.get(..offset).unwrap_or(bytes);
    let line = before.iter().filter(|&&byte| byte == b'\n').count() + 1;
    let column = before.iter().rev().take_while(|&&byte| byte != b'\n').count() + 1;
    (line, column)
}

/// Whether Go's `encoding/json` would take `key` for `field`: equal under simple case folding, which maps the
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

/// The keys of an object so far, by their hashes: a hostile document has millions. Should two keys ever share a
/// hash, a good document would be refused; the hasher's keys are random, so that nobody can see to it.
#[derive(Default)]
struct Keys {
    hashes: HashSet<u64>,
    hasher: RandomState,
}

impl Keys {
    fn is_new(&mut self, key: &str) -> bool {
        self.hashes.insert(self.hasher.hash_one(key))
    }
}

/// Deserializes one object of a [`Shape`].
pub(super) struct ObjectSeed<'r, 't, S> {
    reader: &'r Reader<'t>,
    shape: S,
}

impl<'t, S: Shape<'t>> ObjectSeed<'_, 't, S> {
    fn scalar(self, found: String) {
        self.shape.mistyped(self.reader, found);
    }
}

impl<'t, S: Shape<'t>> DeserializeSeed<'t> for ObjectSeed<'_, 't, S> {
    type Value = ();

    fn deserialize<D: Deserializer<'t>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'t, S: Shape<'t>> Visitor<'t> for ObjectSeed<'_, 't, S> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(S::EXPECTED)
    }

    fn visit_map<A: MapAccess<'t>>(mut self, mut map: A) -> Result<(), A::Error> {
        let mut seen = Keys::default();
        while let Some(key) = map.next_key::<String>()? {
            let reader = self.reader;
            reader.path.borrow_mut().push(key.clone());
            if let Some(field) = S::FIELDS.iter().find(|field| go_reads_as(&key, field) && **field != key) {
                reader.fault(
                    None,
                    format!("the key {}", quoted(&key)),
                    &format!("\"{field}\" in that spelling"),
                );
            }
            if seen.is_new(&key) {
                self.shape.entry(reader, key, &mut map)?;
            } else {
                reader.duplicate_key();
                reader.skip(&mut map)?;
            }
            reader.path.borrow_mut().pop();
        }
        self.shape.end(self.reader);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'t>>(self, mut seq: A) -> Result<(), A::Error> {
        while seq.next_element::<serde::de::IgnoredAny>()?.is_some() {}
        self.shape.mistyped(self.reader, "an array".to_owned());
        Ok(())
    }

    scalars! {
        visit_bool(value: bool) => value.to_string();
        visit_i64(value: i64) => format!("the number {value}");
        visit_u64(value: u64) => format!("the number {value}");
        visit_f64(value: f64) => format!("the number {value}");
        visit_str(value: &str) => format!("the string {}", quoted(value));
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        if S::NULLABLE {
            self.shape.end(self.reader);
        } else {
            self.shape.mistyped(self.reader, "null".to_owned());
        }
        Ok(())
    }
}

/// What Go's reader expects of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expected {
    Object,
    Text,
    /// It does not know the key, or takes whatever is there.
    Anything,
}

/// What is expected at a path of keys.
pub(super) type Schema = fn(&[String]) -> Expected;

/// Deserializes any value. Nothing is expected of it but that its objects have each key once, and what the schema
/// says; its scalars other than null are handed out with the path of keys that led there.
pub(super) struct AnySeed<'r, 't, 'l> {
    reader: &'r Reader<'t>,
    schema: Schema,
    leaf: &'l mut dyn FnMut(&[String], &str),
}

impl<'t> Reader<'t> {
    /// The seed of a value that nobody asks about.
    pub(super) fn skip<A: MapAccess<'t>>(&self, map: &mut A) -> Read<'t, A> {
        self.judge(map, |_| Expected::Anything)
    }

    /// The same for a value that only has to be what Go's reader takes.
    pub(super) fn judge<A: MapAccess<'t>>(&self, map: &mut A, schema: Schema) -> Result<(), A::Error> {
        map.next_value_seed(AnySeed { reader: self, schema, leaf: &mut |_, _| {} })
    }

    /// Hands each scalar of the next value to `leaf`, as long as there is room for them.
    pub(super) fn leaves<A: MapAccess<'t>>(
        &self,
        map: &mut A,
        schema: Schema,
        leaf: &mut dyn FnMut(&[String], &str),
    ) -> Result<(), A::Error> {
        let mut bounded = |path: &[String], scalar: &str| {
            // Of a document with faults nothing is used.
            if !self.is_clean() {
                return;
            }
            // A key may be as long as the document; it is at least as long when it is printed.
            let bytes: usize = path.iter().map(|key| key.len() + 1).sum();
            let keys = if bytes > MAX_CLOUD_PATH {
                bytes
            } else {
                path.iter().map(|key| printed_length(key) + 1).sum()
            };
            let long = |what, limit| {
                let expected = format!("a {what} of at most {limit} characters");
                self.fault(None, format!("a longer {what}"), &expected);
            };
            if keys > MAX_CLOUD_PATH {
                return long("path of keys", MAX_CLOUD_PATH);
            }
            if printed_length(scalar) > MAX_CLOUD_VALUE {
                return long("value", MAX_CLOUD_VALUE);
            }
            match self.room.get().checked_sub(keys.saturating_add(scalar.len()).saturating_add(LEAF)) {
                Some(left) => {
                    self.room.set(left);
                    leaf(path, scalar);
                }
                None => self.fault(
                    None,
                    "one value too many".to_owned(),
                    &format!("values that take no more than {MAX_CLOUD_BYTES} bytes with their paths"),
                ),
            }
        };
        map.next_value_seed(AnySeed { reader: self, schema, leaf: &mut bounded })
    }
}

impl AnySeed<'_, '_, '_> {
    fn scalar(self, value: &str, is_text: bool) {
        let path = self.reader.path.borrow();
        let expected = match (self.schema)(&path) {
            Expected::Object => "an object",
            Expected::Text if !is_text => "a string",
            Expected::Text | Expected::Anything => return (self.leaf)(&path, value),
        };
        drop(path);
        let found = if is_text { "a string" } else { value };
        self.reader.fault(None, found.to_owned(), expected);
    }

    /// Records a fault if an object or array was not expected.
    fn container(&self, is_object: bool) {
        let expected = match (self.schema)(&self.reader.path.borrow()) {
            Expected::Text => "a string",
            Expected::Object if !is_object => "an object",
            Expected::Object | Expected::Anything => return,
        };
        let found = if is_object { "an object" } else { "an array" };
        self.reader.fault(None, found.to_owned(), expected);
    }

    /// Records a fault if Go's reader would take the last key for another one that it knows.
    fn spelling(&self) {
        let mut path = self.reader.path.borrow_mut();
        let Some(folded) = path.last().and_then(|key| folded(key)) else { return };
        if (self.schema)(&path) != Expected::Anything {
            return;
        }
        let key = path.last_mut().map(|last| std::mem::replace(last, folded));
        let is_known = (self.schema)(&path) != Expected::Anything;
        let folded = path.last_mut().zip(key).map(|(last, key)| std::mem::replace(last, key));
        drop(path);
        if is_known && let Some(folded) = folded {
            self.reader.fault(None, "another spelling".to_owned(), &format!("\"{folded}\" in that spelling"));
        }
    }
}

/// A key as Go's reader folds it, if that changes it.
fn folded(key: &str) -> Option<String> {
    let is_plain = key.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase());
    (!is_plain).then(|| key.chars().map(fold).collect())
}

impl<'t> DeserializeSeed<'t> for AnySeed<'_, 't, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'t>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'t> Visitor<'t> for AnySeed<'_, 't, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_map<A: MapAccess<'t>>(self, mut map: A) -> Result<(), A::Error> {
        self.container(true);
        let mut seen = Keys::default();
        while let Some(key) = map.next_key::<String>()? {
            let is_new = seen.is_new(&key);
            self.reader.path.borrow_mut().push(key);
            if !is_new {
                self.reader.duplicate_key();
            }
            self.spelling();
            let Self { reader, schema, .. } = self;
            map.next_value_seed(AnySeed { reader, schema, leaf: &mut *self.leaf })?;
            self.reader.path.borrow_mut().pop();
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'t>>(self, mut seq: A) -> Result<(), A::Error> {
        self.container(false);
        for index in 0_usize.. {
            self.reader.path.borrow_mut().push(index.to_string());
            let Self { reader, schema, .. } = self;
            let element = seq.next_element_seed(AnySeed { reader, schema, leaf: &mut *self.leaf })?;
            self.reader.path.borrow_mut().pop();
            if element.is_none() {
                break;
            }
        }
        Ok(())
    }

    scalars! {
        visit_bool(value: bool) => &value.to_string(), false;
        visit_i64(value: i64) => &value.to_string(), false;
        visit_u64(value: u64) => &value.to_string(), false;
        visit_f64(value: f64) => &value.to_string(), false;
        visit_str(value: &str) => value, true;
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }
}
