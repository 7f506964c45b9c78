//! How far all downloads are, for whoever shows it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// All downloads of a run. Clones share what they count.
#[derive(Debug, Clone, Default)]
pub struct Transfers(Arc<Mutex<Books>>);

#[derive(Debug, Default)]
struct Books {
    next: u64,
    open: BTreeMap<u64, TransferEntry>,
    done: TransfersNow,
}

#[derive(Debug)]
struct TransferEntry {
    file: FileProgress,
    started: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileProgress {
    /// Which download of the run this is: stable while it lasts.
    pub id: u64,
    pub name: Arc<str>,
    /// How many of its bytes are here.
    pub received: u64,
    /// Its size in bytes, where it is known.
    pub size: Option<u64>,
}

/// How far all downloads are at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TransfersNow {
    /// The files under way, the oldest first.
    pub files: Vec<FileProgress>,
    /// How many files wait to begin.
    pub waiting: usize,
    /// How many files are done.
    pub done: usize,
    /// The bytes that are here, of all files.
    pub received: u64,
    /// The bytes of all files, as far as their sizes are known.
    pub total: u64,
}

impl TransfersNow {
    /// Whether there is, or was, anything to download.
    pub fn any(&self) -> bool {
        self.done > 0 || self.waiting > 0 || !self.files.is_empty()
    }

    fn add(&mut self, received: u64, total: u64) {
        self.received = self.received.saturating_add(received);
        self.total = self.total.saturating_add(total);
    }
}

/// One download's entry, until it is dropped.
#[derive(Debug)]
pub(in crate::probe) struct Meter {
    transfers: Transfers,
    id: u64,
}

impl Transfers {
    pub fn now(&self) -> TransfersNow {
        let books = self.books();
        let mut now = books.done.clone();
        for TransferEntry { file, started } in books.open.values() {
            now.add(file.received, file.size.unwrap_or(0).max(file.received));
            if *started {
                now.files.push(file.clone());
            } else {
                now.waiting += 1;
            }
        }
        now
    }

    pub(super) fn announce(&self, name: &str, size: Option<u64>) -> Meter {
        let mut books = self.books();
        let id = books.next;
        books.next += 1;
        let file = FileProgress { id, name: name.into(), received: 0, size };
        books.open.insert(id, TransferEntry { file, started: false });
        drop(books);
        Meter { transfers: self.clone(), id }
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Meter {
    pub(super) fn start(&self) {
        self.change(|entry| entry.started = true);
    }

    pub(super) fn add(&self, bytes: u64) {
        self.change(|entry| entry.file.received = entry.file.received.saturating_add(bytes));
    }

    /// The download starts over.
    pub(super) fn reset(&self) {
        self.change(|entry| entry.file.received = 0);
    }

    fn change(&self, change: impl FnOnce(&mut TransferEntry)) {
        if let Some(entry) = self.transfers.books().open.get_mut(&self.id) {
            change(entry);
        }
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        let mut books = self.transfers.books();
        if let Some(TransferEntry { file, .. }) = books.open.remove(&self.id) {
            books.done.done += 1;
            books.done.add(file.received, file.received);
        }
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
        assert_eq!((now.waiting, now.received, now.total), (1, 40, 100));
        assert_eq!(now.files.first().map(|file| (file.received, file.size)), Some((40, Some(100))));
        drop(two);
        one.add(60);
        drop(one);
        let now = transfers.now();
        assert_eq!((now.done, now.received, now.total), (2, 100, 100));
        assert!(now.any() && now.files.is_empty());
    }
}
