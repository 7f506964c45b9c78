//! The cloud references of a world: in the document, on the servers of the clouds, and in the report.

use std::collections::BTreeSet;

use embedded_mirror::{Behaviour, Mirror, Registry, Resource};
use fastrand::Rng;
use serde_json::{Map, Value, json};

use crate::outcomes::{self, Reasons, Seen};
use crate::setup::{Setup, behaviour};
use crate::world::{Access, Fault, HostState, Source, Target, Wire, World};

/// A reference, and how the cloud answers for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CloudReference {
    pub kind: Kind,
    pub access: Access,
    pub state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    AzureDisk,
    /// In this region.
    PowerVs(&'static str),
    KubeVirt,
    /// An AMI, which cannot be checked without an account.
    Aws,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Good,
    /// The object has zero bytes.
    Empty,
    /// The size is not a multiple of the page size (512 bytes).
    OddSize,
    /// Not a page blob.
    BlockBlob,
    /// The registry returns another digest for the manifest.
    OtherDigest,
    NoDigest,
    /// The tag refers to another manifest.
    OtherTag,
    /// The document has no URL, no digest, or an invalid AMI ID.
    Malformed,
    /// The document has a host that is not allowed.
    OtherHost,
}

/// `--cloud-images`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Ignore,
    Warn,
    Require,
}

const REGIONS: [&str; 3] = ["au-syd", "eu-de", "us-south"];
const REPOSITORY: &str = "openshift-release-dev/ocp-v4.0-art-dev";
const RELEASE: &str = "48.83.202102230300-0";

/// The hosts of the clouds, reached through the proxy.
pub const HOSTS: [&str; 5] = [
    "rhcos.blob.core.windows.net",
    "quay.io",
    "s3.au-syd.cloud-object-storage.appdomain.cloud",
    "s3.eu-de.cloud-object-storage.appdomain.cloud",
    "s3.us-south.cloud-object-storage.appdomain.cloud",
];

impl CloudReference {
    /// Generates the references of a world.
    pub fn draw(rng: &mut Rng, wire: Wire, error: u16) -> Vec<Self> {
        let mut kinds = vec![Kind::AzureDisk, Kind::Aws];
        kinds.extend(REGIONS.map(Kind::PowerVs));
        // Registries are only requested over https.
        kinds.extend((wire != Wire::Plain).then_some(Kind::KubeVirt));
        kinds.retain(|_| rng.bool());
        let mut one = |kind| {
            let is_faulty = rng.u16(0..1000) < error.saturating_mul(2);
            let states: &[State] = match kind {
                _ if !is_faulty => &[State::Good],
                Kind::AzureDisk => {
                    &[State::Empty, State::OddSize, State::BlockBlob, State::Malformed, State::OtherHost]
                }
                Kind::PowerVs(_) => &[State::Empty, State::Malformed, State::OtherHost],
                Kind::KubeVirt => &[
                    State::OtherDigest,
                    State::NoDigest,
                    State::OtherTag,
                    State::Malformed,
                    State::OtherHost,
                ],
                Kind::Aws => &[State::Malformed],
            };
            let state = states[rng.usize(0..states.len())];
            let faults =
                [Fault::Status(500), Fault::Status(503), Fault::Busy(429), Fault::Reset, Fault::Garbage];
            let fault = faults[rng.usize(0..faults.len())];
            let access = match rng.u32(0..8) {
                _ if rng.u16(0..1000) >= error.saturating_mul(2) => Access::Normal,
                0..3 => Access::Missing([404, 410][rng.usize(0..2)]),
                3 => Access::Odd([400, 402, 409, 451][rng.usize(0..4)]),
                4 | 5 => Access::Always(fault),
                _ => Access::Recovering(rng.usize(1..3), fault),
            };
            Self { kind, access, state }
        };
        kinds.into_iter().map(&mut one).collect()
    }

    pub fn id(&self) -> String {
        match self.kind {
            Kind::AzureDisk => "x86_64/extensions/azure-disk".to_owned(),
            Kind::PowerVs(region) => format!("x86_64/images/powervs/{region}"),
            Kind::KubeVirt => "x86_64/images/kubevirt".to_owned(),
            Kind::Aws => "x86_64/images/aws".to_owned(),
        }
    }

    fn host(&self) -> String {
        match self.kind {
            Kind::AzureDisk => HOSTS[0].to_owned(),
            Kind::PowerVs(region) => format!("s3.{region}.cloud-object-storage.appdomain.cloud"),
            Kind::KubeVirt | Kind::Aws => HOSTS[1].to_owned(),
        }
    }

    fn path(&self) -> String {
        match self.kind {
            Kind::PowerVs(region) => format!("/rhcos-powervs-images-{region}/o.ova.gz"),
            _ => "/imagebucket/azure.vhd".to_owned(),
        }
    }

    /// The correct verdicts, with the correct reasons for each.
    pub fn allowed(&self, world: &World) -> Vec<(&'static str, BTreeSet<&'static str>)> {
        let verdict = |verdict, reasons: Reasons| (verdict, reasons.iter().copied().collect::<BTreeSet<_>>());
        match (self.kind, self.state) {
            (Kind::Aws, State::Good) => return vec![verdict("not-verifiable", &[])],
            (_, State::OtherHost) => return vec![verdict("fail", &["host-not-allowed"])],
            (_, State::Malformed) => return vec![verdict("fail", &["bad-reference"])],
            _ => {}
        }
        let mut seen = outcomes::seen(world, self.access, false);
        if self.kind == Kind::KubeVirt {
            // The first request, without a token, can use up the last fault.
            if matches!(self.access, Access::Recovering(..)) {
                seen.push(Seen::Content);
            }
            // Either request can fail with the shared connection.
            if world.shares_faults() {
                seen.push(Seen::ProbeError(&["unreachable", "server-error", "timeout"]));
            }
        }
        let of = |seen| match (seen, self.state) {
            (Seen::Missing, _) | (Seen::Content, State::Empty) => verdict("fail", &["missing"]),
            (Seen::ProbeError(reasons), _) => verdict("inconclusive", reasons),
            (Seen::Odd | Seen::Refused, _) => verdict("inconclusive", &["server-error"]),
            (Seen::Content, State::OddSize | State::BlockBlob | State::OtherDigest) => {
                verdict("fail", &["image-mismatch"])
            }
            (Seen::Content, State::NoDigest) => verdict("inconclusive", &["server-error"]),
            (Seen::Content, _) => verdict("pass", &[]),
        };
        seen.into_iter().map(of).collect()
    }

    /// How the gate disagrees with the contract on this reference.
    pub fn disagreement(&self, world: &World, said: Option<&Value>) -> Option<String> {
        let Some(said) = said else { return Some(format!("{self:?} is not reported")) };
        let (verdict, reason) = (said["verdict"].as_str().unwrap_or("none"), said["reason"].as_str());
        let allowed = self.allowed(world);
        let is_right = allowed.iter().any(|(allowed, reasons)| {
            *allowed == verdict && reason.map_or(reasons.is_empty(), |reason| reasons.contains(reason))
        });
        if !is_right {
            return Some(format!(
                "{verdict} ({reason:?}): {}, but for {self:?} it must be {allowed:?}",
                said["message"]
            ));
        }
        let warnings = said["warnings"].to_string();
        let names_tag = warnings.contains("tag") && warnings.contains(REPOSITORY);
        let must = self.kind == Kind::KubeVirt && self.state == State::OtherTag && verdict == "pass";
        (must && !names_tag).then(|| format!("{self:?} passes without a warning about its tag: {warnings}"))
    }
}

impl Setup<'_> {
    /// The sections `images` and `rhel-coreos-extensions` of an architecture, with the references.
    pub fn cloud_sections(&self) -> (Value, Value) {
        let (mut images, mut extensions) = (Map::new(), Map::new());
        let mut regions = Map::new();
        for reference in &self.world.cloud {
            let origin = match (reference.state, self.world.wire) {
                (State::OtherHost, _) => "https://elsewhere.example".to_owned(),
                (_, Wire::Proxied) => format!("https://{}", reference.host()),
                (_, Wire::Plain) => format!("http://{}", self.servers.authority(self.world)),
                _ => format!("https://{}", self.servers.authority(self.world)),
            };
            let is_malformed = reference.state == State::Malformed;
            let url = if is_malformed { String::new() } else { format!("{origin}{}", reference.path()) };
            match reference.kind {
                Kind::AzureDisk => {
                    extensions.insert("azure-disk".to_owned(), json!({ "release": RELEASE, "url": url }));
                }
                Kind::PowerVs(region) => {
                    let bucket = format!("rhcos-powervs-images-{region}");
                    let object =
                        json!({ "release": RELEASE, "object": "o.ova.gz", "bucket": bucket, "url": url });
                    regions.insert(region.to_owned(), object);
                }
                Kind::KubeVirt => {
                    let name = format!("{}/{REPOSITORY}", origin.trim_start_matches("https://"));
                    let digest = embedded_mirror::hex_sha256(MANIFEST.as_bytes());
                    let by_digest =
                        if is_malformed { format!("{name}:4.8") } else { format!("{name}@sha256:{digest}") };
                    let kubevirt = json!({ "release": RELEASE, "image": format!("{name}:4.8"), "digest-ref": by_digest });
                    images.insert("kubevirt".to_owned(), kubevirt);
                }
                Kind::Aws => {
                    let image = if is_malformed { "ami-none" } else { "ami-0d24483687640c868" };
                    let aws = json!({ "regions": { "us-east-1": { "release": RELEASE, "image": image } } });
                    images.insert("aws".to_owned(), aws);
                }
            }
        }
        if !regions.is_empty() {
            images.insert("powervs".to_owned(), json!({ "regions": regions }));
        }
        (images.into(), extensions.into())
    }

    /// Adds the objects of the references to the mirror.
    pub fn fill_clouds(&self, mirror: &Mirror) {
        for reference in &self.world.cloud {
            let resource = match reference.state {
                State::Empty => Resource::bytes(""),
                State::OddSize => Resource::synthetic(1, 1000).header("x-ms-blob-type", "PageBlob"),
                State::BlockBlob => Resource::synthetic(1, 1024).header("x-ms-blob-type", "BlockBlob"),
                _ => Resource::synthetic(1, 1024).header("x-ms-blob-type", "PageBlob"),
            };
            match reference.kind {
                Kind::AzureDisk | Kind::PowerVs(_) => {
                    self.put(mirror, &reference.path(), resource, reference.access);
                }
                Kind::KubeVirt => self.fill_registry(mirror, reference),
                Kind::Aws => {}
            }
        }
    }

    fn fill_registry(&self, mirror: &Mirror, reference: &CloudReference) {
        let realm = match self.world.wire {
            Wire::Proxied => "https://quay.io".to_owned(),
            _ => format!("https://{}", self.servers.authority(self.world)),
        };
        let registry = Registry::at(mirror, &realm);
        let digest = format!("sha256:{}", embedded_mirror::hex_sha256(MANIFEST.as_bytes()));
        let by_digest = match reference.state {
            State::OtherDigest => format!("sha256:{}", "2".repeat(64)),
            State::NoDigest => String::new(),
            _ => digest.clone(),
        };
        let tagged = if reference.state == State::OtherTag {
            format!("sha256:{}", "3".repeat(64))
        } else {
            by_digest.clone()
        };
        let manifest = |digest: &str| Resource::bytes(MANIFEST).header("docker-content-digest", digest);
        registry.put_at(REPOSITORY, "4.8", manifest(&tagged));
        let good = || Behaviour::serve(manifest(&by_digest));
        let behaviour = behaviour(reference.access, &good);
        registry.put_at(REPOSITORY, &digest, Resource::bytes("").behaves(behaviour));
    }
}

const MANIFEST: &str = "{\"schemaVersion\": 2}";

/// The disagreements of a report with the contract on cloud references.
pub fn disagreements(world: &World, report: &Value) -> Vec<String> {
    let said = report["cloud_images"].as_array().map_or(&[][..], Vec::as_slice);
    if world.cloud_mode == Mode::Ignore {
        return said.iter().map(|it| format!("{} is reported, but should be ignored", it["id"])).collect();
    }
    let of = |reference: &CloudReference| {
        let id = reference.id();
        reference.disagreement(world, said.iter().find(|it| it["id"] == id.as_str()))
    };
    let mut found: Vec<String> = world.cloud.iter().filter_map(of).collect();
    if said.len() != world.cloud.len() {
        found.push(format!("{} cloud references in the report", said.len()));
    }
    found
}

/// Whether a world has cloud references. Not if nothing can be reached, which artifacts already cover, and not with
/// several documents, where they would show nothing new.
pub fn are_asked(world: &World) -> bool {
    let is_one = world.documents == 1 && !matches!(world.source, Source::Branches(_));
    is_one && world.target == Target::Published && world.host == HostState::Up && !world.is_unreachable()
}
