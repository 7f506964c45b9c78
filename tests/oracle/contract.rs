//! The verdicts that are right, by the contract and the facts of the field alone.
//!
//! If the requests can end in several ways (`outcomes.rs`), each is judged separately, and the verdict of any of them
//! is right. *pass* is allowed beside others only if chance or time decides, or if a comment says what leaves the
//! choice.

use std::collections::{BTreeMap, BTreeSet};

use crate::outcomes::{self, Reasons, Seen, Word};
use crate::world::{
    Artifact, Body, Claim, Header, HostState, Place, ProxyState, Quirk, Says, Served, Signatures, Truth,
    Verify, Wire, World,
};

const WRONG_DIGEST: Reasons = &["sha256-mismatch", "metadata-conflict"];
const NO_LENGTH: Reasons = &["server-error", "no-digest", "unreachable"];

/// The verdicts that are right, each with the reasons that may be given for it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Allowed(BTreeMap<&'static str, BTreeSet<&'static str>>);

impl Allowed {
    /// Whether a verdict with its reason is right.
    pub fn admits(&self, verdict: &str, reason: Option<&str>) -> bool {
        match (self.0.get(verdict), reason) {
            (Some(_), None) => verdict == "pass",
            (Some(reasons), Some(reason)) => reasons.contains(reason),
            (None, _) => false,
        }
    }

    /// The verdicts alone.
    pub fn verdicts(&self) -> Vec<&'static str> {
        self.0.keys().copied().collect()
    }

    fn add(&mut self, other: Self) {
        for (verdict, reasons) in other.0 {
            self.0.entry(verdict).or_default().extend(reasons);
        }
    }
}

/// What is known about one artifact, in one of the ways that things may turn out.
#[derive(Debug, Clone, Default)]
struct Findings {
    /// Wrong, and the gate must see it.
    wrong: BTreeSet<&'static str>,
    /// Perhaps wrong: the contract lets the gate say so.
    perhaps_wrong: BTreeSet<&'static str>,
    /// Cannot be determined.
    open: BTreeSet<&'static str>,
}

impl Findings {
    /// What is known to be wrong wins over what is not known.
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

/// What the verdict on an artifact may be.
pub fn allowed(world: &World, artifact: &Artifact) -> Allowed {
    let known = beforehand(world, artifact);
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
    if world.is_cut_off() {
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

/// Whether a pass in `published` says that nobody checked what is inside, where nothing confirms it.
pub fn names_what_nobody_checked(world: &World, artifact: &Artifact, warnings: &serde_json::Value) -> bool {
    let confirmed = artifact.meta.is_some() && artifact.meta_inside == Some(Claim::Same);
    if world.verify != Verify::Published || artifact.uncompressed.is_none() || confirmed {
        return true;
    }
    warnings.as_array().is_some_and(|all| {
        all.iter().any(|it| it.as_str().is_some_and(|it| it.contains("uncompressed-sha256 not verified")))
    })
}

/// Whether a report of what could not be asked for blames the proxy, where that is what was in the way.
pub fn blames_the_proxy(world: &World, artifact: &Artifact, said: &serde_json::Value) -> bool {
    let is_in_the_way = world.wire == Wire::Proxied && world.is_cut_off() && artifact.place == Place::Mirror;
    let message = said["message"].as_str().unwrap_or_default();
    let answer = match world.proxy {
        ProxyState::Status(status) => format!("answered CONNECT with {status}"),
        _ => String::new(),
    };
    let blames = message.contains("proxy") && message.contains(&answer);
    !is_in_the_way || said["verdict"] != "inconclusive" || blames
}

/// What the checkout alone shows.
fn beforehand(world: &World, artifact: &Artifact) -> Findings {
    let mut findings = Findings::default();
    if artifact.legacy.is_some_and(|legacy| legacy.sha256 == Truth::Wrong) {
        findings.wrong.insert("metadata-conflict");
    }
    if world.signatures == Signatures::Require && artifact.signature.is_none() {
        findings.wrong.extend(["missing", "bad-signature"]);
    }
    findings
}

/// What may be known after asking for the signature. Without a keyring all that matters is whether it is there.
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
            // Nobody said whether it is there. It is not where it should be, so the gate may say that it's missing.
            Seen::Refused | Seen::Odd => {
                findings.perhaps_wrong.extend(["redirect-not-allowed", "missing", "bad-signature"]);
                findings.open.extend(["server-error", "unreachable"]);
            }
        }
        findings
    });
    ways.collect()
}

/// One way in which things may turn out.
#[derive(Debug, Clone, Copy)]
struct Case<'w> {
    world: &'w World,
    artifact: &'w Artifact,
    /// What came of asking for the file.
    seen: Seen,
    /// What there was when HEAD came,
    head: Served,
    /// and what there was when a GET of a part came, if HEAD was not enough.
    part: Served,
    sums: Word,
    meta: Word,
}

/// What a verdict stands on.
#[derive(Debug, Clone, Copy)]
enum Proof {
    /// What servers say of the file.
    Said,
    /// Its bytes, which turn out to be these.
    Bytes(Served),
    /// Its bytes, which were asked for and did not come.
    NoBytes(Reasons),
    /// Its bytes, which were asked for and turn out to be archived.
    Archived,
}

/// What a server says of the length of a file that is there.
enum Length {
    Known(Truth),
    Unknown,
}

impl<'w> Case<'w> {
    /// All ways.
    fn all(world: &'w World, artifact: &'w Artifact) -> Vec<Self> {
        let directory = &world.directories[artifact.directory];
        let (mut sums, mut meta) =
            (outcomes::of_sidecar(world, &directory.sums), outcomes::of_sidecar(world, &directory.meta));
        if world.verify == Verify::Exists {
            // That is status and size: no digests are asked for, and a sidecar only for a size that nobody else says.
            sums = vec![Word::None];
            if artifact.size.is_some() || artifact.legacy.is_some_and(|legacy| legacy.size.is_some()) {
                meta = vec![Word::None];
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
            // Nobody said whether it is there. It is not where it should be, so the gate may say that it's missing.
            Seen::Odd => {
                findings.open.extend(["server-error", "unreachable"]);
                findings.perhaps_wrong.extend(["missing", "redirect-not-allowed"]);
            }
        }
        findings
    }

    /// A body without end comes without headers of its file.
    fn is_endless(&self) -> bool {
        matches!(self.artifact.quirk, Quirk::Endless | Quirk::Trickle)
    }

    /// Whether HEAD is an answer.
    fn head_answers(&self) -> bool {
        !matches!(self.artifact.quirk, Quirk::HeadRefused(_))
    }

    /// Whether HEAD leaves open how long the file is, or whether there is one.
    fn takes_a_part(&self) -> bool {
        match self.artifact.quirk {
            Quirk::HeadLies => false,
            Quirk::None | Quirk::Labelled => self.head.body == Body::Empty,
            _ => true,
        }
    }

    /// A page, or nothing, where the file should be.
    fn shows_no_file(&self) -> bool {
        if self.is_endless() {
            return false;
        }
        let page = self.head_answers() && self.head.body == Body::Html;
        page || self.takes_a_part() && matches!(self.part.body, Body::Html | Body::Empty)
    }

    /// The digest headers that came with the answers, before any download.
    fn headers(&self) -> Vec<Header> {
        if self.seen != Seen::Content || self.is_endless() {
            return vec![];
        }
        let head = self.head.head.filter(|_| self.head_answers());
        if !self.takes_a_part() {
            return head.into_iter().collect();
        }
        // What HEAD said is forgotten where a validator says that it said it of another file. Where none does,
        // nobody can tell: SECURITY.md names that as what the gate does not promise.
        let another = self.artifact.tagged && self.head != self.part;
        head.filter(|_| !another).into_iter().chain(self.part.get).collect()
    }

    /// What is published of the file's digest.
    fn published(&self) -> Digests {
        let mut digests = Digests::default();
        for header in self.headers() {
            match header.says {
                Says::Same => digests.add(Word::Good, Claim::Same),
                Says::Other => digests.add(Word::Good, Claim::Other),
                Says::Contradiction => digests.add(Word::Good, Claim::Both),
                Says::Malformed | Says::OfParts | Says::Composite(_) | Says::Quoted(_) => {}
            }
        }
        let claims = [(self.sums, self.artifact.sums), (self.meta, self.artifact.meta.and_then(|it| it.0))];
        for (word, claim) in claims {
            if let Some(claim) = claim {
                digests.add(word, claim);
            }
        }
        digests
    }

    /// What `meta.json` says of what is inside, where the document says something of it too.
    fn inside(&self) -> Option<Claim> {
        self.artifact.uncompressed?;
        let (claim, _) = (self.artifact.meta_inside?, self.artifact.meta?);
        let counts = self.meta == Word::Good || self.meta == Word::Doubtful && claim == Claim::Other;
        counts.then_some(claim)
    }

    /// Whether nothing published confirms what the document says is inside.
    fn leaves_inside_open(&self) -> bool {
        self.artifact.uncompressed.is_some() && self.inside() != Some(Claim::Same)
    }

    /// What the verdict may stand on: `content` reads the bytes of what is there, `auto` where nothing is published
    /// that could prove it, or where its size is contested.
    fn proofs(&self) -> Vec<Proof> {
        let digests = self.published();
        let (said, read) = match self.world.verify {
            _ if self.seen != Seen::Content || self.shows_no_file() => (true, false),
            Verify::Exists | Verify::Published => (true, false),
            Verify::Content => (false, true),
            // Where all that is published contradicts, there is nothing left to prove. A digest that was published for
            // a whole file may stand beside one that was cut short.
            Verify::Auto if self.is_contested() => (digests.contradict, true),
            // The installer will check what is inside: unless `meta.json` confirms it, the bytes must. Where that
            // contradicts, there is nothing left to prove.
            Verify::Auto if self.inside() == Some(Claim::Other) => (true, true),
            Verify::Auto if self.leaves_inside_open() => (digests.contradict, true),
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

    /// What there may be once the file is downloaded: it may have changed, but not back.
    fn states_from_now_on(&self) -> impl Iterator<Item = Served> {
        let now = if self.takes_a_part() { self.part } else { self.head };
        let later = self.artifact.later.map(|(_, later)| later).filter(|later| *later != now);
        [Some(now), later].into_iter().flatten()
    }

    /// The size that the file should have, by all who say one: the document, else legacy metadata, else `meta.json`.
    fn sizes(&self) -> Vec<Truth> {
        let legacy = self.artifact.legacy.and_then(|legacy| legacy.size);
        let meta = self.artifact.meta.and_then(|(_, size)| size);
        let meta = meta.filter(|_| matches!(self.meta, Word::Good | Word::Doubtful));
        [self.artifact.size, legacy, meta].into_iter().flatten().collect()
    }

    /// Whether the server tells the size that counts, and somebody says another.
    fn is_contested(&self) -> bool {
        let sizes = self.sizes();
        matches!(self.length(Proof::Said), Length::Known(Truth::Right))
            && sizes.first() == Some(&Truth::Right)
            && sizes.contains(&Truth::Wrong)
    }

    /// Whether the length is the one that it should be.
    fn size(&self, proof: Proof, findings: &mut Findings) {
        let Some(expected) = self.sizes().first().copied() else {
            // `meta.json` may say what the size should be, which matters less once all bytes are proven.
            if let (Word::Unknown(reasons), Proof::Said | Proof::NoBytes(_) | Proof::Archived) =
                (self.meta, proof)
            {
                findings.open.extend(reasons);
            }
            return;
        };
        match self.length(proof) {
            Length::Known(Truth::Right) if expected == Truth::Right => {}
            // No wrong size is any other wrong size.
            Length::Known(_) => findings.wrong.extend(["size-mismatch"]),
            Length::Unknown => {
                // A size was expected and none was seen: nothing says that this is the file.
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
            _ if self.takes_a_part() => of(self.part),
            _ => of(self.head),
        }
    }

    /// Whether what servers say proves the file.
    fn said(&self, digests: Digests, findings: &mut Findings) {
        if self.world.verify == Verify::Exists {
            return;
        }
        for sidecar in [self.sums, self.meta] {
            // It might contradict.
            if let Word::Unknown(reasons) = sidecar {
                findings.open.extend(reasons);
            }
        }
        if !digests.agree {
            findings.open.insert("no-digest");
        }
    }

    /// Whether its bytes prove the file. They outweigh what a sidecar might have said that is out of reach.
    fn bytes(&self, read: Served, findings: &mut Findings) {
        if read.body != Body::Meant {
            findings.wrong.extend(["sha256-mismatch", "size-mismatch", "missing"]);
        } else if self.artifact.uncompressed == Some(Truth::Wrong) {
            findings.wrong.insert("uncompressed-sha256-mismatch");
        }
        if matches!(read.get, Some(Header { says: Says::Other | Says::Contradiction, .. })) {
            // The bytes came under a header that contradicts them. Content is "download and hash" (CONTRACT.md):
            // the gate need not look at it.
            findings.perhaps_wrong.extend(WRONG_DIGEST);
        }
    }
}

/// What all digests say that are published of a file.
#[derive(Debug, Clone, Copy, Default)]
struct Digests {
    /// One proves that the file is right.
    agree: bool,
    /// One is another.
    contradict: bool,
}

impl Digests {
    fn add(&mut self, word: Word, claim: Claim) {
        self.agree |= word == Word::Good && claim != Claim::Other;
        self.contradict |= matches!(word, Word::Good | Word::Doubtful) && claim != Claim::Same;
    }
}

/// What there may be when HEAD comes, and what when a GET follows it: a file may change once.
fn moments(artifact: &Artifact) -> Vec<(Served, Served)> {
    let first = artifact.served;
    match artifact.later {
        None => vec![(first, first)],
        Some((_, later)) => vec![(first, first), (first, later), (later, later)],
    }
}
