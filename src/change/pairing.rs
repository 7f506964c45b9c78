//! Finds the documents that are versions of each other.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::location::{Location, Product, RhelVersion};
use crate::stream::Document;

/// Why two documents are considered versions of one, the best evidence first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum PairedBy {
    /// They have the same name.
    Name,
    /// Their URLs have the same directory of builds.
    Directory,
    /// Their builds have the same version of RHEL, or of CentOS Stream.
    RhelVersion,
    /// Their builds have the same major version.
    RhelMajorVersion,
    /// They have the same `stream`, which is weak evidence: when a document is split, both parts keep it.
    Stream,
    /// Each side has only this document.
    Alone,
}

impl PairedBy {
    /// The evidence, as text for people; `None` for equal names.
    pub(super) const fn shown(self) -> Option<&'static str> {
        match self {
            Self::Name => None,
            Self::Directory => Some("paired by the directory in their URLs"),
            Self::RhelVersion => Some("paired by their RHEL version"),
            Self::RhelMajorVersion => Some("paired by their RHEL major version"),
            Self::Stream => Some("paired by their stream field"),
            Self::Alone => Some("paired as the only documents"),
        }
    }
}

/// Two versions of one document.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pair<'d> {
    pub(crate) old: &'d Document,
    pub(crate) new: &'d Document,
    pub(crate) by: PairedBy,
}

/// The documents of two sides.
#[derive(Debug, Default)]
pub(crate) struct Pairing<'d> {
    /// The pairs, in the order of the new side.
    pub(crate) pairs: Vec<Pair<'d>>,
    pub(crate) only_in_old: Vec<&'d Document>,
    pub(crate) only_in_new: Vec<&'d Document>,
}

/// A document, with the evidence from its artifacts.
struct Described<'d> {
    document: &'d Document,
    directories: BTreeSet<(Option<Product>, String)>,
    rhel: BTreeSet<(Product, RhelVersion)>,
}

impl<'d> Pairing<'d> {
    /// Pairs documents, each at most once: first all with the best evidence, then those with the next best.
    pub(crate) fn of(old: &[&'d Document], new: &[&'d Document]) -> Self {
        let mut unpaired: Vec<Described<'d>> = old.iter().copied().map(Described::of).collect();
        let alone = old.len() == 1 && new.len() == 1;
        let mut candidates: Vec<(Described<'d>, Option<(&'d Document, PairedBy)>)> =
            new.iter().map(|document| (Described::of(document), None)).collect();
        let kinds = [
            PairedBy::Name,
            PairedBy::Directory,
            PairedBy::RhelVersion,
            PairedBy::RhelMajorVersion,
            PairedBy::Stream,
            PairedBy::Alone,
        ];
        for by in kinds.into_iter().filter(|by| *by != PairedBy::Alone || alone) {
            for (described, found) in candidates.iter_mut().filter(|(_, found)| found.is_none()) {
                if let Some(at) = unpaired.iter().position(|old| old.shares(by, described)) {
                    *found = Some((unpaired.remove(at).document, by));
                }
            }
        }
        let mut pairing =
            Self { only_in_old: unpaired.into_iter().map(|it| it.document).collect(), ..Self::default() };
        for (Described { document: new, .. }, found) in candidates {
            match found {
                Some((old, by)) => pairing.pairs.push(Pair { old, new, by }),
                None => pairing.only_in_new.push(new),
            }
        }
        pairing
    }
}

impl<'d> Described<'d> {
    fn of(document: &'d Document) -> Self {
        let mut described = Self { document, directories: BTreeSet::new(), rhel: BTreeSet::new() };
        for artifact in &document.artifacts {
            let Ok(location) = Location::parse(&artifact.location) else { continue };
            let product = location.file().product();
            // A directory of the mirror is for an OpenShift version and can hold builds of several RHEL versions.
            if !location.layout().is_mirror() {
                described.directories.insert((product, location.directory().to_owned()));
            }
            let release = artifact.release.parse().ok();
            let build = location.build().cloned().or(release);
            described.rhel.extend(product.zip(build.and_then(|build| build.rhel())));
        }
        described
    }

    fn shares(&self, by: PairedBy, other: &Self) -> bool {
        match by {
            PairedBy::Name => self.document.name == other.document.name,
            PairedBy::Directory => !self.directories.is_disjoint(&other.directories),
            PairedBy::RhelVersion => !self.rhel.is_disjoint(&other.rhel),
            PairedBy::RhelMajorVersion => {
                let major = |it: &(Product, RhelVersion)| (it.0, it.1.major);
                self.rhel.iter().any(|one| other.rhel.iter().any(|other| major(one) == major(other)))
            }
            PairedBy::Stream => self.document.stream == other.document.stream,
            PairedBy::Alone => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A document with one artifact of this build in this directory.
    fn document(name: &str, stream: &str, product: &str, directory: &str, build: &str) -> Document {
        let location = format!(
            "https://h/prod/streams/{directory}/builds/{build}/x86_64/{product}-{build}-qemu.x86_64.qcow2"
        );
        let text = format!(
            r#"{{"stream": "{stream}", "architectures": {{"x86_64": {{"artifacts": {{"qemu": {{"release": "{build}",
            "formats": {{"qcow2": {{"disk": {{"location": "{location}", "sha256": "{}"}}}}}}}}}}}}}}}}"#,
            "ab".repeat(32)
        );
        Document::parse(name, text.as_bytes()).unwrap()
    }

    fn paired(old: &[Document], new: &[Document]) -> Vec<String> {
        let pairing = Pairing::of(&old.iter().collect::<Vec<_>>(), &new.iter().collect::<Vec<_>>());
        let pairs = pairing.pairs.iter().map(|it| format!("{} {} {:?}", it.old.name, it.new.name, it.by));
        let olds = pairing.only_in_old.iter().map(|it| format!("{} -", it.name));
        let news = pairing.only_in_new.iter().map(|it| format!("- {}", it.name));
        pairs.chain(olds).chain(news).collect()
    }

    #[test]
    fn a_document_that_is_split_is_paired_with_the_part_of_its_rhel_version() {
        let s = "rhcos-4.22";
        let old = document("rhcos.json", s, "rhcos", "rhel-9.8", "9.8.20260301-0");
        let ten = document("rhel-10.json", s, "rhcos", "rhel-10.2", "10.2.20260403-0");
        let nine = document("rhel-9.json", s, "rhcos", "rhel-9.8", "9.8.20260403-0");
        let scos = |name| document(name, s, "scos", "c9s", "9.0.20260403-0");
        let cases = [
            (
                vec![old.clone()],
                vec![ten.clone(), nine.clone()],
                vec!["rhcos.json rhel-9.json Directory", "- rhel-10.json"],
            ),
            (
                vec![scos("scos.json"), old.clone()],
                vec![ten.clone(), nine.clone(), scos("scos.json")],
                vec!["rhcos.json rhel-9.json Directory", "scos.json scos.json Name", "- rhel-10.json"],
            ),
            // The reverse, and by the build IDs if directories differ.
            (
                vec![ten.clone(), nine.clone()],
                vec![old.clone()],
                vec!["rhel-9.json rhcos.json Directory", "rhel-10.json -"],
            ),
            (
                vec![document("a", s, "rhcos", "elsewhere", "9.8.20260301-0")],
                vec![ten.clone(), nine.clone()],
                vec!["a rhel-9.json RhelVersion", "- rhel-10.json"],
            ),
            (
                vec![document("a", s, "rhcos", "4.19-9.6", "419.96.202506171412-0")],
                vec![ten.clone(), nine.clone()],
                vec!["a rhel-9.json RhelMajorVersion", "- rhel-10.json"],
            ),
            // CentOS Stream 9 is not RHEL 9, and the stream field decides if nothing else does.
            (
                vec![scos("a")],
                vec![nine.clone(), ten.clone()],
                vec!["a rhel-9.json Stream", "- rhel-10.json"],
            ),
            (vec![old.clone()], vec![ten.clone()], vec!["rhcos.json rhel-10.json Stream"]),
            (
                vec![document("a", "x", "scos", "c9s", "9.0.20260403-0")],
                vec![ten],
                vec!["a rhel-10.json Alone"],
            ),
        ];
        for (old, new, expected) in cases {
            assert_eq!(paired(&old, &new), expected);
        }
    }
}
