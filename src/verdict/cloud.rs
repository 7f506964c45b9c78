//! Judges cloud references: the document's fields, and what the cloud reports.

use std::collections::{BTreeMap, BTreeSet};

use super::{Finding, Outcome};
use crate::location::{ArtifactUrl, ImageRef};
use crate::probe::{CloudEvidence, Observation, ProbeError, ProbeErrorKind, Refusal};
use crate::stream::{AccountImage, CloudReference, CloudResource};
use crate::text::{Printable, bytes};

/// The most warnings of one reference, and the most findings about its form.
const MAX_WARNINGS: usize = 10;

/// Judges one cloud reference. Without evidence (only an account can see it) the document alone is judged.
pub fn judge_cloud(reference: &CloudReference, evidence: Option<&CloudEvidence>) -> Outcome {
    let mut outcome = Outcome::default();
    judge_document(reference, &mut outcome);
    outcome.needs_account = matches!(reference.resource, CloudResource::Account(_));
    if let Some(evidence) = evidence {
        outcome.needs_account |= evidence.needs_account;
        outcome.attempts = evidence.attempts;
        outcome.answered_by.clone_from(&evidence.answered_by);
        judge_answer(reference, evidence, &mut outcome);
    }
    outcome.findings.sort_by_key(|finding| (std::cmp::Reverse(finding.verdict()), finding.reason()));
    outcome.warnings.truncate(MAX_WARNINGS);
    outcome
}

/// Judges the document alone: the form of each reference, and the build that it names.
fn judge_document(reference: &CloudReference, outcome: &mut Outcome) {
    match &reference.resource {
        CloudResource::Blob { url } => location(url, outcome),
        CloudResource::Object { region, bucket, object, url } => {
            location(url, outcome);
            let path = format!("/{bucket}/{object}");
            if let Ok(location) = ArtifactUrl::parse(url) {
                if location.url().path() != path {
                    reject(outcome, format!("its url is not the URL of object {object} in bucket {bucket}"));
                }
                let host = location.host().strip_prefix("s3.").and_then(|it| it.split_once('.'));
                if let Some((of_url, _)) = host.filter(|(of_url, _)| of_url != region) {
                    reject(outcome, format!("it is listed under {region}, but its url is in {of_url}"));
                }
            }
        }
        CloudResource::Container { image, digest_ref } => match digest_ref.parse::<ImageRef>() {
            Ok(by_digest) if by_digest.digest().is_some() => {
                let is_same = |it: &ImageRef| it.name() == by_digest.name();
                if !image.is_empty() && !image.parse().is_ok_and(|it| is_same(&it)) {
                    outcome.warnings.push(format!(
                        "image is {}, which is not a tag of the image of digest-ref",
                        Printable(image)
                    ));
                }
            }
            _ if digest_ref.is_empty() => reject(outcome, "it has no digest-ref".to_owned()),
            _ => reject(
                outcome,
                format!(
                    "its digest-ref is {}; expected HOST/REPOSITORY@sha256:DIGEST",
                    Printable(digest_ref)
                ),
            ),
        },
        CloudResource::Account(images) => judge_account(reference.platform(), images, outcome),
    }
    releases(reference, outcome);
}

fn location(url: &str, outcome: &mut Outcome) {
    if url.is_empty() {
        reject(outcome, "it has no url".to_owned());
    } else if let Err(why) = ArtifactUrl::parse(url) {
        outcome.findings.push(Finding::Refused(Refusal::BadLocation(why)));
    }
}

/// Judges the form of IDs and names in clouds that can only be queried with an account.
fn judge_account(platform: &str, images: &[AccountImage], outcome: &mut Outcome) {
    if matches!(platform, "powervs" | "ibmcloud") {
        // The installer finds PowerVS and IBM Cloud images in no other way.
        return reject(outcome, "it has no object in a region".to_owned());
    }
    let mut seen = BTreeSet::new();
    for AccountImage { region, image, project, .. } in images {
        let of = region.as_deref().map(|region| format!(" of {region}")).unwrap_or_default();
        let expected = match platform {
            "aws" if !is_ami(image) => "ami- followed by 8 or 17 hexadecimal digits",
            "gcp" if !is_gcp_name(image) => "a GCP name: lower-case letters, digits and dashes",
            "gcp" if project.as_deref().is_none_or(|project| !is_gcp_name(project)) => {
                "an image with a project"
            }
            "aliyun" if !is_aliyun(image) => "m- followed by 20 letters and digits",
            "aws" | "gcp" | "aliyun" => "",
            // Nothing is known about the form in other clouds.
            _ => continue,
        };
        if !expected.is_empty() {
            reject(
                outcome,
                format!("the image{of} is {:?}; expected {expected}", crate::text::excerpt(image, 80)),
            );
        }
        if let Some(region) = region {
            if !is_region(region) {
                reject(
                    outcome,
                    format!("{:?} is not the name of a region", crate::text::excerpt(region, 80)),
                );
            }
            if !seen.insert(region) {
                reject(outcome, format!("the region {region} is listed twice"));
            }
        }
    }
    // An image ID is unique to its region; the same ID in two regions was copied by hand.
    let mut regions: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for AccountImage { region, image, .. } in images {
        if let (Some(region), "aws" | "aliyun") = (region, platform) {
            regions.entry(image).or_default().push(region);
        }
    }
    for (image, regions) in regions.iter().filter(|(_, regions)| regions.len() > 1) {
        reject(outcome, format!("{} is the image of {}", Printable(image), regions.join(" and ")));
    }
}

/// Warns if a reference names another release than the artifacts. Not a failure: some do on purpose.
fn releases(reference: &CloudReference, outcome: &mut Outcome) {
    let Some(expected) = reference.artifact_release.as_deref() else { return };
    let mut others: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    if let Some(release) = reference.release.as_deref().filter(|it| *it != expected) {
        others.entry(release).or_default();
    }
    if let CloudResource::Account(images) = &reference.resource {
        for image in images {
            if let Some(release) = image.release.as_deref().filter(|it| *it != expected) {
                others.entry(release).or_default().extend(image.region.as_deref());
            }
        }
    }
    for (release, regions) in others {
        let place = match regions.as_slice() {
            [] => String::new(),
            [one, two, three, rest @ ..] if !rest.is_empty() => {
                format!(" in {one}, {two}, {three} and {} more", rest.len())
            }
            few => format!(" in {}", few.join(", ")),
        };
        let platform = reference.platform();
        outcome.warnings.push(format!(
            "its release{place} is {}, that of the {platform} artifacts {}",
            Printable(release),
            Printable(expected)
        ));
    }
}

fn judge_answer(reference: &CloudReference, evidence: &CloudEvidence, outcome: &mut Outcome) {
    match &evidence.image {
        Observation::Refused(refusal) => outcome.findings.push(Finding::Refused(refusal.clone())),
        &Observation::Absent { status, how } => {
            outcome.http_status = Some(status);
            outcome.findings.push(Finding::Missing { status, how });
        }
        Observation::Undetermined(error) if evidence.needs_account => outcome.http_status = error.status,
        Observation::Undetermined(error) => {
            outcome.http_status = error.status;
            outcome.findings.push(Finding::Undetermined { about: None, error: error.clone() });
        }
        &Observation::Present { status, size } => {
            outcome.http_status = Some(status);
            outcome.observed_size = size;
            match &reference.resource {
                CloudResource::Blob { .. } => blob(size, evidence.blob_type.as_deref(), outcome),
                CloudResource::Object { .. } if size.is_none() => {
                    outcome.warnings.push("the server does not report its size".to_owned());
                }
                CloudResource::Container { image, digest_ref } => {
                    container(image, digest_ref, evidence, outcome);
                }
                CloudResource::Object { .. } | CloudResource::Account(_) => {}
            }
        }
    }
}

/// Azure makes disks from page blobs, whose size is in pages of 512 bytes (Azure Blob Storage, "Page blobs").
fn blob(size: Option<u64>, blob_type: Option<&str>, outcome: &mut Outcome) {
    match size {
        Some(size) if size % 512 != 0 => {
            outcome
                .findings
                .push(Finding::Image(format!("it has {}, expected a multiple of 512", bytes(size))));
        }
        Some(_) => {}
        None => {
            let detail = "the server does not report its size, which must be a multiple of 512".to_owned();
            let error = ProbeError { kind: ProbeErrorKind::ServerError, status: None, detail };
            outcome.findings.push(Finding::Undetermined { about: None, error });
        }
    }
    if let Some(found) = blob_type.filter(|found| *found != "PageBlob") {
        outcome.findings.push(Finding::Image(format!("it is a {}, expected a PageBlob", Printable(found))));
    }
}

fn container(image: &str, digest_ref: &str, evidence: &CloudEvidence, outcome: &mut Outcome) {
    let expected = digest_ref.parse::<ImageRef>().ok().and_then(|it| it.digest());
    match (evidence.digest, expected) {
        (Some(observed), Some(expected)) if observed != expected => {
            let found =
                format!("the registry reports the digest sha256:{observed}, expected sha256:{expected}");
            outcome.findings.push(Finding::Image(found));
        }
        (None, _) => {
            let detail = "the registry does not report the manifest's digest".to_owned();
            let error = ProbeError { kind: ProbeErrorKind::ServerError, status: None, detail };
            outcome.findings.push(Finding::Undetermined { about: None, error });
        }
        _ => {}
    }
    let problem = match &evidence.tag {
        None => return,
        Some(Ok(observed)) if observed.is_some() && *observed == expected => return,
        Some(Ok(Some(observed))) => format!("resolves to sha256:{observed}, not to the image of digest-ref"),
        Some(Ok(None)) => "is missing from the registry, or has no digest there".to_owned(),
        Some(Err(error)) => format!("could not be looked up: {}", Printable(&error.detail)),
    };
    outcome.warnings.push(format!("the tag of {} {problem}", Printable(image)));
}

fn reject(outcome: &mut Outcome, why: String) {
    if outcome.findings.len() < MAX_WARNINGS {
        outcome.findings.push(Finding::Reference(why));
    }
}

/// Eight digits until 2016, seventeen since (Amazon EC2 User Guide, "Resource IDs").
fn is_ami(text: &str) -> bool {
    let digits = text.strip_prefix("ami-").unwrap_or_default();
    matches!(digits.len(), 8 | 17) && digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// RFC 1035, as Compute Engine requires for names of images and projects.
fn is_gcp_name(text: &str) -> bool {
    (1..=63).contains(&text.len())
        && text.starts_with(|first: char| first.is_ascii_lowercase())
        && !text.ends_with('-')
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

fn is_aliyun(text: &str) -> bool {
    let digits = text.strip_prefix("m-").unwrap_or_default();
    digits.len() == 20 && digits.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
}

/// Words and numbers joined by dashes: `us-gov-west-1`, `eu-central-1`, `cn-hangzhou`.
fn is_region(text: &str) -> bool {
    text.len() <= 40
        && text.contains('-')
        && text.split('-').all(|word| {
            !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        })
}
