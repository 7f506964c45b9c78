//! `sha256sum.txt`: the digests of a directory, in the format of coreutils.

use std::collections::HashMap;

use crate::stream::Sha256;
use crate::text::excerpt;

/// The digests of a `sha256sum.txt`, by file name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sha256sum {
    files: HashMap<String, Vec<Sha256>>,
}

/// A line that is none of `sha256sum`'s. The whole file is then no evidence: nobody knows what else is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Sha256sumError {
    /// Not text at all.
    #[error("it is not UTF-8 text")]
    NotText,
    /// A line of another form.
    #[error("line {line} is {found:?}; expected a sha256 and a file name")]
    Line {
        /// The line, from 1.
        line: usize,
        /// What it is.
        found: String,
    },
    /// No line at all.
    #[error("it is empty")]
    Empty,
}

impl Sha256sum {
    /// Reads the output of `sha256sum`: `DIGEST  NAME` or `DIGEST *NAME` a line; a backslash before the digest
    /// says that the name is escaped (GNU coreutils manual, "md5sum invocation").
    pub fn parse(bytes: &[u8]) -> Result<Self, Sha256sumError> {
        let text = std::str::from_utf8(bytes).map_err(|_| Sha256sumError::NotText)?;
        let mut sums = Self::default();
        for (index, line) in text.lines().enumerate() {
            if line.trim().is_empty() {
                continue;
            }
            let (digest, name) = entry(line)
                .ok_or_else(|| Sha256sumError::Line { line: index + 1, found: excerpt(line, 80) })?;
            sums.files.entry(name).or_default().push(digest);
        }
        if sums.files.is_empty() { Err(Sha256sumError::Empty) } else { Ok(sums) }
    }

    /// Every digest that is given for a file name.
    pub fn of(&self, file_name: &str) -> &[Sha256] {
        self.files.get(file_name).map(Vec::as_slice).unwrap_or_default()
    }
}

fn entry(line: &str) -> Option<(Sha256, String)> {
    let (escaped, line) = line.strip_prefix('\\').map_or((false, line), |rest| (true, rest));
    let (digest, rest) = line.split_at_checked(64)?;
    let name = rest.strip_prefix("  ").or_else(|| rest.strip_prefix(" *"))?;
    let name = name.strip_prefix("./").unwrap_or(name);
    let name = if escaped { unescaped(name)? } else { name.to_owned() };
    (!name.is_empty()).then_some((digest.parse().ok()?, name))
}

fn unescaped(name: &str) -> Option<String> {
    let mut plain = String::with_capacity(name.len());
    let mut characters = name.chars();
    while let Some(character) = characters.next() {
        plain.push(match character {
            '\\' => match characters.next()? {
                'n' => '\n',
                'r' => '\r',
                '\\' => '\\',
                _ => return None,
            },
            other => other,
        });
    }
    Some(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
    const B: &str = "f6e4458958f38a7bccae4a89a73134d431b86b183ebcf76542446c959fa2d520";

    #[test]
    fn names_are_looked_up_exactly() {
        let text = format!(
            "{A}  rhcos.iso\n{B} *rhcos.qcow2.gz\r\n{B}  ./dot\n\\{A}  new\\nline\n\n{A}  two\n{B}  two\n{A}  a  b\n"
        );
        let sums = Sha256sum::parse(text.as_bytes()).unwrap();
        let cases: [(&str, &[&str]); 7] = [
            ("rhcos.iso", &[A]),
            ("rhcos.qcow2.gz", &[B]),
            ("dot", &[B]),
            ("new\nline", &[A]),
            ("two", &[A, B]),
            ("a  b", &[A]),
            ("rhcos", &[]),
        ];
        for (name, digests) in cases {
            let found: Vec<String> = sums.of(name).iter().map(ToString::to_string).collect();
            assert_eq!(found, digests, "{name:?}");
        }
    }

    #[test]
    fn a_file_with_any_other_line_is_no_evidence() {
        let good = format!("{A}  f\n");
        for bad in [
            String::new(),
            "\n\n".into(),
            "<!DOCTYPE html>".into(),
            format!("{good}oops"),
            format!("{good}{}  short\n", &B[1..]),
            format!("{A} f"),
            format!("{A}\tf"),
            format!("{A}  "),
            format!("\\{A}  bad\\escape"),
            format!("SHA256 (f) = {A}"),
        ] {
            assert!(Sha256sum::parse(bad.as_bytes()).is_err(), "{bad:?}");
        }
        assert_eq!(Sha256sum::parse(b"\xff"), Err(Sha256sumError::NotText));
    }
}
