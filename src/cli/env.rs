//! Every environment variable that the program reads, declared once.

/// The prefix of the bridge to resolve to. An empty value is unset.
pub const STREAM_PREFIX: &str = "OPENSHIFT_INSTALL_COREOS_STREAM_PREFIX";

/// `1`: resolve to the bridge of 2021. `0`, `false` and empty are off.
pub const CI_BOOTIMAGES: &str = "OPENSHIFT_INSTALL_CI_COREOS_BOOTIMAGES";

/// Where reports go; Prow sets it and uploads the directory.
pub const ARTIFACTS: &str = "ARTIFACTS";

/// Where a step's reports go in a multi-stage test of OpenShift's ci-operator, which does not set
/// [`ARTIFACTS`].
pub const ARTIFACT_DIR: &str = "ARTIFACT_DIR";

/// A PEM file with further trust roots.
pub const SSL_CERT_FILE: &str = "SSL_CERT_FILE";

/// What is logged to standard error, in the syntax of `tracing-subscriber`.
pub const RUST_LOG: &str = "RUST_LOG";

/// The name of Prow's job.
pub const JOB_NAME: &str = "JOB_NAME";

/// The number of the job's run in Prow; nothing to do with an image's build ID.
pub const BUILD_ID: &str = "BUILD_ID";

/// The owner of the repository that Prow's job is for.
pub const REPO_OWNER: &str = "REPO_OWNER";

/// The repository that Prow's job is for.
pub const REPO_NAME: &str = "REPO_NAME";

/// The pull request that Prow's job is for.
pub const PULL_NUMBER: &str = "PULL_NUMBER";

/// The branch that the pull request is for.
pub const PULL_BASE_REF: &str = "PULL_BASE_REF";

/// The commit that Prow merged the pull request into: what `--base` is if it is not given.
pub const PULL_BASE_SHA: &str = "PULL_BASE_SHA";

/// The pull request's commit.
pub const PULL_PULL_SHA: &str = "PULL_PULL_SHA";

/// The value of a variable; unset, empty and not Unicode are the same.
pub fn value(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
