//! The steps of the rehearsal. Each step only uses files that earlier steps wrote.

use std::error::Error;
use std::fs;
use std::path::Path;

use art_mirror_validate::cli::Exit;
use art_mirror_validate::stream::Sha256;
use embedded_mirror::sha256;
use serde::Deserialize;

use crate::documents;
use crate::lab::{BRIDGE, Lab, REQUEST, say};

/// The release branch, which keeps the earlier builds.
const RELEASE: &str = "release-4.y";

/// The presubmit. It ignores cloud images, because no cloud is simulated.
const CHECK: [&str; 6] =
    ["check", "--published", "--cloud-images", "ignore", "--artifacts-dir", "../artifacts"];
const CARRY_OUT: [&str; 7] = ["mirror", "--request", REQUEST, "--stream-prefix", BRIDGE, "--dest", "../web"];

/// Runs all steps with the documents of a checkout, or with a single document.
pub(crate) fn run_all(checkout: &Path) -> Result<(), Box<dyn Error>> {
    let lab = Lab::build()?;
    publish_current_builds(&lab, checkout)?;
    open_pull_request(&lab)?;
    first_check(&lab)?;
    run_e2e_job(&lab)?;
    mirror_files(&lab)?;
    second_check(&lab)?;
    final_check(&lab)?;
    merge(&lab)
}

/// Commits the documents, and gets their files to ART's mirror in the usual way: with a request.
fn publish_current_builds(lab: &Lab, checkout: &Path) -> Result<(), Box<dyn Error>> {
    say("── Before. main has these documents, and ART's mirror has the files that they name.")?;
    say("   (The files are generated here, a line of text each, with matching digests.)\n")?;
    for (name, text) in &documents::read(checkout)? {
        say(&format!("   {name}"))?;
        lab.write(name, text)?;
    }
    if documents::names_bridge(&lab.installer())? {
        say("\n   They name a bridge, but only locations on the public mirror may merge.\n")?;
        lab.run(&["rewrite", "--to", "mirror", "--in-place"], Exit::Pass)?;
    }
    lab.put_builds_on_bridge()?;
    lab.run_quietly(&CHECK, Exit::Fail)?;
    lab.run_quietly(&CARRY_OUT, Exit::Pass)?;
    lab.publish()?;
    lab.run_quietly(&CHECK, Exit::Pass)?;
    lab.commit("What is pinned today")?;
    lab.git(&["branch", RELEASE])
}

fn open_pull_request(lab: &Lab) -> Result<(), Box<dyn Error>> {
    say("\n── A pull request bumps the boot images. The new files are on the bridge only.\n")?;
    lab.git(&["checkout", "-q", "-b", "bump"])?;
    for (name, text) in documents::bumped(&lab.installer())? {
        lab.write(&name, &text)?;
    }
    lab.commit("Bump the boot images")?;
    lab.put_builds_on_bridge()?;
    lab.run(&["diff", "main:", "bump:"], Exit::Fail)?;
    Ok(())
}

fn first_check(lab: &Lab) -> Result<(), Box<dyn Error>> {
    say("\n── The required presubmit is red, and writes a request to ART next to its reports.\n")?;
    lab.run(&CHECK, Exit::Fail)?;
    lab.show(REQUEST)
}

/// The fields of `resolve --json` that the e2e job needs.
#[derive(Deserialize)]
struct Resolved {
    url: String,
    sha256: Sha256,
}

fn run_e2e_job(lab: &Lab) -> Result<(), Box<dyn Error>> {
    say("\n── In the meantime, an e2e job resolves an image's location, and boots it from the bridge.\n")?;
    say(&format!("$ export OPENSHIFT_INSTALL_COREOS_STREAM_PREFIX={BRIDGE}"))?;
    let id = documents::first_artifact(&lab.installer())?;
    let filters = ["-a", &id.arch, "-p", &id.platform, "-f", &id.format, "-c", &id.component];
    let printed = lab.run_e2e(&[&["resolve", "--json"][..], &filters].concat(), Exit::Pass)?;
    let resolved: Resolved = serde_json::from_str(printed.lines().next().unwrap_or_default())?;
    say(&format!("GET {}", resolved.url))?;
    let image = lab.fetch(&resolved.url)?;
    let found = Sha256::from_bytes(sha256(&image));
    if found != resolved.sha256 {
        return Err(format!("the image has sha256 {found}, and the document says {}", resolved.sha256).into());
    }
    say(&format!("{} bytes, and their sha256 is the document's, {found}", image.len()))
}

fn mirror_files(lab: &Lab) -> Result<(), Box<dyn Error>> {
    say("\n── e2e has passed. ART takes the request, and copies the files from the bridge.\n")?;
    let printed = lab.run(&CARRY_OUT, Exit::Pass)?;
    let truncated = documents::truncate_one(&lab.web(), &printed)?;
    say(&format!("\n   The files are uploaded, but of {truncated} only half arrives."))?;
    lab.publish()
}

fn second_check(lab: &Lab) -> Result<(), Box<dyn Error>> {
    say("\n── A reviewer comments /retest. One file is corrupt, so the gate is still red.\n")?;
    lab.run(&CHECK, Exit::Fail)?;
    lab.show(REQUEST)?;
    say(
        "\n   ART carries out this request too: existing files are verified, and the corrupt one is replaced.\n",
    )?;
    let printed = lab.run(&CARRY_OUT, Exit::Pass)?;
    if !printed.contains("replaced ") {
        return Err("the corrupt file was not replaced".into());
    }
    lab.publish()
}

fn final_check(lab: &Lab) -> Result<(), Box<dyn Error>> {
    say("\n── Another /retest.\n")?;
    lab.run(&CHECK, Exit::Pass)?;
    if fs::exists(lab.installer().join(REQUEST))? {
        return Err("the gate is green, and wrote a request".into());
    }
    say("\n   The gate is green now, and Prow merges.")
}

fn merge(lab: &Lab) -> Result<(), Box<dyn Error>> {
    let old = documents::builds(&lab.installer_at(RELEASE)?)?;
    lab.git(&["checkout", "-q", "main"])?;
    lab.git(&["merge", "-q", "bump"])?;
    say("\n── After the merge. Which builds may ART prune? None that a release branch pins.\n")?;
    let refs = ["--ref", "main", "--ref", RELEASE];
    let retention = [&["retention"][..], &refs, &["--listing", "../web"]].concat();
    let printed = lab.run(&retention, Exit::Pass)?;
    for build in &old {
        let still = printed.lines().any(|line| {
            line.contains("pinned") && line.contains(build) && line.ends_with(&format!("by {RELEASE}"))
        });
        if !still {
            return Err(format!("{build} should be pinned by {RELEASE}, and by it alone").into());
        }
    }
    say(&format!("\n   {RELEASE} still pins {}, which its users install from.", old.join(", ")))
}
