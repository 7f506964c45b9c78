//! The comparison as Markdown, for a pull request.

use std::io::{self, Write};

use super::{Diff, DocumentDiff, cloud};
use crate::text::count;
use crate::text::markdown::{code, prose};

/// The most artifacts that are listed; a comment is limited to 65,536 characters.
const MOST_ARTIFACTS: usize = 100;

impl Diff {
    /// Writes the comparison as Markdown.
    pub fn write_markdown(&self, out: &mut impl Write) -> io::Result<()> {
        let (old, new) = (code(&self.old, 200), code(&self.new, 200));
        let differ = if self.same { "No difference" } else { "Differences" };
        writeln!(out, "## {differ} between {old} and {new}")?;
        for document in &self.documents {
            write_document(out, document)?;
        }
        writeln!(out)?;
        self.not_compared().try_for_each(|(name, why)| writeln!(out, "- {}: {why}", code(name, 200)))
    }
}

fn write_document(out: &mut impl Write, document: &DocumentDiff) -> io::Result<()> {
    writeln!(out, "\n### {} ({})\n", code(&document.title(), 300), code(&document.stream_title(), 100))?;
    if let Some(shown) = document.paired_by.shown() {
        writeln!(out, "The two are {shown}.\n")?;
    }
    writeln!(out, "**In step?** {}.", prose(&document.step.message, 600))?;
    if !document.lost.is_empty() || !document.gained.is_empty() {
        writeln!(out)?;
    }
    for lost in &document.lost {
        writeln!(out, "- **Alarm:** {}", prose(&lost.gone(), 2000))?;
    }
    for gained in &document.gained {
        writeln!(out, "- new: {}", prose(&format!("{}{}", gained.what(), gained.on()), 2000))?;
    }
    if !document.builds.is_empty() {
        writeln!(out, "\n| architecture | old build | new build |\n| --- | --- | --- |")?;
        for change in &document.builds {
            let builds = change.shown();
            let (old, new) = (code(&builds.old, 300), code(&builds.new, 300));
            writeln!(out, "| {} | {old} | {new} |", code(&change.arch, 40))?;
        }
    }
    if !document.artifacts.is_empty() {
        writeln!(out, "\nArtifacts: {}.", document.counted())?;
    }
    let notable = document.notable().count();
    if notable > 0 {
        writeln!(out, "\n| | artifact | |\n| --- | --- | --- |")?;
    }
    for artifact in document.notable().take(MOST_ARTIFACTS) {
        let id = code(&artifact.id.to_string(), 200);
        writeln!(out, "| {} | {id} | {} |", artifact.change.as_str(), code(&artifact.shown(), 600))?;
    }
    if notable > MOST_ARTIFACTS {
        writeln!(out, "\n… and {}.", count(notable - MOST_ARTIFACTS, "more artifact"))?;
    }
    let providers = cloud::by_provider(&document.cloud_images);
    if !providers.is_empty() {
        writeln!(out, "\n| cloud images | | values changed |\n| --- | --- | --- |")?;
    }
    for ((arch, provider), values) in providers {
        writeln!(out, "| {} | {} | {values} |", code(provider, 100), code(arch, 40))?;
    }
    Ok(())
}
