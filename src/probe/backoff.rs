//! How long to wait before asking again.

use std::time::{Duration, SystemTime};

use http::{HeaderMap, StatusCode, header};

/// The first wait's upper bound: about one round trip, so that a mirror that drops a request now and then
/// costs little.
const FIRST: Duration = Duration::from_millis(50);

/// The longest wait that the back-off comes to.
const LONGEST: Duration = Duration::from_secs(10);

/// The longest `Retry-After` that is honoured.
pub(super) const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(60);

/// The wait after the given number of failed attempts: exponential, with full jitter
/// (Brooker, "Exponential Backoff And Jitter").
pub(super) fn wait_after(failures: u32, asked_for: Option<Duration>) -> Duration {
    let ceiling = FIRST.saturating_mul(2_u32.saturating_pow(failures.saturating_sub(1))).min(LONGEST);
    let jittered = ceiling.mul_f64(fastrand::f64());
    asked_for.map_or(jittered, |asked_for| asked_for.min(LONGEST_RETRY_AFTER) + jittered)
}

/// Whether a status says that asking again may help.
pub(super) fn is_transient(status: StatusCode) -> bool {
    matches!(status.as_u16(), 408 | 425 | 429 | 500 | 502..)
}

/// The wait that a response asks for, in seconds or until a date (RFC 9110, section 10.2.3).
pub(super) fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let value = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    Some(date.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_are_jittered_and_bounded() {
        for failures in 0..100 {
            let longest = (0..50).map(|_| wait_after(failures, None)).max().unwrap();
            assert!(longest <= LONGEST, "{failures}: {longest:?}");
        }
        assert!((0..50).all(|_| wait_after(1, None) <= FIRST));
        assert!((0..200).any(|_| wait_after(6, None) > FIRST));
    }

    #[test]
    fn retry_after_is_seconds_or_a_date_and_capped() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        let cases = [
            ("3", Some(3)),
            ("Sun, 06 Nov 1994 08:49:47 GMT", Some(10)),
            ("Sun, 06 Nov 1994 08:49:07 GMT", Some(0)),
            ("soon", None),
            ("-1", None),
        ];
        for (value, seconds) in cases {
            let mut headers = HeaderMap::new();
            headers.insert(header::RETRY_AFTER, value.parse().unwrap());
            assert_eq!(retry_after(&headers, now), seconds.map(Duration::from_secs), "{value}");
        }
        let capped = wait_after(1, Some(Duration::from_secs(u64::MAX)));
        assert!(capped >= LONGEST_RETRY_AFTER && capped <= LONGEST_RETRY_AFTER + FIRST);
        assert!(wait_after(1, Some(Duration::from_secs(2))) >= Duration::from_secs(2));
    }

    #[test]
    fn only_what_may_pass_is_transient() {
        for (status, transient) in [
            (200, false),
            (404, false),
            (403, false),
            (408, true),
            (425, true),
            (429, true),
            (500, true),
            (501, false),
            (503, true),
            (599, true),
        ] {
            assert_eq!(is_transient(StatusCode::from_u16(status).unwrap()), transient, "{status}");
        }
    }
}
