//! The products, and the directories of their builds.

use std::fmt;

use super::arch::Arch;
use super::build_id::{BuildContent, BuildId, RhelVersion};

/// The product of a build, which the file names begin with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Product {
    /// RHEL CoreOS, `rhcos-`.
    Rhcos,
    /// CentOS Stream CoreOS, `scos-`.
    Scos,
    /// Fedora CoreOS, `fedora-coreos-`.
    FedoraCoreos,
}

impl Product {
    /// Every product.
    pub const ALL: [Self; 3] = [Self::Rhcos, Self::Scos, Self::FedoraCoreos];

    /// The beginning of its file names, without the hyphen.
    pub const fn file_prefix(self) -> &'static str {
        match self {
            Self::Rhcos => "rhcos",
            Self::Scos => "scos",
            Self::FedoraCoreos => "fedora-coreos",
        }
    }

    /// The directory of a build under a base in the *releases* layout: `rhcos-4.8`, `rhcos-4.8-ppc64le`.
    ///
    /// Only RHEL CoreOS builds for one OpenShift series have one.
    pub fn releases_directory(self, build: &BuildId, arch: Arch) -> Result<String, NoDirectory> {
        match (self, build.content()) {
            (Self::Rhcos, BuildContent::Ocp { series, .. }) if arch == Arch::X86_64 || build.names_arch() => {
                Ok(format!("rhcos-{series}"))
            }
            (Self::Rhcos, BuildContent::Ocp { series, .. }) => Ok(format!("rhcos-{series}-{arch}")),
            (Self::Rhcos, BuildContent::Rhel(rhel)) => Err(NoDirectory::RhelInReleases { rhel }),
            (Self::Rhcos, BuildContent::Fedora { .. }) => Err(self.not_of(build)),
            (Self::Scos | Self::FedoraCoreos, _) => Err(NoDirectory::ProductInReleases { product: self }),
        }
    }

    /// The directory of a build under a base in the *streams* layout: `4.13`, `4.14-9.2`, `rhel-9.8`, `c10s`,
    /// `stable`.
    ///
    /// Fedora streams are identified by the [codes in version
    /// numbers](https://github.com/coreos/fedora-coreos-tracker/blob/main/Design.md#version-numbers).
    pub fn streams_directory(self, build: &BuildId) -> Result<String, NoDirectory> {
        match (self, build.content()) {
            (Self::Rhcos, BuildContent::Ocp { series, rhel: RhelVersion { major, minor } }) => match minor {
                _ if major < 9 => Ok(series.to_string()),
                Some(minor) => Ok(format!("{series}-{major}.{minor}")),
                None => Err(NoDirectory::NoRhelMinor { build: build.to_string() }),
            },
            (Self::Rhcos, BuildContent::Rhel(rhel)) => Ok(format!("rhel-{rhel}")),
            (Self::Scos, BuildContent::Ocp { rhel, .. } | BuildContent::Rhel(rhel)) => {
                Ok(format!("c{}s", rhel.major))
            }
            (Self::FedoraCoreos, BuildContent::Fedora { stream: Some(stream), .. }) => fedora_stream(stream)
                .map(str::to_owned)
                .ok_or(NoDirectory::UnknownFedoraStream { code: stream }),
            (Self::FedoraCoreos, BuildContent::Fedora { stream: None, .. }) => {
                Err(NoDirectory::NoFedoraStream { build: build.to_string() })
            }
            _ => Err(self.not_of(build)),
        }
    }

    fn not_of(self, build: &BuildId) -> NoDirectory {
        NoDirectory::WrongGrammar { product: self, build: build.to_string() }
    }
}

fn fedora_stream(code: u16) -> Option<&'static str> {
    Some(match code {
        1 => "next",
        2 => "testing",
        3 => "stable",
        10 => "next-devel",
        20 => "testing-devel",
        91 => "rawhide",
        92 => "branched",
        _ => return None,
    })
}

impl fmt::Display for Product {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.file_prefix())
    }
}

/// Why a build has no directory in a layout.
#[expect(missing_docs, reason = "each message says what it is")]
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoDirectory {
    #[error(
        "RHEL {rhel} builds without an OpenShift version have no directory in the releases layout \
         (`rhcos-4.M`); use a prefix that ends with `/prod/streams` or `/art/storage`"
    )]
    RhelInReleases { rhel: RhelVersion },
    #[error(
        "the releases layout holds only rhcos builds, not {product}; use a prefix that ends with \
         `/prod/streams` or `/art/storage`"
    )]
    ProductInReleases { product: Product },
    #[error("`{build}` is not a build ID of {product}")]
    WrongGrammar { product: Product, build: String },
    #[error("the directory of `{build}` is named after its RHEL minor version, which the build ID lacks")]
    NoRhelMinor { build: String },
    #[error("the directory of `{build}` is named after its stream, which build IDs from 2019 lack")]
    NoFedoraStream { build: String },
    #[error("{code} is not the code of a known Fedora CoreOS stream; expected 1, 2, 3, 10, 20, 91 or 92")]
    UnknownFedoraStream { code: u16 },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_directory_of_a_build_follows_from_its_name() {
        use Product::{FedoraCoreos, Rhcos, Scos};
        let cases = [
            (Rhcos, "47.83.202102090311-0", Arch::S390x, Some("rhcos-4.7-s390x"), Some("4.7")),
            (Rhcos, "48.84.202109241901-0", Arch::X86_64, Some("rhcos-4.8"), Some("4.8")),
            (Rhcos, "410.84.202201251203-0", Arch::Aarch64, Some("rhcos-4.10-aarch64"), Some("4.10")),
            (Rhcos, "412.86.202301311551-0", Arch::X86_64, Some("rhcos-4.12"), Some("4.12")),
            (Rhcos, "413.86.202302150245-0", Arch::X86_64, Some("rhcos-4.13"), Some("4.13")),
            (Rhcos, "413.92.202307260246-0", Arch::X86_64, Some("rhcos-4.13"), Some("4.13-9.2")),
            (Rhcos, "417.94.202410090854-0", Arch::X86_64, Some("rhcos-4.17"), Some("4.17-9.4")),
            (Rhcos, "9.6.20251023-0", Arch::Ppc64le, None, Some("rhel-9.6")),
            (Rhcos, "10.2.20260405-0", Arch::X86_64, None, Some("rhel-10.2")),
            (Rhcos, "414.9.202306141028-0", Arch::X86_64, Some("rhcos-4.14"), None),
            (Rhcos, "38.20231002.3.1", Arch::X86_64, None, None),
            (Scos, "9.0.20250515-0", Arch::X86_64, None, Some("c9s")),
            (Scos, "10.0.20251103-0", Arch::X86_64, None, Some("c10s")),
            (Scos, "413.9.202302280609-0", Arch::X86_64, None, Some("c9s")),
            (Scos, "38.20231002.3.1", Arch::X86_64, None, None),
            (FedoraCoreos, "38.20231002.3.1", Arch::Aarch64, None, Some("stable")),
            (FedoraCoreos, "30.20190801.0", Arch::X86_64, None, None),
            (FedoraCoreos, "33.20201209.10.0", Arch::X86_64, None, Some("next-devel")),
            (Rhcos, "9.6.20250707-1.3", Arch::X86_64, None, Some("rhel-9.6")),
            (Rhcos, "42s390x.81.20191224.0", Arch::S390x, Some("rhcos-4.2"), Some("4.2")),
            (FedoraCoreos, "38.20231002.7.1", Arch::X86_64, None, None),
            (FedoraCoreos, "10.0.20251103-0", Arch::X86_64, None, None),
        ];
        for (product, build, arch, releases, streams) in cases {
            let build: BuildId = build.parse().unwrap();
            assert_eq!(product.releases_directory(&build, arch).ok().as_deref(), releases, "{build}");
            assert_eq!(product.streams_directory(&build).ok().as_deref(), streams, "{build}");
        }
        let of_2019 = FedoraCoreos.streams_directory(&"30.20190801.0".parse().unwrap());
        assert_eq!(of_2019, Err(NoDirectory::NoFedoraStream { build: "30.20190801.0".to_owned() }));
    }
}
