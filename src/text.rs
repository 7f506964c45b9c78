//! Text that came from a document or a server, made safe to print.

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

/// Displays text with every invisible character escaped, so that nothing a pull request or a server says can
/// move the cursor, recolour a terminal, forge a log line, reorder or hide what a person reads. The escape
/// character itself is escaped, so that no two texts look alike.
#[derive(Debug, Clone, Copy)]
pub struct Printable<'a>(pub &'a str);

impl fmt::Display for Printable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_escaped = |character: char| character == '\\' || is_unsafe_to_print(character);
        // In runs: nearly all text is one, and a report of a whole release has a lot of it.
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

/// A path as text: as it stands if that is UTF-8 without a backslash. Else a backslash is two of them, and a byte
/// that is not UTF-8 is `\xNN`, so that no two paths have one name.
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

/// The text as [`Printable`] shows it, at most `limit` characters of that; if it was cut, an ellipsis follows.
pub fn excerpt(text: &str, limit: usize) -> String {
    let (mut shown, mut left) = (String::new(), limit);
    for character in text.chars() {
        let before = shown.len();
        // Writing to a string does not fail.
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

/// How many bytes a text has as [`Printable`] shows it.
pub(crate) fn printed_length(text: &str) -> usize {
    struct Length(usize);
    impl fmt::Write for Length {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            self.0 += text.len();
            Ok(())
        }
    }
    // Nearly all text is plain, and there may be much of it.
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~') && byte != b'\\') {
        return text.len();
    }
    let mut length = Length(0);
    // Counting does not fail.
    let _ = write!(length, "{}", Printable(text));
    length.0
}

/// Whether a character does something to what is printed around it, or is not seen itself: controls and formats,
/// spaces other than the usual one, separators of lines, code points of no or private meaning (U+FFFE and U+FFFF,
/// which XML 1.0 does not allow, are among them), and what Unicode says may be ignored (Unicode Standard Annex #44,
/// `General_Category` and `Default_Ignorable_Code_Point`).
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

/// A number of bytes for a person: exact, and in binary units where that says more.
pub fn bytes(number: u64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if number < 10 * 1024 {
        return format!("{number} bytes");
    }
    // In hundredths of the largest unit that there is one of.
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

    /// What [`Printable`] made of a text.
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
        assert_eq!(excerpt("\u{1b}[0m", 5), "…", "what is escaped is as long as it is printed");
        assert_eq!(printed_length("\u{1b}[0mü"), "\\u{1b}[0mü".len());
    }
}
