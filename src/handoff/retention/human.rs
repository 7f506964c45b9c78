//! The report for people, on a terminal or in a log.

use std::io::{self, Write};
use std::sync::Arc;

use std::collections::BTreeSet;

use super::{Build, Retention, Status, Unreadable};
use crate::stream::short_name;
use crate::text::{Printable, bytes, count};

/// The most refs shown for a build; hundreds of tags may pin one.
const MOST_REFS: usize = 5;

impl Retention {
    pub fn write_human(&self, out: &mut impl Write) -> io::Result<()> {
        if let Some(narrowed) = self.narrowed_warning() {
            writeln!(out, "WARNING: {narrowed}")?;
        }
        let mut directory: Option<&str> = None;
        for build in &self.builds {
            if directory != Some(&build.directory) {
                directory = Some(&build.directory);
                let name = if build.directory.is_empty() { "(the listing)" } else { &build.directory };
                writeln!(out, "{}", Printable(name))?;
            }
            let remarks = remarks(build);
            let what = format!("{} {}", title(build), build.arches.join(" "));
            write!(out, "  {:<14} {}", build.status.as_str(), Printable(what.trim_end()))?;
            writeln!(out, "{}{}", if remarks.is_empty() { "" } else { "  " }, Printable(&remarks))?;
        }
        for (word, missing) in [("GONE", &self.gone), ("UNDETERMINED", &self.undetermined)] {
            for it in missing {
                let (build, arch, what) = (Printable(&it.build_id), Printable(&it.arch), it.absence.shown());
                let by = refs(&it.pinned_by);
                writeln!(out, "{word} {build} {arch}: {what}: pinned by {}", Printable(&by))?;
                it.files.iter().try_for_each(|file| writeln!(out, "  {}", Printable(file)))?;
            }
        }
        for unreadable in &self.unreadable {
            let (by, why) = (Printable(&unreadable.by), Printable(&unreadable.why));
            writeln!(out, "ERROR: {by} cannot be read, so {} stays: {why}", doubt(unreadable))?;
        }
        for meaning in self.meanings() {
            writeln!(out, "note: {meaning}")?;
        }
        if !self.not_covered.is_empty() {
            let builds = count(self.not_covered.len(), "pinned build");
            writeln!(out, "note: {builds} of streams that the listing does not cover (see --complete)")?;
        }
        if let Some(narrowed) = self.narrowed_warning() {
            writeln!(out, "WARNING: {narrowed}")?;
        }
        writeln!(out, "{}", self.counts())
    }

    /// The warning that commits were ignored from which releases may have been cut.
    fn narrowed_warning(&self) -> Option<String> {
        let option = Printable(self.narrowed_by.as_deref()?);
        Some(format!(
            "{option} ignores earlier commits: a release that was cut from one of them may still install a build listed as an orphan here"
        ))
    }

    /// The statuses that occur, each with its meaning.
    fn meanings(&self) -> impl Iterator<Item = String> {
        let statuses: BTreeSet<Status> = self.builds.iter().map(|build| build.status).collect();
        statuses.into_iter().map(|status| format!("{}: {}", status.as_str(), status.meaning()))
    }

    /// Such as `2 pinned, 1 newest, 0 kept, 3 orphans (1024 bytes to be freed), 0 gone, 0 undetermined`.
    fn counts(&self) -> String {
        let it = &self.summary;
        let freed = match it.orphan_bytes {
            Some(freed) if it.orphans > 0 => format!(" ({} to be freed)", bytes(freed)),
            _ => String::new(),
        };
        let orphans = count(it.orphans, "orphan");
        format!(
            "{} pinned, {} newest, {} kept, {orphans}{freed}, {} gone, {} undetermined",
            it.pinned, it.newest, it.kept, it.gone, it.undetermined
        )
    }
}

/// The builds that something unreadable may pin.
fn doubt(unreadable: &Unreadable) -> String {
    match unreadable.newest_build.map(|time| time.to_string()) {
        Some(time) => {
            let part = |range: std::ops::Range<usize>| time.get(range).unwrap_or_default();
            format!("every build until {}-{}-{}", part(0..4), part(4..6), part(6..8))
        }
        None => "every build".to_owned(),
    }
}

/// The listed name, with the build ID if that differs.
fn title(build: &Build) -> String {
    match &build.build_id {
        Some(id) if **id != *build.name => format!("{} (build {id})", build.name),
        _ => build.name.to_string(),
    }
}

fn remarks(build: &Build) -> String {
    let mut remarks: Vec<String> = build.pruned.iter().cloned().collect();
    if let (Status::Orphan, Some(freed)) = (build.status, build.bytes) {
        remarks.push(bytes(freed));
    }
    if !build.pinned_by.is_empty() {
        remarks.push(format!("by {}", refs(&build.pinned_by)));
        remarks.extend(build.newest.then(|| "the newest".to_owned()));
    }
    remarks.join("; ")
}

fn refs(all: &[Arc<str>]) -> String {
    let mut some: Vec<String> = all.iter().take(MOST_REFS).map(|name| short_name(name).to_owned()).collect();
    if all.len() > MOST_REFS {
        some.push(format!("{} more", all.len() - MOST_REFS));
    }
    some.join(", ")
}
