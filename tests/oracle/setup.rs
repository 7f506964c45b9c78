//! Fills the mirror of a round with files.

use std::time::Duration;

use embedded_mirror::{
    Answer, Behaviour, Mirror, Resource, artifact_content, artifact_uncompressed, hex_sha256,
};
use serde_json::{Map, json};

use crate::resources::{archived, claims, fault, file, firewall, other, sidecar_resource, size};
use crate::servers::Servers;
use crate::world::{Access, Artifact, BadTarget, Build, Claim, Form, Target, Truth, Wire, World};

pub const BRIDGE: &str = "https://releases-art-rhcos.svc.ci.openshift.org";
const FOREIGN: &str = "mirror.example.com";

pub struct Setup<'a> {
    pub servers: &'a Servers,
    pub world: &'a World,
}

impl Setup<'_> {
    /// The path of a directory on the mirror, with a slash at its end.
    pub fn path(&self, directory: usize) -> String {
        let build = self.release(directory);
        let is_bridge = self.world.target == Target::Bridge;
        match self.world.directories[directory].build {
            Build::Ocp if is_bridge => format!("/art/storage/releases/rhcos-4.8/{build}/x86_64/"),
            Build::OldOcp if is_bridge => format!("/art/storage/releases/rhcos-4.3/{build}/x86_64/"),
            Build::Ocp => format!("/pub/openshift-v4/x86_64/dependencies/rhcos/4.8/{build}/"),
            Build::OldOcp => format!("/pub/openshift-v4/x86_64/dependencies/rhcos/4.3/{build}/"),
            Build::Streams => format!("/art/storage/prod/streams/4.13/builds/{build}/x86_64/"),
            Build::Rhel | Build::Respun => {
                format!("/art/storage/prod/streams/rhel-9.6/builds/{build}/x86_64/")
            }
        }
    }

    /// The URL of a directory in the documents. If the target is a bridge, a published one that the gate must resolve.
    pub fn documented(&self, directory: usize) -> String {
        let build = self.release(directory);
        let mirror = "https://mirror.openshift.com/pub/openshift-v4/x86_64/dependencies/rhcos";
        match (self.world.target, self.world.directories[directory].build) {
            (Target::Published, _) => format!("{}{}", self.origin(directory), self.path(directory)),
            (Target::Bridge, Build::Ocp) => format!("{mirror}/4.8/{build}/"),
            (Target::Bridge, Build::OldOcp) => format!("{mirror}/4.3/{build}/"),
            (Target::Bridge, Build::Streams) => {
                format!("https://rhcos.mirror.openshift.com{}", self.path(directory))
            }
            (Target::Bridge, Build::Rhel | Build::Respun) => format!("{mirror}/pre-release/{build}/"),
        }
    }

    /// The build ID of a directory.
    pub fn release(&self, directory: usize) -> String {
        match self.world.directories[directory].build {
            Build::Ocp => format!("48.83.2021022303{directory:02}-0"),
            Build::OldOcp => format!("43.81.2020011421{directory:02}.0"),
            Build::Streams => format!("413.86.2023022303{directory:02}-0"),
            Build::Rhel => format!("9.6.20250707-{directory}"),
            Build::Respun => format!("9.6.20250707-{directory}.3"),
        }
    }

    fn scheme(&self) -> &'static str {
        if self.world.wire == Wire::Plain { "http" } else { "https" }
    }

    pub fn origin(&self, directory: usize) -> String {
        if self.world.wire != Wire::Proxied {
            return format!("{}://{}", self.scheme(), self.servers.authority(self.world));
        }
        let is_in_streams = self.world.directories[directory].build.is_in_streams();
        if is_in_streams { "https://rhcos.mirror.openshift.com" } else { "https://mirror.openshift.com" }
            .to_owned()
    }

    pub fn foreign(&self) -> String {
        match self.world.wire {
            Wire::Plain => format!("http://{}", self.servers.foreign.addr()),
            Wire::Http1 | Wire::Http2 => format!("https://{}", self.servers.foreign_tls.addr()),
            Wire::Proxied => format!("https://{FOREIGN}"),
        }
    }

    pub fn name(&self, index: usize, artifact: &Artifact) -> String {
        let index = artifact.twin_of.unwrap_or(index);
        format!("rhcos-{}-a{index:02}.x86_64.raw.gz", self.release(artifact.directory))
    }

    pub fn fill_mirror(&self) {
        let mirror = self.servers.mirror(self.world);
        self.fill_clouds(mirror);
        let files: Vec<_> = self
            .world
            .artifacts
            .iter()
            .enumerate()
            .filter(|(_, artifact)| artifact.twin_of.is_none())
            .collect();
        for &(index, artifact) in &files {
            let name = self.name(index, artifact);
            let path = format!("{}{name}", self.path(artifact.directory));
            if let Some(access) = artifact.signature {
                self.put(mirror, &format!("{path}.sig"), Resource::bytes("a signature"), access);
            }
            let mut resource = file(&name, artifact, artifact.served, "first");
            if let Some((after, later)) = artifact.later {
                resource = resource.changing_to(after, file(&name, artifact, later, "second"));
            }
            self.put(mirror, &path, resource, artifact.access);
        }
        for (index, directory) in self.world.directories.iter().enumerate() {
            let there: Vec<_> = files.iter().filter(|(_, artifact)| artifact.directory == index).collect();
            let sums = self.sums(&there, directory.sums.form);
            let meta = self.meta(&there, directory.meta.form);
            let path = self.path(index);
            for (name, body, sidecar, limit) in [
                ("sha256sum.txt", sums, &directory.sums, 1 << 20),
                ("meta.json", meta, &directory.meta, 32 << 20),
            ] {
                let resource = sidecar_resource(body, sidecar, limit);
                self.put(mirror, &format!("{path}{name}"), resource, sidecar.access);
            }
        }
    }

    fn sums(&self, artifacts: &[&(usize, &Artifact)], form: Form) -> Vec<u8> {
        let mut lines = vec![format!("{}  rhcos-id.txt", hex_sha256(b"a build ID"))];
        for (index, artifact) in artifacts {
            let name = self.name(*index, artifact);
            let meant = artifact_content(&name);
            if form == Form::Stale {
                lines.push(format!("{}  {}", other(&meant), unversioned(*index)));
                continue;
            }
            for digest in claims(artifact.sums, &meant, *index) {
                let separator = if index % 3 == 0 { " *" } else { "  " };
                lines.push(format!("{digest}{separator}{name}"));
            }
        }
        if form == Form::JunkAround {
            lines.insert(0, "# generated by hand".to_owned());
            lines.push("zzzz  \u{1b}[31mnot-a-digest".to_owned());
            lines.push(String::new());
        }
        lines.push(match form {
            Form::CutShort => "6e340b9cffb37a989ca544e6bb780a2c".to_owned(),
            _ => String::new(),
        });
        lines.join("\n").into_bytes()
    }

    fn meta(&self, artifacts: &[&(usize, &Artifact)], form: Form) -> Vec<u8> {
        let mut images = Map::new();
        for (index, artifact) in artifacts {
            let Some((claim, truth)) = artifact.meta else { continue };
            let name = self.name(*index, artifact);
            let meant = artifact_content(&name);
            if form == Form::Stale {
                let image = json!({ "path": unversioned(*index), "sha256": other(&meant) });
                images.insert(format!("image-{index:02}"), image);
                continue;
            }
            let mut image = json!({ "path": name });
            if let Some(truth) = truth {
                image["size"] = size(&meant, truth, 3_000).into();
            }
            if let Some(claim) = artifact.meta_inside {
                let inside = artifact_uncompressed(&name);
                let (right, wrong) = (hex_sha256(&inside), other(&inside));
                // `Claim::Same` means equal to the document's digest, even if that is wrong.
                let documents = artifact.uncompressed != Some(Truth::Wrong);
                let is_right = documents == (claim == Claim::Same);
                image["uncompressed-sha256"] = if is_right { right } else { wrong }.into();
            }
            let digests = claims(claim, &meant, *index);
            for (number, digest) in digests.iter().enumerate() {
                image["sha256"] = digest.as_str().into();
                images.insert(format!("image-{index:02}-{number}"), image.clone());
            }
            if digests.is_empty() {
                images.insert(format!("image-{index:02}"), image);
            }
        }
        if form == Form::JunkAround {
            images.insert("junk".to_owned(), json!(5));
            images.insert("more".to_owned(), json!({ "path": ["not", "a", "path"], "sha256": -1 }));
        }
        let mut text = json!({ "buildid": "48.83.202102230300-0", "images": images }).to_string();
        if form == Form::CutShort {
            text.truncate(text.len() - 2);
        }
        text.into_bytes()
    }

    /// Adds a resource at a path, answered as `access` says.
    pub fn put(&self, mirror: &Mirror, path: &str, base: Resource, access: Access) {
        let good = || Behaviour::serve(base.clone());
        let behaviour = match access {
            Access::Normal
            | Access::Missing(_)
            | Access::Firewall(_)
            | Access::Odd(_)
            | Access::Always(_)
            | Access::Recovering(..)
            | Access::Flapping(_)
            | Access::Lossy(..) => behaviour(access, &good),
            Access::Slow(ms) => Behaviour::After(Duration::from_millis(ms), Box::new(good())),
            Access::Archived(how) => Behaviour::serve(archived(base, how)),
            Access::Cut(bytes, stalls) => {
                let cut = if stalls { Behaviour::StallAfter(bytes) } else { Behaviour::DropAfter(bytes) };
                Behaviour::serve(base.on_get(cut))
            }
            Access::CutOnce(bytes) => {
                let cut = base.clone().on_get(Behaviour::DropAfter(bytes));
                Behaviour::Sequence(vec![Behaviour::serve(cut), good()])
            }
            Access::Paced(bytes, ms) => {
                Behaviour::serve(base.on_get(Behaviour::Paced { bytes, every: Duration::from_millis(ms) }))
            }
            Access::HugeHeader(size) => Behaviour::serve(base.behaves(Behaviour::HugeHeader(size))),
            Access::Redirected(status, hops) => {
                let there = format!("/there{path}");
                mirror.put(&there, base);
                let target = match self.world.wire {
                    Wire::Proxied => {
                        format!("https://art-rhcos-ci.s3.amazonaws.com{there}?X-Amz-Expires=900")
                    }
                    _ => there,
                };
                self.hops(mirror, path, status, hops, target)
            }
            Access::RedirectedToNothing(status) => {
                Behaviour::redirect(status, &format!("{}/nothing", self.origin(0)))
            }
            Access::BadlyRedirected(status, hops, bad_target) => {
                let there = format!("/bad_target{path}");
                mirror.put(&there, base);
                match bad_target {
                    BadTarget::NoLocation => {
                        let nowhere = format!("/nowhere{path}");
                        mirror.put(&nowhere, Resource::bytes("").behaves(Behaviour::status(status)));
                        self.hops(mirror, path, status, hops + 1, nowhere)
                    }
                    BadTarget::TooMany => self.hops(mirror, path, status, hops + 6, there),
                    _ => self.hops(mirror, path, status, hops + 1, self.bad_target(bad_target, path, &there)),
                }
            }
        };
        mirror.put(path, Resource::bytes("").behaves(behaviour));
    }

    /// A chain of `hops` redirects, the last one to `target`.
    fn hops(&self, mirror: &Mirror, path: &str, status: u16, hops: u32, target: String) -> Behaviour {
        let mut next = target;
        for hop in 1..hops {
            let here = format!("/hop/{hop}{path}");
            mirror.put(&here, Resource::redirect(status, &next));
            next = if hop % 2 == 0 { here } else { format!("{}{here}", self.origin(0)) };
        }
        Behaviour::redirect(status, &next)
    }

    /// A redirect target that must not be followed; `there` is a path with the file.
    fn bad_target(&self, bad_target: BadTarget, path: &str, there: &str) -> String {
        let scheme = self.scheme();
        let authority = match self.world.wire {
            Wire::Proxied => "mirror.openshift.com".to_owned(),
            _ => self.servers.authority(self.world),
        };
        match bad_target {
            BadTarget::Foreign => format!("{}{there}", self.foreign()),
            BadTarget::OtherPort => {
                let host = authority.split(':').next().unwrap_or_default();
                format!("{scheme}://{host}:{}{there}", self.servers.neighbour(self.world).addr().port())
            }
            BadTarget::MetadataService => format!("{scheme}://169.254.169.254/latest/meta-data/"),
            BadTarget::Bridge => format!("{BRIDGE}{path}"),
            BadTarget::Downgrade => format!("http://{authority}{there}"),
            BadTarget::UserInfo => format!("{scheme}://user:secret@{authority}{there}"),
            BadTarget::OtherScheme => format!("file://{there}"),
            BadTarget::NoUrl => "https://[".to_owned(),
            BadTarget::Loop => path.to_owned(),
            BadTarget::TooMany | BadTarget::NoLocation => there.to_owned(),
        }
    }
}

/// The behaviour for accesses without redirects or special bodies.
pub fn behaviour(access: Access, good: &dyn Fn() -> Behaviour) -> Behaviour {
    match access {
        Access::Missing(0) => Behaviour::Answer(Answer::s3_access_denied()),
        Access::Missing(status) => Behaviour::status(status),
        Access::Firewall(whose) => firewall(whose),
        Access::Odd(status) => Behaviour::Answer(Answer::status(status).body("")),
        Access::Always(it) => fault(it),
        Access::Recovering(times, it) => {
            let mut sequence = vec![fault(it); times];
            sequence.push(good());
            Behaviour::Sequence(sequence)
        }
        Access::Flapping(it) => Behaviour::Cycle(vec![fault(it), good()]),
        Access::Lossy(per_mille, seed, it) => {
            let mut rng = fastrand::Rng::with_seed(seed);
            let one = |_| if rng.u16(0..1000) < per_mille { fault(it) } else { good() };
            Behaviour::Cycle((0..50).map(one).collect())
        }
        _ => good(),
    }
}

/// The name of an artifact's file without the build ID.
fn unversioned(index: usize) -> String {
    format!("rhcos-a{index:02}.x86_64.raw.gz")
}
