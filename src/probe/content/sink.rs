//! The receiver of a download's bytes.

use std::future::Future;

use bytes::Bytes;

/// Receives the bytes of one file, in order.
pub trait Sink: Send {
    /// Why it accepts no more, such as a full disk. It ends the download.
    type Error: Send;

    /// Receives the next bytes. No more are read until it returns: this applies back-pressure to the network.
    fn take(&mut self, bytes: Bytes) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// Discards everything: the next bytes are the first of the file again.
    fn start_over(&mut self) -> impl Future<Output = Result<(), Self::Error>> + Send;
}
