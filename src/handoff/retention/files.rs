//! Whether the files that are pinned are among those of a build that is listed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Absence, Held, HowGone, Missing, Pin, PrunedImages};
use crate::location::{Arch, BuildAge, BuildId, FileName};

/// What is gone, or may be, by build.
#[derive(Debug, Default)]
pub(super) struct MissingByBuild<'p>(BTreeMap<(BuildKey<'p>, Absence), Of<'p>>);

/// A build's age, ID and architecture.
type BuildKey<'p> = (Option<BuildAge>, &'p Arc<str>, &'p Arc<str>);

/// Files, and who pins them.
#[derive(Debug, Default)]
struct Of<'p> {
    files: BTreeSet<Arc<str>>,
    /// Tips before what is past.
    by: BTreeSet<(bool, &'p Arc<str>)>,
}

const ODD_ENTRY: &str = "its policy-cleanup has an unknown form";
const NO_IMAGE: &str = "images of the build were pruned, and the pin does not say which image it needs";
const NO_FILES: &str = "the listing names no image of the build";

impl<'p> MissingByBuild<'p> {
    /// Looks for the files of a pin in what is held of its build.
    pub(super) fn look_for_files(&mut self, pin: &'p Pin, held: &[&Held]) {
        // A mirror may have other copies than the one that the location names.
        let named: Vec<&Held> =
            held.iter().copied().filter(|held| Some(&held.directory) == pin.directory.as_ref()).collect();
        let held = if named.is_empty() { held } else { &named };
        // One copy that is there is enough.
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

    /// Notes that a whole build is gone.
    pub(super) fn gone(&mut self, pin: &'p Pin, how: HowGone) {
        self.add(pin, Some(Absence::Gone { how }), None);
    }

    /// What is gone, and what is undetermined, each the oldest build first.
    pub(super) fn into_lists(self) -> (Vec<Missing>, Vec<Missing>) {
        let all = self.0.into_iter().map(|(((_, build, arch), absence), Of { files, by })| Missing {
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

/// What the listing says of a file of a build; none if it is there. That it lists the build is no proof of a file
/// where it says more than that.
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
        (PrunedImages::Unknown, _) => return undetermined(ODD_ENTRY),
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
        // A pin that names no file is of whatever there is.
        (Some(_), None) => None,
        (Some(_), Some(_)) => Some(Absence::Gone { how: HowGone::FilesNotListed }),
    }
}
