//! The names of boot-image files, in the forms that builds and the mirror use.

use super::arch::Arch;
use super::build_id::{BuildContent, BuildId};
use super::product::Product;
use super::version::{OcpVersion, Series};

/// A parsed file name.
///
/// The text after the build ID (`qemu.x86_64.qcow2.gz`, `live-kernel-s390x.sig`) is kept and not validated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileName {
    text: Box<str>,
    form: Option<NameForm>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct NameForm {
    product: Product,
    id: FileId,
    tail: Box<str>,
}

/// The build or release that a file name names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileId {
    /// `PREFIX-BUILDID-…`, the name that the build gives.
    Build(BuildId),
    /// `rhcos-VERSION-ARCH-…`, the name that the mirror gives.
    Release(OcpVersion),
    /// `rhcos-…`, the mirror's second name, without a version.
    Unversioned,
}

impl FileName {
    /// Parses a file name; `arch` is the architecture of its directory.
    ///
    /// Any text is accepted. A name in no known form has no [`product`](Self::product).
    pub fn read(text: &str, arch: Arch) -> Self {
        Self { text: text.into(), form: NameForm::read(text, arch) }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The product, if the name has a known form.
    pub fn product(&self) -> Option<Product> {
        self.form.as_ref().map(|form| form.product)
    }

    /// The build or release of the file, if the name has a known form.
    pub fn id(&self) -> Option<&FileId> {
        self.form.as_ref().map(|form| &form.id)
    }

    /// The text after the build ID or version, which is the same in every name of the file; the whole name if it
    /// has no known form.
    pub fn tail(&self) -> String {
        self.form.as_ref().map_or_else(|| self.text.to_string(), |form| form.full_tail(true))
    }

    /// The name of the image in the build's `meta.json`, if the file name contains it: cosa names files
    /// `IMAGE.ARCH.EXTENSION`, or `IMAGE-ARCH`.
    pub fn image(&self, arch: Arch) -> Option<String> {
        let tail = &self.form.as_ref()?.tail;
        let arch = arch.rpm_name();
        let ends = |rest: &str| rest.is_empty() || rest.starts_with('.');
        let (image, extension) = tail.match_indices(arch).find_map(|(at, _)| {
            let (before, rest) = tail.split_at_checked(at)?;
            let rest = rest.strip_prefix(arch).filter(|rest| ends(rest))?;
            Some((before.strip_suffix(['.', '-'])?, rest))
        })?;
        // Until 2024 file names had `live` where meta.json has `live-iso`.
        let is_live_iso = image == "live" && extension == ".iso";
        (!image.is_empty()).then(|| if is_live_iso { "live-iso".to_owned() } else { image.to_owned() })
    }

    /// The name of the file within a build: `rhcos-48.83.202102230316-0-qemu.x86_64.qcow2.gz`.
    pub(super) fn of_build(&self, build: &BuildId) -> Option<String> {
        let form = self.form.as_ref()?;
        // `rhcos-installer-*` links to the live images in every series that has them, and so for every
        // RHEL-versioned build.
        let live =
            build.ocp().map_or(matches!(build.content(), BuildContent::Rhel(_)), Series::has_live_images);
        Some(format!("{}-{build}-{}", form.product, form.full_tail(live)))
    }

    /// The name of the file in a release's directory of the mirror: `rhcos-4.8.2-x86_64-qemu.x86_64.qcow2.gz`.
    pub(super) fn of_release(&self, version: &OcpVersion, arch: Arch) -> Option<String> {
        let form = self.form.as_ref()?;
        let tail = form.full_tail(version.series().has_live_images());
        Some(format!("{}-{}-{tail}", form.product, version.in_file_name(arch)))
    }
}

impl NameForm {
    fn read(text: &str, arch: Arch) -> Option<Self> {
        let (product, rest) = Product::ALL.into_iter().find_map(|product| {
            Some((product, text.strip_prefix(product.file_prefix())?.strip_prefix('-')?))
        })?;
        let (id, tail) = if let Some((build, tail)) = BuildId::split_from(rest) {
            (FileId::Build(build), tail)
        } else if let Some((version, tail)) = OcpVersion::split_from(rest, arch) {
            (FileId::Release(version), tail)
        } else {
            // A name that begins with a digit has a version that cannot be parsed.
            (!rest.starts_with(|first: char| first.is_ascii_digit())).then_some(())?;
            (FileId::Unversioned, rest)
        };
        (!tail.is_empty()).then(|| Self { product, id, tail: tail.into() })
    }

    /// The tail in the form that builds use.
    ///
    /// ART's sync job links each unversioned `rhcos-live-*` as `rhcos-installer-*` too, because some portals still
    /// use that name.
    fn full_tail(&self, has_live_images: bool) -> String {
        match (&self.id, self.tail.strip_prefix("installer-")) {
            (FileId::Unversioned, Some(rest)) if has_live_images => format!("live-{rest}"),
            _ => self.tail.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_image_of_a_file_is_its_name_in_meta_json() {
        let cases = [
            ("rhcos-413.86.202212021619-0-live.x86_64.iso", Some("live-iso"), "live.x86_64.iso"),
            ("rhcos-9.8.20260403-0-live-iso.x86_64.iso", Some("live-iso"), "live-iso.x86_64.iso"),
            ("rhcos-413.86.202212021619-0-live-kernel-x86_64", Some("live-kernel"), "live-kernel-x86_64"),
            ("rhcos-4.8.2-x86_64-metal4k.x86_64.raw.gz", Some("metal4k"), "metal4k.x86_64.raw.gz"),
            ("rhcos-nutanix.x86_64.qcow2", Some("nutanix"), "nutanix.x86_64.qcow2"),
            ("rhcos-live.x86_64.img", Some("live"), "live.x86_64.img"),
            ("rhcos-metal.x86_64.iso", Some("metal"), "metal.x86_64.iso"),
            ("rhcos-installer-kernel-x86_64", Some("installer-kernel"), "live-kernel-x86_64"),
            ("fedora-coreos-30.20190801.0-qemu.qcow2.xz", None, "qemu.qcow2.xz"),
            ("rhcos-9.8.20260403-0-metal.s390x.raw.gz", None, "metal.s390x.raw.gz"),
            ("meta.json", None, "meta.json"),
        ];
        for (name, image, tail) in cases {
            let file = FileName::read(name, Arch::X86_64);
            assert_eq!((file.image(Arch::X86_64).as_deref(), &*file.tail()), (image, tail), "{name}");
        }
    }
}
