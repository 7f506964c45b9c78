//! Every environment variable that the program reads, declared once.

use std::path::PathBuf;

#[derive(Debug, Clone, Copy)]
pub struct Variable {
    pub name: &'static str,
    doc: &'static str,
}

impl Variable {
    /// The documentation, without Markdown.
    pub fn about(&self) -> String {
        let plain: String = self.doc.chars().filter(|character| !"`[]".contains(*character)).collect();
        plain.split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

/// Declares a constant for each variable, and [`ALL`].
macro_rules! variables {
    ($($(#[doc = $doc:literal])+ $constant:ident = $name:literal;)+) => {
        $($(#[doc = $doc])+ pub const $constant: &str = $name;)+

        /// All variables.
        pub const ALL: &[Variable] = &[$(Variable { name: $name, doc: concat!($($doc),+) }),+];
    };
}

variables! {
    /// The prefix of the bridge to resolve to. An empty value is unset.
    STREAM_PREFIX = "OPENSHIFT_INSTALL_COREOS_STREAM_PREFIX";

    /// `1`: resolve to the bridge of 2021. `0`, `false` and empty are off.
    CI_BOOTIMAGES = "OPENSHIFT_INSTALL_CI_COREOS_BOOTIMAGES";

    /// Where reports go; Prow sets it and uploads the directory.
    ARTIFACTS = "ARTIFACTS";

    /// Where a step's reports go in a multi-stage test of OpenShift's ci-operator, which does not set
    /// [`ARTIFACTS`].
    ARTIFACT_DIR = "ARTIFACT_DIR";

    /// A PEM file with additional CA certificates.
    SSL_CERT_FILE = "SSL_CERT_FILE";

    /// The proxy for https:// requests, as a URL. This and the next three may be in lower case.
    HTTPS_PROXY = "HTTPS_PROXY";

    /// The proxy for http:// requests.
    HTTP_PROXY = "HTTP_PROXY";

    /// The proxy for requests that no other variable names one for.
    ALL_PROXY = "ALL_PROXY";

    /// Hosts that are requested without a proxy: names, domains, addresses or networks, separated by commas.
    NO_PROXY = "NO_PROXY";

    /// Any value disables colours, which are used on a terminal otherwise.
    NO_COLOR = "NO_COLOR";

    /// Any value but 0 enables colours even without a terminal.
    CLICOLOR_FORCE = "CLICOLOR_FORCE";

    /// The shell, set by the scripts that `completions` prints when they request completions.
    COMPLETE = "ART_MIRROR_VALIDATE_COMPLETE";

    /// What is logged to standard error, in the syntax of `tracing-subscriber`.
    RUST_LOG = "RUST_LOG";

    /// The name of Prow's job.
    JOB_NAME = "JOB_NAME";

    /// The number of the job's run in Prow; nothing to do with an image's build ID.
    BUILD_ID = "BUILD_ID";

    /// The owner of the repository that Prow's job is for.
    REPO_OWNER = "REPO_OWNER";

    /// The repository that Prow's job is for.
    REPO_NAME = "REPO_NAME";

    /// The pull request that Prow's job is for.
    PULL_NUMBER = "PULL_NUMBER";

    /// The branch that the pull request is for.
    PULL_BASE_REF = "PULL_BASE_REF";

    /// The commit that Prow merged the pull request into: the default of `--base`.
    PULL_BASE_SHA = "PULL_BASE_SHA";

    /// The pull request's commit.
    PULL_PULL_SHA = "PULL_PULL_SHA";
}

/// The value of a variable; `None` if it is unset, empty or not Unicode.
pub fn value(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// The value of a variable, with replacement characters for bytes that are not Unicode.
pub fn lossy(name: &str) -> Option<String> {
    std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
}

/// The value of a variable that is a path, which need not be Unicode; `None` if it is unset or empty.
pub fn path(name: &str) -> Option<PathBuf> {
    std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}
