//! HTTP: what may be requested, and the evidence that comes of it.

mod evidence;

pub use evidence::DigestSource;
