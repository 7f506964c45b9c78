//! Where boot images live: build IDs, layouts and hosts. Parses a URL into its parts and renders it for another
//! target. Nothing here touches the network.
//!
//! # For test harnesses
//!
//! An e2e job that runs before ART has mirrored a build downloads it from a bridge. [`resolve`] returns the URL:
//!
//! ```
//! use art_mirror_validate::location::{Prefix, Target, resolve};
//!
//! // The value of the installer's variable; `None` means the published locations.
//! let prefix = Prefix::from_environment(Some("https://bridge.example/art/storage"), None)?;
//! let target = prefix.map_or(Target::Published, Target::Bridge);
//!
//! let place = resolve(
//!     "https://rhcos.mirror.openshift.com/art/storage/prod/streams/4.14-9.2/builds/\
//!      414.92.202306141028-0/x86_64/rhcos-414.92.202306141028-0-metal.x86_64.raw.gz",
//!     None,
//!     &target,
//! )?;
//! assert_eq!(
//!     place.as_str(),
//!     "https://bridge.example/art/storage/prod/streams/4.14-9.2/builds/\
//!      414.92.202306141028-0/x86_64/rhcos-414.92.202306141028-0-metal.x86_64.raw.gz",
//! );
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [`rewrite()`] does the same to a whole stream document.

mod arch;
mod artifact_url;
mod build_id;
mod checksum;
mod file_name;
mod host;
mod image_ref;
mod layout;
mod place;
mod place_error;
mod prefix;
mod product;
mod rewrite;
mod target;
mod version;

pub use arch::Arch;
pub use artifact_url::{ArtifactUrl, BadLocation};
pub use build_id::{BuildAge, BuildContent, BuildId, BuildIdError, RhelVersion};
pub use checksum::ChecksumUrl;
pub use file_name::{FileId, FileName};
pub use host::{
    BRIDGE_2021, BRIDGE_HOSTS, CloudHost, HostKind, Owner, PUBLIC_MIRROR, PUBLISHED_HOSTS, bucket_directory,
};
pub use image_ref::{ImageRef, ImageRefError};
pub(crate) use layout::is_plain as is_plain_segment;
pub use layout::{Layout, Location, NotUnderstood};
pub use place::resolve;
pub use place_error::{NoPlace, PlaceError};
pub use prefix::{BadPrefix, Prefix, PrefixError, PrefixKind};
pub use product::{NoDirectory, Product};
pub use rewrite::{RewriteError, Rewritten, rewrite};
pub use target::{Mirror, MirrorArea, MirrorError, MirrorVersion, Target};
pub use version::{OcpVersion, Series, VersionError};

#[cfg(test)]
mod corpus_tests;
#[cfg(test)]
mod tests;
