//! Marketplace files: cloud images that are published by hand, some time after a build.
//!
//! `ARCH.CLOUD.OFFER.GENERATION.{publisher, offer, sku, version}`; the version ends with a date, such as
//! `9.6.20251015`, `417.94.20240701`, `4.18.2025031114`.

use serde_json::Value;

use super::alarms::Alarms;
use super::rule::Rule;
use super::{Subject, day, day_of, list};
use crate::text::excerpt;

/// The most days between a build and its marketplace images. Paid images follow after three to six months.
const MAX_DAYS: i64 = 183;

/// The largest file that is parsed, in bytes. Real ones have 4 KiB.
const MAX_BYTES: usize = 1024 * 1024;

/// The versions in a marketplace file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marketplace {
    name: String,
    /// Architecture, path of keys below it, and version.
    versions: Vec<(String, String, String)>,
}

impl Marketplace {
    /// Parses a file; `None` if it is not a marketplace file.
    pub fn read(name: &str, text: &[u8]) -> Option<Self> {
        let value: Value = (text.len() <= MAX_BYTES).then(|| serde_json::from_slice(text).ok()).flatten()?;
        let mut versions = Vec::new();
        for (arch, clouds) in value.as_object()? {
            collect(clouds, arch, &mut Vec::new(), &mut versions);
        }
        (!versions.is_empty()).then(|| Self { name: name.to_owned(), versions })
    }
}

fn collect<'v>(
    value: &'v Value,
    arch: &str,
    path: &mut Vec<&'v str>,
    versions: &mut Vec<(String, String, String)>,
) {
    for (key, value) in value.as_object().into_iter().flatten() {
        if let (true, Some(version)) = (key == "version", value.as_str()) {
            versions.push((arch.to_owned(), path.join("."), version.to_owned()));
        }
        path.push(key);
        collect(value, arch, path, versions);
        path.pop();
    }
}

fn day_of_version(version: &str) -> Option<i64> {
    day_of(version.rsplit('.').next()?.get(..8)?.parse().ok()?)
}

pub(super) fn check(subject: &Subject<'_>, marketplaces: &[Marketplace], alarms: &mut Alarms) {
    let beside = |marketplace: &&Marketplace| {
        let (directory, file) = (subject.directory(), subject.file_name());
        let rest = marketplace.name.strip_prefix(directory).and_then(|rest| rest.strip_prefix('/'));
        rest.is_some_and(|rest| {
            rest.strip_prefix("marketplace/") == Some(file) || rest.strip_prefix("marketplace-") == Some(file)
        })
    };
    for marketplace in marketplaces.iter().filter(beside) {
        let mut late: Vec<&str> = Vec::new();
        let mut most = None;
        for (arch, path, version) in &marketplace.versions {
            let Some(build) = subject.build(arch) else { continue };
            let lag = day(&build).zip(day_of_version(version)).map(|(build, version)| build - version);
            if let Some(lag) = lag.filter(|&lag| lag > MAX_DAYS) {
                late.push(path);
                most = most.max(Some((lag, version, build.to_string())));
            }
        }
        let Some((lag, version, build)) = most else { continue };
        late.dedup();
        alarms.add(Rule::MarketplaceLag, subject.document, || {
            let (file, version) = (excerpt(&marketplace.name, 120), excerpt(version, 80));
            let late = list(&late);
            (Vec::new(), format!("{file} is up to {lag} days behind the build {build} ({version}): {late}"))
        });
    }
}
