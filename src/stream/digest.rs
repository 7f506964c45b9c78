//! SHA-256 digests.

use std::fmt;
use std::str::FromStr;

use data_encoding::{HEXLOWER, HEXLOWER_PERMISSIVE};
use ring::digest::{Context, SHA256};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A SHA-256 digest: 32 bytes, written as 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Sha256([u8; 32]);

impl Sha256 {
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    pub fn of(bytes: &[u8]) -> Self {
        let mut hash = Context::new(&SHA256);
        hash.update(bytes);
        Self::of_hashed(hash)
    }

    /// The digest of what a SHA-256 hash has seen.
    pub fn of_hashed(hash: Context) -> Self {
        let mut digest = [0; 32];
        digest.copy_from_slice(hash.finish().as_ref());
        Self(digest)
    }

    /// Parses 64 hexadecimal digits of either case, as coreutils does.
    pub fn from_hex(text: &str) -> Result<Self, Sha256Error> {
        let bytes = HEXLOWER_PERMISSIVE.decode(text.as_bytes()).map_err(|_| Sha256Error)?;
        bytes.try_into().map(Self).map_err(|_| Sha256Error)
    }
}

/// A text is not a SHA-256 digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected 64 hexadecimal digits in lower case")]
pub struct Sha256Error;

impl FromStr for Sha256 {
    type Err = Sha256Error;

    /// Parses 64 lower-case hexadecimal digits. Upper case is refused because the installer compares digests as text
    /// formatted with Go's `%x` (`pkg/rhcos/cache`, `cacheFile`).
    fn from_str(text: &str) -> Result<Self, Sha256Error> {
        let digest = Self::from_hex(text)?;
        if text.bytes().any(|byte| byte.is_ascii_uppercase()) { Err(Sha256Error) } else { Ok(digest) }
    }
}

impl fmt::Display for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&HEXLOWER.encode(&self.0))
    }
}

impl fmt::Debug for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sha256({self})")
    }
}

impl<'de> Deserialize<'de> for Sha256 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl Serialize for Sha256 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_exactly_64_hexadecimal_digits() {
        let good = "f6e4458958f38a7bccae4a89a73134d431b86b183ebcf76542446c959fa2d520";
        assert_eq!(good.parse::<Sha256>().unwrap().to_string(), good);
        assert_eq!(format!("{:?}", good.parse::<Sha256>().unwrap()), format!("Sha256({good})"));
        assert_eq!(
            good.to_uppercase().parse::<Sha256>(),
            Err(Sha256Error),
            "Go formats digests in lower case"
        );
        assert_eq!(Sha256::from_hex(&good.to_uppercase()).unwrap().to_string(), good);
        let long = format!("{good}00");
        for bad in ["", "abc", &good[1..], &long, &format!(" {}", &good[1..]), &good.replace('f', "g")] {
            assert_eq!(bad.parse::<Sha256>(), Err(Sha256Error), "{bad}");
        }
    }
}
