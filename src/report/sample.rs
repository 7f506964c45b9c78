//! Sample reports for tests, made from documents and evidence by the real judge.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::location::ArtifactUrl;
use crate::probe::{
    Absence, ContentEvidence, DigestSource, Evidence, Observation, ProbeError, ProbeErrorKind,
    PublishedDigest, Refusal, Uncompressed,
};
use crate::report::advise;
use crate::report::model::{
    ArtifactReport, Changes, DocumentReport, ProwContext, Report, ReportedTarget, TargetKind,
};
use crate::stream::{BuildFile, Document, Sha256, Skipped};
use crate::verdict::{Expectation, Reason, Strictness, Verify, judge};

const RHEL_9: &str = "data/data/coreos/coreos-rhel-9.json";
const RHEL_10: &str = "data/data/coreos/coreos-rhel-10.json";
const ART: &str = "https://rhcos.mirror.openshift.com/art/storage/prod/streams";
const BRIDGE: &str = "https://releases-art-rhcos.svc.ci.openshift.org/art/storage/prod/streams";
const BUILD_9: &str = "9.6.20251015-1";
const BUILD_10: &str = "10.2.20260403-0";
const RIGHT: Sha256 = Sha256::from_bytes([0x2e; 32]);
const SIZE: u64 = 1_187_512_320;

/// A document with these artifacts, all of one build.
fn document(name: &str, build: &str, base: &str, ids: &[[&str; 4]]) -> Document {
    let mut architectures = json!({});
    for [arch, platform, format, component] in ids {
        let rhel = build.rsplit_once(".20").map_or(build, |(rhel, _)| rhel);
        let url = format!("{base}/rhel-{rhel}/builds/{build}/{arch}/rhcos-{build}");
        let entry = &mut architectures[*arch]["artifacts"][*platform];
        entry["release"] = Value::from(build);
        entry["formats"][*format][*component] = json!({
            "location": format!("{url}-{platform}-{component}.{arch}.{format}"),
            "sha256": RIGHT.to_string(),
        });
    }
    let document = json!({ "stream": "rhcos-4.22", "architectures": architectures });
    Document::parse(name, document.to_string().as_bytes()).unwrap()
}

fn rhel_9() -> Document {
    let mut ids = Vec::new();
    for arch in ["x86_64", "aarch64", "ppc64le", "s390x"] {
        ids.push([arch, "metal", "iso", "disk"]);
        ids.extend(["kernel", "initramfs", "rootfs"].map(|component| [arch, "metal", "pxe", component]));
        ids.push([arch, "qemu", "qcow2.gz", "disk"]);
    }
    document(RHEL_9, BUILD_9, ART, &ids)
}

fn rhel_10() -> Document {
    let rest = [["x86_64", "qemu", "qcow2.gz", "disk"], ["aarch64", "openstack", "qcow2.gz", "disk"]];
    let mut document = document(RHEL_10, BUILD_10, ART, &rest);
    let on_bridge = self::document(RHEL_10, BUILD_10, BRIDGE, &[["x86_64", "aws", "vmdk.gz", "disk"]]);
    document.artifacts.splice(0..0, on_bridge.artifacts);
    document
}

fn expectation(verify: Verify) -> Expectation {
    Expectation {
        sha256: RIGHT,
        uncompressed_sha256: None,
        size: None,
        uncompressed_size: None,
        legacy: Vec::new(),
        claim: None,
        names_signature: true,
        verify,
        signatures: Strictness::Warn,
    }
}

fn present(size: u64) -> Evidence {
    Evidence { attempts: 1, ..Evidence::only(Observation::Present { status: 200, size: Some(size) }) }
}

fn of_meta_json(sha256: Sha256) -> Vec<BuildFile> {
    let said_by = "meta.json".into();
    let (sha256, size) = (Some(sha256), Some(SIZE));
    vec![BuildFile { said_by, sha256, size, uncompressed_sha256: None, uncompressed_size: None }]
}

/// A file that is present and has the right digest in `sha256sum.txt`.
fn passing() -> Evidence {
    with_sum(RIGHT, SIZE)
}

fn with_sum(sha256: Sha256, size: u64) -> Evidence {
    let sum = PublishedDigest { source: DigestSource::Sha256sumTxt, sha256, can_prove: true };
    Evidence { published: vec![sum], meta_json: of_meta_json(RIGHT), ..present(size) }
}

fn absent(status: u16, how: Absence) -> Evidence {
    Evidence { attempts: 1, ..Evidence::only(Observation::Absent { status, how }) }
}

/// Evidence that leads to a reason.
fn evidence(reason: Reason) -> Evidence {
    let refused = |refusal| Evidence::only(Observation::Refused(refusal));
    let unknown = |kind, status, detail: &str| {
        let error = ProbeError { kind, status, detail: detail.to_owned() };
        Evidence { attempts: 4, ..Evidence::only(Observation::Undetermined(error)) }
    };
    let host = "releases-art-rhcos.svc.ci.openshift.org".to_owned();
    match reason {
        Reason::BadLocation => {
            refused(Refusal::BadLocation(ArtifactUrl::parse("ftp://mirror.openshift.com/f").unwrap_err()))
        }
        Reason::NotPublished => refused(Refusal::Bridge { host }),
        Reason::HostNotAllowed => refused(Refusal::Host { host: "evil.example".into() }),
        Reason::RedirectNotAllowed => {
            refused(Refusal::Redirect { target: "http://10.0.0.1/".into(), why: "which is not https" })
        }
        Reason::AddressNotAllowed => {
            refused(Refusal::Address { host: "m.example".into(), addresses: "10.0.0.1".into() })
        }
        // The last two come from another judge; [`of_reason`] replaces the reason.
        Reason::Missing | Reason::BadReference | Reason::ImageMismatch => absent(404, Absence::Status),
        Reason::SizeMismatch => with_sum(RIGHT, 4_096),
        Reason::Sha256Mismatch => with_sum(Sha256::from_bytes([0xab; 32]), SIZE),
        Reason::UncompressedSha256Mismatch => {
            let sha256 = Sha256::from_bytes([0xcd; 32]);
            let uncompressed = Some(Uncompressed::Whole { bytes: 7, sha256 });
            let content = ContentEvidence { bytes: SIZE, sha256: RIGHT, uncompressed, resumed: false };
            Evidence { content: Some(Ok(content)), ..passing() }
        }
        Reason::MetadataConflict => {
            Evidence { meta_json: of_meta_json(Sha256::from_bytes([0xcd; 32])), ..passing() }
        }
        Reason::BadSignature => passing(),
        Reason::Unreachable => unknown(
            ProbeErrorKind::Unreachable,
            None,
            "no connection to rhcos.mirror.openshift.com could be made: connection refused",
        ),
        Reason::Timeout => unknown(ProbeErrorKind::Timeout, None, "no answer within 30s"),
        Reason::ServerError => unknown(ProbeErrorKind::ServerError, Some(503), "the server answered 503"),
        Reason::RateLimited => unknown(ProbeErrorKind::RateLimited, Some(429), "the server answered 429"),
        Reason::Deadline => Evidence::unanswered(),
        Reason::NoDigest => present(SIZE),
    }
}

/// The report of one of the document's artifacts.
fn judged(document: &Document, at: usize, evidence: &Evidence, signatures: Strictness) -> ArtifactReport {
    let artifact = &document.artifacts[at];
    let inner = Sha256::from_bytes([3; 32]);
    let expected = Expectation {
        signatures,
        uncompressed_sha256: evidence.content.as_ref().map(|_| inner),
        ..expectation(Verify::Published)
    };
    let has_answered = matches!(evidence.file, Observation::Present { .. } | Observation::Absent { .. });
    let evidence = Evidence {
        answered_by: has_answered.then(|| "rhcos.mirror.openshift.com".into()),
        signature: evidence.signature.clone().or(Some(Observation::Present { status: 200, size: Some(1) })),
        ..evidence.clone()
    };
    let id = format!("{}:{}", document.name, artifact.id);
    let url = (!artifact.location.starts_with(BRIDGE)).then(|| artifact.location.clone());
    let mut report = ArtifactReport::of(&document.name, &id, artifact, url, &judge(&expected, &evidence));
    report.index = at;
    report
}

/// An artifact that did not pass for this reason.
pub(super) fn of_reason(reason: Reason) -> ArtifactReport {
    let mut evidence = evidence(reason);
    if reason == Reason::BadSignature {
        evidence.signature = Some(Observation::Absent { status: 404, how: Absence::Status });
    }
    let mut report = judged(&rhel_9(), 0, &evidence, Strictness::Require);
    if matches!(reason, Reason::BadReference | Reason::ImageMismatch) {
        report.reason = Some(reason);
    }
    assert_eq!(report.reason, Some(reason), "{}", report.message);
    report
}

/// The report of a Prow job over these documents.
fn of(documents: &[Document], artifacts: Vec<ArtifactReport>) -> Report {
    let mut report = Report::begun(ReportedTarget { kind: TargetKind::Published, prefix: None });
    report.version = "0.2.0".into();
    report.prow = prow();
    report.elapsed_ms = 1_234;
    let documents = documents.iter().map(|document| DocumentReport {
        name: Arc::clone(&document.name),
        sha256: document.sha256,
        artifacts: document.artifacts.len(),
    });
    report.documents = documents.collect();
    let (name, why) = ("data/data/coreos/marketplace/aws.json".into(), "no stream metadata".into());
    report.skipped = vec![Skipped { name, why }];
    let mut report = report.of(artifacts);
    advise(&mut report, |document| Some(document.to_owned()));
    report.request = crate::handoff::request::write(&report);
    report
}

/// Every verdict and several reasons, over two documents.
pub(crate) fn report() -> Report {
    let documents = [rhel_9(), rhel_10()];
    let why = |document: usize, at: usize| match (document, at) {
        (0, 3 | 8) => Some(Reason::Missing),
        (0, 9) => Some(Reason::Sha256Mismatch),
        (0, 13) => Some(Reason::SizeMismatch),
        (0, 16) => Some(Reason::Unreachable),
        (1, 0) => Some(Reason::NotPublished),
        (1, 1) => Some(Reason::MetadataConflict),
        (1, 2) => Some(Reason::NoDigest),
        _ => None,
    };
    let mut artifacts = Vec::new();
    for (number, document) in documents.iter().enumerate() {
        for at in 0..document.artifacts.len() {
            let mut evidence = why(number, at).map_or_else(passing, evidence);
            if artifacts.is_empty() {
                evidence.signature = Some(Observation::Absent { status: 404, how: Absence::Status });
            }
            artifacts.push(judged(document, at, &evidence, Strictness::Warn));
        }
    }
    for (index, artifact) in artifacts.iter_mut().enumerate() {
        artifact.index = index;
    }
    let mut report = of(&documents, artifacts);
    report
        .notes
        .push("OPENSHIFT_INSTALL_COREOS_STREAM_PREFIX is set but ignored because of --published".into());
    report
}

/// A run over one artifact, which passes.
pub(crate) fn pass() -> Report {
    let document = document(RHEL_9, BUILD_9, ART, &[["x86_64", "metal", "iso", "disk"]]);
    let artifact = judged(&document, 0, &passing(), Strictness::Warn);
    of(&[document], vec![artifact])
}

/// A run over this many artifacts, which are all missing.
pub(crate) fn large(artifacts: usize) -> Report {
    let platforms: Vec<String> = (0..artifacts).map(|number| format!("p{number:05}")).collect();
    let ids: Vec<_> = platforms.iter().map(|platform| ["x86_64", platform, "raw.gz", "disk"]).collect();
    let document = document(RHEL_9, BUILD_9, ART, &ids);
    let missing = evidence(Reason::Missing);
    let artifacts = (0..artifacts).map(|at| judged(&document, at, &missing, Strictness::Warn)).collect();
    of(&[document], artifacts)
}

/// A run whose filters matched nothing.
pub(super) fn empty() -> Report {
    of(&[rhel_9(), rhel_10()], Vec::new())
}

/// A run that could not check anything.
pub(super) fn unusable(problem: &str) -> Report {
    let mut report = Report::begun(ReportedTarget { kind: TargetKind::Published, prefix: None });
    report.problems = vec![problem.into(), "a second problem".into()];
    report
}

/// Changes of the sample's documents: one artifact is added, one removed, one has another digest, one another location.
/// All others are unchanged.
pub(super) fn changes(report: &Report) -> Changes {
    let mut before = rhel_9();
    let after = [rhel_9(), rhel_10()];
    before.artifacts[3].sha256 = Sha256::from_bytes([0x11; 32]);
    before.artifacts[3].release = "9.6.20250101-0".into();
    before.artifacts[4].location = format!("{ART}/old");
    before.artifacts[0].id.platform = "exoscale".into();
    assert!(report.artifacts.iter().any(|artifact| artifact.document == before.name));
    let (base, commit) = ("main".into(), "1be3d1d1cbade5058484306ecc51c2c4e4398c58".into());
    Changes::between(base, commit, &[before, rhel_10()], &after.each_ref(), true)
}

/// A report with artifacts of each verdict and all optional parts, in which every text is this one.
pub(super) fn hostile(text: &str) -> Report {
    let mut report = report();
    let name: Arc<str> = text.into();
    let of = |reason| report.artifacts.iter().find(|artifact| artifact.reason == reason).cloned().unwrap();
    let reasons = [None, Some(Reason::Missing), Some(Reason::NotPublished), Some(Reason::Unreachable)];
    let artifacts = reasons.map(of).map(|artifact| ArtifactReport {
        document: Arc::clone(&name),
        id: [text; 5].join(":"),
        arch: Arc::clone(&name),
        platform: Arc::clone(&name),
        format: Arc::clone(&name),
        component: Arc::clone(&name),
        release: Arc::clone(&name),
        location: text.into(),
        url: Some(text.into()),
        message: text.into(),
        advice: artifact.reason.map(|_| text.into()),
        warnings: vec![text.into()],
        ..artifact
    });
    let mut changes = changes(&report);
    (changes.base, changes.commit) = (text.into(), text.into());
    changes.documents.clear();
    for change in &mut changes.artifacts {
        (change.document, change.id) = (Arc::clone(&name), text.into());
        for pinned in change.before.iter_mut().chain(&mut change.after) {
            (pinned.release, pinned.location) = (Arc::clone(&name), text.into());
        }
    }
    report = report.of(artifacts.into());
    report.documents.truncate(1);
    report.documents[0].name = name;
    let some = || Some(text.to_owned());
    report.prow = ProwContext {
        job_name: some(),
        build_id: some(),
        repo_owner: some(),
        repo_name: some(),
        pull_number: some(),
        pull_base_ref: some(),
        pull_pull_sha: some(),
    };
    report.version = text.into();
    report.skipped = vec![Skipped { name: text.into(), why: text.into() }];
    report.request = some();
    report.notes = vec![text.into()];
    report.changes = Some(changes);
    report.interrupted_by = some();
    report.target = ReportedTarget { kind: TargetKind::Mirror, prefix: some() };
    report
}

pub(crate) fn prow() -> ProwContext {
    let some = |text: &str| Some(text.to_owned());
    ProwContext {
        job_name: some("pull-ci-openshift-installer-main-art-mirror-validate"),
        build_id: some("1987654321098765312"),
        repo_owner: some("openshift"),
        repo_name: some("installer"),
        pull_number: some("4821"),
        pull_base_ref: some("main"),
        pull_pull_sha: some("5d2f0c3a9be1774f6d0a1c52b7e1f4a3c9d8e7f6"),
    }
}
