//! All possible results of the requests for one artifact, depending on how its server answers.

use crate::world::{Access, Archive, Artifact, BadTarget, Fault, Form, Quirk, Retries, Sidecar, Wire, World};

/// The reasons that a report may give for a failed request.
pub type Reasons = &'static [&'static str];

const NO_ANSWER: Reasons = &["unreachable", "server-error"];
const BROKEN: Reasons = &["unreachable", "server-error", "timeout"];
const ANY: Reasons = &["unreachable", "server-error", "timeout", "rate-limited"];

/// The result of requesting a URL, after retries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    Content,
    Missing,
    /// No usable response, for one of these reasons.
    ProbeError(Reasons),
    /// A redirect that is not followed.
    Refused,
    /// A response that shows neither that the file exists nor that it is missing.
    Odd,
}

/// The result of requesting and parsing a sidecar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SidecarResult {
    /// Complete and well-formed: everything in it counts.
    Good,
    /// Malformed in places: it can contradict a file, but not prove one.
    Doubtful,
    /// Missing, not a sidecar, or without entries for the files.
    None,
    /// Unavailable, so neither its existence nor its content is known.
    Unknown(Reasons),
}

fn reasons_of(fault: Fault) -> Reasons {
    match fault {
        Fault::Status(429) | Fault::Busy(429) => &["rate-limited"],
        Fault::Status(408 | 425 | 504) => &["server-error", "timeout", "rate-limited"],
        Fault::Status(_) | Fault::Busy(_) => &["server-error"],
        Fault::Reset | Fault::Close | Fault::Garbage | Fault::EndlessHeaders => NO_ANSWER,
        // On HTTP/2, all of these send nothing.
        Fault::Hang | Fault::StallInHeaders | Fault::SlowLoris => &["timeout"],
    }
}

pub fn uses_up_a_timeout(fault: Fault) -> bool {
    matches!(fault, Fault::Hang | Fault::StallInHeaders | Fault::SlowLoris)
}

/// The possible results of requesting a URL with the world's retries.
pub fn seen(world: &World, access: Access, with_body: bool) -> Vec<Seen> {
    let outlasts = |times, fault| match world.retries {
        Retries::Times(retries) => times <= retries as usize,
        // A fault that takes a whole timeout uses up most of the retry time.
        Retries::For(_) => times <= 1 || !uses_up_a_timeout(fault),
    };
    let error = |fault| Seen::ProbeError(reasons_of(fault));
    let broken = Seen::ProbeError(BROKEN);
    let mut seen = match access {
        Access::Normal | Access::Slow(_) | Access::Paced(..) | Access::Redirected(..) => vec![Seen::Content],
        Access::Missing(_) | Access::RedirectedToNothing(_) => vec![Seen::Missing],
        Access::Archived(Archive::Restored | Archive::Instant) => vec![Seen::Content],
        // Only a download shows it.
        Access::Archived(Archive::Silent) if !with_body => vec![Seen::Content],
        Access::Archived(_) => vec![Seen::Missing],
        Access::Firewall(_) => vec![Seen::ProbeError(&["server-error"])],
        Access::Odd(_) => vec![Seen::Odd],
        Access::Always(fault) => vec![error(fault)],
        Access::Recovering(times, fault) if outlasts(times, fault) => vec![Seen::Content],
        Access::Flapping(fault) if outlasts(1, fault) => vec![Seen::Content],
        // A response always uses up an attempt.
        Access::Recovering(_, fault @ (Fault::Status(_) | Fault::Busy(_)))
        | Access::Flapping(fault @ (Fault::Status(_) | Fault::Busy(_))) => vec![error(fault)],
        // Lossy is random, and a request that fails on a reused connection can be repeated without being counted.
        Access::Recovering(_, fault) | Access::Flapping(fault) | Access::Lossy(_, _, fault) => {
            vec![Seen::Content, error(fault)]
        }
        Access::CutOnce(_) if world.retries == Retries::Times(0) => vec![broken],
        Access::CutOnce(_) => vec![Seen::Content],
        // A truncated body is not the content.
        Access::Cut(..) if with_body => vec![broken],
        Access::Cut(..) => vec![Seen::Content],
        // Headers of a realistic size must be accepted.
        Access::HugeHeader(..=9_000) => vec![Seen::Content],
        // The limit for larger ones is the client's choice (RFC 9110, section 5.4).
        Access::HugeHeader(_) => vec![Seen::Content, broken],
        Access::BadlyRedirected(_, _, BadTarget::NoLocation) => vec![Seen::Odd],
        Access::BadlyRedirected(_, _, BadTarget::NoUrl | BadTarget::Loop | BadTarget::TooMany) => {
            vec![Seen::Refused, Seen::Odd]
        }
        // A downgrade is not possible from http.
        Access::BadlyRedirected(_, _, BadTarget::Downgrade) if world.wire == Wire::Plain => {
            vec![Seen::Content]
        }
        Access::BadlyRedirected(..) => vec![Seen::Refused],
    };
    let fails = seen.iter().any(|seen| matches!(seen, Seen::ProbeError(_)));
    // Before its next attempt, other requests can use up the retry time of the host.
    let waits = match access {
        Access::Recovering(..) | Access::CutOnce(_) => world.lasting_faults() > 0,
        // It is itself one of the lasting faults.
        Access::Flapping(_) => world.lasting_faults() > 1,
        _ => false,
    };
    if (fails || waits) && matches!(world.retries, Retries::For(_)) {
        // After the retry time of a host, the reason is the last failure of any request to it.
        seen.push(Seen::ProbeError(ANY));
    }
    if world.shares_faults() {
        // When a connection breaks, other requests on it fail too. That uses up an attempt, and the next one can meet
        // this access's own fault.
        seen.push(broken);
        if let Access::Recovering(_, fault) | Access::Flapping(fault) = access {
            seen.push(error(fault));
        }
    }
    seen
}

/// The possible results of requesting a file with HEAD and, if needed, a range request.
pub fn of_file(world: &World, artifact: &Artifact) -> Vec<Seen> {
    let mut all = seen(world, artifact.access, false);
    if artifact.quirk == Quirk::HeadRefused(400) {
        // Unlike 405 and 501, 400 does not mean that only HEAD is unsupported: any request could be refused.
        all.iter_mut().filter(|seen| **seen == Seen::Content).for_each(|seen| *seen = Seen::Odd);
    }
    let needs_range = !matches!(artifact.quirk, Quirk::None | Quirk::HeadLies | Quirk::Labelled);
    if needs_range && matches!(artifact.access, Access::Cut(..)) {
        // The connection can break before the headers have arrived.
        all.push(Seen::ProbeError(BROKEN));
    }
    all
}

/// The possible results of downloading a file that HEAD or a range request found.
pub fn of_bytes(world: &World, artifact: &Artifact) -> Vec<Seen> {
    if matches!(artifact.quirk, Quirk::Endless | Quirk::Trickle) {
        let mut all = vec![Seen::ProbeError(BROKEN)];
        // A broken download uses up an attempt, and the last one can meet the fault again.
        if let Access::Recovering(_, fault) | Access::Flapping(fault) | Access::Lossy(_, _, fault) =
            artifact.access
        {
            all.push(Seen::ProbeError(reasons_of(fault)));
        }
        return all;
    }
    let mut all = seen(world, artifact.access, true);
    if artifact.tagged && matches!(artifact.access, Access::Cut(1.., _)) {
        // The gate may, but need not, resume a download that breaks each time if an entity tag shows that the file has
        // not changed.
        all.push(Seen::Content);
    }
    all.retain(|seen| matches!(seen, Seen::Content | Seen::Missing | Seen::ProbeError(_)));
    if !matches!(artifact.access, Access::Archived(_)) {
        all.retain(|seen| *seen != Seen::Missing);
    }
    all
}

/// The possible results of requesting a sidecar.
pub fn of_sidecar(world: &World, sidecar: &Sidecar) -> Vec<SidecarResult> {
    let read: &[SidecarResult] = match sidecar.form {
        Form::Good | Form::Labelled => &[SidecarResult::Good],
        Form::JunkAround | Form::CutShort => &[SidecarResult::Doubtful],
        Form::Junk | Form::Html | Form::Empty | Form::Oversized | Form::Stale => &[SidecarResult::None],
        Form::Challenge => &[SidecarResult::Unknown(NO_ANSWER)],
        // Either too large or a timeout, whichever comes first.
        Form::Endless => &[SidecarResult::None, SidecarResult::Unknown(BROKEN)],
    };
    if matches!(sidecar.access, Access::Archived(how) if !matches!(how, Archive::Restored | Archive::Instant))
    {
        // It exists, and could contradict.
        return vec![SidecarResult::Unknown(NO_ANSWER)];
    }
    let results = seen(world, sidecar.access, true).into_iter().flat_map(|seen| match seen {
        Seen::Content => read.to_vec(),
        Seen::Missing => vec![SidecarResult::None],
        Seen::ProbeError(reasons) => vec![SidecarResult::Unknown(reasons)],
        Seen::Refused | Seen::Odd => vec![SidecarResult::Unknown(NO_ANSWER)],
    });
    results.collect()
}
