use std::fs;

use super::*;
use crate::stream::Document;

const A: &str = "419.96.202506171412-0";
const B: &str = "419.96.202507010000-0";
const C: &str = "419.96.202508010000-0";

fn listing(text: &str) -> Listing {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("listing");
    fs::write(&path, text).unwrap();
    let mut listing = Listing::default();
    listing.add(&path).unwrap();
    listing
}

fn held(text: &str) -> Vec<String> {
    let shown = listing(text).held.into_iter().map(|held| {
        let read = if held.build.is_some() { "" } else { "?" };
        format!("{}|{}{read}|{}", held.directory, held.name, held.arch.as_deref().unwrap_or("-"))
    });
    shown.collect()
}

#[test]
fn builds_are_found_in_every_layout() {
    let cases = [
        (
            format!("https://h/art/storage/prod/streams/4.19-9.6/builds/{A}/x86_64/f.gz"),
            format!("4.19-9.6|{A}|x86_64"),
        ),
        (
            format!("https://h/art/storage/releases/rhcos-4.8-s390x/{A}/s390x/f.gz"),
            format!("rhcos-4.8-s390x|{A}|s390x"),
        ),
        (format!("/pub/openshift-v4/arm64/dependencies/rhcos/4.8/{A}/f.gz"), format!("4.8|{A}|aarch64")),
        (format!("/pub/openshift-v4/dependencies/rhcos/4.8/{A}/f.gz"), format!("4.8|{A}|x86_64")),
        (format!("./{A}/ppc64le/meta.json"), format!("|{A}|ppc64le")),
        (format!("4.8/{A}/"), format!("4.8|{A}|-")),
        ("x86_64/dependencies/rhcos/4.8/4.8.2/f.gz".into(), "4.8|4.8.2?|x86_64".into()),
        ("4.19-9.6/builds/odd-name/x86_64/f.gz".into(), "4.19-9.6|odd-name?|x86_64".into()),
        ("rhcos-4.8/odd/x86_64/f.gz".into(), "rhcos-4.8|odd?|x86_64".into()),
        (format!(r#"{{"builds": ["{A}"]}}"#), format!("|{A}|-")),
        (
            format!(r#"{{"builds": [{{"id": "{A}", "arches": ["s390x"]}}], "schema-version": "1.0.0"}}"#),
            format!("|{A}|s390x"),
        ),
    ];
    for (line, expected) in cases {
        assert_eq!(held(&line), [expected], "{line}");
    }
}

#[test]
fn paths_outside_builds_are_ignored() {
    let text = format!(
        "a/b/index.html\n4.19-9.6/builds/builds.json\n4.19-9.6/builds/latest/x86_64/f\n\n{A}/x86_64/f\n"
    );
    assert_eq!(held(&text), [format!("|{A}|x86_64")]);
}

#[test]
fn the_same_listing_may_be_added_twice() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("listing");
    let removed = format!(r#"{{"builds": [], "tombstone-builds": ["{A}"]}}"#);
    for text in [&*format!("{A}/x86_64/f\n"), &removed] {
        fs::write(&path, text).unwrap();
        let mut listing = Listing::default();
        listing.add(&path).unwrap();
        listing.add(&path).unwrap();
        assert_eq!(listing.held.len() + listing.removed.len(), 1);
    }
}

#[test]
fn a_listing_without_builds_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    for text in ["", "index.html\n", "{}", "{\"builds\": 1}", "{\"builds\": []}"] {
        let path = directory.path().join("listing");
        fs::write(&path, text).unwrap();
        assert!(Listing::default().add(&path).is_err(), "{text}");
    }
    assert!(Listing::default().add(directory.path()).is_err());
}

#[test]
fn rhcos_id_txt_names_the_build_of_a_release() {
    let root = tempfile::tempdir().unwrap();
    let rhcos = root.path().join("x86_64/dependencies/rhcos");
    for (directory, id) in
        [("4.19/4.19.1", Some(A)), ("4.19/4.19.2", Some("nonsense")), ("4.19/4.19.3", None)]
    {
        fs::create_dir_all(rhcos.join(directory)).unwrap();
        fs::write(rhcos.join(directory).join("rhcos.iso"), "").unwrap();
        if let Some(id) = id {
            fs::write(rhcos.join(directory).join("rhcos-id.txt"), format!("{id}\n")).unwrap();
        }
    }
    fs::create_dir_all(rhcos.join("4.19").join(B)).unwrap();
    fs::write(rhcos.join("4.19").join(B).join("rhcos.iso"), "").unwrap();
    std::os::unix::fs::symlink("4.19/4.19.1", rhcos.join("latest")).unwrap();
    let mut listing = Listing::default();
    listing.add(root.path()).unwrap();
    let found: Vec<_> = listing
        .held
        .iter()
        .map(|it| (&*it.name, it.build.as_ref().map(BuildId::as_str), it.arch.as_deref()))
        .collect();
    assert_eq!(
        found,
        [
            ("4.19.1", Some(A), Some("x86_64")),
            ("4.19.2", None, Some("x86_64")),
            ("4.19.3", None, Some("x86_64")),
            (B, Some(B), Some("x86_64")),
        ]
    );
}

#[test]
fn a_build_whose_files_are_gone_is_gone() {
    let root = tempfile::tempdir().unwrap();
    let builds = root.path().join("4.19-9.6/builds");
    let file = |build: &str, name: &str| {
        fs::create_dir_all(builds.join(build).join("x86_64")).unwrap();
        fs::write(builds.join(build).join("x86_64").join(name), "").unwrap();
    };
    file(A, ".rhcos.iso.part");
    std::os::unix::fs::symlink("nowhere", builds.join(A).join("x86_64/rhcos.iso")).unwrap();
    file(C, "rhcos.iso");
    fs::create_dir_all(builds.join(B).join("x86_64")).unwrap();
    let mut listing = Listing::default();
    listing.add(root.path()).unwrap();
    let pins = [A, B, C].map(|build| pin("main", build, "x86_64"));
    let retention = Retention::of(&pins_of(pins), &listing, false);
    assert_eq!(statuses(&retention), [(C, Status::Pinned)]);
    let gone: Vec<&str> = retention.gone.iter().map(|gone| &*gone.build_id).collect();
    assert_eq!(gone, [A, B], "neither a directory nor a file on its way nor a link to nothing is a build");
}

#[test]
fn a_release_in_a_location_is_present_even_if_its_build_is_unknown() {
    let listing =
        listing("x86_64/dependencies/rhcos/4.19/4.19.1/f.gz\nx86_64/dependencies/rhcos/4.19/4.19.2/f.gz\n");
    let at = |directory: &str, release: &str| Pin {
        directory: Some(directory.into()),
        release: Some(release.into()),
        ..pin("main", A, "x86_64")
    };
    let judged = |pin: Pin| {
        let retention = Retention::of(&pins_of([pin]), &listing, true);
        let statuses = retention.builds.iter().map(|build| build.status).collect::<Vec<_>>();
        (statuses, retention.gone.len())
    };
    let (pinned, unreadable) = (Status::Pinned, Status::Unreadable);
    assert_eq!(judged(at("4.19", "4.19.2")), (vec![unreadable, pinned], 0));
    assert_eq!(judged(at("4.19", "4.19.3")), (vec![unreadable, unreadable], 1));
    assert_eq!(judged(at("pre-release", "4.19.2")), (vec![unreadable, unreadable], 1));
}

fn pins_of(pins: impl Into<Vec<Pin>>) -> Pins {
    Pins { pins: pins.into(), ..Pins::default() }
}

fn pin(by: &str, build: &str, arch: &str) -> Pin {
    let directory = Some("4.19-9.6".into());
    let (by, build, arch) = (by.into(), build.into(), arch.into());
    Pin { by, is_past: false, build, arch, directory, release: None, of_files: true, files: BTreeSet::new() }
}

fn statuses(retention: &Retention) -> Vec<(&str, Status)> {
    retention.builds.iter().map(|build| (&*build.name, build.status)).collect()
}

fn three_builds() -> Listing {
    let lines = [A, B, C].map(|build| format!("4.19-9.6/builds/{build}/x86_64/f\n"));
    listing(&lines.concat())
}

#[test]
fn a_build_is_pinned_newest_or_an_orphan() {
    let pins = pins_of([pin("refs/heads/release-4.19", A, "x86_64")]);
    let retention = Retention::of(&pins, &three_builds(), false);
    assert_eq!(statuses(&retention), [(A, Status::Pinned), (B, Status::Orphan), (C, Status::Newest)]);
    assert!(retention.gone.is_empty());
}

#[test]
fn a_pin_of_another_architecture_does_not_count() {
    let pins = pins_of([pin("main", A, "s390x")]);
    let retention = Retention::of(&pins, &three_builds(), false);
    assert_eq!(statuses(&retention), [(A, Status::Orphan), (B, Status::Orphan), (C, Status::Newest)]);
    assert_eq!(retention.gone, [], "a listing of one architecture says nothing of others");
    let retention = Retention::of(&pins, &three_builds(), true);
    assert_eq!(retention.gone[0].arch.as_ref(), "s390x");
}

#[test]
fn unreadable_documents_leave_no_orphans() {
    let unreadable = vec![Unreadable { by: "main".into(), why: "broken".into(), newest_build: None }];
    let pins = Pins { pins: vec![pin("release-4.19", A, "x86_64")], unreadable, ..Pins::default() };
    let retention = Retention::of(&pins, &three_builds(), false);
    assert_eq!(statuses(&retention), [(A, Status::Pinned), (B, Status::PerhapsPinned), (C, Status::Newest)]);

    let unidentified = listing("4.19-9.6/builds/odd/x86_64/f\n");
    let retention = Retention::of(&Pins::default(), &unidentified, false);
    assert_eq!(statuses(&retention), [("odd", Status::Unreadable)]);
}

#[test]
fn a_pinned_build_is_gone_only_if_the_listing_covers_its_stream() {
    let elsewhere =
        Pin { directory: Some("4.18-9.4".into()), ..pin("main", "418.94.202501010000-0", "x86_64") };
    let gone = pin("main", "419.96.202501010000-0", "x86_64");
    let clouds = Pin { of_files: false, ..pin("main", "419.96.202402020202-0", "x86_64") };
    let pins = pins_of([elsewhere, gone, clouds]);
    let builds = |complete| {
        let gone = Retention::of(&pins, &three_builds(), complete).gone;
        gone.into_iter().map(|gone| gone.build_id.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(builds(false), ["419.96.202501010000-0"]);
    assert_eq!(builds(true), ["418.94.202501010000-0", "419.96.202501010000-0"]);
    assert_eq!(Retention::of(&pins, &three_builds(), false).not_covered, ["418.94.202501010000-0"]);
}

/// Pins for these images of build A, with cosa's file names.
fn pin_of(images: &[&str]) -> Pins {
    let files = images.iter().map(|image| format!("rhcos-{A}-{image}").into()).collect();
    pins_of([Pin { files, ..pin("main", A, "x86_64") }])
}

/// Missing files as `FILES: HOW`, undetermined ones as `FILES: ?`.
fn missing(retention: &Retention) -> Vec<String> {
    let tails = |files: &[Arc<str>]| {
        let tails = files.iter().map(|file| file.strip_prefix(&format!("rhcos-{A}-")).unwrap_or(file));
        tails.collect::<Vec<_>>().join(" ")
    };
    let shown = |it: &Missing| match it.absence {
        Absence::Gone { how } => format!("{}: {how:?}", tails(&it.files)),
        Absence::Undetermined { .. } => format!("{}: ?", tails(&it.files)),
    };
    retention.gone.iter().chain(&retention.undetermined).map(shown).collect()
}

#[test]
fn a_listed_build_does_not_prove_pruned_images() {
    const FILES: [&str; 3] = ["live-iso.x86_64.iso", "metal.x86_64.raw.gz", "odd"];
    let cases: [(&str, &[&str]); 11] = [
        ("null", &[]),
        (r#"["cloud-uploads"]"#, &[]),
        (r#"{"cloud-uploads": true, "containers": true}"#, &[]),
        (r#"["images"]"#, &["live-iso.x86_64.iso metal.x86_64.raw.gz odd: Pruned"]),
        (r#"{"images": true}"#, &["live-iso.x86_64.iso metal.x86_64.raw.gz odd: Pruned"]),
        (r#"{"images-kept": []}"#, &["live-iso.x86_64.iso metal.x86_64.raw.gz odd: Pruned"]),
        (r#"{"images-kept": ["qemu", "live-iso"]}"#, &["metal.x86_64.raw.gz: Pruned", "odd: ?"]),
        (r#"{"images": true, "images-kept": ["metal", "live-iso"]}"#, &["odd: ?"]),
        (r#"{"images-kept": "live-iso"}"#, &["live-iso.x86_64.iso metal.x86_64.raw.gz odd: ?"]),
        (r#"{"new-action": true}"#, &["live-iso.x86_64.iso metal.x86_64.raw.gz odd: ?"]),
        ("7", &["live-iso.x86_64.iso metal.x86_64.raw.gz odd: ?"]),
    ];
    for (cleanup, expected) in cases {
        let text =
            format!(r#"{{"builds": [{{"id": "{A}", "arches": ["x86_64"], "policy-cleanup": {cleanup}}}]}}"#);
        let retention = Retention::of(&pin_of(&FILES), &listing(&text), false);
        assert_eq!(missing(&retention), expected, "{cleanup}");
        assert_eq!(statuses(&retention), [(A, Status::Pinned)]);
    }
    // A pin without file names may be for any image.
    let text = format!(
        r#"{{"builds": [{{"id": "{A}", "arches": ["x86_64"], "policy-cleanup": {{"images-kept": ["qemu"]}}}}]}}"#
    );
    assert_eq!(missing(&Retention::of(&pin_of(&[]), &listing(&text), false)), [": ?"]);
}

#[test]
fn a_removed_build_is_gone_whatever_streams_are_listed() {
    let removed =
        r#"{"builds": [], "tombstone-builds": [{"id": "ID", "arches": ["x86_64"]}]}"#.replace("ID", A);
    assert_eq!(missing(&Retention::of(&pin_of(&["odd"]), &listing(&removed), false)), [": Removed"]);
    let other = removed.replace("x86_64", "s390x");
    assert_eq!(missing(&Retention::of(&pin_of(&["odd"]), &listing(&other), false)), [": NotListed"]);
    let both = format!(r#"{{"builds": ["{A}"], "tombstone-builds": ["{A}"]}}"#);
    assert_eq!(missing(&Retention::of(&pin_of(&["odd"]), &listing(&both), false)), Vec::<String>::new());
}

#[test]
fn a_listing_of_files_proves_only_those_files() {
    let pins = pin_of(&["live.x86_64.iso", "metal.x86_64.raw.gz"]);
    let cases: [(&[&str], &[&str]); 4] = [
        (&["rhcos-A-live.x86_64.iso", "rhcos-A-metal.x86_64.raw.gz"], &[]),
        (&["rhcos-A-live.x86_64.iso", "meta.json"], &["metal.x86_64.raw.gz: FilesNotListed"]),
        (&["rhcos-4.19.1-x86_64-live.x86_64.iso", "rhcos-metal.x86_64.raw.gz"], &[]),
        (&["meta.json"], &["live.x86_64.iso metal.x86_64.raw.gz: ?"]),
    ];
    for (files, expected) in cases {
        let lines = files.iter().map(|file| format!("4.19-9.6/builds/{A}/x86_64/{}\n", file.replace('A', A)));
        let retention = Retention::of(&pins, &listing(&lines.collect::<String>()), false);
        assert_eq!(missing(&retention), expected, "{files:?}");
    }
}

#[test]
fn the_directory_in_the_location_counts_before_other_copies() {
    let on_mirror = format!("x86_64/dependencies/rhcos/4.19/{A}/rhcos-{A}-metal.x86_64.raw.gz\n");
    let on_cdn = format!("4.19-9.6/builds/{A}/x86_64/rhcos-{A}-qemu.x86_64.qcow2.gz\n");
    let pins = pin_of(&["metal.x86_64.raw.gz"]);
    assert_eq!(missing(&Retention::of(&pins, &listing(&on_mirror), false)), Vec::<String>::new());
    let both = Retention::of(&pins, &listing(&(on_mirror + &on_cdn)), false);
    assert_eq!(missing(&both), ["metal.x86_64.raw.gz: FilesNotListed"]);
}

/// A document with one artifact.
fn document(release: &str, location: &str) -> Document {
    let text = format!(
        r#"{{"stream": "s", "architectures": {{"x86_64": {{"artifacts": {{"metal": {{"release": "{release}",
        "formats": {{"raw.gz": {{"disk": {{"location": "{location}", "sha256": "{}"}}}}}}}}}}}}}}}}"#,
        "ab".repeat(32)
    );
    Document::parse("d", text.as_bytes()).unwrap()
}

#[test]
fn an_unreadable_build_id_pins_the_build_in_its_url() {
    let streams = "https://h/art/storage/prod/streams/4.19-9.6/builds";
    let by_release =
        "https://h/x86_64/dependencies/rhcos/4.19/4.19.1/rhcos-4.19.1-x86_64-metal.x86_64.raw.gz";
    let cases = [
        ("odd-1", format!("{streams}/odd-1/x86_64/f"), vec![("odd-1", Some("4.19-9.6"))], 0),
        ("odd-1", format!("{streams}/{A}/x86_64/f"), vec![(A, Some("4.19-9.6"))], 0),
        ("odd-1", by_release.to_owned(), vec![("4.19.1", Some("4.19"))], 0),
        ("odd-1", "https://h/f".to_owned(), vec![], 1),
        (A, format!("{streams}/{B}/x86_64/f"), vec![(A, None), (B, Some("4.19-9.6"))], 0),
        (A, "https://h/f".to_owned(), vec![(A, None)], 0),
    ];
    for (release, location, expected, unreadable) in cases {
        let mut pins = Pins::default();
        pins.add_document(&"main".into(), &document(release, &location));
        let found: Vec<_> = pins.pins.iter().map(|pin| (&*pin.build, pin.directory.as_deref())).collect();
        assert_eq!((found, pins.unreadable.len()), (expected, unreadable), "{release} {location}");
    }
    let mut pins = Pins::default();
    pins.add_document(&"main".into(), &document("odd-1", &format!("{streams}/odd-1/x86_64/f")));
    let retention = Retention::of(&pins, &three_builds(), false);
    assert_eq!(statuses(&retention), [(A, Status::Orphan), (B, Status::Orphan), (C, Status::Newest)]);
    assert_eq!(missing(&retention), [": NotListed"]);
    let with_it = listing("4.19-9.6/builds/odd-1/x86_64/f\n4.19-9.6/builds/odd-2/x86_64/f\n");
    let retention = Retention::of(&pins, &with_it, false);
    assert_eq!(statuses(&retention), [("odd-1", Status::Pinned), ("odd-2", Status::Unreadable)]);
}

proptest::proptest! {
    /// A pinned build is never an orphan, whatever else is listed.
    #[test]
    fn a_pinned_build_is_never_an_orphan(parts in proptest::collection::vec("[a-z0-9_.-]{1,12}|builds|rhcos-4.8|dependencies|rhcos|x86_64|s390x", 0..6)) {
        let text = format!("{}/{A}/x86_64/f\n{A}/s390x/f\n{B}/x86_64/f\n{C}/x86_64/f\n", parts.join("/"));
        let pins = pins_of([pin("r", A, "x86_64"), pin("r", A, "s390x")]);
        let retention = Retention::of(&pins, &listing(&text), false);
        for build in retention.builds.iter().filter(|build| build.build_id.as_deref() == Some(A)) {
            let pinned = build.status == Status::Pinned || !build.arches.iter().any(|arch| matches!(&**arch, "x86_64" | "s390x"));
            proptest::prop_assert!(pinned, "{build:?}");
        }
    }
}
