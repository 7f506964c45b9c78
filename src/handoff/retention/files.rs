//! Whether the pinned files of a listed build are still there.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Absence, Held, HowGone, Missing, Pin, PrunedImages};
use crate::location::{Arch, BuildAge, BuildId, FileName};

/// What is or may be missing, by build.
#[derive(Debug, Default)]
pub(super) struct MissingByBuild<'p>(BTreeMap<(BuildKey<'p>, Absence), Entry<'p>>);

/// A build's age, ID and architecture.
type BuildKey<'p> = (Option<BuildAge>, &'p Arc<str>, &'p Arc<str>);

/// Files, and what pins them.
#[derive(Debug, Default)]
struct Entry<'p> {
    files: BTreeSet<Arc<str>>,
    /// Tips before earlier commits.
    by: BTreeSet<(bool, &'p Arc<str>)>,
}

const UNKNOWN_FORM: &str = "its policy-cleanup has an unknown form";
const NO_IMAGE: &str = "images of the build were pruned, and the pin does not say which image it needs";
const NO_FILES: &str = "the listing names no image of the build";

impl<'p> MissingByBuild<'p> {
    /// Looks for the files of a pin in the listed copies of its build.
    pub(super) fn look_for_files(&mut self, pin: &'p Pin, held: &[&Held]) {
        // Other directories may hold copies; the one that the location names counts.
        let named: Vec<&Held> =
            held.iter().copied().filter(|held| Some(&held.directory) == pin.directory.as_ref()).collect();
        let held = if named.is_empty() { held } else { &named };
        // One copy is enough.
        let best = |file: Option<&FileName>| held.iter().map(|held| absence(held, file, pin)).min().flatten();
        if pin.files.is_empty() {
            self.add(pin, best(None), None);
        }
        for file in &pin.files {
            let name = Arch::from_rpm_name(&pin.arch).map(|arch| FileName::read(file, arch));
            self.add(pin, best(name.as_ref()), Some(file));
        }
    }

    fn add(&mut self, pin: &'p Pin, absence: Option<Absence>, file: Option<&Arc<str>>) {
        if let Some(absence) = absence {
            let of = self.0.entry((key(pin), absence)).or_default();
            of.files.extend(file.cloned());
            of.by.insert((pin.is_past, &pin.by));
        }
    }

    /// Records that a whole build is missing.
    pub(super) fn gone(&mut self, pin: &'p Pin, how: HowGone) {
        self.add(pin, Some(Absence::Gone { how }), None);
    }

    /// What is missing and what is undetermined, each oldest build first.
    pub(super) fn into_lists(self) -> (Vec<Missing>, Vec<Missing>) {
        let all = self.0.into_iter().map(|(((_, build, arch), absence), Entry { files, by })| Missing {
            build_id: Arc::clone(build),
            arch: Arc::clone(arch),
            absence,
            files: files.into_iter().collect(),
            pinned_by: by.into_iter().map(|(_, by)| Arc::clone(by)).collect(),
        });
        all.partition(|it| matches!(it.absence, Absence::Gone { .. }))
    }
}

fn key(pin: &Pin) -> BuildKey<'_> {
    (pin.build_id().as_ref().map(BuildId::age), &pin.build, &pin.arch)
}

/// How the listing shows that a file of a build is missing; `None` if it is present. A listed build proves
/// its files only where the listing has no details.
fn absence(held: &Held, file: Option<&FileName>, pin: &Pin) -> Option<Absence> {
    const PRUNED: Option<Absence> = Some(Absence::Gone { how: HowGone::Pruned });
    let undetermined = |why| Some(Absence::Undetermined { why });
    let files = held.files.as_ref();
    if let (Some(files), Some(file)) = (files, file)
        && files.contains(&*file.tail())
    {
        return None;
    }
    match (&held.cleanup.images, file) {
        (PrunedImages::All, _) => {}
        (PrunedImages::Unknown, _) => return undetermined(UNKNOWN_FORM),
        (PrunedImages::Only(kept), _) if kept.is_empty() => return PRUNED,
        (PrunedImages::Only(kept), Some(file)) => {
            let image = Arch::from_rpm_name(&pin.arch).and_then(|arch| file.image(arch));
            match image {
                Some(image) if kept.contains(&image) => {}
                Some(_) => return PRUNED,
                None => return undetermined(NO_IMAGE),
            }
        }
        (PrunedImages::Only(_), None) => return undetermined(NO_IMAGE),
    }
    match (files, file) {
        (None, _) => None,
        (Some(files), _) if !files.iter().any(|file| file.contains(&*pin.arch)) => undetermined(NO_FILES),
        // A pin that names no file is satisfied by any.
        (Some(_), None) => None,
        (Some(_), Some(_)) => Some(Absence::Gone { how: HowGone::FilesNotListed }),
    }
}
