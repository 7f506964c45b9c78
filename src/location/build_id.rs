//! Build IDs: which operating system a build is, and which OpenShift release it was made for.

use std::fmt;
use std::str::FromStr;

use super::version::{Series, number};
use crate::text::excerpt;

/// First components from here on are an OpenShift version (`48`, `414`), below it a RHEL major version. RHEL
/// would have to reach 40 before the two could be confused.
const FIRST_OCP: u16 = 40;

/// The identity of a build of RHEL CoreOS, CentOS Stream CoreOS or Fedora CoreOS.
///
/// | written | read as |
/// | --- | --- |
/// | `48.83.202102230316-0`, `414.92.202306141028-0` | for OpenShift 4.8 on RHEL 8.3, 4.14 on 9.2 |
/// | `413.9.202302280609-0` | for OpenShift 4.13 on CentOS Stream 9 |
/// | `43.81.202003191953.0` | the same, as it was written until 2020 |
/// | `9.6.20251015-1`, `10.2.20260403-0` | RHEL 9.6, 10.2, for any OpenShift |
/// | `38.20231002.3.1` | Fedora 38, stream 3, which is `stable` |
///
/// ```
/// use art_mirror_validate::location::{BuildId, Series};
///
/// let build: BuildId = "414.92.202306141028-0".parse()?;
/// assert_eq!(build.ocp(), Some(Series { major: 4, minor: 14 }));
/// assert_eq!(build.rhel().map(|rhel| rhel.to_string()).as_deref(), Some("9.2"));
/// assert_eq!(build.to_string(), "414.92.202306141028-0");
/// # Ok::<(), art_mirror_validate::location::BuildIdError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct BuildId {
    text: Box<str>,
    content: BuildContent,
    timestamp: u64,
    revision: u32,
}

/// What a build ID says about the build's content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BuildContent {
    /// RHEL or CentOS Stream, made for one OpenShift release series.
    Ocp {
        /// The OpenShift series.
        series: Series,
        /// The RHEL version.
        rhel: RhelVersion,
    },
    /// RHEL or CentOS Stream, for any OpenShift.
    Rhel(RhelVersion),
    /// Fedora.
    Fedora {
        /// The Fedora release.
        release: u16,
        /// The code of the Fedora CoreOS stream.
        stream: u16,
    },
}

/// A version of RHEL, or of CentOS Stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RhelVersion {
    /// The major version.
    pub major: u16,
    /// The minor version; builds of CentOS Stream may have none.
    pub minor: Option<u16>,
}

impl fmt::Display for RhelVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.minor {
            Some(minor) => write!(f, "{}.{minor}", self.major),
            None => write!(f, "{}", self.major),
        }
    }
}

impl BuildId {
    /// The build ID as text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What the build ID says about the build's content.
    pub fn content(&self) -> BuildContent {
        self.content
    }

    /// The OpenShift series that the build was made for, if its ID says one.
    pub fn ocp(&self) -> Option<Series> {
        match self.content {
            BuildContent::Ocp { series, .. } => Some(series),
            BuildContent::Rhel(_) | BuildContent::Fedora { .. } => None,
        }
    }

    /// The version of RHEL or CentOS Stream, if the build is one.
    pub fn rhel(&self) -> Option<RhelVersion> {
        match self.content {
            BuildContent::Ocp { rhel, .. } | BuildContent::Rhel(rhel) => Some(rhel),
            BuildContent::Fedora { .. } => None,
        }
    }

    /// When the build, or its package set, was made: `YYYYMMDD` or `YYYYMMDDhhmm` as a number.
    pub fn timestamp(&self) -> u64 {
        self.timestamp
    }

    /// The last number: how many builds of the same time came before.
    pub fn revision(&self) -> u32 {
        self.revision
    }

    /// Splits `BUILDID-REST`.
    pub(super) fn split_from(text: &str) -> Option<(Self, &str)> {
        // The ID may itself hold one hyphen, so there are two places where it can end. A build ID ends with a
        // number, and the rest of a file name begins with a letter, so the longer reading is tried first.
        let mut ends = text.match_indices('-').map(|(at, _)| at);
        let (first, second) = (ends.next(), ends.next());
        [second, first].into_iter().flatten().find_map(|end| {
            let (id, rest) = text.split_at_checked(end)?;
            Some((id.parse().ok()?, rest.strip_prefix('-')?))
        })
    }
}

impl FromStr for BuildId {
    type Err = BuildIdError;

    fn from_str(text: &str) -> Result<Self, BuildIdError> {
        read(text).ok_or_else(|| BuildIdError { found: excerpt(text, 80) })
    }
}

fn read(text: &str) -> Option<BuildId> {
    let (content, timestamp, revision) = if let Some((head, revision)) = text.split_once('-') {
        let mut parts = head.split('.');
        let (first, second, timestamp) = (parts.next()?, parts.next()?, parts.next()?);
        if parts.next().is_some() {
            return None;
        }
        (red_hat(first, second)?, stamp(timestamp)?, revision)
    } else {
        let mut parts = text.split('.');
        let (first, second, third, last) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        if parts.next().is_some() {
            return None;
        }
        if second.len() == 8 {
            (BuildContent::Fedora { release: number(first)?, stream: number(third)? }, stamp(second)?, last)
        } else {
            let content = red_hat(first, second).filter(|it| matches!(it, BuildContent::Ocp { .. }))?;
            (content, stamp(third)?, last)
        }
    };
    let revision = number::<u32>(revision)?;
    Some(BuildId { text: text.into(), content, timestamp, revision })
}

fn red_hat(first: &str, second: &str) -> Option<BuildContent> {
    let value = number::<u16>(first)?;
    if value >= FIRST_OCP {
        // One digit of major version, the rest is the minor one: 48 is 4.8, 414 is 4.14.
        let (major, minor) = first.split_at_checked(1)?;
        let series = Series { major: number(major)?, minor: number(minor)? };
        return Some(BuildContent::Ocp { series, rhel: joined_rhel(second)? });
    }
    (value >= 7).then_some(())?;
    Some(BuildContent::Rhel(RhelVersion { major: value, minor: Some(number(second)?) }))
}

/// `83` is 8.3, `92` is 9.2, `102` is 10.2; `9` is CentOS Stream 9.
fn joined_rhel(text: &str) -> Option<RhelVersion> {
    let digits = if text.starts_with(['7', '8', '9']) { 1 } else { 2 };
    let (major, minor) = text.split_at_checked(digits)?;
    let minor = if minor.is_empty() { None } else { Some(number(minor)?) };
    Some(RhelVersion { major: number(major)?, minor })
}

fn stamp(text: &str) -> Option<u64> {
    matches!(text.len(), 8 | 12).then(|| number(text)).flatten()
}

impl fmt::Display for BuildId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

impl fmt::Debug for BuildId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BuildId({})", self.text)
    }
}

/// Text that is no build ID.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{found}` is no build ID; expected one such as 48.83.202102230316-0, 9.6.20251015-1 or 38.20231002.3.1"
)]
pub struct BuildIdError {
    /// The text, made safe to print.
    pub found: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_build_id_is_read_by_the_grammar_it_is_written_in() {
        let cases = [
            ("48.83.202102230316-0", Some("4.8"), Some("8.3"), 202_102_230_316, 0),
            ("47.83.202102090311-0", Some("4.7"), Some("8.3"), 202_102_090_311, 0),
            ("410.84.202201251203-0", Some("4.10"), Some("8.4"), 202_201_251_203, 0),
            ("414.92.202306141028-0", Some("4.14"), Some("9.2"), 202_306_141_028, 0),
            ("412.810.202306141028-3", Some("4.12"), Some("8.10"), 202_306_141_028, 3),
            ("420.102.202506141028-0", Some("4.20"), Some("10.2"), 202_506_141_028, 0),
            ("413.9.202302280609-0", Some("4.13"), Some("9"), 202_302_280_609, 0),
            ("420.10.202502280609-0", Some("4.20"), Some("10"), 202_502_280_609, 0),
            ("43.81.202003191953.0", Some("4.3"), Some("8.1"), 202_003_191_953, 0),
            ("42.80.20190828.2", Some("4.2"), Some("8.0"), 20_190_828, 2),
            ("50.98.202703191953-0", Some("5.0"), Some("9.8"), 202_703_191_953, 0),
            ("9.6.20251015-1", None, Some("9.6"), 20_251_015, 1),
            ("10.2.20260403-0", None, Some("10.2"), 20_260_403, 0),
            ("38.20231002.3.1", None, None, 20_231_002, 1),
        ];
        for (text, ocp, rhel, timestamp, revision) in cases {
            let build: BuildId = text.parse().expect(text);
            assert_eq!(build.ocp().map(|it| it.to_string()).as_deref(), ocp, "{text}");
            assert_eq!(build.rhel().map(|it| it.to_string()).as_deref(), rhel, "{text}");
            assert_eq!((build.timestamp(), build.revision()), (timestamp, revision), "{text}");
            assert_eq!(build.to_string(), text);
            assert_eq!(BuildId::split_from(&format!("{text}-live.iso")), Some((build, "live.iso")));
        }
    }

    #[test]
    fn what_only_resembles_a_build_id_is_none() {
        for text in [
            "",
            "-",
            "...",
            "4.8.2",
            "4.8.20210223-0",
            "421.94.0",
            "48.83.202102230316",
            "48.83.202102230316-",
            "48.83.202102230316-0-0",
            "048.83.202102230316-0",
            "48.083.202102230316-0",
            "48..202102230316-0",
            "48.83.2021022303-0",
            "48.83.202102230316-00",
            "+9.6.20251015-1",
            "9.6.20251015.1",
            "9.6.20251015-1 ",
            "31.20191018.dev.2",
            "99999999999.83.202102230316-0",
            "48.83.２０２１-0",
        ] {
            assert!(text.parse::<BuildId>().is_err(), "{text}");
        }
    }
}
