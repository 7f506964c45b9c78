//! The name of an artifact within its document.

use std::fmt;
use std::sync::Arc;

use serde::{Serialize, Serializer};

/// `ARCH/PLATFORM/FORMAT/COMPONENT`, such as `x86_64/metal/pxe/kernel`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ArtifactId {
    /// The architecture, by its RPM name: `x86_64`, `aarch64`, `ppc64le`, `s390x`.
    pub arch: Arc<str>,
    /// The platform: `metal`, `qemu`, `aws`, ….
    pub platform: Arc<str>,
    /// The format: `raw.gz`, `4k.raw.gz`, `iso`, `pxe`, ….
    pub format: Arc<str>,
    /// The component: `disk`, `kernel`, `initramfs` or `rootfs`.
    pub component: Arc<str>,
}

impl fmt::Display for ArtifactId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}/{}", self.arch, self.platform, self.format, self.component)
    }
}

impl Serialize for ArtifactId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The fields of an artifact that hold a URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UrlField {
    Location,
    Signature,
}

impl fmt::Display for UrlField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Location => "location",
            Self::Signature => "signature",
        })
    }
}
