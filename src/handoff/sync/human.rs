//! The list for a person at a terminal or in a log.

use std::io::{self, Write};

use super::SyncList;
use crate::text::{Printable, count};

impl SyncList {
    /// Writes the list for a person.
    pub fn write_human(&self, out: &mut impl Write) -> io::Result<()> {
        if self.builds.is_empty() {
            writeln!(out, "nothing to list")?;
        }
        for build in &self.builds {
            writeln!(out, "{}, build {}: {}", build.arch, build.build_id, count(build.files.len(), "file"))?;
            writeln!(out, "  {}", build.command_line())?;
            for file in &build.files {
                writeln!(out, "  {}", Printable(file.url.as_str()))?;
            }
            writeln!(out)?;
        }
        for (why, unlisted) in self.unlisted_by_reason() {
            writeln!(out, "NOT LISTED: {}: {}", why.title(), count(unlisted.len(), "file"))?;
            for it in unlisted {
                let place = it.url.as_ref().map_or(it.location.as_str(), |url| url.as_str());
                writeln!(out, "  {}: {}", Printable(&it.id.to_string()), Printable(&it.message))?;
                writeln!(out, "    {}", Printable(place))?;
            }
            writeln!(out)?;
        }
        for note in &self.notes {
            writeln!(out, "note: {}", Printable(note))?;
        }
        writeln!(
            out,
            "{} of {} to mirror, {} not listed",
            count(self.files(), "file"),
            count(self.builds.len(), "build"),
            self.unlisted.len()
        )
    }
}
