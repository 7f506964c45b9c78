//! The progress of all downloads.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// All downloads of a run. Clones share their counts.
#[derive(Debug, Clone, Default)]
pub struct Transfers(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
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
    /// Identifies the download while it lasts.
    pub id: u64,
    pub name: Arc<str>,
    /// The bytes received so far.
    pub received: u64,
    /// Its size in bytes, if known.
    pub size: Option<u64>,
}

/// The progress of all downloads at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TransfersNow {
    /// The downloads in progress, oldest first.
    pub files: Vec<FileProgress>,
    /// How many downloads wait for a permit.
    pub waiting: usize,
    /// How many downloads have ended.
    pub done: usize,
    /// The bytes received for all files.
    pub received: u64,
    /// The bytes of all files, as far as their sizes are known.
    pub total: u64,
}

impl TransfersNow {
    /// Whether there are, or were, any downloads.
    pub fn any(&self) -> bool {
        self.done > 0 || self.waiting > 0 || !self.files.is_empty()
    }

    fn add(&mut self, received: u64, total: u64) {
        self.received = self.received.saturating_add(received);
        self.total = self.total.saturating_add(total);
    }
}

/// One download's entry, which ends when this is dropped.
#[derive(Debug)]
pub(in crate::probe) struct Meter {
    transfers: Transfers,
    id: u64,
}

impl Transfers {
    pub fn now(&self) -> TransfersNow {
        let state = self.state();
        let mut now = state.done.clone();
        for TransferEntry { file, started } in state.open.values() {
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
        let mut state = self.state();
        let id = state.next;
        state.next += 1;
        let file = FileProgress { id, name: name.into(), received: 0, size };
        state.open.insert(id, TransferEntry { file, started: false });
        drop(state);
        Meter { transfers: self.clone(), id }
    }

    fn state(&self) -> MutexGuard<'_, State> {
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

    pub(super) fn reset(&self) {
        self.change(|entry| entry.file.received = 0);
    }

    fn change(&self, change: impl FnOnce(&mut TransferEntry)) {
        if let Some(entry) = self.transfers.state().open.get_mut(&self.id) {
            change(entry);
        }
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        let mut state = self.transfers.state();
        if let Some(TransferEntry { file, .. }) = state.open.remove(&self.id) {
            state.done.done += 1;
            state.done.add(file.received, file.received);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn downloads_are_counted_as_waiting_running_and_ended() {
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
