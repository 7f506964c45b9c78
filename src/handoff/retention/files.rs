//! Whether the files that are pinned are among those of a build that is listed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Gone, Held, HowGone, Pin, PrunedImages, Undetermined};
use crate::location::{Arch, BuildAge, BuildId, FileName};

/// What is gone, or may be, by build.
#[derive(Debug, Default)]
pub(super) struct GoneByBuild<'p>(BTreeMap<(BuildKey<'p>, FileState), Of<'p>>);

/// A build's age, ID and architecture.
type BuildKey<'p> = (Option<BuildAge>, &'p Arc<str>, &'p Arc<str>);

/// Files, and who pins them.
#[derive(Debug, Default)]
struct Of<'p> {
    files: BTreeSet<Arc<str>>,
    /// Tips before what is past.
    by: BTreeSet<(bool, &'p Arc<str>)>,
}

/// What a listing says of one file of a build that it lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum FileState {
    There,
    Unknown(&'static str),
    Gone(HowGone),
}

const ODD_ENTRY: &str = "its policy-cleanup is in no known shape";
const NO_IMAGE: &str = "images of the build were pruned, and nothing says which image the pin is of";
const NO_FILES: &str = "the listing names no image of the build";

impl<'p> GoneByBuild<'p> {
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

    fn add(&mut self, pin: &'p Pin, state: Option<FileState>, file: Option<&Arc<str>>) {
        if let Some(state @ (FileState::Gone(_) | FileState::Unknown(_))) = state {
            let of = self.0.entry((key(pin), state)).or_default();
            of.files.extend(file.cloned());
            of.by.insert((pin.is_past, &pin.by));
        }
    }

    /// Notes that a whole build is gone.
    pub(super) fn gone(&mut self, pin: &'p Pin, how: HowGone) {
        self.add(pin, Some(FileState::Gone(how)), None);
    }

    /// What was found, the oldest build first.
    pub(super) fn into_lists(self) -> (Vec<Gone>, Vec<Undetermined>) {
        let (mut gone, mut undetermined) = (Vec::new(), Vec::new());
        for (((_, build, arch), state), Of { files, by }) in self.0 {
            let (build_id, arch, files) = (Arc::clone(build), Arc::clone(arch), files.into_iter().collect());
            let pinned_by = by.into_iter().map(|(_, by)| Arc::clone(by)).collect();
            match state {
                FileState::There => {}
                FileState::Gone(how) => gone.push(Gone { build_id, arch, how, files, pinned_by }),
                FileState::Unknown(why) => {
                    let why = why.to_owned();
                    undetermined.push(Undetermined { build_id, arch, why, files, pinned_by });
                }
            }
        }
        (gone, undetermined)
    }
}

fn key(pin: &Pin) -> BuildKey<'_> {
    (pin.build_id().as_ref().map(BuildId::age), &pin.build, &pin.arch)
}

/// Whether a file of a build is there, by all that the listing says of the build. That it lists the build is no proof
/// of a file where it says more than that.
fn state(held: &Held, file: Option<&FileName>, pin: &Pin) -> FileState {
    let files = held.files.as_ref();
    if let (Some(files), Some(file)) = (files, file)
        && files.contains(&*file.tail())
    {
        return FileState::There;
    }
    match (&held.cleanup.images, file) {
        (PrunedImages::All, _) => {}
        (PrunedImages::Unknown, _) => return FileState::Unknown(ODD_ENTRY),
        (PrunedImages::Only(kept), _) if kept.is_empty() => return FileState::Gone(HowGone::Pruned),
        (PrunedImages::Only(kept), Some(file)) => {
            let image = Arch::from_rpm_name(&pin.arch).and_then(|arch| file.image(arch));
            match image {
                Some(image) if kept.contains(&image) => {}
                Some(_) => return FileState::Gone(HowGone::Pruned),
                None => return FileState::Unknown(NO_IMAGE),
            }
        }
        (PrunedImages::Only(_), None) => return FileState::Unknown(NO_IMAGE),
    }
    match (files, file) {
        (None, _) => FileState::There,
        (Some(files), _) if !files.iter().any(|file| file.contains(&*pin.arch)) => {
            FileState::Unknown(NO_FILES)
        }
        // A pin that names no file is of whatever there is.
        (Some(_), None) => FileState::There,
        (Some(_), Some(_)) => FileState::Gone(HowGone::FilesNotListed),
    }
}
