//! The committed JSON Schemas of what `diff`, `retention` and `sync-list` print for programs.

use std::path::Path;

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;

use super::retention::Retention;
use super::sync::SyncList;
use crate::change::diff::Diff;

/// What is wrong with a committed schema. With `UPDATE_SCHEMA` set, it is written instead of compared.
fn stale<T: JsonSchema>(command: &str) -> Option<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("ci/{command}.schema.json"));
    let mut schema =
        SchemaSettings::draft2020_12().for_serialize().into_generator().into_root_schema_for::<T>();
    schema.insert("title".into(), format!("What {command} prints with --output json, version 1").into());
    let generated = serde_json::to_string_pretty(&schema).unwrap() + "\n";
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        std::fs::write(&path, &generated).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    (committed != generated).then(|| path.display().to_string())
}

#[test]
fn the_committed_schemas_are_those_of_the_types() {
    let stale = [stale::<Diff>("diff"), stale::<Retention>("retention"), stale::<SyncList>("sync-list")];
    let stale: Vec<String> = stale.into_iter().flatten().collect();
    assert!(
        stale.is_empty(),
        "{stale:?} are not what the types say; run this test with UPDATE_SCHEMA=1 and look at the difference"
    );
}
