//! Runs the gate on files of a server on loopback and verifies their content.

use std::time::Duration;

use art_mirror_validate::gate::{self, Case, Clouds, Observer, TimeLimits};
use art_mirror_validate::location::ArtifactUrl;
use art_mirror_validate::probe::{Client, ClientSettings, Prober, Proxies, Rules};
use art_mirror_validate::stream::Sha256;
use art_mirror_validate::verdict::{Expectation, Outcome, Strictness, Verify};

struct NoObserver;

impl Observer for NoObserver {
    fn judged(&mut self, _: usize, _: &Outcome) {}
}

/// Settings for loopback: private addresses are allowed, and timeouts are short.
pub(crate) fn settings() -> ClientSettings {
    let allowed = vec!["127.0.0.1".parse().unwrap()];
    ClientSettings {
        rules: Rules { allowed, private_addresses: true, bridges: false },
        extra_roots: Vec::new(),
        concurrency: 64,
        retries: Some(4),
        retry_for: Duration::from_secs(60),
        proxies: Proxies::default(),
        timeout: Duration::from_secs(5),
    }
}

pub(crate) fn sha256(bytes: &[u8]) -> Sha256 {
    Sha256::from_bytes(embedded_mirror::sha256(bytes))
}

/// A case that expects a file with these bytes.
pub(crate) fn case(location: &str, bytes: &[u8]) -> Case {
    Case {
        location: ArtifactUrl::parse(location),
        signature: None,
        bridge: None,
        expectation: Expectation {
            sha256: sha256(bytes),
            uncompressed_sha256: None,
            size: None,
            uncompressed_size: None,
            legacy: Vec::new(),
            claim: None,
            names_signature: false,
            verify: Verify::Content,
            signatures: Strictness::Ignore,
        },
    }
}

pub(crate) fn outcomes(prober: &Prober, cases: &[Case]) -> Vec<Outcome> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut observer = NoObserver;
    let (clouds, limits, stop) = (Clouds::default(), TimeLimits::default(), std::future::pending::<()>());
    let judged = runtime.block_on(gate::run(prober, cases, clouds, limits, stop, &mut observer));
    runtime.shutdown_background();
    judged.artifacts
}

pub(crate) fn outcome(case: Case) -> Outcome {
    outcome_with(settings(), case)
}

pub(crate) fn outcome_with(settings: ClientSettings, case: Case) -> Outcome {
    outcomes(&Prober::new(Client::new(settings)), &[case]).remove(0)
}
