//! What a document lacks that its base or a sibling has.

use std::collections::BTreeMap;

use super::alarms::Alarms;
use super::rule::Rule;
use super::{Subject, list};
use crate::text::excerpt;

/// The path of a thing in a document: keys from the architecture on.
type Path<'a> = Vec<&'a str>;

/// What is missing at some place: the place, and the keys that are not there.
type MissingKeys<'a> = BTreeMap<Path<'a>, Vec<&'a str>>;

pub(super) fn check(
    subject: &Subject<'_>,
    before: Option<&Subject<'_>>,
    all: &[Subject<'_>],
    base: Option<&[Subject<'_>]>,
    alarms: &mut Alarms,
) {
    let here = paths(subject);
    if let Some(before) = before {
        for (place, keys) in missing(&here, &paths(before)) {
            alarms.add(Rule::Lost, subject.document, || {
                (document_path(&place), format!("the base has {}, which are gone", said(&place, &keys)))
            });
        }
    }
    for sibling in all.iter().filter(|other| subject.is_sibling(other)) {
        let mut lacks = missing(&here, &paths(sibling));
        // What was so before is nothing that this change did.
        let was = base.and_then(|base| {
            let named = |name: &str| base.iter().find(|it| &*it.document.name == name);
            Some((named(&subject.document.name)?, named(&sibling.document.name)?))
        });
        if let Some((subject, sibling)) = was {
            let lacked = missing(&paths(subject), &paths(sibling));
            for (place, keys) in &mut lacks {
                let known = lacked.get(place).map(Vec::as_slice).unwrap_or_default();
                keys.retain(|key| !known.contains(key));
            }
            lacks.retain(|_, keys| !keys.is_empty());
        }
        for (place, keys) in lacks {
            alarms.add(Rule::SiblingHas, subject.document, || {
                let sibling = excerpt(sibling.file_name(), 80);
                (
                    document_path(&place),
                    format!("{sibling} has {}, which are missing here", said(&place, &keys)),
                )
            });
        }
    }
}

/// Everything that a document has, sorted. Of a region's image only the region matters.
fn paths<'a>(subject: &Subject<'a>) -> Vec<Path<'a>> {
    let document = subject.document;
    let artifacts = document.artifacts.iter().map(|artifact| {
        let id = &artifact.id;
        vec![&*id.arch, "artifacts", &*id.platform, &*id.format, &*id.component]
    });
    let images = document.cloud_images.iter().map(|image| {
        let mut path = vec![&*image.arch];
        path.extend(image.path.split('.').take(8));
        if let Some(regions) = path.iter().position(|&key| key == "regions") {
            path.truncate(regions + 2);
        }
        path
    });
    let mut paths: Vec<Path<'_>> = artifacts.chain(images).collect();
    paths.sort_unstable();
    paths.dedup();
    paths
}

/// What the first lacks of the second, both sorted: for a whole platform its name, not each of its files.
fn missing<'b>(here: &[Path<'_>], there: &[Path<'b>]) -> MissingKeys<'b> {
    let mut missing = MissingKeys::new();
    for path in there {
        // The longest beginning that is here: nothing sorts between two paths with the same beginning.
        let at = here.partition_point(|it| it < path);
        let before = at.checked_sub(1).and_then(|at| here.get(at));
        let neighbours = [here.get(at), before].into_iter().flatten();
        let common = neighbours.map(|it| it.iter().zip(path).take_while(|(a, b)| a == b).count()).max();
        let common = common.unwrap_or_default();
        if let Some((place, [key, ..])) = path.split_at_checked(common) {
            let keys = missing.entry(place.to_vec()).or_default();
            if keys.last() != Some(key) {
                keys.push(key);
            }
        }
    }
    missing
}

/// `x86_64 images.aws.regions: us-east-1, us-west-2`.
fn said(place: &[&str], keys: &[&str]) -> String {
    let keys = list(keys);
    match place {
        [] => format!("the architectures {keys}"),
        [arch, rest @ ..] => {
            let place = format!("{arch} {}", rest.join("."));
            format!("{}: {keys}", excerpt(place.trim_end(), 200))
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
