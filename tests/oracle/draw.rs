//! Generates random worlds from seeds.

use fastrand::Rng;

use crate::cloud::{self, CloudReference, Mode};
use crate::world::{
    Access, Archive, Artifact, Away, BadTarget, Body, Branch, Build, Claim, Directory, Fault, Firewall, Form,
    Header, HostState, Keys, Legacy, Place, ProxyState, Quirk, Retries, Says, Served, Sidecar, Signatures,
    Source, Style, Target, Truth, Verify, Wire, World, Written,
};

/// The statuses for a missing file; 0 stands for the 403 of S3.
const MISSING: [u16; 4] = [404, 410, 403, 0];
/// Statuses that show neither that a file exists nor that it is missing, and that are not transient.
pub const ODD: [u16; 9] = [204, 205, 304, 400, 401, 402, 406, 418, 451];
/// Redirect targets that must not be followed.
pub const BAD_TARGETS: [BadTarget; 11] = [
    BadTarget::Foreign,
    BadTarget::OtherPort,
    BadTarget::MetadataService,
    BadTarget::Bridge,
    BadTarget::Downgrade,
    BadTarget::UserInfo,
    BadTarget::OtherScheme,
    BadTarget::NoUrl,
    BadTarget::Loop,
    BadTarget::TooMany,
    BadTarget::NoLocation,
];

/// The heads of successful responses of proxies to CONNECT.
pub const WORKING_PROXIES: [&str; 4] = [
    "HTTP/1.1 200 Connection established\r\n\r\n",
    "HTTP/1.0 200 OK\r\nProxy-Agent: proxy/1.0\r\n\r\n",
    "HTTP/1.1 200 \r\nVia: 1.1 proxy\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n",
    // "A client MUST ignore any Content-Length or Transfer-Encoding" (RFC 9110, section 9.3.6).
    "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
];
/// The branches of a repository, and the one that is older than stream metadata.
const BRANCHES: [&str; 5] = [WITHOUT_DOCUMENTS, "release-4.12", "release-4.16", "release-4.20", "main"];
pub const WITHOUT_DOCUMENTS: &str = "release-4.6";

/// Generates random values with a given rate of faults.
struct Draw {
    rng: Rng,
    /// The probability of a fault in each choice, in thousandths.
    error: u16,
}

impl Draw {
    fn is_faulty(&mut self) -> bool {
        self.rng.u16(0..1000) < self.error
    }

    fn one_in(&mut self, n: u32) -> bool {
        self.rng.u32(0..n) == 0
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.rng.usize(0..from.len())]
    }

    fn fault(&mut self) -> Fault {
        // Faults that take a whole timeout are rarer, only to make rounds faster.
        match self.rng.u32(0..40) {
            0 => Fault::Hang,
            1 => self.pick(&[Fault::StallInHeaders, Fault::SlowLoris]),
            2..4 => Fault::EndlessHeaders,
            4..10 => Fault::Reset,
            10..16 => Fault::Close,
            16..20 => Fault::Garbage,
            20..28 => Fault::Busy(self.pick(&[429, 503])),
            _ => Fault::Status(self.pick(&[500, 502, 503, 504, 429, 408, 425])),
        }
    }

    fn access(&mut self) -> Access {
        if !self.is_faulty() {
            return match self.rng.u32(0..16) {
                0 => Access::Slow(self.rng.u64(1..60)),
                1 => Access::Redirected(self.redirect(), self.rng.u32(1..=5)),
                2 => Access::Paced(self.rng.u64(16..200), self.rng.u64(0..4)),
                3 => Access::Archived(self.pick(&[Archive::Restored, Archive::Instant])),
                _ => Access::Normal,
            };
        }
        match self.rng.u32(0..26) {
            22..24 => Access::Archived(self.pick(&[
                Archive::Glacier,
                Archive::Deep,
                Archive::Tier,
                Archive::Restoring,
                Archive::Silent,
                Archive::Silent,
            ])),
            24..26 => {
                Access::Firewall(self.pick(&[Firewall::CloudFront, Firewall::Cloudflare, Firewall::Waf]))
            }
            0..6 => Access::Missing(self.pick(&MISSING)),
            6 => Access::Odd(self.pick(&ODD)),
            7..11 => Access::Always(self.fault()),
            11..13 => Access::Recovering(self.rng.usize(1..4), self.fault()),
            13 => Access::Flapping(self.fault()),
            14 => Access::Lossy(self.rng.u16(1..900), self.rng.u64(..), self.fault()),
            15 => Access::Cut(self.rng.u64(0..40), self.one_in(5)),
            16 => Access::HugeHeader(self.pick(&[2_000, 9_000, 70_000, 400_000])),
            17 => Access::RedirectedToNothing(self.redirect()),
            _ => Access::BadlyRedirected(self.redirect(), self.rng.u32(0..5), self.pick(&BAD_TARGETS)),
        }
    }

    fn redirect(&mut self) -> u16 {
        self.pick(&[301, 302, 303, 307, 307, 308])
    }

    fn sidecar(&mut self) -> Sidecar {
        let form = match self.rng.u32(0..16) {
            0 => Form::Labelled,
            _ if !self.is_faulty() => Form::Good,
            1..4 => Form::JunkAround,
            4..6 => Form::Junk,
            6 => Form::Html,
            7 => Form::Empty,
            8 => Form::Oversized,
            9 => Form::Endless,
            10..12 => Form::CutShort,
            12..14 => Form::Stale,
            14 => Form::Challenge,
            _ => Form::Good,
        };
        // Real directories rarely have both sidecars.
        let access = match self.rng.u32(0..24) {
            0..8 => Access::Missing(self.pick(&MISSING)),
            8 if self.is_faulty() => Access::CutOnce(self.rng.u64(0..40)),
            _ => self.access(),
        };
        let form = match access {
            // This access and these forms would both set how the body is sent.
            Access::HugeHeader(_) if matches!(form, Form::Labelled | Form::Endless) => Form::Good,
            // The body must be longer than where it is cut, and short enough to be paced.
            Access::Cut(..) | Access::CutOnce(_) | Access::Paced(..)
                if !matches!(form, Form::JunkAround | Form::CutShort | Form::Stale) =>
            {
                Form::Good
            }
            _ => form,
        };
        Sidecar { access, form }
    }

    fn truth(&mut self) -> Truth {
        if self.is_faulty() { Truth::Wrong } else { Truth::Right }
    }

    fn claim(&mut self) -> Claim {
        match self.rng.u32(0..4) {
            _ if !self.is_faulty() => Claim::Same,
            0 => Claim::Both,
            _ => Claim::Other,
        }
    }

    fn served(&mut self) -> Served {
        let body = if self.is_faulty() {
            self.pick(&[Body::SameSize, Body::SameSize, Body::Longer, Body::Shorter, Body::Empty, Body::Html])
        } else {
            Body::Meant
        };
        let head = self.header();
        let get = if self.one_in(4) && self.is_faulty() { self.header() } else { head };
        Served { body, head, get }
    }

    fn header(&mut self) -> Option<Header> {
        let style = self.pick(&[
            Style::ReprDigest,
            Style::ReprDigestList,
            Style::Digest,
            Style::DigestList,
            Style::S3Checksum,
            Style::S3Meta,
            Style::Artifactory,
        ]);
        let says = if self.is_faulty() {
            let truth = if self.rng.bool() { Truth::Right } else { Truth::Wrong };
            self.pick(&[
                Says::Other,
                Says::Other,
                Says::Contradiction,
                Says::Malformed,
                Says::OfParts,
                Says::Composite(truth),
                Says::Quoted(truth),
            ])
        } else {
            Says::Same
        };
        self.one_in(2).then_some(Header { style, says })
    }

    fn quirk(&mut self) -> Quirk {
        if !self.one_in(3) {
            return Quirk::None;
        }
        match self.rng.u32(0..13) {
            0..3 => Quirk::HeadRefused(self.pick(&[405, 405, 501, 400, 403, 403])),
            3..5 => Quirk::HeadNoLength,
            5 => Quirk::HeadZero,
            6 => Quirk::NoRanges,
            7 => Quirk::NoLengthAtAll,
            8 if self.is_faulty() => Quirk::HeadLies,
            9 if self.is_faulty() => self.pick(&[Quirk::Endless, Quirk::Trickle]),
            10 => Quirk::RangeUnknown,
            11 if self.is_faulty() => Quirk::RangeLies,
            _ => Quirk::Labelled,
        }
    }

    fn artifact(&mut self, directories: usize) -> Artifact {
        let place = match self.rng.u32(0..30) {
            0 if self.is_faulty() => Place::Bridge,
            1 if self.is_faulty() => Place::Foreign,
            _ => Place::Mirror,
        };
        let access = self.access();
        let quirk = match access {
            // These accesses and most quirks would both set how the response is sent.
            Access::HugeHeader(_) | Access::Archived(_) => Quirk::None,
            Access::Cut(..) | Access::Paced(..) => {
                self.pick(&[Quirk::None, Quirk::HeadRefused(405), Quirk::HeadNoLength])
            }
            _ => self.quirk(),
        };
        let plain = !matches!(
            access,
            Access::HugeHeader(_) | Access::Cut(..) | Access::Paced(..) | Access::Archived(_)
        );
        let mut served = self.served();
        if matches!(access, Access::Archived(_)) {
            served.body = Body::Meant;
        }
        if !plain {
            served.get = served.head;
        }
        let changes = plain && self.one_in(12) && self.is_faulty();
        Artifact {
            place,
            directory: self.rng.usize(0..directories),
            twin_of: None,
            served,
            later: changes.then(|| (self.rng.usize(0..4), self.served())),
            access,
            quirk,
            tagged: self.one_in(2),
            size: self.one_in(3).then(|| self.truth()),
            uncompressed: self.one_in(3).then(|| self.truth()),
            legacy: self
                .one_in(3)
                .then(|| Legacy { sha256: self.truth(), size: self.one_in(2).then(|| self.truth()) }),
            sums: (!self.one_in(6)).then(|| self.claim()),
            meta: (!self.one_in(6))
                .then(|| ((!self.one_in(8)).then(|| self.claim()), (!self.one_in(4)).then(|| self.truth()))),
            meta_inside: (!self.one_in(3)).then(|| if self.is_faulty() { Claim::Other } else { Claim::Same }),
            signature: self.one_in(6).then(|| self.access()),
        }
    }
}

impl Draw {
    /// A source, and the number of its documents.
    fn source(&mut self) -> (Source, usize) {
        let written = self.pick(&[Written::Json, Written::JsonList, Written::Yaml, Written::YamlAmongOthers]);
        let keys = self.pick(&[Keys::Stream, Keys::Streams, Keys::Both, Keys::Apart]);
        let documents = match keys {
            Keys::Stream => 1,
            Keys::Apart => self.rng.usize(2..4),
            Keys::Streams | Keys::Both => self.rng.usize(1..4),
        };
        match self.rng.u32(0..10) {
            0 => (Source::File, 1),
            1 => (Source::Stdin, 1),
            2 => (Source::Manifest(keys, written), documents),
            3 => (Source::Payload(keys, written), documents),
            4..6 => self.branches(),
            6 => (Source::Checkout, 3),
            _ => (Source::Checkout, 1),
        }
    }

    fn branches(&mut self) -> (Source, usize) {
        let documents = self.rng.usize(1..5);
        let mut branches: Vec<Branch> = BRANCHES
            .into_iter()
            .map(|name| {
                let mut its: Vec<usize> = (0..documents).filter(|_| self.one_in(3)).collect();
                // Such an old release has no document.
                if name == WITHOUT_DOCUMENTS {
                    its.clear();
                }
                Branch {
                    name,
                    documents: its,
                    malformed: name != WITHOUT_DOCUMENTS && self.is_faulty() && self.one_in(4),
                }
            })
            .collect();
        // Each document must be on a branch.
        for document in 0..documents {
            if !branches.iter().any(|branch| branch.documents.contains(&document)) {
                let at = self.rng.usize(1..branches.len());
                branches[at].documents.push(document);
                branches[at].documents.sort_unstable();
            }
        }
        // The branch of `--ref main` always exists, because a pattern without matches is a usage error.
        branches.retain(|branch| branch.name == "main" || !branch.documents.is_empty() || self.one_in(3));
        (Source::Branches(branches), documents)
    }

    fn proxy(&mut self) -> ProxyState {
        match self.rng.u32(0..20) {
            // Of the successful statuses, only 200 is accepted.
            0 => ProxyState::Status(self.rng.u16(201..300)),
            1 => ProxyState::Status(self.pick(&[301, 302, 307, 308])),
            2 => ProxyState::Status(self.pick(&[400, 403, 404, 407, 407, 429])),
            3 => ProxyState::Status(self.pick(&[500, 502, 503, 504])),
            4 => self.pick(&[ProxyState::Garbage, ProxyState::Page]),
            5 if self.one_in(2) => ProxyState::Silent,
            6 => self.pick(&[ProxyState::Closes, ProxyState::Resets]),
            7..9 => ProxyState::Dies(self.rng.u64(0..40_000)),
            9..12 => ProxyState::ComesBack(self.rng.u64(1..6)),
            _ => ProxyState::Works(self.pick(&WORKING_PROXIES)),
        }
    }

    fn away(&mut self) -> HostState {
        let away = match self.rng.u32(0..8) {
            0 => Away::BlackHole,
            1..4 => Away::Resets,
            _ => Away::Answers(self.pick(&[
                Fault::Status(500),
                Fault::Status(503),
                Fault::Busy(429),
                Fault::Reset,
                Fault::Close,
                Fault::Garbage,
            ])),
        };
        // Each request to a black hole takes a whole timeout.
        let times = if away == Away::BlackHole { self.rng.u64(1..3) } else { self.rng.u64(1..6) };
        // Some outages are longer than a short interruption.
        let ms = if self.one_in(4) { self.rng.u64(1_200..2_000) } else { self.rng.u64(0..400) };
        HostState::ComesBack(away, times, ms)
    }

    /// Another artifact with the same file, if the file is answered the same way however often it is requested.
    fn twin(&mut self, of: usize, artifact: &Artifact) -> Option<Artifact> {
        let is_steady = artifact.access.is_steady() && artifact.later.is_none();
        let is_steady = is_steady && artifact.signature.is_none_or(Access::is_steady);
        is_steady.then(|| Artifact {
            twin_of: Some(of),
            size: (!self.one_in(4)).then(|| if self.one_in(3) { Truth::Wrong } else { Truth::Right }),
            ..artifact.clone()
        })
    }
}

impl World {
    /// Generates the world of a seed.
    pub fn draw(seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed);
        let error = [0, 30, 80, 200, 500][rng.usize(0..5)];
        let mut draw = Draw { rng, error };
        let builds = [
            Build::Ocp,
            Build::Ocp,
            Build::Streams,
            Build::Streams,
            Build::OldOcp,
            Build::Rhel,
            Build::Respun,
        ];
        let directories: Vec<Directory> = (0..draw.rng.usize(1..4))
            .map(|_| Directory { build: draw.pick(&builds), sums: draw.sidecar(), meta: draw.sidecar() })
            .collect();
        let host = match draw.rng.u32(0..60) {
            0 => HostState::Resets,
            1 => HostState::BlackHole,
            2 => HostState::Private,
            3..7 => draw.away(),
            _ => HostState::Up,
        };
        let wires = [Wire::Plain, Wire::Plain, Wire::Http1, Wire::Http2, Wire::Proxied, Wire::Proxied];
        let mut wire = draw.pick(&wires);
        if host != HostState::Up && wire == Wire::Proxied {
            // With a proxy, only the proxy's host is resolved and connected to.
            wire = Wire::Plain;
        }
        let proxy = if wire == Wire::Proxied { draw.proxy() } else { ProxyState::Works(WORKING_PROXIES[0]) };
        let mut artifacts: Vec<Artifact> =
            (0..draw.rng.usize(5..=20)).map(|_| draw.artifact(directories.len())).collect();
        let verify = draw.pick(&[Verify::Exists, Verify::Published, Verify::Auto, Verify::Content]);
        if matches!(verify, Verify::Auto | Verify::Content) {
            // An endless body would be read at full speed up to the size limit, which takes too long for a round.
            for artifact in artifacts.iter_mut().filter(|it| it.quirk == Quirk::Endless) {
                artifact.quirk = Quirk::Trickle;
            }
        }
        // With a proxy, the published hosts are requested.
        let target = if wire != Wire::Proxied && draw.one_in(4) { Target::Bridge } else { Target::Published };
        if target == Target::Bridge {
            // Locations that cannot be resolved to the bridge are not covered.
            for artifact in &mut artifacts {
                artifact.place = Place::Mirror;
            }
        }
        let (source, documents) = draw.source();
        if source != Source::Checkout || documents > 1 {
            for artifact in &mut artifacts {
                artifact.legacy = None;
            }
        }
        for of in 0..artifacts.len() {
            let twin = if draw.one_in(8) { draw.twin(of, &artifacts[of]) } else { None };
            artifacts.extend(twin);
        }
        let mut document: Vec<usize> = (0..artifacts.len()).collect();
        draw.rng.shuffle(&mut document);
        let retries = if draw.one_in(5) { Retries::For(1_500) } else { Retries::Times(draw.rng.u32(0..3)) };
        let mut world = Self {
            cloud: Vec::new(),
            cloud_mode: draw.pick(&[Mode::Ignore, Mode::Warn, Mode::Require, Mode::Require]),
            source,
            target,
            wire,
            proxy,
            host,
            verify,
            signatures: draw.pick(&[Signatures::Ignore, Signatures::Warn, Signatures::Require]),
            retries,
            directories,
            document,
            documents,
            artifacts,
        };
        if matches!(host, HostState::ComesBack(..)) || matches!(proxy, ProxyState::ComesBack(_)) {
            // Far more time than needed, and no other faults that could use it up.
            world.make_steady();
            world.retries = Retries::For(10_000);
        } else if cloud::are_asked(&world) {
            world.cloud = CloudReference::draw(&mut draw.rng, wire, error);
        }
        world
    }

    /// Removes everything that is answered differently over time, or never completely.
    pub fn make_steady(&mut self) {
        let normalize = |access: &mut Access| {
            if !access.is_steady() {
                *access = Access::Normal;
            }
        };
        for sidecar in self.directories.iter_mut().flat_map(|it| [&mut it.sums, &mut it.meta]) {
            normalize(&mut sidecar.access);
            if sidecar.form == Form::Endless {
                sidecar.form = Form::Good;
            }
        }
        for artifact in &mut self.artifacts {
            normalize(&mut artifact.access);
            artifact.signature.iter_mut().for_each(normalize);
            artifact.later = None;
            if matches!(artifact.quirk, Quirk::Endless | Quirk::Trickle) {
                artifact.quirk = Quirk::None;
            }
        }
    }
}
