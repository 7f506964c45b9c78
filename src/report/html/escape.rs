//! Escaping of untrusted text in the page.

use std::fmt;

use askama::filters::HtmlSafe;

use crate::text::excerpt;

/// Text that is shown unchanged, in the page itself and in Spyglass.
///
/// Spyglass puts the page into a frame's `srcdoc` and escapes only quotation marks there, so that character references
/// are resolved twice and `&lt;script&gt;` would run. An empty comment after each `<` and `&` keeps it from beginning a
/// tag or reference. Not for attributes and the title, where comments do not exist: see [`plain`].
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Text(String);

impl Text {
    /// The text as printable characters, at most `limit`.
    pub(super) fn new(text: impl AsRef<str>, limit: usize) -> Self {
        Self(excerpt(text.as_ref(), limit))
    }

    /// The complete lines that fit into `bytes`, each shortened to `limit`, and the number of the others.
    pub(super) fn lines(text: &str, limit: usize, bytes: usize) -> (Self, usize) {
        let mut kept = String::new();
        let mut lines = text.lines();
        while let Some(line) = lines.clone().next().map(|line| excerpt(line, limit))
            && kept.len() + line.len() < bytes
        {
            lines.next();
            kept.push_str(&line);
            kept.push('\n');
        }
        (Self(kept), lines.count())
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for piece in self.0.split_inclusive(['<', '>', '&', '"', '\'']) {
            let (text, escaped) = match piece.char_indices().next_back() {
                Some((end, '<')) => (piece.get(..end), "&lt;<!---->"),
                Some((end, '&')) => (piece.get(..end), "&amp;<!---->"),
                Some((end, '>')) => (piece.get(..end), "&gt;"),
                Some((end, '"')) => (piece.get(..end), "&quot;"),
                Some((end, '\'')) => (piece.get(..end), "&#39;"),
                _ => (Some(piece), ""),
            };
            f.write_str(text.unwrap_or_default())?;
            f.write_str(escaped)?;
        }
        Ok(())
    }
}

impl HtmlSafe for Text {}

/// The text without markup characters, for the title and the description: Spyglass copies both into its own page
/// without escaping.
pub(super) fn plain(text: &str, limit: usize) -> String {
    excerpt(text, limit).replace(['<', '>', '&', '"', '\''], "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_that_is_unescaped_twice_is_not_markup() {
        let unescaped = |html: &str| {
            html.replace("&lt;", "<")
                .replace("&gt;", ">")
                .replace("&quot;", "\"")
                .replace("&#39;", "'")
                .replace("&amp;", "&")
        };
        for text in
            ["<script>alert(1)</script>", "&lt;b&gt; &amp;lt; &#60;", "a < b && c > d", "\"'", "<", "&"]
        {
            let page = Text::new(text, 100).to_string();
            let framed = unescaped(&page);
            for markup in ["<s", "</", "&l", "&a", "&#"] {
                assert!(!framed.contains(markup), "{framed}");
            }
            assert_eq!(unescaped(&page).replace("<!---->", ""), text);
        }
    }

    #[test]
    fn the_title_has_no_markup() {
        assert_eq!(plain("a <b> & \"c\" 'd'", 100), "a b  c d");
    }

    #[test]
    fn complete_lines_are_kept_and_the_others_counted() {
        let (text, more) = Text::lines("one\ntwo\nthree\nfour", 100, 9);
        assert_eq!((text.0.as_str(), more), ("one\ntwo\n", 2));
        assert_eq!(Text::lines("one", 2, 100), (Text("on…\n".into()), 0));
    }
}
