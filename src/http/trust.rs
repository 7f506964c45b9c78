//! Trust roots and the TLS configuration, loaded once, and only if an https connection needs them.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

use super::failure::is_ca;

/// Files with all roots of a system. `SSL_CERT_FILE` adds to them here; `rustls-native-certs` would read it
/// instead of them.
const SYSTEM_BUNDLES: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// The TLS side of a client.
#[derive(Debug, Default)]
pub(super) struct Trust {
    extra_roots: Vec<PathBuf>,
    config: OnceLock<Result<ClientConfig, String>>,
}

impl Trust {
    /// Trusts the system's roots and those in these PEM files.
    pub(super) fn new(extra_roots: Vec<PathBuf>) -> Self {
        Self { extra_roots, config: OnceLock::new() }
    }

    /// The error names the file of roots that could not be read.
    pub(super) fn config(&self) -> Result<ClientConfig, String> {
        self.config.get_or_init(|| configure(&self.extra_roots)).clone()
    }
}

fn configure(extra_roots: &[PathBuf]) -> Result<ClientConfig, String> {
    let mut roots = RootCertStore::empty();
    let system = match SYSTEM_BUNDLES.iter().map(Path::new).find(|bundle| bundle.is_file()) {
        Some(bundle) => rustls_native_certs::load_certs_from_paths(Some(bundle), None),
        None => rustls_native_certs::load_native_certs(),
    };
    roots.add_parsable_certificates(system.certs);
    let mut given = Vec::new();
    for file in extra_roots {
        let certificates = add_trust_roots(&mut roots, file)
            .map_err(|why| format!("no CA certificate could be read from {}: {why}", file.display()))?;
        given.extend(certificates);
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    if given.is_empty() {
        return Ok(builder.with_root_certificates(roots).with_no_client_auth());
    }
    let webpki = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider)
        .build()
        .map_err(|error| error.to_string())?;
    let verifier = Arc::new(Verifier { webpki, given });
    Ok(builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth())
}

/// webpki's verification with one exception, as in curl: a server certificate that was itself given with
/// `--ca-file` is trusted even if it is marked as a CA's, as self-signed ones are.
#[derive(Debug)]
struct Verifier {
    webpki: Arc<WebPkiServerVerifier>,
    given: Vec<CertificateDer<'static>>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        match self.webpki.verify_server_cert(end_entity, intermediates, name, ocsp, now) {
            // webpki checks this after the certificate's validity period and before its name.
            Err(Error::InvalidCertificate(CertificateError::Other(why)))
                if is_ca(&why) && self.given.contains(end_entity) =>
            {
                verify_server_name(&ParsedCertificate::try_from(end_entity)?, name)?;
                Ok(ServerCertVerified::assertion())
            }
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.webpki.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.webpki.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.webpki.supported_verify_schemes()
    }
}

/// Checks that a PEM file contains trust roots; the error says why not. A pipe or the like can be read only
/// once and is not checked.
pub fn check_trust_roots(file: &Path) -> Result<(), String> {
    if std::fs::metadata(file).is_ok_and(|file| !file.is_file() && !file.is_dir()) {
        return Ok(());
    }
    add_trust_roots(&mut RootCertStore::empty(), file).map(drop)
}

fn add_trust_roots(roots: &mut RootCertStore, file: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let loaded = rustls_native_certs::load_certs_from_paths(Some(file), None);
    let (added, ignored) = roots.add_parsable_certificates(loaded.certs.iter().cloned());
    match (added, loaded.errors.first()) {
        (1.., _) => Ok(loaded.certs),
        (0, Some(error)) => Err(error.to_string()),
        (0, None) if ignored > 0 => Err("none of its certificates can be used".to_owned()),
        (0, None) => Err("it contains no certificate".to_owned()),
    }
}
