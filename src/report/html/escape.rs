//! Foreign text in the page.

use std::fmt;

use askama::filters::HtmlSafe;

use crate::text::excerpt;

/// Text that is shown as it is, wherever the page is shown.
///
/// Spyglass puts the page into a frame's `srcdoc` and escapes nothing there but quotation marks, so that every
/// character reference is resolved once more than the page meant: `&lt;script&gt;` would run. A `<` or `&` is
/// therefore followed by an empty comment, with which no tag and no reference begins. It may stand wherever text may,
/// except in attributes and in the title: see [`plain`].
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Text(String);

impl Text {
    /// The text in printable characters, cut after `limit` of them.
    pub(super) fn new(text: impl AsRef<str>, limit: usize) -> Self {
        Self(excerpt(text.as_ref(), limit))
    }

    /// Whole lines, each printable and none longer than `limit`, as many as `bytes` hold; and how many are left out.
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

/// The text without the characters of markup, for the title and the description: Spyglass takes both out of the page
/// and puts them into its own as they are.
pub(super) fn plain(text: &str, limit: usize) -> String {
    excerpt(text, limit).replace(['<', '>', '&', '"', '\''], "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_twice_is_text_both_times() {
        // As text of the page, and as the page in an attribute: what the browser makes of references.
        let once = |html: &str| {
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
            let framed = once(&page);
            for markup in ["<s", "</", "&l", "&a", "&#"] {
                assert!(!framed.contains(markup), "{framed}");
            }
            assert_eq!(once(&page).replace("<!---->", ""), text);
        }
    }

    #[test]
    fn the_title_has_no_markup() {
        assert_eq!(plain("a <b> & \"c\" 'd'", 100), "a b  c d");
    }

    #[test]
    fn lines_are_cut_whole_and_counted() {
        let (text, more) = Text::lines("one\ntwo\nthree\nfour", 100, 9);
        assert_eq!((text.0.as_str(), more), ("one\ntwo\n", 2));
        assert_eq!(Text::lines("one", 2, 100), (Text("on…\n".into()), 0));
    }
}
