//! The judge's rules: what each piece of evidence means for the verdict.

use std::sync::Arc;

use super::finding::source_text;
use super::reading::{inside_unconfirmed, must_be_read, sizes, sizes_of_build};
use super::{Expectation, Finding, Reason, SizeSource, Strictness, Verdict, Verify};
use crate::probe::{
    Absence, ContentEvidence, DigestSource, Evidence, Observation, ProbeError, ProbeErrorKind,
    PublishedDigest, SignatureCheck, Uncompressed,
};
use crate::stream::Sha256;
use crate::text::bytes;

/// The result of judging one artifact.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outcome {
    /// What keeps it from passing, failures before what could not be determined.
    pub findings: Vec<Finding>,
    /// Facts worth knowing that are not failures, one sentence each.
    pub warnings: Vec<String>,
    /// The expected size in bytes, and its source.
    pub expected_size: Option<(u64, SizeSource)>,
    /// The size that the server reported or served, in bytes.
    pub observed_size: Option<u64>,
    /// The digest found and its source; if sources disagree, one that differs from the document's.
    pub observed_sha256: Option<(Sha256, DigestSource)>,
    pub http_status: Option<u16>,
    /// The digest of the decompressed bytes, if they were read and could be decompressed.
    pub observed_uncompressed_sha256: Option<Sha256>,
    /// What was signed (the file, or `sha256sum.txt`), and by which key of the keyring.
    pub signed: Vec<(&'static str, String)>,
    /// Whether a cloud reference can only be verified with an account.
    pub needs_account: bool,
    pub attempts: u32,
    /// The host that answered, after all redirects.
    pub answered_by: Option<Arc<str>>,
}

impl Outcome {
    /// [`Verdict::Pass`] without findings, else the verdict of the most important one.
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
        let messages: Vec<String> = self.findings.iter().map(ToString::to_string).collect();
        messages.join("; ")
    }

    fn pass_message(&self) -> String {
        let size = match (self.observed_size, self.expected_size) {
            (Some(size), Some((_, from))) => format!("{} as {from} says", bytes(size)),
            (Some(size), None) => bytes(size),
            (None, _) => "of unknown size".to_owned(),
        };
        let mut pass_message = match self.observed_sha256 {
            Some((_, from)) => format!("present, {size}, sha256 matches (from {})", source_text(from)),
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
    judge.build_claims();
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
            // A signature that is known to be missing is a failure even if its file is undetermined.
            if !matches!(evidence.signature, Some(Observation::Undetermined(_))) {
                judge.signature();
            }
        }
        &Observation::Present { status, size } => {
            judge.outcome.http_status = Some(status);
            match &evidence.content {
                Some(Ok(content)) => judge.content(content, size),
                Some(Err(error)) => judge.unread_content(error, size),
                // The run ended before the size was reported: not a fault of the file.
                None if evidence.cut_short.is_some() => judge.reported_size(size),
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

/// The expected size: the document's or legacy metadata's, else `meta.json`'s, else the bridge's.
fn expected_size(expected: &Expectation, evidence: &Evidence) -> Option<(u64, SizeSource)> {
    let bridge = evidence.bridge_size.map(|size| (size, SizeSource::Bridge));
    sizes(expected, evidence).chain(bridge).next()
}

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

    /// The expected size of the decompressed file in bytes, and its source.
    fn expected_uncompressed_size(&self) -> Option<(u64, SizeSource)> {
        let of_build = sizes_of_build(self.evidence, |file| file.uncompressed_size);
        self.expected.uncompressed_sizes().chain(of_build).next()
    }

    /// Compares build metadata with the document, whether or not the file is present.
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

    /// Compares the document's claims about the build with the build's own `meta.json`.
    fn build_claims(&mut self) {
        let (Some(claim), Some(build)) = (&self.expected.claim, &self.evidence.build) else { return };
        let differences = build.compare(claim);
        for contradiction in differences.contradictions {
            self.find(Finding::Build(contradiction));
        }
        self.outcome.warnings.extend(differences.omissions);
    }

    /// One published digest that disagrees is a failure, however many agree.
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
            // `metadata` has already judged the digests of `meta.json`.
            if disagrees && digest.source != DigestSource::MetaJson {
                self.find(Finding::Sha256 { expected, observed: digest.sha256, from: digest.source });
            }
        }
    }

    /// Judges the bytes that were read; their count is used instead of the reported size.
    fn content(&mut self, content: &ContentEvidence, reported: Option<u64>) {
        let expected = self.expected.sha256;
        let (observed, from) = (content.sha256, DigestSource::Content);
        if observed != expected {
            self.outcome.observed_sha256 = Some((observed, from));
            self.find(Finding::Sha256 { expected, observed, from });
        } else if self.outcome.observed_sha256.is_none_or(|(published, _)| published == expected) {
            self.outcome.observed_sha256 = Some((observed, from));
        }
        self.size(Some(content.bytes));
        if let Some(reported) = reported.filter(|&reported| reported != content.bytes) {
            let (reported, counted) = (bytes(reported), bytes(content.bytes));
            self.outcome.warnings.push(format!("the server reported {reported} and served {counted}"));
        }
        self.uncompressed(content.uncompressed.as_ref(), observed);
        // The bytes prove more than a sidecar, so an unreadable sidecar is only a warning. An unreadable
        // signature is undetermined: only it proves who published the bytes.
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

    /// Judges the decompressed content against the document.
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
            // A file that is not compressed is its own decompressed form.
            Some(Uncompressed::NotOpened(_)) if uncompressed_sha256 == Some(content) => {}
            Some(Uncompressed::NotOpened(why)) if inside_unconfirmed(self.expected, self.evidence) => {
                self.uncompressed_not_verified(why);
            }
            Some(Uncompressed::NotOpened(_)) => {}
            None if uncompressed_sha256.is_some() || uncompressed_size.is_some() => {
                self.find(Finding::NotRead);
            }
            None => {}
        }
    }

    /// The download failed. The size that the server reported before may still prove the file wrong.
    fn unread_content(&mut self, error: &ProbeError, reported: Option<u64>) {
        self.outcome.http_status = error.status.or(self.outcome.http_status);
        self.reported_size(reported);
        self.find(Finding::Undetermined { about: None, error: error.clone() });
    }

    /// Judges the reported size if there is one. A missing size is less important than why the check ended.
    fn reported_size(&mut self, reported: Option<u64>) {
        if reported.is_some() {
            self.size(reported);
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

    /// Decides whether the published evidence proves that a present file is the right one.
    fn proof(&mut self) {
        let wants_digest = self.expected.verify != Verify::Exists;
        // A sidecar that could not be read may disagree or hold the size, so the result is undetermined.
        // A missing one would be an answer.
        let matters = wants_digest || self.outcome.expected_size.is_none();
        for unread in self.evidence.unread.iter().filter(|it| matters || is_signature(it.sidecar)) {
            self.find(Finding::Undetermined { about: Some(unread.sidecar), error: unread.error.clone() });
        }
        match self.expected.verify {
            Verify::Published | Verify::Auto if !self.evidence.has_published_proof() => {
                self.find(Finding::NoDigest);
            }
            Verify::Exists => {}
            Verify::Published if inside_unconfirmed(self.expected, self.evidence) => {
                self.uncompressed_not_verified(
                    "nothing published beside the file confirms it, and the content was not read",
                );
            }
            _ if must_be_read(self.expected, self.evidence) => self.find(Finding::NotRead),
            Verify::Published | Verify::Auto | Verify::Content => {}
        }
    }

    /// Warns because the installer checks this digest, and this run did not.
    fn uncompressed_not_verified(&mut self, why: &str) {
        self.outcome.warnings.push(format!("uncompressed-sha256 not verified: {why}"));
    }

    /// Judges the check of the detached signature over the file's bytes.
    fn signature_check(&mut self) {
        match &self.evidence.signature_check {
            Some(SignatureCheck::Good { key }) => self.outcome.signed.push(("the file", key.clone())),
            Some(SignatureCheck::Bad(why)) => {
                self.find(Finding::BadSignature { of: "its signature", why: why.clone() });
            }
            Some(SignatureCheck::NotMade) => {
                if self.expected.signatures == Strictness::Require && !self.is_in_signed_sums() {
                    self.find(Finding::SignatureNotChecked);
                } else {
                    self.outcome.warnings.push(Finding::SignatureNotChecked.to_string());
                }
            }
            // `signature` judges a missing one.
            Some(SignatureCheck::Absent) | None => {}
        }
    }

    /// Whether a `sha256sum.txt` with a good signature has the file's digest.
    fn is_in_signed_sums(&self) -> bool {
        let expected = self.expected.sha256;
        let agrees = |digest: &PublishedDigest| {
            digest.source == DigestSource::Sha256sumTxt && digest.can_prove && digest.sha256 == expected
        };
        let is_signed = matches!(self.evidence.sums_check, Some(SignatureCheck::Good { .. }));
        is_signed && self.evidence.published.iter().any(agrees)
    }

    /// Judges the check of the signature over `sha256sum.txt`.
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

    /// A required signature that was never requested is undetermined, not a pass.
    fn unrequested_signature(&mut self) {
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
            None if self.expected.names_signature => return self.unrequested_signature(),
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
