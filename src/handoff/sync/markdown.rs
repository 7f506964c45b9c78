//! The list as text, and as Markdown to paste into a ticket.

use std::io::{self, Write};

use super::{SyncBuild, SyncList, SyncState};
use crate::handoff::request::opening;
use crate::location::ArtifactUrl;
use crate::report::ProwContext;
use crate::text::markdown::{code, prose};
use crate::text::{count, excerpt};

/// Escapes untrusted text and shortens it to a number of characters.
type Escape = fn(&str, usize) -> String;

impl SyncList {
    pub fn write_markdown(&self, out: &mut impl Write, prow: &ProwContext) -> io::Result<()> {
        self.write(out, prow, (code, prose))
    }

    pub fn write_human(&self, out: &mut impl Write, prow: &ProwContext) -> io::Result<()> {
        self.write(out, prow, (excerpt, excerpt))
    }

    fn write(&self, out: &mut impl Write, prow: &ProwContext, escape: (Escape, Escape)) -> io::Result<()> {
        let (code, prose) = escape;
        if self.builds.is_empty() {
            writeln!(out, "There is nothing to mirror.")?;
        } else {
            // The opening contains text from Prow, which must not become markup.
            writeln!(out, "{}", prose(opening(prow).trim_end(), 600))?;
        }
        if let Some(bridge) = self.bridge.as_deref().filter(|_| !self.builds.is_empty()) {
            writeln!(out, "\nThe files are on the bridge, {}.", code(bridge, 300))?;
        }
        for build in &self.builds {
            write_build(out, build, escape)?;
        }
        if !self.unlisted.is_empty() {
            writeln!(out, "\n### Not listed: {}\n", count(self.unlisted.len(), "file"))?;
        }
        for it in &self.unlisted {
            let url = it.url.as_ref().map_or(it.location.as_str(), ArtifactUrl::as_str);
            let (id, url, why) = (code(&it.id.to_string(), 200), code(url, 500), it.why.words());
            writeln!(out, "- {id}: {why}: {}\n  {url}", prose(&it.message, 600))?;
        }
        for note in &self.notes {
            writeln!(out, "\n> {}", prose(note, 600))?;
        }
        Ok(())
    }
}

fn write_build(out: &mut impl Write, build: &SyncBuild, (code, prose): (Escape, Escape)) -> io::Result<()> {
    let (arch, id) = (code(build.arch.rpm_name(), 40), code(build.build_id.as_str(), 100));
    let (files, missing) = (count(build.files.len(), "file"), build.missing());
    writeln!(out, "\n### {arch}, build {id}: {files}, {missing} missing\n\n{}", build.addressee())?;
    for refused in &build.refused {
        writeln!(out, "\n> No list: {}", prose(&refused.message, 1_000))?;
    }
    if let Some(directory) = &build.upload_to {
        writeln!(out, "\nTo {} in the bucket.", code(directory, 300))?;
    }
    if let Some(job) = build.sync_job.as_ref()
        && let Some(command) = &job.command
    {
        // Neither the command nor a canonical URL contains a backtick or a line break.
        writeln!(out, "\n```\n{command}\n```")?;
        if let Some(parameters) = &job.jenkins {
            let version = code(&job.version, 100);
            let parameters = parameters.join("\n");
            writeln!(
                out,
                "\nOr its Jenkins job `rhcos_sync`, once the installer of {version} pins this build:\n\n\
                 ```\n{parameters}\n```"
            )?;
        }
    }
    for remark in &build.remarks {
        writeln!(out, "\n> {}", prose(remark, 1_000))?;
    }
    let missing = build.files.iter().filter(|file| file.state != SyncState::Present);
    let missing: String = missing.flat_map(|file| [file.destination.as_str(), "\n"]).collect();
    if !missing.is_empty() {
        writeln!(out, "\nMissing or wrong:\n\n```\n{missing}```")?;
    }
    let synclist = build.sync_job.as_ref().and_then(|job| job.synclist.as_deref());
    let title = synclist.map_or_else(|| "From the bridge".to_owned(), |name| code(name, 200));
    writeln!(out, "\n{title}:\n\n```\n{}```", build.lines())
}
