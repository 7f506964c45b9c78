//! What a report says of the run itself, apart from its verdicts.

use std::sync::Arc;

/// Where the run took place and what it read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunContext {
    /// This program's version.
    pub tool_version: String,
    /// Prow's job, if there is one.
    pub prow: ProwContext,
    /// Every document, in the order of the run.
    pub documents: Vec<DocumentContext>,
    /// Every file that was looked at and is no stream document.
    pub skipped: Vec<SkippedFile>,
    /// What is to be mirrored before the gate can turn green, as text to paste; none if there is nothing.
    pub request: Option<String>,
}

/// What Prow tells a job of itself, each as the environment variable of the same name has it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProwContext {
    /// `JOB_NAME`.
    pub job_name: Option<String>,
    /// `BUILD_ID`, the number of the job's run; nothing to do with an image's build ID.
    pub build_id: Option<String>,
    /// `REPO_OWNER`.
    pub repo_owner: Option<String>,
    /// `REPO_NAME`.
    pub repo_name: Option<String>,
    /// `PULL_NUMBER`.
    pub pull_number: Option<String>,
    /// `PULL_BASE_REF`, the branch that the pull request is for.
    pub pull_base_ref: Option<String>,
    /// `PULL_PULL_SHA`, the pull request's commit.
    pub pull_pull_sha: Option<String>,
}

/// One document of the run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentContext {
    /// What people call it.
    pub name: Arc<str>,
    /// How many artifacts it names.
    pub artifacts: usize,
}

/// A file that was looked at and is no stream document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SkippedFile {
    /// What people call it.
    pub name: String,
    /// Why it was skipped.
    pub why: String,
}

impl RunContext {
    /// What to write on the pull request to run the gate again; none where there is no pull request.
    pub fn retest(&self) -> Option<&'static str> {
        self.prow.pull_parts().map(|_| "/retest")
    }
}

impl ProwContext {
    /// `openshift/installer#4821`, if the job is for a pull request.
    pub fn pull_request(&self) -> Option<String> {
        let (owner, name, number) = self.pull_parts()?;
        Some(format!("{owner}/{name}#{number}"))
    }

    /// The pull request's page; none unless every part is a plain word, so that no other address can be
    /// smuggled into a report's only link.
    pub fn pull_request_url(&self) -> Option<String> {
        let (owner, name, number) = self.pull_parts()?;
        let plain = |text: &str| {
            text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
                && !text.starts_with('.')
                && !text.is_empty()
        };
        let is_page = plain(owner) && plain(name) && number.bytes().all(|byte| byte.is_ascii_digit());
        is_page.then(|| format!("https://github.com/{owner}/{name}/pull/{number}"))
    }

    fn pull_parts(&self) -> Option<(&str, &str, &str)> {
        Some((self.repo_owner.as_deref()?, self.repo_name.as_deref()?, self.pull_number.as_deref()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prow_is_asked_again_where_there_is_a_pull_request() {
        assert_eq!(crate::report::sample::context().retest(), Some("/retest"));
        assert_eq!(RunContext::default().retest(), None);
    }

    #[test]
    fn only_a_plain_pull_request_gets_a_link() {
        let prow = |owner: &str, name: &str, number: &str| ProwContext {
            repo_owner: Some(owner.into()),
            repo_name: Some(name.into()),
            pull_number: Some(number.into()),
            ..ProwContext::default()
        };
        let plain = prow("openshift", "installer", "4821");
        assert_eq!(plain.pull_request().as_deref(), Some("openshift/installer#4821"));
        assert_eq!(
            plain.pull_request_url().as_deref(),
            Some("https://github.com/openshift/installer/pull/4821")
        );
        for (owner, name, number) in [("a/b", "c", "1"), ("..", "c", "1"), ("a", "", "1"), ("a", "b", "1?x")]
        {
            assert_eq!(prow(owner, name, number).pull_request_url(), None, "{owner} {name} {number}");
        }
        assert_eq!(ProwContext::default().pull_request(), None);
    }
}
