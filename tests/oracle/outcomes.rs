//! All possible results of the requests for one artifact, by how its server is reached.

use crate::world::{Access, Archive, Artifact, Astray, Fault, Form, Quirk, Retries, Sidecar, Wire, World};

/// Why nothing is known, in words that a report may use for it.
pub type Reasons = &'static [&'static str];

const NO_ANSWER: Reasons = &["unreachable", "server-error"];
const BROKEN: Reasons = &["unreachable", "server-error", "timeout"];
const ANY: Reasons = &["unreachable", "server-error", "timeout", "rate-limited"];

/// What came of asking for a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// What is there.
    Content,
    Missing,
    /// No answer.
    ProbeError(Reasons),
    /// A redirect that is not followed.
    Refused,
    /// An answer that says nothing either way.
    Odd,
}

/// What came of asking for a sidecar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word {
    /// It is as its makers wrote it: what it says counts.
    Good,
    /// It is malformed somewhere: what it says against a file counts, what it says for one is worth nothing.
    Doubtful,
    /// There is none, or what is there is none, or it speaks of other files.
    None,
    /// Nobody knows whether there is one, and what it says.
    Unknown(Reasons),
}

fn reasons_of(fault: Fault) -> Reasons {
    match fault {
        Fault::Status(429) | Fault::Busy(429) => &["rate-limited"],
        Fault::Status(408 | 425 | 504) => &["server-error", "timeout", "rate-limited"],
        Fault::Status(_) | Fault::Busy(_) => &["server-error"],
        Fault::Reset | Fault::Close | Fault::Garbage | Fault::EndlessHeaders => NO_ANSWER,
        // In HTTP/2 a mirror that stalls in the headers sends none.
        Fault::Hang | Fault::StallInHeaders | Fault::SlowLoris => &["timeout"],
    }
}

fn takes_a_timeout(fault: Fault) -> bool {
    matches!(fault, Fault::Hang | Fault::StallInHeaders | Fault::SlowLoris)
}

/// What may come of asking for a place, with the round's retries.
pub fn seen(world: &World, access: Access, with_body: bool) -> Vec<Seen> {
    let outlasts = |times, fault| match world.retries {
        Retries::Times(retries) => times <= retries as usize,
        // What takes a whole timeout takes most of the time.
        Retries::For(_) => times <= 1 || !takes_a_timeout(fault),
    };
    let error = |fault| Seen::ProbeError(reasons_of(fault));
    let broken = Seen::ProbeError(BROKEN);
    let mut seen = match access {
        Access::Normal | Access::Slow(_) | Access::Paced(..) | Access::Redirected(..) => vec![Seen::Content],
        Access::Missing(_) | Access::RedirectedToNothing(_) => vec![Seen::Missing],
        Access::Archived(Archive::Restored | Archive::Instant) => vec![Seen::Content],
        // Nobody knows before the bytes are asked for.
        Access::Archived(Archive::Silent) if !with_body => vec![Seen::Content],
        Access::Archived(_) => vec![Seen::Missing],
        Access::Firewall(_) => vec![Seen::ProbeError(&["server-error"])],
        Access::Odd(_) => vec![Seen::Odd],
        Access::Always(fault) => vec![error(fault)],
        Access::Recovering(times, fault) if outlasts(times, fault) => vec![Seen::Content],
        Access::Flapping(fault) if outlasts(1, fault) => vec![Seen::Content],
        // An answer is an answer: it uses up an attempt.
        Access::Recovering(_, fault @ (Fault::Status(_) | Fault::Busy(_)))
        | Access::Flapping(fault @ (Fault::Status(_) | Fault::Busy(_))) => vec![error(fault)],
        // Chance; and a request that got lost on an old connection may be sent again without being counted.
        Access::Recovering(_, fault) | Access::Flapping(fault) | Access::Lossy(_, _, fault) => {
            vec![Seen::Content, error(fault)]
        }
        Access::CutOnce(_) if world.retries == Retries::Times(0) => vec![broken],
        Access::CutOnce(_) => vec![Seen::Content],
        // What was cut off is not what is there.
        Access::Cut(..) if with_body => vec![broken],
        Access::Cut(..) => vec![Seen::Content],
        // Less than any server sends that was not told to.
        Access::HugeHeader(..=9_000) => vec![Seen::Content],
        // How large is too large is for the gate to say, as for any client of HTTP (RFC 9110, section 5.4).
        Access::HugeHeader(_) => vec![Seen::Content, broken],
        Access::Misled(_, _, Astray::NoLocation) => vec![Seen::Odd],
        Access::Misled(_, _, Astray::NoUrl | Astray::Loop | Astray::TooMany) => {
            vec![Seen::Refused, Seen::Odd]
        }
        // From http there is no lower.
        Access::Misled(_, _, Astray::Downgrade) if world.wire == Wire::Plain => vec![Seen::Content],
        Access::Misled(..) => vec![Seen::Refused],
    };
    let fails = seen.iter().any(|seen| matches!(seen, Seen::ProbeError(_)));
    // It waits for another attempt while something else uses up the time of their host.
    let waits = match access {
        Access::Recovering(..) | Access::CutOnce(_) => world.lasting_faults() > 0,
        // It is one of them itself.
        Access::Flapping(_) => world.lasting_faults() > 1,
        _ => false,
    };
    if (fails || waits) && matches!(world.retries, Retries::For(_)) {
        // Once the time of a host is over, the last failure of any request to it is why.
        seen.push(Seen::ProbeError(ANY));
    }
    if world.suffers_together() {
        // A connection that breaks takes along what others ask on it; that uses up an attempt, and the next one
        // may meet a fault again.
        seen.push(broken);
        if let Access::Recovering(_, fault) | Access::Flapping(fault) = access {
            seen.push(error(fault));
        }
    }
    seen
}

/// What may come of asking for a file, with HEAD, and with a GET of a part where that takes one.
pub fn of_file(world: &World, artifact: &Artifact) -> Vec<Seen> {
    let mut all = seen(world, artifact.access, false);
    if artifact.quirk == Quirk::HeadRefused(400) {
        // Not "no HEAD", as 405 and 501 are: whatever is wrong with the request may be wrong with any.
        all.iter_mut().filter(|seen| **seen == Seen::Content).for_each(|seen| *seen = Seen::Odd);
    }
    let takes_a_part = !matches!(artifact.quirk, Quirk::None | Quirk::HeadLies | Quirk::Labelled);
    if takes_a_part && matches!(artifact.access, Access::Cut(..)) {
        // The connection may break while the headers are on their way.
        all.push(Seen::ProbeError(BROKEN));
    }
    all
}

/// What may come of reading a file that seemed to be there, to its end.
pub fn of_bytes(world: &World, artifact: &Artifact) -> Vec<Seen> {
    if matches!(artifact.quirk, Quirk::Endless | Quirk::Trickle) {
        let mut all = vec![Seen::ProbeError(BROKEN)];
        // What breaks off uses up an attempt, and the last one may meet the fault again.
        if let Access::Recovering(_, fault) | Access::Flapping(fault) | Access::Lossy(_, _, fault) =
            artifact.access
        {
            all.push(Seen::ProbeError(reasons_of(fault)));
        }
        return all;
    }
    let mut all = seen(world, artifact.access, true);
    if artifact.tagged && matches!(artifact.access, Access::Cut(1.., _)) {
        // What is cut off each time can be put together where it can be told that it is still the same file.
        // No rule says that a gate must.
        all.push(Seen::Content);
    }
    all.retain(|seen| matches!(seen, Seen::Content | Seen::Missing | Seen::ProbeError(_)));
    if !matches!(artifact.access, Access::Archived(_)) {
        all.retain(|seen| *seen != Seen::Missing);
    }
    all
}

/// What may come of asking for a sidecar.
pub fn of_sidecar(world: &World, sidecar: &Sidecar) -> Vec<Word> {
    let read: &[Word] = match sidecar.form {
        Form::Good | Form::Labelled => &[Word::Good],
        Form::JunkAround | Form::CutShort => &[Word::Doubtful],
        Form::Junk | Form::Html | Form::Empty | Form::Oversized | Form::Stale => &[Word::None],
        Form::Challenge => &[Word::Unknown(NO_ANSWER)],
        // Too large, if that shows before the time is over.
        Form::Endless => &[Word::None, Word::Unknown(BROKEN)],
    };
    if matches!(sidecar.access, Access::Archived(how) if !matches!(how, Archive::Restored | Archive::Instant))
    {
        // It is there, and might contradict.
        return vec![Word::Unknown(NO_ANSWER)];
    }
    let words = seen(world, sidecar.access, true).into_iter().flat_map(|seen| match seen {
        Seen::Content => read.to_vec(),
        Seen::Missing => vec![Word::None],
        Seen::ProbeError(reasons) => vec![Word::Unknown(reasons)],
        Seen::Refused | Seen::Odd => vec![Word::Unknown(NO_ANSWER)],
    });
    words.collect()
}
