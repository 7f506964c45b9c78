//! gzip, xz and zstd with any number of members, and zip with one, bounded in size and memory.

use std::fmt;
use std::io;
use std::sync::{Mutex, PoisonError};

use flate2::bufread::MultiGzDecoder;
use liblzma::bufread::XzDecoder;
use liblzma::stream::{CONCATENATED, Error as XzError, Stream};
use zstd::stream::read::Decoder as ZstdDecoder;

use super::drain::{NotOpened, Uncompressed, drain};
use super::tap::Tap;
use super::unzip::unzip;

/// The memory limit of an xz decoder in MiB: enough for the 64 MiB dictionary of `-9`.
const XZ_MIB: u64 = 66;

/// The largest window of a zstd frame, as a power of two: 64 MiB, enough for every level but `--ultra -22`.
const ZSTD_WINDOW_LOG: u32 = 26;

/// zstd's error for a larger window (`ZSTD_getErrorString`).
const ZSTD_WINDOW_TOO_LARGE: &str = "Frame requires too much memory for decoding";

/// Held while an xz or zstd file is decompressed: its sender chooses how much memory that takes, so only one
/// is at a time. gzip and zip need 32 KiB (RFC 1951).
pub(super) type LargeDecoder = Mutex<()>;

/// A supported compression format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Gzip,
    Xz,
    Zstd,
    Zip,
}

/// Suffixes of files that are not compressed.
const PLAIN: [&str; 11] =
    ["bfb", "img", "iso", "ociarchive", "ova", "qcow2", "raw", "tar", "vhd", "vhdx", "vmdk"];

/// Magic numbers of unsupported formats: bzip2, 7z, lz4, lzip and lzop.
const FOREIGN: [&[u8]; 5] = [b"BZh", b"7z\xbc\xaf\x27\x1c", b"\x04\x22\x4d\x18", b"LZIP", b"\x89LZO"];

impl Format {
    pub(super) fn by_name(name: &str) -> Option<Self> {
        let (_, suffix) = name.rsplit_once('.')?;
        match suffix.to_ascii_lowercase().as_str() {
            "gz" | "tgz" => Some(Self::Gzip),
            "xz" => Some(Self::Xz),
            "zst" | "zstd" => Some(Self::Zstd),
            "zip" => Some(Self::Zip),
            _ => None,
        }
    }

    /// The format that a file's first bytes show (RFC 1952, section 2.3.1; the .xz file format, section
    /// 2.1.1.1; RFC 8878, sections 3.1.1 and 3.1.2; APPNOTE.TXT, section 4.3.7).
    fn by_magic(first: &[u8]) -> Option<Self> {
        match first {
            [0x1f, 0x8b, ..] => Some(Self::Gzip),
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Some(Self::Xz),
            [b'P', b'K', 3, 4, ..] => Some(Self::Zip),
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
            Self::Zip => "zip",
        })
    }
}

/// Whether a file name has a suffix that is neither a supported format nor known to be uncompressed.
pub(super) fn is_of_unknown_format(name: &str) -> bool {
    let suffix = name.rsplit_once('.').map(|(_, suffix)| suffix.to_ascii_lowercase());
    Format::by_name(name).is_none() && suffix.is_some_and(|suffix| !PLAIN.contains(&&*suffix))
}

/// Decompresses the bytes of the tap; `None` if the file is not compressed. On failure the tap may have more
/// to read.
pub(super) fn unpack(
    tap: &mut Tap,
    named: Option<Format>,
    size: Option<u64>,
    large: &LargeDecoder,
) -> Option<Uncompressed> {
    let first = tap.peek(6);
    if named.is_none() && FOREIGN.iter().any(|magic| first.starts_with(magic)) {
        let why = "its format is not gzip, xz, zstd or zip".to_owned();
        return Some(Uncompressed::NotOpened(why));
    }
    let found = Format::by_magic(first);
    let format = match (named, found) {
        (Some(named), Some(found)) if named == found => named,
        (Some(named), Some(found)) => {
            return Some(Uncompressed::Unusable(format!("its name says {named} but it begins like {found}")));
        }
        (Some(named), None) => {
            return Some(Uncompressed::Unusable(format!(
                "its name says {named} but it does not begin like {named}"
            )));
        }
        (None, Some(found)) => found,
        (None, None) => return None,
    };
    let count = tap.count();
    let alone = || large.lock().unwrap_or_else(PoisonError::into_inner);
    let unpacked = match format {
        Format::Gzip => drain(&mut MultiGzDecoder::new(tap), size, || count.get()),
        Format::Xz => {
            let _alone = alone();
            let stream = Stream::new_stream_decoder(XZ_MIB * 1024 * 1024, CONCATENATED);
            let stream = stream.map_err(io::Error::from);
            stream.and_then(|it| drain(&mut XzDecoder::new_stream(tap, it), size, || count.get()))
        }
        Format::Zstd => {
            let _alone = alone();
            ZstdDecoder::with_buffer(tap).and_then(|mut decoder| {
                decoder.window_log_max(ZSTD_WINDOW_LOG)?;
                drain(&mut decoder, size, || count.get())
            })
        }
        Format::Zip => unzip(tap, size, || count.get()),
    };
    Some(unpacked.unwrap_or_else(|error| {
        let why = crate::text::excerpt(&error.to_string(), 200);
        let inner = error.get_ref();
        let too_large = inner.and_then(|inner| inner.downcast_ref()) == Some(&XzError::MemLimit);
        if too_large || error.to_string() == ZSTD_WINDOW_TOO_LARGE {
            Uncompressed::NotOpened(format!("decompressing it would take more than {XZ_MIB} MiB of memory"))
        } else if inner.and_then(|inner| inner.downcast_ref::<NotOpened>()).is_some() {
            Uncompressed::NotOpened(why)
        } else {
            Uncompressed::Unusable(format!("it is not a complete {format} file: {why}"))
        }
    }))
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc;

    use super::super::tap::Chunk;
    use super::*;

    /// A window of 128 KiB, the smallest that allows blocks of that size.
    const SMALL: u8 = (17 - 10) << 3;

    /// The result of decompressing these bytes, within the memory limits of a run.
    fn unpacked(bytes: Vec<u8>) -> Option<Uncompressed> {
        let (sender, chunks) = mpsc::channel(2);
        sender.try_send(Chunk::Bytes(vec![bytes.into()])).unwrap();
        sender.try_send(Chunk::End).unwrap();
        unpack(&mut Tap::new(chunks), None, None, &LargeDecoder::default())
    }

    /// A zstd frame of zeros with this window descriptor (RFC 8878, sections 3.1.1.1.2 and 3.1.1.2).
    fn zstd_frame(window: u8, mebibytes: usize) -> Vec<u8> {
        // Each block repeats one byte 128 KiB times; the last one is empty and marked as the last.
        let block = [&((128_u32 << 10) << 3 | 1 << 1).to_le_bytes()[..3], &[0]].concat();
        [&[0x28, 0xb5, 0x2f, 0xfd, 0, window][..], &block.repeat(mebibytes * 8), &[1, 0, 0]].concat()
    }

    #[track_caller]
    fn assert_whole(unpacked: Option<&Uncompressed>, size: usize) {
        let expected = crate::stream::Sha256::of(&vec![0; size]);
        assert_eq!(unpacked, Some(&Uncompressed::Whole { bytes: size as u64, sha256: expected }));
    }

    #[test]
    fn frames_of_different_windows_are_one_file() {
        let frames =
            [zstd_frame(SMALL, 1), zstd_frame(16 << 3, 2), zstd::bulk::compress(&[0; 9], 3).unwrap()];
        let skipped = [0x5f, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 1, 2];
        let file = [&skipped[..], &frames[0], &skipped, &frames[1], &frames[2], &skipped].concat();
        assert_whole(unpacked(file.clone()).as_ref(), (3 << 20) + 9);
        // A file that is cut anywhere but between frames is incomplete.
        let mut whole = vec![skipped.len()];
        for frame in [frames[0].len(), skipped.len(), frames[1].len(), frames[2].len()] {
            whole.push(whole[whole.len() - 1] + frame);
        }
        for cut in (6..file.len()).step_by(5).chain([file.len() - 1]).filter(|cut| !whole.contains(cut)) {
            let unpacked = unpacked(file[..cut].to_vec());
            assert!(matches!(unpacked, Some(Uncompressed::Unusable(_))), "{cut}: {unpacked:?}");
        }
    }

    #[test]
    fn the_largest_window_is_read_and_larger_ones_are_refused() {
        assert_whole(unpacked(zstd_frame(16 << 3, 70)).as_ref(), 70 << 20);
        for too_large in [
            zstd_frame(16 << 3 | 1, 1),
            zstd_frame(17 << 3, 1),
            zstd_frame(0xff, 1),
            // A frame with a small window does not hide a later one with a large window.
            [zstd_frame(SMALL, 1), zstd_frame(17 << 3, 1)].concat(),
        ] {
            let unpacked = unpacked(too_large);
            let Some(Uncompressed::NotOpened(why)) = unpacked else { panic!("{unpacked:?}") };
            assert!(why.contains("more than 66 MiB of memory"), "{why}");
        }
    }
}
