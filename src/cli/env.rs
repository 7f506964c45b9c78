//! Every environment variable that the program reads, declared once.

/// The prefix of the bridge to resolve to. An empty value is unset.
pub const STREAM_PREFIX: &str = "OPENSHIFT_INSTALL_COREOS_STREAM_PREFIX";

/// `1`: resolve to the bridge of 2021. `0`, `false` and empty are off.
pub const CI_BOOTIMAGES: &str = "OPENSHIFT_INSTALL_CI_COREOS_BOOTIMAGES";

/// Where reports go; Prow sets it and uploads the directory.
pub const ARTIFACTS: &str = "ARTIFACTS";

/// A PEM file with further trust roots.
pub const SSL_CERT_FILE: &str = "SSL_CERT_FILE";

/// What is logged to standard error, in the syntax of `tracing-subscriber`.
pub const RUST_LOG: &str = "RUST_LOG";

/// The value of a variable; unset, empty and not Unicode are the same.
pub fn value(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
