//! The report for a ticket.

use std::io::{self, Write};

use super::human::{refs, remarks, title};
use super::{Retention, Status};
use crate::report::markdown::escape::{code, prose};

impl Retention {
    /// Writes the report as Markdown: what is wrong first, then what may go, then what stays.
    pub fn write_markdown(&self, out: &mut impl Write) -> io::Result<()> {
        writeln!(out, "## Boot images on the mirror: {}", self.counts())?;
        if !self.gone.is_empty() {
            writeln!(
                out,
                "\n### Pinned, and gone\n\n| build | architecture | pinned by |\n| --- | --- | --- |"
            )?;
        }
        for gone in &self.gone {
            let (build, arch) = (code(&gone.build_id, 100), code(&gone.arch, 40));
            writeln!(out, "| {build} | {arch} | {} |", code(&refs(&gone.pinned_by), 600))?;
        }
        if !self.unreadable.is_empty() {
            writeln!(out, "\n### Cannot be read, so nothing is an orphan\n")?;
        }
        for unreadable in &self.unreadable {
            writeln!(out, "- {}: {}", code(&unreadable.by, 300), prose(&unreadable.why, 600))?;
        }
        let orphans = |status| status == Status::Orphan;
        self.table(out, "May be pruned", orphans)?;
        self.table(out, "Stay", |status| !orphans(status))
    }

    fn table(&self, out: &mut impl Write, heading: &str, wanted: impl Fn(Status) -> bool) -> io::Result<()> {
        let builds: Vec<_> = self.builds.iter().filter(|build| wanted(build.status)).collect();
        if builds.is_empty() {
            return Ok(());
        }
        writeln!(out, "\n### {heading}\n\n| directory | build | architectures | | |")?;
        writeln!(out, "| --- | --- | --- | --- | --- |")?;
        for build in builds {
            writeln!(
                out,
                "| {} | {} | {} | {} | {} |",
                code(&build.directory, 100),
                code(&title(build), 200),
                code(&build.arches.join(" "), 200),
                build.status.as_str(),
                code(&remarks(build), 600)
            )?;
        }
        Ok(())
    }
}
