//! Build IDs: the operating system of a build and the OpenShift release it was made for.

use std::fmt;
use std::str::FromStr;

use super::arch::Arch;
use super::version::{Series, number};
use crate::text::excerpt;

/// A first component of at least this is an OpenShift version (`48`, `414`), a smaller one a RHEL major version.
const FIRST_OCP: u16 = 40;

/// The beginning of 2020, as `YYYYMMDDhhmm`.
const FIRST_OF_2020: u64 = 202_001_010_000;

/// The identity of a build of RHEL CoreOS, CentOS Stream CoreOS or Fedora CoreOS.
///
/// | written | read as |
/// | --- | --- |
/// | `48.83.202102230316-0`, `414.92.202306141028-0` | for OpenShift 4.8 on RHEL 8.3, 4.14 on 9.2 |
/// | `413.9.202302280609-0` | for OpenShift 4.13 on CentOS Stream 9 |
/// | `43.81.202003191953.0`, `42s390x.81.20191224.0` | the same, in the form used until 2020 |
/// | `410.8.20190520.1` | for OpenShift 4.1 on RHEL 8, in the form of 2019 |
/// | `9.6.20251015-1`, `10.2.20260403-0` | RHEL 9.6, 10.2, for any OpenShift |
/// | `9.6.20250707-1.3` | the same, respun |
/// | `38.20231002.3.1` | Fedora 38, stream 3, which is `stable` |
/// | `30.20190801.0` | Fedora 30, in the form of 2019, which lacks the stream |
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
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct BuildId {
    text: Box<str>,
    content: BuildContent,
    names_arch: bool,
    age: BuildAge,
}

/// Orders the builds of a stream; a newer build compares greater.
///
/// The time (`YYYYMMDDhhmm`), the number of earlier builds with that time, and the number of respins.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BuildAge(u64, u32, u32);

/// The content of a build, as its ID names it.
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
        /// The code of the Fedora CoreOS stream; builds of 2019 have none.
        stream: Option<u16>,
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

    /// The content of the build, as its ID names it.
    pub fn content(&self) -> BuildContent {
        self.content
    }

    /// The OpenShift series that the build was made for, if its ID names one.
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

    /// Orders builds of one stream, also across forms of the ID.
    pub fn age(&self) -> BuildAge {
        self.age
    }

    /// When the build or its package set was made: `YYYYMMDDhhmm` as a number.
    pub fn time(&self) -> u64 {
        self.age.0
    }

    /// Whether the ID contains the architecture: `42s390x`.
    pub(super) fn names_arch(&self) -> bool {
        self.names_arch
    }

    /// Splits `BUILDID-REST`.
    pub(super) fn split_from(text: &str) -> Option<(Self, &str)> {
        // The ID can contain one hyphen, so it can end at the first or the second. An ID ends with a number and
        // the rest of a file name begins with a letter, so the longer candidate is tried first.
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
    let (head, revision, respin) = if let Some((head, revision)) = text.split_once('-') {
        let (revision, respin) = revision.split_once('.').unwrap_or((revision, "0"));
        (head, revision, respin)
    } else {
        // Fedora IDs, and RHEL IDs of 2019 and 2020.
        let (head, revision) = text.rsplit_once('.')?;
        (head, revision, "0")
    };
    let hyphenated = text.contains('-');
    let parts: Vec<&str> = head.split('.').collect();
    let mut names_arch = false;
    let (content, time) = match parts.as_slice() {
        [release, date, stream] if !hyphenated && date.len() == 8 => {
            (BuildContent::Fedora { release: number(release)?, stream: Some(number(stream)?) }, stamp(date)?)
        }
        [release, date] if !hyphenated && date.len() == 8 => {
            (BuildContent::Fedora { release: number(release)?, stream: None }, stamp(date)?)
        }
        [series, rhel, time] => {
            let time = stamp(time)?;
            let digits = without_arch(series);
            names_arch = digits.len() < series.len();
            let content = red_hat(digits, rhel, time)?;
            let for_any_ocp = matches!(content, BuildContent::Rhel(_));
            (!for_any_ocp || (hyphenated && !names_arch)).then_some(())?;
            (content, time)
        }
        _ => return None,
    };
    let age = BuildAge(time, number(revision)?, number(respin)?);
    Some(BuildId { text: text.into(), content, names_arch, age })
}

/// `42s390x` without its architecture.
fn without_arch(series: &str) -> &str {
    Arch::ALL.into_iter().find_map(|arch| series.strip_suffix(arch.rpm_name())).unwrap_or(series)
}

fn red_hat(first: &str, second: &str, time: u64) -> Option<BuildContent> {
    let value = number::<u16>(first)?;
    if value >= FIRST_OCP {
        // One digit is the major version, the rest the minor version: 48 is 4.8, 414 is 4.14. In 2019, three
        // digits were a release: 410 was 4.1.0.
        let digits = if first.len() == 3 && time < FIRST_OF_2020 { 2 } else { first.len() };
        let (major, minor) = first.get(..digits)?.split_at_checked(1)?;
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

/// Parses `YYYYMMDDhhmm`, or `YYYYMMDD`, which means midnight.
fn stamp(text: &str) -> Option<u64> {
    let to_the_minute = match text.len() {
        8 => 10_000,
        12 => 1,
        _ => return None,
    };
    number::<u64>(text)?.checked_mul(to_the_minute)
}

impl fmt::Display for BuildId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

#[expect(missing_docs, reason = "each message says what it is")]
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{found}` is not a build ID; expected one such as 48.83.202102230316-0, 9.6.20251015-1 or 38.20231002.3.1"
)]
pub struct BuildIdError {
    pub found: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_build_id_is_read_by_the_grammar_it_is_written_in() {
        let cases = [
            ("48.83.202102230316-0", Some("4.8"), Some("8.3"), 202_102_230_316, 0, 0),
            ("47.83.202102090311-0", Some("4.7"), Some("8.3"), 202_102_090_311, 0, 0),
            ("410.84.202201251203-0", Some("4.10"), Some("8.4"), 202_201_251_203, 0, 0),
            ("414.92.202306141028-0", Some("4.14"), Some("9.2"), 202_306_141_028, 0, 0),
            ("412.810.202306141028-3", Some("4.12"), Some("8.10"), 202_306_141_028, 3, 0),
            ("420.102.202506141028-0", Some("4.20"), Some("10.2"), 202_506_141_028, 0, 0),
            ("413.9.202302280609-0", Some("4.13"), Some("9"), 202_302_280_609, 0, 0),
            ("420.10.202502280609-0", Some("4.20"), Some("10"), 202_502_280_609, 0, 0),
            ("43.81.202003191953.0", Some("4.3"), Some("8.1"), 202_003_191_953, 0, 0),
            ("42.80.20190828.2", Some("4.2"), Some("8.0"), 201_908_280_000, 2, 0),
            ("50.98.202703191953-0", Some("5.0"), Some("9.8"), 202_703_191_953, 0, 0),
            ("9.6.20251015-1", None, Some("9.6"), 202_510_150_000, 1, 0),
            ("10.2.20260403-0", None, Some("10.2"), 202_604_030_000, 0, 0),
            ("9.6.20250707-1.3", None, Some("9.6"), 202_507_070_000, 1, 3),
            ("42s390x.81.20191224.0", Some("4.2"), Some("8.1"), 201_912_240_000, 0, 0),
            ("43.81.202001142154.0", Some("4.3"), Some("8.1"), 202_001_142_154, 0, 0),
            ("410.8.20190520.1", Some("4.1"), Some("8"), 201_905_200_000, 1, 0),
            ("410.84.20200101.1", Some("4.10"), Some("8.4"), 202_001_010_000, 1, 0),
            ("38.20231002.3.1", None, None, 202_310_020_000, 1, 0),
            ("30.20190801.0", None, None, 201_908_010_000, 0, 0),
        ];
        for (text, ocp, rhel, time, revision, respin) in cases {
            let build: BuildId = text.parse().expect(text);
            assert_eq!(build.ocp().map(|it| it.to_string()).as_deref(), ocp, "{text}");
            assert_eq!(build.rhel().map(|it| it.to_string()).as_deref(), rhel, "{text}");
            assert_eq!(build.age(), BuildAge(time, revision, respin), "{text}");
            assert_eq!((build.as_str(), &*build.to_string()), (text, text));
            assert_eq!(BuildId::split_from(&format!("{text}-live.iso")), Some((build, "live.iso")));
        }
    }

    #[test]
    fn text_that_only_resembles_a_build_id_is_refused() {
        for text in [
            "",
            "-",
            "...",
            "4.8.2",
            "4.8.20210223-0",
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
            "9s390x.6.20251015-1",
            "42arm64.81.20191224.0",
            "9.6.20250707-1.3.1",
            "9.6.20250707-1.",
            "30.20190801-0",
            "421.94.0",
            "9.6.20251015-1 ",
            "31.20191018.dev.2",
            "99999999999.83.202102230316-0",
            "48.83.２０２１-0",
        ] {
            assert!(text.parse::<BuildId>().is_err(), "{text}");
        }
    }

    #[test]
    fn builds_are_ordered_by_time_across_forms_of_the_id() {
        use std::cmp::Ordering::{Equal, Greater, Less};
        let cases = [
            ("48.84.202107202156-0", "48.84.202109241901-0", Less),
            ("48.83.202103221318-1", "48.83.202103221318-0", Greater),
            ("419.96.202506171412-0", "9.6.20251015-1", Less),
            ("9.6.20251015-1", "9.6.20251015-1", Equal),
            ("9.6.20250707-1.3", "9.6.20250707-1", Greater),
            ("9.6.20250707-1.3", "9.6.20250707-2", Less),
            ("43.81.202003191953.0", "43.81.202004013011-0", Less),
        ];
        for (one, other, order) in cases {
            let of = |text: &str| text.parse::<BuildId>().unwrap().age();
            assert_eq!(of(one).cmp(&of(other)), order, "{one} {other}");
        }
    }
}
