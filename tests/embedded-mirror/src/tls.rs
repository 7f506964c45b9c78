//! Certificates for tests.

use std::io;
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose,
};
use rustls::ServerConfig;
use rustls::pki_types::PrivatePkcs8KeyDer;

/// A certificate authority of a test. Clones are the same authority.
#[derive(Debug, Clone)]
pub struct Authority {
    issuer: Arc<CertifiedIssuer<'static, KeyPair>>,
    /// The authority's key in DER, if servers present the authority's own certificate.
    presented: Option<Arc<[u8]>>,
}

impl Authority {
    /// A new authority with a new key.
    pub fn new() -> io::Result<Self> {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        params.distinguished_name.push(DnType::CommonName, "embedded mirror's test authority");
        let key = KeyPair::generate().map_err(io::Error::other)?;
        let issuer = CertifiedIssuer::self_signed(params, key).map_err(io::Error::other)?;
        Ok(Self { issuer: Arc::new(issuer), presented: None })
    }

    /// A self-signed certificate for these names that servers present themselves, as from `openssl req -x509`; valid
    /// to the end of `last_year`.
    pub fn self_signed(names: &[&str], last_year: i32) -> io::Result<Self> {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let mut params = CertificateParams::new(names).map_err(io::Error::other)?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.not_after = rcgen::date_time_ymd(last_year, 12, 31);
        params.distinguished_name.push(DnType::CommonName, "self-signed");
        let key = KeyPair::generate().map_err(io::Error::other)?;
        let presented = Some(key.serialize_der().into());
        let issuer = CertifiedIssuer::self_signed(params, key).map_err(io::Error::other)?;
        Ok(Self { issuer: Arc::new(issuer), presented })
    }

    /// The authority's certificate in PEM, for `--ca-file` and similar.
    pub fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// Issues a certificate for a server of these DNS names or IP addresses. Returns it and its key in PEM.
    pub fn issue(&self, names: &[&str]) -> io::Result<(String, String)> {
        let (certificate, key) = self.leaf(names.iter().map(ToString::to_string).collect())?;
        Ok((certificate.pem(), key.serialize_pem()))
    }

    fn leaf(&self, names: Vec<String>) -> io::Result<(rcgen::Certificate, KeyPair)> {
        let mut params = CertificateParams::new(names).map_err(io::Error::other)?;
        params.distinguished_name.push(DnType::CommonName, "embedded mirror");
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate().map_err(io::Error::other)?;
        let certificate = params.signed_by(&key, &*self.issuer).map_err(io::Error::other)?;
        Ok((certificate, key))
    }

    /// The TLS configuration of a server with these names and ALPN protocols.
    pub(crate) fn server(&self, names: &[String], alpn: &[&[u8]]) -> io::Result<Arc<ServerConfig>> {
        let mut all = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
        all.extend(names.iter().filter(|name| *name != "localhost").cloned());
        let own = self.issuer.der().clone();
        let (chain, key) = if let Some(key) = &self.presented {
            (vec![own], key.to_vec())
        } else {
            let (certificate, key) = self.leaf(all)?;
            (vec![certificate.der().clone(), own], key.serialize_der())
        };
        let key = PrivatePkcs8KeyDer::from(key).into();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
            .map_err(io::Error::other)?;
        config.alpn_protocols = alpn.iter().map(|protocol| protocol.to_vec()).collect();
        Ok(Arc::new(config))
    }
}
