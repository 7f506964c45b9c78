//! The formatting of a document: how its generator wrote it, and where it differs.

/// The widest recognised indentation of one level, in bytes.
const MAX_INDENT: usize = 8;

/// The formatting of a JSON text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Form {
    /// The white space of one level of indentation; empty if the text is not indented.
    pub indent: String,
    pub final_newline: bool,
    /// The first line, from 1, that a generator with this indentation would have written differently.
    pub unformatted_line: Option<usize>,
}

impl Form {
    /// The formatting of a well-formed JSON text.
    pub(super) fn of(text: &str) -> Self {
        let final_newline = text.ends_with('\n');
        let body = text.strip_suffix('\n').unwrap_or(text);
        let indent = indent(body);
        let unformatted_line = unformatted_line(body.as_bytes(), indent.as_bytes());
        Self { indent: indent.to_owned(), final_newline, unformatted_line }
    }
}

fn indent(text: &str) -> &str {
    let inside = text.strip_prefix(['{', '[']).unwrap_or_default();
    let Some(line) = inside.strip_prefix('\n') else { return "" };
    let end = line.find(|character| !matches!(character, ' ' | '\t')).unwrap_or_default();
    line.get(..end).filter(|indent| indent.len() <= MAX_INDENT).unwrap_or_default()
}

/// Compares the white space between tokens with the output of Go's `encoding/json` and Python's `json`.
fn unformatted_line(text: &[u8], indent: &[u8]) -> Option<usize> {
    let (mut rest, mut line, mut depth) = (text, 1, 0_usize);
    let mut before = None;
    loop {
        let (space, token, after) = next_token(rest);
        line += space.iter().filter(|&&byte| byte == b'\n').count();
        let first = token.first().copied();
        let closes = matches!(first, Some(b'}' | b']'));
        if closes {
            depth = depth.saturating_sub(1);
        }
        let is_expected = match (before, first) {
            (Some(b'{' | b'['), _) if closes => space.is_empty(),
            (Some(b'{' | b'[' | b','), _) => is_line(space, indent, depth),
            _ if closes => is_line(space, indent, depth),
            (Some(b':'), _) => space == b" ",
            _ => space.is_empty(),
        };
        if !is_expected {
            return Some(line);
        }
        first?;
        if matches!(first, Some(b'{' | b'[')) {
            depth += 1;
        }
        (before, rest) = (first, after);
    }
}

fn is_line(space: &[u8], indent: &[u8], depth: usize) -> bool {
    let Some(space) = space.strip_prefix(b"\n") else { return false };
    space.len() == indent.len() * depth && space.chunks(indent.len().max(1)).all(|level| level == indent)
}

/// Splits white space and a token from the beginning of a text. After the last token, the token is empty.
fn next_token(text: &[u8]) -> (&[u8], &[u8], &[u8]) {
    let start = text.iter().position(|byte| !byte.is_ascii_whitespace()).unwrap_or(text.len());
    let (space, text) = text.split_at_checked(start).unwrap_or((text, &[]));
    let length = match text {
        [] => 0,
        [b'"', string @ ..] => {
            let mut escaped = false;
            let end = string.iter().position(|&byte| {
                let ends = byte == b'"' && !escaped;
                escaped = byte == b'\\' && !escaped;
                ends
            });
            end.map_or(text.len(), |end| end + 2)
        }
        [b'{' | b'}' | b'[' | b']' | b',' | b':', ..] => 1,
        scalar => {
            let ends = |byte: &u8| byte.is_ascii_whitespace() || b"{}[],:\"".contains(byte);
            scalar.iter().position(ends).unwrap_or(scalar.len())
        }
    };
    let (token, rest) = text.split_at_checked(length).unwrap_or((text, &[]));
    (space, token, rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_output_of_generators_is_formatted() {
        let value = serde_json::json!({"a": {"b": [1, "x\\\"y: {", {}, []], "c": null}, "d": -1.5e3});
        let pretty = serde_json::to_string_pretty(&value).unwrap();
        for (text, indent) in [
            (pretty.clone(), "  "),
            (pretty.replace("  ", "    "), "    "),
            (pretty.replace("  ", "\t"), "\t"),
        ] {
            for newline in ["", "\n"] {
                let form = Form::of(&format!("{text}{newline}"));
                let expected = Form {
                    indent: indent.to_owned(),
                    final_newline: !newline.is_empty(),
                    unformatted_line: None,
                };
                assert_eq!(form, expected, "{text}");
            }
        }
    }

    #[test]
    fn the_first_unformatted_line_is_found() {
        let good = "{\n  \"a\": {\n    \"b\": 1,\n    \"c\": [\n      2\n    ]\n  }\n}";
        assert_eq!(Form::of(good).unformatted_line, None);
        let edits = [
            ("\"a\": {", "\"a\":{", 2),
            ("\"a\": {", "\"a\" : {", 2),
            ("    \"b\"", "   \"b\"", 3),
            ("    \"b\"", "\t\"b\"", 3),
            ("1,\n", "1, \n", 4),
            ("[\n      2\n    ]", "[2]", 4),
            ("  }\n}", "  }}", 7),
            ("  }\n}", "  }\n\n}", 9),
            ("  }\n}", "  }\n}\n\n", 9),
        ];
        for (from, to, line) in edits {
            let text = good.replacen(from, to, 1);
            assert_eq!(Form::of(&text).unformatted_line, Some(line), "{text}");
        }
        for compact in ["{\"a\":1}", "{ \"a\": 1 }"] {
            assert_eq!(Form::of(compact).unformatted_line, Some(1), "{compact}");
        }
    }
}
