//! Each rule: what raises its alarm and what does not.

use serde_json::{Value, json};

use super::*;

/// A document of two architectures from one build, as `plume cosa2stream` writes it.
fn document(label: &str, build: &str, directory: &str) -> Value {
    let arch = |arch: &str, digit: u8| {
        let base = format!("https://rhcos.mirror.openshift.com/art/storage/prod/streams/{directory}/builds");
        let component = |file: &str, number: u8| {
            json!({
                "location": format!("{base}/{build}/{arch}/rhcos-{build}-{file}"),
                "sha256": format!("{digit}{number}").repeat(32),
            })
        };
        let region = |ami: &str| json!({"release": build, "image": ami});
        json!({
            "artifacts": {
                "metal": {"release": build, "formats": {
                    "4k.raw.gz": {"disk": component(&format!("metal4k.{arch}.raw.gz"), 1)},
                    "iso": {"disk": component(&format!("live.{arch}.iso"), 2)},
                    "pxe": {"kernel": component(&format!("live-kernel-{arch}"), 3)},
                }},
                "vmware": {"release": build, "formats": {"ova": {"disk": component(&format!("vmware.{arch}.ova"), 4)}}},
            },
            "images": {
                "aws": {"regions": {"us-east-1": region("ami-1"), "us-west-2": region("ami-2")}},
                "gcp": {"release": build, "project": "p", "name": format!("rhcos-{}-gcp", build.replace('.', "-"))},
            },
        })
    };
    json!({"stream": label, "architectures": {"aarch64": arch("aarch64", 1), "x86_64": arch("x86_64", 2)}})
}

const OLD: &str = "9.6.20250121-0";
const NEW: &str = "9.6.20250319-0";

fn new() -> Value {
    document("rhcos-4.19", NEW, "rhel-9.6")
}

fn old() -> Value {
    document("rhcos-4.19", OLD, "rhel-9.6")
}

fn parse(name: &str, value: &Value) -> Document {
    let text = serde_json::to_string_pretty(value).unwrap();
    Document::parse(name, text.as_bytes()).unwrap()
}

/// The alarms: code, path, message.
fn alarms(documents: &[(&str, Value)], base: Option<&[(&str, Value)]>, branch: Option<&str>) -> Vec<String> {
    let documents: Vec<Document> = documents.iter().map(|(name, value)| parse(name, value)).collect();
    let documents: Vec<&Document> = documents.iter().collect();
    let base: Option<Vec<Document>> =
        base.map(|base| base.iter().map(|(name, value)| parse(name, value)).collect());
    let base: Option<Vec<&Document>> = base.as_ref().map(|base| base.iter().collect());
    let branch = branch.map(|branch| branch.parse().unwrap());
    let input = Input { documents: &documents, base: base.as_deref(), branch, marketplaces: &[] };
    let shown = |alarm: Alarm| format!("{} {}: {}", alarm.rule.code(), alarm.path.join("."), alarm.message);
    lint(&input).into_iter().map(shown).collect()
}

/// The document with one value replaced or, with null, removed.
fn edited(mut value: Value, pointer: &str, to: Value) -> Value {
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    let parent = value.pointer_mut(parent).unwrap().as_object_mut().unwrap();
    assert!(parent.contains_key(key), "{pointer}");
    if to.is_null() {
        parent.remove(key);
    } else {
        parent.insert(key.to_owned(), to);
    }
    value
}

const HOME: &str = "data/data/coreos/rhcos.json";

#[test]
fn a_good_bump_raises_no_alarm() {
    assert!(alarms(&[(HOME, new())], Some(&[(HOME, old())]), Some("4.19")).is_empty());
    let renamed = "data/data/coreos/coreos-rhel-9.json";
    assert!(alarms(&[(renamed, new())], Some(&[(HOME, old())]), None).is_empty());
    let series = document("rhcos-4.18", "418.94.202410090804-0", "4.18-9.4");
    assert!(alarms(&[(HOME, series)], None, Some("4.18")).is_empty());
}

#[test]
fn one_document_by_itself() {
    let x86 = "/architectures/x86_64";
    let metal = format!("{x86}/artifacts/metal");
    let iso = format!("{metal}/formats/iso/disk");
    let location = |value: &Value, pointer: &str| value.pointer(pointer).unwrap().clone();
    let vmware = location(&new(), &format!("{x86}/artifacts/vmware/formats/ova/disk/location"));
    let arm = location(&new(), "/architectures/aarch64/artifacts/metal/formats/iso/disk/location");
    let kernel = location(&new(), &format!("{metal}/formats/pxe/kernel/sha256"));
    let elsewhere =
        location(&new(), &format!("{iso}/location")).as_str().unwrap().replace("rhel-9.6", "rhel-9.4");
    let cases = [
        (document("rhcos-4.16", "418.94.202410090804-0", "4.18-9.4"), "L001 stream"),
        (
            edited(new(), &format!("{iso}/location"), elsewhere.into()),
            "L002 architectures.x86_64.artifacts.metal",
        ),
        (
            edited(new(), &format!("{metal}/release"), OLD.into()),
            "L006 architectures.x86_64.artifacts.metal.release",
        ),
        (
            edited(new(), &format!("{x86}/images/aws/regions/us-east-1/release"), OLD.into()),
            "L006 architectures.x86_64.images.aws.regions.us-east-1.release",
        ),
        (
            edited(new(), &format!("{x86}/images/gcp/name"), "rhcos-9-6-20250121-0-gcp".into()),
            "L007 architectures.x86_64.images.gcp.name",
        ),
        (
            edited(new(), &format!("{iso}/location"), vmware),
            "L008 architectures.x86_64.artifacts.metal.formats.iso.disk.location",
        ),
        (
            edited(new(), &format!("{iso}/location"), arm),
            "L008 architectures.x86_64.artifacts.metal.formats.iso",
        ),
        (edited(new(), x86, old().pointer(x86).unwrap().clone()), "L009 architectures."),
        (
            edited(new(), &format!("{iso}/sha256"), kernel),
            "L013 architectures.x86_64.artifacts.metal.formats.pxe",
        ),
    ];
    for (value, expected) in cases {
        let alarms = alarms(&[(HOME, value)], None, None);
        assert!(alarms.iter().any(|alarm| alarm.starts_with(expected)), "{expected}: {alarms:#?}");
    }
    let by_name = [
        ("data/data/coreos/coreos-rhel-10.json", new(), true),
        ("data/data/coreos/coreos-rhel-9.json", new(), false),
        ("data/data/coreos/scos.json", new(), true),
        ("rhcos-4.18.json", new(), true),
        ("rhcos-4.19.json", new(), false),
        ("whatever.json", new(), false),
    ];
    for (name, value, is_odd) in by_name {
        let alarms = alarms(&[(name, value)], None, None);
        assert_eq!(alarms.iter().any(|alarm| alarm.starts_with("L005")), is_odd, "{name}: {alarms:#?}");
        assert_eq!(alarms.len(), usize::from(is_odd), "{name}: {alarms:#?}");
    }
}

#[test]
fn the_branch_and_the_siblings() {
    let alarms_of = |branch| alarms(&[(HOME, new())], None, Some(branch));
    assert_eq!(
        alarms_of("4.20"),
        ["L003 stream: the stream label names OpenShift 4.19, but the branch is for 4.20"]
    );
    let sibling = document("rhcos-4.20", "10.2.20250319-0", "rhel-10.2");
    let less = edited(new(), "/architectures/x86_64/images/aws/regions/us-west-2", Value::Null);
    let less = edited(less, "/architectures/aarch64/artifacts/vmware", Value::Null);
    let (one, other) = ("data/data/coreos/coreos-rhel-9.json", "data/data/coreos/coreos-rhel-10.json");
    assert_eq!(
        alarms(&[(one, less.clone()), (other, sibling.clone())], None, None),
        [
            "L004 stream: the stream label names OpenShift 4.19, but that of coreos-rhel-10.json names 4.20",
            "L012 architectures.aarch64.artifacts: coreos-rhel-10.json has platform vmware on aarch64, missing here",
            "L012 architectures.x86_64.images.aws: coreos-rhel-10.json has aws us-west-2 on x86_64, missing here",
        ]
    );
    // A difference that the base already has is not reported, and documents elsewhere are not siblings.
    let same = [(one, less.clone()), (other, sibling.clone())];
    assert_eq!(alarms(&same, Some(&same), None).len(), 1);
    assert!(alarms(&[(one, less), ("elsewhere/coreos-rhel-10.json", sibling)], None, None).is_empty());
}

#[test]
fn one_document_and_its_base() {
    let x86 = "/architectures/x86_64";
    let lost = edited(new(), &format!("{x86}/artifacts/vmware"), Value::Null);
    let lost = edited(lost, "/architectures/aarch64", Value::Null);
    let two = |value: Value| edited(value, &format!("{x86}/images/aws/regions/us-east-1"), Value::Null);
    let cases = [
        (
            lost,
            vec![
                "L011 architectures: architecture aarch64 is gone since the base",
                "L011 architectures.x86_64.artifacts: platform vmware is gone on x86_64 since the base",
            ],
        ),
        (
            two(new()),
            vec!["L011 architectures.x86_64.images.aws: aws us-east-1 is gone on x86_64 since the base"],
        ),
        (
            edited(new(), &format!("{x86}/artifacts/metal/formats/pxe"), Value::Null),
            vec!["L011 architectures.x86_64.artifacts.metal: metal pxe is gone on x86_64 since the base"],
        ),
    ];
    for (value, expected) in cases {
        assert_eq!(alarms(&[(HOME, value)], Some(&[(HOME, old())]), None), expected);
    }
    let older = alarms(&[(HOME, old())], Some(&[(HOME, new())]), None);
    assert_eq!(older.len(), 2, "{older:#?}");
    assert!(
        older.iter().all(|alarm| alarm.starts_with("L010") && alarm.contains("release: the build")),
        "{older:#?}"
    );
    let digest =
        edited(new(), &format!("{x86}/artifacts/metal/formats/iso/disk/sha256"), "ab".repeat(32).into());
    let changed = alarms(&[(HOME, digest)], Some(&[(HOME, new())]), None);
    assert_eq!(
        changed,
        [
            "L014 architectures.x86_64.artifacts.metal.formats.iso.disk.sha256: the sha256 of x86_64/metal/iso/disk changed, but its build 9.6.20250319-0 did not"
        ]
    );
    let gone = alarms(
        &[(HOME, new())],
        Some(&[(HOME, old()), ("x.json", edited(old(), "/stream", "s".into()))]),
        None,
    );
    assert_eq!(gone, ["L011 : the base has this document, of the stream s; it is missing here"]);
}

#[test]
fn builds_of_the_releases_layout_can_be_hours_apart_and_days_only_if_those_of_the_base_were() {
    let with = |times: [&str; 2]| {
        let of = |time: &str| {
            let text = serde_json::to_string(&document("rhcos-4.8", "48.84.TIME-0", "D")).unwrap();
            let text = text.replace("prod/streams/D/builds", "releases/rhcos-4.8").replace("TIME", time);
            serde_json::from_str::<Value>(&text.replace("rhcos-48-84-TIME", "rhcos")).unwrap()
        };
        let arm = of(times[0]).pointer("/architectures/aarch64").unwrap().to_string();
        let arm = arm.replace("releases/rhcos-4.8/", "releases/rhcos-4.8-aarch64/");
        edited(of(times[1]), "/architectures/aarch64", serde_json::from_str(&arm).unwrap())
    };
    let near = || with(["202109240401", "202109242319"]);
    let far = || with(["202106171757", "202109242319"]);
    let alarms_of = |now, was| alarms(&[("rhcos.json", now)], Some(&[("rhcos.json", was)]), None);
    assert!(alarms_of(near(), near()).is_empty());
    assert!(alarms_of(far(), far()).is_empty());
    let earlier = with(["202106171757", "202106171757"]);
    let apart = alarms_of(far(), earlier);
    assert!(apart.len() == 1 && apart[0].starts_with("L009 architectures.aarch64"), "{apart:#?}");
}

#[test]
fn formatting_that_no_generator_writes() {
    let text = serde_json::to_string_pretty(&new()).unwrap() + "\n";
    let lint = |text: &str, base: &str| {
        let (is, was) = (Document::parse(HOME, text.as_bytes()), Document::parse(HOME, base.as_bytes()));
        let (is, was) = (is.unwrap(), was.unwrap());
        let alarms = lint(&Input { documents: &[&is], base: Some(&[&was]), ..Input::default() });
        alarms.into_iter().map(|alarm| (alarm.rule.code(), alarm.line)).collect::<Vec<_>>()
    };
    assert_eq!(lint(&text, &text), []);
    assert_eq!(lint(text.trim_end(), &text), [("L015", None)]);
    assert_eq!(lint(&text.replace("  ", "    "), &text), [("L015", None)]);
    let edited = text.replacen("\n    \"", "\n     \"", 1);
    assert_eq!(lint(&edited, &text), [("L015", Some(3))]);
    // If no generator wrote the base, its formatting need not be kept.
    assert_eq!(lint(&text, &edited), []);
}

#[test]
fn marketplace_files_that_lag() {
    let marketplace = |name: &str, version: &str| {
        let text =
            json!({"x86_64": {"azure": {"ocp": {"gen1": {"version": version, "sku": "s"}}}}}).to_string();
        Marketplace::read(name, text.as_bytes()).unwrap()
    };
    let document = parse(HOME, &new());
    let beside = "data/data/coreos/marketplace/rhcos.json";
    let cases = [
        (beside, "4.18.2024031114", true),
        (beside, "418.94.20240701", true),
        (beside, "9.6.20250101", false),
        (beside, "latest", false),
        ("data/data/coreos/marketplace-rhcos.json", "9.6.20240101", true),
        ("data/data/coreos/marketplace/coreos-rhel-10.json", "9.6.20240101", false),
    ];
    for (name, version, is_late) in cases {
        let marketplaces = [marketplace(name, version)];
        let alarms =
            lint(&Input { documents: &[&document], marketplaces: &marketplaces, ..Input::default() });
        assert_eq!(alarms.iter().any(|it| it.rule == Rule::MarketplaceLag), is_late, "{name} {version}");
    }
    assert_eq!(Marketplace::read("x", b"[1]"), None);
    assert_eq!(Marketplace::read("x", b"{\"stream\": \"s\"}"), None);
}

#[test]
fn the_number_of_alarms_is_limited() {
    let mut value = new();
    let metal = value.pointer_mut("/architectures/x86_64/artifacts/metal/formats").unwrap();
    let iso = metal["iso"].clone();
    for number in 0..500 {
        metal[format!("iso{number}")] = iso.clone();
    }
    let alarms = alarms(&[(HOME, value)], None, None);
    assert_eq!(alarms.len(), 21, "{alarms:#?}");
    assert_eq!(alarms.last().unwrap(), "L008 : 480 more alarms like these");
}

#[test]
fn days_are_counted_by_the_calendar() {
    let between = |one, other| day_of(other).unwrap() - day_of(one).unwrap();
    let cases = [
        (20_240_228, 20_240_301, 2),
        (20_230_228, 20_230_301, 1),
        (20_241_231, 20_250_101, 1),
        (20_250_311, 20_260_403, 388),
    ];
    for (one, other, days) in cases {
        assert_eq!(between(one, other), days, "{one} {other}");
    }
    assert_eq!(day_of(20_251_301), None);
}
