//! Makes text from documents and servers safe to print.

pub(crate) mod json;
pub(crate) mod junit;
pub(crate) mod markdown;
#[cfg(test)]
pub(crate) mod schema;

use std::fmt::{self, Write as _};
use std::path::Path;

use icu_properties::props::{
    BinaryProperty as _, DefaultIgnorableCodePoint, EnumeratedProperty as _, GeneralCategory,
    GeneralCategoryGroup,
};

/// Displays text with every invisible character escaped, so that text from a pull request or a server cannot move the
/// cursor, colour a terminal, forge a log line, or reorder or hide text. The backslash is escaped too, so that no two
/// texts are displayed alike.
#[derive(Debug, Clone, Copy)]
pub struct Printable<'a>(pub &'a str);

impl fmt::Display for Printable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_escaped = |character: char| character == '\\' || is_unsafe_to_print(character);
        // By runs for speed: nearly all text is a single run without escapes.
        for run in self.0.split_inclusive(is_escaped) {
            match run.chars().next_back().filter(|character| is_escaped(*character)) {
                Some(character) => {
                    f.write_str(run.strip_suffix(character).unwrap_or_default())?;
                    match character {
                        '\\' => f.write_str("\\\\")?,
                        other => write!(f, "{}", other.escape_unicode())?,
                    }
                }
                None => f.write_str(run)?,
            }
        }
        Ok(())
    }
}

/// A path as text, with a backslash doubled and a byte that is not UTF-8 as `\xNN`, so that no two paths have the
/// same text.
pub fn path_name(path: &Path) -> String {
    let bytes = path.as_os_str().as_encoded_bytes();
    let mut name = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for (number, part) in chunk.valid().split('\\').enumerate() {
            name.push_str(if number == 0 { "" } else { "\\\\" });
            name.push_str(part);
        }
        name.extend(chunk.invalid().iter().map(|byte| format!("\\x{byte:02x}")));
    }
    name
}

/// The first `limit` characters of a text as displayed by [`Printable`], with an ellipsis if it was cut.
pub fn excerpt(text: &str, limit: usize) -> String {
    let (mut shown, mut left) = (String::new(), limit);
    for character in text.chars() {
        let before = shown.len();
        // Writing to a string cannot fail.
        let _ = write!(shown, "{}", Printable(character.encode_utf8(&mut [0; 4])));
        let printed = shown.get(before..).map_or(0, |added| added.chars().count());
        let Some(rest) = left.checked_sub(printed) else {
            shown.truncate(before);
            shown.push('…');
            break;
        };
        left = rest;
    }
    shown
}

/// The length in bytes of a text as displayed by [`Printable`].
pub(crate) fn printed_length(text: &str) -> usize {
    struct Length(usize);
    impl fmt::Write for Length {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            self.0 += text.len();
            Ok(())
        }
    }
    // Fast path: nearly all text is plain ASCII.
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~') && byte != b'\\') {
        return text.len();
    }
    let mut length = Length(0);
    // Counting cannot fail.
    let _ = write!(length, "{}", Printable(text));
    length.0
}

/// Whether a character is invisible or affects the text around it: controls and formats, spaces other than U+0020,
/// line separators, unassigned and private-use code points (U+FFFE and U+FFFF, forbidden in XML 1.0, among them), and
/// default-ignorable ones (Unicode Standard Annex #44, `General_Category` and `Default_Ignorable_Code_Point`).
pub fn is_unsafe_to_print(character: char) -> bool {
    if matches!(character, ' '..='~') {
        return false;
    }
    let invisible = GeneralCategoryGroup::Other.union(GeneralCategoryGroup::Separator);
    invisible.contains(GeneralCategory::for_char(character)) || DefaultIgnorableCodePoint::for_char(character)
}

/// `1 artifact`, `2 artifacts`.
pub fn count(number: usize, one: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {one}s") }
}

/// A number of bytes for people: exact, and from 10 KiB on also in binary units.
pub fn bytes(number: u64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if number < 10 * 1024 {
        return format!("{number} bytes");
    }
    // Rounded to hundredths of the largest unit that is not larger than the number.
    let power = number.ilog2() / 10;
    let hundredths = (u128::from(number) * 100 + (1 << (10 * power - 1))) >> (10 * power);
    let unit = UNITS.get(power.saturating_sub(1) as usize).copied().unwrap_or_default();
    format!("{number} bytes ({}.{:02} {unit})", hundredths / 100, hundredths % 100)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_could_act_on_a_terminal_is_escaped() {
        let cases = [
            ("plain ascii / ünïcode ✓", "plain ascii / ünïcode ✓"),
            ("\u{1b}[31mred", "\\u{1b}[31mred"),
            ("line\nFAIL forged", "line\\u{a}FAIL forged"),
            ("c1 \u{9b}31m", "c1 \\u{9b}31m"),
            ("bidi \u{202e}gnp.exe", "bidi \\u{202e}gnp.exe"),
            ("\u{feff}bom", "\\u{feff}bom"),
            ("backslash \\u{1b}", "backslash \\\\u{1b}"),
            ("filler \u{3164}", "filler \\u{3164}"),
            ("variation \u{fe0f}\u{e0100}", "variation \\u{fe0f}\\u{e0100}"),
            ("music \u{1d173}", "music \\u{1d173}"),
            ("joiner \u{34f}", "joiner \\u{34f}"),
            ("no-break\u{a0}space", "no-break\\u{a0}space"),
            ("private \u{e000}", "private \\u{e000}"),
            ("not in XML \u{fffe}\u{ffff}", "not in XML \\u{fffe}\\u{ffff}"),
        ];
        for (raw, shown) in cases {
            assert_eq!(Printable(raw).to_string(), shown);
        }
    }

    /// Reverses [`Printable`].
    fn read_back(mut shown: &str) -> Option<String> {
        let mut text = String::new();
        while let Some((before, after)) = shown.split_once('\\') {
            text.push_str(before);
            let (character, rest) = match after.strip_prefix("u{") {
                Some(code) => {
                    let (code, rest) = code.split_once('}')?;
                    (char::from_u32(u32::from_str_radix(code, 16).ok()?)?, rest)
                }
                None => ('\\', after.strip_prefix('\\')?),
            };
            text.push(character);
            shown = rest;
        }
        Some(text + shown)
    }

    proptest! {
        #[test]
        fn no_two_texts_look_alike(text in r"(\PC|\\|[u{}0-9a-f]|\pC|(?s).)*") {
            let shown = Printable(&text).to_string();
            prop_assert_eq!(read_back(&shown), Some(text));
            prop_assert!(!shown.chars().any(is_unsafe_to_print));
        }

        #[cfg(unix)]
        #[test]
        fn no_two_paths_have_one_name(
            one in prop::collection::vec(prop::sample::select(b"\\xf\xc3\xa9\xff".as_slice()), 0..5),
            other in prop::collection::vec(prop::sample::select(b"\\xf\xc3\xa9\xff".as_slice()), 0..5),
        ) {
            use std::os::unix::ffi::OsStrExt as _;
            let name = |bytes: &[u8]| path_name(Path::new(std::ffi::OsStr::from_bytes(bytes)));
            prop_assert_eq!(name(&one) == name(&other), one == other);
        }
    }

    #[test]
    fn a_path_that_is_text_is_its_own_name() {
        assert_eq!(path_name(Path::new("data/ü x.json")), "data/ü x.json");
    }

    #[test]
    fn an_excerpt_says_that_it_was_cut() {
        assert_eq!(excerpt("abc", 3), "abc");
        assert_eq!(excerpt("abcd", 3), "abc…");
        assert_eq!(excerpt("\u{1b}[0m", 7), "\\u{1b}[…");
        assert_eq!(excerpt("\u{1b}[0m", 5), "…", "an escape counts with its printed length");
        assert_eq!(printed_length("\u{1b}[0mü"), "\\u{1b}[0mü".len());
    }
}
