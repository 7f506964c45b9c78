//! The number of connections of a run: no unnecessary handshakes.

use std::time::Duration;

use art_mirror_validate::location::ArtifactUrl;
use art_mirror_validate::probe::{
    Client, ClientSettings, Evidence, Observation, ProbeRequest, Prober, Proxies, Rules, SidecarPolicy,
};
use embedded_mirror::{Config, Mirror, Resource};

const ARTIFACTS: usize = 2_000;

/// The limit of simultaneous requests, and the HTTP/2 connections for them: one per hundred.
const CONCURRENCY: usize = 256;
const CONNECTIONS: u64 = 3;

/// Probes artifacts on a mirror, a hundred per directory, with their sidecars.
fn ask(mirror: &Mirror, artifacts: usize) -> Vec<Evidence> {
    let directory = tempfile::tempdir().unwrap();
    let ca = directory.path().join("ca.pem");
    std::fs::write(&ca, mirror.ca_pem()).unwrap();
    let requests: Vec<(usize, ProbeRequest)> = (0..artifacts)
        .map(|index| {
            let path = format!("/{}/file-{index}.iso", index / 100);
            mirror.put(&path, Resource::bytes("an image"));
            let location = ArtifactUrl::parse(&mirror.url(&path)).unwrap();
            (
                index,
                ProbeRequest {
                    location,
                    signature: None,
                    size_from: None,
                    sidecars: SidecarPolicy::All,
                    content: None,
                },
            )
        })
        .collect();
    let settings = ClientSettings {
        rules: Rules {
            allowed: vec!["127.0.0.1".parse().unwrap(), "localhost".parse().unwrap()],
            private_addresses: true,
            bridges: false,
        },
        extra_roots: vec![ca],
        concurrency: CONCURRENCY,
        retries: Some(4),
        retry_for: Duration::from_secs(60),
        proxies: Proxies::default(),
        timeout: Duration::from_secs(30),
    };
    let prober = Prober::new(Client::new(settings));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (mut examination, mut all) = (prober.examine(requests, |_, _| false), Vec::new());
        while let Some((_, evidence)) = examination.next().await {
            all.push(evidence);
        }
        all
    })
}

fn assert_all_found(evidence: &[Evidence]) {
    for one in evidence {
        assert!(matches!(one.file, Observation::Present { .. }), "{one:?}");
        assert!(one.unread.is_empty(), "{one:?}");
    }
}

#[test]
fn a_run_over_http2_has_a_connection_per_hundred_simultaneous_requests() {
    let mirror = Mirror::start(Config::tls_http2()).unwrap();
    let evidence = ask(&mirror, ARTIFACTS);
    assert_eq!(evidence.len(), ARTIFACTS);
    assert_all_found(&evidence);
    assert_eq!(mirror.connections(), CONNECTIONS);
    // Fewer than a hundred share one connection.
    mirror.forget();
    assert_all_found(&ask(&mirror, 80));
    assert_eq!(mirror.connections(), 1);
}

#[test]
fn a_server_that_limits_requests_per_connection_gets_no_unnecessary_connections() {
    let mirror = Mirror::start(Config::tls_http2().requests_per_connection(200)).unwrap();
    let evidence = ask(&mirror, ARTIFACTS);
    assert_all_found(&evidence);
    let asked = mirror.request_count();
    assert!(asked >= 2_040, "{asked}");
    let needed = asked.div_ceil(200);
    assert!(mirror.connections() <= needed + CONNECTIONS, "{} for {asked} requests", mirror.connections());
}

#[test]
fn connections_over_http1_are_few_and_reused() {
    let mirror = Mirror::start(Config::tls_http1()).unwrap();
    assert_all_found(&ask(&mirror, 500));
    assert!(mirror.peak() <= 50, "{} requests at a time", mirror.peak());
    // A request can take a connection that became free while its own was being established, which then stays idle.
    assert!(mirror.connections() <= 64, "{}", mirror.connections());
}
