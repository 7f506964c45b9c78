//! The outputs of lint: lines for editors, JSON, JUnit XML and Markdown.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::Arc;

use serde::Serialize;

use super::rule::Rule;
use crate::text::junit::{self, Suite, TestCase, TestStatus};
use crate::text::markdown;
use crate::text::{Printable, count, json};

/// The version of the schema of `--output json`.
const SCHEMA_VERSION: u32 = 1;

/// The findings in some documents.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct LintReport {
    /// The version of this schema; it changes when fields are renamed or removed.
    #[cfg_attr(test, schemars(extend("const" = SCHEMA_VERSION)))]
    pub schema_version: u32,
    /// The base that the documents were compared with; null if there was none.
    pub base: Option<String>,
    /// The names of the documents.
    pub documents: Vec<Arc<str>>,
    /// The number of findings of denied rules.
    pub denied: usize,
    /// All findings, in the order of the documents and, within one, of the rules.
    pub findings: Vec<LintFinding>,
}

/// One finding.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct LintFinding {
    /// The rule's code.
    pub code: Rule,
    /// The rule's name.
    pub rule: &'static str,
    /// Whether the rule was denied, so that the finding determines the exit status.
    pub denied: bool,
    /// The document's name.
    pub document: Arc<str>,
    /// The path of the document's file; null if it is not in a file.
    pub file: Option<String>,
    /// The line in the file, from 1; null if unknown.
    pub line: Option<usize>,
    /// The JSON path in the document, keys joined with dots; empty for the document itself.
    pub path: String,
    /// One sentence.
    pub message: String,
    /// The reason for the rule.
    pub because: &'static str,
}

impl LintFinding {
    /// `FILE:LINE: MESSAGE [CODE NAME]`.
    pub fn shown(&self) -> String {
        let name = self.file.as_deref().unwrap_or(&self.document);
        let line = self.line.map(|line| format!(":{line}")).unwrap_or_default();
        format!("{}{line}: {} [{}]", Printable(name), Printable(&self.message), self.code)
    }
}

impl LintReport {
    pub fn of(base: Option<String>, documents: Vec<Arc<str>>, findings: Vec<LintFinding>) -> Self {
        let denied = findings.iter().filter(|finding| finding.denied).count();
        Self { schema_version: SCHEMA_VERSION, base, documents, denied, findings }
    }

    /// Writes one line per finding, in the format of compilers.
    pub fn write_human(&self, out: &mut impl Write) -> io::Result<()> {
        for finding in &self.findings {
            let level = if finding.denied { "error" } else { "warning" };
            let shown = finding.shown();
            // Editors expect the level between the position and the message.
            let (place, message) = shown.split_once(": ").unwrap_or(("", &shown));
            writeln!(out, "{place}: {level}: {message}")?;
        }
        writeln!(out, "{}", self.summary())
    }

    pub fn write_markdown(&self, out: &mut impl Write) -> io::Result<()> {
        writeln!(out, "{}", self.summary())?;
        if self.findings.is_empty() {
            return Ok(());
        }
        writeln!(out, "\n| rule | place | what |\n| --- | --- | --- |")?;
        for finding in &self.findings {
            let level = if finding.denied { "**denied** " } else { "" };
            let line = finding.line.map(|line| format!(":{line}")).unwrap_or_default();
            let place = markdown::code(&format!("{}{line}", finding.document), 200);
            let message = markdown::prose(&finding.message, 500);
            writeln!(out, "| {level}{} | {place} | {message} |", finding.code)?;
        }
        Ok(())
    }

    /// Writes `JUnit` XML: a suite for each document, a case for each rule.
    pub fn write_junit(&self, out: &mut impl Write) -> io::Result<()> {
        let mut found: BTreeMap<(&str, Rule), Vec<&LintFinding>> = BTreeMap::new();
        for finding in &self.findings {
            found.entry((&finding.document, finding.code)).or_default().push(finding);
        }
        let gone = self.findings.iter().map(|finding| &finding.document);
        let mut names: Vec<&Arc<str>> = Vec::new();
        for name in self.documents.iter().chain(gone) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        let suite = |name: &Arc<str>| {
            let case =
                |&rule: &Rule| case(name, rule, found.get(&(&**name, rule)).map_or(&[], Vec::as_slice));
            let (name, cases) = (Printable(name).to_string(), Rule::ALL.iter().map(case).collect());
            Suite { name, cases, ..Suite::default() }
        };
        let suites: Vec<Suite> = names.into_iter().map(suite).collect();
        junit::write(out, "art-mirror-validate lint", None, &suites)
    }

    pub fn write_json(&self, out: &mut impl Write) -> io::Result<()> {
        json::pretty(out, self)
    }

    fn summary(&self) -> String {
        let documents = count(self.documents.len(), "document");
        let base = self.base.as_deref().map(|base| format!(" since {}", Printable(base))).unwrap_or_default();
        match (self.findings.len() - self.denied, self.denied) {
            (0, 0) => format!("{documents}{base}: nothing found"),
            (warnings, 0) => format!("{documents}{base}: {}", count(warnings, "warning")),
            (0, denied) => format!("{documents}{base}: {}", count(denied, "error")),
            (warnings, denied) => {
                format!("{documents}{base}: {}, {}", count(denied, "error"), count(warnings, "warning"))
            }
        }
    }
}

fn case(document: &str, rule: Rule, found: &[&LintFinding]) -> TestCase {
    let lines: Vec<String> = found.iter().map(|finding| finding.shown()).collect();
    let out = lines.join("\n");
    let status = if found.iter().any(|finding| finding.denied) {
        let text = format!("{out}\n{}", rule.because());
        TestStatus::Failed { kind: rule.code().to_owned(), message: rule.says().to_owned(), text }
    } else {
        TestStatus::Passed
    };
    let (name, class) = (rule.to_string(), Printable(document).to_string());
    TestCase { name, class, properties: Vec::new(), status, out }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::schema::stale;

    #[test]
    fn the_committed_schema_is_the_one_of_the_types() {
        assert_eq!(stale::<LintReport>("lint", "What lint prints with --output json, version 1"), None);
    }
}
