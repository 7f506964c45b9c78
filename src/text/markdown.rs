//! Untrusted text in GitHub's Markdown.

use std::fmt::Write as _;

use crate::text::excerpt;

/// The text as code, cut after `limit` characters, without mentions, references or links.
///
/// Text that a code span in a table cannot hold (backticks, pipes, backslashes) becomes HTML.
pub(crate) fn code(text: &str, limit: usize) -> String {
    let text = excerpt(text, limit);
    if text.trim().is_empty() {
        return "–".to_owned();
    }
    if !text.contains(['`', '|', '\\']) && text.trim() == text {
        return format!("`{text}`");
    }
    let mut html = String::from("<code>");
    escape_into(&mut html, &text);
    html.push_str("</code>");
    html
}

/// The text as prose, cut after `limit` characters, with every character escaped that Markdown, HTML or GitHub could
/// interpret as markup, a mention or a reference.
pub(crate) fn prose(text: &str, limit: usize) -> String {
    let mut escaped = String::new();
    escape_into(&mut escaped, &excerpt(text, limit));
    escaped
}

/// A fence that no line of this text can close.
pub(crate) fn fence(text: &str) -> String {
    let longest = text.split(|character| character != '`').map(str::len).max().unwrap_or_default();
    "`".repeat(longest.max(2) + 1)
}

fn escape_into(out: &mut String, text: &str) {
    let mut rest = text.chars();
    while let Some(character) = rest.next() {
        match character {
            // GitHub finds mentions and references after it decodes entities, so a zero-width space splits the word.
            '@' | '#' => {
                let _ = write!(out, "{character}&#8203;");
            }
            // Only the dots and colons that would make a link: escaping all would make the source hard to read.
            ':' if rest.as_str().starts_with("//") => out.push_str("&#58;"),
            '.' if out.ends_with("www") || out.ends_with("WWW") => out.push_str("&#46;"),
            '&' | '<' | '>' | '\\' | '`' | '*' | '_' | '[' | ']' | '!' | '|' | '~' | '$' | '^' => {
                let _ = write!(out, "&#{};", u32::from(character));
            }
            other => out.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_stays_readable() {
        assert_eq!(code("x86_64/metal/pxe/kernel", 100), "`x86_64/metal/pxe/kernel`");
        assert_eq!(prose("the file is 4096 bytes (4 KiB), not 5: see meta.json", 100).len(), 52);
        assert_eq!(code("", 10), "–");
        assert_eq!(code("abcdef", 3), "`abc…`");
    }

    #[test]
    fn a_fence_outlasts_every_run_of_backticks() {
        assert_eq!(fence("no backticks"), "```");
        assert_eq!(fence("a ``` b ````` c"), "``````");
    }
}
