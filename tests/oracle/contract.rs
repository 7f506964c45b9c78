//! What each verdict must be, by the contract and the facts of the field alone.
//!
//! Where these leave room there is a set of answers; *pass* is among them only where they say so.

use std::collections::{BTreeMap, BTreeSet};

use crate::world::{
    Access, Artifact, Astray, Body, Claim, Fault, Form, HostState, Place, Quirk, Says, Served, Sidecar,
    Signatures, Truth, Verify, Wire, World,
};

/// The verdicts that are right, each with the reasons that may be given for it; none means any.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Allowed(BTreeMap<&'static str, Option<BTreeSet<&'static str>>>);

impl Allowed {
    /// Whether a verdict with its reason is right.
    pub fn admits(&self, verdict: &str, reason: Option<&str>) -> bool {
        match (self.0.get(verdict), reason) {
            (Some(_), None) => verdict == "pass",
            (Some(None), Some(_)) => verdict != "pass",
            (Some(Some(reasons)), Some(reason)) => reasons.contains(reason),
            (None, _) => false,
        }
    }

    /// The verdicts alone.
    pub fn verdicts(&self) -> Vec<&'static str> {
        self.0.keys().copied().collect()
    }

    fn add(&mut self, other: Self) {
        for (verdict, reasons) in other.0 {
            match (self.0.entry(verdict).or_insert_with(|| Some(BTreeSet::new())), reasons) {
                (Some(all), Some(more)) => all.extend(more),
                (all, _) => *all = None,
            }
        }
    }
}

/// What is known, might be known, or must stay open about one artifact.
#[derive(Debug, Clone, Default)]
struct Findings {
    /// Wrong, and the gate must see it.
    wrong: BTreeSet<&'static str>,
    /// Perhaps wrong: the contract lets the gate look, or see, or say so.
    perhaps_wrong: BTreeSet<&'static str>,
    /// Cannot be determined.
    open: BTreeSet<&'static str>,
    /// Perhaps not determined.
    perhaps_open: BTreeSet<&'static str>,
}

impl Findings {
    fn allowed(self) -> Allowed {
        let mut allowed = Allowed::default();
        if !self.wrong.is_empty() {
            let all = self.wrong.union(&self.perhaps_wrong).copied().collect();
            allowed.0.insert("fail", Some(all));
            return allowed;
        }
        if !self.perhaps_wrong.is_empty() {
            allowed.0.insert("fail", Some(self.perhaps_wrong));
        }
        let open = !self.open.is_empty();
        let reasons: BTreeSet<_> = self.open.union(&self.perhaps_open).copied().collect();
        if !reasons.is_empty() {
            allowed.0.insert("inconclusive", Some(reasons));
        }
        if !open {
            allowed.0.insert("pass", None);
        }
        allowed
    }
}

/// What may come of asking for a place.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Seen {
    /// What is there.
    Content,
    Missing,
    /// No answer, for one of these reasons.
    Trouble(Vec<&'static str>),
    /// A redirect that is not followed.
    Refused,
    /// An answer that says nothing either way.
    Odd,
}

/// Whether a sidecar is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Read {
    Surely,
    Perhaps,
    Never,
}

/// What a verdict stands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Proof {
    /// What servers say of the file.
    Said,
    /// Its bytes, which turn out to be these.
    Bytes(Served),
}

fn reasons_of(fault: Fault) -> Vec<&'static str> {
    match fault {
        Fault::Status(429) | Fault::Busy(429) => vec!["rate-limited"],
        Fault::Status(408 | 425 | 504) => vec!["server-error", "timeout", "rate-limited"],
        Fault::Status(_) | Fault::Busy(_) => vec!["server-error"],
        Fault::Reset | Fault::Close | Fault::Garbage | Fault::EndlessHeaders => {
            vec!["unreachable", "server-error"]
        }
        // In HTTP/2 a mirror that stalls in the headers sends none.
        Fault::Hang | Fault::StallInHeaders | Fault::SlowLoris => vec!["timeout"],
    }
}

/// What may come of asking, with the round's retries.
fn seen(world: &World, access: Access, with_body: bool) -> Vec<Seen> {
    let retries = world.retries;
    let trouble = |fault| Seen::Trouble(reasons_of(fault));
    let broken = || Seen::Trouble(vec!["unreachable", "server-error", "timeout"]);
    let mut seen = match access {
        Access::Normal | Access::Slow(_) | Access::Redirected(..) => vec![Seen::Content],
        Access::Missing(_) | Access::RedirectedToNothing(_) => vec![Seen::Missing],
        Access::Odd(_) => vec![Seen::Odd],
        Access::Always(fault) => vec![trouble(fault)],
        Access::Recovering(times, _) if times <= retries as usize => vec![Seen::Content],
        Access::Flapping(_) if retries > 0 => vec![Seen::Content],
        Access::Recovering(_, fault) | Access::Flapping(fault) | Access::Lossy(_, _, fault) => {
            vec![Seen::Content, trouble(fault)]
        }
        // What was cut off is not what is there.
        Access::Cut(..) if with_body => vec![broken()],
        Access::Cut(..) => vec![Seen::Content],
        Access::HugeHeader(2_000) => vec![Seen::Content],
        Access::HugeHeader(_) => vec![Seen::Content, broken()],
        Access::Misled(_, Astray::NoLocation) => vec![Seen::Odd],
        Access::Misled(_, Astray::NoUrl | Astray::Loop | Astray::TooMany) => vec![Seen::Refused, Seen::Odd],
        // From http there is no lower.
        Access::Misled(_, Astray::Downgrade) if world.wire == Wire::Plain => vec![Seen::Content],
        Access::Misled(..) => vec![Seen::Refused],
    };
    if world.suffers_together() {
        seen.push(broken());
        if let Access::Recovering(_, fault) | Access::Flapping(fault) = access {
            // A connection that breaks uses up an attempt, and the next one may meet the fault again.
            seen.push(trouble(fault));
        }
    }
    seen
}

fn read(world: &World, sidecar: &Sidecar) -> Read {
    let seen = seen(world, sidecar.access, true);
    if !seen.contains(&Seen::Content) {
        return Read::Never;
    }
    match sidecar.form {
        Form::Junk | Form::Html | Form::Empty | Form::Oversized | Form::Endless => Read::Never,
        Form::JunkAround => Read::Perhaps,
        Form::Good | Form::Labelled if seen.len() > 1 => Read::Perhaps,
        Form::Good | Form::Labelled => Read::Surely,
    }
}

/// Reasons for which a sidecar may be out of reach, where it isn't simply absent or no sidecar.
fn out_of_reach(world: &World, sidecar: &Sidecar) -> Vec<&'static str> {
    let seen = seen(world, sidecar.access, true).into_iter();
    let mut reasons: Vec<_> = seen
        .flat_map(|seen| match seen {
            Seen::Trouble(reasons) => reasons,
            Seen::Refused | Seen::Odd => vec!["server-error", "redirect-not-allowed", "unreachable"],
            Seen::Content | Seen::Missing => vec![],
        })
        .collect();
    if sidecar.form == Form::Endless {
        reasons.extend(["timeout", "server-error", "unreachable"]);
    }
    reasons
}

/// What the verdict on an artifact may be.
pub fn allowed(world: &World, artifact: &Artifact) -> Allowed {
    let mut findings = Findings::default();
    if artifact.legacy.is_some_and(|legacy| legacy.sha256 == Truth::Wrong) {
        findings.wrong.insert("metadata-conflict");
    }
    let refused = match (artifact.place, world.host) {
        (Place::Bridge, _) => Some("not-published"),
        (Place::Foreign, _) => Some("host-not-allowed"),
        (Place::Mirror, HostState::Private) => Some("address-not-allowed"),
        (Place::Mirror, _) => None,
    };
    if let Some(reason) = refused {
        findings.wrong.insert(reason);
        return findings.allowed();
    }
    if matches!(world.host, HostState::Resets | HostState::BlackHole) {
        findings.open.extend(["unreachable", "timeout"]);
        if world.signatures == Signatures::Require && artifact.signature.is_none() {
            findings.perhaps_wrong.insert("bad-signature");
        }
        return findings.allowed();
    }
    signature(world, artifact, &mut findings);
    let mut allowed = Allowed::default();
    let states = [Some(artifact.served), artifact.later.map(|(_, later)| later)];
    for served in states.into_iter().flatten() {
        let mut all = seen(world, artifact.access, false);
        if all.contains(&Seen::Content) && matches!(artifact.quirk, Quirk::HeadRefused(400 | 501)) {
            // "Refused" is at least 405; a gate may take these for errors.
            all.push(Seen::Odd);
        }
        for seen in all {
            for proof in proofs(world, artifact, served, &seen) {
                allowed.add(with(world, artifact, served, &seen, proof, findings.clone()));
            }
        }
    }
    allowed
}

/// What the verdict on a file that seems to be so may stand on.
fn proofs(world: &World, artifact: &Artifact, served: Served, seen: &Seen) -> Vec<Proof> {
    let reads = match world.verify {
        Verify::Exists | Verify::Published => Read::Never,
        Verify::Content => Read::Surely,
        // Where nothing is published.
        Verify::Auto => {
            let sources = sources(world, artifact, served, true);
            if sources.is_empty() {
                Read::Surely
            } else if sources.iter().all(|(read, _)| *read == Read::Perhaps) {
                Read::Perhaps
            } else {
                Read::Never
            }
        }
    };
    // By the time that it is read, it may have changed.
    let states = [Some(artifact.served), artifact.later.map(|(_, later)| later)];
    let bytes = states.into_iter().flatten().map(Proof::Bytes);
    match reads {
        _ if *seen != Seen::Content => vec![Proof::Said],
        Read::Never => vec![Proof::Said],
        Read::Surely => bytes.collect(),
        Read::Perhaps => bytes.chain([Proof::Said]).collect(),
    }
}

fn signature(world: &World, artifact: &Artifact, findings: &mut Findings) {
    if world.signatures != Signatures::Require {
        return;
    }
    let Some(access) = artifact.signature else {
        // It cannot be where nobody says it should be; whether that is a fault the contract leaves open.
        findings.perhaps_wrong.extend(["missing", "bad-signature"]);
        return;
    };
    let seen = seen(world, access, false);
    let sure = seen.len() == 1;
    for seen in seen {
        match seen {
            // Without a keyring there is no more to know; a gate that reads it may still find it cut.
            Seen::Content if matches!(access, Access::Cut(..)) => {
                findings.perhaps_open.extend(["unreachable", "timeout", "server-error"]);
            }
            Seen::Content => {}
            Seen::Missing if sure => {
                findings.wrong.extend(["missing", "bad-signature"]);
            }
            Seen::Missing => findings.perhaps_wrong.extend(["missing", "bad-signature"]),
            Seen::Trouble(reasons) if sure => findings.open.extend(reasons),
            Seen::Trouble(reasons) => findings.perhaps_open.extend(reasons),
            Seen::Refused | Seen::Odd => {
                findings.perhaps_wrong.extend(["redirect-not-allowed", "missing", "bad-signature"]);
                findings.open.extend(["server-error", "unreachable"]);
            }
        }
    }
}

/// The verdicts where asking for the file gave `seen`.
fn with(
    world: &World,
    artifact: &Artifact,
    served: Served,
    seen: &Seen,
    proof: Proof,
    mut findings: Findings,
) -> Allowed {
    match seen {
        Seen::Content => content(world, artifact, served, proof, &mut findings),
        Seen::Missing => {
            findings.wrong.insert("missing");
        }
        Seen::Trouble(reasons) => findings.open.extend(reasons),
        Seen::Refused => {
            findings.wrong.extend(["redirect-not-allowed", "address-not-allowed"]);
        }
        Seen::Odd => {
            findings.open.extend(["server-error", "unreachable"]);
            findings.perhaps_wrong.extend(["missing", "redirect-not-allowed"]);
        }
    }
    let observed = *seen == Seen::Content;
    digests(world, artifact, served, observed, proof, &mut findings);
    findings.allowed()
}

/// How long the file seems to be: what HEAD says, or a ranged GET.
enum Length {
    Known(Truth),
    /// It may be that nobody says it.
    PerhapsUnknown,
    Unknown,
}

fn content(world: &World, artifact: &Artifact, served: Served, proof: Proof, findings: &mut Findings) {
    let endless = matches!(artifact.quirk, Quirk::Endless | Quirk::Trickle);
    match served.body {
        // No artifact; a HEAD that is refused or lies makes no difference to what GET shows.
        Body::Html if !endless => {
            findings.wrong.extend(["missing", "size-mismatch", "sha256-mismatch"]);
            return;
        }
        Body::Empty if !endless && artifact.quirk != Quirk::HeadLies => {
            findings.wrong.extend(["missing", "size-mismatch", "sha256-mismatch"]);
            return;
        }
        _ => {}
    }
    let cut = matches!(artifact.access, Access::Cut(..));
    let served = match proof {
        Proof::Said => served,
        Proof::Bytes(read) => {
            bytes(world, artifact, read, findings);
            if !findings.perhaps_open.is_empty() {
                // Where it breaks off, the size that was told before may be known to be wrong.
                findings.perhaps_wrong.insert("size-mismatch");
            }
            read
        }
    };
    let truth = if matches!(served.body, Body::Meant | Body::SameSize) { Truth::Right } else { Truth::Wrong };
    let needs_get = !matches!(artifact.quirk, Quirk::None | Quirk::HeadLies | Quirk::Labelled);
    if needs_get && cut {
        findings.perhaps_open.extend(["unreachable", "timeout", "server-error"]);
    }
    let length = match artifact.quirk {
        // Counted, if they come to an end; else there is what was told before.
        _ if proof != Proof::Said && !endless && !cut => Length::Known(truth),
        Quirk::HeadLies => Length::Known(Truth::Wrong),
        Quirk::NoLengthAtAll | Quirk::Endless | Quirk::Trickle => Length::Unknown,
        Quirk::NoRanges => Length::PerhapsUnknown,
        _ => Length::Known(truth),
    };
    // The document's own size comes first, then legacy metadata, then meta.json; one that comes later and
    // contradicts may be told.
    let meta = &world.directories[artifact.directory].meta;
    let meta_read = read(world, meta);
    let from_meta = artifact.meta.and_then(|(_, size)| size).filter(|_| meta_read != Read::Never);
    let from_legacy = artifact.legacy.and_then(|legacy| legacy.size);
    let all: Vec<Truth> = [artifact.size, from_legacy, from_meta].into_iter().flatten().collect();
    if all.contains(&Truth::Right) && all.contains(&Truth::Wrong) {
        findings.perhaps_wrong.extend(["metadata-conflict", "size-mismatch"]);
    }
    let expected = artifact.size.or(from_legacy);
    let sure = expected.is_some() || meta_read == Read::Surely;
    if !sure {
        findings.perhaps_open.extend(out_of_reach(world, meta));
    }
    let Some(expected) = expected.or(from_meta) else { return };
    // A wrong size is never that of the other file, and never the one HEAD makes up.
    let mismatch = |length: Truth| length != Truth::Right || expected != Truth::Right;
    match length {
        Length::Known(length) if mismatch(length) && sure => {
            findings.wrong.insert("size-mismatch");
        }
        Length::Known(length) if mismatch(length) => {
            findings.perhaps_wrong.insert("size-mismatch");
        }
        Length::Known(_) => {}
        Length::PerhapsUnknown | Length::Unknown => {
            let reads_well = matches!(length, Length::PerhapsUnknown) && !mismatch(truth);
            if reads_well || !sure {
                findings.perhaps_open.extend(["server-error", "no-digest", "unreachable"]);
                if !reads_well {
                    findings.perhaps_wrong.extend(["size-mismatch", "missing"]);
                }
            } else {
                // A size was expected and none was seen: nothing says that this is the file.
                findings.open.extend(["server-error", "no-digest", "unreachable"]);
                findings.perhaps_wrong.extend(["size-mismatch", "missing"]);
            }
        }
    }
}

/// What comes of reading the bytes.
fn bytes(world: &World, artifact: &Artifact, read: Served, findings: &mut Findings) {
    let broken = ["unreachable", "timeout", "server-error"];
    // What recovers or flaps may do so again between the question and the download.
    for seen in seen(world, artifact.access, true) {
        if let Seen::Trouble(reasons) = seen {
            findings.perhaps_open.extend(reasons);
        }
    }
    match artifact.quirk {
        Quirk::Endless | Quirk::Trickle => {
            findings.open.extend(broken);
            return;
        }
        _ => {}
    }
    // What is cut off each time may be put together, if it can be told that it is still the same file.
    if matches!(artifact.access, Access::Cut(..)) && !artifact.tagged {
        findings.open.extend(broken);
        findings.perhaps_wrong.extend(["sha256-mismatch", "size-mismatch", "missing"]);
    } else if read.body != Body::Meant {
        let wrong = ["sha256-mismatch", "size-mismatch", "missing"];
        let sure = findings.perhaps_open.is_empty();
        if sure { &mut findings.wrong } else { &mut findings.perhaps_wrong }.extend(wrong);
        if !sure {
            findings.open.extend(broken);
        }
    }
}

/// Who publishes a digest of the file, and which.
fn sources(world: &World, artifact: &Artifact, served: Served, observed: bool) -> Vec<(Read, Claim)> {
    let directory = &world.directories[artifact.directory];
    let sidecars =
        [(&directory.sums, artifact.sums), (&directory.meta, artifact.meta.and_then(|(claim, _)| claim))];
    let mut sources: Vec<(Read, Claim)> = Vec::new();
    for (sidecar, claim) in sidecars {
        let read = read(world, sidecar);
        sources.extend(claim.map(|claim| (read, claim)));
    }
    if observed
        && !matches!(artifact.quirk, Quirk::Endless | Quirk::Trickle)
        && let Some(header) = served.digest
    {
        // Where HEAD was no answer, what a GET for a part says may be read or not.
        let read = if matches!(artifact.quirk, Quirk::HeadRefused(_)) { Read::Perhaps } else { Read::Surely };
        sources.extend(match header.says {
            Says::Same => Some((read, Claim::Same)),
            Says::Other => Some((read, Claim::Other)),
            Says::Contradiction => Some((read, Claim::Both)),
            Says::Malformed | Says::OfParts => None,
        });
    }
    sources.retain(|(read, _)| *read != Read::Never);
    sources
}

/// What digests say: those of headers that came with the file, and those of sidecars.
fn digests(
    world: &World,
    artifact: &Artifact,
    served: Served,
    observed: bool,
    proof: Proof,
    findings: &mut Findings,
) {
    let sources = sources(world, artifact, served, observed);
    let wrong = ["sha256-mismatch", "metadata-conflict"];
    for (read, claim) in &sources {
        if *claim == Claim::Same {
            continue;
        }
        // `exists` is about status and size; a gate that sees more may say so.
        if *read == Read::Surely && world.verify != Verify::Exists {
            findings.wrong.extend(wrong);
        } else {
            findings.perhaps_wrong.extend(wrong);
        }
    }
    if world.verify == Verify::Exists || !observed {
        return;
    }
    let directory = &world.directories[artifact.directory];
    for sidecar in [&directory.sums, &directory.meta] {
        findings.perhaps_open.extend(out_of_reach(world, sidecar));
    }
    if proof != Proof::Said {
        return;
    }
    let agrees = |which: Read| sources.iter().any(|(read, claim)| *read == which && *claim == Claim::Same);
    if agrees(Read::Surely) {
        return;
    }
    if agrees(Read::Perhaps) {
        findings.perhaps_open.insert("no-digest");
        return;
    }
    let open = &mut findings.open;
    open.insert("no-digest");
    open.extend(findings.perhaps_open.iter());
    findings.perhaps_wrong.insert("no-digest");
}
