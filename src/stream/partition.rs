//! Splitting a run into parts.

use std::fmt;
use std::str::FromStr;

use ring::digest::{Context, SHA256};

use super::{ArtifactId, Sha256};

/// The most parts of a run.
const MAX_PARTS: u32 = 10_000;

/// One of several disjoint parts that together are complete.
///
/// As in cargo-nextest's `hash:` partitions, the part depends only on the artifact and not on the rest of the
/// document: the SHA-256 of its id `ARCH/PLATFORM/FORMAT/COMPONENT`, a line feed and the 64 lower-case digits of its
/// sha256; the first 8 bytes of that, as a big-endian number, modulo the number of parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Partition {
    part: u32,
    of: u32,
}

/// A text does not name a part.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected K/N, the K-th of N parts, such as 2/8; K from 1 to N, N at most {MAX_PARTS}")]
pub struct PartitionError;

impl Partition {
    /// Part number `part`, from 1, of `of`.
    pub fn new(part: u32, of: u32) -> Result<Self, PartitionError> {
        if (1..=of).contains(&part) && of <= MAX_PARTS { Ok(Self { part, of }) } else { Err(PartitionError) }
    }

    /// The number of this part, from 1.
    pub const fn part(self) -> u32 {
        self.part
    }

    pub const fn of(self) -> u32 {
        self.of
    }

    /// Whether an artifact belongs to this part.
    pub fn contains(self, id: &ArtifactId, sha256: &Sha256) -> bool {
        let mut hash = Context::new(&SHA256);
        hash.update(format!("{id}\n{sha256}").as_bytes());
        let first =
            hash.finish().as_ref().iter().take(8).fold(0_u64, |sum, &byte| sum << 8 | u64::from(byte));
        first % u64::from(self.of) == u64::from(self.part - 1)
    }
}

impl FromStr for Partition {
    type Err = PartitionError;

    fn from_str(text: &str) -> Result<Self, PartitionError> {
        let (part, of) = text.strip_prefix("hash:").unwrap_or(text).split_once('/').ok_or(PartitionError)?;
        let number = |text: &str| {
            let digits = text.bytes().all(|byte| byte.is_ascii_digit());
            digits.then(|| text.parse().ok()).flatten().ok_or(PartitionError)
        };
        Self::new(number(part)?, number(of)?)
    }
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.part, self.of)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn id(text: &str) -> ArtifactId {
        let mut names = text.split('/').map(std::sync::Arc::from);
        let mut next = || names.next().unwrap();
        ArtifactId { arch: next(), platform: next(), format: next(), component: next() }
    }

    #[test]
    fn a_part_is_parsed() {
        for (text, parsed) in [
            ("1/1", Some((1, 1))),
            ("8/8", Some((8, 8))),
            ("hash:2/3", Some((2, 3))),
            ("0/3", None),
            ("4/3", None),
            ("1/0", None),
            ("1/10001", None),
            ("+1/3", None),
            ("/", None),
            ("1", None),
            ("count:1/2", None),
        ] {
            let partition = text.parse::<Partition>().ok();
            assert_eq!(partition.map(|it| (it.part(), it.of())), parsed, "{text}");
        }
    }

    #[test]
    fn where_an_artifact_belongs_never_changes() {
        // From `printf 'x86_64/metal/iso/disk\\n%064d' 0 | sha256sum`: 0x68b094433653935e modulo 2, 3 and 1000.
        let (id, sha256) = (id("x86_64/metal/iso/disk"), Sha256::from_bytes([0; 32]));
        let part = |of| (1..=of).find(|&part| Partition::new(part, of).unwrap().contains(&id, &sha256));
        assert_eq!([part(1), part(2), part(3), part(1000)], [Some(1), Some(1), Some(1), Some(359)]);
    }

    proptest! {
        #[test]
        fn every_artifact_is_in_exactly_one_part(names in "[a-z0-9]{1,8}(/[a-z0-9.]{1,8}){3}", digest: [u8; 32], of in 1_u32..50) {
            let (id, sha256) = (id(&names), Sha256::from_bytes(digest));
            let parts = (1..=of).filter(|&part| Partition::new(part, of).unwrap().contains(&id, &sha256));
            prop_assert_eq!(parts.count(), 1);
        }
    }
}
