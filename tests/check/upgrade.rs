//! Programs that read reports of 0.1.0 can read today's: fields are added, never renamed or retyped.

use serde_json::Value;

use crate::support::ground::testdata;
use crate::support::server::{Server, digested, published, status};
use crate::support::{Checkout, Stream, check_locally, component};

#[test]
fn reports_follow_the_schema_of_0_1_0() {
    let schema = std::fs::read(testdata("report-0.1.0.schema.json")).unwrap();
    let schema: Value = serde_json::from_slice(&schema).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let server = Server::start();
    server.put("/there/a.iso", published("a.iso"));
    server.put("/wrong/b.iso", digested("no such bytes"));
    server.put("/busy/c.iso", status(503));
    let names = ["there/a", "wrong/b", "busy/c", "missing/d"];
    for count in 1..=names.len() {
        let stream = names.iter().take(count).fold(Stream::new(), |stream, name| {
            let format = name.split('/').next().unwrap();
            stream
                .with(&format!("x86_64/metal/{format}/disk"), component(&server.url(&format!("/{name}.iso"))))
        });
        let report = check_locally(Checkout::of(&stream)).args(["--retry-for", "0s"]).run().report();
        assert_eq!(report.counts().iter().sum::<u64>(), count as u64);
        let errors: Vec<String> = validator
            .iter_errors(&report.0)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{}", errors.join("\n"));
    }
}
