//! The list for a person at a terminal or in a log.

use std::io::{self, Write};

use super::{SyncList, SyncState};
use crate::text::{Printable, count};

impl SyncList {
    pub fn write_human(&self, out: &mut impl Write) -> io::Result<()> {
        if self.builds.is_empty() {
            writeln!(out, "nothing to list")?;
        }
        for build in &self.builds {
            let (files, missing) = (count(build.files.len(), "file"), build.missing());
            writeln!(out, "{}, build {}: {files}, {missing} missing", build.arch, build.build_id)?;
            writeln!(out, "  {}", build.asked())?;
            for refused in &build.refused {
                writeln!(out, "  NO LIST: {}", Printable(&refused.message))?;
            }
            if let Some(directory) = &build.upload_to {
                writeln!(out, "  to {} in the bucket", Printable(directory))?;
            }
            if let Some(job) = build.sync_job.as_ref()
                && let Some(command) = &job.command
            {
                writeln!(out, "  {command}")?;
                if let Some(parameters) = &job.jenkins {
                    let release = format!("once the installer of {} pins this build", job.version);
                    writeln!(out, "  or its Jenkins job, {release}: {}", parameters.join(" "))?;
                }
            }
            for remark in &build.remarks {
                writeln!(out, "  note: {}", Printable(remark))?;
            }
            for file in &build.files {
                let state = match file.state {
                    SyncState::Present => "",
                    SyncState::Missing => "missing",
                    SyncState::Wrong => "wrong",
                    SyncState::Undetermined => "unknown",
                };
                writeln!(out, "  {state:<7} {}", Printable(file.url.as_str()))?;
            }
            writeln!(out)?;
        }
        for it in &self.unlisted {
            let url = it.url.as_ref().map_or(it.location.as_str(), |url| url.as_str());
            let (id, why) = (it.id.to_string(), it.why.words());
            writeln!(out, "NOT LISTED {}: {why}: {}", Printable(&id), Printable(&it.message))?;
            writeln!(out, "  {}", Printable(url))?;
        }
        for note in &self.notes {
            writeln!(out, "note: {}", Printable(note))?;
        }
        let (files, builds) = (count(self.files(), "file"), count(self.builds.len(), "build"));
        writeln!(out, "{files} of {builds} to mirror, {} not listed", self.unlisted.len())
    }
}
