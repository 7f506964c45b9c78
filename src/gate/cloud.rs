//! The cloud references of a run: asked and judged beside the artifacts, under the same limits of time.

use std::future::Future;
use std::pin::pin;

use futures_util::stream::{self, StreamExt};

use super::{TimeLimits, keep_unsettled};
use crate::location::{ArtifactUrl, ImageRef};
use crate::probe::{CloudEvidence, CloudRequest, Observation, ProbeError, ProbeErrorKind, Prober};
use crate::stream::{CloudReference, CloudResource};
use crate::verdict::{Outcome, judge_cloud};

/// Requests at a time. A document names a dozen references on half as many hosts.
const WIDTH: usize = 32;

/// Judges every cloud reference. Each gets an outcome, whatever ends the run.
pub async fn run_cloud(
    prober: &Prober,
    references: &[CloudReference],
    limits: TimeLimits,
    stop: impl Future<Output = ()>,
) -> Vec<Outcome> {
    let unasked =
        |reference: &CloudReference| request(reference).is_none().then(|| judge_cloud(reference, None));
    let mut outcomes: Vec<Option<Outcome>> = references.iter().map(unasked).collect();
    let mut end = pin!(limits.end(stop));
    let mut left: Vec<usize> =
        (0..references.len()).filter(|&index| matches!(outcomes.get(index), Some(None))).collect();
    'rounds: loop {
        let requests: Vec<_> = left
            .iter()
            .filter_map(|&index| {
                let reference = references.get(index)?;
                Some((index, reference, request(reference)?))
            })
            .collect();
        let mut asked = stream::iter(requests)
            .map(async |(index, reference, request)| {
                (index, judge_cloud(reference, Some(&prober.ask_cloud(&request).await)))
            })
            .buffer_unordered(WIDTH);
        loop {
            tokio::select! {
                biased;
                _ = &mut end => break 'rounds,
                next = asked.next() => match next {
                    Some((index, outcome)) => if let Some(slot) = outcomes.get_mut(index) { *slot = Some(outcome) },
                    None => break,
                },
            }
        }
        keep_unsettled(&mut left, &outcomes);
        let Some(interval) = limits.until_next_round(&left) else { break };
        tokio::select! {
            biased;
            _ = &mut end => break,
            () = tokio::time::sleep(interval) => {}
        }
        prober.refresh();
    }
    let unanswered = || {
        let detail = "the run ended before the answer came".to_owned();
        CloudEvidence::only(Observation::Undetermined(ProbeError {
            kind: ProbeErrorKind::Deadline,
            status: None,
            detail,
        }))
    };
    let all = outcomes.into_iter().zip(references);
    all.map(|(outcome, reference)| outcome.unwrap_or_else(|| judge_cloud(reference, Some(&unanswered()))))
        .collect()
}

/// What can be asked about a reference; nothing of what only an account can see, or of what is no reference.
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

    /// A tag beside a digest is asked for where it is one of the same image.
    #[test]
    fn an_image_is_asked_by_its_digest_and_by_a_tag_of_its_own() {
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
