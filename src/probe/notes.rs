//! What is known of an artifact while more of it is being asked.

use std::sync::{Arc, Mutex, PoisonError};

use super::evidence::Evidence;

/// The evidence so far, in the hands of whoever asks and of whoever may have to end the asking: what was known by
/// then is not lost.
#[derive(Debug, Clone, Default)]
pub struct Notes(Arc<Mutex<Option<Box<Evidence>>>>);

impl Notes {
    /// Notes something down.
    pub(super) fn add(&self, note: impl FnOnce(&mut Evidence)) {
        let mut notes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        note(notes.get_or_insert_with(|| Box::new(Evidence::unanswered())));
    }

    /// Takes all that is known; nothing if the asking has not begun or came to its end.
    pub fn take(&self) -> Option<Evidence> {
        let mut notes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        notes.take().map(|evidence| *evidence)
    }
}
