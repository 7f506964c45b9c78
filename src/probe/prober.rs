//! From artifacts to evidence.

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;

use futures::future::Either;
use futures::stream::{self, FuturesUnordered, Stream, StreamExt};

use super::DigestSource;
use super::answer::{SmallFile, small_file};
use super::content::{ContentRequest, Order, Prover, Transfers};
use super::evidence::{Absence, Evidence, Observation, PublishedDigest, Unread};
use super::notes::Notes;
use super::observe::{Sighting, observe};
use super::openpgp::{Keyring, SignatureCheck};
use super::sidecars::{META_JSON, SHA256SUM_TXT, SHA256SUM_TXT_GPG, Sidecar, Sidecars, Sums};
use crate::http::{Client, Outage, Refusal, scheme_and_host};
use crate::location::{ArtifactUrl, BadLocation};
use crate::stream::{BuildMetadata, MAX_DOCUMENT_BYTES};

/// What to find out about one artifact.
#[derive(Debug, Clone)]
pub struct ProbeRequest {
    /// Where the file should be.
    pub location: Result<ArtifactUrl, BadLocation>,
    /// Where its signature should be, if anybody cares.
    pub signature: Option<Result<ArtifactUrl, BadLocation>>,
    /// Another place that has the same file, to learn the size from.
    pub size_from: Option<ArtifactUrl>,
    /// Which sidecars are of interest.
    pub sidecars: SidecarPolicy,
    /// What to find out about the bytes; `None` leaves them unread.
    pub content: Option<ContentRequest>,
    /// Where what is known is noted until all of it is.
    pub notes: Notes,
}

/// Which sidecars of a file's directory are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SidecarPolicy {
    /// None.
    None,
    /// `meta.json`, for the size.
    Size,
    /// `meta.json` and `sha256sum.txt`.
    All,
}

/// Finds out about artifacts.
pub struct Prober {
    client: Arc<Client>,
    sidecars: Sidecars,
    prover: Prover,
    keyring: Option<Arc<Keyring>>,
}

/// Why a document at a URL could not be had.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{url}: {why}")]
pub struct FetchError {
    url: String,
    why: String,
    is_absent: bool,
}

impl Prober {
    /// A prober that makes its requests with this client.
    pub fn new(client: Client) -> Self {
        Self {
            client: Arc::new(client),
            sidecars: Sidecars::default(),
            prover: Prover::default(),
            keyring: None,
        }
    }

    /// Checks signatures with these keys: those of `sha256sum.txt` always, those over artifacts where their
    /// bytes are read.
    pub fn with_keyring(self, keyring: Option<Keyring>) -> Self {
        Self { keyring: keyring.map(Arc::new), ..self }
    }

    /// Reads a document from a URL.
    pub async fn document(&self, url: &ArtifactUrl) -> Result<Vec<u8>, FetchError> {
        let failed = |why: String| FetchError { url: url.to_string(), why, is_absent: false };
        self.client.rules().admit(url).map_err(|refusal| failed(refusal.to_string()))?;
        match small_file(&self.client, url.url(), MAX_DOCUMENT_BYTES).await {
            SmallFile::Whole(bytes) => Ok(bytes.into()),
            SmallFile::TooLarge => Err(failed(format!("it has more than {MAX_DOCUMENT_BYTES} bytes"))),
            SmallFile::None(Observation::Absent { status, how }) => Err(FetchError {
                is_absent: how == Absence::Status,
                ..failed(format!("the server answered {status}; expected 200 OK"))
            }),
            SmallFile::None(observation) => Err(failed(observation.into_trouble().detail)),
        }
    }

    /// Reads a document that may be missing.
    pub async fn optional_document(&self, url: &ArtifactUrl) -> Result<Option<Vec<u8>>, FetchError> {
        match self.document(url).await {
            Err(error) if error.is_absent => Ok(None),
            read => read.map(Some),
        }
    }

    /// Finds out about all of these, every host at the same time. The evidence comes as it comes, each with
    /// the key that its request had. `must_be_read` says of which files the bytes are read, where that was asked for
    /// and the file is there.
    pub fn examine<'p, K: Copy + 'static>(
        &'p self,
        requests: Vec<(K, ProbeRequest)>,
        must_be_read: impl Fn(K, &Evidence) -> bool + 'p,
    ) -> impl Stream<Item = (K, Evidence)> + 'p {
        let files = requests.iter().filter_map(|(_, request)| request.location.as_ref().ok());
        self.sidecars.begin(&files.collect::<Vec<_>>());
        let mut by_host: HashMap<String, Vec<(K, ProbeRequest)>> = HashMap::new();
        for (key, request) in requests {
            let host =
                request.location.as_ref().map_or_else(|_| "", |location| scheme_and_host(location.url()));
            if let Some(its) = by_host.get_mut(host) {
                its.push((key, request));
            } else {
                by_host.insert(host.to_owned(), vec![(key, request)]);
            }
        }
        // One more than the permits of a host, so that the next request is ready when one ends.
        let width = self.client.settings().concurrency.saturating_add(1);
        let asked = stream::select_all(by_host.into_values().map(move |requests| {
            stream::iter(requests)
                .map(move |(key, request)| async move {
                    let evidence = self.inquire(&request).await;
                    (key, request, evidence)
                })
                .buffer_unordered(width)
                .boxed_local()
        }));
        self.then_read(asked, must_be_read)
    }

    /// Passes on what is known, and reads the files whose bytes are to be proven. However many they are, they
    /// hold no question back.
    fn then_read<'p, K: Copy + 'p>(
        &'p self,
        asked: impl Stream<Item = (K, ProbeRequest, Evidence)> + Unpin + 'p,
        must_be_read: impl Fn(K, &Evidence) -> bool + 'p,
    ) -> impl Stream<Item = (K, Evidence)> + 'p {
        let reading = FuturesUnordered::new();
        let begun = (asked.fuse(), reading, must_be_read);
        stream::unfold(begun, async move |(mut asked, mut reading, must_be_read)| {
            loop {
                tokio::select! {
                    Some((key, request, evidence)) = asked.next() => {
                        let is_read = must_be_read(key, &evidence);
                        match self.reading(key, request, evidence, is_read) {
                            Either::Left(read) => reading.push(read),
                            Either::Right(known) => return Some((known, (asked, reading, must_be_read))),
                        }
                    }
                    Some(read) = reading.next() => return Some((read, (asked, reading, must_be_read))),
                    else => return None,
                }
            }
        })
    }

    /// The future that reads a file, or the evidence if its bytes are not to be read.
    fn reading<K: Copy>(
        &self,
        key: K,
        request: ProbeRequest,
        mut evidence: Evidence,
        must_be_read: bool,
    ) -> Either<impl Future<Output = (K, Evidence)>, (K, Evidence)> {
        let (Some(content), Ok(location)) = (request.content, request.location) else {
            if self.keyring.is_some() && matches!(evidence.signature, Some(Observation::Present { .. })) {
                evidence.signature_check = Some(SignatureCheck::NotMade);
            }
            return Either::Right((key, evidence));
        };
        let there = matches!(evidence.file, Observation::Present { .. });
        let signed = matches!(evidence.signature, Some(Observation::Present { .. }));
        let signature = match (&self.keyring, request.signature) {
            (Some(keyring), Some(Ok(signature))) if signed => Some((signature, Arc::clone(keyring))),
            _ => None,
        };
        // Who brings keys wants signatures checked, and that takes the bytes.
        if !there || !(must_be_read || signature.is_some()) {
            return Either::Right((key, evidence));
        }
        // Announced before its turn comes, so that the whole is known early.
        let meter = self.prover.announce(&location, &evidence);
        request.notes.add(|notes| notes.clone_from(&evidence));
        Either::Left(async move {
            let order = Order { location: &location, request: &content, signature };
            self.prover.prove(&self.client, order, meter, &mut evidence).await;
            // All is known, and said.
            request.notes.take();
            (key, evidence)
        })
    }

    /// How far all downloads are.
    pub fn transfers(&self) -> &Transfers {
        self.prover.transfers()
    }

    /// The hosts that are down, and are asked again.
    pub fn outages(&self) -> Vec<Outage> {
        self.client.outages()
    }

    /// Before another round: what was unreachable may be back.
    pub fn refresh(&self) {
        self.client.revive();
    }

    async fn inquire(&self, request: &ProbeRequest) -> Evidence {
        let location = match self.admit(&request.location) {
            Ok(location) => location,
            Err(refusal) => return Evidence::only(Observation::Refused(refusal)),
        };
        // All at once: nothing here waits for anything else.
        let notes = &request.notes;
        tokio::join!(
            async {
                let sighting = observe(&self.client, location.url()).await;
                notes.add(|evidence| evidence.add_sighting(sighting));
            },
            async {
                if request.sidecars == SidecarPolicy::All {
                    self.note_sums(location, notes).await;
                }
            },
            async {
                if request.sidecars != SidecarPolicy::None {
                    let build = self.sidecars.meta_json(&self.client, location).await;
                    notes.add(|evidence| evidence.add_build(location.file_name(), &build));
                }
            },
            async {
                if let Some(signature) = &request.signature {
                    let seen = self.signature(signature).await;
                    notes.add(|evidence| evidence.signature = Some(seen));
                }
            },
            async {
                if let Some(place) = &request.size_from {
                    let size = self.size_at(place).await;
                    notes.add(|evidence| evidence.bridge_size = size);
                }
            },
        );
        let mut evidence = notes.take().unwrap_or_else(Evidence::unanswered);
        // As if they had answered one after the other: a report does not depend on who was first.
        evidence.published.sort_by_key(|digest| digest.source);
        evidence.unread.sort_by_key(|unread| unread.sidecar);
        evidence.remarks.sort();
        evidence
    }

    /// Notes what the `sha256sum.txt` says, and what a keyring says of it.
    async fn note_sums(&self, location: &ArtifactUrl, notes: &Notes) {
        let sums = self.sidecars.sha256sum(&self.client, location, self.keyring.is_some()).await;
        notes.add(|evidence| evidence.add_sums(location.file_name(), &sums));
        if let (Some(keyring), Sidecar::Read(_)) = (&self.keyring, &*sums) {
            let check = self.sidecars.sums_check(&self.client, location, keyring, &sums).await;
            notes.add(|evidence| evidence.add_sums_check(&check));
        }
    }

    fn admit<'l>(&self, location: &'l Result<ArtifactUrl, BadLocation>) -> Result<&'l ArtifactUrl, Refusal> {
        let location = location.as_ref().map_err(|bad| Refusal::BadLocation(bad.clone()))?;
        self.client.rules().admit(location)?;
        Ok(location)
    }

    /// The size of the file at another place. That the place has none, or is down, is not this file's fault.
    async fn size_at(&self, place: &ArtifactUrl) -> Option<u64> {
        self.client.rules().admit(place).ok()?;
        match observe(&self.client, place.url()).await.observation {
            Observation::Present { size, .. } => size,
            _ => None,
        }
    }

    async fn signature(&self, location: &Result<ArtifactUrl, BadLocation>) -> Observation {
        match self.admit(location) {
            Ok(location) => observe(&self.client, location.url()).await.observation,
            Err(refusal) => Observation::Refused(refusal),
        }
    }
}

impl Evidence {
    fn add_sighting(&mut self, sighting: Sighting) {
        let Sighting { observation, digests, attempts, answered_by } = sighting;
        self.published.extend(digests.digests);
        self.remarks.extend(digests.remarks);
        self.attempts = attempts;
        self.answered_by = answered_by;
        self.file = observation;
    }

    fn add_sums(&mut self, file_name: &str, sums: &Sidecar<Sums>) {
        let Some((sums, can_prove)) = self.take(SHA256SUM_TXT, sums) else { return };
        let of = |name: &str| {
            let source = DigestSource::Sha256sumTxt;
            let digests = sums.parsed.of(name).iter();
            digests.map(move |&sha256| PublishedDigest { source, sha256, can_prove }).collect::<Vec<_>>()
        };
        self.published.extend(of(file_name));
        // A directory may list what is inside too, under the name that decompressing gives it.
        if let Some((inside, _)) = file_name.rsplit_once('.') {
            self.published_uncompressed.extend(of(inside));
        }
    }

    fn add_sums_check(&mut self, check: &Sidecar<SignatureCheck>) {
        self.sums_check = match check {
            Sidecar::Absent => Some(SignatureCheck::Absent),
            Sidecar::Unusable(why) | Sidecar::Malformed(_, why) => Some(SignatureCheck::Bad(why.clone())),
            Sidecar::Read(check) => Some(check.clone()),
            Sidecar::Unread(trouble) => {
                self.unread.push(Unread { sidecar: SHA256SUM_TXT_GPG, trouble: trouble.clone() });
                None
            }
        };
    }

    fn add_build(&mut self, file_name: &str, build: &Sidecar<BuildMetadata>) {
        let Some((build, can_prove)) = self.take(META_JSON, build) else { return };
        let source = DigestSource::MetaJson;
        let files = build.of(file_name);
        let published = |sha256| PublishedDigest { source, sha256, can_prove };
        self.published.extend(files.iter().filter_map(|file| file.sha256).map(published));
        let inside = files.iter().filter_map(|file| file.uncompressed_sha256);
        self.published_uncompressed.extend(inside.map(published));
        self.meta_json.extend_from_slice(files);
        self.build = build.build().cloned();
    }

    /// The sidecar's content, if there is any, and whether it can prove a file; what else became of it goes into
    /// the evidence.
    fn take<'s, T>(&mut self, name: &'static str, sidecar: &'s Sidecar<T>) -> Option<(&'s T, bool)> {
        if let Sidecar::Unusable(why) | Sidecar::Malformed(_, why) = sidecar {
            self.remarks.push(format!("{name} is there but of no use: {why}"));
        }
        match sidecar {
            Sidecar::Read(content) => Some((content, true)),
            Sidecar::Malformed(content, _) => Some((content, false)),
            Sidecar::Absent | Sidecar::Unusable(_) => None,
            Sidecar::Unread(trouble) => {
                self.unread.push(Unread { sidecar: name, trouble: trouble.clone() });
                None
            }
        }
    }
}
