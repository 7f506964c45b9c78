//! Damages a world, one fault at a time.

use fastrand::Rng;

use crate::draw::{BAD_TARGETS, ODD};
use crate::world::{
    Access, Artifact, BadTarget, Body, Claim, Fault, Form, Header, Legacy, Says, Sidecar, Style, Truth,
    Verify, World,
};

impl World {
    /// Adds one fault to each artifact, or one to a sidecar of each directory.
    pub fn damage(&mut self, rng: &mut Rng) {
        if rng.u8(0..3) > 0 {
            self.artifacts.iter_mut().for_each(|artifact| artifact.damage(rng));
            return;
        }
        // If bytes are verified, they take precedence over an unavailable sidecar, even if it contradicted before.
        let may_vanish = matches!(self.verify, Verify::Exists | Verify::Published);
        for directory in &mut self.directories {
            let sidecar = if rng.bool() { &mut directory.sums } else { &mut directory.meta };
            sidecar.damage(rng, may_vanish);
        }
    }
}

impl Artifact {
    fn damage(&mut self, rng: &mut Rng) {
        let other = if rng.bool() { Claim::Other } else { Claim::Both };
        match rng.u8(0..9) {
            // A wrong file is not replaced, because another wrong file could be less wrong.
            0..2 if self.served.body == Body::Meant => {
                let others =
                    [Body::SameSize, Body::SameSize, Body::Longer, Body::Shorter, Body::Empty, Body::Html];
                self.served.body = pick(rng, &others);
            }
            0..3 => {
                let style = pick(rng, &[Style::ReprDigest, Style::Digest, Style::S3Checksum, Style::S3Meta]);
                let says = pick(rng, &[Says::Other, Says::Contradiction]);
                let header = Some(Header { style, says });
                (self.served.head, self.served.get) = (header, header);
            }
            3 => self.size = Some(Truth::Wrong),
            4 => self.sums = Some(other),
            5 => self.meta = Some((Some(other), self.meta.and_then(|(_, size)| size))),
            6 => self.uncompressed = Some(Truth::Wrong),
            7 => {
                let size = self.legacy.and_then(|legacy| legacy.size);
                self.legacy = Some(Legacy { sha256: Truth::Wrong, size });
            }
            _ => match &mut self.signature {
                Some(signature) if rng.bool() => *signature = out_of_reach(rng),
                _ => self.access = out_of_reach(rng),
            },
        }
    }
}

impl Sidecar {
    fn damage(&mut self, rng: &mut Rng, may_vanish: bool) {
        if may_vanish && rng.bool() {
            self.access = out_of_reach(rng);
        } else if matches!(self.form, Form::Good | Form::Labelled) {
            self.form = pick(rng, &[Form::JunkAround, Form::CutShort]);
        }
    }
}

/// An access that never shows whether the file exists.
fn out_of_reach(rng: &mut Rng) -> Access {
    match rng.u8(0..3) {
        0 => {
            let faults =
                [Fault::Status(500), Fault::Status(408), Fault::Busy(429), Fault::Reset, Fault::Garbage];
            Access::Always(pick(rng, &faults))
        }
        1 => Access::Odd(pick(rng, &ODD)),
        _ => {
            // A downgrade is not possible from http, where that redirect is allowed.
            let bad_targets =
                BAD_TARGETS.into_iter().filter(|bad_target| *bad_target != BadTarget::Downgrade);
            Access::BadlyRedirected(
                pick(rng, &[301, 302, 307]),
                rng.u32(0..3),
                pick(rng, &bad_targets.collect::<Vec<_>>()),
            )
        }
    }
}

fn pick<T: Copy>(rng: &mut Rng, from: &[T]) -> T {
    from[rng.usize(0..from.len())]
}
