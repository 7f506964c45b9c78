//! Trust roots and the TLS configuration, made when the first https connection is, and not before.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use rustls::{ClientConfig, RootCertStore};
use tokio_rustls::TlsConnector;

/// Where systems keep all their roots in one file. `SSL_CERT_FILE` adds to them here; to
/// `rustls-native-certs` it would be the only one.
const SYSTEM_BUNDLES: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// The TLS side of a client.
#[derive(Debug)]
pub(super) struct Tls {
    extra_roots: Vec<PathBuf>,
    connector: OnceLock<Result<Connector, String>>,
}

#[derive(Clone)]
struct Connector(TlsConnector);

impl std::fmt::Debug for Connector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TlsConnector")
    }
}

impl Tls {
    /// TLS that trusts the system's roots and those of these PEM files.
    pub(super) fn new(extra_roots: Vec<PathBuf>) -> Self {
        Self { extra_roots, connector: OnceLock::new() }
    }

    /// The connector. The error says which file of roots could not be read.
    pub(super) fn connector(&self) -> Result<TlsConnector, String> {
        self.connector
            .get_or_init(|| configure(&self.extra_roots))
            .clone()
            .map(|Connector(connector)| connector)
    }
}

fn configure(extra_roots: &[PathBuf]) -> Result<Connector, String> {
    let mut roots = RootCertStore::empty();
    let system = match SYSTEM_BUNDLES.iter().map(Path::new).find(|bundle| bundle.is_file()) {
        Some(bundle) => rustls_native_certs::load_certs_from_paths(Some(bundle), None),
        None => rustls_native_certs::load_native_certs(),
    };
    roots.add_parsable_certificates(system.certs);
    for file in extra_roots {
        add_trust_roots(&mut roots, file)
            .map_err(|why| format!("no trust root could be read from {}: {why}", file.display()))?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Connector(TlsConnector::from(Arc::new(config))))
}

/// Whether a PEM file has trust roots in it; the error says why there are none. What is no plain file, such as a
/// pipe, can be read but once and is not looked into.
pub fn check_trust_roots(file: &Path) -> Result<(), String> {
    if std::fs::metadata(file).is_ok_and(|file| !file.is_file() && !file.is_dir()) {
        return Ok(());
    }
    add_trust_roots(&mut RootCertStore::empty(), file)
}

fn add_trust_roots(roots: &mut RootCertStore, file: &Path) -> Result<(), String> {
    let loaded = rustls_native_certs::load_certs_from_paths(Some(file), None);
    let (added, ignored) = roots.add_parsable_certificates(loaded.certs);
    match (added, loaded.errors.first()) {
        (1.., _) => Ok(()),
        (0, Some(error)) => Err(error.to_string()),
        (0, None) if ignored > 0 => Err("none of its certificates can be used".to_owned()),
        (0, None) => Err("it holds no certificate".to_owned()),
    }
}
