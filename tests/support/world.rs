//! The published hosts under their real names, on loopback.

use std::ffi::OsStr;
use std::path::PathBuf;

use embedded_mirror::{Authority, Config, Mirror, Proxy, ProxyConfig};
use tempfile::TempDir;

use super::{Checkout, Program, Stream, check, check_checkout};

pub(crate) const MIRROR: &str = "mirror.openshift.com";
pub(crate) const CDN: &str = "rhcos.mirror.openshift.com";
pub(crate) const BUCKET: &str = "art-rhcos-ci.s3.amazonaws.com";

/// The cloud hosts in the documents. Tests that check cloud images map them to a server that answers 404, because the
/// gate would otherwise retry them for some seconds.
pub(crate) const CLOUDS: [&str; 3] =
    ["rhcos.blob.core.windows.net", "s3.us-east.cloud-object-storage.appdomain.cloud", "quay.io"];

/// A PEM file with the certificate of an authority.
pub(crate) struct CaFile(TempDir);

impl CaFile {
    pub(crate) fn of(pem: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("ca.pem"), pem).unwrap();
        Self(directory)
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.0.path().join("ca.pem")
    }
}

/// The published hosts: ART's mirror, its CDN, and the S3 bucket that the CDN can redirect to.
pub(crate) struct World {
    pub(crate) mirror: Mirror,
    pub(crate) cdn: Mirror,
    pub(crate) bucket: Mirror,
    pub(crate) proxy: Proxy,
    pub(crate) ca: CaFile,
}

impl World {
    pub(crate) fn start() -> Self {
        let authority = Authority::new().unwrap();
        let start =
            |name: &str| Mirror::start(Config::tls_http2().names([name]).authority(&authority)).unwrap();
        let (mirror, cdn, bucket) = (start(MIRROR), start(CDN), start(BUCKET));
        let proxy = Proxy::start(
            ProxyConfig::new().host(MIRROR, mirror.addr()).host(CDN, cdn.addr()).host(BUCKET, bucket.addr()),
        );
        Self { mirror, cdn, bucket, proxy: proxy.unwrap(), ca: CaFile::of(&authority.pem()) }
    }

    /// `check` of a document as Prow runs it: only the published hosts are allowed.
    pub(crate) fn check(&self, stream: &Stream) -> Program {
        self.with_world(check_checkout(Checkout::of(stream))).args(["--output", "json"])
    }

    /// `check` of any source, as [`Self::check`] does.
    pub(crate) fn check_source(&self, source: impl AsRef<OsStr>) -> Program {
        self.with_world(check(source))
    }

    fn with_world(&self, program: Program) -> Program {
        program.arg("--published").arg("--ca-file").arg(self.ca.path()).env("HTTPS_PROXY", self.proxy.url())
    }
}
