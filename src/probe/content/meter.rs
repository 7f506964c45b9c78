//! How far all downloads are, for whoever shows it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// All downloads of a run. Clones share what they count.
#[derive(Debug, Clone, Default)]
pub struct Transfers(Arc<Mutex<Books>>);

#[derive(Debug, Default)]
struct Books {
    next: u64,
    open: BTreeMap<u64, Entry>,
    done_files: usize,
    done_bytes: u64,
    /// What went over the wire on transfers that are done, what was thrown away included.
    done_wire: u64,
}

#[derive(Debug)]
struct Entry {
    name: Arc<str>,
    size: Option<u64>,
    started: bool,
    position: Arc<AtomicU64>,
    wire: Arc<AtomicU64>,
}

/// One file that is being downloaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileProgress {
    /// Which download of the run this is: stable while it lasts.
    pub id: u64,
    pub name: Arc<str>,
    pub received: u64,
    /// Its size in bytes, where it is known.
    pub size: Option<u64>,
}

/// How far all downloads are at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TransfersNow {
    /// The files under way, the oldest first.
    pub files: Vec<FileProgress>,
    pub waiting: usize,
    pub done: usize,
    /// The bytes that are here, of all files.
    pub received: u64,
    /// The bytes of all files, as far as their sizes are known.
    pub total: u64,
    /// The bytes that went over the wire, what had to be read twice included: what a rate is made of.
    pub wire: u64,
}

impl TransfersNow {
    /// Whether there is, or was, anything to download.
    pub fn any(&self) -> bool {
        self.done > 0 || self.waiting > 0 || !self.files.is_empty()
    }
}

/// One download's entry, until it is dropped.
#[derive(Debug)]
pub(in crate::probe) struct Meter {
    books: Transfers,
    id: u64,
    position: Arc<AtomicU64>,
    wire: Arc<AtomicU64>,
}

impl Transfers {
    pub fn now(&self) -> TransfersNow {
        let books = self.books();
        let mut now = TransfersNow {
            done: books.done_files,
            received: books.done_bytes,
            total: books.done_bytes,
            wire: books.done_wire,
            ..TransfersNow::default()
        };
        for (&id, entry) in &books.open {
            let received = entry.position.load(Ordering::Relaxed);
            now.received = now.received.saturating_add(received);
            now.total = now.total.saturating_add(entry.size.unwrap_or(0).max(received));
            now.wire = now.wire.saturating_add(entry.wire.load(Ordering::Relaxed));
            if entry.started {
                let (name, size) = (Arc::clone(&entry.name), entry.size);
                now.files.push(FileProgress { id, name, received, size });
            } else {
                now.waiting += 1;
            }
        }
        now
    }

    pub(super) fn announce(&self, name: &str, size: Option<u64>) -> Meter {
        let (position, wire) = (Arc::default(), Arc::default());
        let mut books = self.books();
        let id = books.next;
        books.next += 1;
        let entry = Entry {
            name: name.into(),
            size,
            started: false,
            position: Arc::clone(&position),
            wire: Arc::clone(&wire),
        };
        books.open.insert(id, entry);
        drop(books);
        Meter { books: self.clone(), id, position, wire }
    }

    fn books(&self) -> std::sync::MutexGuard<'_, Books> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Meter {
    pub(super) fn start(&self) {
        if let Some(entry) = self.books.books().open.get_mut(&self.id) {
            entry.started = true;
        }
    }

    pub(super) fn add(&self, bytes: u64) {
        self.position.fetch_add(bytes, Ordering::Relaxed);
        self.wire.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(super) fn reset(&self) {
        self.position.store(0, Ordering::Relaxed);
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        let mut books = self.books.books();
        books.open.remove(&self.id);
        books.done_files += 1;
        books.done_bytes = books.done_bytes.saturating_add(self.position.load(Ordering::Relaxed));
        books.done_wire = books.done_wire.saturating_add(self.wire.load(Ordering::Relaxed));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_books_know_what_waits_what_runs_and_what_is_done() {
        let transfers = Transfers::default();
        assert!(!transfers.now().any());
        let (one, two) = (transfers.announce("one", Some(100)), transfers.announce("two", None));
        one.start();
        one.add(60);
        one.reset();
        one.add(40);
        let now = transfers.now();
        assert_eq!((now.waiting, now.received, now.total, now.wire), (1, 40, 100, 100));
        assert_eq!(now.files.first().map(|file| (file.received, file.size)), Some((40, Some(100))));
        drop(two);
        one.add(60);
        drop(one);
        let now = transfers.now();
        assert_eq!((now.done, now.received, now.total, now.wire), (2, 100, 100, 160));
        assert!(now.any() && now.files.is_empty());
    }
}
