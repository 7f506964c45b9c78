use std::fs;

use super::*;

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
fn what_belongs_to_no_build_is_counted_and_ignored() {
    let text = format!(
        "a/b/index.html\n4.19-9.6/builds/builds.json\n4.19-9.6/builds/latest/x86_64/f\n\n{A}/x86_64/f\n"
    );
    assert_eq!(held(&text), [format!("|{A}|x86_64")]);
    assert_eq!(listing(&text).ignored, 3);
}

#[test]
fn a_listing_without_builds_is_a_mistake() {
    let directory = tempfile::tempdir().unwrap();
    for text in ["", "index.html\n", "{}", "{\"builds\": 1}", "{\"builds\": []}"] {
        let path = directory.path().join("listing");
        fs::write(&path, text).unwrap();
        assert!(Listing::default().add(&path).is_err(), "{text}");
    }
    assert!(Listing::default().add(directory.path()).is_err());
}

#[test]
fn a_tree_says_with_rhcos_id_which_build_a_release_is() {
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
    file(C, "rhcos.iso");
    fs::create_dir_all(builds.join(B).join("x86_64")).unwrap();
    let mut listing = Listing::default();
    listing.add(root.path()).unwrap();
    let pins = [A, B, C].map(|build| pin("main", build, "x86_64"));
    let retention = Retention::of(&Pins { pins: pins.into(), unreadable: vec![] }, &listing, false);
    assert_eq!(statuses(&retention), [(C, Status::Pinned)]);
    let gone: Vec<&str> = retention.gone.iter().map(|gone| &*gone.build_id).collect();
    assert_eq!(gone, [A, B], "neither a directory nor a file on its way is a build");
}

#[test]
fn a_release_that_a_location_names_is_there_even_if_nothing_says_its_build() {
    let listing =
        listing("x86_64/dependencies/rhcos/4.19/4.19.1/f.gz\nx86_64/dependencies/rhcos/4.19/4.19.2/f.gz\n");
    let at = |directory: &str, release: &str| Pin {
        directory: Some(directory.to_owned()),
        release: Some(release.to_owned()),
        ..pin("main", A, "x86_64")
    };
    let judged = |pin: Pin| {
        let retention = Retention::of(&Pins { pins: vec![pin], unreadable: vec![] }, &listing, true);
        let statuses = retention.builds.iter().map(|build| build.status).collect::<Vec<_>>();
        (statuses, retention.gone.len())
    };
    let (pinned, unreadable) = (Status::Pinned, Status::Unreadable);
    assert_eq!(judged(at("4.19", "4.19.2")), (vec![unreadable, pinned], 0));
    assert_eq!(judged(at("4.19", "4.19.3")), (vec![unreadable, unreadable], 1));
    assert_eq!(judged(at("pre-release", "4.19.2")), (vec![unreadable, unreadable], 1));
}

fn pin(by: &str, build: &str, arch: &str) -> Pin {
    let directory = Some("4.19-9.6".to_owned());
    let (by, build, arch) = (by.into(), build.parse().unwrap(), arch.into());
    Pin { by, build, arch, directory, release: None, of_files: true }
}

fn statuses(retention: &Retention) -> Vec<(&str, Status)> {
    retention.builds.iter().map(|build| (&*build.name, build.status)).collect()
}

fn three() -> Listing {
    let lines = [A, B, C].map(|build| format!("4.19-9.6/builds/{build}/x86_64/f\n"));
    listing(&lines.concat())
}

#[test]
fn a_build_is_pinned_newest_or_an_orphan() {
    let pins = Pins { pins: vec![pin("refs/heads/release-4.19", A, "x86_64")], unreadable: vec![] };
    let retention = Retention::of(&pins, &three(), false);
    assert_eq!(statuses(&retention), [(A, Status::Pinned), (B, Status::Orphan), (C, Status::Newest)]);
    assert!(retention.gone.is_empty());
}

#[test]
fn a_pin_of_another_architecture_is_no_pin() {
    let pins = Pins { pins: vec![pin("main", A, "s390x")], unreadable: vec![] };
    let retention = Retention::of(&pins, &three(), false);
    assert_eq!(statuses(&retention), [(A, Status::Orphan), (B, Status::Orphan), (C, Status::Newest)]);
    assert_eq!(retention.gone, [], "a listing of one architecture says nothing of others");
    let retention = Retention::of(&pins, &three(), true);
    assert_eq!(retention.gone[0].arch.as_ref(), "s390x");
}

#[test]
fn what_cannot_be_read_makes_no_orphan() {
    let unreadable = vec![Unreadable { by: "main".into(), why: "broken".into() }];
    let pins = Pins { pins: vec![pin("release-4.19", A, "x86_64")], unreadable };
    let retention = Retention::of(&pins, &three(), false);
    assert_eq!(statuses(&retention), [(A, Status::Pinned), (B, Status::PerhapsPinned), (C, Status::Newest)]);

    let odd = listing("4.19-9.6/builds/odd/x86_64/f\n");
    let retention = Retention::of(&Pins::default(), &odd, false);
    assert_eq!(statuses(&retention), [("odd", Status::Unreadable)]);
}

#[test]
fn a_pinned_build_is_gone_only_if_the_listing_covers_its_stream() {
    let elsewhere =
        Pin { directory: Some("4.18-9.4".into()), ..pin("main", "418.94.202501010000-0", "x86_64") };
    let gone = pin("main", "419.96.202501010000-0", "x86_64");
    let clouds = Pin { of_files: false, ..pin("main", "419.96.202402020202-0", "x86_64") };
    let pins = Pins { pins: vec![elsewhere, gone, clouds], unreadable: vec![] };
    let builds = |complete| {
        let gone = Retention::of(&pins, &three(), complete).gone;
        gone.into_iter().map(|gone| gone.build_id).collect::<Vec<_>>()
    };
    assert_eq!(builds(false), ["419.96.202501010000-0"]);
    assert_eq!(builds(true), ["418.94.202501010000-0", "419.96.202501010000-0"]);
    assert_eq!(Retention::of(&pins, &three(), false).not_covered, ["418.94.202501010000-0"]);
}

proptest::proptest! {
    /// Whatever the lines are, nothing that a pin names is ever an orphan.
    #[test]
    fn a_pinned_build_is_never_an_orphan(parts in proptest::collection::vec("[a-z0-9_.-]{1,12}|builds|rhcos-4.8|dependencies|rhcos|x86_64|s390x", 0..6)) {
        let text = format!("{}/{A}/x86_64/f\n{A}/s390x/f\n{B}/x86_64/f\n{C}/x86_64/f\n", parts.join("/"));
        let pins = Pins { pins: vec![pin("r", A, "x86_64"), pin("r", A, "s390x")], unreadable: vec![] };
        let retention = Retention::of(&pins, &listing(&text), false);
        for build in retention.builds.iter().filter(|build| build.build_id.as_deref() == Some(A)) {
            let pinned = build.status == Status::Pinned || !build.arches.iter().any(|arch| matches!(&**arch, "x86_64" | "s390x"));
            proptest::prop_assert!(pinned, "{build:?}");
        }
    }
}
