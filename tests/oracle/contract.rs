//! The correct verdicts, by the contract and the behaviour of real servers only.
//!
//! If requests can have several results (`outcomes.rs`), each is judged separately, and the verdict of any of them is
//! correct. *pass* is allowed beside other verdicts only if chance or timing decides, or if a comment says why there is
//! a choice.

use std::collections::{BTreeMap, BTreeSet};

use crate::outcomes::{self, Reasons, Seen, SidecarResult};
use crate::world::{
    Artifact, Body, Claim, Header, HostState, Place, ProxyState, Quirk, Says, Served, Signatures, Truth,
    Verify, Wire, World,
};

const WRONG_DIGEST: Reasons = &["sha256-mismatch", "metadata-conflict"];
const NO_LENGTH: Reasons = &["server-error", "no-digest", "unreachable"];

/// The correct verdicts, each with the correct reasons.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Allowed(BTreeMap<&'static str, BTreeSet<&'static str>>);

impl Allowed {
    /// Whether a verdict with its reason is correct.
    pub fn admits(&self, verdict: &str, reason: Option<&str>) -> bool {
        match (self.0.get(verdict), reason) {
            (Some(_), None) => verdict == "pass",
            (Some(reasons), Some(reason)) => reasons.contains(reason),
            (None, _) => false,
        }
    }

    pub fn verdicts(&self) -> Vec<&'static str> {
        self.0.keys().copied().collect()
    }

    fn add(&mut self, other: Self) {
        for (verdict, reasons) in other.0 {
            self.0.entry(verdict).or_default().extend(reasons);
        }
    }
}

/// What is known about one artifact in one [`Case`]: reasons for verdicts.
#[derive(Debug, Clone, Default)]
struct Findings {
    /// Faults that the gate must report.
    wrong: BTreeSet<&'static str>,
    /// Faults that the contract allows the gate to report.
    perhaps_wrong: BTreeSet<&'static str>,
    /// Why something cannot be determined.
    open: BTreeSet<&'static str>,
}

impl Findings {
    /// The allowed verdicts: *fail* takes precedence over *inconclusive*.
    fn allowed(self) -> Allowed {
        let mut allowed = BTreeMap::new();
        let surely_wrong = !self.wrong.is_empty();
        let wrong = &self.wrong | &self.perhaps_wrong;
        if !wrong.is_empty() {
            allowed.insert("fail", wrong);
        }
        if !surely_wrong {
            let verdict = if self.open.is_empty() { "pass" } else { "inconclusive" };
            allowed.insert(verdict, self.open);
        }
        Allowed(allowed)
    }
}

/// The allowed verdicts for an artifact.
pub fn allowed(world: &World, artifact: &Artifact) -> Allowed {
    let known = from_checkout(world, artifact);
    let refused = match (artifact.place, world.host) {
        (Place::Bridge, _) => Some("not-published"),
        (Place::Foreign, _) => Some("host-not-allowed"),
        (Place::Mirror, HostState::Private) => Some("address-not-allowed"),
        (Place::Mirror, _) => None,
    };
    if let Some(reason) = refused {
        let mut findings = known;
        findings.wrong.insert(reason);
        return findings.allowed();
    }
    if world.is_unreachable() {
        let mut findings = known;
        findings.open.extend(["unreachable", "timeout"]);
        return findings.allowed();
    }
    let mut allowed = Allowed::default();
    for known in signature(world, artifact, &known) {
        for case in Case::all(world, artifact) {
            for proof in case.proofs() {
                allowed.add(case.findings(proof, known.clone()).allowed());
            }
        }
    }
    allowed
}

/// Whether a pass with `--verify published` warns that the decompressed content was not verified, if it was not.
pub fn warns_of_unverified_content(world: &World, artifact: &Artifact, warnings: &serde_json::Value) -> bool {
    let confirmed = artifact.meta.is_some() && artifact.meta_inside == Some(Claim::Same);
    if world.verify != Verify::Published || artifact.uncompressed.is_none() || confirmed {
        return true;
    }
    warnings.as_array().is_some_and(|all| {
        all.iter().any(|it| it.as_str().is_some_and(|it| it.contains("uncompressed-sha256 not verified")))
    })
}

/// Whether the message of an inconclusive artifact names the proxy, if the proxy prevented the requests.
pub fn names_the_proxy(world: &World, artifact: &Artifact, said: &serde_json::Value) -> bool {
    let is_in_the_way =
        world.wire == Wire::Proxied && world.is_unreachable() && artifact.place == Place::Mirror;
    let message = said["message"].as_str().unwrap_or_default();
    let answer = match world.proxy {
        ProxyState::Status(status) => format!("answered CONNECT with {status}"),
        _ => String::new(),
    };
    let blames = message.contains("proxy") && message.contains(&answer);
    !is_in_the_way || said["verdict"] != "inconclusive" || blames
}

/// The findings from the checkout alone.
fn from_checkout(world: &World, artifact: &Artifact) -> Findings {
    let mut findings = Findings::default();
    if artifact.legacy.is_some_and(|legacy| legacy.sha256 == Truth::Wrong) {
        findings.wrong.insert("metadata-conflict");
    }
    if world.signatures == Signatures::Require && artifact.signature.is_none() {
        findings.wrong.extend(["missing", "bad-signature"]);
    }
    findings
}

/// The possible findings after requesting the signature. Without a keyring, only its existence counts.
fn signature(world: &World, artifact: &Artifact, known: &Findings) -> Vec<Findings> {
    let Some(access) = artifact.signature.filter(|_| world.signatures == Signatures::Require) else {
        return vec![known.clone()];
    };
    let ways = outcomes::seen(world, access, false).into_iter().map(|seen| {
        let mut findings = known.clone();
        match seen {
            Seen::Content => {}
            Seen::Missing => findings.wrong.extend(["missing", "bad-signature"]),
            Seen::ProbeError(reasons) => findings.open.extend(reasons),
            // It is unknown whether it exists. As it is not at its URL, the gate may report it as missing.
            Seen::Refused | Seen::Odd => {
                findings.perhaps_wrong.extend(["redirect-not-allowed", "missing", "bad-signature"]);
                findings.open.extend(["server-error", "unreachable"]);
            }
        }
        findings
    });
    ways.collect()
}

/// One combination of possible results of requests.
#[derive(Debug, Clone, Copy)]
struct Case<'w> {
    world: &'w World,
    artifact: &'w Artifact,
    /// The result of requesting the file.
    seen: Seen,
    /// The file at the time of HEAD.
    head: Served,
    /// The file at the time of a range request, if HEAD was not enough.
    part: Served,
    sums: SidecarResult,
    meta: SidecarResult,
}

/// The basis of a verdict.
#[derive(Debug, Clone, Copy)]
enum Proof {
    /// The metadata that servers publish.
    Said,
    /// The downloaded bytes.
    Bytes(Served),
    /// A download that failed for these reasons.
    NoBytes(Reasons),
    /// A download that failed because the file is archived.
    Archived,
}

/// The length of an existing file, as its server reports it.
enum Length {
    Known(Truth),
    Unknown,
}

impl<'w> Case<'w> {
    /// All combinations.
    fn all(world: &'w World, artifact: &'w Artifact) -> Vec<Self> {
        let directory = &world.directories[artifact.directory];
        let (mut sums, mut meta) =
            (outcomes::of_sidecar(world, &directory.sums), outcomes::of_sidecar(world, &directory.meta));
        if world.verify == Verify::Exists {
            // Only status and size are checked: no digests are requested, and `meta.json` only for a missing size.
            sums = vec![SidecarResult::None];
            if artifact.size.is_some() || artifact.legacy.is_some_and(|legacy| legacy.size.is_some()) {
                meta = vec![SidecarResult::None];
            }
        }
        let mut all = Vec::new();
        for seen in outcomes::of_file(world, artifact) {
            for (head, part) in moments(artifact) {
                for &sums in &sums {
                    all.extend(meta.iter().map(|&meta| Self {
                        world,
                        artifact,
                        seen,
                        head,
                        part,
                        sums,
                        meta,
                    }));
                }
            }
        }
        all
    }

    fn findings(&self, proof: Proof, mut findings: Findings) -> Findings {
        let digests = self.published();
        if digests.contradict {
            findings.wrong.extend(WRONG_DIGEST);
        }
        if self.inside() == Some(Claim::Other) {
            findings.wrong.insert("metadata-conflict");
        }
        match self.seen {
            Seen::Content if self.shows_no_file() => {
                findings.wrong.extend(["missing", "size-mismatch", "sha256-mismatch"]);
            }
            Seen::Content => {
                self.size(proof, &mut findings);
                match proof {
                    Proof::Said => self.said(digests, &mut findings),
                    Proof::Bytes(read) => self.bytes(read, &mut findings),
                    Proof::NoBytes(reasons) => findings.open.extend(reasons),
                    Proof::Archived => findings.wrong.extend(["missing"]),
                }
            }
            Seen::Missing => {
                findings.wrong.insert("missing");
            }
            Seen::ProbeError(reasons) => findings.open.extend(reasons),
            Seen::Refused => findings.wrong.extend(["redirect-not-allowed", "address-not-allowed"]),
            // It is unknown whether it exists. As it is not at its URL, the gate may report it as missing.
            Seen::Odd => {
                findings.open.extend(["server-error", "unreachable"]);
                findings.perhaps_wrong.extend(["missing", "redirect-not-allowed"]);
            }
        }
        findings
    }

    /// Whether the body never ends. Such responses have none of the file's headers.
    fn is_endless(&self) -> bool {
        matches!(self.artifact.quirk, Quirk::Endless | Quirk::Trickle)
    }

    /// Whether HEAD is supported.
    fn head_answers(&self) -> bool {
        !matches!(self.artifact.quirk, Quirk::HeadRefused(_))
    }

    /// Whether a range request is needed, because HEAD does not show the length or the existence of the file.
    fn needs_range(&self) -> bool {
        match self.artifact.quirk {
            Quirk::HeadLies => false,
            Quirk::None | Quirk::Labelled => self.head.body == Body::Empty,
            _ => true,
        }
    }

    /// Whether there is an HTML page or an empty body instead of the file.
    fn shows_no_file(&self) -> bool {
        if self.is_endless() {
            return false;
        }
        let page = self.head_answers() && self.head.body == Body::Html;
        page || self.needs_range() && matches!(self.part.body, Body::Html | Body::Empty)
    }

    /// The digest headers of the responses before any download.
    fn headers(&self) -> Vec<Header> {
        if self.seen != Seen::Content || self.is_endless() {
            return vec![];
        }
        let head = self.head.head.filter(|_| self.head_answers());
        if !self.needs_range() {
            return head.into_iter().collect();
        }
        // Headers of HEAD are dropped if the entity tag shows that the file has changed since. Without a tag that
        // cannot be determined; SECURITY.md lists this among the things that the gate does not promise.
        let another = self.artifact.tagged && self.head != self.part;
        head.filter(|_| !another).into_iter().chain(self.part.get).collect()
    }

    /// The published digests of the file.
    fn published(&self) -> Digests {
        let mut digests = Digests::default();
        for header in self.headers() {
            match header.says {
                Says::Same => digests.add(SidecarResult::Good, Claim::Same),
                Says::Other => digests.add(SidecarResult::Good, Claim::Other),
                Says::Contradiction => digests.add(SidecarResult::Good, Claim::Both),
                Says::Malformed | Says::OfParts | Says::Composite(_) | Says::Quoted(_) => {}
            }
        }
        let claims = [(self.sums, self.artifact.sums), (self.meta, self.artifact.meta.and_then(|it| it.0))];
        for (source, claim) in claims {
            if let Some(claim) = claim {
                digests.add(source, claim);
            }
        }
        digests
    }

    /// The claim of `meta.json` about the decompressed content, if the document has a digest of that too.
    fn inside(&self) -> Option<Claim> {
        self.artifact.uncompressed?;
        let (claim, _) = (self.artifact.meta_inside?, self.artifact.meta?);
        let counts =
            self.meta == SidecarResult::Good || self.meta == SidecarResult::Doubtful && claim == Claim::Other;
        counts.then_some(claim)
    }

    /// Whether the document has a digest of the decompressed content that nothing published confirms.
    fn is_inside_unconfirmed(&self) -> bool {
        self.artifact.uncompressed.is_some() && self.inside() != Some(Claim::Same)
    }

    /// The possible bases of the verdict. `content` downloads existing files; `auto` does if nothing published proves
    /// the file, or if its size is contested.
    fn proofs(&self) -> Vec<Proof> {
        let digests = self.published();
        let (said, read) = match self.world.verify {
            _ if self.seen != Seen::Content || self.shows_no_file() => (true, false),
            Verify::Exists | Verify::Published => (true, false),
            Verify::Content => (false, true),
            // If published digests contradict, no download is needed. If they agree, it is, because they could have
            // been published for the complete file before a truncated upload.
            Verify::Auto if self.is_contested() => (digests.contradict, true),
            // The installer checks the decompressed content, so it is downloaded unless `meta.json` confirms its
            // digest. If `meta.json` contradicts it, no download is needed.
            Verify::Auto if self.inside() == Some(Claim::Other) => (true, true),
            Verify::Auto if self.is_inside_unconfirmed() => (digests.contradict, true),
            Verify::Auto => (digests.agree || digests.contradict, !digests.agree),
        };
        let mut proofs = Vec::new();
        if said {
            proofs.push(Proof::Said);
        }
        if read {
            for seen in outcomes::of_bytes(self.world, self.artifact) {
                match seen {
                    Seen::ProbeError(reasons) => proofs.push(Proof::NoBytes(reasons)),
                    Seen::Missing => proofs.push(Proof::Archived),
                    _ => proofs.extend(self.states_from_now_on().map(Proof::Bytes)),
                }
            }
        }
        proofs
    }

    /// The possible files at the time of the download. The file can have changed, but not back.
    fn states_from_now_on(&self) -> impl Iterator<Item = Served> {
        let now = if self.needs_range() { self.part } else { self.head };
        let later = self.artifact.later.map(|(_, later)| later).filter(|later| *later != now);
        [Some(now), later].into_iter().flatten()
    }

    /// All expected sizes. The first one counts: the document's, else that of legacy metadata, else of `meta.json`.
    fn sizes(&self) -> Vec<Truth> {
        let legacy = self.artifact.legacy.and_then(|legacy| legacy.size);
        let meta = self.artifact.meta.and_then(|(_, size)| size);
        let meta = meta.filter(|_| matches!(self.meta, SidecarResult::Good | SidecarResult::Doubtful));
        [self.artifact.size, legacy, meta].into_iter().flatten().collect()
    }

    /// Whether the server reports the expected size that counts, but another source has a different one.
    fn is_contested(&self) -> bool {
        let sizes = self.sizes();
        matches!(self.length(Proof::Said), Length::Known(Truth::Right))
            && sizes.first() == Some(&Truth::Right)
            && sizes.contains(&Truth::Wrong)
    }

    /// Compares the length with the expected size.
    fn size(&self, proof: Proof, findings: &mut Findings) {
        let Some(expected) = self.sizes().first().copied() else {
            // An unavailable `meta.json` could have a size, which only matters if the bytes are not verified.
            if let (SidecarResult::Unknown(reasons), Proof::Said | Proof::NoBytes(_) | Proof::Archived) =
                (self.meta, proof)
            {
                findings.open.extend(reasons);
            }
            return;
        };
        match self.length(proof) {
            Length::Known(Truth::Right) if expected == Truth::Right => {}
            // Two wrong sizes are never equal in these worlds.
            Length::Known(_) => findings.wrong.extend(["size-mismatch"]),
            Length::Unknown => {
                // A size is expected, but the server reports none, so nothing shows that this is the file.
                findings.open.extend(NO_LENGTH);
                findings.perhaps_wrong.extend(["size-mismatch", "missing"]);
            }
        }
    }

    fn length(&self, proof: Proof) -> Length {
        let of = |served: Served| match served.body {
            Body::Meant | Body::SameSize => Length::Known(Truth::Right),
            Body::Longer | Body::Shorter | Body::Empty | Body::Html => Length::Known(Truth::Wrong),
        };
        match (proof, self.artifact.quirk) {
            (Proof::Bytes(read), _) => of(read),
            (_, Quirk::HeadLies | Quirk::RangeLies) => Length::Known(Truth::Wrong),
            (_, Quirk::NoLengthAtAll | Quirk::RangeUnknown | Quirk::Endless | Quirk::Trickle) => {
                Length::Unknown
            }
            _ if self.needs_range() => of(self.part),
            _ => of(self.head),
        }
    }

    /// Checks whether published metadata proves the file.
    fn said(&self, digests: Digests, findings: &mut Findings) {
        if self.world.verify == Verify::Exists {
            return;
        }
        for sidecar in [self.sums, self.meta] {
            // An unavailable sidecar could contradict.
            if let SidecarResult::Unknown(reasons) = sidecar {
                findings.open.extend(reasons);
            }
        }
        if !digests.agree {
            findings.open.insert("no-digest");
        }
    }

    /// Checks whether the bytes prove the file. They take precedence over unavailable sidecars.
    fn bytes(&self, read: Served, findings: &mut Findings) {
        if read.body != Body::Meant {
            findings.wrong.extend(["sha256-mismatch", "size-mismatch", "missing"]);
        } else if self.artifact.uncompressed == Some(Truth::Wrong) {
            findings.wrong.insert("uncompressed-sha256-mismatch");
        }
        if matches!(read.get, Some(Header { says: Says::Other | Says::Contradiction, .. })) {
            // The header of the download contradicts its bytes. The gate may ignore it, because `content` "downloads and
            // hashes the file" (README.md).
            findings.perhaps_wrong.extend(WRONG_DIGEST);
        }
    }
}

/// The combined result of all published digests of a file.
#[derive(Debug, Clone, Copy, Default)]
struct Digests {
    /// A digest is the document's, from a source that can prove it.
    agree: bool,
    /// A digest differs from the document's.
    contradict: bool,
}

impl Digests {
    fn add(&mut self, source: SidecarResult, claim: Claim) {
        self.agree |= source == SidecarResult::Good && claim != Claim::Other;
        self.contradict |=
            matches!(source, SidecarResult::Good | SidecarResult::Doubtful) && claim != Claim::Same;
    }
}

/// The possible files at the times of HEAD and of a following GET. A file changes at most once.
fn moments(artifact: &Artifact) -> Vec<(Served, Served)> {
    let first = artifact.served;
    match artifact.later {
        None => vec![(first, first)],
        Some((_, later)) => vec![(first, first), (first, later), (later, later)],
    }
}
