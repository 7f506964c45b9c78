//! The committed JSON Schemas of the JSON that `diff`, `retention` and `sync-list` print.

use super::retention::{self, KeepList, Retention};
use super::sync::{self, SyncList};
use crate::change::diff::{self, Diff};
use crate::text::schema::stale;

#[test]
fn the_committed_schemas_are_those_of_the_types() {
    let title = |command, output, version: u32| {
        format!("What {command} prints with --output {output}, version {version}")
    };
    let stale = [
        stale::<Diff>("diff", &title("diff", "json", diff::SCHEMA_VERSION)),
        stale::<Retention>("retention", &title("retention", "json", retention::SCHEMA_VERSION)),
        stale::<KeepList>("keep-list", &title("retention", "keep-list", retention::SCHEMA_VERSION)),
        stale::<SyncList>("sync-list", &title("sync-list", "json", sync::SCHEMA_VERSION)),
    ];
    assert_eq!(stale.iter().flatten().collect::<Vec<_>>(), Vec::<&String>::new());
}
