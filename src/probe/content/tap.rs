//! The bytes of a download on a blocking thread, hashed as they are read: nothing is read twice.

use std::cell::Cell;
use std::io::{self, BufRead, Read};
use std::rc::Rc;

use bytes::{Buf, Bytes, BytesMut};
use ring::digest::{Context, SHA256};
use tokio::sync::mpsc::Receiver;

use crate::stream::Sha256;

/// What the network thread sends.
pub(super) enum Chunk {
    Bytes(Vec<Bytes>),
    /// The end of the file. A channel that closes without it means that the download was abandoned.
    End,
}

/// Reads what the network thread sends, and hashes it.
pub(super) struct Tap {
    chunks: Receiver<Chunk>,
    waiting: std::vec::IntoIter<Bytes>,
    current: Bytes,
    hash: Context,
    count: Rc<Cell<u64>>,
    state: TapState,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum TapState {
    Open,
    Ended,
    GivenUp,
}

impl Tap {
    pub(super) fn new(chunks: Receiver<Chunk>) -> Self {
        Self {
            chunks,
            waiting: Vec::new().into_iter(),
            current: Bytes::new(),
            hash: Context::new(&SHA256),
            count: Rc::default(),
            state: TapState::Open,
        }
    }

    pub(super) fn count(&self) -> Rc<Cell<u64>> {
        Rc::clone(&self.count)
    }

    /// The first bytes, at least `least` of them unless the file is shorter, without consuming them.
    pub(super) fn peek(&mut self, least: usize) -> &[u8] {
        while self.current.len() < least {
            let Some(more) = self.next() else { break };
            let mut joined = BytesMut::from(&self.current[..]);
            joined.extend_from_slice(&more);
            self.current = joined.freeze();
        }
        &self.current
    }

    /// Reads the rest. Returns the number of bytes and their digest; `None` if the download was abandoned.
    pub(super) fn finish(mut self) -> Option<(u64, Sha256)> {
        self.current = Bytes::new();
        while self.next().is_some() {}
        (self.state == TapState::Ended).then(|| (self.count.get(), Sha256::of_hashed(self.hash)))
    }

    fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(bytes) = self.waiting.next() {
                self.hash.update(&bytes);
                self.count.set(self.count.get().saturating_add(u64::try_from(bytes.len()).unwrap_or(0)));
                return Some(bytes);
            }
            if self.state != TapState::Open {
                return None;
            }
            match self.chunks.blocking_recv() {
                Some(Chunk::Bytes(bytes)) => self.waiting = bytes.into_iter(),
                Some(Chunk::End) => self.state = TapState::Ended,
                None => self.state = TapState::GivenUp,
            }
        }
    }
}

impl BufRead for Tap {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.current.is_empty() {
            match self.next() {
                Some(bytes) => self.current = bytes,
                None if self.state == TapState::GivenUp => {
                    return Err(io::ErrorKind::ConnectionAborted.into());
                }
                None => break,
            }
        }
        Ok(&self.current)
    }

    fn consume(&mut self, amount: usize) {
        self.current.advance(amount.min(self.current.len()));
    }
}

impl Read for Tap {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut available = self.fill_buf()?;
        let read = available.read(buffer)?;
        self.consume(read);
        Ok(read)
    }
}
