//! Documents compared with the builds that they were made from.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use super::*;
use crate::probe::{Evidence, Observation};
use crate::stream::{BuildMetadata, Sources};
use crate::verdict::{Expectation, Finding, Reason, Strictness, Verify, judge};

/// The name in `meta.json` of a document's artifact.
fn image(platform: &str, format: &str, component: &str) -> String {
    let found = METAL.iter().find(|it| platform == "metal" && it.1 == format && it.2 == component);
    match found {
        Some((name, ..)) => (*name).to_owned(),
        None if format.starts_with("4k.") => "metal4k".to_owned(),
        None => platform.to_owned(),
    }
}

/// The `meta.json` of an architecture's build, as real ones are, and its directory.
fn meta_json(arch: &str, of: &Value) -> (String, Value) {
    let mut images = Map::new();
    let (mut build, mut directory) = (String::new(), String::new());
    for (platform, artifacts) in of["artifacts"].as_object().unwrap() {
        build = artifacts["release"].as_str().unwrap().to_owned();
        for (format, components) in artifacts["formats"].as_object().unwrap() {
            for (component, file) in components.as_object().unwrap() {
                let location = file["location"].as_str().unwrap();
                let (before, path) = location.rsplit_once('/').unwrap();
                directory = before.to_owned();
                let mut entry = json!({"path": path, "sha256": file["sha256"]});
                if let Some(digest) = file.get("uncompressed-sha256") {
                    entry["uncompressed-sha256"] = digest.clone();
                    entry["uncompressed-size"] = 7.into();
                } else {
                    entry["skip-compression"] = true.into();
                }
                if !path.contains("live") {
                    entry["size"] = 5.into();
                }
                images.insert(image(platform, format, component), entry);
            }
        }
    }
    // Images of builds that documents never have.
    for name in ["ostree", "dasd", "legacy-oscontainer", "extensions-container", "oci-manifest"] {
        images.insert(
            name.to_owned(),
            json!({"path": format!("rhcos-{build}-{name}.{arch}.x"), "sha256": "ab".repeat(32)}),
        );
    }
    let mut meta = json!({
        "buildid": build, "coreos-assembler.basearch": arch, "name": "rhcos", "summary": "OpenShift 4",
        "ostree-commit": "ab".repeat(32), "coreos-assembler.config-dirty": "false",
        "oscontainer": {"digest": "sha256:00", "image": "quay.io/x"},
        "extensions": {"path": "x.tar", "manifest": {"kernel": "4.18"}}, "images": images,
    });
    let list = |regions: &Value, name: &str, fields: &[(&str, &str)]| -> Option<Value> {
        let upload = |(region, image): (&String, &Value)| {
            let mut upload = json!({name: region, "snapshot": "snap-0"});
            for (ours, theirs) in fields {
                upload[ours] = image[theirs].clone();
            }
            upload
        };
        Some(regions.get("regions")?.as_object()?.iter().map(upload).collect())
    };
    let (clouds, extensions) = (&of["images"], &of["rhel-coreos-extensions"]);
    let bucket = [("object", "object"), ("bucket", "bucket"), ("url", "url")];
    let lists = [
        ("amis", list(&clouds["aws"], "name", &[("hvm", "image")])),
        ("aws-winli", list(&extensions["aws-winli"], "name", &[("hvm", "image")])),
        ("aliyun", list(&clouds["aliyun"], "name", &[("id", "image")])),
        ("powervs", list(&clouds["powervs"], "region", &bucket)),
        ("ibmcloud", list(&clouds["ibmcloud"], "region", &bucket)),
    ];
    for (key, uploads) in lists {
        if let Some(uploads) = uploads {
            meta[key] = uploads;
        }
    }
    if let Some(gcp) = clouds.get("gcp") {
        meta["gcp"] =
            json!({"image": gcp["name"], "project": gcp["project"], "url": "https://storage.example"});
        if let Some(family) = gcp.get("family") {
            meta["gcp"]["family"] = family.clone();
        }
    }
    if let Some(azure) = extensions.get("azure-disk") {
        meta["azure"] = json!({"image": "x.vhd", "url": azure["url"]});
    }
    if let Some(kubevirt) = clouds.get("kubevirt") {
        let (image, tag) = kubevirt["image"].as_str().unwrap().rsplit_once(':').unwrap();
        let digest = kubevirt["digest-ref"].as_str().unwrap().rsplit_once('@').unwrap().1;
        meta["kubevirt"] =
            json!({"image": image, "digest": digest, "tags": [format!("{build}-kubevirt"), tag]});
    }
    (directory, meta)
}

/// The builds that a document was made from, by directory.
fn builds(document: &Value) -> HashMap<String, BuildMetadata> {
    let archs = document["architectures"].as_object().unwrap().iter();
    let all = archs.map(|(arch, of)| {
        let (directory, meta) = meta_json(arch, of);
        (directory, BuildMetadata::parse("meta.json", meta.to_string().as_bytes()).unwrap())
    });
    all.collect()
}

/// The judge's conflicts and warnings for a document, with the `meta.json` of each directory.
fn alarms(document: &Value, builds: &HashMap<String, BuildMetadata>) -> Vec<String> {
    let document = match Document::parse("d", document.to_string().as_bytes()) {
        Ok(document) => document,
        Err(faults) => return vec![faults.to_string()],
    };
    let mut claims = Claims::of(&document);
    let mut alarms = Vec::new();
    for artifact in &document.artifacts {
        let (directory, file_name) = artifact.location.rsplit_once('/').unwrap();
        let claim = MetaJsonClaim {
            id: artifact.id.clone(),
            release: Arc::clone(&artifact.release),
            file_name: file_name.into(),
            claims: claims.remove(&artifact.id.arch),
        };
        let expected = Expectation {
            sha256: artifact.sha256,
            uncompressed_sha256: artifact.uncompressed_sha256,
            size: None,
            uncompressed_size: None,
            legacy: Vec::new(),
            claim: Some(claim),
            names_signature: false,
            verify: Verify::Exists,
            signatures: Strictness::Ignore,
        };
        let Some(build) = builds.get(directory) else {
            alarms.push(format!("{}: missing", artifact.id));
            continue;
        };
        let mut evidence = Evidence::only(Observation::Present { status: 200, size: Some(5) });
        evidence.meta_json = build.of(file_name).to_vec();
        evidence.build = build.build().cloned();
        let outcome = judge(&expected, &evidence);
        let conflicts =
            outcome.findings.iter().filter(|finding| finding.reason() == Reason::MetadataConflict);
        alarms.extend(conflicts.map(|finding: &Finding| format!("{}: {finding}", artifact.id)));
        let left_out = outcome.warnings.iter().filter(|warning| warning.contains("the document lacks"));
        alarms.extend(left_out.cloned());
    }
    alarms
}

/// JSON pointers to all strings of a value.
fn strings(value: &Value, at: &str, found: &mut Vec<String>) {
    match value {
        Value::String(_) => found.push(at.to_owned()),
        Value::Object(fields) => {
            for (key, value) in fields {
                strings(value, &format!("{at}/{key}"), found);
            }
        }
        _ => {}
    }
}

/// The text with one digit changed.
fn one_digit_off(text: &str, random: &mut fastrand::Rng) -> String {
    let digits: Vec<usize> = text.char_indices().filter(|it| it.1.is_ascii_digit()).map(|it| it.0).collect();
    let at = digits[random.usize(..digits.len())];
    let digit = text.as_bytes()[at] - b'0';
    let other = (digit + random.u8(1..10)) % 10;
    format!("{}{other}{}", &text[..at], &text[at + 1..])
}

/// One random edit, and its description.
fn edit(document: &Value, all: &[String], random: &mut fastrand::Rng) -> (String, Value) {
    loop {
        let mut edited = document.clone();
        let one = |ends: &[&str], within: &str, random: &mut fastrand::Rng| {
            let fits =
                |pointer: &&String| pointer.contains(within) && ends.iter().any(|end| pointer.ends_with(end));
            let some: Vec<&String> = all.iter().filter(fits).collect();
            (!some.is_empty()).then(|| some[random.usize(..some.len())].clone())
        };
        let kind = random.usize(..8);
        let what = match kind {
            0 => one(&["/sha256", "/uncompressed-sha256"], "/artifacts/", random),
            1 => one(&["/location"], "/artifacts/", random),
            2 | 3 => one(&["/release"], "/artifacts/", random),
            4 | 5 => one(&["/release"], "/regions/", random),
            6 => one(&["/image", "/url", "/object", "/name", "/digest-ref"], "s/", random)
                .filter(|it| !it.contains("/artifacts/")),
            _ => one(&["/release"], "/artifacts/", random),
        };
        let Some(pointer) = what else { continue };
        let (parent, _) = pointer.rsplit_once('/').unwrap();
        let (above, key) = parent.rsplit_once('/').unwrap();
        let text = document.pointer(&pointer).unwrap().as_str().unwrap();
        match kind {
            1 => {
                let other = one(&["/location"], "/artifacts/", random).unwrap();
                if other == pointer {
                    continue;
                }
                let theirs = document.pointer(&other).unwrap().clone();
                *edited.pointer_mut(&other).unwrap() = text.into();
                *edited.pointer_mut(&pointer).unwrap() = theirs;
            }
            // A platform or a region is dropped.
            2 | 4 => {
                let siblings = edited.pointer_mut(above).unwrap().as_object_mut().unwrap();
                if siblings.len() == 1 {
                    continue;
                }
                siblings.remove(key);
            }
            // A platform that no build has.
            7 => {
                let copy = document.pointer(parent).unwrap().clone();
                edited.pointer_mut(above).unwrap()["moon"] = copy;
            }
            _ if text.contains(|digit: char| digit.is_ascii_digit()) => {
                *edited.pointer_mut(&pointer).unwrap() = one_digit_off(text, random).into();
            }
            _ => continue,
        }
        return (format!("{kind} {pointer}"), edited);
    }
}

#[test]
fn every_edit_of_a_real_document_is_noticed_and_the_document_is_not() {
    // The number per document. Each edit is in one architecture, and architectures are not compared.
    const EDITS: usize = 1000;
    let Some(root) = crate::test_support::corpus() else { return };
    let mut documents: Vec<(String, Value)> = Vec::new();
    for checkout in std::fs::read_dir(root.join("checkouts")).unwrap() {
        let path = checkout.unwrap().path();
        let mut sources = Sources::default();
        sources.add_path(&path).unwrap();
        for sourced in &sources.documents {
            let path = path.join(&*sourced.document.name);
            let text = std::fs::read_to_string(&path).unwrap();
            documents.push((path.display().to_string(), serde_json::from_str(&text).unwrap()));
        }
    }
    assert_eq!(documents.len(), 8);
    std::thread::scope(|scope| {
        for (name, document) in &documents {
            scope.spawn(move || {
                let builds = builds(document);
                assert!(builds.values().all(|build| build.build().is_some()), "{name}");
                assert_eq!(alarms(document, &builds), Vec::<String>::new(), "{name}");
                let archs = document["architectures"].as_object().unwrap();
                let mut random = fastrand::Rng::with_seed(20);
                for (arch, of) in archs {
                    let document = json!({ "stream": document["stream"], "architectures": { arch: of } });
                    let mut all = Vec::new();
                    strings(&document["architectures"], "/architectures", &mut all);
                    for _ in 0..EDITS.div_ceil(archs.len()) {
                        let (what, edited) = edit(&document, &all, &mut random);
                        assert!(!alarms(&edited, &builds).is_empty(), "{name}: {what}");
                    }
                }
            });
        }
    });
}

/// A document of one architecture with cloud images, and its build.
fn small() -> (Value, HashMap<String, BuildMetadata>) {
    let build = "9.6.20250319-0";
    let file = |name: &str, digit: &str| json!({"disk": {"location": format!("https://h/{build}/x86_64/rhcos-{build}-{name}"), "sha256": digit.repeat(64)}});
    let document = json!({"stream": "s", "architectures": {"x86_64": {
        "artifacts": {
            "metal": {"release": build, "formats": {"iso": file("live.x86_64.iso", "1"), "raw.gz": file("metal.x86_64.raw.gz", "2")}},
            "vmware": {"release": build, "formats": {"ova": file("vmware.x86_64.ova", "3")}},
        },
        "images": {"aws": {"regions": {
            "us-east-1": {"release": build, "image": "ami-1"}, "us-west-2": {"release": build, "image": "ami-2"},
        }}, "gcp": {"project": "p", "name": format!("rhcos-{build}")}},
    }}});
    let builds = builds(&document);
    (document, builds)
}

#[test]
fn a_difference_names_what_both_sides_have() {
    let (document, builds) = small();
    assert_eq!(alarms(&document, &builds), Vec::<String>::new());
    let x86 = "/architectures/x86_64";
    let drop = |parent: &str, key: &str| {
        let mut edited = document.clone();
        edited.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(key).unwrap();
        edited
    };
    let set = |pointer: &str, to: Value| {
        let mut edited = document.clone();
        *edited.pointer_mut(pointer).unwrap() = to;
        edited
    };
    let cases = [
        (
            drop(&format!("{x86}/artifacts"), "vmware"),
            "the document lacks x86_64/vmware/ova/disk, which the build has",
        ),
        (
            drop(&format!("{x86}/images/aws/regions"), "us-west-2"),
            "the document lacks x86_64 images.aws.regions.us-west-2, which the build has",
        ),
        (drop(&format!("{x86}/images"), "gcp"), "the document lacks x86_64 images.gcp, which the build has"),
        (
            set(&format!("{x86}/images/aws/regions/us-east-1/image"), "ami-3".into()),
            "x86_64/metal/iso/disk: meta.json says x86_64 images.aws.regions.us-east-1.image is ami-1, the document says ami-3",
        ),
        (
            set(
                &format!("{x86}/images/gcp"),
                json!({"project": "p", "name": "rhcos-9.6.20250319-0", "family": "f"}),
            ),
            "x86_64/metal/iso/disk: meta.json has no x86_64 images.gcp.family, the document says f",
        ),
        (
            set(&format!("{x86}/artifacts/vmware/release"), "9.6.20250101-0".into()),
            "x86_64/vmware/ova/disk: meta.json beside it is of build 9.6.20250319-0, the document says 9.6.20250101-0",
        ),
        (
            set(
                &format!("{x86}/artifacts/vmware/formats"),
                json!({"raw": document.pointer(&format!("{x86}/artifacts/vmware/formats/ova")).unwrap()}),
            ),
            "x86_64/vmware/raw/disk: meta.json of build 9.6.20250319-0 has no such image",
        ),
    ];
    for (edited, expected) in cases {
        let alarms = alarms(&edited, &builds);
        assert!(alarms.iter().any(|alarm| alarm == expected), "{expected}: {alarms:#?}");
    }
}

#[test]
fn only_a_complete_meta_json_gives_a_build() {
    let (_, builds) = small();
    let whole = builds.values().next().unwrap().build().unwrap().clone();
    assert_eq!((whole.components.len(), whole.cloud.len()), (3, 7));
    let read = |text: &str| BuildMetadata::parse_lossy("meta.json", text.as_bytes()).0.build().is_some();
    let images = r#""images": {"qemu": {"path": "rhcos-1-qemu.x86_64.qcow2.gz"}}"#;
    let who = r#""buildid": "1", "coreos-assembler.basearch": "x86_64""#;
    assert!(read(&format!("{{{who}, {images}}}")));
    let wide = format!(r#""amis": [{}1]"#, "1,".repeat(MAX_VALUES));
    for (what, text) in [
        ("cut off", format!("{{{who}, {images}, ")),
        ("legacy", format!("{{\"buildid\": \"1\", {images}}}")),
        ("without images", format!("{{{who}}}")),
        ("too wide", format!("{{{who}, {images}, {wide}}}")),
    ] {
        assert!(!read(&text), "{what}");
    }
    let Some(root) = crate::test_support::corpus() else { return };
    for (file, components, cloud) in
        [("413.86.202212021619-0.x86_64.meta.json", 16, 11), ("47.83.202107261211-0.meta.json", 8, 0)]
    {
        let text = std::fs::read(root.join("sidecars").join(file)).unwrap();
        let metadata = BuildMetadata::parse(file, &text).unwrap();
        let build = metadata.build().unwrap();
        assert_eq!((build.components.len(), build.cloud.len()), (components, cloud), "{file}: {build:#?}");
    }
}
