//! From artifacts to evidence.

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;

use futures::future::{Either, OptionFuture};
use futures::stream::{self, FuturesUnordered, Stream, StreamExt};

use super::client::{Client, Small, scheme_and_host};
use super::content::{ContentInquiry, Order, Prover, Transfers};
use super::evidence::{Evidence, Observation, PublishedDigest, Unread};
use super::observe::{Sighting, observe};
use super::openpgp::{Keyring, SignatureCheck};
use super::sidecars::{META_JSON, SHA256SUM_TXT, SHA256SUM_TXT_GPG, Sidecar, Sidecars};
use super::{DigestSource, Refusal};
use crate::location::{BadLocation, Literal};
use crate::stream::MAX_DOCUMENT_BYTES;

/// What to find out about one artifact.
#[derive(Debug, Clone)]
pub struct Inquiry {
    /// Where the file should be.
    pub location: Result<Literal, BadLocation>,
    /// Where its signature should be, if anybody cares.
    pub signature: Option<Result<Literal, BadLocation>>,
    /// Another place that has the same file, to learn the size from.
    pub size_from: Option<Literal>,
    /// Which sidecars are of interest.
    pub sidecars: Sidecarring,
    /// What to find out about the bytes; `None` leaves them unread.
    pub content: Option<ContentInquiry>,
}

/// Which sidecars of a file's directory are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sidecarring {
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
    pub async fn document(&self, url: &Literal) -> Result<Vec<u8>, FetchError> {
        let failed = |why: String| FetchError { url: url.to_string(), why };
        self.client.rules().admit(url).map_err(|refusal| failed(refusal.to_string()))?;
        match self.client.small_file(url.url(), MAX_DOCUMENT_BYTES).await {
            Small::Body(bytes) => Ok(bytes.into()),
            Small::TooLarge => Err(failed(format!("it has more than {MAX_DOCUMENT_BYTES} bytes"))),
            Small::Status(status) => Err(failed(format!("the server answered {status}; expected 200 OK"))),
            Small::Failed(failure) => {
                Err(failed(failure.into_trouble().map_or_else(|refusal| refusal.to_string(), |it| it.detail)))
            }
        }
    }

    /// Finds out about all of these, every host at the same time. The evidence comes as it comes, each with
    /// the key that its inquiry had.
    pub fn examine<K: Copy + 'static>(
        &self,
        inquiries: Vec<(K, Inquiry)>,
    ) -> impl Stream<Item = (K, Evidence)> {
        let mut by_host: HashMap<String, Vec<(K, Inquiry)>> = HashMap::new();
        for (key, inquiry) in inquiries {
            let host =
                inquiry.location.as_ref().map_or_else(|_| "", |location| scheme_and_host(location.url()));
            if let Some(its) = by_host.get_mut(host) {
                its.push((key, inquiry));
            } else {
                by_host.insert(host.to_owned(), vec![(key, inquiry)]);
            }
        }
        // One more than the permits of a host, so that the next request is ready when one ends.
        let width = self.client.settings().concurrency.saturating_add(1);
        let asked = stream::select_all(by_host.into_values().map(move |inquiries| {
            stream::iter(inquiries)
                .map(move |(key, inquiry)| async move {
                    let evidence = self.inquire(&inquiry).await;
                    (key, inquiry, evidence)
                })
                .buffer_unordered(width)
                .boxed_local()
        }));
        self.then_read(asked)
    }

    /// Passes on what is known, and reads the files whose bytes are to be proven. However many they are, they
    /// hold no question back.
    fn then_read<'p, K: Copy + 'p>(
        &'p self,
        asked: impl Stream<Item = (K, Inquiry, Evidence)> + Unpin + 'p,
    ) -> impl Stream<Item = (K, Evidence)> + 'p {
        let reading = FuturesUnordered::new();
        stream::unfold((asked.fuse(), reading), async move |(mut asked, mut reading)| {
            loop {
                tokio::select! {
                    Some((key, inquiry, evidence)) = asked.next() => {
                        match self.reading(key, inquiry, evidence) {
                            Either::Left(read) => reading.push(read),
                            Either::Right(known) => return Some((known, (asked, reading))),
                        }
                    }
                    Some(read) = reading.next() => return Some((read, (asked, reading))),
                    else => return None,
                }
            }
        })
    }

    /// The future that reads a file, or the evidence if its bytes are not to be read.
    fn reading<K: Copy>(
        &self,
        key: K,
        inquiry: Inquiry,
        mut evidence: Evidence,
    ) -> Either<impl Future<Output = (K, Evidence)>, (K, Evidence)> {
        let (Some(content), Ok(location)) = (inquiry.content, inquiry.location) else {
            if self.keyring.is_some() && matches!(evidence.signature, Some(Observation::Present { .. })) {
                let unchecked = "the signature was not checked: that takes the content (--verify content)";
                evidence.remarks.push(unchecked.to_owned());
            }
            return Either::Right((key, evidence));
        };
        let there = matches!(evidence.file, Observation::Present { .. });
        let signed = matches!(evidence.signature, Some(Observation::Present { .. }));
        let signature = match (&self.keyring, inquiry.signature) {
            (Some(keyring), Some(Ok(signature))) if signed => Some((signature, Arc::clone(keyring))),
            _ => None,
        };
        // Who brings keys wants signatures checked, and that takes the bytes.
        if !(content.applies(&evidence) || there && signature.is_some()) {
            return Either::Right((key, evidence));
        }
        // Announced before its turn comes, so that the whole is known early.
        let meter = self.prover.announce(&location, &evidence);
        Either::Left(async move {
            let order = Order { location: &location, inquiry: &content, signature };
            self.prover.prove(&self.client, order, meter, &mut evidence).await;
            (key, evidence)
        })
    }

    /// How far all downloads are.
    pub fn transfers(&self) -> &Transfers {
        self.prover.transfers()
    }

    /// Before another round: what was missing may have come, what was unreachable may be back.
    pub async fn refresh(&self) {
        self.sidecars.forget();
        self.client.revive().await;
    }

    async fn inquire(&self, inquiry: &Inquiry) -> Evidence {
        let location = match self.admit(&inquiry.location) {
            Ok(location) => location,
            Err(refusal) => return Evidence::only(Observation::Refused(refusal)),
        };
        let sums =
            (inquiry.sidecars == Sidecarring::All).then(|| self.sidecars.sha256sum(&self.client, location));
        let build =
            (inquiry.sidecars != Sidecarring::None).then(|| self.sidecars.meta_json(&self.client, location));
        let signature = inquiry.signature.as_ref().map(|signature| self.signature(signature));
        let bridge = inquiry.size_from.as_ref().map(|place| self.size_at(place));
        // All at once: nothing here waits for anything else.
        let (sighting, sums, build, signature, bridge) = tokio::join!(
            observe(&self.client, location.url()),
            OptionFuture::from(sums),
            OptionFuture::from(build),
            OptionFuture::from(signature),
            OptionFuture::from(bridge),
        );
        let Sighting { observation, digests, attempts } = sighting;
        let mut evidence = Evidence {
            published: digests
                .digests
                .into_iter()
                .map(|sha256| PublishedDigest { source: DigestSource::Header, sha256, can_prove: true })
                .collect(),
            remarks: digests.remarks,
            signature,
            bridge_size: bridge.flatten(),
            attempts,
            ..Evidence::only(observation)
        };
        if let (Some(keyring), Some(sums)) = (&self.keyring, &sums)
            && matches!(**sums, Sidecar::Read(_))
        {
            let check = self.sidecars.sums_check(&self.client, location, keyring, sums).await;
            evidence.sums_check = match &*check {
                Sidecar::Absent => Some(SignatureCheck::Absent),
                Sidecar::Unusable(why) | Sidecar::Malformed(_, why) => Some(SignatureCheck::Bad(why.clone())),
                Sidecar::Read(check) => Some(check.clone()),
                Sidecar::Unread(trouble) => {
                    evidence.unread.push(Unread { sidecar: SHA256SUM_TXT_GPG, trouble: trouble.clone() });
                    None
                }
            };
        }
        if let Some(sums) = sums
            && let Some((sums, can_prove)) = evidence.take(SHA256SUM_TXT, &sums)
        {
            let source = DigestSource::Sha256sumTxt;
            let digests = sums.parsed.of(location.file_name()).iter();
            evidence.published.extend(digests.map(|&sha256| PublishedDigest { source, sha256, can_prove }));
        }
        if let Some(build) = build
            && let Some((build, can_prove)) = evidence.take(META_JSON, &build)
        {
            let source = DigestSource::MetaJson;
            evidence.meta_json = build.of(location.file_name()).to_vec();
            let digests = evidence.meta_json.iter().filter_map(|file| file.sha256);
            evidence.published.extend(digests.map(|sha256| PublishedDigest { source, sha256, can_prove }));
        }
        evidence
    }

    fn admit<'l>(&self, location: &'l Result<Literal, BadLocation>) -> Result<&'l Literal, Refusal> {
        let location = location.as_ref().map_err(|bad| Refusal::BadLocation(bad.clone()))?;
        self.client.rules().admit(location)?;
        Ok(location)
    }

    /// The size of the file at another place. That the place has none, or is down, is not this file's fault.
    async fn size_at(&self, place: &Literal) -> Option<u64> {
        self.client.rules().admit(place).ok()?;
        match observe(&self.client, place.url()).await.observation {
            Observation::Present { size, .. } => size,
            _ => None,
        }
    }

    async fn signature(&self, location: &Result<Literal, BadLocation>) -> Observation {
        match self.admit(location) {
            Ok(location) => observe(&self.client, location.url()).await.observation,
            Err(refusal) => Observation::Refused(refusal),
        }
    }
}

impl Evidence {
    /// The sidecar's content, if there is any, and whether it can prove a file; what else became of it goes into
    /// the evidence.
    fn take<'s, T>(&mut self, name: &'static str, sidecar: &'s Sidecar<T>) -> Option<(&'s T, bool)> {
        if let Sidecar::Unusable(why) | Sidecar::Malformed(_, why) = sidecar {
            self.remarks.push(format!("{name} is there but of no use: {}", crate::text::excerpt(why, 300)));
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
