//! What decompressors may take between them, so that a run's memory does not depend on how files were packed.
//!
//! gzip needs 32 KiB (RFC 1952). An xz file needs its dictionary: 8 MiB by default, 64 MiB with `-9`. A zstd frame
//! needs its window: up to 8 MiB by default, more with `--ultra` and `--long`. Who sends it chooses, so what a file
//! asks for is counted before it is given.

use std::sync::{Condvar, Mutex, PoisonError};

/// What all decompressors may take together, in MiB: one xz file of `-9`, or seven of the default.
const BUDGET_MIB: u64 = 66;

/// Memory that decompressors share. Whoever finds it taken waits, on a blocking thread.
#[derive(Debug)]
pub(super) struct Memory {
    free_mib: Mutex<u64>,
    freed: Condvar,
}

/// A part of it, until it is dropped.
#[derive(Debug)]
pub(super) struct Share<'m> {
    memory: &'m Memory,
    mib: u64,
}

impl Default for Memory {
    fn default() -> Self {
        Self { free_mib: Mutex::new(BUDGET_MIB), freed: Condvar::new() }
    }
}

impl Memory {
    /// Waits for so much. Who needs more than there is gets all of it, alone.
    ///
    /// A thread holds one share at a time, so that no two can wait for each other.
    pub(super) fn share(&self, mib: u64) -> Share<'_> {
        let mib = mib.min(BUDGET_MIB);
        let free = self.free_mib.lock().unwrap_or_else(PoisonError::into_inner);
        let mut free =
            self.freed.wait_while(free, |free| *free < mib).unwrap_or_else(PoisonError::into_inner);
        *free -= mib;
        Share { memory: self, mib }
    }
}

impl Drop for Share<'_> {
    fn drop(&mut self) {
        *self.memory.free_mib.lock().unwrap_or_else(PoisonError::into_inner) += self.mib;
        self.memory.freed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    #[test]
    fn shares_never_exceed_the_budget_and_the_greedy_get_their_turn() {
        let memory = Memory::default();
        let (taken, most) = (AtomicU64::new(0), AtomicU64::new(0));
        std::thread::scope(|scope| {
            for mib in [10, 66, 10, 34, 10_000, 10, 10, 10, 10, 10, 10] {
                let (memory, taken, most) = (&memory, &taken, &most);
                scope.spawn(move || {
                    for _ in 0..50 {
                        let share = memory.share(mib);
                        most.fetch_max(
                            taken.fetch_add(share.mib, Ordering::SeqCst) + share.mib,
                            Ordering::SeqCst,
                        );
                        std::thread::yield_now();
                        taken.fetch_sub(share.mib, Ordering::SeqCst);
                    }
                });
            }
        });
        assert!(most.into_inner() <= BUDGET_MIB);
        assert_eq!(*memory.free_mib.lock().unwrap(), BUDGET_MIB);
    }
}
