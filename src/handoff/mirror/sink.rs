//! Writes and hashes a download in one pass, on a blocking thread.

use std::fs::File;
use std::io::{self, BufReader, Seek, SeekFrom, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use ring::digest::{Context, SHA256};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::probe::Sink;
use crate::stream::Sha256;

/// The number of bytes of all files that were received, including those of earlier runs.
pub type Received = Arc<AtomicU64>;

/// The most chunks that wait to be written.
const MAX_QUEUED: usize = 32;

/// The buffer for reading a file, in bytes.
const BUFFER: usize = 256 * 1024;

/// The digest of the bytes of a file so far.
pub(super) struct Hash(Context);

/// Writes a download to a file.
pub(super) struct FileSink {
    /// `None` makes the writer start over.
    chunks: mpsc::Sender<Option<Bytes>>,
    writer: JoinHandle<io::Result<Sha256>>,
    received: Received,
    length: u64,
}

/// The writer stopped; [`FileSink::finish`] returns its error.
#[derive(Debug)]
pub(super) struct SinkStopped;

impl Hash {
    pub(super) fn new() -> Self {
        Self(Context::new(&SHA256))
    }

    /// The hash and length of a file.
    pub(super) fn of(file: File) -> io::Result<(Self, u64)> {
        let mut hash = Self::new();
        let bytes = io::copy(&mut BufReader::with_capacity(BUFFER, file), &mut hash)?;
        Ok((hash, bytes))
    }

    pub(super) fn finish(self) -> Sha256 {
        Sha256::of_hashed(self.0)
    }
}

impl Write for Hash {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl FileSink {
    /// Appends to a file of this length and hash.
    pub(super) fn new(file: File, hash: Hash, length: u64, received: Received) -> Self {
        let (chunks, to_write) = mpsc::channel(MAX_QUEUED);
        let writer = tokio::task::spawn_blocking(move || write(file, hash, to_write));
        received.fetch_add(length, Ordering::Relaxed);
        Self { chunks, writer, received, length }
    }

    /// Waits until the file is synced to disk, and returns its digest or the writer's error.
    pub(super) async fn finish(self) -> io::Result<Sha256> {
        drop(self.chunks);
        self.writer.await.map_err(io::Error::other)?
    }
}

impl Sink for FileSink {
    type Error = SinkStopped;

    async fn take(&mut self, bytes: Bytes) -> Result<(), SinkStopped> {
        let length = u64::try_from(bytes.len()).unwrap_or(0);
        self.length = self.length.saturating_add(length);
        self.received.fetch_add(length, Ordering::Relaxed);
        self.chunks.send(Some(bytes)).await.map_err(|_| SinkStopped)
    }

    async fn start_over(&mut self) -> Result<(), SinkStopped> {
        self.received.fetch_sub(self.length, Ordering::Relaxed);
        self.length = 0;
        self.chunks.send(None).await.map_err(|_| SinkStopped)
    }
}

fn write(mut file: File, mut hash: Hash, mut chunks: mpsc::Receiver<Option<Bytes>>) -> io::Result<Sha256> {
    while let Some(chunk) = chunks.blocking_recv() {
        if let Some(bytes) = chunk {
            file.write_all(&bytes)?;
            hash.0.update(&bytes);
        } else {
            file.set_len(0)?;
            file.seek(SeekFrom::Start(0))?;
            hash = Hash::new();
        }
    }
    file.sync_all()?;
    Ok(hash.finish())
}
