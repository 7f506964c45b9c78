//! The comparison for a person at a terminal or in a log.

use std::io::{self, Write};

use super::{Diff, DocumentDiff, cloud};
use crate::text::{Printable, count};

impl Diff {
    /// Writes the comparison for a person.
    pub fn write_human(&self, out: &mut impl Write) -> io::Result<()> {
        for document in &self.documents {
            write_document(out, document)?;
        }
        let lists = [
            (&self.only_in_old, "only in the old one"),
            (&self.only_in_new, "only in the new one"),
            (&self.left_out, "left out, as the other side is a single document"),
        ];
        for (names, why) in lists {
            for name in names {
                writeln!(out, "{}: {why}", Printable(name))?;
            }
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
    let moves = [
        ("architectures", &document.architectures),
        ("platforms", &document.platforms),
        ("formats", &document.formats),
    ];
    for (what, moves) in moves.into_iter().filter(|(_, moves)| !moves.is_empty()) {
        writeln!(out, "  {what}: {}", Printable(&moves.shown()))?;
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
        writeln!(out, "  cloud images: {}", count(document.cloud_images.len(), "value"))?;
    }
    for ((arch, provider), counts) in cloud::by_provider(&document.cloud_images) {
        writeln!(out, "    {} {}: {}", Printable(arch), Printable(provider), counts.shown())?;
    }
    writeln!(out, "  {}\n", Printable(&document.step.message))
}
