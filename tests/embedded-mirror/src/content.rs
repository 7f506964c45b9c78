//! The content of a file.

use std::sync::LazyLock;

use bytes::Bytes;

/// The length of the repeated pattern of synthetic files, in bytes; a prime, so that 64 KiB blocks near each other
/// differ.
const PATTERN_LEN: usize = 262_139;

static PATTERN: LazyLock<Bytes> = LazyLock::new(|| {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let next = || {
        // xorshift64
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[0]
    };
    std::iter::repeat_with(next).take(PATTERN_LEN).collect()
});

/// The bytes of a file.
#[derive(Debug, Clone)]
pub enum Content {
    /// Bytes in memory.
    Bytes(Bytes),
    /// Pseudo-random bytes, generated as they are sent, which takes no memory and almost no time.
    Synthetic {
        /// Different seeds give different bytes.
        seed: u64,
        /// The number of bytes.
        size: u64,
    },
}

impl Content {
    /// The size in bytes.
    pub fn size(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::Synthetic { size, .. } => *size,
        }
    }

    /// A slice of the content from `offset`, of at most `max` bytes; empty only at the end. Nothing is copied.
    pub fn chunk(&self, offset: u64, max: u64) -> Bytes {
        match self {
            Self::Bytes(bytes) => {
                let end = offset.saturating_add(max).min(bytes.len() as u64);
                if offset >= end {
                    return Bytes::new();
                }
                bytes.slice(index(offset)..index(end))
            }
            Self::Synthetic { seed, size } => {
                let length = size.saturating_sub(offset).min(max);
                let period = PATTERN_LEN as u64;
                let start = index((seed.wrapping_mul(7919) % period + offset % period) % period);
                let end = start.saturating_add(index(length)).min(PATTERN_LEN);
                PATTERN.slice(start..end)
            }
        }
    }

    /// The SHA-256 of the content, which takes a while for large synthetic files.
    pub fn sha256(&self) -> [u8; 32] {
        let mut context = ring::digest::Context::new(&ring::digest::SHA256);
        let mut offset = 0;
        loop {
            let chunk = self.chunk(offset, u64::MAX);
            if chunk.is_empty() {
                break;
            }
            offset += chunk.len() as u64;
            context.update(&chunk);
        }
        let mut digest = [0; 32];
        digest.copy_from_slice(context.finish().as_ref());
        digest
    }
}

fn index(offset: u64) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(content: &Content, from: u64, step: u64) -> Vec<u8> {
        let mut bytes = Vec::new();
        loop {
            let chunk = content.chunk(from + bytes.len() as u64, step);
            if chunk.is_empty() {
                return bytes;
            }
            bytes.extend(chunk);
        }
    }

    #[test]
    fn synthetic_bytes_depend_on_seed_and_offset_alone() {
        let content = Content::Synthetic { seed: 3, size: 600_001 };
        let whole = all(&content, 0, u64::MAX);
        assert_eq!(whole.len(), 600_001);
        assert_eq!(all(&content, 0, 1000), whole);
        assert_eq!(all(&content, 262_200, 77), whole[262_200..]);
        assert_ne!(all(&Content::Synthetic { seed: 4, size: 600_001 }, 0, u64::MAX), whole);
        assert_eq!(content.sha256(), Content::Bytes(whole.into()).sha256());
        assert!(content.chunk(600_001, 1).is_empty());
        assert!(content.chunk(u64::MAX, u64::MAX).is_empty());
    }
}
