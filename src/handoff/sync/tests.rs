use super::*;
use crate::report::model::{ReportedTarget, TargetKind};
use crate::stream::Document;

const BRIDGE: &str = "https://bridge.example/art/storage";
const MIRROR: &str = "https://mirror.openshift.com/pub/openshift-v4/x86_64/dependencies/rhcos";
const RELEASES: &str =
    "releases/rhcos-4.8/48.84.202107202156-0/x86_64/rhcos-48.84.202107202156-0-qemu.x86_64.qcow2.gz";
const STREAMS: &str =
    "prod/streams/rhel-9.6/builds/9.6.20251015-1/x86_64/rhcos-9.6.20251015-1-qemu.x86_64.qcow2.gz";

/// A file's path below the bridge, its destination, and the byte that its digest repeats.
type Available<'a> = (&'a str, &'a str, u8);

fn list(available: &[Available<'_>]) -> SyncList {
    let documents: Vec<Sourced> = available
        .iter()
        .map(|(_, destination, digest)| {
            let text = format!(
                r#"{{"stream": "s", "architectures": {{"x86_64": {{"artifacts": {{"qemu": {{"release": "",
                "formats": {{"qcow2.gz": {{"disk": {{"location": "{destination}", "sha256": "{}"}}}}}}}}}}}}}}}}"#,
                Sha256::from_bytes([*digest; 32])
            );
            Sourced { document: Document::parse("d", text.as_bytes()).unwrap(), legacy: Arc::default() }
        })
        .collect();
    let candidate = |(sourced, (at_bridge, destination, _)): (_, &Available<'_>)| {
        let sourced: &Sourced = sourced;
        Candidate {
            url: Some(ArtifactUrl::parse(&format!("{BRIDGE}/{at_bridge}")).unwrap()),
            state: SyncState::Missing,
            ..Candidate::new(sourced, &sourced.document.artifacts[0], ArtifactUrl::parse(destination).ok())
        }
    };
    let candidates = documents.iter().zip(available).map(candidate).collect();
    let published = ReportedTarget { kind: TargetKind::Published, prefix: None };
    SyncList::of(candidates, published, None, &ProwContext::default())
}

/// Paths below the mirror, and their contents.
type Answers<'a> = &'a [(&'a str, &'a str)];

fn answered(destination: &str, answers: Answers<'_>) -> SyncList {
    let mut list = list(&[(STREAMS, &format!("{MIRROR}/{destination}"), 1)]);
    let answer = |(path, text): &(&str, &str)| {
        let url = ArtifactUrl::parse(&format!("{MIRROR}/{path}")).unwrap();
        (url, if *text == "down" { Err("down".to_owned()) } else { Ok(Some(text.as_bytes().to_vec())) })
    };
    let answers: BTreeMap<_, _> = answers.iter().map(answer).collect();
    for url in answers.keys() {
        assert!(list.builds[0].state_files().contains(url), "{url} is not requested");
    }
    list.builds[0].evaluate(&answers, false);
    list.assign_lists();
    list
}

#[test]
fn a_file_is_listed_once_and_with_one_digest() {
    let destination = format!("{MIRROR}/4.8/4.8.2/rhcos-4.8.2-x86_64-qemu.x86_64.qcow2.gz");
    let listed = |digests: &[u8]| {
        let available: Vec<Available<'_>> =
            digests.iter().map(|digest| (RELEASES, &*destination, *digest)).collect();
        let list = list(&available);
        (
            list.builds.iter().map(|build| build.files.len()).sum::<usize>(),
            list.builds[0].refused.len(),
            list.unlisted.iter().map(|it| it.why).collect::<Vec<_>>(),
        )
    };
    assert_eq!(listed(&[1, 1]), (1, 0, vec![]));
    assert_eq!(listed(&[1, 2]), (1, 1, vec![WhyUnlisted::NotForArt]), "the documents contradict each other");
}

#[test]
fn the_job_gets_lists_of_what_it_can_write() {
    let cases = [
        (RELEASES, "4.8/4.8.2/rhcos-4.8.2-x86_64-qemu.x86_64.qcow2.gz", Some(("4.8.2", "4.8"))),
        (
            RELEASES,
            "pre-release/4.8.0-rc.0/rhcos-4.8.0-rc.0-x86_64-qemu.x86_64.qcow2.gz",
            Some(("4.8.0-rc.0", "pre-release")),
        ),
        (
            STREAMS,
            "pre-release/dev-4.20/rhcos-dev-4.20-x86_64-qemu.x86_64.qcow2.gz",
            Some(("dev-4.20", "pre-release")),
        ),
        // The job puts the architecture into every name.
        (RELEASES, "4.8/48.84.202107202156-0/rhcos-48.84.202107202156-0-qemu.x86_64.qcow2.gz", None),
        (RELEASES, "4.8/latest/rhcos-4.8.2-x86_64-qemu.x86_64.qcow2.gz", None),
        (RELEASES, "4.8/4.8.2/rhcos-qemu.x86_64.qcow2.gz", None),
    ];
    for (at_bridge, destination, expected) in cases {
        let list = list(&[(at_bridge, &format!("{MIRROR}/{destination}"), 1)]);
        let build = &list.builds[0];
        let job = build.sync_job.as_ref().filter(|_| build.refused.is_empty());
        assert_eq!(job.map(|job| (&*job.version, &*job.mirror_prefix)), expected, "{:?}", build.refused);
        assert!(
            build.sync_job.iter().all(|job| job.base_dir == "/pub/openshift-v4/x86_64/dependencies/rhcos")
        );
    }
    let cdn = format!("https://rhcos.mirror.openshift.com/art/storage/{STREAMS}");
    let pipeline = list(&[(STREAMS, &cdn, 1)]);
    assert_eq!(
        pipeline.builds[0].upload_to.as_deref(),
        Some("prod/streams/rhel-9.6/builds/9.6.20251015-1/x86_64/")
    );
    assert_eq!((&pipeline.builds[0].sync_job, pipeline.builds[0].refused.len()), (&None, 0));
    let elsewhere = [
        format!("https://builds.coreos.fedoraproject.org/{STREAMS}"),
        MIRROR.replace("/pub/", "/other/") + "/4.20/4.20.1/rhcos-4.20.1-x86_64-qemu.x86_64.qcow2.gz",
        MIRROR.replace("mirror.", "rhcos.mirror.") + "/4.20/4.20.1/rhcos-4.20.1-x86_64-qemu.x86_64.qcow2.gz",
    ];
    for url in elsewhere {
        let list = list(&[(STREAMS, &url, 1)]);
        assert_eq!(
            (list.builds[0].refused[0].why, &list.builds[0].sync_job),
            (WhyRefused::NotArts, &None),
            "{url}"
        );
    }
}

#[test]
fn latest_is_not_downgraded() {
    let stable = "4.20/4.20.1/rhcos-4.20.1-x86_64-qemu.x86_64.qcow2.gz";
    let early = "pre-release/4.20.0-ec.1/rhcos-4.20.0-ec.1-x86_64-qemu.x86_64.qcow2.gz";
    let nightly = "pre-release/dev-4.20/rhcos-dev-4.20-x86_64-qemu.x86_64.qcow2.gz";
    let (older, newer) = ("9.6.20250101-0\n", "9.6.20260101-0\n");
    let cases: [(&str, Answers<'_>, bool, usize); 11] = [
        (stable, &[], false, 0),
        (stable, &[("4.20/latest/rhcos-id.txt", "9.6.20251015-1\n")], false, 0),
        (stable, &[("4.20/latest/rhcos-id.txt", older)], false, 1),
        (stable, &[("4.20/latest/rhcos-id.txt", newer)], true, 1),
        (stable, &[("latest/rhcos-id.txt", newer)], true, 1),
        (stable, &[("latest/rhcos-id.txt", newer), ("4.21/latest/rhcos-id.txt", newer)], false, 0),
        (stable, &[("latest/rhcos-id.txt", "down")], true, 1),
        (stable, &[("latest/rhcos-id.txt", "<html>")], true, 1),
        (early, &[("pre-release/latest-4.20/rhcos-id.txt", newer)], true, 1),
        (
            early,
            &[("pre-release/latest/rhcos-id.txt", newer), ("pre-release/latest-4.21/rhcos-id.txt", newer)],
            false,
            0,
        ),
        (nightly, &[], true, 1),
    ];
    for (destination, answers, no_latest, remarks) in cases {
        let list = answered(destination, answers);
        let build = &list.builds[0];
        let command = build.sync_job.as_ref().unwrap().command.as_ref().unwrap();
        assert_eq!(
            (command.ends_with(" --no-latest"), build.remarks.len()),
            (no_latest, remarks),
            "{answers:?} {build:?}"
        );
    }
}

#[test]
fn the_jenkins_job_has_parameters_if_the_release_determines_the_run() {
    let jenkins = |destination: &str, answers: Answers<'_>| {
        answered(destination, answers).builds[0].sync_job.clone().unwrap().jenkins.map(|it| it.join(" "))
    };
    let file = "qemu.x86_64.qcow2.gz";
    let id = "4.20/4.20.1/rhcos-id.txt";
    let sums = format!("{}  rhcos-qemu.x86_64.qcow2.gz\n", Sha256::from_bytes([1; 32]));
    let mirrored = [(id, "9.6.20251015-1"), ("4.20/4.20.1/sha256sum.txt", &*sums)];
    let stable = format!("4.20/4.20.1/rhcos-4.20.1-x86_64-{file}");
    let parameters = |tag: &str, force: bool| {
        Some(format!("RELEASE_TAG={tag}-x86_64 FORCE={force} NO_LATEST=false SIGN_ONLY=false"))
    };
    assert_eq!(jenkins(&stable, &[]), parameters("4.20.1", false));
    assert_eq!(jenkins(&stable, &mirrored), parameters("4.20.1", true));
    let early = format!("pre-release/4.20.0-ec.1/rhcos-4.20.0-ec.1-x86_64-{file}");
    assert_eq!(jenkins(&early, &[]), parameters("4.20.0-ec.1", false));
    for elsewhere in [
        "4.21/4.20.1/rhcos-4.20.1-x86_64",
        "pre-release/4.20.1/rhcos-4.20.1-x86_64",
        "pre-release/dev-4.20/rhcos-dev-4.20-x86_64",
    ] {
        assert_eq!(jenkins(&format!("{elsewhere}-{file}"), &[]), None, "{elsewhere}");
    }
}
