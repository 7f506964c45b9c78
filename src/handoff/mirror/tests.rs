use super::*;
use crate::location::Literal;
use crate::stream::Sha256;

const CDN: &str = "https://rhcos.mirror.openshift.com/art/storage/prod/streams";
const BUILD: &str = "419.96.202506171412-0";

fn digest(byte: u8) -> Sha256 {
    Sha256::from_bytes([byte; 32])
}

fn add(plan: &mut Plan, arrangement: &Arrangement, location: &str, sha256: Sha256) -> Result<(), PlanError> {
    let url = Literal::parse(location).unwrap_or_else(|_| Literal::parse("https://h/f").unwrap());
    plan.add(arrangement, "x86_64/metal/iso/disk", (location, BUILD), (url, sha256, None))
}

fn places(arrangement: &Arrangement, location: &str) -> Vec<String> {
    let mut plan = Plan::default();
    add(&mut plan, arrangement, location, digest(1)).unwrap();
    let file = &plan.files[0];
    std::iter::once(file.path.display().to_string()).chain(file.links.clone()).collect()
}

#[test]
fn files_are_arranged_and_named_as_the_sync_job_does() {
    let live = format!("{CDN}/4.19-9.6/builds/{BUILD}/x86_64/rhcos-{BUILD}-live-iso.x86_64.iso");
    let directory = "x86_64/dependencies/rhcos";
    let release = |version: &str| Arrangement::Release(version.parse().unwrap());
    let second = ["rhcos-live-iso.x86_64.iso", "rhcos-installer-iso.x86_64.iso"];
    let cases = [
        (Arrangement::Flat, format!("rhcos-{BUILD}-live-iso.x86_64.iso"), &second[..0]),
        (
            Arrangement::Build(None),
            format!("{directory}/4.19/{BUILD}/rhcos-{BUILD}-live-iso.x86_64.iso"),
            &second[..],
        ),
        (
            release("4.19.2"),
            format!("{directory}/4.19/4.19.2/rhcos-4.19.2-x86_64-live-iso.x86_64.iso"),
            &second[..],
        ),
        (
            release("4.19.0-ec.0"),
            format!("{directory}/pre-release/4.19.0-ec.0/rhcos-4.19.0-ec.0-x86_64-live-iso.x86_64.iso"),
            &second[..],
        ),
    ];
    for (arrangement, path, links) in cases {
        let names = places(&arrangement, &live);
        assert_eq!(names[0], path);
        assert_eq!(names[1..], *links, "{arrangement:?}");
    }
    let qemu = format!("{CDN}/4.19-9.6/builds/{BUILD}/x86_64/rhcos-{BUILD}-qemu.x86_64.qcow2.gz");
    assert_eq!(places(&Arrangement::Build(None), &qemu)[1..], ["rhcos-qemu.x86_64.qcow2.gz"]);
}

#[test]
fn one_name_holds_one_file() {
    let mut plan = Plan::default();
    let location = "https://h/a/f.iso";
    add(&mut plan, &Arrangement::Flat, location, digest(1)).unwrap();
    add(&mut plan, &Arrangement::Flat, "https://h/b/f.iso", digest(1)).unwrap();
    assert_eq!(plan.files.len(), 1, "the same bytes twice");
    let error = add(&mut plan, &Arrangement::Flat, "https://h/c/f.iso", digest(2)).unwrap_err();
    assert!(error.to_string().contains("which has other bytes"), "{error}");
}

#[test]
fn no_name_leaves_the_directory_or_takes_a_sidecars() {
    let hostile = [
        "https://h/..%2f..%2fetc%2fpasswd",
        "https://h/%2e%2e",
        "https://h/a%00b",
        "https://h/.part",
        "https://h/.hidden",
        "https://h/...",
        "https://h/sha256sum.txt",
        "https://h/rhcos-id.txt",
        "https://h/a%2fb",
        "https://h/a%5cb",
        "https://h/a\\b",
    ];
    for location in hostile {
        for arrangement in [Arrangement::Flat, Arrangement::Build(None)] {
            let mut plan = Plan::default();
            assert!(add(&mut plan, &arrangement, location, digest(1)).is_err(), "{location}");
            assert_eq!(plan, Plan::default());
        }
    }
}

#[test]
fn a_request_is_carried_out_as_the_sync_job_would_or_refused() {
    let request = |change: &dyn Fn(&mut serde_json::Value)| {
        let mut json = serde_json::json!({"schema_version": 1, "builds": [{
            "arch": "x86_64", "build_id": BUILD, "version": "4.19.2", "mirror_prefix": "4.19",
            "base_dir": "/pub/openshift-v4/x86_64/dependencies/rhcos",
            "files": [{
                "id": "x86_64/metal/iso/disk", "sha256": digest(1).to_string(), "size": null,
                "url": format!("https://b/{BUILD}/x86_64/rhcos-{BUILD}-live-iso.x86_64.iso"),
            }],
        }]});
        change(&mut json);
        Plan::of_request("sync.json", json.to_string().as_bytes())
    };
    let plan = request(&|_| {}).unwrap();
    let directory = "pub/openshift-v4/x86_64/dependencies/rhcos/4.19/4.19.2";
    let file = &plan.files[0];
    assert_eq!(
        file.path.display().to_string(),
        format!("{directory}/rhcos-4.19.2-x86_64-live-iso.x86_64.iso")
    );
    assert_eq!(file.links, ["rhcos-live-iso.x86_64.iso", "rhcos-installer-iso.x86_64.iso"]);
    assert_eq!(plan.directories.keys().next().unwrap(), &std::path::PathBuf::from(directory));

    let hostile: [(&str, serde_json::Value); 10] = [
        ("arch", "../x".into()),
        ("build_id", "../x".into()),
        ("version", "../x".into()),
        ("version", "..".into()),
        ("version", serde_json::Value::Null),
        ("mirror_prefix", "../../x".into()),
        ("mirror_prefix", serde_json::Value::Null),
        ("base_dir", "/pub/../../etc".into()),
        ("base_dir", "/.ssh".into()),
        ("files", serde_json::json!([{"id": "i", "sha256": "x", "url": "https://h/f", "size": 1}])),
    ];
    for (field, value) in hostile {
        let plan = request(&|json| json["builds"][0][field] = value.clone());
        assert!(plan.is_err(), "{field} {value}");
    }
    assert!(request(&|json| json["schema_version"] = 2.into()).is_err());
}

proptest::proptest! {
    /// Whatever a document says, a planned path is relative and has no part that leads up.
    #[test]
    fn paths_stay_below_the_directory(tail in "[a-z0-9./%\\\\~:@_-]{0,40}", release in ".{0,20}") {
        let location = format!("https://h/{tail}");
        let Ok(url) = Literal::parse(&location) else { return Ok(()) };
        for arrangement in [Arrangement::Flat, Arrangement::Build(None), Arrangement::Release("4.8.2".parse().unwrap())] {
            let mut plan = Plan::default();
            let _ = plan.add(&arrangement, "t", (&location, &release), (url.clone(), digest(1), None));
            for file in &plan.files {
                let normal = |part: std::path::Component<'_>| matches!(part, std::path::Component::Normal(_));
                proptest::prop_assert!(file.path.components().all(normal), "{:?}", file.path);
            }
        }
    }
}
