//! Requests and judges the cloud references of a run.

use futures_util::stream::{self, Stream, StreamExt as _};

use crate::location::{ArtifactUrl, ImageRef};
use crate::probe::{CloudEvidence, CloudRequest, Observation, ProbeError, ProbeErrorKind, Prober};
use crate::stream::{CloudReference, CloudResource};
use crate::verdict::{Outcome, judge_cloud};

/// The number of concurrent requests. A document needs about a dozen, to half as many hosts.
const CONCURRENCY: usize = 32;

/// The outcome of a reference for which nothing can be requested; `None` for others.
pub(super) fn unrequestable(reference: &CloudReference) -> Option<Outcome> {
    request(reference).is_none().then(|| judge_cloud(reference, None))
}

/// The outcome of a reference without an answer before the end of the run.
pub(super) fn unanswered(reference: &CloudReference) -> Outcome {
    let detail = "the run ended before the answer came".to_owned();
    let error = ProbeError { kind: ProbeErrorKind::Deadline, status: None, detail };
    judge_cloud(reference, Some(&CloudEvidence::only(Observation::Undetermined(error))))
}

/// Requests the references that are left and judges the answers, in any order.
pub(super) fn judge_all<'p>(
    prober: &'p Prober,
    references: &'p [CloudReference],
    left: &[usize],
) -> impl Stream<Item = (usize, Outcome)> + Unpin + use<'p> {
    let requests: Vec<_> = left
        .iter()
        .filter_map(|&index| {
            let reference = references.get(index)?;
            Some((index, reference, request(reference)?))
        })
        .collect();
    stream::iter(requests)
        .map(async |(index, reference, request)| {
            (index, judge_cloud(reference, Some(&prober.ask_cloud(&request).await)))
        })
        .buffer_unordered(CONCURRENCY)
}

/// The request for a reference; `None` if it is malformed or only visible to an account.
fn request(reference: &CloudReference) -> Option<CloudRequest> {
    match &reference.resource {
        CloudResource::Blob { url } => Some(CloudRequest::Blob(ArtifactUrl::parse(url).ok()?)),
        CloudResource::Object { url, .. } => Some(CloudRequest::Object(ArtifactUrl::parse(url).ok()?)),
        CloudResource::Container { image, digest_ref } => {
            let by_digest: ImageRef = digest_ref.parse().ok()?;
            by_digest.digest()?;
            let is_same = |tag: &ImageRef| tag.name() == by_digest.name() && tag.digest().is_none();
            let tag = image.parse().ok().filter(is_same);
            Some(CloudRequest::Container { image: by_digest, tag })
        }
        CloudResource::Account(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::Sha256;

    #[test]
    fn an_image_is_requested_by_its_digest_and_by_a_tag_of_the_same_image() {
        let digest = Sha256::of(b"a manifest");
        let by_digest = format!("quay.io/a/b@sha256:{digest}");
        for (image, digest_ref, tag) in [
            ("quay.io/a/b:t", &*by_digest, Some(Some("quay.io/a/b:t"))),
            ("quay.io/a/c:t", &by_digest, Some(None)),
            (&by_digest, &by_digest, Some(None)),
            ("", &by_digest, Some(None)),
            ("quay.io/a/b:t", "quay.io/a/b:t", None),
            ("quay.io/a/b:t", "", None),
        ] {
            let [image, digest_ref] = [image, digest_ref].map(str::to_owned);
            let reference = CloudReference {
                arch: "x86_64".into(),
                place: "images/kubevirt".to_owned(),
                release: None,
                resource: CloudResource::Container { image, digest_ref },
                artifact_release: None,
            };
            let expected = tag.map(|tag| CloudRequest::Container {
                image: by_digest.parse().unwrap(),
                tag: tag.map(|tag| tag.parse().unwrap()),
            });
            assert_eq!(format!("{:?}", request(&reference)), format!("{expected:?}"), "{reference:?}");
        }
    }
}
