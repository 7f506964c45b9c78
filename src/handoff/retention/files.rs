//! Whether the files that are pinned are among those of a build that is listed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Gone, Held, HowGone, Images, Pin, Undetermined};
use crate::location::{Arch, BuildAge, BuildId, FileName};

/// What is gone, or may be, by build.
#[derive(Debug, Default)]
pub(super) struct Findings<'p> {
    gone: BTreeMap<(Key<'p>, HowGone), Of<'p>>,
    undetermined: BTreeMap<(Key<'p>, &'static str), Of<'p>>,
}

/// A build's age, ID and architecture.
type Key<'p> = (Option<BuildAge>, &'p Arc<str>, &'p Arc<str>);

/// Files, and who pins them.
#[derive(Debug, Default)]
struct Of<'p> {
    files: BTreeSet<Arc<str>>,
    by: BTreeSet<&'p Arc<str>>,
}

/// What a listing says of one file of a build that it lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum State {
    There,
    Unknown(&'static str),
    Gone(HowGone),
}

const ODD_ENTRY: &str = "its policy-cleanup is in no known shape";
const NO_IMAGE: &str = "images of the build were pruned, and nothing says which image the pin is of";
const NO_FILES: &str = "the listing names no image of the build";

impl<'p> Findings<'p> {
    /// Looks for the files of a pin in what is held of its build.
    pub(super) fn look_for_files(&mut self, pin: &'p Pin, held: &[&Held]) {
        // A mirror may have other copies than the one that the location names.
        let named: Vec<&Held> =
            held.iter().copied().filter(|held| Some(&held.directory) == pin.directory.as_ref()).collect();
        let held = if named.is_empty() { held } else { &named };
        let best = |file: Option<&FileName>| held.iter().map(|held| state(held, file, pin)).min();
        if pin.files.is_empty() {
            self.add(pin, best(None), None);
        }
        for file in &pin.files {
            let name = Arch::from_rpm_name(&pin.arch).map(|arch| FileName::read(file, arch));
            self.add(pin, best(name.as_ref()), Some(file));
        }
    }

    fn add(&mut self, pin: &'p Pin, state: Option<State>, file: Option<&Arc<str>>) {
        match state {
            Some(State::There) | None => {}
            Some(State::Gone(how)) => self.gone(pin, how, file),
            Some(State::Unknown(why)) => {
                self.undetermined.entry((key(pin), why)).or_default().add(pin, file);
            }
        }
    }

    /// Notes that a file is gone; without one, the whole build.
    pub(super) fn gone(&mut self, pin: &'p Pin, how: HowGone, file: Option<&Arc<str>>) {
        self.gone.entry((key(pin), how)).or_default().add(pin, file);
    }

    /// What was found, the oldest build first.
    pub(super) fn into_lists(self) -> (Vec<Gone>, Vec<Undetermined>) {
        let gone = self.gone.into_iter().map(|(((_, build, arch), how), of)| Gone {
            build_id: Arc::clone(build),
            arch: Arc::clone(arch),
            how,
            files: of.files.into_iter().collect(),
            pinned_by: of.by.into_iter().map(Arc::clone).collect(),
        });
        let undetermined = self.undetermined.into_iter().map(|(((_, build, arch), why), of)| Undetermined {
            build_id: Arc::clone(build),
            arch: Arc::clone(arch),
            why: why.to_owned(),
            files: of.files.into_iter().collect(),
            pinned_by: of.by.into_iter().map(Arc::clone).collect(),
        });
        (gone.collect(), undetermined.collect())
    }
}

impl<'p> Of<'p> {
    fn add(&mut self, pin: &'p Pin, file: Option<&Arc<str>>) {
        self.files.extend(file.cloned());
        self.by.insert(&pin.by);
    }
}

fn key(pin: &Pin) -> Key<'_> {
    (pin.build_id().as_ref().map(BuildId::age), &pin.build, &pin.arch)
}

/// Whether a file of a build is there, by all that the listing says of the build. That it lists the build is no proof
/// of a file where it says more than that.
fn state(held: &Held, file: Option<&FileName>, pin: &Pin) -> State {
    let files = held.files.as_ref();
    if let (Some(files), Some(file)) = (files, file)
        && files.contains(&*file.tail())
    {
        return State::There;
    }
    match (&held.cleanup.images, file) {
        (Images::All, _) => {}
        (Images::Unknown, _) => return State::Unknown(ODD_ENTRY),
        (Images::Only(kept), _) if kept.is_empty() => return State::Gone(HowGone::Pruned),
        (Images::Only(kept), Some(file)) => {
            let image = Arch::from_rpm_name(&pin.arch).and_then(|arch| file.image(arch));
            match image {
                Some(image) if kept.contains(&image) => {}
                Some(_) => return State::Gone(HowGone::Pruned),
                None => return State::Unknown(NO_IMAGE),
            }
        }
        (Images::Only(_), None) => return State::Unknown(NO_IMAGE),
    }
    match (files, file) {
        (None, _) => State::There,
        (Some(files), _) if !files.iter().any(|file| file.contains(&*pin.arch)) => State::Unknown(NO_FILES),
        // A pin that names no file is of whatever there is.
        (Some(_), None) => State::There,
        (Some(_), Some(_)) => State::Gone(HowGone::FilesNotListed),
    }
}
