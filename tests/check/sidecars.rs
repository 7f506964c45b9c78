//! Sidecars are requested once, count only if they are readable, and alone are never a reason to pass.

use embedded_mirror::{
    Behaviour, Config, Mirror, Resource, artifact_content, hex_sha256, meta_json, sha256sum_txt,
};
use serde_json::{Value, json};

use crate::retries::fifty;
use crate::support::server::{Server, file, published};
use crate::support::{BUILD, Checkout, Stream, check_locally, component};

const WRONG: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

#[test]
fn a_sidecar_is_requested_once_for_fifty_artifacts() {
    for config in [Config::plain(), Config::tls_http1(), Config::tls_http2()] {
        let mirror = Mirror::start(config).unwrap();
        let directory = tempfile::tempdir().unwrap();
        let ca_file = directory.path().join("ca.pem");
        std::fs::write(&ca_file, mirror.ca_pem()).unwrap();
        let names: Vec<String> = (0..50).map(|number| format!("{number:02}.iso")).collect();
        for name in &names {
            mirror.put(&format!("/b/{name}"), Resource::artifact(name));
        }
        let files = names.iter().map(|name| (name, artifact_content(name)));
        mirror.put("/b/sha256sum.txt", Resource::bytes(sha256sum_txt(files.clone())));
        mirror.put("/b/meta.json", Resource::bytes(meta_json("x", files)));

        let mut program = check_locally(Checkout::of(&fifty(|file| component(&mirror.url(file)))));
        if !mirror.ca_pem().is_empty() {
            program = program.arg("--ca-file").arg(&ca_file);
        }
        let report = program.run().exits(0).report();
        assert_eq!(report.counts(), [50, 0, 0]);
        assert_eq!(mirror.count("GET", "/b/sha256sum.txt"), 1);
        assert_eq!(mirror.count("GET", "/b/meta.json"), 1);
        assert_eq!(mirror.request_count(), 52, "one HEAD each, and two sidecars");
    }
}

/// The sidecars of one directory, and the expected result for its file.
struct Case {
    name: &'static str,
    sums: Option<Resource>,
    meta: Option<Resource>,
    /// Whether the file's own response has the correct digest.
    digest: bool,
    reason: Value,
    /// What the first warning contains; empty for none.
    warns: &'static str,
}

fn pass(name: &'static str) -> Case {
    Case { name, sums: None, meta: None, digest: false, reason: Value::Null, warns: "" }
}

fn no_digest(name: &'static str) -> Case {
    pass(name).is("no-digest")
}

impl Case {
    fn sums(self, sums: Resource) -> Self {
        Self { sums: Some(sums), ..self }
    }

    fn meta(self, meta: Resource) -> Self {
        Self { meta: Some(meta), ..self }
    }

    fn digest(self) -> Self {
        Self { digest: true, ..self }
    }

    fn warns(self, warns: &'static str) -> Self {
        Self { warns, ..self }
    }

    fn is(self, reason: &str) -> Self {
        Self { reason: json!(reason), ..self }
    }
}

fn sums() -> Resource {
    Resource::bytes(sha256sum_txt([("f.iso", artifact_content("f.iso"))]))
}

fn meta() -> Resource {
    Resource::bytes(meta_json("x", [("f.iso", artifact_content("f.iso"))]))
}

fn text(text: impl Into<String>) -> Resource {
    Resource::bytes(text.into())
}

/// A correct `sha256sum.txt` of `size` bytes.
fn padded(size: usize) -> Resource {
    let mut sums = sha256sum_txt([("f.iso", artifact_content("f.iso"))]);
    sums.push_str(&"\n".repeat(size - sums.len()));
    text(sums)
}

fn good() -> Vec<Case> {
    vec![
        pass("header").digest(),
        pass("sums").sums(sums()),
        pass("meta").meta(meta()),
        pass("largest").sums(padded(1024 * 1024)),
        pass("recovering").sums(sums().behaves(Behaviour::recovering(1, Behaviour::DropAfter(9)))),
        pass("redirected").sums(Resource::redirect(307, "/other/sha256sum.txt")),
    ]
}

fn without_evidence() -> Vec<Case> {
    let others = || Resource::bytes(sha256sum_txt([("g.iso", artifact_content("f.iso"))]));
    let too_large = "sha256sum.txt is present but unusable: it has more than 1048576 bytes";
    let no_use = "meta.json is present but unusable";
    vec![
        no_digest("absent"),
        no_digest("oversized").sums(padded(1024 * 1024 + 1)).warns(too_large),
        pass("oversized, meta").sums(padded(1024 * 1024 + 1)).meta(meta()).warns(too_large),
        no_digest("large meta").meta(Resource::synthetic(1, 32 * 1024 * 1024 + 1)).warns(no_use),
        no_digest("endless").sums(sums().behaves(Behaviour::EndlessBody)).warns(too_large),
        no_digest("not text").sums(text("\u{1}\u{2}")).warns("line 1"),
        no_digest("page").sums(text("<!DOCTYPE html><p>No such page.")).warns("line 1"),
        no_digest("half a line").sums(text(format!("{WRONG}  g.iso\nabc"))).warns("line 2"),
        no_digest("meta is a list").meta(text("[]")).warns(no_use),
        no_digest("meta torn").meta(text("{\"images\": {")).warns(no_use),
        no_digest("partial").sums(others()),
        pass("partial, header").sums(others()).digest(),
        pass("partial, meta").sums(others()).meta(meta()),
        pass("forbidden, header").sums(sums().behaves(Behaviour::status(403))).digest(),
    ]
}

fn contradicting() -> Vec<Case> {
    let lie = || text(format!("{WRONG}  f.iso\n"));
    let both = format!("{}  f.iso\n{WRONG}  f.iso\n", hex_sha256(&artifact_content("f.iso")));
    let foreign = "https://evil.example/sha256sum.txt";
    let right = hex_sha256(&artifact_content("f.iso"));
    let half = |digest: &str| format!("{digest}  f.iso\noops\n");
    let half_meta = |digest: &str| {
        format!(r#"{{"images": {{"x": {{"path": "f.iso", "sha256": "{digest}"}}, "y": {{"size": -1}}}}}}"#)
    };
    let meta_lie = format!(r#"{{"images": {{"x": {{"path": "f.iso", "sha256": "{WRONG}"}}}}}}"#);
    vec![
        pass("sums lie").sums(lie()).meta(meta()).digest().is("sha256-mismatch"),
        pass("sums say both").sums(text(both)).is("sha256-mismatch"),
        pass("meta lies").sums(sums()).meta(text(meta_lie)).digest().is("metadata-conflict"),
        // An unreadable sidecar might have contradicted the document.
        pass("busy").sums(sums().behaves(Behaviour::status(503))).digest().is("server-error"),
        pass("broken").sums(sums().behaves(Behaviour::DropAfter(9))).digest().is("unreachable"),
        pass("reset").sums(sums().behaves(Behaviour::Reset)).digest().is("unreachable"),
        pass("refused").sums(sums().behaves(Behaviour::status(401))).digest().is("server-error"),
        pass("not a file").meta(meta().behaves(Behaviour::status(204))).digest().is("server-error"),
        pass("foreign").sums(Resource::redirect(307, foreign)).digest().is("server-error"),
        // Well-formed entries of a malformed sidecar prove nothing, but can contradict.
        no_digest("half right").sums(text(half(&right))).warns("line 2"),
        pass("half a lie").sums(text(half(WRONG))).digest().is("sha256-mismatch").warns("line 2"),
        no_digest("meta half right").meta(text(half_meta(&right))).warns("size"),
        pass("meta half a lie").meta(text(half_meta(WRONG))).digest().is("metadata-conflict").warns("size"),
    ]
}

#[test]
fn a_sidecar_is_evidence_only_if_it_can_be_read() {
    let mirror = Mirror::start(Config::plain()).unwrap();
    let cases: Vec<Case> = [good(), without_evidence(), contradicting()].into_iter().flatten().collect();
    mirror.put("/other/sha256sum.txt", sums());
    let mut stream = Stream::new();
    for (number, case) in cases.iter().enumerate() {
        let artifact = Resource::artifact("f.iso");
        mirror.put(&format!("/{number}/f.iso"), if case.digest { artifact.repr_digest() } else { artifact });
        for (name, sidecar) in [("sha256sum.txt", &case.sums), ("meta.json", &case.meta)] {
            if let Some(sidecar) = sidecar {
                mirror.put(&format!("/{number}/{name}"), sidecar.clone());
            }
        }
        let component = component(&mirror.url(&format!("/{number}/f.iso")));
        stream = stream.with(&format!("x86_64/metal/{number}/disk"), component);
    }
    let report = check_locally(Checkout::of(&stream)).args(["--retries", "1"]).run().exits(1).report();
    for (number, case) in cases.iter().enumerate() {
        let artifact = report.artifact(&format!("x86_64/metal/{number}/disk"));
        assert_eq!(artifact["reason"], case.reason, "{}: {artifact:#}", case.name);
        let warnings = artifact["warnings"].as_array().unwrap();
        assert_eq!(warnings.is_empty(), case.warns.is_empty(), "{}: {artifact:#}", case.name);
        let first = warnings.first().and_then(Value::as_str).unwrap_or_default();
        assert!(first.contains(case.warns), "{}: {artifact:#}", case.name);
    }
}

#[test]
fn sizes_are_taken_from_the_document_then_legacy_metadata_then_meta_json() {
    let server = Server::start();
    server.put("/f.iso", published("f.iso"));
    let size = artifact_content("f.iso").len();
    server.put("/meta.json", file(meta_json("x", [("f.iso", artifact_content("f.iso"))])));
    let legacy = json!({ "images": { "x": { "path": "f.iso", "size": size } } }).to_string();
    for (stream_size, with_legacy, from) in
        [(true, true, "stream"), (false, true, "legacy"), (false, false, "meta.json")]
    {
        let mut component = component(&server.url("/f.iso"));
        if stream_size {
            component["size"] = json!(size);
        }
        let mut checkout = Checkout::of(&Stream::of(component));
        if with_legacy {
            checkout = checkout.file("data/data/rhcos-amd64.json", &legacy);
        }
        let report = check_locally(checkout).run().exits(0).report();
        let expected = json!({ "expected": size, "expected_from": from, "observed": size });
        assert_eq!(report.only()["size"], expected);
    }
}

/// Compares a document with the build's `meta.json`, as cosa writes it.
#[test]
fn the_whole_document_is_compared_with_the_metadata_of_the_build() {
    let server = Server::start();
    server.put("/b/rhcos-1-live.x86_64.iso", published("f.iso"));
    let mut iso = component(&server.url("/b/rhcos-1-live.x86_64.iso"));
    iso["sha256"] = json!(hex_sha256(&artifact_content("f.iso")));
    let mut stream = Stream::of(iso).json();
    let x86 = &mut stream["architectures"]["x86_64"];
    x86["images"] = json!({"aws": {"regions": {"us-east-1": {"release": BUILD, "image": "ami-1"}}}});
    let checkout = |stream: &Value| Checkout::empty().file("data/data/coreos/rhcos.json", stream.to_string());
    let meta = |hvm: &str, id: &str| {
        json!({"buildid": id, "coreos-assembler.basearch": "x86_64", "images": {
            "live-iso": {"path": "rhcos-1-live.x86_64.iso", "sha256": hex_sha256(&artifact_content("f.iso"))},
            "vmware": {"path": "rhcos-1-vmware.x86_64.ova", "sha256": "ab".repeat(32)},
        }, "amis": [{"name": "us-east-1", "hvm": hvm, "snapshot": "snap-1"}]})
        .to_string()
    };
    let left_out = "the document lacks x86_64/vmware/ova/disk, which the build has";
    let cases = [
        (meta("ami-1", BUILD), 0, "", &[left_out][..]),
        (
            meta("ami-2", BUILD),
            1,
            "meta.json says x86_64 images.aws.regions.us-east-1.image is ami-2",
            &[left_out],
        ),
        (meta("ami-1", "9.6.20250101-0"), 1, "meta.json beside it is of build 9.6.20250101-0", &[]),
        // Truncated metadata contradicts nothing by what is missing.
        (meta("ami-2", BUILD).replace("snap-1\"", "snap-1"), 0, "", &[]),
    ];
    for (meta, status, message, warnings) in cases {
        server.put("/b/meta.json", file(meta));
        let asked = server.request_count();
        let report = check_locally(checkout(&stream)).run().exits(status).report();
        let artifact = report.only();
        assert!(artifact["message"].as_str().unwrap().contains(message), "{artifact}");
        assert_eq!(artifact["reason"], if status == 0 { Value::Null } else { json!("metadata-conflict") });
        let said: Vec<&str> =
            artifact["warnings"].as_array().unwrap().iter().map(|it| it.as_str().unwrap()).collect();
        let left_out: Vec<&str> = said.into_iter().filter(|it| it.contains("the document lacks")).collect();
        assert_eq!(left_out, warnings);
        assert_eq!(server.request_count() - asked, 3, "only the file and two sidecars");
    }
}

/// If only the document's size counted, a published digest of the whole file would prove a truncated one.
#[test]
fn the_content_is_read_where_sizes_are_contested() {
    let server = Server::start();
    let whole = artifact_content("f.iso");
    let short = whole.len() - 1;
    let meta = meta_json("x", [("f.iso", &whole)]);
    server.put("/b/meta.json", file(meta));
    for (bytes, size, reason, downloads) in [
        (&whole[..], whole.len(), Value::Null, 0),
        (&whole[..short], short, json!("sha256-mismatch"), 1),
        (&whole[..short], whole.len(), json!("size-mismatch"), 0),
    ] {
        server.forget();
        server.put("/b/f.iso", file(bytes.to_vec()));
        let mut component = component(&server.url("/b/f.iso"));
        component["size"] = json!(size);
        let program = check_locally(Checkout::of(&Stream::of(component))).args(["--verify", "auto"]);
        let report = program.run().report();
        let artifact = report.only();
        assert_eq!(artifact["reason"], reason, "{artifact:#}");
        assert_eq!(server.count("GET", "/b/f.iso"), downloads);
    }
}
