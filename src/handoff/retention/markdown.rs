//! The report for a ticket.

use std::io::{self, Write};

use super::human::{doubt, refs, remarks, title};
use super::{Retention, Status};
use crate::report::markdown::escape::{code, prose};

impl Retention {
    /// Writes the report as Markdown: what is wrong first, then what may go, then what stays.
    pub fn write_markdown(&self, out: &mut impl Write) -> io::Result<()> {
        writeln!(out, "## Boot images on the mirror: {}", self.counts())?;
        if let Some(narrowed) = self.narrowed() {
            writeln!(out, "\n**Warning:** {}", prose(&narrowed, 600))?;
        }
        for (heading, is_gone) in [("Pinned, and gone", true), ("Pinned, and undetermined", false)] {
            let mut begin = format!(
                "\n### {heading}\n\n| build | architecture | | files | pinned by |\n| --- | --- | --- | --- | --- |\n"
            );
            for it in self.missing().filter(|it| it.is_gone == is_gone) {
                let files =
                    if it.files.is_empty() { "all".to_owned() } else { code(&it.files.join(", "), 4000) };
                let (build, arch, by) =
                    (code(it.build, 100), code(it.arch, 40), code(&refs(it.pinned_by), 600));
                let begin = std::mem::take(&mut begin);
                writeln!(out, "{begin}| {build} | {arch} | {} | {files} | {by} |", prose(it.what, 200))?;
            }
        }
        if !self.unreadable.is_empty() {
            writeln!(out, "\n### Cannot be read, so builds stay\n")?;
        }
        for unreadable in &self.unreadable {
            let (by, why) = (code(&unreadable.by, 300), prose(&unreadable.why, 600));
            writeln!(out, "- {by}, so {} stays: {why}", doubt(unreadable))?;
        }
        let orphans = |status| status == Status::Orphan;
        self.table(out, "May be pruned", orphans)?;
        self.table(out, "Stay", |status| !orphans(status))?;
        writeln!(out)?;
        self.meanings().try_for_each(|meaning| writeln!(out, "- {}", prose(&meaning, 300)))
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
