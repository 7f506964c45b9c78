//! The committed JSON Schemas of what `diff`, `retention` and `sync-list` print for programs.

use super::retention::{KeepList, Retention};
use super::sync::SyncList;
use crate::change::diff::Diff;
use crate::text::schema::stale;

#[test]
fn the_committed_schemas_are_those_of_the_types() {
    let title = |command| format!("What {command} prints with --output json, version 1");
    let stale = [
        stale::<Diff>("diff", &title("diff")),
        stale::<Retention>("retention", &title("retention")),
        stale::<KeepList>("keep-list", "What retention prints with --output keep-list, version 1"),
        stale::<SyncList>("sync-list", &title("sync-list")),
    ];
    assert_eq!(stale.iter().flatten().collect::<Vec<_>>(), Vec::<&String>::new());
}
