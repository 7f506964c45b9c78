use std::sync::Arc;

use super::*;
use crate::handoff::{request, sync};
use crate::location::ArtifactUrl;
use crate::stream::{Artifact, ArtifactId, Sha256};

const CDN: &str = "https://rhcos.mirror.openshift.com/art/storage/prod/streams";
const BUILD: &str = "419.96.202506171412-0";

fn digest(byte: u8) -> Sha256 {
    Sha256::from_bytes([byte; 32])
}

fn add(
    plan: &mut MirrorPlan,
    arrangement: &Arrangement,
    location: &str,
    sha256: Sha256,
) -> Result<(), PlanError> {
    let url = |text| ArtifactUrl::parse(text).unwrap_or_else(|_| ArtifactUrl::parse("https://h/f").unwrap());
    plan.add(arrangement, "rhcos.json", &artifact(location, BUILD, sha256), url(location), None)
}

fn artifact(location: &str, release: &str, sha256: Sha256) -> Artifact {
    let [arch, platform, format, component] = ["x86_64", "metal", "iso", "disk"].map(Arc::from);
    Artifact {
        id: ArtifactId { arch, platform, format, component },
        release: release.into(),
        location: location.to_owned(),
        signature: None,
        sha256,
        uncompressed_sha256: None,
        size: None,
        uncompressed_size: None,
    }
}

fn planned_names(arrangement: &Arrangement, location: &str) -> Vec<String> {
    let mut plan = MirrorPlan::default();
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
        let names = planned_names(&arrangement, &live);
        assert_eq!(names[0], path);
        assert_eq!(names[1..], *links, "{arrangement:?}");
    }
    let qemu = format!("{CDN}/4.19-9.6/builds/{BUILD}/x86_64/rhcos-{BUILD}-qemu.x86_64.qcow2.gz");
    assert_eq!(planned_names(&Arrangement::Build(None), &qemu)[1..], ["rhcos-qemu.x86_64.qcow2.gz"]);
}

#[test]
fn one_name_holds_one_file() {
    let mut plan = MirrorPlan::default();
    let location = "https://h/a/f.iso";
    add(&mut plan, &Arrangement::Flat, location, digest(1)).unwrap();
    add(&mut plan, &Arrangement::Flat, "https://h/b/f.iso", digest(1)).unwrap();
    assert_eq!(plan.files.len(), 1, "the same bytes twice");
    let error = add(&mut plan, &Arrangement::Flat, "https://h/c/f.iso", digest(2)).unwrap_err();
    assert!(error.to_string().contains("which differ"), "{error}");

    // The second name of one file is the name of another.
    let directory = format!("https://h/x86_64/dependencies/rhcos/4.19/{BUILD}");
    let versioned = format!("{directory}/rhcos-{BUILD}-qemu.x86_64.qcow2.gz");
    let second = format!("{directory}/rhcos-qemu.x86_64.qcow2.gz");
    for (one, other) in [(&versioned, &second), (&second, &versioned)] {
        let mut plan = MirrorPlan::default();
        add(&mut plan, &Arrangement::Build(None), one, digest(1)).unwrap();
        let error = add(&mut plan, &Arrangement::Build(None), other, digest(2)).unwrap_err();
        assert!(error.to_string().contains("which differ"), "{error}");
    }
}

#[test]
fn the_gates_request_is_carried_out_where_the_gate_looks_or_refused() {
    let request = |lines: &str| {
        let source = |location: &str, release: &str| {
            assert_eq!(release, BUILD);
            ArtifactUrl::parse(location).map_err(|error| error.to_string())
        };
        let requested = request::read("request.md", lines, source)?;
        MirrorPlan::of_request(requested).map_err(|error| error.to_string())
    };
    let tail = format!("4.19-9.6/builds/{BUILD}/x86_64/rhcos-{BUILD}-qemu.x86_64.qcow2.gz");
    let release = "x86_64/dependencies/rhcos/4.19/4.19.2/rhcos-4.19.2-x86_64-qemu.x86_64.qcow2.gz";
    let sha256 = format!("sha256 {}", digest(1));
    let text = format!(
        "```\nPlease mirror these boot images.\n\nNot there: 2 files\n\n  x86_64, build {BUILD}\n    {CDN}/{tail}\n      \
         {sha256}\nhttps://mirror.openshift.com/pub/openshift-v4/{release}\n{sha256}\n```\n"
    );
    let plan = request(&text).unwrap();
    let paths: Vec<String> = plan.files.iter().map(|file| file.path.display().to_string()).collect();
    assert_eq!(paths, [format!("art/storage/prod/streams/{tail}"), format!("pub/openshift-v4/{release}")]);
    assert_eq!(plan.files[0].links, [""; 0], "a build's directory has one name for each file");
    assert_eq!(plan.files[1].links, ["rhcos-qemu.x86_64.qcow2.gz"]);
    assert!(plan.directories.values().all(|directory| directory.build.as_str() == BUILD));

    let url = format!("{CDN}/{tail}");
    let hostile = [
        format!("x86_64, build {BUILD}\n{url}"),
        format!("x86_64, build {BUILD}\n{sha256}\n{url}"),
        format!("x86_64, build {BUILD}\n{url}\n{sha256}\n{sha256}"),
        format!("x86_64, build {BUILD}\n{url}\nsha256 nonsense"),
        format!("x86_64, build {BUILD}\n{url}\n{sha256}\n{url}\nsha256 {}", digest(2)),
        format!("x86_64, build {BUILD}\n{CDN}/../../../../{tail}\n{sha256}"),
        format!("x86_64, build {BUILD}\nhttps://h/..%2f..%2fetc%2fpasswd\n{sha256}"),
        format!("x86_64, build {BUILD}\nhttps://h/.ssh/{tail}\n{sha256}"),
        format!("{text}\n  and 3 more, listed in art-mirror-validate.json\n"),
    ];
    for text in hostile {
        assert!(request(&text).is_err(), "{text}");
    }
}

#[test]
fn the_bytes_to_fetch_exclude_those_that_exist() {
    let directory = tempfile::tempdir().unwrap();
    let mut plan = MirrorPlan::default();
    for (name, size) in [("a", Some(100)), ("b", Some(50)), ("c", None), ("d", Some(7))] {
        add(&mut plan, &Arrangement::Flat, &format!("https://h/{name}"), digest(1)).unwrap();
        plan.files.last_mut().unwrap().size = size;
    }
    let with_file = |name: &str, length: usize| {
        fs::write(directory.path().join(name), vec![0; length]).unwrap();
        bytes_to_fetch(directory.path(), &plan)
    };
    assert_eq!(bytes_to_fetch(directory.path(), &plan), 157);
    assert_eq!(with_file(".a.part", 60), 97, "the download is resumed");
    assert_eq!(with_file(".a.part", 101), 157, "a longer file than planned cannot be resumed");
    assert_eq!(with_file("b", 50), 107);
    assert_eq!(with_file("d", 6), 107, "a file of another size is replaced");
}

#[test]
fn no_file_leaves_the_directory_or_has_the_name_of_a_sidecar() {
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
            let mut plan = MirrorPlan::default();
            assert!(add(&mut plan, &arrangement, location, digest(1)).is_err(), "{location}");
            assert_eq!(plan, MirrorPlan::default());
        }
    }
}

#[test]
fn a_list_is_planned_at_its_destinations_or_refused() {
    let request = |change: &dyn Fn(&mut serde_json::Value)| {
        let directory = "https://mirror.openshift.com/pub/openshift-v4/x86_64/dependencies/rhcos/4.19/4.19.2";
        let mut json = serde_json::json!({"schema_version": 2, "builds": [{
            "build_id": BUILD,
            "files": [{
                "document": "rhcos.json", "id": "x86_64/metal/iso/disk", "sha256": digest(1).to_string(), "size": null,
                "url": format!("https://b/{BUILD}/x86_64/rhcos-{BUILD}-live-iso.x86_64.iso"),
                "destination": format!("{directory}/rhcos-4.19.2-x86_64-live-iso.x86_64.iso"),
            }],
        }]});
        change(&mut json);
        let requested = sync::read(&json.to_string())?;
        MirrorPlan::of_request(requested).map_err(|error| error.to_string())
    };
    let plan = request(&|_| {}).unwrap();
    let directory = "pub/openshift-v4/x86_64/dependencies/rhcos/4.19/4.19.2";
    let file = &plan.files[0];
    assert_eq!(
        file.path.display().to_string(),
        format!("{directory}/rhcos-4.19.2-x86_64-live-iso.x86_64.iso")
    );
    assert_eq!(file.links, ["rhcos-live-iso.x86_64.iso", "rhcos-installer-iso.x86_64.iso"]);
    assert_eq!(plan.directories.keys().next().unwrap(), &PathBuf::from(directory));

    let below = "https://h/x86_64/dependencies/rhcos/4.19/4.19.2";
    let hostile = [
        ("destination", "https://h/..%2f..%2fetc/dependencies/rhcos/4.19/4.19.2/f".to_owned()),
        ("destination", format!("https://h/.ssh{}", &below[9..])),
        ("destination", format!("{below}/.hidden")),
        ("destination", format!("{below}/sha256sum.txt")),
        ("destination", format!("{below}/../f")),
        ("destination", "https://h/f".to_owned()),
        ("url", "file:///etc/passwd".to_owned()),
        ("sha256", "x".to_owned()),
    ];
    for (field, value) in hostile {
        let plan = request(&|json| json["builds"][0]["files"][0][field] = value.clone().into());
        assert!(plan.is_err(), "{field} {value}");
    }
    assert!(request(&|json| json["builds"][0]["build_id"] = "../x".into()).is_err());
    let older =
        request(&|json| *json = serde_json::json!({"schema_version": 1, "builds": [{"arch": "x86_64"}]}));
    assert!(older.unwrap_err().contains("run sync-list again"));
}

proptest::proptest! {
    /// Paths are relative and without `..`, whatever a document contains.
    #[test]
    fn paths_stay_below_the_directory(tail in "[a-z0-9./%\\\\~:@_-]{0,40}", release in ".{0,20}") {
        let location = format!("https://h/{tail}");
        let Ok(url) = ArtifactUrl::parse(&location) else { return Ok(()) };
        for arrangement in [Arrangement::Flat, Arrangement::Streams, Arrangement::Build(None), Arrangement::Release("4.8.2".parse().unwrap())] {
            let mut plan = MirrorPlan::default();
            let _ = plan.add(&arrangement, "d", &artifact(&location, &release, digest(1)), url.clone(), None);
            for file in &plan.files {
                let normal = |part: std::path::Component<'_>| matches!(part, std::path::Component::Normal(_));
                proptest::prop_assert!(file.path.components().all(normal), "{:?}", file.path);
            }
        }
    }
}
