//! The sidecars of directories, each fetched once for all its artifacts.

use std::collections::{HashMap, HashSet};
use std::fmt::Display;
use std::future::{Future, ready};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures_util::future::{BoxFuture, FutureExt, Shared};

use super::answer::{SmallFile, small_file};
use super::evidence::{Absence, Observation};
use super::openpgp::{Keyring, SignatureCheck};
use super::sha256sum::Sha256sum;
use crate::http::{Client, ProbeError, ProbeErrorKind, probe_error};
use crate::location::ArtifactUrl;
use crate::stream::BuildMetadata;

/// The largest `sha256sum.txt` that is read, in bytes.
pub const MAX_SHA256SUM_BYTES: usize = 1024 * 1024;

/// The largest `meta.json` that is read, in bytes.
pub const MAX_META_JSON_BYTES: usize = 32 * 1024 * 1024;

/// The largest `sha256sum.txt.gpg` that is read, in bytes: if clear-signed, it contains the whole text.
const MAX_SUMS_SIGNATURE_BYTES: usize = MAX_SHA256SUM_BYTES + 64 * 1024;

/// The sidecar with the digests of a mirror directory.
pub(super) const SHA256SUM_TXT: &str = "sha256sum.txt";

/// The sidecar with the digests and sizes of a build directory.
pub(super) const META_JSON: &str = "meta.json";

/// The signature of `sha256sum.txt`.
pub(super) const SHA256SUM_TXT_GPG: &str = "sha256sum.txt.gpg";

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Sidecar<T> {
    Read(T),
    /// It has faults. What could be read proves nothing but may contradict.
    Malformed(T, String),
    Absent,
    Unusable(String),
    Unread(ProbeError),
}

type ByDirectory<T> = HashMap<String, Fetch<T>>;

type Fetch<T> = Shared<BoxFuture<'static, Arc<Sidecar<T>>>>;

/// A `sha256sum.txt`, parsed, and its bytes if its signature will be checked.
#[derive(Debug)]
pub(super) struct Sums {
    pub(super) parsed: Sha256sum,
    text: Bytes,
}

/// The file names that a run needs, by directory URL; nothing else of a sidecar is kept.
type Names = HashMap<String, HashSet<String>>;

/// The most characters kept of a sidecar's faults.
const MAX_FAULT: usize = 300;

#[derive(Default)]
pub(super) struct Sidecars {
    names: Mutex<Arc<Names>>,
    sums: Mutex<ByDirectory<Sums>>,
    checks: Mutex<ByDirectory<SignatureCheck>>,
    builds: Mutex<ByDirectory<BuildMetadata>>,
}

impl Sidecars {
    /// Starts a round: drops all sidecars, since failed or missing ones may be available by now, and sets the
    /// files that will be needed.
    pub(super) fn begin(&self, files: &[&ArtifactUrl]) {
        let mut names = Names::new();
        for file in files {
            let name = file.file_name();
            let inside = name.rsplit_once('.').map(|(inside, _)| inside.to_owned());
            let of_directory = names.entry(file.directory().to_owned()).or_default();
            of_directory.extend(inside.into_iter().chain([name.to_owned()]));
        }
        *self.names.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(names);
        self.sums.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.checks.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.builds.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Whether a name in a file's directory belongs to a file of this round, compressed or not.
    fn is_needed(&self, file: &ArtifactUrl) -> impl Fn(&str) -> bool + use<> {
        let names = Arc::clone(&self.names.lock().unwrap_or_else(PoisonError::into_inner));
        let directory = file.directory().to_owned();
        move |name| names.get(&directory).is_some_and(|names| names.contains(name))
    }

    /// The `sha256sum.txt` beside a file. Its text is kept if its signature will be checked.
    pub(super) fn sha256sum(&self, client: &Arc<Client>, file: &ArtifactUrl, keep_text: bool) -> Fetch<Sums> {
        let is_needed = self.is_needed(file);
        load(&self.sums, client, file, SHA256SUM_TXT, MAX_SHA256SUM_BYTES, move |_, bytes| {
            let (mut parsed, outcome) = Sha256sum::parse(&bytes);
            parsed.retain(is_needed);
            let text = if keep_text { bytes } else { Bytes::new() };
            ready(Sidecar::of(Sums { parsed, text }, outcome))
        })
    }

    /// The check of the `sha256sum.txt` beside a file: its `sha256sum.txt.gpg` is a detached signature or a
    /// clear-signed copy.
    pub(super) fn sums_check(
        &self,
        client: &Arc<Client>,
        file: &ArtifactUrl,
        keyring: &Arc<Keyring>,
        sums: &Arc<Sidecar<Sums>>,
    ) -> Fetch<SignatureCheck> {
        let (keyring, sums) = (Arc::clone(keyring), Arc::clone(sums));
        load(&self.checks, client, file, SHA256SUM_TXT_GPG, MAX_SUMS_SIGNATURE_BYTES, |_, bytes| async move {
            let Sidecar::Read(sums) = &*sums else {
                return Sidecar::Unusable("there is no sha256sum.txt to check it with".to_owned());
            };
            match keyring.check_text(&sums.text, &bytes).await {
                Ok(check) => Sidecar::Read(check),
                Err(detail) => Sidecar::Unread(probe_error(ProbeErrorKind::ServerError, detail)),
            }
        })
    }

    pub(super) fn meta_json(&self, client: &Arc<Client>, file: &ArtifactUrl) -> Fetch<BuildMetadata> {
        let is_needed = self.is_needed(file);
        load(&self.builds, client, file, META_JSON, MAX_META_JSON_BYTES, move |name, bytes| {
            let (mut metadata, outcome) = BuildMetadata::parse_lossy(name, &bytes);
            metadata.retain(is_needed);
            ready(Sidecar::of(metadata, outcome))
        })
    }
}

impl<T> Sidecar<T> {
    fn of(content: T, outcome: Result<(), impl Display>) -> Self {
        match outcome {
            Ok(()) => Self::Read(content),
            Err(faults) => Self::Malformed(content, crate::text::excerpt(&faults.to_string(), MAX_FAULT)),
        }
    }
}

fn load<T: Send + Sync + 'static, P: Future<Output = Sidecar<T>> + Send>(
    fetches: &Mutex<ByDirectory<T>>,
    client: &Arc<Client>,
    file: &ArtifactUrl,
    name: &'static str,
    limit: usize,
    parse: impl FnOnce(&str, Bytes) -> P + Send + 'static,
) -> Fetch<T> {
    let mut fetches = fetches.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(fetch) = fetches.get(file.directory()) {
        return fetch.clone();
    }
    let client = Arc::clone(client);
    let sidecar = file.sibling(name);
    let fetch = async move {
        Arc::new(match small_file(&client, sidecar.url(), limit).await {
            SmallFile::Whole(bytes) => parse(name, bytes).await,
            SmallFile::TooLarge => Sidecar::Unusable(format!("it has more than {limit} bytes")),
            SmallFile::None(Observation::Absent { how: Absence::Status, .. }) => Sidecar::Absent,
            // A redirect that may not be followed may lead to one that contradicts.
            SmallFile::None(observation) => Sidecar::Unread(observation.into_error()),
        })
    }
    .boxed()
    .shared();
    fetches.insert(file.directory().to_owned(), fetch.clone());
    fetch
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use wiremock::matchers::path;
    use wiremock::{Mock, MockServer, ResponseTemplate};

    use super::*;
    use crate::http::{ClientSettings, Proxies, Rules};

    fn client() -> Arc<Client> {
        Arc::new(Client::new(ClientSettings {
            rules: Rules { private_addresses: true, ..Rules::default() },
            proxies: Proxies::default(),
            extra_roots: Vec::new(),
            concurrency: 8,
            retries: Some(0),
            retry_for: Duration::ZERO,
            timeout: Duration::from_secs(60),
        }))
    }

    /// `--wait` starts another round, perhaps with fewer files.
    #[tokio::test]
    async fn each_round_fetches_sidecars_again_and_keeps_needed_files() {
        let (server, client, sidecars) = (MockServer::start().await, client(), Sidecars::default());
        let [one, two] = ["one.raw.gz", "two.raw.gz"]
            .map(|name| ArtifactUrl::parse(&format!("{}/d/{name}", server.uri())).unwrap());
        let digest = "5".repeat(64);
        let text = format!("{digest}  one.raw.gz\n{digest}  one.raw\n{digest}  two.raw.gz\n");
        let answers = [ResponseTemplate::new(404), ResponseTemplate::new(200).set_body_string(text)];
        for answer in answers {
            Mock::given(path("/d/sha256sum.txt")).respond_with(answer).up_to_n_times(1).mount(&server).await;
        }
        let sums = async || sidecars.sha256sum(&client, &one, false).await;
        sidecars.begin(&[&one, &two]);
        assert!(matches!(&*sums().await, Sidecar::Absent));
        assert!(matches!(&*sums().await, Sidecar::Absent), "once a round");
        sidecars.begin(&[&one]);
        let outcome = sums().await;
        let Sidecar::Read(sums) = &*outcome else { panic!("{outcome:?}") };
        let known = ["one.raw.gz", "one.raw", "two.raw.gz"].map(|name| sums.parsed.of(name).len());
        assert_eq!(known, [1, 1, 0], "what is asked about, and what is inside it");
    }

    #[tokio::test]
    async fn the_largest_sidecars_are_read_and_nothing_larger() {
        const KIB: usize = 1024;
        let (server, client) = (MockServer::start().await, client());
        let limits =
            [(SHA256SUM_TXT, 1024 * KIB), (SHA256SUM_TXT_GPG, 1088 * KIB), (META_JSON, 32 * 1024 * KIB)];
        for (name, limit) in limits {
            for size in [limit, limit + 1] {
                let sidecar = format!("/{name}/{size}/{name}");
                let body = ResponseTemplate::new(200).set_body_bytes(vec![b'\n'; size]);
                Mock::given(path(sidecar.as_str())).respond_with(body).mount(&server).await;
                let file = ArtifactUrl::parse(&format!("{}/{name}/{size}/f", server.uri())).unwrap();
                let (sidecars, unread) = (Sidecars::default(), Mutex::default());
                let outcome = match name {
                    SHA256SUM_TXT => format!("{:?}", sidecars.sha256sum(&client, &file, false).await),
                    META_JSON => format!("{:?}", sidecars.meta_json(&client, &file).await),
                    // Its check would need gpgv.
                    _ => {
                        let fetch = load(&unread, &client, &file, name, MAX_SUMS_SIGNATURE_BYTES, |_, _| {
                            ready(Sidecar::Read(()))
                        });
                        format!("{:?}", fetch.await)
                    }
                };
                let is_too_large = outcome.contains(&format!("it has more than {limit} bytes"));
                assert_eq!(is_too_large, size > limit, "{name}, {size}: {outcome:.200}");
                assert!(!outcome.starts_with("Unread") && outcome != "Absent", "{outcome:.200}");
            }
        }
    }
}
