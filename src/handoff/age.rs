//! Which of two builds is the newer one.

use crate::location::BuildId;

/// What orders builds: their time (`YYYYMMDDhhmm`), then their number within it.
pub(super) type Age = (u64, u32);

/// What orders the builds of a stream: their time, then their number within it.
pub(super) fn age(build: &BuildId) -> Age {
    let time = build.timestamp();
    // `YYYYMMDD` of some IDs, `YYYYMMDDhhmm` of others.
    let to_the_minute = if time < 1_000_000_000 { time.saturating_mul(10_000) } else { time };
    (to_the_minute, build.revision())
}

#[cfg(test)]
mod tests {
    use std::cmp::Ordering;

    use super::*;

    #[test]
    fn builds_are_ordered_by_time_whatever_their_ids_look_like() {
        let cases = [
            ("48.84.202107202156-0", "48.84.202109241901-0", Ordering::Less),
            ("48.83.202103221318-1", "48.83.202103221318-0", Ordering::Greater),
            ("419.96.202506171412-0", "9.6.20251015-1", Ordering::Less),
            ("9.6.20251015-1", "9.6.20251015-1", Ordering::Equal),
            ("43.81.202003191953.0", "43.81.202004013011-0", Ordering::Less),
        ];
        for (one, other, order) in cases {
            let of = |text: &str| age(&text.parse().unwrap());
            assert_eq!(of(one).cmp(&of(other)), order, "{one} {other}");
        }
    }
}
