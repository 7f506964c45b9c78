//! The comparison for a pull request.

use std::io::{self, Write};

use super::{Diff, DocumentDiff, cloud};
use crate::text::count;
use crate::text::markdown::{code, prose};

/// The most artifacts that are listed one by one; a comment has room for 65,536 characters.
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
    if !document.losses.is_empty() {
        writeln!(out)?;
    }
    for loss in &document.losses {
        writeln!(out, "- **Alarm:** {}", prose(&loss.to_string(), 2000))?;
    }
    if !document.builds.is_empty() {
        writeln!(out, "\n| architecture | old build | new build |\n| --- | --- | --- |")?;
        for change in &document.builds {
            let builds = change.shown();
            let (old, new) = (code(&builds.old, 300), code(&builds.new, 300));
            writeln!(out, "| {} | {old} | {new} |", code(&change.arch, 40))?;
        }
    }
    let mut break_before = "\n";
    for (kind, names) in document.gained() {
        let names: Vec<String> = names.iter().map(|name| code(name, 200)).collect();
        writeln!(out, "{}- {kind}: {}", std::mem::take(&mut break_before), names.join(", "))?;
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
        writeln!(out, "\n| cloud images | | values |\n| --- | --- | --- |")?;
    }
    for ((arch, provider), counts) in providers {
        writeln!(out, "| {} | {} | {} |", code(provider, 100), code(arch, 40), counts.shown())?;
    }
    Ok(())
}
