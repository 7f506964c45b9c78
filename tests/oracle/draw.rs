//! Draws worlds from seeds.

use fastrand::Rng;

use crate::cloud::{self, CloudReference, Mode};
use crate::world::{
    Access, Archive, Artifact, Astray, Body, Claim, Directory, Fault, Firewall, Form, Header, HostState,
    Legacy, Place, Quirk, Says, Served, Sidecar, Signatures, Style, Truth, Verify, Wire, World,
};

/// The statuses that say a file isn't there; 0 stands for S3's own 403.
const MISSING: [u16; 4] = [404, 410, 403, 0];
/// Statuses that say neither that a file is there nor that it isn't, and that nobody needs to ask again about.
pub const ODD: [u16; 9] = [204, 205, 304, 400, 401, 402, 406, 418, 451];
/// Where a redirect must not lead.
pub const ASTRAY: [Astray; 11] = [
    Astray::Foreign,
    Astray::OtherPort,
    Astray::MetadataService,
    Astray::Bridge,
    Astray::Downgrade,
    Astray::UserInfo,
    Astray::OtherScheme,
    Astray::NoUrl,
    Astray::Loop,
    Astray::TooMany,
    Astray::NoLocation,
];

/// Draws with a given amount of trouble.
struct Draw {
    rng: Rng,
    /// In so many of a thousand choices something is wrong.
    error: u16,
}

impl Draw {
    fn amiss(&mut self) -> bool {
        self.rng.u16(0..1000) < self.error
    }

    fn one_in(&mut self, n: u32) -> bool {
        self.rng.u32(0..n) == 0
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.rng.usize(0..from.len())]
    }

    fn fault(&mut self) -> Fault {
        // What takes a whole timeout is rarer, for the rounds' speed alone.
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
        if !self.amiss() {
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
            _ => Access::Misled(self.redirect(), self.rng.u32(0..5), self.pick(&ASTRAY)),
        }
    }

    fn redirect(&mut self) -> u16 {
        self.pick(&[301, 302, 303, 307, 307, 308])
    }

    fn sidecar(&mut self) -> Sidecar {
        let form = match self.rng.u32(0..16) {
            0 => Form::Labelled,
            _ if !self.amiss() => Form::Good,
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
        // Real directories seldom have both.
        let access = if self.one_in(3) { Access::Missing(self.pick(&MISSING)) } else { self.access() };
        let form = match access {
            // Each of these is how the body is sent, and so are two of the forms.
            Access::HugeHeader(_) if matches!(form, Form::Labelled | Form::Endless) => Form::Good,
            // What is cut must be longer than what is left of it, and what is paced must come to an end soon.
            Access::Cut(..) | Access::Paced(..)
                if !matches!(form, Form::JunkAround | Form::CutShort | Form::Stale) =>
            {
                Form::Good
            }
            _ => form,
        };
        Sidecar { access, form }
    }

    fn truth(&mut self) -> Truth {
        if self.amiss() { Truth::Wrong } else { Truth::Right }
    }

    fn claim(&mut self) -> Claim {
        match self.rng.u32(0..4) {
            _ if !self.amiss() => Claim::Same,
            0 => Claim::Both,
            _ => Claim::Other,
        }
    }

    fn served(&mut self) -> Served {
        let body = if self.amiss() {
            self.pick(&[Body::SameSize, Body::SameSize, Body::Longer, Body::Shorter, Body::Empty, Body::Html])
        } else {
            Body::Meant
        };
        let head = self.header();
        let get = if self.one_in(4) && self.amiss() { self.header() } else { head };
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
        let says = if self.amiss() {
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
            8 if self.amiss() => Quirk::HeadLies,
            9 if self.amiss() => self.pick(&[Quirk::Endless, Quirk::Trickle]),
            10 => Quirk::RangeUnknown,
            11 if self.amiss() => Quirk::RangeLies,
            _ => Quirk::Labelled,
        }
    }

    fn artifact(&mut self, directories: usize) -> Artifact {
        let place = match self.rng.u32(0..30) {
            0 if self.amiss() => Place::Bridge,
            1 if self.amiss() => Place::Foreign,
            _ => Place::Mirror,
        };
        let access = self.access();
        let quirk = match access {
            // Each of these is how the answer is sent, and so are most quirks.
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
        let changes = plain && self.one_in(12) && self.amiss();
        Artifact {
            place,
            directory: self.rng.usize(0..directories),
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
            meta_inside: (!self.one_in(3)).then(|| if self.amiss() { Claim::Other } else { Claim::Same }),
            signature: self.one_in(6).then(|| self.access()),
        }
    }
}

impl World {
    /// The world of a seed.
    pub fn draw(seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed);
        let error = [0, 30, 80, 200, 500][rng.usize(0..5)];
        let mut draw = Draw { rng, error };
        let directories: Vec<Directory> = (0..draw.rng.usize(1..4))
            .map(|_| Directory { streams: draw.rng.bool(), sums: draw.sidecar(), meta: draw.sidecar() })
            .collect();
        let host = match draw.rng.u32(0..60) {
            0 => HostState::Resets,
            1 => HostState::BlackHole,
            2 => HostState::Private,
            _ => HostState::Up,
        };
        let mut wire = draw.pick(&[Wire::Plain, Wire::Plain, Wire::Http1, Wire::Http2, Wire::Proxied]);
        if host != HostState::Up && wire == Wire::Proxied {
            // Behind a proxy it is the proxy's host that has an address, and that one is fine.
            wire = Wire::Plain;
        }
        let mut artifacts: Vec<Artifact> =
            (0..draw.rng.usize(5..=20)).map(|_| draw.artifact(directories.len())).collect();
        let verify = draw.pick(&[Verify::Exists, Verify::Published, Verify::Auto, Verify::Content]);
        if matches!(verify, Verify::Auto | Verify::Content) {
            // A body without end that comes fast is read until it is larger than anything: too long for a round.
            for artifact in artifacts.iter_mut().filter(|it| it.quirk == Quirk::Endless) {
                artifact.quirk = Quirk::Trickle;
            }
        }
        let cloud = if cloud::are_asked(host) {
            CloudReference::draw(&mut draw.rng, wire, error)
        } else {
            Vec::new()
        };
        Self {
            cloud,
            cloud_mode: draw.pick(&[Mode::Ignore, Mode::Warn, Mode::Require, Mode::Require]),
            wire,
            host,
            verify,
            signatures: draw.pick(&[Signatures::Ignore, Signatures::Warn, Signatures::Require]),
            retries: draw.rng.u32(0..3),
            directories,
            document: (0..artifacts.len()).collect(),
            artifacts,
        }
    }
}
