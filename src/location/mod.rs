//! Where boot images live: build IDs, layouts and hosts; a URL parsed into what it means and rendered
//! elsewhere.
//!
//! Nothing here touches the network.

mod host;
mod literal;

pub use host::{BRIDGE_2021, HostKind, PUBLISHED_HOSTS};
pub use literal::{BadLocation, Literal};
