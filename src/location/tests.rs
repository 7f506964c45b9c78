//! The layouts, the contract's table, and the laws that hold for every location.

mod laws;

use super::*;

const BY_BUILD: &str = "https://mirror.openshift.com/pub/openshift-v4/x86_64/dependencies/rhcos/4.8/\
                        48.83.202102230316-0/rhcos-48.83.202102230316-0-qemu.x86_64.qcow2.gz";
const BY_RELEASE: &str = "https://mirror.openshift.com/pub/openshift-v4/x86_64/dependencies/rhcos/4.8/4.8.2/\
                          rhcos-4.8.2-x86_64-qemu.x86_64.qcow2.gz";
const RELEASE: Option<&str> = Some("48.84.202107202156-0");

fn bridge(prefix: &str) -> Target {
    Target::Bridge(Prefix::parse(prefix).unwrap())
}

fn mirror(base: &str, version: Option<&str>, pre_release: bool) -> Target {
    let version = version.map(|text| text.parse().unwrap());
    Target::Mirror(Mirror::new(Prefix::parse(base).unwrap(), version, pre_release).unwrap())
}

fn place(url: &str, release: Option<&str>, target: &Target) -> String {
    resolve(url, release, target).map_or_else(|error| panic!("{error}"), |place| place.to_string())
}

#[test]
fn every_layout_is_read_and_written() {
    use Layout::{MirrorByBuild, MirrorByRelease, MirrorPreRelease, Releases, Streams};
    let mirror = "https://mirror.openshift.com/pub/openshift-v4";
    let file = "rhcos-live.x86_64.iso";
    let cases = [
        (Releases, "https://b/art/storage/releases", "rhcos-4.8", "rhcos-4.8/48.84.202109241901-0/x86_64/rhcos-48.84.202109241901-0-live.x86_64.iso".to_owned()),
        (Releases, "http://[::1]:8080", "rhcos-4.7-s390x", "rhcos-4.7-s390x/47.83.202102090311-0/s390x/rhcos-47.83.202102090311-0-live-kernel-s390x.sig".into()),
        (Releases, "http://h/x", "rhcos-4.8-devel", "rhcos-4.8-devel/48.84.202109241901-0/x86_64/meta.json".into()),
        (Streams, "https://builds.coreos.fedoraproject.org/prod/streams", "stable", "stable/builds/35.20220327.3.0/x86_64/fedora-coreos-35.20220327.3.0-live-kernel-x86_64".into()),
        (Streams, "https://b/art/storage/prod/streams", "4.12", "4.12/builds/412.86.202301311551-0/x86_64/rhcos-412.86.202301311551-0-vmware.x86_64.ova".into()),
        (Streams, "https://b/art/storage/prod/streams", "c10s", "c10s/builds/10.0.20251103-0/aarch64/scos-10.0.20251103-0-live-iso.aarch64.iso".into()),
        (Streams, "https://okd-scos.s3.amazonaws.com", "okd-scos", "okd-scos/builds/413.9.202302280609-0/x86_64/scos-413.9.202302280609-0-live.x86_64.iso".into()),
        (MirrorByBuild, mirror, "4.8", "ppc64le/dependencies/rhcos/4.8/47.83.202102091015-0/rhcos-47.83.202102091015-0-openstack.ppc64le.qcow2.gz".into()),
        (MirrorByRelease, mirror, "4.8", "x86_64/dependencies/rhcos/4.8/4.8.2/rhcos-4.8.2-x86_64-qemu.x86_64.qcow2.gz".into()),
        (MirrorByRelease, mirror, "4.18", format!("amd64/dependencies/rhcos/4.18/4.18.1/{file}")),
        (MirrorByRelease, mirror, "4.10", format!("dependencies/rhcos/4.10/latest/{file}")),
        (MirrorByRelease, mirror, "latest", format!("x86_64/dependencies/rhcos/latest/{file}")),
        (MirrorByRelease, mirror, "latest", "dependencies/rhcos/latest/latest/rhcos-4.4.3-x86_64-vmware.x86_64.ova".into()),
        (MirrorPreRelease, mirror, "pre-release", "arm64/dependencies/rhcos/pre-release/latest/rhcos-live-iso.aarch64.iso".into()),
        (MirrorPreRelease, mirror, "pre-release", "x86_64/dependencies/rhcos/pre-release/latest-4.17/rhcos-4.17.0-ec.3-x86_64-live-rootfs.x86_64.img".into()),
        (MirrorPreRelease, mirror, "pre-release", "dependencies/rhcos/pre-release/latest/rhcos-4.6.0-0.nightly-2020-08-26-093617-x86_64-live.x86_64.iso".into()),
        (MirrorPreRelease, mirror, "pre-release", "s390x/dependencies/rhcos/pre-release/9.6.20251015-1/rhcos-9.6.20251015-1-live-iso.s390x.iso".into()),
        (MirrorPreRelease, mirror, "pre-release/4.8", "x86_64/dependencies/rhcos/pre-release/4.8/48.83.202102230316-0/rhcos-48.83.202102230316-0-live.x86_64.iso".into()),
    ];
    for (layout, base, directory, tail) in cases {
        let url = format!("{base}/{tail}");
        let location = Location::parse(&url).unwrap_or_else(|error| panic!("{url}: {error}"));
        assert_eq!(location.layout(), layout, "{url}");
        assert_eq!((location.base(), location.directory()), (base, directory), "{url}");
        assert_eq!(location.url(), url);
        // A path without a host, such as a bucket's key, has the same parts.
        let (_, path) = url.split_once("://").unwrap();
        let of_path = Location::of_path(&path.split('/').collect::<Vec<_>>()).unwrap();
        assert_eq!((of_path.layout(), of_path.url()), (layout, path));
        assert_eq!(of_path.base(), base.split_once("://").unwrap().1);
    }
    // The directory of a build alone does not identify a layout.
    let build = "https://h/x/48.84.202109241901-0/x86_64/rhcos-48.84.202109241901-0-live.x86_64.iso";
    assert_eq!(Location::parse(build), Err(NotUnderstood::NoLayout));
}

#[test]
fn resolve_keeps_the_contract_line_by_line() {
    let releases = bridge("https://b/art/storage/releases");
    let streams = bridge("https://b/art/storage/prod/streams");
    let storage = bridge("https://b/art/storage");
    let other = bridge("http://127.0.0.1:8080/x/y/");
    let ppc64le = "https://mirror.openshift.com/pub/openshift-v4/ppc64le/dependencies/rhcos/4.8/47.83.202102091015-0/rhcos-47.83.202102091015-0-openstack.ppc64le.qcow2.gz";
    let in_releases = "https://rhcos.mirror.openshift.com/art/storage/releases/rhcos-4.11/411.85.202205101201-0/x86_64/rhcos-411.85.202205101201-0-live.x86_64.iso";
    let in_streams = "https://rhcos.mirror.openshift.com/art/storage/prod/streams/rhel-9.8/builds/9.8.20260403-0/x86_64/rhcos-9.8.20260403-0-live-iso.x86_64.iso";
    let r413 = "https://mirror.openshift.com/pub/openshift-v4/amd64/dependencies/rhcos/4.13/413.86.202302150245-0/rhcos-413.86.202302150245-0-live.x86_64.iso";
    let cases = [
        (
            BY_BUILD,
            None,
            &releases,
            "https://b/art/storage/releases/rhcos-4.8/48.83.202102230316-0/x86_64/rhcos-48.83.202102230316-0-qemu.x86_64.qcow2.gz",
        ),
        (
            ppc64le,
            None,
            &releases,
            "https://b/art/storage/releases/rhcos-4.7-ppc64le/47.83.202102091015-0/ppc64le/rhcos-47.83.202102091015-0-openstack.ppc64le.qcow2.gz",
        ),
        (
            BY_RELEASE,
            RELEASE,
            &releases,
            "https://b/art/storage/releases/rhcos-4.8/48.84.202107202156-0/x86_64/rhcos-48.84.202107202156-0-qemu.x86_64.qcow2.gz",
        ),
        (
            in_releases,
            None,
            &releases,
            "https://b/art/storage/releases/rhcos-4.11/411.85.202205101201-0/x86_64/rhcos-411.85.202205101201-0-live.x86_64.iso",
        ),
        (
            in_streams,
            None,
            &streams,
            "https://b/art/storage/prod/streams/rhel-9.8/builds/9.8.20260403-0/x86_64/rhcos-9.8.20260403-0-live-iso.x86_64.iso",
        ),
        (
            in_releases,
            None,
            &storage,
            "https://b/art/storage/releases/rhcos-4.11/411.85.202205101201-0/x86_64/rhcos-411.85.202205101201-0-live.x86_64.iso",
        ),
        (
            in_streams,
            None,
            &storage,
            "https://b/art/storage/prod/streams/rhel-9.8/builds/9.8.20260403-0/x86_64/rhcos-9.8.20260403-0-live-iso.x86_64.iso",
        ),
        (
            in_releases,
            None,
            &streams,
            "https://b/art/storage/prod/streams/4.11/builds/411.85.202205101201-0/x86_64/rhcos-411.85.202205101201-0-live.x86_64.iso",
        ),
        (
            r413,
            None,
            &streams,
            "https://b/art/storage/prod/streams/4.13/builds/413.86.202302150245-0/x86_64/rhcos-413.86.202302150245-0-live.x86_64.iso",
        ),
        (
            r413,
            None,
            &storage,
            "https://b/art/storage/prod/streams/4.13/builds/413.86.202302150245-0/x86_64/rhcos-413.86.202302150245-0-live.x86_64.iso",
        ),
        (
            BY_BUILD,
            None,
            &storage,
            "https://b/art/storage/releases/rhcos-4.8/48.83.202102230316-0/x86_64/rhcos-48.83.202102230316-0-qemu.x86_64.qcow2.gz",
        ),
        (
            BY_BUILD,
            None,
            &other,
            "http://127.0.0.1:8080/x/y/rhcos-4.8/48.83.202102230316-0/x86_64/rhcos-48.83.202102230316-0-qemu.x86_64.qcow2.gz",
        ),
        (
            in_releases,
            None,
            &other,
            "http://127.0.0.1:8080/x/y/rhcos-4.11/411.85.202205101201-0/x86_64/rhcos-411.85.202205101201-0-live.x86_64.iso",
        ),
        (
            in_streams,
            None,
            &other,
            "http://127.0.0.1:8080/x/y/rhel-9.8/builds/9.8.20260403-0/x86_64/rhcos-9.8.20260403-0-live-iso.x86_64.iso",
        ),
        ("https://nobody.knows/this", None, &Target::Published, "https://nobody.knows/this"),
    ];
    for (url, release, target, expected) in cases {
        assert_eq!(place(url, release, target), expected);
    }
}

#[test]
fn under_a_common_parent_a_mirror_build_goes_to_the_layout_of_its_series_and_time() {
    let cases = [
        ("412.86.202209302317-0", "4.12", "releases/rhcos-4.12/412.86.202209302317-0"),
        ("412.86.202212081411-0", "4.12", "prod/streams/4.12/builds/412.86.202212081411-0"),
        // Exactly at the limit, where no real build is.
        ("412.86.202212000000-0", "4.12", "releases/rhcos-4.12/412.86.202212000000-0"),
        ("48.84.202301010000-0", "4.8", "releases/rhcos-4.8/48.84.202301010000-0"),
        ("413.86.202211010000-0", "4.13", "prod/streams/4.13/builds/413.86.202211010000-0"),
    ];
    for (build, series, directory) in cases {
        let url = format!(
            "https://m/pub/openshift-v4/dependencies/rhcos/{series}/{build}/rhcos-{build}-live.x86_64.iso"
        );
        let found = place(&url, None, &bridge("https://b/art/storage"));
        assert_eq!(found, format!("https://b/art/storage/{directory}/x86_64/rhcos-{build}-live.x86_64.iso"));
    }
    // A location in one of the two layouts stays in it.
    let tail = "releases/rhcos-4.13/413.86.202302150245-0/x86_64/rhcos-413.86.202302150245-0-live.x86_64.iso";
    let found = place(&format!("https://a/art/storage/{tail}"), None, &bridge("https://b/art/storage"));
    assert_eq!(found, format!("https://b/art/storage/{tail}"));
}

/// The mirror also has directories under Go's architecture names, so `amd64` is kept in such a URL.
#[test]
fn a_url_in_the_requested_directory_is_not_changed() {
    let base = "https://mirror.openshift.com/pub/openshift-v4";
    let build = "48.83.202102230316-0";
    let of_build = format!("{build}/rhcos-{build}-qemu.x86_64.qcow2.gz");
    let of_release = "4.8.2/rhcos-4.8.2-x86_64-qemu.x86_64.qcow2.gz";
    let candidate = "4.8.0-fc.1/rhcos-4.8.0-fc.1-x86_64-qemu.x86_64.qcow2.gz";
    let moved = "48.84.202107202156-0/rhcos-48.84.202107202156-0-qemu.x86_64.qcow2.gz";
    let from = |directory: &str, file: &str| format!("{base}/amd64/dependencies/rhcos/{directory}/{file}");
    for (directory, file, version, pre_release, moves_to) in [
        ("4.8", &*of_build, None, false, None),
        ("4.8", of_release, None, false, None),
        ("4.8", &of_build, Some("4.8"), false, None),
        ("4.8", &of_build, Some("4.7"), false, Some(("4.7", &*of_build))),
        ("4.8", of_release, Some("4.8"), false, Some(("4.8", moved))),
        ("4.8", of_release, Some("4.8.2"), false, None),
        ("4.8", &of_build, Some("4.8.2"), false, Some(("4.8", of_release))),
        ("pre-release", &of_build, None, true, None),
        ("pre-release/4.8", &of_build, None, true, None),
        ("4.8", &of_build, None, true, Some(("pre-release", &of_build))),
        ("pre-release", candidate, Some("4.8.0-fc.1"), true, None),
        ("pre-release/4.8", candidate, Some("4.8.0-fc.1"), true, None),
        ("4.8", candidate, Some("4.8.0-fc.1"), true, Some(("pre-release", candidate))),
        ("pre-release", of_release, Some("4.8.2"), false, Some(("4.8", of_release))),
    ] {
        let url = from(directory, file);
        let expected = moves_to.map_or_else(
            || url.clone(),
            |(directory, file)| format!("{base}/x86_64/dependencies/rhcos/{directory}/{file}"),
        );
        assert_eq!(place(&url, RELEASE, &mirror(base, version, pre_release)), expected, "{version:?}");
    }
}

#[test]
fn names_of_the_mirror_become_names_of_the_build() {
    let to = bridge("https://b/art/storage");
    let directory = "https://mirror.openshift.com/pub/openshift-v4/x86_64/dependencies/rhcos/4.8/4.8.2";
    let cases = [
        ("rhcos-4.8.2-x86_64-live-kernel-x86_64", "live-kernel-x86_64"),
        ("rhcos-live-kernel-x86_64", "live-kernel-x86_64"),
        ("rhcos-installer-kernel-x86_64", "live-kernel-x86_64"),
        ("rhcos-qemu.x86_64.qcow2.gz.sig", "qemu.x86_64.qcow2.gz.sig"),
    ];
    for (name, tail) in cases {
        let expected =
            "https://b/art/storage/releases/rhcos-4.8/48.84.202107202156-0/x86_64/rhcos-48.84.202107202156-0";
        assert_eq!(place(&format!("{directory}/{name}"), RELEASE, &to), format!("{expected}-{tail}"));
    }
    // Before 4.6, installer images were separate images.
    let old = "https://mirror.openshift.com/pub/openshift-v4/x86_64/dependencies/rhcos/4.3/4.3.0/rhcos-installer-kernel-x86_64";
    let found = place(old, Some("43.81.202003191953.0"), &to);
    assert!(found.ends_with("/rhcos-43.81.202003191953.0-installer-kernel-x86_64"), "{found}");
}

#[test]
fn a_mirror_is_addressed_by_build_by_release_or_before_release() {
    let base = "https://mirror.openshift.com/pub/openshift-v4";
    let from = "https://b/art/storage/releases/rhcos-4.7-ppc64le/47.83.202102091015-0/ppc64le/rhcos-47.83.202102091015-0-live.ppc64le.iso";
    let rhel = "https://b/art/storage/prod/streams/rhel-9.6/builds/9.6.20251015-1/aarch64/rhcos-9.6.20251015-1-live-iso.aarch64.iso";
    let cases = [
        (
            from,
            None,
            false,
            "ppc64le/dependencies/rhcos/4.7/47.83.202102091015-0/rhcos-47.83.202102091015-0-live.ppc64le.iso",
        ),
        (
            from,
            Some("4.8"),
            false,
            "ppc64le/dependencies/rhcos/4.8/47.83.202102091015-0/rhcos-47.83.202102091015-0-live.ppc64le.iso",
        ),
        (
            from,
            Some("4.8.2"),
            false,
            "ppc64le/dependencies/rhcos/4.8/4.8.2/rhcos-4.8.2-ppc64le-live.ppc64le.iso",
        ),
        (
            from,
            None,
            true,
            "ppc64le/dependencies/rhcos/pre-release/47.83.202102091015-0/rhcos-47.83.202102091015-0-live.ppc64le.iso",
        ),
        (
            from,
            Some("4.8.0-fc.1"),
            true,
            "ppc64le/dependencies/rhcos/pre-release/4.8.0-fc.1/rhcos-4.8.0-fc.1-ppc64le-live.ppc64le.iso",
        ),
        (
            from,
            Some("4.6.0-0.nightly-ppc64le-2020-10-10-041058"),
            true,
            "ppc64le/dependencies/rhcos/pre-release/4.6.0-0.nightly-ppc64le-2020-10-10-041058/rhcos-4.6.0-0.nightly-ppc64le-2020-10-10-041058-live.ppc64le.iso",
        ),
        (
            rhel,
            Some("dev-4.19"),
            false,
            "aarch64/dependencies/rhcos/pre-release/dev-4.19/rhcos-dev-4.19-aarch64-live-iso.aarch64.iso",
        ),
        (
            rhel,
            Some("4.11-fc.0"),
            true,
            "aarch64/dependencies/rhcos/pre-release/4.11-fc.0/rhcos-4.11-fc.0-aarch64-live-iso.aarch64.iso",
        ),
        (
            rhel,
            Some("4.20"),
            false,
            "aarch64/dependencies/rhcos/4.20/9.6.20251015-1/rhcos-9.6.20251015-1-live-iso.aarch64.iso",
        ),
        (
            rhel,
            Some("4.20.1"),
            false,
            "aarch64/dependencies/rhcos/4.20/4.20.1/rhcos-4.20.1-aarch64-live-iso.aarch64.iso",
        ),
        (
            BY_RELEASE,
            Some("4.8.2"),
            false,
            "x86_64/dependencies/rhcos/4.8/4.8.2/rhcos-4.8.2-x86_64-qemu.x86_64.qcow2.gz",
        ),
        (
            BY_BUILD,
            Some("4.8.2"),
            false,
            "x86_64/dependencies/rhcos/4.8/4.8.2/rhcos-4.8.2-x86_64-qemu.x86_64.qcow2.gz",
        ),
    ];
    for (url, version, pre_release, tail) in cases {
        assert_eq!(place(url, None, &mirror(base, version, pre_release)), format!("{base}/{tail}"));
    }
    let streams = mirror("https://b/art/storage/prod/streams", None, false);
    assert_eq!(place(rhel, None, &streams), rhel);
    let loopback = mirror("http://127.0.0.1:1/m", None, false);
    assert!(place(from, None, &loopback).starts_with("http://127.0.0.1:1/m/ppc64le/dependencies/rhcos/4.7/"));
}

/// URLs of every year, as on their servers.
const OF_EVERY_YEAR: [&str; 12] = [
    "https://mirror.openshift.com/pub/openshift-v4/x86_64/dependencies/rhcos/pre-release/dev-4.19/rhcos-dev-4.19-x86_64-live-iso.x86_64.iso",
    "https://mirror.openshift.com/pub/openshift-v4/x86_64/dependencies/rhcos/pre-release/4.11.0-fc.0/rhcos-4.11.0-fc.0-x86_64-live.x86_64.iso",
    "https://mirror.openshift.com/pub/openshift-v4/arm64/dependencies/rhcos/pre-release/4.11-fc.0/rhcos-4.11-fc.0-aarch64-live.aarch64.iso",
    "https://mirror.openshift.com/pub/openshift-v4/x86_64/dependencies/rhcos/4.14/4.14.0/rhcos-4.14.0-x86_64-live.x86_64.iso",
    "https://mirror.openshift.com/pub/openshift-v4/amd64/dependencies/rhcos/4.14/latest/rhcos-live.x86_64.iso",
    "https://mirror.openshift.com/pub/openshift-v4/dependencies/rhcos/latest/rhcos-installer-kernel-x86_64",
    "https://mirror.openshift.com/pub/openshift-v4/x86_64/dependencies/rhcos/4.3/43.81.202001142154.0/rhcos-43.81.202001142154.0-aws.x86_64.vmdk.gz",
    "https://rhcos.mirror.openshift.com/art/storage/prod/streams/rhel-9.6/builds/9.6.20250707-1.3/x86_64/rhcos-9.6.20250707-1.3-qemu.x86_64.qcow2.gz",
    "https://releases-art-rhcos.svc.ci.openshift.org/art/storage/releases/rhcos-4.2/42s390x.81.20191224.0/s390x/rhcos-42s390x.81.20191224.0-dasd.s390x.raw.gz",
    "https://releases-art-rhcos.svc.ci.openshift.org/art/storage/releases/rhcos-4.1/410.8.20190520.1/x86_64/rhcos-410.8.20190520.1-metal-bios.raw.gz",
    "https://builds.coreos.fedoraproject.org/prod/streams/testing/builds/30.20190801.0/x86_64/fedora-coreos-30.20190801.0-qemu.qcow2.xz",
    "https://builds.coreos.fedoraproject.org/prod/streams/testing-devel/builds/31.20191018.dev.2/x86_64/fedora-coreos-31.20191018.dev.2-qemu.x86_64.qcow2.xz",
];

#[test]
fn a_place_of_any_year_keeps_its_tail_where_the_layout_is_its_own() {
    let of_corpus = crate::test_support::corpus()
        .map(|root| std::fs::read_to_string(root.join("cases/urls.txt")).unwrap())
        .unwrap_or_default();
    for text in OF_EVERY_YEAR.into_iter().chain(of_corpus.lines()) {
        let url = ChecksumUrl::parse(text).unwrap();
        let location = Location::parse(url.location()).unwrap_or_else(|error| panic!("{text}: {error}"));
        let base = location.base();
        let tail = url.location().strip_prefix(base).unwrap();
        let (_, path) = base.split_once("://").and_then(|(_, rest)| rest.split_once('/')).unwrap();
        let moved = format!("https://b.example/{path}");
        for target in [bridge(&moved), mirror(&moved, None, false), bridge("https://b.example/x/y")] {
            let expected = format!("{}{tail}", target.prefix().unwrap());
            let is_of_mirror = location.layout().is_mirror();
            if is_of_mirror && target == bridge("https://b.example/x/y") {
                continue;
            }
            assert_eq!(place(url.location(), None, &target), expected);
        }
        assert_eq!(place(url.location(), None, &Target::Published), url.location());
    }
}

#[test]
fn a_published_place_follows_from_the_location_alone() {
    let cdn = "https://rhcos.mirror.openshift.com/art/storage";
    let tail_413 = "413.86.202302150245-0/x86_64/rhcos-413.86.202302150245-0-live.x86_64.iso";
    let tail_48 = "releases/rhcos-4.8/48.84.202109241901-0/x86_64/rhcos-48.84.202109241901-0-live.x86_64.iso";
    let rhel = "prod/streams/rhel-9.8/builds/9.8.20260403-0/x86_64/rhcos-9.8.20260403-0-live-iso.x86_64.iso";
    let fcos =
        "prod/streams/stable/builds/35.20220327.3.0/x86_64/fedora-coreos-35.20220327.3.0-live-kernel-x86_64";
    let mirrored = BY_RELEASE.strip_prefix("https://mirror.openshift.com").unwrap();
    let redirector = format!("https://{}/art/storage", BRIDGE_HOSTS[1]);
    let cases = [
        (format!("{BRIDGE_2021}/{}", tail_48.strip_prefix("releases/").unwrap()), format!("{cdn}/{tail_48}")),
        (format!("{redirector}/{rhel}"), format!("{cdn}/{rhel}")),
        (
            format!("{redirector}/devel/streams/{}", rhel.strip_prefix("prod/streams/").unwrap()),
            format!("{cdn}/devel/streams/{}", rhel.strip_prefix("prod/streams/").unwrap()),
        ),
        (
            format!("http://10.0.0.1:8080/x/{}", rhel.strip_prefix("prod/streams/").unwrap()),
            format!("{cdn}/{rhel}"),
        ),
        (format!("https://art-rhcos-ci.s3.amazonaws.com/{tail_48}"), format!("{cdn}/{tail_48}")),
        (format!("{redirector}/{fcos}"), format!("https://builds.coreos.fedoraproject.org/{fcos}")),
        // A build that published hosts do not have in the releases layout.
        (
            format!("{redirector}/releases/rhcos-4.13/{tail_413}"),
            format!("{cdn}/prod/streams/4.13/builds/{tail_413}"),
        ),
        (format!("http://h:1{mirrored}"), BY_RELEASE.to_owned()),
        (BY_RELEASE.to_owned(), BY_RELEASE.to_owned()),
        (format!("{cdn}/anything"), format!("{cdn}/anything")),
        (format!("{}:8443/{rhel}", cdn.strip_suffix("/art/storage").unwrap()), format!("{cdn}/{rhel}")),
        (format!("{}/{rhel}", cdn.replace("https://", "http://")), format!("{cdn}/{rhel}")),
    ];
    for (url, expected) in cases {
        assert_eq!(place(&url, None, &Target::PublishedPlace), expected, "{url}");
    }
    let error = resolve("https://h/rhcos.iso", None, &Target::PublishedPlace).unwrap_err().to_string();
    assert!(error.contains("none of the known layouts"), "{error}");
}

#[test]
fn a_build_id_that_cannot_be_read_has_no_place_in_another_layout() {
    let url = "https://b/art/storage/prod/streams/rhel-9.6/builds/odd-name/x86_64/rhcos-odd-name-qemu.x86_64.qcow2.gz";
    for target in ["https://b/art/storage/releases", "https://b/pub/openshift-v4"] {
        let error = resolve(url, RELEASE, &bridge(target)).unwrap_err().to_string();
        assert!(error.contains("`odd-name` is not a build ID"), "{error}");
    }
    assert_eq!(
        place(url, None, &bridge("https://c/art/storage/prod/streams")),
        url.replace("https://b/", "https://c/")
    );
}

#[test]
fn a_mirror_without_versions_refuses_them() {
    let storage = Prefix::parse("https://b/art/storage/prod/streams").unwrap();
    for (version, pre_release) in [(Some("4.8"), false), (Some("4.8.2"), false), (None, true)] {
        let version = version.map(|text| text.parse().unwrap());
        let error = Mirror::new(storage.clone(), version, pre_release).unwrap_err();
        assert!(error.to_string().contains("streams layout"), "{error}");
    }
    let base = Prefix::parse("https://mirror.openshift.com/pub/openshift-v4").unwrap();
    let error = Mirror::new(base, Some("4.8".parse().unwrap()), true).unwrap_err();
    assert!(error.to_string().contains("4.8.0-rc.1"), "{error}");
    assert!("4.8.2.1".parse::<MirrorVersion>().is_err());
}

#[test]
fn what_has_no_place_says_why() {
    let releases = bridge("https://b/art/storage/releases");
    let storage = bridge("https://b/art/storage");
    let public = mirror("https://mirror.openshift.com/pub/openshift-v4", None, false);
    let by_release = mirror("https://mirror.openshift.com/pub/openshift-v4", Some("4.8.2"), false);
    let rhel = "https://rhcos.mirror.openshift.com/art/storage/prod/streams/rhel-9.8/builds/9.8.20260403-0/x86_64/rhcos-9.8.20260403-0-live-iso.x86_64.iso";
    let scos = "https://rhcos.mirror.openshift.com/art/storage/prod/streams/c10s/builds/10.0.20251103-0/x86_64/scos-10.0.20251103-0-live-iso.x86_64.iso";
    let fcos = "https://builds.coreos.fedoraproject.org/prod/streams/stable/builds/35.20220327.3.0/x86_64/fedora-coreos-35.20220327.3.0-live-kernel-x86_64";
    let two = "https://mirror.openshift.com/pub/openshift-v4/x86_64/dependencies/rhcos/4.8/48.83.202102230316-0/rhcos-48.83.202102230317-0-qemu.x86_64.qcow2.gz";
    let no_build_file = "https://mirror.openshift.com/pub/openshift-v4/x86_64/dependencies/rhcos/4.8/48.83.202102230316-0/sha256sum.txt";
    let mut report = String::new();
    for (url, release, target) in [
        (rhel, None, &releases),
        (scos, None, &releases),
        (fcos, None, &releases),
        (fcos, None, &public),
        (rhel, None, &public),
        (BY_RELEASE, None, &releases),
        (BY_RELEASE, Some("4.8.2"), &releases),
        (BY_RELEASE, Some("35.20220327.3.0"), &releases),
        (two, None, &releases),
        (two, None, &by_release),
        (no_build_file, None, &storage),
        ("https://example.com/rhcos.iso", None, &releases),
        ("https://h/rhcos-4.8/latest/x86_64/f", None, &releases),
        ("https://h/4.8/builds/48.83.202102230316-0/amd64/f", None, &releases),
        ("https://h/dependencies/rhcos/4.8/f", None, &releases),
        ("https://u:secret@h/f", None, &releases),
        ("not a url", None, &releases),
        ("https://h/rhcos-4.8/48.83.202102230316-0/x86_64/..%2f..%2fetc", None, &releases),
        ("https://h/a%20b", None, &Target::Flat(Prefix::parse("https://flat/x").unwrap())),
    ] {
        let error = resolve(url, release, target).expect_err(url).to_string();
        report.push_str(&error);
        report.push('\n');
    }
    insta::assert_snapshot!(report);
}

/// In a text that cannot be parsed as a URL, anything before an `@` can be a password.
#[test]
fn an_error_shows_the_url_unless_it_may_hold_a_password() {
    let streams = bridge("https://b/art/storage/prod/streams");
    for (url, is_shown) in [
        ("https://h/rhcos.iso", true),
        ("https://h/x?token=1", true),
        ("https://h/@scope/x", true),
        ("https://h/x?sha256=12", true),
        ("https://u:secret@h/x", false),
        ("https://u:secret@h/x?token=1", false),
    ] {
        let error = ChecksumUrl::parse(url).and_then(|url| resolve(url.location(), None, &streams));
        let error = error.unwrap_err().to_string();
        assert_eq!(error.contains(url), is_shown, "{error}");
        assert!(!error.contains("secret"), "{error}");
    }
}

#[test]
fn rewriting_reports_every_url_without_a_place() {
    let component = |url: &str| {
        let sha256 = "0".repeat(64);
        let fields = format!(r#""location": "{url}", "signature": "{url}.sig", "sha256": "{sha256}""#);
        format!(r#"{{"release": "", "formats": {{"iso": {{"disk": {{{fields}}}}}}}}}"#)
    };
    let document = |a: &str, b: &str| {
        format!(
            r#"{{"stream": "s", "architectures": {{"x86_64": {{"artifacts": {{"metal": {}, "qemu": {}}}}}}}}}"#,
            component(a),
            component(b)
        )
    };
    let error =
        rewrite("d", &document("https://h/x", BY_BUILD), &bridge("https://b/art/storage")).unwrap_err();
    assert_eq!(error.to_string().lines().count(), 3, "{error}");

    let flat = Target::Flat(Prefix::parse("https://flat/x/").unwrap());
    let moved = rewrite("d", &document(BY_BUILD, BY_RELEASE), &flat).unwrap();
    assert!(moved.text.contains("\"https://flat/x/rhcos-4.8.2-x86_64-qemu.x86_64.qcow2.gz.sig\""));
    assert_eq!((moved.urls, moved.changed), (4, 4));

    let same_name = document("https://h/a/f.iso", "https://h/b/f.iso");
    let error = rewrite("d", &same_name, &flat).unwrap_err().to_string();
    assert!(
        error.contains("architectures.x86_64.artifacts.qemu.formats.iso.disk.location: its new URL would be"),
        "{error}"
    );
}
