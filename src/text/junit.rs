//! `JUnit` XML for Jenkins and Spyglass's lens. Its texts must be [`Printable`](super::Printable), because XML 1.0
//! cannot represent most control characters.

use std::io::{self, Write};
use std::time::Duration;

use askama::Template;

#[derive(Template)]
#[template(path = "junit.xml")]
struct File<'a> {
    name: &'a str,
    time: Option<Duration>,
    suites: &'a [Suite],
}

#[derive(Debug, Default)]
pub(crate) struct Suite {
    pub(crate) name: String,
    pub(crate) properties: Vec<(&'static str, String)>,
    pub(crate) cases: Vec<TestCase>,
    /// The `system-out` of the suite.
    pub(crate) out: String,
}

#[derive(Debug, Default)]
pub(crate) struct TestCase {
    pub(crate) name: String,
    pub(crate) class: String,
    pub(crate) properties: Vec<(&'static str, String)>,
    pub(crate) status: TestStatus,
    pub(crate) out: String,
}

#[derive(Debug, Default)]
pub(crate) enum TestStatus {
    #[default]
    Passed,
    Skipped(String),
    Failed {
        kind: String,
        message: String,
        text: String,
    },
}

pub(crate) fn write(
    out: &mut impl Write,
    name: &str,
    time: Option<Duration>,
    suites: &[Suite],
) -> io::Result<()> {
    File { name, time, suites }.write_into(out)
}

impl File<'_> {
    fn count(&self, of: fn(&Suite) -> usize) -> usize {
        self.suites.iter().map(of).sum()
    }
}

impl Suite {
    fn tests(&self) -> usize {
        self.cases.len()
    }

    fn failures(&self) -> usize {
        self.cases.iter().filter(|case| matches!(case.status, TestStatus::Failed { .. })).count()
    }

    fn skipped(&self) -> usize {
        self.cases.iter().filter(|case| matches!(case.status, TestStatus::Skipped(_))).count()
    }
}
