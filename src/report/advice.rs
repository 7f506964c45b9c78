//! Advice on artifacts that did not pass. It depends on the reason, the target, and the owner of the host.

use std::collections::HashMap;
use std::sync::Arc;

use crate::http::THROUGH_PROXY;
use crate::location::{ArtifactUrl, Owner, Target, resolve};
use crate::report::model::{ArtifactReport, Report, TargetKind};
use crate::verdict::Reason;

/// Who can correct the files of a host.
#[derive(Debug, Clone, Copy)]
enum Contact<'a> {
    /// The owners of a bridge server, whatever its host.
    Bridge,
    /// The owner of a host.
    Owner(Owner, &'a str),
}

impl<'a> Contact<'a> {
    fn of(host: &'a str, target: TargetKind) -> Self {
        match target {
            TargetKind::Bridge => Self::Bridge,
            TargetKind::Published | TargetKind::Mirror => Self::Owner(Owner::of_host(host), host),
        }
    }

    fn name(self) -> String {
        match self {
            Self::Bridge => "the bridge's owners".to_owned(),
            Self::Owner(Owner::SyncJob, _) => "ART".to_owned(),
            Self::Owner(Owner::Pipeline, _) => "the owners of the RHEL CoreOS build pipeline".to_owned(),
            Self::Owner(Owner::Fedora, _) => "the owners of the Fedora CoreOS build pipeline".to_owned(),
            Self::Owner(Owner::Other, "") => "the mirror's owners".to_owned(),
            Self::Owner(Owner::Other, host) => format!("the owners of {host}"),
        }
    }

    fn about_missing(self) -> String {
        let name = self.name();
        match self {
            Self::Owner(Owner::SyncJob, _) => format!("ask {name} to mirror the files with its sync job"),
            // The sync job writes to another bucket.
            Self::Owner(Owner::Pipeline | Owner::Fedora, _) => {
                format!("ask {name} whether the upload is still to come or the build was pruned")
            }
            Self::Bridge | Self::Owner(Owner::Other, _) => format!("ask {name} to upload the files"),
        }
    }

    /// An archived file must be restored; mirroring the build again would not do that.
    fn about_archived(self) -> String {
        format!(
            "ask {} to restore the files permanently from the archive storage class, and to exempt them from the rule that archives them",
            self.name()
        )
    }

    fn about_wrong(self) -> String {
        let verb = if matches!(self, Self::Owner(Owner::SyncJob, _)) { "mirror" } else { "upload" };
        format!(
            "find out whether the document or the file is right, then regenerate the document or ask {} to {verb} the file again",
            self.name()
        )
    }
}

/// Adds advice to every artifact and cloud reference that did not pass.
///
/// `path` returns the path of a document for the command line, or `None` if it is not a file that `rewrite` can change.
pub fn advise(report: &mut Report, path: impl Fn(&str) -> Option<String>) {
    let (target, retest) = (report.target.kind, report.prow.retest());
    let mut paths: HashMap<Arc<str>, Option<String>> = HashMap::new();
    for artifact in &mut report.artifacts {
        let Some(reason) = artifact.reason else { continue };
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
            let url = ArtifactUrl::parse(artifact.url_or_location()).ok();
            let contact = Contact::of(url.as_ref().map_or("", ArtifactUrl::host), target);
            advice(reason, &artifact.message, artifact.archived, (target, contact), retest)
        };
        artifact.advice = Some(capitalized(&text));
    }
    // The build pipeline also uploads to the clouds.
    let pipeline = (TargetKind::Published, Contact::Owner(Owner::Pipeline, ""));
    for reference in &mut report.cloud_images {
        let text = reference.reason.map(|reason| advice(reason, &reference.message, false, pipeline, retest));
        reference.advice = text.as_deref().map(capitalized);
    }
}

fn advice(
    reason: Reason,
    message: &str,
    archived: bool,
    (target, contact): (TargetKind, Contact<'_>),
    retest: Option<&str>,
) -> String {
    let again = retest.map_or_else(|| "check again".to_owned(), |retest| format!("comment {retest}"));
    let name = contact.name();
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
            "correct the location; for a host of your own, pass --allow-host.".to_owned()
        }
        Reason::RedirectNotAllowed => format!("ask {name} where the redirect should lead."),
        Reason::AddressNotAllowed => {
            "if this is a trusted host inside your network, pass --allow-private-addresses.".to_owned()
        }
        Reason::Missing if archived => format!("{}, then {again}.", contact.about_archived()),
        Reason::Missing => format!("{}, then {again}.", contact.about_missing()),
        Reason::SizeMismatch | Reason::Sha256Mismatch | Reason::UncompressedSha256Mismatch => {
            format!("{}.", contact.about_wrong())
        }
        Reason::MetadataConflict => {
            "find out which is right: regenerate the document from the build, or have the build's metadata \
             corrected."
                .to_owned()
        }
        Reason::BadSignature => format!(
            "ask {name} to publish a detached signature beside the file, made with a key in the keyring if --keyring is used."
        ),
        Reason::BadReference => {
            "regenerate the document from the build's meta.json, or correct the reference.".to_owned()
        }
        Reason::ImageMismatch => {
            format!("have the build pipeline upload the image again, then {again}.")
        }
        Reason::RateLimited => {
            format!(
                "{again} later, with a lower --concurrency if you can; if the failure persists, ask {name}."
            )
        }
        Reason::Unreachable | Reason::Timeout | Reason::ServerError => {
            let proxy = if message.starts_with(THROUGH_PROXY) { "the proxy's owners or " } else { "" };
            format!("{again}; if the failure persists, ask {proxy}{name}.")
        }
        Reason::Deadline => format!("{again}, with a longer --deadline if it was too short."),
        Reason::NoDigest => format!(
            "ask {name} to publish sha256sum.txt or meta.json beside the file, or check with --verify content."
        ),
    }
}

/// Advice on a run that checked nothing.
pub(super) const fn of_run(report: &Report) -> &'static str {
    if report.problems.is_empty() { "Check again." } else { "Correct the problems above, then check again." }
}

/// Advises to change the document to published locations, with the command for it if there is one.
fn move_to_published(artifact: &ArtifactReport, path: Option<&str>) -> String {
    let release = (!artifact.release.is_empty()).then_some(&*artifact.release);
    let command = "art-mirror-validate rewrite --to published --in-place";
    match resolve(&artifact.location, release, &Target::PublishedPlace) {
        Err(_) => "point the location at its URL on a published host; it cannot be derived from this one."
            .to_owned(),
        Ok(_) => match path.and_then(shell_word) {
            Some(path) => format!("point the document at its published locations: `{command} {path}`."),
            None => {
                format!(
                    "point the document at its published locations, as `{command}` does for a stream file."
                )
            }
        },
    }
}

/// Quotes a path as one word of a POSIX shell; `None` if it is not printable ASCII. A pull request chooses the names
/// of its files, and people paste this command.
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
    use crate::report::model::{ProwContext, ReportedTarget};
    use crate::report::sample;

    const CDN: &str = "https://rhcos.mirror.openshift.com/art/storage/releases";
    const MIRROR: &str = "https://mirror.openshift.com/pub/openshift-v4";
    const FILE: &str = "rhcos-4.8/48.84.202109241901-0/x86_64/rhcos-48.84.202109241901-0-live.x86_64.iso";

    /// The advice on an artifact of `document` that was requested from `url`.
    fn advice_for(reason: Reason, kind: TargetKind, url: &str, document: &str, prow: &ProwContext) -> String {
        let mut artifact = sample::of_reason(reason);
        artifact.document = document.into();
        artifact.location = url.into();
        artifact.url = Some(url.into());
        let mut report = Report::begun(ReportedTarget { kind, prefix: None }).of(vec![artifact]);
        report.prow = prow.clone();
        advise(&mut report, |name| Some(name.to_owned()));
        report.artifacts.remove(0).advice.unwrap()
    }

    #[test]
    fn retest_is_advised_for_pull_requests_only() {
        let kinds = [TargetKind::Published, TargetKind::Bridge, TargetKind::Mirror];
        let (no_job, periodic) =
            (ProwContext::default(), ProwContext { job_name: Some("j".into()), ..ProwContext::default() });
        for (reason, kind) in Reason::ALL.iter().flat_map(|reason| kinds.map(|kind| (*reason, kind))) {
            for base in [CDN, MIRROR, "https://10.0.0.1:8080/x"] {
                let url = format!("{base}/{FILE}");
                let without = advice_for(reason, kind, &url, "d.json", &no_job);
                assert!(!without.contains("/retest"), "{reason:?} {kind:?}: {without}");
                let in_periodic = advice_for(reason, kind, &url, "d.json", &periodic);
                assert_eq!(in_periodic, without, "a periodic job has no pull request");
            }
        }
        let url = format!("{MIRROR}/{FILE}");
        let missing = advice_for(Reason::Missing, TargetKind::Published, &url, "d", &sample::prow());
        assert!(missing.ends_with("then comment /retest."), "{missing}");
    }

    #[test]
    fn an_archived_file_is_restored_and_not_mirrored_again() {
        for (base, who) in [(MIRROR, "Ask ART to restore"), (CDN, "build pipeline to restore")] {
            let mut report = sample::report();
            report.artifacts.retain(|artifact| artifact.reason == Some(Reason::Missing));
            report.artifacts.truncate(1);
            report.artifacts[0].archived = true;
            report.artifacts[0].url = Some(format!("{base}/{FILE}"));
            advise(&mut report, |_| None);
            let advice = report.artifacts[0].advice.as_deref().unwrap();
            assert!(advice.contains(who) && !advice.contains("sync job"), "{advice}");
        }
    }

    #[test]
    fn advice_on_a_proxy_failure_names_the_owners_of_the_proxy() {
        let mut report = sample::report();
        report.artifacts = vec![sample::of_reason(Reason::Unreachable)];
        report.artifacts[0].message = "through the proxy p:1: no connection: Connection refused".to_owned();
        advise(&mut report, |_| None);
        let advice = report.artifacts[0].advice.as_deref().unwrap();
        assert!(advice.contains("ask the proxy's owners or the"), "{advice}");
    }

    #[test]
    fn the_contact_depends_on_target_and_host() {
        use TargetKind::{Bridge, Mirror, Published};
        let fedora = "https://builds.coreos.fedoraproject.org/prod/streams/stable";
        let cases = [
            (Published, MIRROR, "Ask ART to mirror the files with its sync job, then"),
            (Mirror, MIRROR, "Ask ART to mirror the files with its sync job, then"),
            (Published, CDN, "whether the upload is still to come or the build was pruned"),
            (Published, fedora, "Ask the owners of the Fedora CoreOS build pipeline whether"),
            (Bridge, CDN, "Ask the bridge's owners to upload the files, then"),
            (Bridge, "https://10.0.0.1:8080/x", "Ask the bridge's owners to upload the files, then"),
            (Mirror, "https://m.example/x", "Ask the owners of m.example to upload the files, then"),
        ];
        for (kind, base, expected) in cases {
            let url = format!("{base}/{FILE}");
            let missing = advice_for(Reason::Missing, kind, &url, "d", &ProwContext::default());
            assert!(missing.contains(expected), "{missing}");
            let is_for_art = base == MIRROR;
            for reason in Reason::ALL {
                let advice = advice_for(*reason, kind, &url, "d", &ProwContext::default());
                assert!(is_for_art || !advice.contains("ART"), "{reason:?}: {advice}");
            }
        }
    }

    #[test]
    fn the_rewrite_command_names_the_document_as_a_shell_word() {
        let bridge = format!("{}/{FILE}", crate::location::BRIDGE_2021);
        let command = |url: &str, document: &str| {
            advice_for(Reason::NotPublished, TargetKind::Published, url, document, &ProwContext::default())
        };
        let cases = [
            ("data/data/coreos/rhcos.json", "--in-place data/data/coreos/rhcos.json`."),
            ("-rf.json", "--in-place ./-rf.json`."),
            ("a b'; rm -rf $HOME; '.json", r"--in-place 'a b'\''; rm -rf $HOME; '\''.json'`."),
            ("a\nb", "as `art-mirror-validate rewrite --to published --in-place` does for a stream file."),
        ];
        for (document, expected) in cases {
            let advice = command(&bridge, document);
            assert!(advice.ends_with(expected), "{advice}");
        }
        let unknown = command("https://releases-art-rhcos.svc.ci.openshift.org/f.iso", "d");
        assert!(unknown.contains("cannot be derived"), "{unknown}");
    }
}
