//! Benchmarks of the parts of a run: parsing, locations, judging, digests, reports. `cargo bench --bench parts`.
//!
//! Times are per call; benchmarks with many artifacts also show artifacts per second.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::wildcard_imports,
    reason = "a benchmark can panic, and its modules only group the output"
)]

use std::fmt::Write as _;
use std::sync::Arc;

use art_mirror_validate::location::{ArtifactUrl, Location, Prefix, Target, resolve, rewrite};
use art_mirror_validate::probe::{DigestSource, Evidence, Observation, PublishedDigest, Sha256sum};
use art_mirror_validate::report::model::{self, ArtifactReport, Report, TargetKind};
use art_mirror_validate::report::written::Written;
use art_mirror_validate::report::{html, json, junit};
use art_mirror_validate::stream::{BuildMetadata, Document, Sha256};
use art_mirror_validate::verdict::{Expectation, Outcome, Strictness, Verify, judge};
use divan::counter::{BytesCount, ItemsCount};
use divan::{Bencher, black_box};

fn main() {
    divan::main();
}

/// A real document has 48 artifacts; the larger number shows whether the cost per artifact stays the same.
const ARTIFACTS: [usize; 2] = [48, 4_800];

const LOCATION: &str = "https://rhcos.mirror.openshift.com/art/storage/prod/streams/4.14-9.2/builds/\
                        414.92.202306141028-0/x86_64/rhcos-414.92.202306141028-0-metal.x86_64.raw.gz";

fn file_name(index: usize) -> String {
    format!("rhcos-9.6.20251015-1-metal-{index}.x86_64.raw.gz")
}

fn digest(index: usize) -> String {
    format!("{index:064x}")
}

fn document(artifacts: usize) -> String {
    let base =
        "https://rhcos.mirror.openshift.com/art/storage/prod/streams/rhel-9.6/builds/9.6.20251015-1/x86_64";
    let formats: Vec<String> = (0..artifacts)
        .map(|index| {
            let (name, sha256) = (file_name(index), digest(index));
            format!(r#""{index}.raw.gz": {{"disk": {{"location": "{base}/{name}", "sha256": "{sha256}"}}}}"#)
        })
        .collect();
    format!(
        r#"{{"stream": "s", "metadata": {{}}, "architectures": {{"x86_64": {{"artifacts": {{"metal":
            {{"release": "9.6.20251015-1", "formats": {{{}}}}}}}}}}}}}"#,
        formats.join(",\n")
    )
}

fn parsed(artifacts: usize) -> Document {
    Document::parse("d.json", document(artifacts).as_bytes()).unwrap()
}

fn meta_json(artifacts: usize) -> String {
    let images: Vec<String> = (0..artifacts)
        .map(|index| {
            let (path, sha256) = (file_name(index), digest(index));
            format!(r#""image-{index}": {{"path": "{path}", "sha256": "{sha256}", "size": {index}}}"#)
        })
        .collect();
    format!(r#"{{"buildid": "9.6.20251015-1", "images": {{{}}}}}"#, images.join(",\n"))
}

mod parsing {
    use super::*;

    #[divan::bench(args = ARTIFACTS)]
    fn stream_document(bencher: Bencher<'_, '_>, artifacts: usize) {
        let text = document(artifacts);
        bencher
            .counter(ItemsCount::new(artifacts))
            .counter(BytesCount::of_str(&text))
            .bench(|| Document::parse("d.json", black_box(text.as_bytes())).unwrap());
    }

    #[divan::bench(args = ARTIFACTS)]
    fn meta_json(bencher: Bencher<'_, '_>, artifacts: usize) {
        let text = super::meta_json(artifacts);
        bencher
            .counter(ItemsCount::new(artifacts))
            .bench(|| BuildMetadata::parse("meta.json", black_box(text.as_bytes())).unwrap());
    }
}

mod locations {
    use super::*;

    #[divan::bench]
    fn artifact_url() -> ArtifactUrl {
        ArtifactUrl::parse(black_box(LOCATION)).unwrap()
    }

    #[divan::bench]
    fn location() -> Location {
        Location::parse(black_box(LOCATION)).unwrap()
    }

    #[divan::bench]
    fn resolved_to_a_bridge(bencher: Bencher<'_, '_>) {
        let target = Target::Bridge(Prefix::parse("https://bridge.example/art/storage").unwrap());
        bencher.bench(|| resolve(black_box(LOCATION), None, &target).unwrap());
    }

    #[divan::bench(args = ARTIFACTS)]
    fn document_rewritten(bencher: Bencher<'_, '_>, artifacts: usize) {
        let target = Target::Bridge(Prefix::parse("https://bridge.example/art/storage").unwrap());
        let text = document(artifacts);
        bencher
            .counter(ItemsCount::new(artifacts))
            .bench(|| rewrite("rhcos.json", black_box(&text), &target).unwrap());
    }
}

mod digests {
    use super::*;

    #[divan::bench]
    fn hexadecimal(bencher: Bencher<'_, '_>) {
        let text = digest(1);
        bencher.bench(|| black_box(&text).parse::<Sha256>().unwrap());
    }

    #[divan::bench(args = ARTIFACTS)]
    fn sha256sum_txt(bencher: Bencher<'_, '_>, artifacts: usize) {
        let text = (0..artifacts).fold(String::new(), |mut text, index| {
            let _ = writeln!(text, "{}  {}", digest(index), file_name(index));
            text
        });
        bencher
            .counter(ItemsCount::new(artifacts))
            .counter(BytesCount::of_str(&text))
            .bench(|| Sha256sum::parse(black_box(text.as_bytes())));
    }
}

fn expectation(index: usize) -> Expectation {
    Expectation {
        sha256: digest(index).parse().unwrap(),
        uncompressed_sha256: None,
        size: None,
        uncompressed_size: None,
        legacy: Vec::new(),
        claim: None,
        names_signature: false,
        verify: Verify::Published,
        signatures: Strictness::Warn,
    }
}

fn evidence(index: usize, metadata: &BuildMetadata) -> Evidence {
    let mut evidence = Evidence::only(Observation::Present { status: 200, size: u64::try_from(index).ok() });
    evidence.meta_json = metadata.of(&file_name(index)).to_vec();
    let sha256 = digest(index).parse().unwrap();
    evidence.published = [DigestSource::Sha256sumTxt, DigestSource::MetaJson]
        .map(|source| PublishedDigest { source, sha256, can_prove: true })
        .to_vec();
    evidence
}

mod judging {
    use super::*;

    #[divan::bench]
    fn pass(bencher: Bencher<'_, '_>) {
        let metadata = BuildMetadata::parse("meta.json", meta_json(9).as_bytes()).unwrap();
        let (expectation, evidence) = (expectation(8), evidence(8, &metadata));
        bencher.bench(|| judge(black_box(&expectation), black_box(&evidence)));
    }

    #[divan::bench]
    fn fail(bencher: Bencher<'_, '_>) {
        let metadata = BuildMetadata::parse("meta.json", meta_json(9).as_bytes()).unwrap();
        let (expectation, evidence) = (expectation(7), evidence(8, &metadata));
        bencher.bench(|| judge(black_box(&expectation), black_box(&evidence)));
    }
}

mod reports {
    use super::*;

    fn report(artifacts: usize) -> Report {
        let document = parsed(artifacts);
        let name: Arc<str> = "d.json".into();
        let metadata = BuildMetadata::parse("meta.json", meta_json(artifacts).as_bytes()).unwrap();
        let artifacts = document.artifacts.iter().enumerate().map(|(index, artifact)| {
            let outcome: Outcome = judge(&expectation(index), &evidence(index, &metadata));
            let url = Some(artifact.location.clone());
            ArtifactReport::of(&name, &artifact.id.to_string(), artifact, url, &outcome)
        });
        let target = model::ReportedTarget { kind: TargetKind::Published, prefix: None };
        Report::begun(target).of(artifacts.collect())
    }

    #[divan::bench(name = "json", args = ARTIFACTS)]
    fn as_json(bencher: Bencher<'_, '_>, artifacts: usize) {
        let report = report(artifacts);
        bencher
            .counter(ItemsCount::new(artifacts))
            .bench(|| json::write(&mut std::io::sink(), black_box(&report)).unwrap());
    }

    #[divan::bench(name = "junit", args = ARTIFACTS)]
    fn as_junit(bencher: Bencher<'_, '_>, artifacts: usize) {
        let report = report(artifacts);
        bencher
            .counter(ItemsCount::new(artifacts))
            .bench(|| junit::write(&mut std::io::sink(), black_box(&report)).unwrap());
    }

    #[divan::bench(name = "html", args = ARTIFACTS)]
    fn as_html(bencher: Bencher<'_, '_>, artifacts: usize) {
        let report = report(artifacts);
        bencher
            .counter(ItemsCount::new(artifacts))
            .bench(|| html::write(&mut std::io::sink(), black_box(&report), &Written::default()).unwrap());
    }
}
