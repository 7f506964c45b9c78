//! Limits of the reports' sizes, whatever documents and servers send: in total 64 MiB plus 8 KiB for each artifact.

use std::sync::Arc;

use super::model::ArtifactReport;
use crate::text::is_unsafe_to_print;

/// The limit of each artifact in all reports, in bytes.
const PER_ARTIFACT: usize = 8 * 1024;

/// The bytes beyond that limit that all artifacts share. The rest of the 64 MiB is for lines about the run.
const SHARED: usize = 32 * 1024 * 1024;

/// The bytes of an artifact without its texts.
const FIXED: usize = 2_560;

/// The most occurrences of a text in the JSON and `JUnit` reports together.
const OCCURRENCES: usize = 3;

/// The limit of a shortened text of an artifact, in printed bytes.
const SHORT: usize = 160;

/// The limit of all problems, notes or skipped files of a run, in printed bytes.
const LINES: usize = 1024 * 1024;

/// The limit of one such line.
const LINE: usize = 4 * 1024;

/// The bytes that remain of those that artifacts share.
#[derive(Debug, Clone, Copy)]
pub struct SizeBudget(usize);

impl Default for SizeBudget {
    fn default() -> Self {
        Self(SHARED)
    }
}

impl SizeBudget {
    /// Shortens an artifact's texts if they exceed the limit. Its ID stays whole, because the texts are about it.
    pub fn fit(&mut self, artifact: &mut ArtifactReport) {
        match self.0.checked_sub(cost(artifact).saturating_sub(PER_ARTIFACT)) {
            Some(left) => self.0 = left,
            None => shorten(artifact),
        }
    }
}

fn cost(artifact: &ArtifactReport) -> usize {
    let ArtifactReport { document, id, arch, platform, format, component, release, .. } = artifact;
    let names = [document, arch, platform, format, component, release].map(|name| &**name);
    let texts = [Some(id), Some(&artifact.location), artifact.url.as_ref(), Some(&artifact.message)];
    let texts = texts.into_iter().chain([artifact.advice.as_ref()]).flatten().chain(&artifact.warnings);
    let printed: usize = names.into_iter().chain(texts.map(String::as_str)).map(printed).sum();
    FIXED + OCCURRENCES * printed + artifact.warnings.len() * 128
}

fn shorten(artifact: &mut ArtifactReport) {
    let each = [&mut artifact.location, &mut artifact.message];
    for text in each.into_iter().chain(&mut artifact.url).chain(&mut artifact.advice) {
        cut(text, SHORT);
    }
    let mut release = artifact.release.to_string();
    cut(&mut release, SHORT);
    artifact.release = Arc::from(release);
    if artifact.warnings.len() > 1 {
        let more = format!("{} more warnings are left out", artifact.warnings.len() - 1);
        artifact.warnings.truncate(1);
        artifact.warnings.push(more);
    }
    artifact.warnings.iter_mut().for_each(|warning| cut(warning, SHORT));
}

/// Shortens lines about the run to the limits, with a last line that counts those left out.
pub fn fit_lines(lines: &mut Vec<String>) {
    let (mut budget, mut kept) = (LINES, 0);
    for line in lines.iter_mut() {
        cut(line, LINE);
        let Some(left) = budget.checked_sub(printed(line).saturating_add(64)) else { break };
        (budget, kept) = (left, kept + 1);
    }
    if kept < lines.len() {
        let more = format!("{} more are left out", lines.len() - kept);
        lines.truncate(kept);
        lines.push(more);
    }
}

/// The most bytes that a text takes in a report, escaped for XML or JSON.
fn printed(text: &str) -> usize {
    text.chars().map(printed_character).sum()
}

fn printed_character(character: char) -> usize {
    match character {
        '"' | '\'' | '&' | '<' | '>' => "&quot;".len(),
        '\\' => 2,
        ' '..='~' => 1,
        other if is_unsafe_to_print(other) => r"\udbff\udfff".len(),
        other => other.len_utf8(),
    }
}

/// Shortens a text to `limit` printed bytes and marks it with an ellipsis.
fn cut(text: &mut String, limit: usize) {
    let mut length = 0;
    let end = text.char_indices().find(|(_, character)| {
        length += printed_character(*character);
        length > limit
    });
    if let Some((end, _)) = end {
        text.truncate(end);
        text.push('…');
        text.shrink_to_fit();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::model::Report;
    use crate::report::{json, junit, sample};

    const ARTIFACTS: usize = 16;

    /// The bytes of each artifact in the reports, with these texts and names of the greatest length.
    fn bytes_per_artifact(texts: &str, budget: &mut SizeBudget) -> usize {
        let name = |length: usize| -> String { "\u{200b}".chars().cycle().take(length / 12).collect() };
        let mut artifact = sample::report().artifacts.into_iter().find(|it| it.reason.is_some()).unwrap();
        let part: Arc<str> = name(64).into();
        (artifact.arch, artifact.platform) = (Arc::clone(&part), Arc::clone(&part));
        (artifact.format, artifact.component) = (Arc::clone(&part), part);
        artifact.document = name(256).into();
        artifact.id = format!("{}:{}", artifact.document, artifact.bare_id());
        artifact.release = texts.into();
        (artifact.location, artifact.message) = (texts.into(), texts.into());
        (artifact.url, artifact.advice) = (Some(texts.into()), Some(texts.into()));
        artifact.warnings = vec![texts.into(); 5];
        let artifacts = std::iter::repeat_with(|| {
            let mut artifact = artifact.clone();
            budget.fit(&mut artifact);
            artifact
        });
        let report = Report::begun(sample::report().target).of(artifacts.take(ARTIFACTS).collect());
        let mut out = Vec::new();
        json::write(&mut out, &report).unwrap();
        junit::write(&mut out, &report).unwrap();
        out.len() / ARTIFACTS
    }

    #[test]
    fn an_artifact_takes_no_more_than_its_share_and_the_shared_budget() {
        for character in ["x", "\"", "&", "\\", "\u{1b}", "\u{200b}", "\u{e0041}", "é", "\u{10ffff}"] {
            let texts = character.repeat(2_000);
            let short = bytes_per_artifact(&texts, &mut SizeBudget(0));
            assert!(short <= PER_ARTIFACT, "{character:?}: {short} bytes");
            let mut budget = SizeBudget::default();
            let before = budget.0;
            let long = bytes_per_artifact(&texts, &mut budget) * ARTIFACTS;
            assert!(long <= before - budget.0 + ARTIFACTS * PER_ARTIFACT, "{character:?}: {long} bytes");
        }
    }

    #[test]
    fn ordinary_artifacts_are_not_shortened() {
        for artifact in sample::report().artifacts {
            let mut fitted = artifact.clone();
            SizeBudget(0).fit(&mut fitted);
            assert_eq!(fitted, artifact);
        }
    }

    #[test]
    fn lines_about_a_run_are_shortened_and_omitted_ones_counted() {
        let mut few = vec!["a".to_owned(), "b".to_owned()];
        fit_lines(&mut few);
        assert_eq!(few, ["a", "b"]);
        let mut many = vec!["\u{1b}".repeat(10_000); 10_000];
        fit_lines(&mut many);
        assert!(many.iter().map(|line| printed(line)).sum::<usize>() <= LINES + 100);
        let left_out: usize = many.last().unwrap().split(' ').next().unwrap().parse().unwrap();
        assert_eq!(left_out + many.len() - 1, 10_000);
    }
}
