//! The table that a reviewer can read: what each piece of evidence means.

use std::sync::Arc;

use super::reading::{leaves_inside_open, must_be_read, sizes, sizes_of_build};
use super::{Expectation, Finding, Reason, SizeSource, Strictness, Verdict, Verify};
use crate::probe::{
    Absence, ContentEvidence, DigestSource, Evidence, Observation, ProbeError, ProbeErrorKind,
    PublishedDigest, SignatureCheck, Uncompressed,
};
use crate::stream::Sha256;
use crate::text::bytes;

/// What is known of one artifact.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outcome {
    /// What keeps it from passing, the most telling first: what is known to be wrong before what could not be
    /// determined.
    pub findings: Vec<Finding>,
    /// What is not wrong but should be known, one sentence each.
    pub warnings: Vec<String>,
    /// The size that the file should have, in bytes, and who says so.
    pub expected_size: Option<(u64, SizeSource)>,
    /// The size that the server gave, in bytes.
    pub observed_size: Option<u64>,
    /// A digest that was found; where several were, one that disagrees.
    pub observed_sha256: Option<(Sha256, DigestSource)>,
    pub http_status: Option<u16>,
    /// The digest of the bytes once decompressed, where that was asked for and possible.
    pub observed_uncompressed_sha256: Option<Sha256>,
    /// What a key of the keyring signed, and which key: what the file, or its digest, is vouched for by.
    pub signed: Vec<(&'static str, String)>,
    /// Whether only an account could see it, which is so of some cloud references.
    pub needs_account: bool,
    pub attempts: u32,
    /// The host that answered, at the end of all redirects.
    pub answered_by: Option<Arc<str>>,
}

impl Outcome {
    /// The verdict: nothing found is a pass.
    pub fn verdict(&self) -> Verdict {
        self.findings.first().map_or(Verdict::Pass, Finding::verdict)
    }

    pub fn reason(&self) -> Option<Reason> {
        self.findings.first().map(Finding::reason)
    }

    pub fn message(&self) -> String {
        if self.findings.is_empty() {
            return self.pass_message();
        }
        let said: Vec<String> = self.findings.iter().map(ToString::to_string).collect();
        said.join("; ")
    }

    fn pass_message(&self) -> String {
        let size = match (self.observed_size, self.expected_size) {
            (Some(size), Some((_, from))) => format!("{} as {from} says", bytes(size)),
            (Some(size), None) => bytes(size),
            (None, _) => "of unknown size".to_owned(),
        };
        let mut pass_message = match self.observed_sha256 {
            Some((_, from)) => format!("present, {size}, sha256 matches (from {})", from.as_str()),
            None => format!("present, {size}"),
        };
        for (what, key) in &self.signed {
            pass_message.push_str("; ");
            pass_message.push_str(what);
            pass_message.push_str(" is signed by ");
            pass_message.push_str(key);
        }
        pass_message
    }
}

pub fn judge(expected: &Expectation, evidence: &Evidence) -> Outcome {
    let mut judge = Judge {
        expected,
        evidence,
        outcome: Outcome {
            warnings: evidence.remarks.clone(),
            expected_size: expected_size(expected, evidence),
            attempts: evidence.attempts,
            answered_by: evidence.answered_by.clone(),
            ..Outcome::default()
        },
    };
    judge.metadata();
    judge.derivation();
    judge.published_digests();
    judge.signed_sums();
    if let Some(error) = &evidence.cut_short {
        judge.find(Finding::Undetermined { about: None, error: error.clone() });
    }
    match &evidence.file {
        Observation::Refused(refusal) => judge.find(Finding::Refused(refusal.clone())),
        &Observation::Absent { status, how } => {
            judge.outcome.http_status = Some(status);
            judge.find(Finding::Missing { status, how });
        }
        Observation::Undetermined(error) => {
            judge.outcome.http_status = error.status;
            judge.find(Finding::Undetermined { about: None, error: error.clone() });
            // A signature that is known to be missing stays so, whatever becomes of its file.
            if !matches!(evidence.signature, Some(Observation::Undetermined(_))) {
                judge.signature();
            }
        }
        &Observation::Present { status, size } => {
            judge.outcome.http_status = Some(status);
            match &evidence.content {
                Some(Ok(content)) => judge.content(content, size),
                Some(Err(error)) => judge.unread_content(error, size),
                // What is not known yet is no fault of the file.
                None if evidence.cut_short.is_some() => judge.told_size(size),
                None => {
                    judge.size(size);
                    judge.proof();
                }
            }
            judge.signature();
            judge.signature_check();
        }
    }
    let mut outcome = judge.outcome;
    outcome.findings.sort_by_key(|finding| (std::cmp::Reverse(finding.verdict()), finding.reason()));
    outcome
}

/// The size that the file should have: what was known before, else `meta.json`'s, else the bridge's.
fn expected_size(expected: &Expectation, evidence: &Evidence) -> Option<(u64, SizeSource)> {
    let bridge = evidence.bridge_size.map(|size| (size, SizeSource::Bridge));
    sizes(expected, evidence).chain(bridge).next()
}

/// Whether what could not be read is a signature.
fn is_signature(name: &str) -> bool {
    matches!(name, "signature" | "sha256sum.txt.gpg")
}

struct Judge<'a> {
    expected: &'a Expectation,
    evidence: &'a Evidence,
    outcome: Outcome,
}

impl Judge<'_> {
    fn find(&mut self, finding: Finding) {
        if !self.outcome.findings.contains(&finding) {
            self.outcome.findings.push(finding);
        }
    }

    /// The size that the file should have once decompressed, and who says so.
    fn expected_uncompressed_size(&self) -> Option<(u64, SizeSource)> {
        let of_build = sizes_of_build(self.evidence, |file| file.uncompressed_size);
        self.expected.uncompressed_sizes().chain(of_build).next()
    }

    /// Build metadata that disagrees with the document is wrong whether or not the file is there.
    fn metadata(&mut self) {
        let Expectation { sha256, uncompressed_sha256, .. } = *self.expected;
        for file in self.expected.legacy.iter().chain(&self.evidence.meta_json) {
            let pairs = [
                ("sha256", Some(sha256), file.sha256),
                ("uncompressed-sha256", uncompressed_sha256, file.uncompressed_sha256),
            ];
            for (what, expected, observed) in pairs {
                if let (Some(expected), Some(observed)) = (expected, observed)
                    && expected != observed
                {
                    let said_by = file.said_by.to_string();
                    self.find(Finding::Metadata { said_by, what, expected, observed });
                }
            }
            let sizes = [
                ("a size of", self.outcome.expected_size, file.size),
                ("an uncompressed size of", self.expected_uncompressed_size(), file.uncompressed_size),
            ];
            for (what, expected, observed) in sizes {
                if let (Some((expected, from)), Some(observed)) = (expected, observed)
                    && expected != observed
                {
                    let said_by = crate::text::Printable(&file.said_by);
                    let (observed, expected) = (bytes(observed), bytes(expected));
                    self.outcome
                        .warnings
                        .push(format!("{said_by} says {what} {observed}, {from} says {expected}"));
                }
            }
        }
    }

    /// What the document says of the build, against what the build says of itself.
    fn derivation(&mut self) {
        let (Some(claim), Some(build)) = (&self.expected.claim, &self.evidence.build) else { return };
        let differences = build.compare(claim);
        for contradiction in differences.contradictions {
            self.find(Finding::Build(contradiction));
        }
        self.outcome.warnings.extend(differences.omissions);
    }

    /// Any published digest that disagrees is wrong, however many agree.
    fn published_digests(&mut self) {
        let expected = self.expected.sha256;
        for digest in &self.evidence.published {
            let disagrees = digest.sha256 != expected;
            if !disagrees && !digest.can_prove {
                continue;
            }
            let shown = self.outcome.observed_sha256.get_or_insert((digest.sha256, digest.source));
            if disagrees {
                *shown = (digest.sha256, digest.source);
            }
            // What `meta.json` says was judged with the other metadata.
            if disagrees && digest.source != DigestSource::MetaJson {
                self.find(Finding::Sha256 { expected, observed: digest.sha256, from: digest.source });
            }
        }
    }

    /// The bytes themselves, which outweigh whatever anybody says of them.
    fn content(&mut self, content: &ContentEvidence, told: Option<u64>) {
        let expected = self.expected.sha256;
        let (observed, from) = (content.sha256, DigestSource::Content);
        if observed != expected {
            self.outcome.observed_sha256 = Some((observed, from));
            self.find(Finding::Sha256 { expected, observed, from });
        } else if self.outcome.observed_sha256.is_none_or(|(published, _)| published == expected) {
            self.outcome.observed_sha256 = Some((observed, from));
        }
        self.size(Some(content.bytes));
        if let Some(told) = told.filter(|&told| told != content.bytes) {
            let (told, counted) = (bytes(told), bytes(content.bytes));
            self.outcome.warnings.push(format!("the server reported {told} and served {counted}"));
        }
        self.uncompressed(content.uncompressed.as_ref(), observed);
        // What a sidecar would have said matters less than what the bytes did say. A signature vouches for what
        // the bytes cannot: whose they are.
        for unread in &self.evidence.unread {
            if is_signature(unread.sidecar) {
                let (about, error) = (Some(unread.sidecar), unread.error.clone());
                self.find(Finding::Undetermined { about, error });
                continue;
            }
            let warning = format!("{} could not be read: {}", unread.sidecar, unread.error.detail);
            self.outcome.warnings.push(warning);
        }
    }

    /// What is inside, where the document says what should be.
    fn uncompressed(&mut self, observed: Option<&Uncompressed>, content: Sha256) {
        let Expectation { uncompressed_sha256, uncompressed_size, .. } = *self.expected;
        match observed {
            Some(&Uncompressed::Whole { bytes, sha256 }) => {
                self.outcome.observed_uncompressed_sha256 = Some(sha256);
                if let Some(expected) = uncompressed_sha256.filter(|&expected| expected != sha256) {
                    self.find(Finding::UncompressedSha256 { expected, observed: sha256 });
                }
                if let Some((expected, expected_from)) = self.expected_uncompressed_size()
                    && expected != bytes
                {
                    self.find(Finding::UncompressedSize { expected, expected_from, observed: bytes });
                }
            }
            Some(Uncompressed::Unusable(why)) => self.find(Finding::NotDecompressed(why.clone())),
            // What is not compressed at all is its own decompressed form.
            Some(Uncompressed::NotOpened(_)) if uncompressed_sha256 == Some(content) => {}
            Some(Uncompressed::NotOpened(why)) if leaves_inside_open(self.expected, self.evidence) => {
                self.inside_not_verified(why);
            }
            Some(Uncompressed::NotOpened(_)) => {}
            None if uncompressed_sha256.is_some() || uncompressed_size.is_some() => {
                self.find(Finding::NotRead);
            }
            None => {}
        }
    }

    /// The bytes were asked for and did not come to their end. What the server told of them before may be wrong
    /// enough.
    fn unread_content(&mut self, error: &ProbeError, told: Option<u64>) {
        self.outcome.http_status = error.status.or(self.outcome.http_status);
        self.told_size(told);
        self.find(Finding::Undetermined { about: None, error: error.clone() });
    }

    /// The size, if the server told it; if not, that matters less than what keeps the file from being known.
    fn told_size(&mut self, told: Option<u64>) {
        if told.is_some() {
            self.size(told);
        }
    }

    fn size(&mut self, observed: Option<u64>) {
        self.outcome.observed_size = observed;
        match (self.outcome.expected_size, observed) {
            (Some((expected, expected_from)), Some(observed)) if observed != expected => {
                self.find(Finding::Size { expected, expected_from, observed });
            }
            (Some((expected, expected_from)), None) => self.find(Finding::NoSize { expected, expected_from }),
            (None, None) => self.outcome.warnings.push("the server does not report its size".to_owned()),
            _ => {}
        }
    }

    /// A file that is there: is there proof enough that it is the right one?
    fn proof(&mut self) {
        let wants_digest = self.expected.verify != Verify::Exists;
        // A sidecar that could not be read might disagree, or hold the size. Its absence would be an answer;
        // its trouble is none.
        let matters = wants_digest || self.outcome.expected_size.is_none();
        for unread in self.evidence.unread.iter().filter(|it| matters || is_signature(it.sidecar)) {
            self.find(Finding::Undetermined { about: Some(unread.sidecar), error: unread.error.clone() });
        }
        match self.expected.verify {
            Verify::Published | Verify::Auto if !self.evidence.has_published_proof() => {
                self.find(Finding::NoDigest);
            }
            Verify::Exists => {}
            Verify::Published if leaves_inside_open(self.expected, self.evidence) => {
                self.inside_not_verified(
                    "nothing published beside the file confirms it, and the content was not read",
                );
            }
            _ if must_be_read(self.expected, self.evidence) => self.find(Finding::NotRead),
            Verify::Published | Verify::Auto | Verify::Content => {}
        }
    }

    /// The installer checks this digest, and nobody did before it.
    fn inside_not_verified(&mut self, why: &str) {
        self.outcome.warnings.push(format!("uncompressed-sha256 not verified: {why}"));
    }

    /// What the keyring says of the signature over the bytes.
    fn signature_check(&mut self) {
        match &self.evidence.signature_check {
            Some(SignatureCheck::Good { key }) => self.outcome.signed.push(("the file", key.clone())),
            Some(SignatureCheck::Bad(why)) => {
                self.find(Finding::BadSignature { of: "its signature", why: why.clone() });
            }
            Some(SignatureCheck::NotMade) => {
                if self.expected.signatures == Strictness::Require && !self.is_vouched_for_by_sums() {
                    self.find(Finding::SignatureNotChecked);
                } else {
                    self.outcome.warnings.push(Finding::SignatureNotChecked.to_string());
                }
            }
            // Its absence was judged where it was looked for.
            Some(SignatureCheck::Absent) | None => {}
        }
    }

    /// Whether a signed `sha256sum.txt` has the file's digest.
    fn is_vouched_for_by_sums(&self) -> bool {
        let expected = self.expected.sha256;
        let agrees = |digest: &PublishedDigest| {
            digest.source == DigestSource::Sha256sumTxt && digest.can_prove && digest.sha256 == expected
        };
        let is_signed = matches!(self.evidence.sums_check, Some(SignatureCheck::Good { .. }));
        is_signed && self.evidence.published.iter().any(agrees)
    }

    /// What the keyring says of `sha256sum.txt`.
    fn signed_sums(&mut self) {
        const OF: &str = "sha256sum.txt.gpg";
        match (&self.evidence.sums_check, self.expected.signatures) {
            (Some(SignatureCheck::Good { key }), _) => {
                self.outcome.signed.push(("sha256sum.txt", key.clone()));
            }
            (Some(SignatureCheck::Bad(why)), _) => {
                self.find(Finding::BadSignature { of: OF, why: why.clone() });
            }
            (Some(SignatureCheck::Absent), Strictness::Require) => {
                self.find(Finding::Signature(format!("{OF} is missing")));
            }
            (Some(SignatureCheck::Absent), Strictness::Warn) => {
                self.outcome.warnings.push(format!("sha256sum.txt is not signed: {OF} is missing"));
            }
            (Some(SignatureCheck::Absent), Strictness::Ignore)
            | (Some(SignatureCheck::NotMade) | None, _) => {}
        }
    }

    /// That nobody asked is no answer: it does not pass by that alone.
    fn unasked_signature(&mut self) {
        if self.expected.signatures == Strictness::Require && self.outcome.findings.is_empty() {
            let detail = "it was not requested".to_owned();
            let error = ProbeError { kind: ProbeErrorKind::Deadline, status: None, detail };
            self.find(Finding::Undetermined { about: Some("signature"), error });
        }
    }

    fn signature(&mut self) {
        let why = match &self.evidence.signature {
            Some(Observation::Present { .. }) => return,
            Some(Observation::Absent { how: Absence::Archived, .. }) => "it is archived".to_owned(),
            Some(Observation::Absent { status, .. }) => format!("the server answered {status}"),
            Some(Observation::Refused(refusal)) => refusal.to_string(),
            Some(Observation::Undetermined(error)) if self.expected.signatures == Strictness::Require => {
                let error = error.clone();
                return self.find(Finding::Undetermined { about: Some("signature"), error });
            }
            Some(Observation::Undetermined(error)) => error.detail.clone(),
            None if self.expected.names_signature => return self.unasked_signature(),
            None => "the document names none".to_owned(),
        };
        match self.expected.signatures {
            Strictness::Ignore => {}
            Strictness::Warn if self.evidence.signature.is_some() => {
                self.outcome.warnings.push(format!("the signature is missing: {why}"));
            }
            Strictness::Warn => {}
            Strictness::Require => self.find(Finding::Signature(why)),
        }
    }
}
