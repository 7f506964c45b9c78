//! Cloud references: each kind, with each answer of its cloud.

use crate::probe::{Absence, CloudEvidence, Observation, ProbeError, ProbeErrorKind};
use crate::stream::{AccountImage, CloudReference, CloudResource, Sha256};
use crate::verdict::{Reason, Verdict, judge_cloud};

const RELEASE: &str = "9.8.20260403-0";

fn reference(place: &str, resource: CloudResource) -> CloudReference {
    CloudReference {
        arch: "x86_64".into(),
        place: place.to_owned(),
        release: Some(RELEASE.to_owned()),
        resource,
        artifact_release: Some(RELEASE.into()),
    }
}

fn blob() -> CloudReference {
    let url =
        "https://rhcos.blob.core.windows.net/imagebucket/rhcos-9.8.20260403-0-azure.x86_64.vhd".to_owned();
    reference("extensions/azure-disk", CloudResource::Blob { url })
}

fn object(url: &str) -> CloudReference {
    let [region, bucket, object] = ["au-syd", "rhcos-powervs-images-au-syd", "o.ova.gz"].map(str::to_owned);
    reference("images/powervs/au-syd", CloudResource::Object { region, bucket, object, url: url.to_owned() })
}

fn digest() -> Sha256 {
    Sha256::of(b"a manifest")
}

fn container(image: &str, digest_ref: &str) -> CloudReference {
    let [image, digest_ref] = [image, digest_ref].map(str::to_owned);
    reference("images/kubevirt", CloudResource::Container { image, digest_ref })
}

fn account(cloud: &str, images: &[(&str, &str)]) -> CloudReference {
    let images = images.iter().map(|(region, image)| AccountImage {
        region: (!region.is_empty()).then(|| (*region).to_owned()),
        release: Some(RELEASE.to_owned()),
        image: (*image).to_owned(),
        project: Some("rhcos-cloud".to_owned()),
    });
    reference(&format!("images/{cloud}"), CloudResource::Account(images.collect()))
}

fn found(size: Option<u64>) -> CloudEvidence {
    CloudEvidence::only(Observation::Present { status: 200, size })
}

fn unknown() -> ProbeError {
    ProbeError { kind: ProbeErrorKind::Timeout, status: None, detail: "no answer within 5s".to_owned() }
}

/// The verdict, the reason, findings and warnings.
fn summary(reference: &CloudReference, evidence: Option<&CloudEvidence>) -> String {
    let outcome = judge_cloud(reference, evidence);
    let reason = outcome.reason().map(|it| format!(" {}", it.as_str())).unwrap_or_default();
    let findings = outcome.findings.iter().map(ToString::to_string);
    let sentences: Vec<String> =
        findings.chain(outcome.warnings.iter().map(|it| format!("warning: {it}"))).collect();
    format!("{}{reason}|{}", outcome.verdict(), sentences.join("|"))
}

/// Compares the whole text for a pass, else the beginning.
fn assert_summary(reference: &CloudReference, evidence: Option<&CloudEvidence>, says: &str) {
    let said = summary(reference, evidence);
    assert!(said == says || said.starts_with(says) && says != "pass|", "{reference:?} {evidence:?}: {said}");
}

#[test]
fn a_blob_has_whole_pages() {
    let typed =
        |size, blob_type: &str| CloudEvidence { blob_type: Some(blob_type.to_owned()), ..found(size) };
    for (evidence, says) in [
        (typed(Some(1024), "PageBlob"), "pass|"),
        (found(Some(1024)), "pass|"),
        (typed(Some(1024), "BlockBlob"), "fail image-mismatch|it is a BlockBlob, expected a PageBlob"),
        (found(Some(1000)), "fail image-mismatch|it has 1000 bytes"),
        (found(None), "inconclusive server-error|the server does not report its size"),
        (
            CloudEvidence::only(Observation::Absent { status: 404, how: Absence::Status }),
            "fail missing|the server answered 404",
        ),
        (CloudEvidence::only(Observation::Undetermined(unknown())), "inconclusive timeout|no answer"),
    ] {
        assert_summary(&blob(), Some(&evidence), says);
    }
}

#[test]
fn an_object_url_agrees_with_its_region_bucket_and_name() {
    const URL: &str =
        "https://s3.au-syd.cloud-object-storage.appdomain.cloud/rhcos-powervs-images-au-syd/o.ova.gz";
    for (url, says) in [
        (URL, "pass|"),
        ("", "fail bad-reference|it has no url"),
        ("ftp://h/x", "fail bad-location|"),
        (
            &*URL.replace("o.ova", "p.ova"),
            "fail bad-reference|its url is not the URL of object o.ova.gz in bucket",
        ),
        (
            &*URL.replace("s3.au-syd", "s3.eu-de"),
            "fail bad-reference|it is listed under au-syd, but its url is in eu-de",
        ),
    ] {
        assert_summary(&object(url), Some(&found(Some(7))), says);
    }
    assert_summary(&object(URL), Some(&found(None)), "pass|warning: the server does not report its size");
}

#[test]
fn a_container_image_is_judged_by_its_digest() {
    let by_digest = format!("quay.io/a/b@sha256:{}", digest());
    let (other, tag) = (Sha256::of(b"another"), "quay.io/a/b:t");
    let evidence = |digest, tag| CloudEvidence { digest, tag, ..found(None) };
    let good = Some(digest());
    for (image, digest_ref, evidence, says) in [
        (tag, &*by_digest, evidence(good, Some(Ok(good))), "pass|"),
        (tag, &by_digest, evidence(good, None), "pass|"),
        ("", &by_digest, evidence(good, None), "pass|"),
        (
            "quay.io/a/c:t",
            &by_digest,
            evidence(good, None),
            "pass|warning: image is quay.io/a/c:t, which is not",
        ),
        (
            tag,
            &by_digest,
            evidence(good, Some(Ok(Some(other)))),
            "pass|warning: the tag of quay.io/a/b:t resolves to",
        ),
        (
            tag,
            &by_digest,
            evidence(good, Some(Ok(None))),
            "pass|warning: the tag of quay.io/a/b:t is missing",
        ),
        (
            tag,
            &by_digest,
            evidence(good, Some(Err(unknown()))),
            "pass|warning: the tag of quay.io/a/b:t could not",
        ),
        (tag, &by_digest, evidence(Some(other), Some(Ok(good))), "fail image-mismatch|the registry reports"),
        (
            tag,
            &by_digest,
            evidence(None, Some(Ok(good))),
            "inconclusive server-error|the registry does not report",
        ),
        (tag, "", found(None), "fail bad-reference|it has no digest-ref"),
        (tag, tag, found(None), "fail bad-reference|its digest-ref is quay.io/a/b:t; expected"),
        (tag, "quay.io/a/b@sha256:12", found(None), "fail bad-reference|"),
    ] {
        assert_summary(&container(image, digest_ref), Some(&evidence), says);
    }
}

#[test]
fn account_images_are_judged_by_their_form() {
    let (ami, old) = ("ami-0d24483687640c868", "ami-12345678");
    for (cloud, images, says) in [
        ("aws", &[("us-east-1", ami), ("us-gov-west-1", old)][..], "pass|"),
        ("aws", &[("us-east-1", "ami-0D24483687640c868")], "fail bad-reference|the image of us-east-1 is"),
        ("aws", &[("us-east-1", "")], "fail bad-reference|"),
        ("aws", &[("US EAST", ami)], "fail bad-reference|\"US EAST\" is not the name of a region"),
        (
            "aws",
            &[("us-east-1", ami), ("us-east-2", ami)],
            "fail bad-reference|ami-0d24483687640c868 is the image of us-east-1 and us-east-2",
        ),
        (
            "aws",
            &[("us-east-1", ami), ("us-east-2", old), ("us-east-1", "ami-11111111")],
            "fail bad-reference|the region us-east-1 is listed twice",
        ),
        ("gcp", &[("", "rhcos-9-8-20260403-0-gcp-x86-64")], "pass|"),
        ("gcp", &[("", "rhcos_9.8")], "fail bad-reference|the image is"),
        ("aliyun", &[("cn-hangzhou", "m-6wedcb2rfmhkcl2bsbz5")], "pass|"),
        ("aliyun", &[("cn-hangzhou", "i-6wedcb2rfmhkcl2bsbz5")], "fail bad-reference|"),
        ("moon", &[("", "?")], "pass|"),
        ("powervs", &[("", "?")], "fail bad-reference|it has no object in a region"),
    ] {
        assert_summary(&account(cloud, images), None, says);
    }
    let without_project = |project: Option<&str>| {
        let mut gcp = account("gcp", &[("", "rhcos-9-8-20260403-0-gcp-x86-64")]);
        if let CloudResource::Account(images) = &mut gcp.resource {
            images[0].project = project.map(str::to_owned);
        }
        gcp
    };
    for project in [None, Some(""), Some("Rhcos")] {
        let says =
            "fail bad-reference|the image is \"rhcos-9-8-20260403-0-gcp-x86-64\"; expected an image with a";
        assert_summary(&without_project(project), None, says);
    }
}

#[test]
fn names_follow_the_rules_of_their_cloud() {
    let is_bad = |cloud: &str, region: &str, image: &str| {
        judge_cloud(&account(cloud, &[(region, image)]), None).reason() == Some(Reason::BadReference)
    };
    for (name, is_name) in [
        ("a", true),
        ("rhcos-9", true),
        (&*"a".repeat(63), true),
        (&*"a".repeat(64), false),
        ("9-rhcos", false),
        ("-rhcos", false),
        ("rhcos-", false),
        ("rhCos", false),
        ("rhcos_9", false),
        ("", false),
    ] {
        assert_eq!(is_bad("gcp", "", name), !is_name, "{name}");
    }
    for (name, is_name) in [
        ("us-east-1", true),
        ("cn-hangzhou", true),
        (&*format!("us-{}", "a".repeat(37)), true),
        (&*format!("us-{}", "a".repeat(38)), false),
        ("useast1", false),
        ("us--1", false),
        ("-us", false),
        ("US-EAST-1", false),
        ("us-east 1", false),
    ] {
        assert!(!is_bad("moon", name, "?"), "{name}");
        assert_eq!(is_bad("aws", name, "ami-12345678"), !is_name, "{name}");
    }
}

/// A document may have very many references, and each finding is a sentence of the report.
#[test]
fn a_reference_has_at_most_ten_findings() {
    let images: Vec<(String, String)> =
        (0..20).map(|number| (format!("us-east-{number}"), format!("ami-{number}"))).collect();
    let images: Vec<(&str, &str)> = images.iter().map(|(region, image)| (&**region, &**image)).collect();
    assert_eq!(judge_cloud(&account("aws", &images), None).findings.len(), 10);
}

/// A reference that cannot be verified without an account is not a failure.
#[test]
fn a_reference_that_needs_an_account_is_marked_and_does_not_fail() {
    let by_digest = format!("quay.io/a/b@sha256:{}", digest());
    let reference = container("", &by_digest);
    let refused = ProbeError { status: Some(401), ..unknown() };
    for (needs_account, verdict) in [(true, Verdict::Pass), (false, Verdict::Inconclusive)] {
        let image = Observation::Undetermined(refused.clone());
        let outcome =
            judge_cloud(&reference, Some(&CloudEvidence { needs_account, ..CloudEvidence::only(image) }));
        assert_eq!((outcome.verdict(), outcome.needs_account), (verdict, needs_account));
        assert_eq!(outcome.http_status, Some(401));
    }
    assert!(judge_cloud(&account("aws", &[("us-east-1", "ami-12345678")]), None).needs_account);
    assert!(!judge_cloud(&blob(), None).needs_account);
}

#[test]
fn another_release_is_a_warning() {
    let other = CloudReference { release: Some("9.8.20260301-0".to_owned()), ..blob() };
    assert_eq!(
        summary(&other, Some(&found(Some(512)))),
        "pass|warning: its release is 9.8.20260301-0, that of the azure artifacts 9.8.20260403-0"
    );
    // At most three regions are named; the others are counted.
    let regions = ["us-east-1", "us-east-2", "us-west-1", "us-west-2"];
    let images = ["ami-11111111", "ami-22222222", "ami-33333333", "ami-44444444"];
    let images: Vec<(&str, &str)> = regions.into_iter().zip(images).collect();
    for (others, named) in [
        (&[1][..], "us-east-2"),
        (&[0, 1, 2], "us-east-1, us-east-2, us-west-1"),
        (&[0, 1, 2, 3], "us-east-1, us-east-2, us-west-1 and 1 more"),
    ] {
        let mut aws = account("aws", &images);
        if let CloudResource::Account(images) = &mut aws.resource {
            for &other in others {
                images[other].release = Some("9.8.20260301-0".to_owned());
            }
        }
        assert_eq!(
            summary(&aws, None),
            format!(
                "pass|warning: its release in {named} is 9.8.20260301-0, that of the aws artifacts \
                 9.8.20260403-0"
            )
        );
    }
}
