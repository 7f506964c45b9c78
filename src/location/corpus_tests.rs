//! The laws, checked on every location and signature of the real documents under `STREAM_CORPUS`.

use std::path::PathBuf;

use super::*;
use crate::stream::{FoundUrl, find_urls};
use crate::test_support::{corpus, files_below};

/// The stream documents under `$STREAM_CORPUS`; none where it is unset.
fn documents() -> Vec<(PathBuf, String)> {
    let Some(root) = corpus() else { return Vec::new() };
    let read = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).unwrap();
        find_urls("d", &text).is_ok_and(|urls| !urls.is_empty()).then_some((path, text))
    };
    let found: Vec<_> = files_below(&root).iter().filter_map(|file| read(root.join(file))).collect();
    assert!(!found.is_empty(), "no stream documents under STREAM_CORPUS");
    found
}

fn urls() -> impl Iterator<Item = FoundUrl> {
    documents().into_iter().flat_map(|(_, text)| find_urls("d", &text).unwrap())
}

#[test]
fn every_real_location_is_read_and_written() {
    for found in urls() {
        let location = Location::parse(&found.url).unwrap_or_else(|error| panic!("{}: {error}", found.url));
        assert_eq!(location.url(), found.url);
        assert_eq!(location.arch().rpm_name(), &*found.id.arch, "{}", found.url);
        if let Some(build) = location.build() {
            assert_eq!(Some(build.as_str()), found.release.as_deref(), "{}", found.url);
        }
    }
}

/// The directory as derived from file prefix, build ID and architecture.
pub(super) fn derived_directory(location: &Location) -> String {
    let (product, build) = (location.file().product().unwrap(), location.build().unwrap());
    match location.layout() {
        Layout::Releases => product.releases_directory(build, location.arch()).unwrap(),
        Layout::Streams => product.streams_directory(build).unwrap(),
        _ => build.ocp().unwrap().to_string(),
    }
}

#[test]
fn the_directory_of_every_real_build_is_derived() {
    for found in urls() {
        let location = Location::parse(&found.url).unwrap();
        assert_eq!(derived_directory(&location), location.directory(), "{}", found.url);
    }
}

/// Every prefix that the bridges have had.
const BRIDGES: [&str; 4] = [
    "https://releases-art-rhcos.svc.ci.openshift.org/art/storage/releases",
    "https://releases-art-rhcos.svc.ci.openshift.org/art/storage",
    "https://rhcos-redirector.apps.art.xq1c.p1.openshiftapps.com/art/storage/releases",
    "https://rhcos-redirector.apps.art.xq1c.p1.openshiftapps.com/art/storage",
];

#[test]
fn every_real_document_comes_back_from_a_bridge_to_its_published_place() {
    for (path, text) in documents() {
        let published =
            rewrite("d", &text, &Target::PublishedPlace).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(rewrite("d", &published.text, &Target::PublishedPlace).unwrap().changed, 0);
        if !BRIDGE_HOSTS.iter().any(|host| text.contains(host)) {
            assert_eq!(published.text, text, "{} is at its published location", path.display());
        }
        let mut tried = 0;
        for bridge in BRIDGES {
            let bridge = Target::Bridge(Prefix::parse(bridge).unwrap());
            // The releases layout has no directories for recent builds.
            let Ok(there) = rewrite("d", &published.text, &bridge) else { continue };
            let back = rewrite("d", &there.text, &Target::PublishedPlace).unwrap();
            assert_eq!(back.text, published.text, "{}", path.display());
            tried += 1;
        }
        assert!(tried >= 2, "{}: {tried}", path.display());
    }
}

#[test]
fn every_real_document_goes_there_and_back() {
    for (path, text) in documents() {
        let unchanged = rewrite("d", &text, &Target::Published).unwrap();
        assert_eq!(unchanged.text, text, "{}", path.display());
        // A document with several hosts cannot be restored from one, so it is first moved to a single host.
        let home = Target::Bridge(Prefix::parse("https://rhcos.mirror.openshift.com/art/storage").unwrap());
        let Ok(start) = rewrite("d", &text, &home) else { panic!("{} has no place", path.display()) };
        assert_eq!(rewrite("d", &start.text, &home).unwrap().changed, 0);
        for to in ["http://[::1]:8080/art/storage/", "https://b.example/x/y"] {
            let there = rewrite("d", &start.text, &Target::Bridge(Prefix::parse(to).unwrap())).unwrap();
            assert_eq!(there.changed, there.urls);
            assert_eq!(rewrite("d", &there.text, &home).unwrap().text, start.text, "{}", path.display());
        }
        let flat =
            rewrite("d", &text, &Target::Flat(Prefix::parse("https://b.example/flat").unwrap())).unwrap();
        assert_eq!(flat.changed, flat.urls);
        // Replacing each URL with the old one restores the document: nothing else changed.
        let (old, new) = (find_urls("d", &text).unwrap(), find_urls("d", &flat.text).unwrap());
        let undone =
            crate::stream::replace_urls(&flat.text, new.iter().zip(old.iter().map(|it| it.url.as_str())));
        assert_eq!(undone, text, "{}", path.display());
    }
}
