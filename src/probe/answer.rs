//! What an answer means if it is not simply the file: a missing file, a firewall's block, an archived object.
//! Decided by its status, its headers and the start of its body.

use bytes::Bytes;
use url::Url;

use super::evidence::{Absence, Observation};
use crate::http::header::{self, HeaderMap};
use crate::http::{Client, ErrorAnswer, ProbeError, Small, StatusCode, status_error};

/// Headers by which a firewall marks its own answers: Cloudflare's challenges and AWS WAF's.
const FIREWALLS: [&str; 2] = ["cf-mitigated", "x-amzn-waf-action"];

/// A sidecar, a signature or a document.
pub(super) enum SmallFile {
    Whole(Bytes),
    /// It has more bytes than the limit.
    TooLarge,
    /// Absent, refused or undetermined.
    None(Observation),
}

/// Reads a file of at most `limit` bytes. An answer of a firewall is not taken for the file, whatever its
/// status.
pub(super) async fn small_file(client: &Client, url: &Url, limit: usize) -> SmallFile {
    let (headers, file) = match client.small_file(url, limit).await {
        Small::Body(headers, bytes) => (headers, SmallFile::Whole(bytes)),
        Small::TooLarge(headers) => (headers, SmallFile::TooLarge),
        Small::Error(answer) => return SmallFile::None(error_observation(&answer)),
        Small::Failed(failure) => return SmallFile::None(failure.into()),
    };
    firewall_error(StatusCode::OK, &headers)
        .map_or(file, |error| SmallFile::None(Observation::Undetermined(error)))
}

/// What an answer other than 200 and 206 means for a file.
pub(super) fn error_observation(answer: &ErrorAnswer) -> Observation {
    let &ErrorAnswer { status, ref headers, ref start, is_cut, attempts } = answer;
    if let Some(error) = firewall_error(status, headers) {
        return Observation::Undetermined(error);
    }
    match status {
        StatusCode::NOT_FOUND | StatusCode::GONE => Observation::absent(status, Absence::Status),
        StatusCode::FORBIDDEN => forbidden(headers, start, is_cut),
        _ => Observation::Undetermined(status_error(attempts, status)),
    }
}

/// The observation if the headers show that an answer of 200 or 206 is not the file.
pub(super) fn not_the_file(status: StatusCode, headers: &HeaderMap) -> Option<Observation> {
    if !matches!(status, StatusCode::OK | StatusCode::PARTIAL_CONTENT) {
        return None;
    }
    if let Some(error) = firewall_error(status, headers) {
        return Some(Observation::Undetermined(error));
    }
    if is_html(headers) {
        return Some(Observation::absent(status, Absence::Html));
    }
    is_archived(headers).then(|| Observation::absent(status, Absence::Archived))
}

/// What a 403 means. S3 answers so for a missing object if the client may not list the bucket, also through
/// CloudFront; a firewall answers so for any request.
fn forbidden(headers: &HeaderMap, body: &[u8], is_cut: bool) -> Observation {
    let status = StatusCode::FORBIDDEN;
    let unknown = |detail: &str| Observation::Undetermined(probe_error(status, detail.to_owned()));
    match s3_error_code(body) {
        Some("InvalidObjectState") => return Observation::absent(status, Absence::Archived),
        _ if is_cut => return unknown("the server answered 403, and its response ended early"),
        // S3 answers so for a signed URL that has expired.
        Some("AccessDenied") if contains(body, b"Request has expired") => {
            return unknown("the server answered 403: the signed URL that it redirects to has expired");
        }
        Some("AccessDenied") => return Observation::absent(status, Absence::Status),
        Some(code) => {
            let code = crate::text::excerpt(code, 60);
            return unknown(&format!(
                "the server answered 403 with {code}, which says nothing about the file"
            ));
        }
        None => {}
    }
    let has = |name| headers.contains_key(name);
    let server =
        |name: &[u8]| headers.get(header::SERVER).is_some_and(|it| it.as_bytes().eq_ignore_ascii_case(name));
    if has("x-amz-request-id") || server(b"AmazonS3") {
        return Observation::absent(status, Absence::Status);
    }
    if is_html(headers) || server(b"CloudFront") {
        return unknown(
            "the server answered 403 with a page from a firewall or the server itself, not from an object store",
        );
    }
    Observation::absent(status, Absence::Status)
}

/// The code of one of S3's errors (Amazon S3 API, "Error responses").
fn s3_error_code(body: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(body).unwrap_or_else(|error| {
        // The body may be cut within a character.
        body.get(..error.valid_up_to()).and_then(|start| std::str::from_utf8(start).ok()).unwrap_or_default()
    });
    let (_, error) = text.split_once("<Error>")?;
    let (_, code) = error.split_once("<Code>")?;
    code.split_once("</Code>").map(|(code, _)| code.trim())
}

fn contains(body: &[u8], text: &[u8]) -> bool {
    body.windows(text.len()).any(|window| window == text)
}

/// The error if a firewall answered instead of the server.
fn firewall_error(status: StatusCode, headers: &HeaderMap) -> Option<ProbeError> {
    let mark = FIREWALLS.iter().find(|name| headers.contains_key(**name))?;
    let detail = format!("a firewall answered {} instead of the server ({mark})", status.as_u16());
    Some(probe_error(status, detail))
}

/// Whether S3 has the object but does not serve it, because it is archived and not restored (Amazon S3 API,
/// `HeadObject`: `x-amz-storage-class`, `x-amz-archive-status`, `x-amz-restore`).
fn is_archived(headers: &HeaderMap) -> bool {
    let restore =
        headers.get("x-amz-restore").map(|value| String::from_utf8_lossy(value.as_bytes()).to_lowercase());
    match restore.as_deref() {
        Some(restore) if restore.contains("ongoing-request=\"true\"") => return true,
        Some(restore) if restore.contains("ongoing-request=\"false\"") => return false,
        _ => {}
    }
    let class =
        headers.get("x-amz-storage-class").map(|value| value.as_bytes().trim_ascii().to_ascii_uppercase());
    headers.contains_key("x-amz-archive-status")
        || class.is_some_and(|class| matches!(&*class, b"GLACIER" | b"DEEP_ARCHIVE"))
}

/// Whether an answer is a web page.
fn is_html(headers: &HeaderMap) -> bool {
    headers.get(header::CONTENT_TYPE).is_some_and(|value| {
        let value = String::from_utf8_lossy(value.as_bytes()).to_ascii_lowercase();
        let essence = value.split(';').next().unwrap_or_default().trim();
        matches!(essence, "text/html" | "application/xhtml+xml")
    })
}

fn probe_error(status: StatusCode, detail: String) -> ProbeError {
    ProbeError { detail, ..status_error(1, status) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S3_DENIED: &str =
        "<?xml version=\"1.0\"?>\n<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>";

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (header::HeaderName::from_static(name), value.parse().unwrap()))
            .collect()
    }

    fn error(status: u16, pairs: &[(&'static str, &str)], body: &str) -> ErrorAnswer {
        let status = StatusCode::from_u16(status).unwrap();
        ErrorAnswer {
            status,
            headers: headers(pairs),
            start: body.as_bytes().to_vec(),
            is_cut: false,
            attempts: 2,
        }
    }

    /// The kind of an observation.
    fn kind(observation: Option<Observation>) -> &'static str {
        match observation {
            None => "the file",
            Some(Observation::Absent { how: Absence::Archived, .. }) => "archived",
            Some(Observation::Absent { .. }) => "missing",
            Some(Observation::Undetermined(_)) => "unknown",
            Some(other) => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_403_that_was_cut_off_is_undetermined() {
        for (body, means) in [("", "unknown"), (S3_DENIED, "unknown"), ("<Error><Code>Inv", "unknown")] {
            let cut = ErrorAnswer { is_cut: true, ..error(403, &[("x-amz-request-id", "1")], body) };
            assert_eq!(kind(Some(error_observation(&cut))), means, "{body}");
        }
        let archived = "<Error><Code>InvalidObjectState</Code><Mess";
        let cut = ErrorAnswer { is_cut: true, ..error(403, &[], archived) };
        assert_eq!(kind(Some(error_observation(&cut))), "archived");
    }

    #[test]
    fn a_403_is_whose_it_is() {
        let page = ("content-type", "text/html");
        let xml = |code: &str| format!("<Error><Code>{code}</Code></Error>");
        for (pairs, body, means) in [
            // S3's answers, directly and through CloudFront.
            (&[("server", "AmazonS3"), ("x-amz-request-id", "1")][..], S3_DENIED, "missing"),
            (&[("server", "AmazonS3"), ("x-cache", "Error from cloudfront")], "", "missing"),
            (&[("server", "CloudFront"), ("x-amz-request-id", "1")], "", "missing"),
            (&[("x-amz-request-id", "1"), page], "<html>403 Forbidden</html>", "missing"),
            (&[("content-type", "application/xml")], S3_DENIED, "missing"),
            // No known server's.
            (&[], "", "missing"),
            (&[("server", "nginx"), ("content-type", "text/plain")], "403", "missing"),
            // A firewall's, whatever its other headers.
            (&[("cf-mitigated", "challenge"), page], "<html>", "unknown"),
            (&[("cf-mitigated", "challenge"), ("server", "AmazonS3")], S3_DENIED, "unknown"),
            (&[("x-amzn-waf-action", "captcha")], "", "unknown"),
            (&[("server", "CloudFront"), page], "<html>Request blocked.</html>", "unknown"),
            (&[("server", "CloudFront")], "", "unknown"),
            (&[("server", "cloudflare"), page], "<html>Sorry, you have been blocked</html>", "unknown"),
            (&[("server", "AkamaiGHost"), page], "<html>Access Denied</html>", "unknown"),
            // S3's answers that do not tell whether the object exists.
            (&[("server", "AmazonS3")], &xml("InvalidObjectState"), "archived"),
            (&[("server", "AmazonS3")], &xml("SignatureDoesNotMatch"), "unknown"),
            (&[("server", "AmazonS3")], &xml("RequestTimeTooSkewed"), "unknown"),
            (&[], "<Error><Code>AccessDenied</Code><Message>Request has expired</Message>", "unknown"),
        ] {
            let seen = error_observation(&error(403, pairs, body));
            assert_eq!(kind(Some(seen)), means, "{pairs:?} {body}");
        }
    }

    #[test]
    fn other_statuses_keep_their_meaning_unless_a_firewall_answered() {
        let challenge = &[("x-amzn-waf-action", "challenge")][..];
        for (status, pairs, means) in [
            (404, &[][..], "missing"),
            (410, &[], "missing"),
            (401, &[], "unknown"),
            (202, challenge, "unknown"),
            (404, challenge, "unknown"),
            (405, &[("x-amzn-waf-action", "captcha")], "unknown"),
            (503, &[("cf-mitigated", "challenge")], "unknown"),
        ] {
            let seen = error_observation(&error(status, pairs, ""));
            assert_eq!(kind(Some(seen)), means, "{status} {pairs:?}");
        }
    }

    #[test]
    fn an_object_that_cannot_be_read_is_not_the_file() {
        const CLASS: &str = "x-amz-storage-class";
        let restored =
            ("x-amz-restore", "ongoing-request=\"false\", expiry-date=\"Fri, 21 Dec 2029 00:00:00 GMT\"");
        let under_way = ("x-amz-restore", "ongoing-request=\"true\"");
        for (pairs, means) in [
            (&[][..], "the file"),
            (&[(CLASS, "GLACIER")], "archived"),
            (&[(CLASS, "DEEP_ARCHIVE")], "archived"),
            (&[(CLASS, "GLACIER"), under_way], "archived"),
            (&[(CLASS, "DEEP_ARCHIVE"), restored], "the file"),
            (&[(CLASS, "GLACIER_IR")], "the file"),
            (&[(CLASS, "STANDARD_IA")], "the file"),
            (&[(CLASS, "INTELLIGENT_TIERING")], "the file"),
            (&[(CLASS, "INTELLIGENT_TIERING"), ("x-amz-archive-status", "ARCHIVE_ACCESS")], "archived"),
            (&[("x-amz-archive-status", "DEEP_ARCHIVE_ACCESS")], "archived"),
            (&[under_way], "archived"),
            (&[("content-type", "text/html")], "missing"),
            (&[("content-type", "text/html"), ("cf-mitigated", "challenge")], "unknown"),
        ] {
            assert_eq!(kind(not_the_file(StatusCode::OK, &headers(pairs))), means, "{pairs:?}");
        }
    }

    #[test]
    fn a_web_page_is_known_by_its_type() {
        for (value, html) in [
            ("text/html", true),
            ("Text/HTML; charset=utf-8", true),
            ("application/xhtml+xml", true),
            ("text/plain", false),
            ("application/gzip", false),
        ] {
            assert_eq!(is_html(&headers(&[("content-type", value)])), html, "{value}");
        }
        assert!(!is_html(&HeaderMap::new()));
    }
}
