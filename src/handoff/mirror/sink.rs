//! The bytes of a download on a blocking thread: written and hashed in one pass.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
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
    orders: mpsc::Sender<SinkOrder>,
    writer: JoinHandle<io::Result<Sha256>>,
    received: Received,
    here: u64,
}

/// The disk takes no more.
#[derive(Debug)]
pub(super) struct SinkStopped;

enum SinkOrder {
    Write(Bytes),
    StartOver,
    End,
}

impl Hash {
    pub(super) fn new() -> Self {
        Self(Context::new(&SHA256))
    }

    /// Hashes all that a file holds, and says how much that was.
    pub(super) fn of(file: &mut File) -> io::Result<(Self, u64)> {
        let mut hash = Self::new();
        let mut buffer = vec![0; BUFFER];
        let mut bytes = 0_u64;
        loop {
            let read = match file.read(&mut buffer) {
                Ok(0) => return Ok((hash, bytes)),
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            hash.0.update(buffer.get(..read).unwrap_or_default());
            bytes = bytes.saturating_add(u64::try_from(read).unwrap_or(0));
        }
    }

    pub(super) fn finish(self) -> Sha256 {
        let mut digest = [0; 32];
        for (to, from) in digest.iter_mut().zip(self.0.finish().as_ref()) {
            *to = *from;
        }
        Sha256::from_bytes(digest)
    }
}

impl FileSink {
    /// Goes on behind what the file holds, which `hash` has seen.
    pub(super) fn new(file: File, hash: Hash, held: u64, received: Received) -> Self {
        let (orders, pieces) = mpsc::channel(WAITING);
        let writer = tokio::task::spawn_blocking(move || write(file, hash, pieces));
        received.fetch_add(held, Ordering::Relaxed);
        Self { orders, writer, received, here: held }
    }

    /// After the last byte: the digest of all, which is on the disk by then.
    pub(super) async fn finish(self) -> io::Result<Sha256> {
        // If the writer is gone, it says why.
        let _ = self.orders.send(SinkOrder::End).await;
        drop(self.orders);
        self.writer.await.map_err(io::Error::other)?
    }
}

impl Sink for FileSink {
    type Error = SinkStopped;

    async fn take(&mut self, bytes: Bytes) -> Result<(), SinkStopped> {
        let length = u64::try_from(bytes.len()).unwrap_or(0);
        self.here = self.here.saturating_add(length);
        self.received.fetch_add(length, Ordering::Relaxed);
        self.orders.send(SinkOrder::Write(bytes)).await.map_err(|_| SinkStopped)
    }

    async fn start_over(&mut self) -> Result<(), SinkStopped> {
        self.received.fetch_sub(self.here, Ordering::Relaxed);
        self.here = 0;
        self.orders.send(SinkOrder::StartOver).await.map_err(|_| SinkStopped)
    }
}

fn write(mut file: File, mut hash: Hash, mut orders: mpsc::Receiver<SinkOrder>) -> io::Result<Sha256> {
    while let Some(order) = orders.blocking_recv() {
        match order {
            SinkOrder::Write(bytes) => {
                file.write_all(&bytes)?;
                hash.0.update(&bytes);
            }
            SinkOrder::StartOver => {
                file.set_len(0)?;
                file.seek(SeekFrom::Start(0))?;
                hash = Hash::new();
            }
            SinkOrder::End => {
                file.sync_all()?;
                return Ok(hash.finish());
            }
        }
    }
    Err(io::Error::new(io::ErrorKind::Interrupted, "the download was abandoned"))
}
