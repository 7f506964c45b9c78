//! The sync job's parameters, from where the files should end up.

use crate::location::{Arch, BuildId, BuildIdError, Literal, Location, NotUnderstood, OcpVersion};

/// The public mirror's root, below which the sync job writes.
const PUBLIC_ROOT: &str = "/pub/openshift-v4";

/// What the mirror calls its directory of releases that are not final.
const PRE_RELEASE: &str = "pre-release";

/// Where the sync job puts the files of one architecture of a build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    /// `--arch`.
    pub arch: Arch,
    /// `--build-id`.
    pub build: BuildId,
    /// `--version`: the name of the directory, and what stands for the build ID in file names.
    pub version: Option<String>,
    /// `--mirror-prefix`.
    pub mirror_prefix: Option<String>,
    /// `--base-dir`.
    pub base_dir: String,
}

/// Why the parameters cannot be told.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoDestination {
    /// The URL at the bridge means nothing that is known.
    #[error("the URL at the bridge is not understood: {0}")]
    NotUnderstood(#[from] NotUnderstood),
    /// Neither URL nor document say the build.
    #[error("the document's release: {0}")]
    Release(#[from] BuildIdError),
}

impl Destination {
    /// The parameters for a file.
    ///
    /// A destination on the mirror says its directories itself, and they win over `release`: the files must
    /// appear where the document says they are. Elsewhere (ART's CDN), they follow from the release, or else
    /// from the build ID.
    pub fn of(
        at_bridge: &Literal,
        document_release: &str,
        destination: Option<&Literal>,
        release: Option<&OcpVersion>,
    ) -> Result<Self, NoDestination> {
        let source = Location::read(at_bridge)?;
        let arch = source.arch();
        let build = match source.build() {
            Some(build) => build.clone(),
            None => document_release.parse()?,
        };
        let destination = destination.and_then(|place| Location::read(place).ok());
        if let Some(place) = destination.filter(|place| place.layout().is_mirror()) {
            let root = path_of(place.base());
            let named = place.release().map(ToString::to_string);
            return Ok(Self {
                version: named.or_else(|| place.build().map(ToString::to_string)),
                mirror_prefix: Some(place.directory()),
                base_dir: base_dir(&root, arch),
                arch,
                build,
            });
        }
        let series = release.map(OcpVersion::series).or_else(|| build.ocp()).map(|it| it.to_string());
        let is_final = release.is_none_or(|release| !release.as_str().contains('-'));
        Ok(Self {
            version: release.map(ToString::to_string),
            mirror_prefix: if is_final { series } else { Some(PRE_RELEASE.to_owned()) },
            base_dir: base_dir(PUBLIC_ROOT, arch),
            arch,
            build,
        })
    }
}

fn base_dir(root: &str, arch: Arch) -> String {
    format!("{root}/{arch}/dependencies/rhcos")
}

/// The path of a URL without host.
fn path_of(base: &str) -> String {
    let after_scheme = base.split_once("://").map_or(base, |(_, rest)| rest);
    after_scheme.find('/').and_then(|at| after_scheme.get(at..)).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BRIDGE: &str = "https://bridge.example/art/storage";

    fn of(
        bridge: &str,
        destination: &str,
        release: Option<&str>,
    ) -> (Option<String>, Option<String>, String) {
        let bridge = Literal::parse(&format!("{BRIDGE}/{bridge}")).unwrap();
        let destination = Literal::parse(destination).unwrap();
        let release: Option<OcpVersion> = release.map(|release| release.parse().unwrap());
        let it = Destination::of(&bridge, "", Some(&destination), release.as_ref()).unwrap();
        (it.version, it.mirror_prefix, it.base_dir)
    }

    #[test]
    fn the_files_must_appear_where_the_document_says_they_are() {
        let releases =
            "releases/rhcos-4.8/48.84.202107202156-0/x86_64/rhcos-48.84.202107202156-0-qemu.x86_64.qcow2.gz";
        let streams = "prod/streams/4.19-9.6/builds/419.96.202506171412-0/x86_64/rhcos-419.96.202506171412-0-qemu.x86_64.qcow2.gz";
        let rhel =
            "prod/streams/rhel-9.6/builds/9.6.20251015-1/s390x/rhcos-9.6.20251015-1-qemu.s390x.qcow2.gz";
        let mirror = "https://mirror.openshift.com/pub/openshift-v4/x86_64/dependencies/rhcos";
        let by_build =
            format!("{mirror}/4.8/48.84.202107202156-0/rhcos-48.84.202107202156-0-qemu.x86_64.qcow2.gz");
        let by_release = format!("{mirror}/4.8/4.8.2/rhcos-4.8.2-x86_64-qemu.x86_64.qcow2.gz");
        let pre_release =
            format!("{mirror}/pre-release/4.9.0-rc.0/rhcos-4.9.0-rc.0-x86_64-qemu.x86_64.qcow2.gz");
        let cdn = |tail: &str| format!("https://rhcos.mirror.openshift.com/art/storage/{tail}");
        let cases = [
            (releases, by_build.clone(), None, Some("48.84.202107202156-0"), Some("4.8")),
            (releases, by_build, Some("4.8.2"), Some("48.84.202107202156-0"), Some("4.8")),
            (releases, by_release, None, Some("4.8.2"), Some("4.8")),
            (releases, pre_release, None, Some("4.9.0-rc.0"), Some("pre-release")),
            (streams, cdn(streams), None, None, Some("4.19")),
            (streams, cdn(streams), Some("4.19.0"), Some("4.19.0"), Some("4.19")),
            (streams, cdn(streams), Some("4.19.0-ec.0"), Some("4.19.0-ec.0"), Some("pre-release")),
            (streams, cdn(streams), Some("dev-4.19"), Some("dev-4.19"), Some("pre-release")),
            (streams, cdn(streams), Some("4.11-fc.0"), Some("4.11-fc.0"), Some("pre-release")),
            (rhel, cdn(rhel), None, None, None),
            (rhel, cdn(rhel), Some("4.20.1"), Some("4.20.1"), Some("4.20")),
        ];
        for (bridge, destination, release, version, prefix) in cases {
            let (got_version, got_prefix, base_dir) = of(bridge, &destination, release);
            assert_eq!(
                (got_version.as_deref(), got_prefix.as_deref()),
                (version, prefix),
                "{destination} {release:?}"
            );
            let arch = if bridge == rhel { "s390x" } else { "x86_64" };
            assert_eq!(base_dir, format!("/pub/openshift-v4/{arch}/dependencies/rhcos"));
        }
    }
}
