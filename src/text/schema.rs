//! Tests of the committed JSON Schemas in `ci/`, which describe the program's JSON outputs.

use std::path::Path;

use schemars::generate::SchemaSettings;
use schemars::transform::{RecursiveTransform, Transform as _};
use schemars::{JsonSchema, Schema};
use serde_json::Value;

/// Why a committed schema does not match its type. If `UPDATE_SCHEMA` is set, the file is written first.
pub(crate) fn stale<T: JsonSchema>(name: &str, title: &str) -> Option<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("ci/{name}.schema.json"));
    let settings = SchemaSettings::draft2020_12().for_serialize();
    let mut schema =
        settings.with_transform(RecursiveTransform(bounds)).into_generator().into_root_schema_for::<T>();
    schema.insert("title".into(), title.into());
    let generated = serde_json::to_string_pretty(&schema).unwrap() + "\n";
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        std::fs::write(&path, &generated).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    (committed != generated).then(|| {
        format!("{} is not what the types say; run the test with UPDATE_SCHEMA=1 and look", path.display())
    })
}

/// Replaces `format` by bounds: `uint64` and the like are not standard formats, and some validators refuse unknown
/// ones.
fn bounds(schema: &mut Schema) {
    let most = match schema.get("format").and_then(Value::as_str) {
        Some("uint16") => u64::from(u16::MAX),
        Some("uint32") => u64::from(u32::MAX),
        Some("uint" | "uint64") => u64::MAX,
        _ => return,
    };
    schema.remove("format");
    schema.insert("maximum".into(), most.into());
}

#[test]
fn the_committed_schemas_use_only_what_every_validator_knows() {
    let mut seen = 0;
    for entry in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/ci")).unwrap() {
        let path = entry.unwrap().path();
        if !path.to_str().unwrap().ends_with(".schema.json") {
            continue;
        }
        let mut schema: Schema = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        let mut faults = Vec::new();
        RecursiveTransform(|schema: &mut Schema| {
            let is_integer = schema.get("type").is_some_and(|kind| kind.to_string().contains("\"integer\""));
            let is_bounded = schema.get("minimum").is_some() && schema.get("maximum").is_some();
            if schema.get("format").is_some() || (is_integer && !is_bounded) {
                faults.push(format!("{schema:?}"));
            }
        })
        .transform(&mut schema);
        assert_eq!(faults, Vec::<String>::new(), "{}", path.display());
        seen += 1;
    }
    assert_eq!(seen, 6);
}
