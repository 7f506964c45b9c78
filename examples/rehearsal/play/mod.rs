//! The play. No scene reads anything but what the scenes before it wrote.

mod props;
mod stage;

use std::error::Error;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Command;

use art_mirror_validate::cli::Exit;
use art_mirror_validate::stream::Sha256;
use embedded_mirror::sha256;
use serde::Deserialize;
use stage::{BRIDGE, REQUEST, Stage};

/// The branch that stays on the builds of yesterday.
const RELEASE: &str = "release-4.y";

const CHECK: [&str; 4] = ["check", "--published", "--artifacts-dir", "../artifacts"];
const CARRY_OUT: [&str; 7] = ["mirror", "--request", REQUEST, "--stream-prefix", BRIDGE, "--dest", "../web"];

/// Plays it all, with the documents of a checkout. `program` starts `art-mirror-validate`.
pub(crate) fn rehearse(
    checkout: &Path,
    program: impl Fn() -> Command + 'static,
    out: Box<dyn Write>,
) -> Result<(), Box<dyn Error>> {
    let mut stage = Stage::build(Box::new(program), out)?;
    yesterday(&mut stage, checkout)?;
    the_pull_request(&mut stage)?;
    the_gate_is_red(&mut stage)?;
    an_e2e_job(&mut stage)?;
    art_mirrors(&mut stage)?;
    the_gate_is_red_again(&mut stage)?;
    the_gate_is_green(&mut stage)?;
    the_merge(&mut stage)
}

/// What is pinned today is on ART's mirror, by the way that everything comes there.
fn yesterday(stage: &mut Stage, checkout: &Path) -> Result<(), Box<dyn Error>> {
    stage.say("── Yesterday. main has these documents, and ART's mirror what they name.")?;
    stage.say("   (Their files are made up here, a line of text each, and their digests with them.)\n")?;
    let documents = props::documents(checkout)?;
    for (name, text) in &documents {
        stage.say(&format!("   {name}"))?;
        stage.write(name, text)?;
    }
    if props::name_a_bridge(&stage.installer())? {
        stage.say("\n   They name a bridge; what merges names the public mirror.\n")?;
        stage.run(&["rewrite", "--to", "mirror", "--in-place"], Exit::Pass)?;
    }
    stage.builds_reach_the_bridge()?;
    stage.run_unseen(&CHECK, Exit::Fail)?;
    stage.run_unseen(&CARRY_OUT, Exit::Pass)?;
    stage.publish()?;
    stage.run_unseen(&CHECK, Exit::Pass)?;
    stage.commit("What is pinned today")?;
    stage.git(&["branch", RELEASE])
}

fn the_pull_request(stage: &mut Stage) -> Result<(), Box<dyn Error>> {
    stage
        .say("\n── Morning. A pull request bumps the boot images. Their files are on the bridge alone.\n")?;
    stage.git(&["checkout", "-q", "-b", "bump"])?;
    for (name, text) in props::bumped(&stage.installer())? {
        stage.write(&name, &text)?;
    }
    stage.commit("Bump the boot images")?;
    stage.builds_reach_the_bridge()?;
    stage.run(&["diff", "main:", "bump:"], Exit::Fail)?;
    Ok(())
}

fn the_gate_is_red(stage: &mut Stage) -> Result<(), Box<dyn Error>> {
    stage.say("\n── The required presubmit is red, and leaves the request to ART beside its reports.\n")?;
    stage.run(&CHECK, Exit::Fail)?;
    stage.show(REQUEST)
}

/// What `resolve --json` prints, as far as a test needs it.
#[derive(Deserialize)]
struct Place {
    url: String,
    sha256: Sha256,
}

fn an_e2e_job(stage: &mut Stage) -> Result<(), Box<dyn Error>> {
    stage.say(
        "\n── Meanwhile an e2e job asks where an image is until then, and boots it from the bridge.\n",
    )?;
    stage.say(&format!("$ export OPENSHIFT_INSTALL_COREOS_STREAM_PREFIX={BRIDGE}"))?;
    let id = props::first_artifact(&stage.installer())?;
    let filters = ["-a", &id.arch, "-p", &id.platform, "-f", &id.format, "-c", &id.component];
    let printed = stage.run_e2e(&[&["resolve", "--json"][..], &filters].concat(), Exit::Pass)?;
    let place: Place = serde_json::from_str(printed.lines().next().unwrap_or_default())?;
    stage.say(&format!("GET {}", place.url))?;
    let image = stage.fetch(&place.url)?;
    let found = Sha256::from_bytes(sha256(&image));
    if found != place.sha256 {
        return Err(format!("the image has sha256 {found}, and the document says {}", place.sha256).into());
    }
    stage.say(&format!("{} bytes, and their sha256 is the document's, {found}", image.len()))
}

fn art_mirrors(stage: &mut Stage) -> Result<(), Box<dyn Error>> {
    stage.say("\n── Afternoon. e2e has passed. ART takes the request, and the bytes from the bridge.\n")?;
    let printed = stage.run(&CARRY_OUT, Exit::Pass)?;
    let spoiled = props::spoil_one(&stage.web(), &printed)?;
    stage.say(&format!("\n   It is uploaded; but of one file only half arrives, {spoiled}."))?;
    stage.publish()
}

fn the_gate_is_red_again(stage: &mut Stage) -> Result<(), Box<dyn Error>> {
    stage.say("\n── Somebody comments /retest. One file is corrupt, so the gate is still red.\n")?;
    stage.run(&CHECK, Exit::Fail)?;
    stage.show(REQUEST)?;
    stage
        .say("\n   ART carries this one out too: what is there is verified, and what is wrong replaced.\n")?;
    let printed = stage.run(&CARRY_OUT, Exit::Pass)?;
    if !printed.contains("replaced ") {
        return Err("the corrupt file was not replaced".into());
    }
    stage.publish()
}

fn the_gate_is_green(stage: &mut Stage) -> Result<(), Box<dyn Error>> {
    stage.say("\n── Evening. Another /retest.\n")?;
    stage.run(&CHECK, Exit::Pass)?;
    if fs::exists(stage.installer().join(REQUEST))? {
        return Err("the gate is green and asks for something".into());
    }
    stage.say("\n   The gate was red, and is green. Prow merges.")
}

fn the_merge(stage: &mut Stage) -> Result<(), Box<dyn Error>> {
    let old = props::builds(&stage.installer_at(RELEASE)?)?;
    stage.git(&["checkout", "-q", "main"])?;
    stage.git(&["merge", "-q", "bump"])?;
    stage.say("\n── After the merge. What may ART prune of its mirror? Not what a release branch pins.\n")?;
    let refs = ["--ref", "main", "--ref", RELEASE];
    let retention = [&["retention"][..], &refs, &["--listing", "../web"]].concat();
    let printed = stage.run(&retention, Exit::Pass)?;
    for build in &old {
        let still = printed.lines().any(|line| {
            line.contains("pinned") && line.contains(build) && line.ends_with(&format!("by {RELEASE}"))
        });
        if !still {
            return Err(format!("{build} should be pinned by {RELEASE}, and by it alone").into());
        }
    }
    stage.say(&format!("\n   {RELEASE} still pins {}: its users install from them.", old.join(", ")))
}
