//! The findings of rules. Their number is limited, because a hostile document can have as many as bytes.

use std::collections::HashMap;
use std::sync::Arc;

use super::rule::Rule;
use crate::stream::Document;

/// The most alarms of one rule in one document.
const MAX_ALARMS: usize = 20;

/// One finding of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alarm {
    pub rule: Rule,
    pub document: Arc<str>,
    /// The JSON path in the document; empty for the document itself.
    pub path: Vec<String>,
    /// The line, from 1, if the rule determines it.
    pub line: Option<usize>,
    /// One sentence, safe to print.
    pub message: String,
}

#[derive(Default)]
pub(super) struct Alarms {
    all: Vec<Alarm>,
    counts: HashMap<(Arc<str>, Rule), usize>,
}

impl Alarms {
    /// Adds an alarm, which is built only if it is below the limit.
    pub(super) fn add(
        &mut self,
        rule: Rule,
        document: &Document,
        alarm: impl FnOnce() -> (Vec<String>, String),
    ) {
        let count = self.counts.entry((Arc::clone(&document.name), rule)).or_default();
        *count += 1;
        if *count <= MAX_ALARMS {
            let (path, message) = alarm();
            self.all.push(Alarm { rule, document: Arc::clone(&document.name), path, line: None, message });
        }
    }

    pub(super) fn add_at(&mut self, rule: Rule, document: &Document, line: Option<usize>, message: String) {
        let document = Arc::clone(&document.name);
        self.all.push(Alarm { rule, document, path: Vec::new(), line, message });
    }

    /// All alarms in the order of the documents and, within one, of the rules. Alarms of other documents come last.
    pub(super) fn into_sorted(mut self, documents: &[&Document]) -> Vec<Alarm> {
        for ((document, rule), count) in self.counts {
            if let Some(more) = count.checked_sub(MAX_ALARMS).filter(|&more| more > 0) {
                let message = format!("{} like these", crate::text::count(more, "more alarm"));
                self.all.push(Alarm { rule, document, path: Vec::new(), line: None, message });
            }
        }
        let order: HashMap<&str, usize> =
            documents.iter().enumerate().map(|(at, document)| (&*document.name, at)).collect();
        self.all.sort_by_key(|alarm| {
            let place = order.get(&*alarm.document).copied().unwrap_or(usize::MAX);
            (place, alarm.rule, alarm.message.ends_with("like these"))
        });
        self.all
    }
}
