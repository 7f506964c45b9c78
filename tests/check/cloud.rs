//! Cloud references, requested from a blob store, an object store and a registry, with each `--cloud-images` mode.

use std::time::Duration;

use embedded_mirror::{Answer, Behaviour, Config, Mirror, Registry, Resource};
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::support::{BUILD, Checkout, ISO, Program, Report, Stream, check_checkout, component, until};

const DISK: &str = "/imagebucket/rhcos-azure.x86_64.vhd";
const OBJECT: &str = "/rhcos-powervs-images-au-syd/rhcos-powervs.ova.gz";
const REPOSITORY: &str = "openshift-release-dev/ocp-v4.0-art-dev";
const MANIFEST: &str = "{\"schemaVersion\": 2}";

/// A document with a good artifact and one reference of each kind, and the server that has all of them.
struct World {
    mirror: Mirror,
    document: Value,
}

impl World {
    fn new() -> Self {
        let mirror = Mirror::start(Config::tls_http2()).unwrap();
        mirror.put("/rhcos.iso", Resource::artifact("rhcos.iso").repr_digest());
        mirror.put(DISK, Resource::synthetic(1, 1024).header("x-ms-blob-type", "PageBlob"));
        mirror.put(OBJECT, Resource::bytes("an object"));
        let digest_ref = Registry::new(&mirror).put(REPOSITORY, Some("4.19"), MANIFEST);
        let mut document = Stream::of(component(&mirror.url("/rhcos.iso"))).json();
        let arch = &mut document["architectures"]["x86_64"];
        arch["images"] = json!({
            "aws": { "regions": { "us-east-1": { "release": BUILD, "image": "ami-0d24483687640c868" } } },
            "kubevirt": {
                "release": BUILD,
                "image": format!("{}/{REPOSITORY}:4.19", mirror.addr()),
                "digest-ref": digest_ref,
            },
            "powervs": { "regions": { "au-syd": {
                "release": BUILD,
                "object": "rhcos-powervs.ova.gz",
                "bucket": "rhcos-powervs-images-au-syd",
                "url": mirror.url(OBJECT),
            } } },
        });
        arch["rhel-coreos-extensions"] =
            json!({ "azure-disk": { "release": BUILD, "url": mirror.url(DISK) } });
        Self { mirror, document }
    }

    fn program(&self) -> Program {
        let checkout = Checkout::empty()
            .file("data/data/coreos/rhcos.json", self.document.to_string())
            .file("ca.pem", self.mirror.ca_pem());
        let authority = checkout.path().join("ca.pem");
        check_checkout(checkout).locally().args(["--output", "json"]).arg("--ca-file").arg(authority)
    }

    fn run(&self, mode: &str, code: i32) -> Report {
        self.program().args(["--cloud-images", mode]).run().exits(code).report()
    }
}

/// The verdict, reason, message and warnings of a reference.
fn said(report: &Report, id: &str) -> String {
    let all = report.0["cloud_images"].as_array().unwrap();
    let found = all.iter().find(|it| it["id"] == id).unwrap_or_else(|| panic!("no {id} in {all:#?}"));
    let text = |name: &str| found[name].as_str().unwrap_or_default().to_owned();
    format!("{} {}|{}|{}", text("verdict"), text("reason"), text("message"), found["warnings"])
}

const ALL: [&str; 4] = [
    "x86_64/extensions/azure-disk",
    "x86_64/images/kubevirt",
    "x86_64/images/powervs/au-syd",
    "x86_64/images/aws",
];

#[test]
fn existing_references_pass_and_those_that_need_an_account_are_never_shown_as_verified() {
    let report = World::new().run("require", 0);
    for id in &ALL[..3] {
        assert!(said(&report, id).starts_with("pass |present"), "{}", said(&report, id));
    }
    assert!(said(&report, ALL[3]).starts_with("not-verifiable |"), "{}", said(&report, ALL[3]));
    let counts =
        json!({ "mode": "require", "passed": 3, "failed": 0, "inconclusive": 0, "not_verifiable": 1 });
    assert_eq!(report.0["cloud_summary"], counts);
    assert_eq!(report.0["summary"]["artifacts"], 1);
}

#[test]
fn wrong_references_fail_if_required_and_are_reported_otherwise() {
    let mut world = World::new();
    world.mirror.remove(DISK);
    for (mode, code) in [("require", 1), ("warn", 0)] {
        let report = world.run(mode, code);
        assert!(said(&report, ALL[0]).starts_with("fail missing|"), "{mode}: {}", said(&report, ALL[0]));
        assert_eq!(report.0["cloud_summary"]["failed"], 1);
        let advice =
            report.0["cloud_images"].as_array().unwrap().iter().filter_map(|it| it["advice"].as_str());
        let says = "Ask the owners of the RHEL CoreOS build pipeline whether the upload is still to come or the \
                    build was pruned, then check again.";
        assert_eq!(advice.collect::<Vec<_>>(), [says], "only failures have advice");
    }
    world.mirror.forget();
    let ignored = world.run("ignore", 0);
    assert_eq!(ignored.0["cloud_images"], json!([]));
    assert_eq!(world.mirror.count("HEAD", OBJECT), 0, "ignored references are not requested");
    // An invalid AMI ID fails without a request.
    world.document["architectures"]["x86_64"]["images"]["aws"]["regions"]["us-east-1"]["image"] =
        json!("ami-x");
    let report = world.run("require", 1);
    assert!(said(&report, ALL[3]).starts_with("fail bad-reference|"), "{}", said(&report, ALL[3]));
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
fn each_answer_of_a_cloud_has_its_meaning() {
    type Change = fn(&mut World);
    let rows: [(&str, Change, &str, i32); 13] = [
        (
            "x86_64/extensions/azure-disk",
            |it| it.mirror.put(DISK, Resource::synthetic(1, 1000)),
            "fail image-mismatch|",
            1,
        ),
        (
            "x86_64/extensions/azure-disk",
            |it| it.mirror.put(DISK, Resource::synthetic(1, 512).header("x-ms-blob-type", "BlockBlob")),
            "fail image-mismatch|it is a BlockBlob",
            1,
        ),
        ("x86_64/extensions/azure-disk", |it| it.mirror.put(DISK, Resource::bytes("")), "fail missing|", 1),
        (
            "x86_64/extensions/azure-disk",
            |it| it.mirror.put(DISK, Resource::bytes("").behaves(Behaviour::status(409))),
            "inconclusive server-error|",
            3,
        ),
        (
            "x86_64/extensions/azure-disk",
            |it| it.mirror.put(DISK, Resource::redirect(307, "https://elsewhere.example/x")),
            "fail redirect-not-allowed|",
            1,
        ),
        (
            "x86_64/extensions/azure-disk",
            |it| {
                it.document["architectures"]["x86_64"]["rhel-coreos-extensions"]["azure-disk"]["url"] =
                    json!("https://elsewhere.example/x");
            },
            "fail host-not-allowed|",
            1,
        ),
        (
            // The hosts of artifacts are not allowed for cloud images.
            "x86_64/extensions/azure-disk",
            |it| {
                it.document["architectures"]["x86_64"]["rhel-coreos-extensions"]["azure-disk"]["url"] =
                    json!("https://rhcos.mirror.openshift.com/x");
            },
            "fail host-not-allowed|",
            1,
        ),
        (
            "x86_64/images/powervs/au-syd",
            |it| {
                it.mirror.put(OBJECT, Resource::bytes("").behaves(Behaviour::Answer(Answer::firewall(None))));
            },
            "inconclusive server-error|",
            3,
        ),
        (
            "x86_64/images/kubevirt",
            |it| {
                it.document["architectures"]["x86_64"]["images"]["kubevirt"]["digest-ref"] = json!("");
            },
            "fail bad-reference|it has no digest-ref",
            1,
        ),
        (
            "x86_64/images/kubevirt",
            |it| {
                Registry::new(&it.mirror).put(REPOSITORY, Some("4.19"), "another");
            },
            "pass |present, with the expected digest|[\"the tag of",
            0,
        ),
        (
            "x86_64/images/kubevirt",
            |it| {
                let other = format!("{}/{REPOSITORY}@sha256:{}", it.mirror.addr(), "0".repeat(64));
                it.document["architectures"]["x86_64"]["images"]["kubevirt"]["digest-ref"] = json!(other);
            },
            "fail missing|",
            1,
        ),
        (
            // The registry reports another digest than the requested one.
            "x86_64/images/kubevirt",
            |it| {
                let digest = format!("sha256:{}", "1".repeat(64));
                let other = format!("{}/{REPOSITORY}@{digest}", it.mirror.addr());
                it.document["architectures"]["x86_64"]["images"]["kubevirt"]["digest-ref"] = json!(other);
                let wrong = Resource::bytes(MANIFEST)
                    .header("docker-content-digest", format!("sha256:{}", "2".repeat(64)));
                Registry::new(&it.mirror).put_at(REPOSITORY, &digest, wrong);
            },
            "fail image-mismatch|",
            1,
        ),
        (
            "x86_64/images/kubevirt",
            |it| it.mirror.put("/v2/auth", Resource::bytes("{\"token\": \"a\\r\\nb\"}")),
            "inconclusive server-error|the registry's response has no usable token",
            3,
        ),
    ];
    for (id, change, says, code) in rows {
        let mut world = World::new();
        change(&mut world);
        let report = world.run("require", code);
        let said = said(&report, id);
        assert!(said.starts_with(says), "{id}: expected {says}, found {said}");
        assert_eq!(report.artifact(ISO)["verdict"], "pass");
    }
}

/// A signal ends a run that only waits for a cloud, and the report has the verdicts of the artifacts.
#[test]
fn a_signal_ends_a_run_that_waits_for_a_cloud_alone() {
    let world = World::new();
    world.mirror.put(DISK, Resource::bytes("").behaves(Behaviour::Hang));
    let running = world.program().args(["--cloud-images", "require"]).start();
    until("the blob is asked for", || world.mirror.count("HEAD", DISK) > 0);
    until("the artifact is asked for", || world.mirror.count("HEAD", "/rhcos.iso") > 0);
    // Allows time for the responses of the artifact and its sidecars to be read.
    std::thread::sleep(Duration::from_millis(200));
    running.signal(Signal::TERM);
    let finished = running.finish().exits(143);
    assert!(finished.elapsed < Duration::from_secs(10), "{:?}", finished.elapsed);
    let report = finished.report();
    assert_eq!(report.0["interrupted_by"], "SIGTERM");
    assert_eq!(report.artifact(ISO)["verdict"], "pass");
    assert!(said(&report, ALL[0]).starts_with("inconclusive deadline|"), "{}", said(&report, ALL[0]));
}

/// A private repository rejects an anonymous token with 401, which proves nothing about the image.
#[test]
fn a_private_repository_of_a_registry_is_not_verifiable() {
    let world = World::new();
    let challenge = format!("Bearer realm=\"{}\",service=\"x\"", world.mirror.url("/v2/auth"));
    for place in world.mirror.table().paths().iter().filter(|it| it.contains("/manifests/")) {
        world.mirror.put(place, Resource::bytes(MANIFEST).wants_bearer("that-of-an-account", &challenge));
    }
    let report = world.run("require", 0);
    let said = said(&report, "x86_64/images/kubevirt");
    assert!(said.starts_with("not-verifiable |the registry requires an account"), "{said}");
    assert_eq!(report.0["cloud_summary"]["not_verifiable"], 2);
}

#[test]
fn a_registry_is_asked_for_a_token_once_and_only_itself() {
    let world = World::new();
    world.run("require", 0);
    let count = |method, place: &str| world.mirror.count(method, place);
    assert_eq!(count("GET", "/v2/auth"), 1);
    let token = world.mirror.requests().iter().filter(|it| it.header("authorization").is_some()).count();
    assert_eq!(token, 2, "only the requests of the manifest by digest and by tag have the token");
    // A token realm on another host is not requested, even if that host is allowed.
    let other = Mirror::start(Config::tls_http2()).unwrap();
    let challenge = format!("Bearer realm=\"{}\",service=\"x\"", other.url("/token"));
    for place in world.mirror.table().paths().iter().filter(|it| it.contains("/manifests/")) {
        world.mirror.put(place, Resource::bytes(MANIFEST).wants_bearer("t", &challenge));
    }
    let report = world.run("require", 3);
    let said = said(&report, "x86_64/images/kubevirt");
    assert!(
        said.starts_with("inconclusive server-error|the registry asks for a token from another host"),
        "{said}"
    );
    assert_eq!(other.request_count(), 0);
}
