//! Text that came from a document or a server, made safe to print.

pub(crate) mod json;
#[cfg(test)]
pub(crate) mod schema;

use std::fmt;

/// Displays text with every control character escaped, so that nothing a pull request or a server says can
/// move the cursor, recolour a terminal, forge a log line or reorder what a person reads.
///
/// Escaped are the C0 and C1 controls, and the invisible format characters that reorder or hide text
/// (Unicode's bidirectional controls, zero-width characters, line and paragraph separators, tags). So are
/// U+FFFE and U+FFFF, which no XML 1.0 document may contain (section 2.2, `Char`).
#[derive(Debug, Clone, Copy)]
pub struct Printable<'a>(pub &'a str);

impl fmt::Display for Printable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // In runs: nearly all text is one, and a report of a whole release has a lot of it.
        for run in self.0.split_inclusive(is_unsafe_to_print) {
            match run.chars().next_back().filter(|character| is_unsafe_to_print(*character)) {
                Some(character) => {
                    f.write_str(run.strip_suffix(character).unwrap_or_default())?;
                    write!(f, "{}", character.escape_unicode())?;
                }
                None => f.write_str(run)?,
            }
        }
        Ok(())
    }
}

/// The text as [`Printable`] shows it, cut after `limit` characters with an ellipsis.
pub fn excerpt(text: &str, limit: usize) -> String {
    match text.char_indices().nth(limit).and_then(|(end, _)| text.get(..end)) {
        Some(short) => format!("{}…", Printable(short)),
        None => Printable(text).to_string(),
    }
}

/// Whether a character does something to what is printed around it.
pub(crate) fn is_unsafe_to_print(character: char) -> bool {
    if matches!(character, ' '..='~') {
        return false;
    }
    character.is_control()
        || matches!(
            character,
            '\u{00ad}'
                | '\u{061c}'
                | '\u{180e}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{fffe}'..='\u{ffff}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

/// `1 artifact`, `2 artifacts`.
pub fn count(number: usize, one: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {one}s") }
}

/// A number of bytes for a person: exact, and in binary units where that says more.
pub fn bytes(number: u64) -> String {
    if number < 10 * 1024 {
        return format!("{number} bytes");
    }
    format!("{number} bytes ({})", indicatif::BinaryBytes(number))
}

#[cfg(test)]
mod tests {
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
            ("not in XML \u{fffe}\u{ffff}", "not in XML \\u{fffe}\\u{ffff}"),
        ];
        for (raw, shown) in cases {
            assert_eq!(Printable(raw).to_string(), shown);
        }
    }

    #[test]
    fn an_excerpt_says_that_it_was_cut() {
        assert_eq!(excerpt("abc", 3), "abc");
        assert_eq!(excerpt("abcd", 3), "abc…");
        assert_eq!(excerpt("\u{1b}[0m", 1), "\\u{1b}…");
    }
}
