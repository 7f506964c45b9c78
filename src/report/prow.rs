//! The context of a Prow job.

use serde::{Deserialize, Serialize};

/// The environment variables that Prow sets for a job.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ProwContext {
    /// `JOB_NAME`.
    pub job_name: Option<String>,
    /// `BUILD_ID`, the number of the job's run, not the build ID of an image.
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

impl ProwContext {
    /// The comment on the pull request that reruns the gate; `None` without a pull request.
    pub fn retest(&self) -> Option<&'static str> {
        self.pull_parts().map(|_| "/retest")
    }

    /// Such as `openshift/installer#4821`; `None` without a pull request.
    pub fn pull_request(&self) -> Option<String> {
        let (owner, name, number) = self.pull_parts()?;
        Some(format!("{owner}/{name}#{number}"))
    }

    /// The URL of the pull request; `None` unless every part is a plain word, so that the only link of a report
    /// cannot lead elsewhere.
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
        let none = ProwContext::default();
        assert_eq!((none.pull_request(), none.retest(), plain.retest()), (None, None, Some("/retest")));
    }
}
