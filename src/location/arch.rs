//! Architectures, and the two families of names they go by.

use std::fmt;

/// An architecture for which boot images are built.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Arch {
    /// `aarch64`, Go's `arm64`.
    Aarch64,
    /// `ppc64le`.
    Ppc64le,
    /// `riscv64`.
    Riscv64,
    /// `s390x`.
    S390x,
    /// `x86_64`, Go's `amd64`.
    X86_64,
}

impl Arch {
    /// Every architecture.
    pub const ALL: [Self; 5] = [Self::Aarch64, Self::Ppc64le, Self::Riscv64, Self::S390x, Self::X86_64];

    /// The name that RPM, stream documents and build directories use.
    pub const fn rpm_name(self) -> &'static str {
        match self {
            Self::Aarch64 => "aarch64",
            Self::Ppc64le => "ppc64le",
            Self::Riscv64 => "riscv64",
            Self::S390x => "s390x",
            Self::X86_64 => "x86_64",
        }
    }

    /// The name that Go uses, and some directories of the public mirror.
    pub const fn go_name(self) -> &'static str {
        match self {
            Self::Aarch64 => "arm64",
            Self::X86_64 => "amd64",
            other => other.rpm_name(),
        }
    }

    /// The architecture with this RPM name.
    pub fn from_rpm_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|arch| arch.rpm_name() == name)
    }

    /// The architecture with this Go name.
    pub fn from_go_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|arch| arch.go_name() == name)
    }
}

impl fmt::Display for Arch {
    /// The RPM name.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.rpm_name())
    }
}
