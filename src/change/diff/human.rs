//! The comparison as plain text.

use std::io::{self, Write};

use super::{Diff, DocumentDiff, cloud};
use crate::text::{Printable, count};

impl Diff {
    /// Writes the comparison as plain text.
    pub fn write_human(&self, out: &mut impl Write) -> io::Result<()> {
        for document in &self.documents {
            write_document(out, document)?;
        }
        for (name, why) in self.not_compared() {
            writeln!(out, "{}: {why}", Printable(name))?;
        }
        writeln!(out, "{}", if self.same { "no difference" } else { "they differ" })
    }
}

fn write_document(out: &mut impl Write, document: &DocumentDiff) -> io::Result<()> {
    writeln!(out, "{} ({})", Printable(&document.title()), Printable(&document.stream_title()))?;
    if let Some(shown) = document.paired_by.shown() {
        writeln!(out, "  {shown}")?;
    }
    for change in &document.builds {
        let builds = change.shown();
        writeln!(
            out,
            "  build {:<8} {} → {}",
            Printable(&change.arch).to_string(),
            Printable(&builds.old),
            Printable(&builds.new)
        )?;
    }
    for lost in &document.lost {
        writeln!(out, "  ALARM: {}", lost.gone())?;
    }
    for gained in &document.gained {
        writeln!(out, "  new: {}{}", gained.what(), gained.on())?;
    }
    if !document.artifacts.is_empty() {
        writeln!(out, "  artifacts: {}", document.counted())?;
    }
    for artifact in document.notable() {
        let id = artifact.id.to_string();
        let sign = artifact.change.sign();
        writeln!(out, "    {sign} {}: {}", Printable(&id), Printable(&artifact.shown()))?;
    }
    if !document.cloud_images.is_empty() {
        writeln!(out, "  cloud images: {} changed", count(document.cloud_images.len(), "value"))?;
    }
    for ((arch, provider), values) in cloud::by_provider(&document.cloud_images) {
        writeln!(out, "    {} {}: {values}", Printable(arch), Printable(provider))?;
    }
    writeln!(out, "  {}\n", Printable(&document.step.message))
}
