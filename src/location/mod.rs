//! Where boot images live: build IDs, layouts and hosts; a URL parsed into what it means and rendered
//! elsewhere.
//!
//! Nothing here touches the network.

mod arch;
mod build_id;
mod file_name;
mod host;
mod layout;
mod literal;
mod product;
mod version;

pub use arch::Arch;
pub use build_id::{BuildContent, BuildId, BuildIdError, RhelVersion};
pub use file_name::{FileId, FileName};
pub use host::{BRIDGE_2021, HostKind, PUBLISHED_HOSTS};
pub use layout::{Layout, Location, NotUnderstood};
pub use literal::{BadLocation, Literal};
pub use product::{NoDirectory, Product};
pub use version::{OcpVersion, Series, VersionError};
