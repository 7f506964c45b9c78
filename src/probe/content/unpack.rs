//! gzip, xz and zstd, as streams of any number of members, bounded in size and memory.

use std::fmt;
use std::io::{self, BufRead, Read};

use flate2::bufread::MultiGzDecoder;
use liblzma::stream::{Action, CONCATENATED, Error as XzError, Status, Stream};
use ring::digest::{Context, SHA256};

use super::memory::{Memory, Share};
use super::tap::{Tap, digest};
use crate::stream::Sha256;

/// The most bytes that one file is decompressed to, whatever a document says.
pub const MAX_UNCOMPRESSED_BYTES: u64 = 64 * 1024 * 1024 * 1024;

/// How many times its compressed size a file may have, once it is larger than [`RATIO_FREE_BYTES`]. Boot
/// images have two to five times; deflate ends at about 1032.
const MAX_RATIO: u64 = 250;

/// Up to this size no ratio is too much, in bytes.
const RATIO_FREE_BYTES: u64 = 1024 * 1024 * 1024;

/// What is decompressed at a time, in bytes: fits a core's own cache.
const BUFFER_BYTES: usize = 128 * 1024;

/// What xz decoders may need, in MiB, in steps: the presets' dictionaries and what goes with them.
const XZ_STEPS_MIB: [u64; 6] = [4, 10, 18, 34, 66, 130];

/// What a zstd decoder is taken to need, in MiB: the window of every level up to 19, and buffers.
const ZSTD_MIB: u64 = 10;

/// zstd's own limit for a window, as a power of two (`ZSTD_WINDOWLOG_LIMIT_DEFAULT`): all levels without
/// `--long`.
const ZSTD_WINDOW_LOG: u32 = 27;

/// What came of decompressing a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Uncompressed {
    /// It is whole.
    Whole {
        /// The decompressed size in bytes.
        bytes: u64,
        /// The digest of the decompressed bytes.
        sha256: Sha256,
    },
    /// It cannot be decompressed, or not within the limits. Why, for a person.
    Unusable(String),
}

/// A way to compress.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Gzip,
    Xz,
    Zstd,
}

impl Format {
    /// As a file's name says.
    pub(super) fn by_name(name: &str) -> Option<Self> {
        let (_, suffix) = name.rsplit_once('.')?;
        match suffix.to_ascii_lowercase().as_str() {
            "gz" | "tgz" => Some(Self::Gzip),
            "xz" => Some(Self::Xz),
            "zst" | "zstd" => Some(Self::Zstd),
            _ => None,
        }
    }

    /// As a file's first bytes say (RFC 1952, section 2.3.1; the .xz file format, section 2.1.1.1; RFC 8878,
    /// sections 3.1.1 and 3.1.2).
    fn by_magic(first: &[u8]) -> Option<Self> {
        match first {
            [0x1f, 0x8b, ..] => Some(Self::Gzip),
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Some(Self::Xz),
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Some(Self::Zstd),
            _ => None,
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Gzip => "gzip",
            Self::Xz => "xz",
            Self::Zstd => "zstd",
        })
    }
}

/// Decompresses what comes from the tap. The tap may have more to read afterwards, if this failed; `None` if
/// the file is not compressed at all.
pub(super) fn unpack(
    tap: &mut Tap,
    named: Option<Format>,
    size: Option<u64>,
    memory: &Memory,
) -> Option<Uncompressed> {
    let found = Format::by_magic(tap.peek(6));
    let format = match (named, found) {
        (Some(named), Some(found)) if named == found => named,
        (Some(named), Some(found)) => {
            return Some(Uncompressed::Unusable(format!(
                "it is named as {named} but begins as {found} does"
            )));
        }
        (Some(named), None) => {
            return Some(Uncompressed::Unusable(format!(
                "it is named as {named} but does not begin as {named} does"
            )));
        }
        (None, Some(found)) => found,
        (None, None) => return None,
    };
    let count = tap.count();
    let unpacked = match format {
        Format::Gzip => drain(&mut MultiGzDecoder::new(tap), size, || count.get()),
        Format::Xz => Xz::new(tap, memory).and_then(|mut xz| drain(&mut xz, size, || count.get())),
        Format::Zstd => {
            let _share = memory.share(ZSTD_MIB);
            zstd::stream::read::Decoder::with_buffer(tap).and_then(|mut decoder| {
                decoder.window_log_max(ZSTD_WINDOW_LOG)?;
                drain(&mut decoder, size, || count.get())
            })
        }
    };
    Some(unpacked.unwrap_or_else(|error| {
        let error = crate::text::excerpt(&error.to_string(), 200);
        Uncompressed::Unusable(format!("it is no whole {format} file: {error}"))
    }))
}

/// Reads to the end, within the limits.
fn drain(
    decoder: &mut impl Read,
    size: Option<u64>,
    compressed: impl Fn() -> u64,
) -> io::Result<Uncompressed> {
    let limit = size.map_or(MAX_UNCOMPRESSED_BYTES, |size| size.min(MAX_UNCOMPRESSED_BYTES));
    let mut hash = Context::new(&SHA256);
    let mut buffer = vec![0; BUFFER_BYTES];
    let mut bytes = 0_u64;
    loop {
        let read = match decoder.read(&mut buffer) {
            Ok(0) => return Ok(Uncompressed::Whole { bytes, sha256: digest(hash) }),
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        bytes = bytes.saturating_add(u64::try_from(read).unwrap_or(u64::MAX));
        if bytes > limit {
            let known =
                if size == Some(limit) { "as it should have" } else { "that are decompressed at most" };
            let limit = crate::text::bytes(limit);
            return Ok(Uncompressed::Unusable(format!("it decompresses to more than the {limit} {known}")));
        }
        if bytes > RATIO_FREE_BYTES && size.is_none() && bytes / MAX_RATIO > compressed() {
            return Ok(Uncompressed::Unusable(format!(
                "it decompresses to more than {MAX_RATIO} times its size, which no boot image does"
            )));
        }
        hash.update(buffer.get(..read).unwrap_or_default());
    }
}

/// An xz decoder that takes no more memory than it needs, and waits for that.
struct Xz<'t, 'm> {
    tap: &'t mut Tap,
    stream: Stream,
    memory: &'m Memory,
    share: Option<Share<'m>>,
    ended: bool,
}

impl<'t, 'm> Xz<'t, 'm> {
    fn new(tap: &'t mut Tap, memory: &'m Memory) -> io::Result<Self> {
        let [first, ..] = XZ_STEPS_MIB;
        let stream = Stream::new_stream_decoder(mebibytes(first), CONCATENATED)?;
        Ok(Self { tap, stream, memory, share: Some(memory.share(first)), ended: false })
    }

    /// Takes as much more memory as the file needs.
    fn grow(&mut self) -> io::Result<()> {
        for mib in XZ_STEPS_MIB {
            if self.stream.set_memlimit(mebibytes(mib)).is_ok() {
                // The old share goes first: nobody holds one while waiting for another.
                self.share = None;
                self.share = Some(self.memory.share(mib));
                return Ok(());
            }
        }
        let [.., most] = XZ_STEPS_MIB;
        Err(io::Error::other(format!("decompressing it would take more than {most} MiB of memory")))
    }
}

fn mebibytes(number: u64) -> u64 {
    number.saturating_mul(1024 * 1024)
}

impl Read for Xz<'_, '_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while !self.ended {
            let input = self.tap.fill_buf()?;
            let action = if input.is_empty() { Action::Finish } else { Action::Run };
            let (before_in, before_out) = (self.stream.total_in(), self.stream.total_out());
            let status = self.stream.process(input, buffer, action);
            let consumed = usize::try_from(self.stream.total_in().saturating_sub(before_in)).unwrap_or(0);
            let read = usize::try_from(self.stream.total_out().saturating_sub(before_out)).unwrap_or(0);
            self.tap.consume(consumed);
            match status {
                Ok(Status::StreamEnd) => self.ended = true,
                Err(XzError::MemLimit) => self.grow()?,
                Ok(Status::MemNeeded) if consumed == 0 && read == 0 => {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                Ok(_) => {}
                Err(error) => return Err(error.into()),
            }
            if read > 0 {
                return Ok(read);
            }
        }
        Ok(0)
    }
}
