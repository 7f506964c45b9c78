//! Writing JSON that is also safe to show on a terminal.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter, PrettyFormatter, Serializer};

use super::is_unsafe_to_print;

/// Writes a value over several lines, indented.
pub(crate) fn pretty(out: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    write(out, value, PrettyFormatter::new())
}

pub(crate) fn line(out: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    write(out, value, CompactFormatter)
}

fn write(out: &mut impl Write, value: &impl Serialize, formatter: impl Formatter) -> io::Result<()> {
    value.serialize(&mut Serializer::with_formatter(&mut *out, Printing(formatter)))?;
    out.write_all(b"\n")
}

/// Escapes the characters that [`super::Printable`] escapes, as `\uNNNN`, so that the value is unchanged. JSON itself
/// requires this only of C0 controls (RFC 8259, section 7).
struct Printing<F>(F);

impl<F: Formatter> Formatter for Printing<F> {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, out: &mut W, fragment: &str) -> io::Result<()> {
        let mut rest = fragment;
        while let Some((at, character)) = rest.char_indices().find(|(_, it)| is_unsafe_to_print(*it)) {
            let (before, from) = rest.split_at(at);
            out.write_all(before.as_bytes())?;
            for unit in character.encode_utf16(&mut [0; 2]) {
                write!(out, "\\u{unit:04x}")?;
            }
            rest = from.get(character.len_utf8()..).unwrap_or_default();
        }
        out.write_all(rest.as_bytes())
    }

    fn begin_array<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.begin_array(out)
    }

    fn end_array<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.end_array(out)
    }

    fn begin_array_value<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_array_value(out, first)
    }

    fn end_array_value<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.end_array_value(out)
    }

    fn begin_object<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.begin_object(out)
    }

    fn end_object<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.end_object(out)
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_object_key(out, first)
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.begin_object_value(out)
    }

    fn end_object_value<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.end_object_value(out)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_text_is_printable_and_nothing_is_lost(raw: String) {
            let (mut one, mut many) = (Vec::new(), Vec::new());
            line(&mut one, &[&raw]).unwrap();
            pretty(&mut many, &[&raw]).unwrap();
            prop_assert_eq!(one.iter().filter(|byte| **byte == b'\n').count(), 1);
            for written in [one, many] {
                let written = String::from_utf8(written).unwrap();
                let unsafe_to_print = written.chars().find(|it| *it != '\n' && is_unsafe_to_print(*it));
                prop_assert_eq!(unsafe_to_print, None);
                let read: Vec<String> = serde_json::from_str(&written).unwrap();
                prop_assert_eq!(&read, std::slice::from_ref(&raw));
            }
        }
    }
}
