//! Gathers the evidence for artifacts.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use futures_util::future::LocalBoxFuture;
use futures_util::stream::{self, FuturesUnordered, LocalBoxStream, StreamExt};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::DigestSource;
use super::answer::{SmallFile, small_file};
use super::cloud::{CloudEvidence, CloudRequest, ask_cloud};
use super::content::{ContentRequest, ProofOrder, Prover, Transfers};
use super::evidence::{Absence, Evidence, Observation, PublishedDigest, Unread};
use super::observe::{FileInfo, observe};
use super::openpgp::{Keyring, SignatureCheck};
use super::sidecars::{META_JSON, SHA256SUM_TXT, SHA256SUM_TXT_GPG, Sidecar, Sidecars, Sums};
use crate::http::{Client, Outage, Refusal, StatusCode, scheme_and_host};
use crate::location::ArtifactUrl;
use crate::stream::{BuildMetadata, MAX_DOCUMENT_BYTES};

/// What to find out about one artifact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProbeRequest {
    pub location: ArtifactUrl,
    /// The location of its signature, if signatures matter.
    pub signature: Option<ArtifactUrl>,
    /// Another location of the same file that may report its size.
    pub size_from: Option<ArtifactUrl>,
    pub sidecars: SidecarPolicy,
    /// What to compute from the bytes; `None` if they are not to be read.
    pub content: Option<ContentRequest>,
}

/// Which sidecars of a file's directory are requested.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SidecarPolicy {
    None,
    /// `meta.json`, for the size.
    Size,
    /// `meta.json` and `sha256sum.txt`.
    All,
}

/// Gathers the evidence for artifacts and cloud references.
pub struct Prober {
    client: Arc<Client>,
    sidecars: Sidecars,
    prover: Prover,
    keyring: Option<Arc<Keyring>>,
}

/// Why a document could not be fetched from a URL.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{url}: {why}")]
pub struct FetchError {
    url: String,
    why: String,
    is_absent: bool,
}

impl Prober {
    pub fn new(client: Client) -> Self {
        Self {
            client: Arc::new(client),
            sidecars: Sidecars::default(),
            prover: Prover::default(),
            keyring: None,
        }
    }

    /// Checks signatures with these keys: always those of `sha256sum.txt`, and those of artifacts whose bytes
    /// are read.
    pub fn with_keyring(self, keyring: Option<Keyring>) -> Self {
        Self { keyring: keyring.map(Arc::new), ..self }
    }

    pub async fn document(&self, url: &ArtifactUrl) -> Result<Vec<u8>, FetchError> {
        let failed = |why: String| FetchError { url: url.to_string(), why, is_absent: false };
        self.client.rules().admit(url).map_err(|refusal| failed(refusal.to_string()))?;
        match small_file(&self.client, url.url(), MAX_DOCUMENT_BYTES).await {
            SmallFile::Whole(bytes) => Ok(bytes.into()),
            SmallFile::TooLarge => Err(failed(format!("it has more than {MAX_DOCUMENT_BYTES} bytes"))),
            SmallFile::None(Observation::Absent { status, how }) => {
                let shown =
                    StatusCode::from_u16(status).map_or_else(|_| status.to_string(), |it| it.to_string());
                let why = format!("the server answered {shown}; expected 200 OK");
                Err(FetchError { is_absent: how == Absence::Status, ..failed(why) })
            }
            SmallFile::None(observation) => Err(failed(observation.into_error().detail)),
        }
    }

    /// Fetches a document; `None` if it is missing.
    pub async fn optional_document(&self, url: &ArtifactUrl) -> Result<Option<Vec<u8>>, FetchError> {
        match self.document(url).await {
            Err(error) if error.is_absent => Ok(None),
            read => read.map(Some),
        }
    }

    /// Gathers the evidence for all of these, with all hosts in parallel. `must_be_read` decides for which
    /// present files the requested content is read.
    pub fn examine<'p, K: Copy + Eq + Hash + 'static>(
        &'p self,
        requests: Vec<(K, ProbeRequest)>,
        must_be_read: impl Fn(K, &Evidence) -> bool + 'p,
    ) -> Examination<'p, K> {
        self.sidecars.begin(&requests.iter().map(|(_, request)| &request.location).collect::<Vec<_>>());
        let mut by_host: HashMap<String, Vec<(K, ProbeRequest)>> = HashMap::new();
        for (key, request) in requests {
            let host = scheme_and_host(request.location.url());
            if let Some(of_host) = by_host.get_mut(host) {
                of_host.push((key, request));
            } else {
                by_host.insert(host.to_owned(), vec![(key, request)]);
            }
        }
        // One more than a host's permits, so that the next request is ready when one ends.
        let width = self.client.settings().concurrency.saturating_add(1);
        let (sender, parts) = unbounded_channel();
        let requested = stream::select_all(by_host.into_values().map(move |requests| {
            let sender = sender.clone();
            stream::iter(requests)
                .map(move |(key, request)| {
                    let parts = Parts { key, sender: sender.clone() };
                    async move {
                        self.gather(&request, &parts).await;
                        (key, request)
                    }
                })
                .buffer_unordered(width)
                .boxed_local()
        }));
        Examination {
            prober: self,
            must_be_read: Box::new(must_be_read),
            requested: requested.boxed_local(),
            parts,
            reading: FuturesUnordered::new(),
            known: HashMap::new(),
        }
    }

    pub async fn ask_cloud(&self, request: &CloudRequest) -> CloudEvidence {
        ask_cloud(&self.client, request).await
    }

    pub fn transfers(&self) -> &Transfers {
        self.prover.transfers()
    }

    /// The hosts that are down and still retried.
    pub fn outages(&self) -> Vec<Outage> {
        self.client.outages()
    }

    /// Prepares for another round: hosts that were given up are tried again.
    pub fn refresh(&self) {
        self.client.revive();
    }

    /// What to read of a file, if its bytes are read.
    fn proof_order(
        &self,
        request: ProbeRequest,
        evidence: &mut Evidence,
        must_be_read: bool,
    ) -> Option<ProofOrder> {
        let signed = matches!(evidence.signature, Some(Observation::Present { .. }));
        let Some(content) = request.content else {
            if self.keyring.is_some() && signed {
                evidence.signature_check = Some(SignatureCheck::NotMade);
            }
            return None;
        };
        let signature = request.signature.filter(|_| signed).zip(self.keyring.clone());
        let there = matches!(evidence.file, Observation::Present { .. });
        // With a keyring, a signature is checked, which needs the bytes.
        (there && (must_be_read || signature.is_some())).then_some(ProofOrder {
            location: request.location,
            request: content,
            signature,
        })
    }

    /// Sends all evidence that does not need the bytes.
    async fn gather<K: Copy>(&self, request: &ProbeRequest, parts: &Parts<K>) {
        let location = &request.location;
        if let Err(refusal) = self.client.rules().admit(location) {
            return parts.send(EvidencePart::Refused(refusal));
        }
        // All in parallel: they do not depend on each other.
        tokio::join!(
            async { parts.send(EvidencePart::File(observe(&self.client, location.url()).await)) },
            async {
                if request.sidecars == SidecarPolicy::All {
                    let sums = self.sidecars.sha256sum(&self.client, location, self.keyring.is_some()).await;
                    parts.send(EvidencePart::Sums(location.file_name().to_owned(), Arc::clone(&sums)));
                    if let (Some(keyring), Sidecar::Read(_)) = (&self.keyring, &*sums) {
                        let check = self.sidecars.sums_check(&self.client, location, keyring, &sums).await;
                        parts.send(EvidencePart::SumsCheck(check));
                    }
                }
            },
            async {
                if request.sidecars != SidecarPolicy::None {
                    let build = self.sidecars.meta_json(&self.client, location).await;
                    parts.send(EvidencePart::Build(location.file_name().to_owned(), build));
                }
            },
            async {
                if let Some(signature) = &request.signature {
                    parts.send(EvidencePart::Signature(self.observe(signature).await));
                }
            },
            async {
                // If this location fails, the size stays unknown, which is not the file's fault.
                if let Some(place) = &request.size_from
                    && let Observation::Present { size: Some(size), .. } = self.observe(place).await
                {
                    parts.send(EvidencePart::BridgeSize(size));
                }
            },
        );
    }

    async fn observe(&self, place: &ArtifactUrl) -> Observation {
        match self.client.rules().admit(place) {
            Ok(()) => observe(&self.client, place.url()).await.observation,
            Err(refusal) => Observation::Refused(refusal),
        }
    }
}

/// A part of a file's evidence.
enum EvidencePart {
    Refused(Refusal),
    File(FileInfo),
    Sums(String, Arc<Sidecar<Sums>>),
    SumsCheck(Arc<Sidecar<SignatureCheck>>),
    Build(String, Arc<Sidecar<BuildMetadata>>),
    Signature(Observation),
    BridgeSize(u64),
}

/// Sends the parts of one file's evidence.
struct Parts<K> {
    key: K,
    sender: UnboundedSender<(K, EvidencePart)>,
}

impl<K: Copy> Parts<K> {
    fn send(&self, part: EvidencePart) {
        // Fails only if the examination was dropped.
        let _ = self.sender.send((self.key, part));
    }
}

type MustBeRead<'p, K> = Box<dyn Fn(K, &Evidence) -> bool + 'p>;

/// An examination in progress.
pub struct Examination<'p, K> {
    prober: &'p Prober,
    must_be_read: MustBeRead<'p, K>,
    requested: LocalBoxStream<'p, (K, ProbeRequest)>,
    parts: UnboundedReceiver<(K, EvidencePart)>,
    reading: FuturesUnordered<LocalBoxFuture<'p, (K, Evidence)>>,
    /// Partial evidence of the files in progress.
    known: HashMap<K, Evidence>,
}

impl<K: Copy + Eq + Hash + 'static> Examination<'_, K> {
    /// The evidence of the next finished file. Reading files does not hold up requests.
    pub async fn next(&mut self) -> Option<(K, Evidence)> {
        loop {
            tokio::select! {
                biased;
                Some((key, part)) = self.parts.recv() => self.add(key, part),
                Some((key, request)) = self.requested.next() => {
                    while let Ok((key, part)) = self.parts.try_recv() {
                        self.add(key, part);
                    }
                    let mut evidence = self.known.remove(&key).unwrap_or_else(Evidence::unanswered);
                    evidence.sort();
                    let must_be_read = (self.must_be_read)(key, &evidence);
                    match self.prober.proof_order(request, &mut evidence, must_be_read) {
                        None => return Some((key, evidence)),
                        Some(order) => self.read(key, order, evidence),
                    }
                }
                Some((key, evidence)) = self.reading.next() => {
                    self.known.remove(&key);
                    return Some((key, evidence));
                }
                else => return None,
            }
        }
    }

    fn add(&mut self, key: K, part: EvidencePart) {
        self.known.entry(key).or_insert_with(Evidence::unanswered).add(part);
    }

    fn read(&mut self, key: K, order: ProofOrder, mut evidence: Evidence) {
        self.known.insert(key, evidence.clone());
        let prober = self.prober;
        // Announced before it has a permit, so that progress shows the total early.
        let meter = prober.prover.announce(&order.location, &evidence);
        self.reading.push(Box::pin(async move {
            prober.prover.prove(&prober.client, order, meter, &mut evidence).await;
            (key, evidence)
        }));
    }

    /// The partial evidence of the files in progress, for a caller that stops here.
    pub fn into_known(mut self) -> HashMap<K, Evidence> {
        while let Ok((key, part)) = self.parts.try_recv() {
            self.add(key, part);
        }
        self.known
    }
}

impl Evidence {
    fn add(&mut self, part: EvidencePart) {
        match part {
            EvidencePart::Refused(refusal) => self.file = Observation::Refused(refusal),
            EvidencePart::File(info) => self.add_info(info),
            EvidencePart::Sums(file_name, sums) => self.add_sums(&file_name, &sums),
            EvidencePart::Build(file_name, build) => self.add_build(&file_name, &build),
            EvidencePart::SumsCheck(check) => self.add_sums_check(&check),
            EvidencePart::Signature(seen) => self.signature = Some(seen),
            EvidencePart::BridgeSize(size) => self.bridge_size = Some(size),
        }
    }

    /// Sorts what arrived in any order, so that reports do not depend on timing.
    fn sort(&mut self) {
        self.published.sort_by_key(|digest| digest.source);
        self.unread.sort_by_key(|unread| unread.sidecar);
        self.remarks.sort();
    }

    fn add_info(&mut self, info: FileInfo) {
        let FileInfo { observation, digests, attempts, answered_by, .. } = info;
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
        // A directory may also list the decompressed file, whose name lacks the suffix.
        if let Some((inside, _)) = file_name.rsplit_once('.') {
            self.published_uncompressed.extend(of(inside));
        }
    }

    fn add_sums_check(&mut self, check: &Sidecar<SignatureCheck>) {
        self.sums_check = match check {
            Sidecar::Absent => Some(SignatureCheck::Absent),
            Sidecar::Unusable(why) | Sidecar::Malformed(_, why) => Some(SignatureCheck::Bad(why.clone())),
            Sidecar::Read(check) => Some(check.clone()),
            Sidecar::Unread(error) => {
                self.unread.push(Unread { sidecar: SHA256SUM_TXT_GPG, error: error.clone() });
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

    /// The content of a sidecar, if any, and whether it can prove a file. Faults of the sidecar go into the
    /// evidence.
    fn take<'s, T>(&mut self, name: &'static str, sidecar: &'s Sidecar<T>) -> Option<(&'s T, bool)> {
        if let Sidecar::Unusable(why) | Sidecar::Malformed(_, why) = sidecar {
            self.remarks.push(format!("{name} is present but unusable: {why}"));
        }
        match sidecar {
            Sidecar::Read(content) => Some((content, true)),
            Sidecar::Malformed(content, _) => Some((content, false)),
            Sidecar::Absent | Sidecar::Unusable(_) => None,
            Sidecar::Unread(error) => {
                self.unread.push(Unread { sidecar: name, error: error.clone() });
                None
            }
        }
    }
}
