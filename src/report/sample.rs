//! Reports to test with.

use std::sync::Arc;

use crate::probe::DigestSource;
use crate::report::advise;
use crate::report::model::{
    ArtifactReport, Change, ChangeKind, Changes, Pinned, Report, SCHEMA_VERSION, Sha256Report, SizeReport,
    Summary, Target, TargetKind, UncompressedReport,
};
use crate::report::{DocumentContext, ProwContext, RunContext, SkippedFile};
use crate::stream::Sha256;
use crate::verdict::{Reason, SizeSource, Verdict};

const RHEL_9: &str = "data/data/coreos/coreos-rhel-9.json";
const RHEL_10: &str = "data/data/coreos/coreos-rhel-10.json";
const ART: &str = "https://rhcos.mirror.openshift.com/art/storage/prod/streams";

/// A passing artifact.
pub(super) fn passing(document: &str, id: [&str; 4], release: &str) -> ArtifactReport {
    let [arch, platform, format, component] = id;
    let location =
        format!("{ART}/rhel-9.6/builds/{release}/{arch}/rhcos-{release}-{platform}.{arch}.{format}");
    let digest = Sha256::from_bytes([0x2e; 32]);
    ArtifactReport {
        index: 0,
        document: Arc::from(document),
        id: format!("{document}:{}", id.join("/")),
        arch: Arc::from(arch),
        platform: Arc::from(platform),
        format: Arc::from(format),
        component: Arc::from(component),
        release: Arc::from(release),
        url: Some(location.clone()),
        location,
        verdict: Verdict::Pass,
        reason: None,
        message: "there, with the right size and the sha256 of sha256sum.txt".into(),
        advice: None,
        http_status: Some(200),
        answered_by: Some("rhcos.mirror.openshift.com".into()),
        size: SizeReport {
            expected: Some(1_187_512_320),
            expected_from: Some(SizeSource::MetaJson),
            observed: Some(1_187_512_320),
        },
        sha256: Sha256Report {
            expected: digest,
            observed: Some(digest),
            observed_from: Some(DigestSource::Sha256sumTxt),
        },
        uncompressed_sha256: UncompressedReport::default(),
        attempts: 1,
        warnings: Vec::new(),
    }
}

/// The same artifact, not passing. An empty advice is none.
pub(super) fn not_passing(
    mut artifact: ArtifactReport,
    reason: Reason,
    message: &str,
    advice: &str,
) -> ArtifactReport {
    artifact.verdict = reason.verdict();
    artifact.reason = Some(reason);
    artifact.message = message.into();
    artifact.advice = (!advice.is_empty()).then(|| advice.into());
    artifact.sha256.observed = None;
    artifact.sha256.observed_from = None;
    artifact
}

/// The report of these artifacts, its verdict and counts as they follow.
pub(super) fn of(artifacts: Vec<ArtifactReport>) -> Report {
    let of_verdict =
        |verdict| artifacts.iter().filter(|artifact: &&ArtifactReport| artifact.verdict == verdict).count();
    let summary = Summary {
        artifacts: artifacts.len(),
        passed: of_verdict(Verdict::Pass),
        failed: of_verdict(Verdict::Fail),
        inconclusive: of_verdict(Verdict::Inconclusive),
        warnings: artifacts.iter().map(|artifact| artifact.warnings.len()).sum(),
    };
    Report {
        schema_version: SCHEMA_VERSION,
        verdict: artifacts.iter().map(|artifact| artifact.verdict).max().unwrap_or(Verdict::Pass),
        target: Target { kind: TargetKind::Published, prefix: None },
        summary,
        verify: None,
        partition: None,
        documents: Vec::new(),
        artifacts,
        changes: None,
        problems: Vec::new(),
        interrupted_by: None,
        elapsed_ms: 1_234,
        notes: Vec::new(),
    }
}

/// Every verdict and several reasons, over two documents.
pub(crate) fn report() -> Report {
    let nine = "9.6.20251015-1";
    let ten = "10.2.20260403-0";
    let mut artifacts = Vec::new();
    for arch in ["x86_64", "aarch64", "ppc64le", "s390x"] {
        for (platform, format, component) in [
            ("metal", "iso", "disk"),
            ("metal", "pxe", "kernel"),
            ("metal", "pxe", "initramfs"),
            ("metal", "pxe", "rootfs"),
            ("qemu", "qcow2.gz", "disk"),
        ] {
            artifacts.push(passing(RHEL_9, [arch, platform, format, component], nine));
        }
    }
    artifacts.push(passing(RHEL_10, ["x86_64", "aws", "vmdk.gz", "disk"], ten));
    artifacts.push(passing(RHEL_10, ["x86_64", "qemu", "qcow2.gz", "disk"], ten));
    artifacts.push(passing(RHEL_10, ["aarch64", "openstack", "qcow2.gz", "disk"], ten));

    let replace = |artifacts: &mut Vec<ArtifactReport>, at: usize, reason, message: &str| {
        artifacts[at] = not_passing(artifacts[at].clone(), reason, message, "");
    };

    for at in [3, 8] {
        replace(&mut artifacts, at, Reason::Missing, "the server has no such file (404)");
        artifacts[at].http_status = Some(404);
        artifacts[at].size.observed = None;
    }
    replace(&mut artifacts, 13, Reason::SizeMismatch, "the file is 4096 bytes, not 1187512320");
    artifacts[13].size.observed = Some(4_096);
    replace(&mut artifacts, 9, Reason::Sha256Mismatch, "sha256sum.txt has another sha256 than the document");
    artifacts[9].sha256.observed = Some(Sha256::from_bytes([0xab; 32]));
    artifacts[9].sha256.observed_from = Some(DigestSource::Sha256sumTxt);
    replace(
        &mut artifacts,
        20,
        Reason::NotPublished,
        "the location is on a bridge, from which nothing may be merged",
    );
    artifacts[20].location =
        "https://releases-art-rhcos.svc.ci.openshift.org/art/storage/releases/rhcos-4.21/10.2.20260403-0/x86_64/rhcos-10.2.20260403-0-aws.x86_64.vmdk.gz".into();
    artifacts[20].url = None;
    artifacts[20].http_status = None;
    artifacts[20].attempts = 0;
    artifacts[20].size.observed = None;
    replace(
        &mut artifacts,
        21,
        Reason::MetadataConflict,
        "the build's meta.json has another sha256 than the document",
    );
    artifacts[21].sha256.observed = Some(Sha256::from_bytes([0xcd; 32]));
    artifacts[21].sha256.observed_from = Some(DigestSource::MetaJson);
    replace(
        &mut artifacts,
        16,
        Reason::Unreachable,
        "no connection to rhcos.mirror.openshift.com could be made: connection refused",
    );
    artifacts[16].http_status = None;
    artifacts[16].size.observed = None;
    artifacts[16].attempts = 4;
    replace(
        &mut artifacts,
        22,
        Reason::NoDigest,
        "the server publishes no sha256 of the file, and its content was not read",
    );
    artifacts[0].warnings.push("no signature at the location's .sig (404)".into());

    let mut report = of(artifacts);
    report
        .notes
        .push("OPENSHIFT_INSTALL_COREOS_STREAM_PREFIX is set and ignored, because of --published".into());
    advise(&mut report, &context(), |document| Some(document.to_owned()));
    report
}

/// One passing artifact.
pub(crate) fn pass() -> Report {
    of(vec![passing(RHEL_9, ["x86_64", "metal", "iso", "disk"], "9.6.20251015-1")])
}

/// So many missing artifacts.
pub(crate) fn large(artifacts: usize) -> Report {
    let mut report = of((0..artifacts)
        .map(|number| {
            let platform = format!("p{number}");
            let artifact = passing(RHEL_9, ["x86_64", &platform, "raw.gz", "disk"], "9.6.20251015-1");
            not_passing(artifact, Reason::Missing, "the server has no such file (404)", "")
        })
        .collect());
    advise(&mut report, &context(), |document| Some(document.to_owned()));
    report
}

/// One artifact of each verdict, every text of which is this one.
pub(super) fn hostile(text: &str) -> Report {
    let reasons = [None, Some(Reason::Missing), Some(Reason::BadLocation), Some(Reason::ServerError)];
    let mut report = of(reasons
        .into_iter()
        .map(|reason| {
            let mut artifact = passing(text, [text; 4], text);
            if let Some(reason) = reason {
                artifact = not_passing(artifact, reason, text, text);
            }
            artifact.location = text.into();
            artifact.url = Some(text.into());
            artifact.warnings = vec![text.into()];
            artifact
        })
        .collect());
    report.notes = vec![text.into()];
    report.changes = Some(hostile_changes(text));
    report.interrupted_by = Some(text.into());
    report.target = Target { kind: TargetKind::Mirror, prefix: Some(text.into()) };
    report
}

fn hostile_changes(text: &str) -> Changes {
    let pinned = Pinned { release: text.into(), sha256: Sha256::from_bytes([1; 32]), location: text.into() };
    let change = Change {
        document: text.into(),
        id: format!("{text}:{text}"),
        change: ChangeKind::NewDigest,
        before: Some(Pinned { release: format!("{text}x").into(), ..pinned.clone() }),
        after: Some(pinned),
    };
    Changes { base: text.into(), commit: text.into(), artifacts: vec![change] }
}

/// Changes of three of the sample's artifacts, one of which did not pass, and one that is gone.
pub(super) fn changes(report: &Report) -> Changes {
    let was = |release: &str| Pinned {
        release: release.into(),
        sha256: Sha256::from_bytes([0x11; 32]),
        location: format!("{ART}/old"),
    };
    let kinds = [(0, ChangeKind::Added), (3, ChangeKind::NewDigest), (4, ChangeKind::NewLocation)];
    let mut artifacts: Vec<Change> = kinds
        .into_iter()
        .map(|(at, change)| {
            let artifact = &report.artifacts[at];
            Change {
                document: artifact.document.clone(),
                id: artifact.id.clone(),
                change,
                before: (change != ChangeKind::Added).then(|| was("9.6.20250101-0")),
                after: Some(was(&artifact.release)),
            }
        })
        .collect();
    artifacts.push(Change {
        document: RHEL_9.into(),
        id: format!("{RHEL_9}:x86_64/exoscale/qcow2/disk"),
        change: ChangeKind::Removed,
        before: Some(was("9.6.20250101-0")),
        after: None,
    });
    Changes { base: "main".into(), commit: "1be3d1d1cbade5058484306ecc51c2c4e4398c58".into(), artifacts }
}

/// A run that could not check anything.
pub(super) fn unusable(problem: &str) -> Report {
    let mut report = of(vec![]);
    report.verdict = Verdict::Inconclusive;
    report.problems = vec![problem.into(), "a second problem".into()];
    report
}

/// A context, every text of which is this one.
pub(super) fn hostile_context(text: &str) -> RunContext {
    let some = || Some(text.to_owned());
    RunContext {
        tool_version: text.into(),
        prow: ProwContext {
            job_name: some(),
            build_id: some(),
            repo_owner: some(),
            repo_name: some(),
            pull_number: some(),
            pull_base_ref: some(),
            pull_pull_sha: some(),
        },
        documents: vec![DocumentContext { name: text.into(), artifacts: 4 }],
        skipped: vec![SkippedFile { name: text.into(), why: text.into() }],
        request: some(),
    }
}

/// A job of Prow's, with the request that follows from its report.
pub(super) fn context_of(report: &Report) -> RunContext {
    RunContext { request: crate::handoff::request::write(report, &context()), ..context() }
}

/// A job of Prow's.
pub(crate) fn context() -> RunContext {
    let some = |text: &str| Some(text.to_owned());
    RunContext {
        tool_version: "0.1.0".into(),
        prow: ProwContext {
            job_name: some("pull-ci-openshift-installer-main-art-mirror-validate"),
            build_id: some("1987654321098765312"),
            repo_owner: some("openshift"),
            repo_name: some("installer"),
            pull_number: some("4821"),
            pull_base_ref: some("main"),
            pull_pull_sha: some("5d2f0c3a9be1774f6d0a1c52b7e1f4a3c9d8e7f6"),
        },
        documents: vec![
            DocumentContext { name: RHEL_9.into(), artifacts: 20 },
            DocumentContext { name: RHEL_10.into(), artifacts: 3 },
        ],
        skipped: vec![SkippedFile {
            name: "data/data/coreos/marketplace/aws.json".into(),
            why: "no stream metadata".into(),
        }],
        request: None,
    }
}
