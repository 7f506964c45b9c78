//! Range responses, and the version of the file that they belong to.

use std::time::Duration;

use crate::http::header::{self, HeaderMap, HeaderName, HeaderValue};

/// The validators of one version of a file (RFC 9110, section 8.8).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::probe) struct Validators {
    etag: Option<HeaderValue>,
    last_modified: Option<HeaderValue>,
    /// Whether the date is a strong validator: the file did not change in the second before the answer
    /// (RFC 9110, section 8.8.2.2).
    strong_date: bool,
}

impl Validators {
    pub(in crate::probe) fn of(headers: &HeaderMap) -> Self {
        let get = |name: HeaderName| headers.get(name).cloned();
        let last_modified = get(header::LAST_MODIFIED);
        let date = |value: &Option<HeaderValue>| {
            value
                .as_ref()
                .and_then(|value| value.to_str().ok())
                .and_then(|text| httpdate::parse_http_date(text).ok())
        };
        let strong_date = match (date(&last_modified), date(&get(header::DATE))) {
            (Some(modified), Some(now)) => {
                now.duration_since(modified).is_ok_and(|age| age >= Duration::from_secs(1))
            }
            _ => false,
        };
        Self { etag: get(header::ETAG), last_modified, strong_date }
    }

    /// The value of `If-Range` for this version; `None` without a strong validator. A date is only used if
    /// there is no entity tag (RFC 9110, section 13.1.5).
    pub(super) fn if_range(&self) -> Option<&str> {
        match (&self.etag, &self.last_modified) {
            (Some(etag), _) => etag.to_str().ok().filter(|etag| !etag.starts_with("W/")),
            (None, Some(date)) if self.strong_date => date.to_str().ok(),
            (None, _) => None,
        }
    }

    /// Whether two answers certainly differ in version: some servers know `Range` and not `If-Range`.
    pub(in crate::probe) fn contradicts(&self, other: &Self) -> bool {
        let differ = |one: &Option<HeaderValue>, other: &Option<HeaderValue>| {
            one.is_some() && other.is_some() && one != other
        };
        differ(&self.etag, &other.etag) || differ(&self.last_modified, &other.last_modified)
    }
}

/// `Content-Range: bytes FIRST-LAST/TOTAL` (RFC 9110, section 14.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ContentRange {
    pub(super) first: u64,
    pub(super) last: u64,
    /// The size of the whole file; `None` for `*`.
    pub(super) total: Option<u64>,
}

impl ContentRange {
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        let mut values = headers.get_all(header::CONTENT_RANGE).iter();
        let value = values.next().filter(|_| values.next().is_none())?.to_str().ok()?;
        let (range, total) = value.trim().strip_prefix("bytes ")?.trim_start().split_once('/')?;
        let (first, last) = range.split_once('-')?;
        let (first, last) = (decimal(first)?, decimal(last)?);
        let total = if total == "*" { None } else { Some(decimal(total)?) };
        (first <= last && total.is_none_or(|total| last < total)).then_some(Self { first, last, total })
    }
}

pub(in crate::probe) fn decimal(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap())).collect()
    }

    #[test]
    fn content_range_follows_the_rfc() {
        for (value, part) in [
            ("bytes 0-0/1", Some((0, 0, Some(1)))),
            ("bytes 5-9/10", Some((5, 9, Some(10)))),
            ("bytes 5-9/*", Some((5, 9, None))),
            ("bytes 5-10/10", None),
            ("bytes 9-5/10", None),
            ("bytes */10", None),
            ("bytes -5-9/10", None),
            ("bytes +5-9/10", None),
            ("items 5-9/10", None),
            ("bytes 5-9", None),
        ] {
            let parsed = ContentRange::of(&headers(&[("content-range", value)]))
                .map(|it| (it.first, it.last, it.total));
            assert_eq!(parsed, part, "{value}");
        }
    }

    #[test]
    fn only_a_strong_validator_identifies_a_version() {
        const EARLIER: &str = "Sun, 06 Nov 1994 08:49:36 GMT";
        const NOW: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
        for (pairs, if_range) in [
            (&[("etag", "\"a\"")][..], Some("\"a\"")),
            (&[("etag", "W/\"a\"")], None),
            (&[("etag", "W/\"a\""), ("last-modified", EARLIER), ("date", NOW)], None),
            (&[("last-modified", EARLIER), ("date", NOW)], Some(EARLIER)),
            (&[("last-modified", NOW), ("date", NOW)], None),
            (&[("last-modified", EARLIER)], None),
            (&[], None),
        ] {
            assert_eq!(Validators::of(&headers(pairs)).if_range(), if_range, "{pairs:?}");
        }
    }

    #[test]
    fn versions_differ_by_validators_that_both_answers_have() {
        let tagged = |tag| Validators::of(&headers(&[("etag", tag)]));
        assert!(tagged("\"a\"").contradicts(&tagged("\"b\"")));
        assert!(!tagged("\"a\"").contradicts(&tagged("\"a\"")));
        assert!(!tagged("\"a\"").contradicts(&Validators::default()));
        let dated = |date| Validators::of(&headers(&[("last-modified", date)]));
        assert!(dated("Sun, 06 Nov 1994 08:49:37 GMT").contradicts(&dated("Sun, 06 Nov 1994 08:49:38 GMT")));
        assert!(!tagged("\"a\"").contradicts(&dated("Sun, 06 Nov 1994 08:49:37 GMT")));
    }
}
