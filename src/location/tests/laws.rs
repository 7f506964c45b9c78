//! Properties of generated builds of every ID form in every layout.

use proptest::prelude::*;

use super::super::*;

/// A build of any product: the product and the build ID.
fn build() -> impl Strategy<Value = (Product, String)> {
    let time = (2020_u32..2030, 1_u32..13, 1_u32..29).prop_map(|(y, m, d)| format!("{y}{m:02}{d:02}"));
    let minute = (time.clone(), 0_u32..24, 0_u32..60).prop_map(|(day, h, m)| format!("{day}{h:02}{m:02}"));
    let rhel = prop_oneof![(Just(8), 0..11), (Just(9), 0..11), (Just(10), 0..11)];
    prop_oneof![
        (6_u32..30, rhel.clone(), minute.clone(), 0_u32..12).prop_map(|(minor, (major, dot), time, n)| {
            (Product::Rhcos, format!("4{minor}.{major}{dot}.{time}-{n}"))
        }),
        (rhel, time.clone(), 0_u32..12)
            .prop_map(|((major, dot), time, n)| (Product::Rhcos, format!("{major}.{dot}.{time}-{n}"))),
        (9_u32..12, time.clone(), 0_u32..12)
            .prop_map(|(major, time, n)| (Product::Scos, format!("{major}.0.{time}-{n}"))),
        (12_u32..20, 9_u32..11, minute, 0_u32..12)
            .prop_map(|(minor, major, time, n)| (Product::Scos, format!("4{minor}.{major}.{time}-{n}"))),
        (31_u32..60, time, prop::sample::select(vec![1, 2, 3, 10, 20, 91, 92]), 0_u32..12).prop_map(
            |(release, time, stream, n)| (Product::FedoraCoreos, format!("{release}.{time}.{stream}.{n}"))
        ),
    ]
}

fn arch() -> impl Strategy<Value = Arch> {
    prop::sample::select(Arch::ALL.to_vec())
}

fn file_tail() -> impl Strategy<Value = String> {
    prop_oneof![
        "(live|live-kernel|live-rootfs|metal4k|qemu-secex|aws)[.-](x86_64|s390x|aarch64)(\\.(iso|raw\\.gz|img))?(\\.sig)?",
        "[a-z][a-z0-9._-]{0,30}[a-z0-9]",
    ]
}

fn base() -> impl Strategy<Value = String> {
    "(https|http)://([a-z]{1,8}(\\.[a-z]{2,5})?|127\\.0\\.0\\.1|\\[::1\\])(:[1-9][0-9]{3})?(/[a-zA-Z0-9_-]{1,9}){0,4}\
     (/releases|/storage|/prod/streams|/openshift-v4)?"
}

/// A URL in one of the build layouts.
fn location() -> impl Strategy<Value = String> {
    (build(), arch(), file_tail(), base(), 0..6).prop_map(|((product, build), arch, tail, base, layout)| {
        let id: BuildId = build.parse().unwrap();
        let file = format!("{product}-{build}-{tail}");
        let streams =
            || format!("{base}/{}/builds/{build}/{arch}/{file}", product.streams_directory(&id).unwrap());
        let series = id.ocp().filter(|_| product == Product::Rhcos);
        match (layout, series) {
            (0 | 1, Some(_)) => {
                let directory = product.releases_directory(&id, arch).unwrap();
                format!("{base}/{directory}/{build}/{arch}/{file}")
            }
            (2, Some(series)) => format!("{base}/{arch}/dependencies/rhcos/{series}/{build}/{file}"),
            (3, Some(series)) => {
                format!("{base}/{}/dependencies/rhcos/{series}/{build}/{file}", arch.go_name())
            }
            (4, Some(_)) => format!("{base}/{arch}/dependencies/rhcos/pre-release/{build}/{file}"),
            _ => streams(),
        }
    })
}

fn target() -> impl Strategy<Value = Target> {
    let version = prop::option::of("4\\.[0-9]{1,2}(\\.[0-9]{1,2}(-(rc|ec)\\.[0-9])?)?");
    prop_oneof![
        base().prop_map(|base| Target::Bridge(Prefix::parse(&base).unwrap())),
        base().prop_map(|base| Target::Flat(Prefix::parse(&base).unwrap())),
        (base(), version, any::<bool>()).prop_map(|(base, version, pre_release)| {
            let base = Prefix::parse(&base).unwrap();
            let version = version.and_then(|text| text.parse().ok());
            Mirror::new(base.clone(), version, pre_release).map_or(Target::Bridge(base), Target::Mirror)
        }),
    ]
}

/// Whether a URL is under a prefix, both as text and after a server has decoded it.
fn is_under(place: &ArtifactUrl, prefix: &Prefix) -> bool {
    let tail = place.as_str().strip_prefix(prefix.as_str()).and_then(|rest| rest.strip_prefix('/'));
    let plain = |segment: &str| {
        !segment.is_empty() && segment != "." && segment != ".." && !segment.contains(['%', '\\', '?', '#'])
    };
    tail.is_some_and(|tail| tail.split('/').all(plain)) && place.host() == prefix.host()
}

/// URLs with hostile path segments among real ones.
fn hostile_url() -> impl Strategy<Value = String> {
    let segment = prop_oneof![
        4 => prop::sample::select(vec![
            "rhcos-4.8", "builds", "48.83.202102230316-0", "x86_64", "amd64", "dependencies", "rhcos", "4.8", "4.8.2",
            "pre-release", "latest", "latest-4.8", "9.6.20251015-1", "rhcos-48.83.202102230316-0-live.x86_64.iso",
            "rhcos-4.8.2-x86_64-live.x86_64.iso", "rhcos-live.x86_64.iso", "stable", "35.20220327.3.0",
            "fedora-coreos-35.20220327.3.0-live.x86_64.iso", "rhel-9.6", "rhcos-9.6.20251015-1-live.x86_64.iso",
        ]).prop_map(str::to_owned),
        1 => prop::sample::select(vec![
            "", ".", "..", "%2e%2e", "%2E.", "..%2f..", "%2f", "%5c..", "\\..", "...", "a?b", "a#b", "a b", "a\tb", "ü",
            "@evil", ":80", "//evil", "%00", "a;b", "..;", "\u{202e}",
        ]).prop_map(str::to_owned),
        1 => "\\PC{0,8}",
    ];
    let host = prop::sample::select(vec![
        "https://h",
        "http://h:8080",
        "https://h:443",
        "HTTPS://H",
        "https://[::1]",
        "https://u:p@h",
        "https:\\\\h",
        "//h",
        "https://h.",
        "ftp://h",
        "https:///h",
        "https://0177.0.0.1",
    ]);
    (host, prop::collection::vec(segment, 0..9)).prop_map(|(host, path)| format!("{host}/{}", path.join("/")))
}

proptest! {
    #[test]
    fn reading_and_writing_in_place_is_the_identity(url in location()) {
        let read = Location::parse(&url).unwrap();
        prop_assert_eq!(read.url(), url);
    }

    #[test]
    fn the_derived_directory_is_the_one_that_was_written(url in location()) {
        let read = Location::parse(&url).unwrap();
        if read.layout() != Layout::MirrorPreRelease {
            prop_assert_eq!(corpus_tests::derived_directory(&read), read.directory());
        }
    }

    #[test]
    fn every_place_is_under_the_prefix(url in prop_oneof![location(), hostile_url()], target in target(), release in prop::option::of(prop_oneof![build().prop_map(|(_, id)| id), "\\PC{0,20}"])) {
        if let Ok(place) = resolve(&url, release.as_deref(), &target) {
            let prefix = target.prefix().unwrap();
            prop_assert!(is_under(&place, prefix), "{} is not under {}", place, prefix);
            prop_assert_eq!(ArtifactUrl::parse(place.as_str()), Ok(place));
        }
    }

    #[test]
    fn a_place_is_its_own_place(url in location(), target in target()) {
        if let Ok(place) = resolve(&url, None, &target) {
            prop_assert_eq!(resolve(place.as_str(), None, &target), Ok(place));
        }
    }

    #[test]
    fn a_published_place_is_on_a_published_host_and_its_own(url in prop_oneof![location(), hostile_url()]) {
        if let Ok(place) = resolve(&url, None, &Target::PublishedPlace) {
            prop_assert_eq!(HostKind::of(place.host()), HostKind::Published);
            prop_assert!(place.as_str().starts_with("https://"));
            prop_assert_eq!(resolve(place.as_str(), None, &Target::PublishedPlace), Ok(place));
        }
    }

    #[test]
    fn there_and_back_is_the_identity(url in location(), to in base()) {
        let source = Location::parse(&url).unwrap();
        // If a prefix determines the layout, only the source's layout leads back to the start.
        let (to, back) = match source.layout() {
            Layout::Releases => (format!("{to}/x/releases"), format!("{}/x/releases", source.base())),
            Layout::Streams => (format!("{to}/x/streams"), format!("{}/x/streams", source.base())),
            _ => return Ok(()),
        };
        let start = format!("{back}/{}", url.strip_prefix(source.base()).unwrap().trim_start_matches('/'));
        let bridge = Target::Bridge(Prefix::parse(&to).unwrap());
        let home = Target::Bridge(Prefix::parse(&back).unwrap());
        let there = resolve(&start, None, &bridge).unwrap();
        prop_assert_eq!(resolve(there.as_str(), None, &home).unwrap().to_string(), start.clone());

        // Through the mirror and the other layout, if the build has a URL there.
        for way in ["https://m/pub/openshift-v4", "https://m/art/storage/prod/streams", "https://m/art/storage/releases"] {
            let way = Target::Bridge(Prefix::parse(way).unwrap());
            if let Ok(there) = resolve(&start, None, &way) {
                prop_assert_eq!(resolve(there.as_str(), None, &home).unwrap().to_string(), start.clone());
            }
        }
    }

    #[test]
    fn signatures_move_with_their_artifacts(url in location(), target in target()) {
        let signature = resolve(&format!("{url}.sig"), None, &target).ok();
        let file = resolve(&url, None, &target).ok();
        prop_assert_eq!(signature.map(|it| it.to_string()), file.map(|it| format!("{it}.sig")));
    }

    #[test]
    fn no_text_makes_anything_panic(text in "\\PC{0,40}") {
        let _ = (Location::parse(&text), Prefix::parse(&text), text.parse::<BuildId>(), text.parse::<MirrorVersion>());
        let _ = ChecksumUrl::parse(&text).and_then(|url| resolve(url.location(), None, &Target::Published));
        let _ = rewrite("d", &text, &Target::Published);
    }
}
