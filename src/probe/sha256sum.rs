//! `sha256sum.txt`: the digests of a directory's files, in the format of coreutils.

use std::collections::HashMap;

use crate::stream::Sha256;
use crate::text::excerpt;

/// The digests of a `sha256sum.txt`, by file name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sha256sum {
    files: HashMap<String, Vec<Sha256>>,
}

/// Why a file is not a valid `sha256sum.txt`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Sha256sumError {
    #[error("line {line}: found {found:?}, expected a sha256 and a file name")]
    Line { line: usize, found: String },
    #[error("it is empty")]
    Empty,
}

impl Sha256sum {
    /// Reads the output of `sha256sum`, one `DIGEST  NAME` or `DIGEST *NAME` per line. A backslash before the
    /// digest marks an escaped name (GNU coreutils manual, "md5sum invocation").
    ///
    /// With an error, the valid lines are still returned: they prove nothing, as other lines may be wrong
    /// too, but what they contradict is contradicted.
    pub fn parse(bytes: &[u8]) -> (Self, Result<(), Sha256sumError>) {
        let mut sums = Self::default();
        let mut outcome = Ok(());
        for (index, line) in bytes.split(|&byte| byte == b'\n').enumerate() {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            if line.trim_ascii().is_empty() {
                continue;
            }
            match std::str::from_utf8(line).ok().and_then(entry) {
                Some((digest, name)) => {
                    // Most files have one digest, and a vector would allocate four.
                    let digests = sums.files.entry(name).or_insert_with(|| Vec::with_capacity(1));
                    // Two different digests already contradict each other; a third adds nothing.
                    if digests.len() < 2 && !digests.contains(&digest) {
                        digests.push(digest);
                    }
                }
                None if outcome.is_ok() => {
                    let found = excerpt(&String::from_utf8_lossy(line), 80);
                    outcome = Err(Sha256sumError::Line { line: index + 1, found });
                }
                None => {}
            }
        }
        if sums.files.is_empty() && outcome.is_ok() {
            outcome = Err(Sha256sumError::Empty);
        }
        (sums, outcome)
    }

    /// Drops the digests of all other files.
    pub(super) fn retain(&mut self, is_needed: impl Fn(&str) -> bool) {
        self.files.retain(|name, _| is_needed(name));
        self.files.shrink_to_fit();
    }

    /// Every file's name and digests, in no particular order.
    pub fn files(&self) -> impl Iterator<Item = (&str, &[Sha256])> {
        self.files.iter().map(|(name, digests)| (&**name, &**digests))
    }

    /// The digests for a file name, at most two different ones.
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
    (!name.is_empty()).then_some((Sha256::from_hex(digest).ok()?, name))
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
    const C: &str = "0000000000000000000000000000000000000000000000000000000000000000";

    #[test]
    fn names_are_looked_up_exactly() {
        let text = format!(
            "{A}  rhcos.iso\n{B} *rhcos.qcow2.gz\r\n{B}  ./dot\n\\{A}  n\\n\\r\\\\\\\\n\n\n\
             {A}  two\n{A}  two\n{B}  two\n{A}  three\n{B}  three\n{C}  three\n{A}  a  b\n"
        );
        let (sums, outcome) = Sha256sum::parse(text.as_bytes());
        assert_eq!(outcome, Ok(()));
        let cases: [(&str, &[&str]); 8] = [
            ("rhcos.iso", &[A]),
            ("rhcos.qcow2.gz", &[B]),
            ("dot", &[B]),
            ("n\n\r\\\\n", &[A]),
            ("two", &[A, B]),
            ("three", &[A, B]),
            ("a  b", &[A]),
            ("rhcos", &[]),
        ];
        for (name, digests) in cases {
            let found: Vec<String> = sums.of(name).iter().map(ToString::to_string).collect();
            assert_eq!(found, digests, "{name:?}");
        }
    }

    /// A directory has many files, and a run needs few.
    #[test]
    fn unneeded_files_are_dropped() {
        let (mut sums, _) = Sha256sum::parse(format!("{A}  one\n{B}  two\n").as_bytes());
        sums.retain(|name| name == "two");
        assert_eq!(sums.files().map(|(name, _)| name).collect::<Vec<_>>(), ["two"]);
    }

    #[test]
    fn a_file_with_any_other_line_is_malformed_and_its_valid_lines_are_returned() {
        let good = format!("{A}  f\n");
        for malformed in [
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
            let (sums, outcome) = Sha256sum::parse(malformed.as_bytes());
            assert!(outcome.is_err(), "{malformed:?}");
            assert_eq!(!sums.of("f").is_empty(), malformed.starts_with(&good), "{malformed:?}");
        }
        let (sums, outcome) = Sha256sum::parse(&[b"\xff\n", good.as_bytes(), b"oops"].concat());
        let found = "\u{fffd}".to_owned();
        assert_eq!((sums.of("f").len(), outcome), (1, Err(Sha256sumError::Line { line: 1, found })));
    }
}
