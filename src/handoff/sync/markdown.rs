//! The list as a request to paste into a ticket.

use std::io::{self, Write};

use super::SyncList;
use crate::report::markdown::escape::{code, prose};
use crate::report::{ProwContext, request_opening};
use crate::text::count;

impl SyncList {
    /// Writes the request.
    pub fn write_markdown(&self, out: &mut impl Write, prow: &ProwContext) -> io::Result<()> {
        if self.builds.is_empty() {
            writeln!(out, "There is nothing to mirror.")?;
        } else {
            // The opening is a sentence of ours around Prow's words, which GitHub must not take for markup.
            writeln!(out, "{}", prose(request_opening(prow).trim_end(), 600))?;
        }
        if let Some(bridge) = self.bridge.as_deref().filter(|_| !self.builds.is_empty()) {
            writeln!(out, "\nThe files are on the bridge, {}.", code(bridge, 300))?;
        }
        for build in &self.builds {
            let files = count(build.files.len(), "file");
            let id = code(build.build_id.as_str(), 100);
            writeln!(out, "\n### {}, build {id}: {files}\n\n```", code(build.arch.rpm_name(), 40))?;
            for (name, value) in build.parameters() {
                writeln!(out, "{name:<15} {value}")?;
            }
            // Every line is a URL in its canonical spelling: no backtick and no line break can be in one.
            let list = build.lines();
            writeln!(out, "```\n\n{}:\n\n```\n{list}```", code(&build.synclist, 200))?;
        }
        for (why, unlisted) in self.unlisted_by_reason() {
            writeln!(out, "\n### Not listed: {} ({})\n", why.title(), count(unlisted.len(), "file"))?;
            for it in unlisted {
                writeln!(out, "- {}: {}", code(&it.id.to_string(), 200), prose(&it.message, 600))?;
            }
        }
        for note in &self.notes {
            writeln!(out, "\n> {}", prose(note, 600))?;
        }
        Ok(())
    }
}
