//! The report for a ticket.

use std::io::{self, Write};
use std::sync::Arc;

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
        let gone =
            self.gone.iter().map(|it| (&it.build_id, &it.arch, it.how.shown(), &it.files, &it.pinned_by));
        missing(out, "Pinned, and gone", &gone.collect::<Vec<_>>())?;
        let open =
            self.undetermined.iter().map(|it| (&it.build_id, &it.arch, &*it.why, &it.files, &it.pinned_by));
        missing(out, "Pinned, and undetermined", &open.collect::<Vec<_>>())?;
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

/// A build, its architecture, what is the matter, the files, who pins it.
type Row<'a> = (&'a Arc<str>, &'a Arc<str>, &'a str, &'a Vec<Arc<str>>, &'a Vec<Arc<str>>);

fn missing(out: &mut impl Write, heading: &str, rows: &[Row<'_>]) -> io::Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n### {heading}\n\n| build | architecture | | files | pinned by |")?;
    writeln!(out, "| --- | --- | --- | --- | --- |")?;
    for &(build, arch, what, files, by) in rows {
        let files = if files.is_empty() { "all".to_owned() } else { code(&files.join(", "), 4000) };
        let (build, arch) = (code(build, 100), code(arch, 40));
        writeln!(out, "| {build} | {arch} | {} | {files} | {} |", prose(what, 200), code(&refs(by), 600))?;
    }
    Ok(())
}
