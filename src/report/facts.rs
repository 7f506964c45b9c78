//! Expected against found, one comparison per line.

use crate::location::PUBLISHED_HOSTS;
use crate::probe::DigestSource;
use crate::report::model::ArtifactReport;
use crate::text::{Printable, bytes, count, excerpt};
use crate::verdict::{Reason, SizeSource, Verdict};

/// One thing that was compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fact {
    /// `place`, `answer`, `size` or `sha256`.
    pub(super) what: &'static str,
    /// What should be, and who says so.
    pub(super) expected: String,
    /// What is, and where that was seen.
    pub(super) found: String,
}

/// What was expected of an artifact that did not pass, against what was found. Only what differs is listed;
/// empty where the artifact's message has to speak for itself.
pub(super) fn of(artifact: &ArtifactReport) -> Vec<Fact> {
    if artifact.verdict == Verdict::Pass {
        return Vec::new();
    }
    [place(artifact), answer(artifact), size(artifact), sha256(artifact)].into_iter().flatten().collect()
}

/// Where the artifact was looked for and what [`of`] says, a line each: the same in a log, in a terminal's summary and
/// in `JUnit`.
pub(super) fn lines(artifact: &ArtifactReport) -> Vec<String> {
    let compared = of(artifact).into_iter().flat_map(|Fact { what, expected, found }| {
        [
            format!("{what}: expected {expected}"),
            format!("{:indent$}  found    {found}", "", indent = what.len()),
        ]
    });
    std::iter::once(format!("url: {}", Printable(artifact.url_or_location()))).chain(compared).collect()
}

fn place(artifact: &ArtifactReport) -> Option<Fact> {
    let expected = match artifact.reason? {
        Reason::NotPublished | Reason::HostNotAllowed => PUBLISHED_HOSTS.join(", "),
        Reason::BadLocation => "a plain https URL".to_owned(),
        _ => return None,
    };
    let host = url::Url::parse(&artifact.location).ok().and_then(|url| url.host_str().map(str::to_owned));
    let found = match host {
        Some(host) if artifact.reason != Some(Reason::BadLocation) => excerpt(&host, 200),
        _ => excerpt(&artifact.location, 200),
    };
    Some(Fact { what: "place", expected, found })
}

fn answer(artifact: &ArtifactReport) -> Option<Fact> {
    let status = artifact.http_status.and_then(|status| crate::http::StatusCode::from_u16(status).ok());
    let is_expected = status.is_some_and(|status| status.is_success());
    let found = match (status, artifact.reason?) {
        (Some(_), Reason::ServerError | Reason::Missing) if is_expected => {
            "200, but not with the file".to_owned()
        }
        (Some(status), _) if !is_expected => status.to_string(),
        (None, Reason::Unreachable | Reason::Timeout | Reason::ServerError | Reason::RateLimited) => {
            format!("none in {}", count(usize::try_from(artifact.attempts).unwrap_or(usize::MAX), "attempt"))
        }
        (None, Reason::Deadline) => "none before the run ended".to_owned(),
        _ => return None,
    };
    Some(Fact { what: "answer", expected: "200 OK".to_owned(), found })
}

fn size(artifact: &ArtifactReport) -> Option<Fact> {
    let sizes = artifact.size;
    let (expected, observed) = (sizes.expected?, sizes.observed?);
    if expected == observed {
        return None;
    }
    let by = match sizes.expected_from {
        Some(SizeSource::Stream) => " by the document",
        Some(SizeSource::Legacy) => " by the legacy metadata",
        Some(SizeSource::MetaJson) => " by the build's meta.json",
        Some(SizeSource::Bridge) => " by the bridge",
        None => "",
    };
    Some(Fact { what: "size", expected: format!("{}{by}", bytes(expected)), found: bytes(observed) })
}

fn sha256(artifact: &ArtifactReport) -> Option<Fact> {
    let digests = &artifact.sha256;
    let found = match digests.observed {
        Some(observed) if observed != digests.expected => {
            format!("{observed}{}", digests.observed_from.map_or("", digest_source))
        }
        None if artifact.reason == Some(Reason::NoDigest) => "none published".to_owned(),
        _ => return None,
    };
    Some(Fact { what: "sha256", expected: digests.expected.to_string(), found })
}

/// Where a digest was seen, to follow it.
pub(super) const fn digest_source(source: DigestSource) -> &'static str {
    match source {
        DigestSource::Header => " in the response's header",
        DigestSource::Sha256sumTxt => " in sha256sum.txt",
        DigestSource::MetaJson => " in meta.json",
        DigestSource::Content => " of the content",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn only_what_differs_is_compared() {
        let report = sample::report();
        let shown: Vec<String> = report
            .artifacts
            .iter()
            .flat_map(|artifact| {
                of(artifact)
                    .into_iter()
                    .map(|fact| format!("{} {} {}", artifact.bare_id(), fact.what, fact.found))
            })
            .collect();
        insta::assert_snapshot!(shown.join("\n"));
    }
}
