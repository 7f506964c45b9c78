//! Where the bytes of a download go.

use std::future::Future;

use bytes::Bytes;

/// Takes the bytes of one file, in order.
pub trait Sink: Send {
    /// Why the sink takes no more: a full disk, say. It ends the download.
    type Error: Send;

    /// Takes the next bytes. Until it returns, no more are read: this is what holds a fast network back.
    fn take(&mut self, bytes: Bytes) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// Forgets everything: the next bytes are the file's first again.
    fn start_over(&mut self) -> impl Future<Output = Result<(), Self::Error>> + Send;
}
