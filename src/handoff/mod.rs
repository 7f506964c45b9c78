//! What surrounds a bump: the request to ART, what a bump changes, what a mirror must keep.

pub mod sync;
