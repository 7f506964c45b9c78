//! What a reason means, and what to do about it: that depends on where the file was looked for and on whose host
//! that is.

use std::collections::HashMap;
use std::sync::Arc;

use crate::location::{ArtifactUrl, Target as Place, resolve};
use crate::report::RunContext;
use crate::report::model::{ArtifactReport, Report, TargetKind};
use crate::verdict::Reason;

/// What a reason means, for a heading.
pub(super) const fn title(reason: Option<Reason>) -> &'static str {
    match reason {
        Some(Reason::BadLocation) => "the location is not a usable URL",
        Some(Reason::NotPublished) => "the location is not a published place",
        Some(Reason::HostNotAllowed) => "the location's host may not be requested",
        Some(Reason::RedirectNotAllowed) => "the server redirects to a place that may not be requested",
        Some(Reason::AddressNotAllowed) => "the host has an address that may not be requested",
        Some(Reason::Missing) => "the file is missing",
        Some(Reason::SizeMismatch) => "the file has the wrong size",
        Some(Reason::Sha256Mismatch) => "the file has the wrong sha256",
        Some(Reason::UncompressedSha256Mismatch) => "the file has the wrong sha256 once decompressed",
        Some(Reason::MetadataConflict) => "the build's metadata disagrees with the document",
        Some(Reason::BadSignature) => "the signature is missing or not good",
        Some(Reason::BadReference) => "a cloud reference names no image",
        Some(Reason::ImageMismatch) => "a cloud has another image than is meant",
        Some(Reason::Unreachable) => "the server could not be reached",
        Some(Reason::Timeout) => "the server took too long",
        Some(Reason::ServerError) => "the server gave no usable answer",
        Some(Reason::RateLimited) => "the server rate-limited the requests",
        Some(Reason::Deadline) => "the run ended before the answer came",
        Some(Reason::NoDigest) => "no sha256 is published and the content was not read",
        None => "no reason is known",
    }
}

/// Who fills a host, and so can mend what is wrong there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Owner<'a> {
    /// ART's sync job: `mirror.openshift.com`.
    SyncJob,
    /// The build pipeline, into its own bucket: `rhcos.mirror.openshift.com`.
    Pipeline,
    /// Fedora's pipeline.
    Fedora,
    /// A bridge server's owners.
    Bridge,
    /// The owners of any other mirror.
    Host(&'a str),
}

impl<'a> Owner<'a> {
    fn of(host: &'a str, target: TargetKind) -> Self {
        match (target, host) {
            (TargetKind::Bridge, _) => Self::Bridge,
            (_, "mirror.openshift.com") => Self::SyncJob,
            (_, "rhcos.mirror.openshift.com") => Self::Pipeline,
            (_, "builds.coreos.fedoraproject.org") => Self::Fedora,
            _ => Self::Host(host),
        }
    }

    /// Whom to ask.
    fn name(self) -> String {
        match self {
            Self::SyncJob => "ART".to_owned(),
            Self::Pipeline => "the owners of the RHEL CoreOS build pipeline".to_owned(),
            Self::Fedora => "the owners of the Fedora CoreOS build pipeline".to_owned(),
            Self::Bridge => "the bridge's owners".to_owned(),
            Self::Host("") => "the mirror's owners".to_owned(),
            Self::Host(host) => format!("the owners of {host}"),
        }
    }

    fn about_missing(self) -> String {
        let name = self.name();
        match self {
            Self::SyncJob => format!("ask {name} to mirror the file with its sync job"),
            // The sync job writes to another bucket.
            Self::Pipeline | Self::Fedora => format!(
                "ask {name}, which uploads to this host itself, whether the upload is still to come or the build \
                 was pruned"
            ),
            Self::Bridge | Self::Host(_) => format!("ask {name} to put the file there"),
        }
    }

    /// How it comes that a wrong file is replaced.
    fn about_wrong(self) -> String {
        let verb = match self {
            Self::SyncJob => "mirror",
            Self::Pipeline | Self::Fedora | Self::Bridge | Self::Host(_) => "upload",
        };
        format!(
            "find out which is right, the document or the file: regenerate the document, or ask {} to {verb} the \
             file again",
            self.name()
        )
    }
}

/// Says of every artifact that did not pass what to do about it.
///
/// `path` tells how a person names a document on the command line, if it is a file that `rewrite` can change.
pub fn advise(report: &mut Report, context: &RunContext, path: impl Fn(&str) -> Option<String>) {
    let target = report.target.kind;
    let mut paths: HashMap<Arc<str>, Option<String>> = HashMap::new();
    for artifact in &mut report.artifacts {
        if let Some(reason) = artifact.reason {
            let url = artifact.url_or_location();
            let url = ArtifactUrl::parse(url).ok();
            let owner = Owner::of(url.as_ref().map_or("", ArtifactUrl::host), target);
            let is_misplaced = reason == Reason::NotPublished
                || (reason == Reason::HostNotAllowed && target == TargetKind::Published);
            let text = if is_misplaced {
                let document = Arc::clone(&artifact.document);
                let path = paths.entry(document).or_insert_with(|| path(&artifact.document)).as_deref();
                let or = match reason {
                    Reason::HostNotAllowed => " For a private mirror, pass --allow-host instead.",
                    _ => "",
                };
                move_to_published(artifact, path) + or
            } else {
                advice(reason, target, owner, context.retest())
            };
            artifact.advice = Some(capitalized(&text));
        }
    }
}

fn advice(reason: Reason, target: TargetKind, owner: Owner<'_>, retest: Option<&str>) -> String {
    let again = retest.map_or_else(|| "check again".to_owned(), |retest| format!("comment {retest}"));
    let name = owner.name();
    match reason {
        Reason::BadLocation if target == TargetKind::Mirror => {
            "correct the location, or name the mirror's directory with --mirror-version.".to_owned()
        }
        Reason::BadLocation if target == TargetKind::Bridge => {
            "correct the location, or name the parent of the bridge's layouts (…/art/storage) as its prefix."
                .to_owned()
        }
        Reason::BadLocation => "write the location as a plain https URL on a published host.".to_owned(),
        Reason::NotPublished | Reason::HostNotAllowed => {
            "point the location at a published host; for a private mirror, pass --allow-host.".to_owned()
        }
        Reason::RedirectNotAllowed => format!("ask {name} where the redirect should lead."),
        Reason::AddressNotAllowed => {
            "if the host is a trusted one inside your network, pass --allow-private-addresses.".to_owned()
        }
        Reason::Missing => format!("{}, then {again}.", owner.about_missing()),
        Reason::SizeMismatch | Reason::Sha256Mismatch | Reason::UncompressedSha256Mismatch => {
            format!("{}.", owner.about_wrong())
        }
        Reason::MetadataConflict => {
            "find out which is right: regenerate the document from the build, or have the build's metadata \
             corrected."
                .to_owned()
        }
        Reason::BadSignature => format!(
            "ask {name} for a signature of this very file beside it, by a key of the keyring if there is one."
        ),
        Reason::BadReference => {
            "regenerate the document from the build's meta.json, or correct the reference.".to_owned()
        }
        Reason::ImageMismatch => {
            format!("have the build pipeline upload the image again, then {again}.")
        }
        Reason::RateLimited => {
            format!("{again} later, with a lower --concurrency if you can; if it stays so, ask {name}.")
        }
        Reason::Unreachable | Reason::Timeout | Reason::ServerError => {
            format!("{again}; if it stays so, ask {name}.")
        }
        Reason::Deadline => format!("{again}, with a longer --deadline if it ran out."),
        Reason::NoDigest => format!(
            "ask {name} to publish sha256sum.txt or meta.json beside the file, or check with --verify content."
        ),
    }
}

/// What to do about a run that checked nothing.
pub(super) const fn of_run(report: &Report) -> &'static str {
    if report.problems.is_empty() { "Check again." } else { "Correct what is named above, then check again." }
}

/// The command that points this artifact's document at its published places.
fn move_to_published(artifact: &ArtifactReport, path: Option<&str>) -> String {
    let release = (!artifact.release.is_empty()).then_some(&*artifact.release);
    let command = "art-mirror-validate rewrite --to published --in-place";
    match resolve(&artifact.location, release, &Place::PublishedPlace) {
        Err(_) => {
            "point the location at its place on a published host, which does not follow from it.".to_owned()
        }
        Ok(_) => match path.and_then(shell_word) {
            Some(path) => format!("point the document at its published places: `{command} {path}`."),
            None => {
                format!("point the document at its published places, as `{command}` does for a stream file.")
            }
        },
    }
}

/// A path as one word of a POSIX shell's command line; none if it cannot be printed as it is. A pull request
/// chooses the names of its files, and a person pastes what is printed here.
fn shell_word(path: &str) -> Option<String> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-+=,@%:".contains(&byte);
    let path = if path.starts_with('-') { format!("./{path}") } else { path.to_owned() };
    if !path.is_empty() && path.bytes().all(plain) {
        return Some(path);
    }
    let printable = path.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
    printable.then(|| format!("'{}'", path.replace('\'', r"'\''")))
}

fn capitalized(text: &str) -> String {
    let mut rest = text.chars();
    rest.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(rest).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::ProwContext;
    use crate::report::model::Target;
    use crate::report::sample;

    const CDN: &str = "https://rhcos.mirror.openshift.com/art/storage/releases";
    const MIRROR: &str = "https://mirror.openshift.com/pub/openshift-v4";
    const FILE: &str = "rhcos-4.8/48.84.202109241901-0/x86_64/rhcos-48.84.202109241901-0-live.x86_64.iso";

    /// The advice for an artifact of `document` that was asked for at `url`.
    fn advice_for(
        reason: Reason,
        kind: TargetKind,
        url: &str,
        document: &str,
        context: &RunContext,
    ) -> String {
        let passing = sample::passing(document, ["x86_64", "metal", "iso", "disk"], "48.84.202109241901-0");
        let mut artifact = sample::not_passing(passing, reason, "m", "");
        artifact.location = url.into();
        artifact.url = Some(url.into());
        let mut report = sample::of(vec![artifact]);
        report.target = Target { kind, prefix: None };
        advise(&mut report, context, |name| Some(name.to_owned()));
        report.artifacts.remove(0).advice.unwrap()
    }

    #[test]
    fn every_reason_has_its_own_title() {
        let mut titles: Vec<_> = Reason::ALL.iter().map(|reason| title(Some(*reason))).collect();
        titles.sort_unstable();
        titles.dedup();
        assert_eq!(titles.len(), Reason::ALL.len());
    }

    #[test]
    fn retest_is_advised_in_prow_alone() {
        let kinds = [TargetKind::Published, TargetKind::Bridge, TargetKind::Mirror];
        for (reason, kind) in Reason::ALL.iter().flat_map(|reason| kinds.map(|kind| (*reason, kind))) {
            for base in [CDN, MIRROR, "https://10.0.0.1:8080/x"] {
                let url = format!("{base}/{FILE}");
                let here = advice_for(reason, kind, &url, "d.json", &RunContext::default());
                assert!(!here.contains("/retest"), "{reason} {kind:?}: {here}");
                let periodic = RunContext {
                    prow: ProwContext { job_name: Some("j".into()), ..ProwContext::default() },
                    ..RunContext::default()
                };
                assert_eq!(
                    advice_for(reason, kind, &url, "d.json", &periodic),
                    here,
                    "nobody reads comments"
                );
            }
        }
        let missing = advice_for(
            Reason::Missing,
            TargetKind::Published,
            &format!("{MIRROR}/{FILE}"),
            "d",
            &sample::context(),
        );
        assert!(missing.ends_with("then comment /retest."), "{missing}");
    }

    #[test]
    fn who_is_asked_depends_on_target_and_host() {
        use TargetKind::{Bridge, Mirror, Published};
        let fedora = "https://builds.coreos.fedoraproject.org/prod/streams/stable";
        let cases = [
            (Published, MIRROR, "Ask ART to mirror the file with its sync job, then"),
            (Mirror, MIRROR, "Ask ART to mirror the file with its sync job, then"),
            (Published, CDN, "whether the upload is still to come or the build was pruned"),
            (Published, fedora, "Ask the owners of the Fedora CoreOS build pipeline, which"),
            (Bridge, CDN, "Ask the bridge's owners to put the file there, then"),
            (Bridge, "https://10.0.0.1:8080/x", "Ask the bridge's owners to put the file there, then"),
            (Mirror, "https://m.example/x", "Ask the owners of m.example to put the file there, then"),
        ];
        for (kind, base, says) in cases {
            let url = format!("{base}/{FILE}");
            let missing = advice_for(Reason::Missing, kind, &url, "d", &RunContext::default());
            assert!(missing.contains(says), "{missing}");
            let is_for_art = base == MIRROR;
            for reason in Reason::ALL {
                let advice = advice_for(*reason, kind, &url, "d", &RunContext::default());
                assert!(is_for_art || !advice.contains("ART"), "{reason}: {advice}");
            }
        }
    }

    #[test]
    fn the_command_is_for_this_document() {
        let bridge = format!("{}/{FILE}", crate::location::BRIDGE_2021);
        let command = |url: &str, document: &str| {
            advice_for(Reason::NotPublished, TargetKind::Published, url, document, &RunContext::default())
        };
        let cases = [
            ("data/data/coreos/rhcos.json", "--in-place data/data/coreos/rhcos.json`."),
            ("-rf.json", "--in-place ./-rf.json`."),
            ("a b'; rm -rf $HOME; '.json", r"--in-place 'a b'\''; rm -rf $HOME; '\''.json'`."),
            ("a\nb", "as `art-mirror-validate rewrite --to published --in-place` does for a stream file."),
        ];
        for (document, says) in cases {
            let advice = command(&bridge, document);
            assert!(advice.ends_with(says), "{advice}");
        }
        let unknown = command("https://releases-art-rhcos.svc.ci.openshift.org/f.iso", "d");
        assert!(unknown.contains("which does not follow from it"), "{unknown}");
    }
}
