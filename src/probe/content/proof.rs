//! From a URL to evidence: downloads, hashes and decompresses in one pass.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinHandle;

use super::ContentEvidence;
use super::drain::{MAX_UNCOMPRESSED_BYTES, Uncompressed};
use super::meter::{Meter, Transfers};
use super::sink::Sink;
use super::tap::{Chunk, Tap};
use super::transfer::{Extent, Transferred, Unfinished};
use super::unpack::{Format, LargeDecoder, is_of_unknown_format, unpack};
use crate::http::{Client, ProbeErrorKind, probe_error};
use crate::location::ArtifactUrl;
use crate::probe::answer::{SmallFile, small_file};
use crate::probe::evidence::{Evidence, Observation, Unread};
use crate::probe::openpgp::{
    Keyring, MAX_SIGNATURE_BYTES, SigType, SignatureCheck, SignaturePackets, Verification,
};

/// Parallel downloads per processor: one can wait for the network while another is hashed.
const DOWNLOADS_PER_CPU: usize = 2;

/// The fewest and the most parallel downloads: with a slow server files need not wait for each other, and a
/// large machine does not open hundreds of connections.
const DOWNLOADS: std::ops::RangeInclusive<usize> = 8..=32;

/// The name of a signature file in [`Unread`].
const SIGNATURE: &str = "signature";

/// The size of a batch for the hashing thread, in bytes.
const BATCH_BYTES: usize = 128 * 1024;

/// The most chunks in a batch, which bounds the overhead of tiny ones.
const BATCH_PIECES: usize = 128;

/// How many batches may wait for a hashing thread. Including those being filled and hashed, a file takes
/// about half a mebibyte of memory, whatever its size.
const WAITING_BATCHES: usize = 2;

/// How much larger than every reported size a file may be, in bytes, before its download is stopped.
const SLACK_BYTES: u64 = 1024 * 1024;

/// What to compute from the bytes of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContentRequest {
    /// The expected sizes that need no request, in bytes, most authoritative first.
    pub sizes: Vec<u64>,
    pub uncompress: bool,
    /// The expected size of the decompressed file, in bytes.
    pub uncompressed_size: Option<u64>,
}

/// Downloads files and verifies their bytes.
pub(in crate::probe) struct Prover {
    permits: Semaphore,
    large: Arc<LargeDecoder>,
    transfers: Transfers,
}

/// A file whose bytes are to be verified.
pub(in crate::probe) struct ProofOrder {
    pub(in crate::probe) location: ArtifactUrl,
    pub(in crate::probe) request: ContentRequest,
    /// The location of its signature, and the keys to check it with.
    pub(in crate::probe) signature: Option<(ArtifactUrl, Arc<Keyring>)>,
}

/// How the hashing thread processes a file.
struct HashPlan {
    named: Option<Format>,
    of_unknown_format: bool,
    uncompress: bool,
    uncompressed_size: Option<u64>,
    large: Arc<LargeDecoder>,
}

impl Default for Prover {
    fn default() -> Self {
        let cpus = std::thread::available_parallelism().map_or(1, usize::from);
        let downloads = cpus.saturating_mul(DOWNLOADS_PER_CPU).clamp(*DOWNLOADS.start(), *DOWNLOADS.end());
        Self { permits: Semaphore::new(downloads), large: Arc::default(), transfers: Transfers::default() }
    }
}

impl Prover {
    pub(in crate::probe) fn transfers(&self) -> &Transfers {
        &self.transfers
    }

    /// Announces a download that waits for a permit, so that progress shows the total early.
    pub(in crate::probe) fn announce(&self, location: &ArtifactUrl, evidence: &Evidence) -> Meter {
        self.transfers.announce(location.file_name(), evidence.file.size())
    }

    /// Downloads the file and adds the result to the evidence.
    pub(in crate::probe) async fn prove(
        &self,
        client: &Client,
        order: ProofOrder,
        meter: Meter,
        evidence: &mut Evidence,
    ) {
        // The semaphore is never closed; without a permit there would only be more parallel downloads.
        let _permit = self.permits.acquire().await;
        meter.start();
        let ProofOrder { location, request, signature } = order;
        let signature = match signature {
            Some((at, keyring)) => fetch_signature(client, &at, evidence).await.map(|it| (it, keyring)),
            None => None,
        };
        let builds = evidence.meta_json.iter();
        let plan = HashPlan {
            named: Format::by_name(location.file_name()),
            of_unknown_format: is_of_unknown_format(location.file_name()),
            uncompress: request.uncompress,
            uncompressed_size: request
                .uncompressed_size
                .or_else(|| builds.clone().find_map(|file| file.uncompressed_size)),
            large: Arc::clone(&self.large),
        };
        let size = evidence.file.size();
        let largest =
            builds.filter_map(|file| file.size).chain(size).chain(request.sizes.iter().copied()).max();
        let limit = largest.map_or(MAX_UNCOMPRESSED_BYTES, |size| size.saturating_add(SLACK_BYTES));
        let mut feed = Feed::new(Arc::new(plan), meter, signature);
        let mut attempts = 0;
        let outcome = client.download(location.url(), Extent { limit, size }, &mut feed, &mut attempts).await;
        evidence.attempts = evidence.attempts.saturating_add(attempts);
        let read = match outcome {
            Ok(transferred) => feed.finish().await.map(|(read, signature)| (transferred, read, signature)),
            // The observation by HEAD stays.
            Err(Unfinished::Observed(Observation::Undetermined(error))) => {
                evidence.content = Some(Err(error));
                return;
            }
            Err(Unfinished::Observed(observation)) => {
                evidence.file = observation;
                return;
            }
            Err(Unfinished::Sink(HashingStopped)) => None,
        };
        if let Some((Transferred { pieces, .. }, read, signature)) = read {
            match signature {
                Some(Ok(check)) => evidence.signature_check = Some(check),
                Some(Err(detail)) => {
                    let error = probe_error(ProbeErrorKind::ServerError, detail);
                    evidence.unread.push(Unread { sidecar: SIGNATURE, error });
                }
                None => {}
            }
            let content = ContentEvidence { resumed: pieces > 1, ..read };
            evidence.content = Some(Ok(content));
        } else {
            let detail = "the content was downloaded but could not be hashed".to_owned();
            evidence.content = Some(Err(probe_error(ProbeErrorKind::ServerError, detail)));
        }
    }
}

/// Reads a signature file that was observed to be present. If that fails, the evidence says why.
async fn fetch_signature(
    client: &Client,
    at: &ArtifactUrl,
    evidence: &mut Evidence,
) -> Option<SignaturePackets> {
    let error = match small_file(client, at.url(), MAX_SIGNATURE_BYTES).await {
        SmallFile::Whole(bytes) => match SignaturePackets::parse(&bytes) {
            Ok(signatures) => return Some(signatures),
            Err(why) => {
                evidence.signature_check = Some(SignatureCheck::Bad(why));
                return None;
            }
        },
        SmallFile::TooLarge => {
            let why = format!("it has more than {MAX_SIGNATURE_BYTES} bytes");
            evidence.signature_check = Some(SignatureCheck::Bad(why));
            return None;
        }
        SmallFile::None(refused @ Observation::Refused(_)) => {
            evidence.signature = Some(refused);
            return None;
        }
        SmallFile::None(observation) => observation.into_error(),
    };
    evidence.unread.push(Unread { sidecar: SIGNATURE, error });
    None
}

impl HashPlan {
    /// Reads the whole file, on a blocking thread.
    fn run(&self, chunks: mpsc::Receiver<Chunk>) -> Option<ContentEvidence> {
        let mut tap = Tap::new(chunks);
        let unpacked =
            self.uncompress.then(|| unpack(&mut tap, self.named, self.uncompressed_size, &self.large));
        let (bytes, sha256) = tap.finish()?;
        let uncompressed = unpacked.map(|it| match it {
            None if self.of_unknown_format => {
                let why = "neither its name nor its content shows how it is compressed".to_owned();
                Uncompressed::NotOpened(why)
            }
            // A file that is not compressed is its own decompressed form.
            None => Uncompressed::Whole { bytes, sha256 },
            Some(unpacked) => unpacked,
        });
        Some(ContentEvidence { bytes, sha256, uncompressed, resumed: false })
    }
}

/// Passes the bytes of a download to a blocking thread, and to gpgv.
struct Feed {
    plan: Arc<HashPlan>,
    meter: Meter,
    signature: Option<(SignaturePackets, Arc<Keyring>)>,
    verification: Option<Result<Verification, String>>,
    chunks: mpsc::Sender<Chunk>,
    reader: JoinHandle<Option<ContentEvidence>>,
    batch: Vec<Bytes>,
    batched: usize,
}

/// The hashing thread has ended.
#[derive(Debug)]
struct HashingStopped;

impl Feed {
    fn new(plan: Arc<HashPlan>, meter: Meter, signature: Option<(SignaturePackets, Arc<Keyring>)>) -> Self {
        let (chunks, reader) = Self::begin(&plan);
        let verification = verification(signature.as_ref());
        Self { plan, meter, signature, verification, chunks, reader, batch: Vec::new(), batched: 0 }
    }

    fn begin(plan: &Arc<HashPlan>) -> (mpsc::Sender<Chunk>, JoinHandle<Option<ContentEvidence>>) {
        let (sender, receiver) = mpsc::channel(WAITING_BATCHES);
        let plan = Arc::clone(plan);
        (sender, tokio::task::spawn_blocking(move || plan.run(receiver)))
    }

    async fn flush(&mut self) -> Result<(), HashingStopped> {
        if self.batch.is_empty() {
            return Ok(());
        }
        self.batched = 0;
        let batch = std::mem::take(&mut self.batch);
        let again = if self.verification.is_some() { batch.clone() } else { Vec::new() };
        self.chunks.send(Chunk::Bytes(batch)).await.map_err(|_| HashingStopped)?;
        // In parallel with the hashing thread.
        if let Some(Ok(verification)) = &mut self.verification {
            for bytes in again {
                verification.update(&bytes).await;
            }
        }
        Ok(())
    }

    async fn finish(mut self) -> Option<(ContentEvidence, Option<Result<SignatureCheck, String>>)> {
        self.flush().await.ok()?;
        self.chunks.send(Chunk::End).await.ok()?;
        let read = self.reader.await.ok().flatten()?;
        let check = match self.verification {
            Some(Ok(verification)) => Some(verification.finish(&[SigType::Binary]).await),
            Some(Err(why)) => Some(Err(why)),
            None => None,
        };
        Some((read, check))
    }
}

fn verification(
    signature: Option<&(SignaturePackets, Arc<Keyring>)>,
) -> Option<Result<Verification, String>> {
    signature.map(|(signatures, keyring)| Verification::begin(keyring, signatures))
}

impl Sink for Feed {
    type Error = HashingStopped;

    async fn take(&mut self, bytes: Bytes) -> Result<(), HashingStopped> {
        self.meter.add(u64::try_from(bytes.len()).unwrap_or(0));
        self.batched = self.batched.saturating_add(bytes.len());
        self.batch.push(bytes);
        if self.batched >= BATCH_BYTES || self.batch.len() >= BATCH_PIECES {
            self.flush().await?;
        }
        Ok(())
    }

    async fn start_over(&mut self) -> Result<(), HashingStopped> {
        self.meter.reset();
        self.batch.clear();
        self.batched = 0;
        // The old thread's channel closes without an end, which stops it.
        (self.chunks, self.reader) = Self::begin(&self.plan);
        self.verification = verification(self.signature.as_ref());
        Ok(())
    }
}
