//! A boot-image bump as of 2026: two documents of RHEL CoreOS and one of CentOS Stream CoreOS, 143 artifacts.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::ground::{corpus, testdata};

/// A checkout of it that is ours, and the real one where the corpus of checkouts is there.
pub(crate) fn checkouts() -> Vec<PathBuf> {
    let real = corpus().map(|root| root.join("checkouts/2026-04"));
    [testdata("checkout-2026")].into_iter().chain(real).collect()
}

/// The build of each document, and its name with how many artifacts it has, in the order of the run.
pub(crate) fn builds(checkout: &Path) -> Vec<(String, String, usize)> {
    let documents = ["coreos-rhel-10.json", "coreos-rhel-9.json", "scos.json"].map(|name| {
        let text = std::fs::read_to_string(checkout.join("data/data/coreos").join(name)).unwrap();
        let document: Value = serde_json::from_str(&text).unwrap();
        let release = &document["architectures"]["x86_64"]["artifacts"]["qemu"]["release"];
        (release.as_str().unwrap().to_owned(), name.to_owned(), text.matches("\"location\"").count())
    });
    documents.into()
}
