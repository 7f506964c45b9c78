//! A boot-image bump of 2026: two documents for RHEL CoreOS and one for CentOS Stream CoreOS, 143 artifacts.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::ground::{corpus, testdata};

/// The checkout in `testdata`, and the real one if the corpus is available.
pub(crate) fn checkouts() -> Vec<PathBuf> {
    let real = corpus().map(|root| root.join("checkouts/2026-04"));
    [testdata("checkout-2026")].into_iter().chain(real).collect()
}

/// The build ID, file name and number of artifacts of each document, in the order of a run.
pub(crate) fn builds(checkout: &Path) -> Vec<(String, String, usize)> {
    let documents = ["coreos-rhel-10.json", "coreos-rhel-9.json", "scos.json"].map(|name| {
        let text = std::fs::read_to_string(checkout.join("data/data/coreos").join(name)).unwrap();
        let document: Value = serde_json::from_str(&text).unwrap();
        let release = &document["architectures"]["x86_64"]["artifacts"]["qemu"]["release"];
        (release.as_str().unwrap().to_owned(), name.to_owned(), text.matches("\"location\"").count())
    });
    documents.into()
}
