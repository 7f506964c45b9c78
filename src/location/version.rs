//! OpenShift versions in directories and file names of the public mirror.

use std::fmt;
use std::str::FromStr;

use super::arch::Arch;
use crate::text::excerpt;

/// The first series with live images in place of installer images.
const FIRST_LIVE: Series = Series { major: 4, minor: 6 };

/// The beginning of the name of a directory of nightlies.
const DEV: &str = "dev-";

/// A release series of OpenShift: `4.8`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Series {
    /// The major version.
    pub major: u16,
    /// The minor version.
    pub minor: u16,
}

impl Series {
    /// Whether `rhcos-installer-*` files of this series are links to `rhcos-live-*` files.
    pub(super) fn has_live_images(self) -> bool {
        self >= FIRST_LIVE
    }
}

impl fmt::Display for Series {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

impl FromStr for Series {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Self, VersionError> {
        text.split_once('.')
            .and_then(|(major, minor)| Some(Self { major: number(major)?, minor: number(minor)? }))
            .ok_or_else(|| VersionError { found: excerpt(text, 80) })
    }
}

/// A release of OpenShift: `4.8.2`, `4.19.0-ec.0`, `4.11-fc.0`, `4.6.0-0.nightly-2020-08-26-093617`; or
/// `dev-4.19`, the name of ART's sync job for the nightlies of a series.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct OcpVersion {
    text: Box<str>,
    series: Series,
}

impl OcpVersion {
    /// The version as text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The series it belongs to.
    pub fn series(&self) -> Series {
        self.series
    }

    /// Whether it means the nightlies of a series, which have only a pre-release directory.
    pub(super) fn is_dev(&self) -> bool {
        self.text.starts_with(DEV)
    }

    /// Replaces the build ID in the file names of ART's sync job: `VERSION-ARCH`, or only `VERSION` if that
    /// contains the architecture.
    pub fn in_file_name(&self, arch: Arch) -> String {
        if self.text.contains(arch.rpm_name()) {
            self.text.to_string()
        } else {
            format!("{}-{arch}", self.text)
        }
    }

    /// Splits `VERSION-ARCH-REST`, or `VERSION-REST` where the version contains the architecture.
    pub(super) fn split_from(text: &str, arch: Arch) -> Option<(Self, &str)> {
        let marker = format!("-{arch}-");
        let (before, after) = text.split_once(&marker)?;
        // `4.6.0-0.nightly-s390x-2020-10-10-041058`: the version contains the architecture.
        let nightly = before.rsplit('.').next().is_some_and(|word| matches!(word, "nightly" | "ci"));
        if nightly && let Some((time, rest)) = split_time(after) {
            return Some((format!("{before}{marker}{time}").parse().ok()?, rest));
        }
        Some((before.parse().ok()?, after))
    }
}

/// Splits `2020-10-10-041058-REST`.
fn split_time(text: &str) -> Option<(&str, &str)> {
    let (time, rest) = text.split_at_checked("YYYY-MM-DD-hhmmss".len())?;
    let digits = time.bytes().enumerate().all(|(at, byte)| match at {
        4 | 7 | 10 => byte == b'-',
        _ => byte.is_ascii_digit(),
    });
    digits.then_some(())?;
    Some((time, rest.strip_prefix('-')?))
}

impl FromStr for OcpVersion {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Self, VersionError> {
        let read = || {
            if let Some(series) = text.strip_prefix(DEV) {
                return Some(Self { text: text.into(), series: series.parse().ok()? });
            }
            let (core, pre_release) =
                text.split_once('-').map_or((text, None), |(core, rest)| (core, Some(rest)));
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
            pre_release.is_none_or(|rest| !rest.is_empty() && rest.bytes().all(plain)).then_some(())?;
            // `4.11-fc.0` has no patch version. Without a pre-release, `4.11` is a series and not a release.
            let whole_series = pre_release.and_then(|_| core.parse().ok());
            let of_patch = || {
                let (series, patch) = core.rsplit_once('.')?;
                number::<u32>(patch)?;
                series.parse().ok()
            };
            let series = whole_series.or_else(of_patch)?;
            Some(Self { text: text.into(), series })
        };
        read().ok_or_else(|| VersionError { found: excerpt(text, 80) })
    }
}

impl fmt::Display for OcpVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

/// A text is not an OpenShift version.
#[expect(missing_docs, reason = "each message says what it is")]
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{found}` is not an OpenShift version; expected one such as 4.8, 4.8.2, 4.19.0-ec.0 or dev-4.19")]
pub struct VersionError {
    pub found: String,
}

/// Parses a decimal number without a sign or leading zeros.
pub(super) fn number<T: FromStr>(text: &str) -> Option<T> {
    let canonical = text == "0" || !text.starts_with('0');
    (canonical && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_split_from_file_names() {
        let cases = [
            ("4.8.2-x86_64-qemu.x86_64.qcow2.gz", Arch::X86_64, "4.8.2", "qemu.x86_64.qcow2.gz"),
            ("4.19.0-ec.0-aarch64-live.aarch64.iso", Arch::Aarch64, "4.19.0-ec.0", "live.aarch64.iso"),
            ("dev-4.19-x86_64-live-iso.x86_64.iso", Arch::X86_64, "dev-4.19", "live-iso.x86_64.iso"),
            ("4.11-fc.0-x86_64-live.x86_64.iso", Arch::X86_64, "4.11-fc.0", "live.x86_64.iso"),
            ("4.1.0-x86_64-vmware.ova", Arch::X86_64, "4.1.0", "vmware.ova"),
            (
                "4.6.0-0.nightly-2020-08-26-093617-x86_64-live.x86_64.iso",
                Arch::X86_64,
                "4.6.0-0.nightly-2020-08-26-093617",
                "live.x86_64.iso",
            ),
            (
                "4.6.0-0.nightly-s390x-2020-10-10-041058-live-kernel-s390x",
                Arch::S390x,
                "4.6.0-0.nightly-s390x-2020-10-10-041058",
                "live-kernel-s390x",
            ),
            (
                "4.8.0-0.nightly-arm64-2021-06-10-041058-aarch64-live.aarch64.iso",
                Arch::Aarch64,
                "4.8.0-0.nightly-arm64-2021-06-10-041058",
                "live.aarch64.iso",
            ),
        ];
        for (text, arch, version, rest) in cases {
            let (found, tail) = OcpVersion::split_from(text, arch).expect(text);
            assert_eq!((found.as_str(), tail), (version, rest));
            assert_eq!(format!("{}-{tail}", found.in_file_name(arch)), text);
        }
    }

    #[test]
    fn a_version_says_its_series() {
        for (text, series) in
            [("4.8.2", "4.8"), ("4.11-fc.0", "4.11"), ("dev-4.19", "4.19"), ("4.19.0-ec.0", "4.19")]
        {
            assert_eq!(text.parse::<OcpVersion>().unwrap().series().to_string(), series);
        }
    }

    #[test]
    fn text_that_is_not_a_version_is_refused() {
        for text in [
            "",
            "4",
            "4.8",
            "4.8.",
            "4.08.2",
            "4.8.2-",
            "4.8.2-a/b",
            "4.8.2-%2e",
            "latest",
            "4.8.2.1-",
            "dev-",
            "dev-4",
            "dev-4.19-x",
            "dev-4.19.1",
        ] {
            assert!(text.parse::<OcpVersion>().is_err(), "{text}");
        }
        for text in ["", "4", "4.", "4.8.2", ".8", "4.08", "latest-4.8", "+4.8"] {
            assert!(text.parse::<Series>().is_err(), "{text}");
        }
    }
}
