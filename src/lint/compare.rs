//! What a document lacks compared with its base or a sibling.

use super::Subject;
use super::alarms::Alarms;
use super::rule::Rule;
use crate::change::{Missing, missing, paths};
use crate::text::excerpt;

pub(super) fn check(
    subject: &Subject<'_>,
    before: Option<&Subject<'_>>,
    all: &[Subject<'_>],
    base: Option<&[Subject<'_>]>,
    alarms: &mut Alarms,
) {
    let here = paths(subject.document);
    if let Some(before) = before {
        for (place, keys) in missing(&here, &paths(before.document)) {
            alarms.add(Rule::Lost, subject.document, || {
                let missing = Missing::of(&place, &keys);
                (document_path(&place), format!("{} since the base", missing.gone()))
            });
        }
    }
    for sibling in all.iter().filter(|other| subject.is_sibling(other)) {
        let mut lacks = missing(&here, &paths(sibling.document));
        // A difference that the base already has is not reported.
        let was = base.and_then(|base| {
            let named = |name: &str| base.iter().find(|it| &*it.document.name == name);
            Some((named(&subject.document.name)?, named(&sibling.document.name)?))
        });
        if let Some((subject, sibling)) = was {
            let lacked = missing(&paths(subject.document), &paths(sibling.document));
            for (place, keys) in &mut lacks {
                keys.retain(|key| !lacked.get(place).is_some_and(|known| known.contains(key)));
            }
            lacks.retain(|_, keys| !keys.is_empty());
        }
        for (place, keys) in lacks {
            alarms.add(Rule::SiblingHas, subject.document, || {
                let (sibling, missing) = (excerpt(sibling.file_name(), 80), Missing::of(&place, &keys));
                let message = format!("{sibling} has {}{}, missing here", missing.what(), missing.on());
                (document_path(&place), message)
            });
        }
    }
}

fn document_path(place: &[&str]) -> Vec<String> {
    let mut path = vec!["architectures".to_owned()];
    for (at, key) in place.iter().enumerate() {
        path.push((*key).to_owned());
        if at == 2 && place.get(1) == Some(&"artifacts") && place.len() > 3 {
            path.push("formats".to_owned());
        }
    }
    path
}
