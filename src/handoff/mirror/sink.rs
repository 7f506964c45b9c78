//! The bytes of a download on a blocking thread: written and hashed in one pass.

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

/// How many bytes of all files are here.
pub type Received = Arc<AtomicU64>;

/// How many pieces may wait for the disk.
const WAITING: usize = 32;

/// How much is read at a time, in bytes.
const BUFFER: usize = 256 * 1024;

/// A file's digest, as far as it is read.
#[derive(Clone)]
pub(super) struct Hash(Context);

/// Writes what comes.
pub(super) struct FileSink {
    /// Nothing starts the file over.
    pieces: mpsc::Sender<Option<Bytes>>,
    writer: JoinHandle<io::Result<Sha256>>,
    received: Received,
    here: u64,
}

/// The disk takes no more.
#[derive(Debug)]
pub(super) struct SinkStopped;

impl Hash {
    pub(super) fn new() -> Self {
        Self(Context::new(&SHA256))
    }

    /// Hashes all that a file holds, and says how much that was.
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
    /// Goes on behind what the file holds, which `hash` has seen.
    pub(super) fn new(file: File, hash: Hash, held: u64, received: Received) -> Self {
        let (pieces, to_write) = mpsc::channel(WAITING);
        let writer = tokio::task::spawn_blocking(move || write(file, hash, to_write));
        received.fetch_add(held, Ordering::Relaxed);
        Self { pieces, writer, received, here: held }
    }

    /// After the last byte: the digest of all, which is on the disk by then. If the writer is gone, it says why.
    pub(super) async fn finish(self) -> io::Result<Sha256> {
        drop(self.pieces);
        self.writer.await.map_err(io::Error::other)?
    }
}

impl Sink for FileSink {
    type Error = SinkStopped;

    async fn take(&mut self, bytes: Bytes) -> Result<(), SinkStopped> {
        let length = u64::try_from(bytes.len()).unwrap_or(0);
        self.here = self.here.saturating_add(length);
        self.received.fetch_add(length, Ordering::Relaxed);
        self.pieces.send(Some(bytes)).await.map_err(|_| SinkStopped)
    }

    async fn start_over(&mut self) -> Result<(), SinkStopped> {
        self.received.fetch_sub(self.here, Ordering::Relaxed);
        self.here = 0;
        self.pieces.send(None).await.map_err(|_| SinkStopped)
    }
}

fn write(mut file: File, mut hash: Hash, mut pieces: mpsc::Receiver<Option<Bytes>>) -> io::Result<Sha256> {
    while let Some(piece) = pieces.blocking_recv() {
        if let Some(bytes) = piece {
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
