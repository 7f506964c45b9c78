//! gzip, xz and zstd, as streams of any number of members, and zip with one; bounded in size and memory.

use std::fmt;
use std::io::{self, BufRead, Read};

use flate2::bufread::MultiGzDecoder;
use liblzma::stream::{Action, CONCATENATED, Error as XzError, Status, Stream};
use zstd::stream::raw::{DParameter, Decoder as ZstdDecoder, Operation as _};

use super::drain::{NotOpened, Uncompressed, drain, not_opened};
use super::memory::{Memory, Share};
use super::tap::Tap;
use super::unzip::unzip;

/// What xz decoders may need, in MiB, in steps: the presets' dictionaries and what goes with them. The last is
/// `-9`; a larger dictionary takes somebody who asks for it.
const XZ_STEPS_MIB: [u64; 5] = [4, 10, 18, 34, 66];

/// The largest window that a zstd frame may have, as a power of two: 64 MiB, so every level but `--ultra -22`.
const ZSTD_WINDOW_LOG: u32 = 26;

/// What a zstd decoder needs beside its window, in MiB.
const ZSTD_BUFFERS_MIB: u64 = 2;

/// The most bytes that the header of a zstd frame has (RFC 8878, section 3.1.1.1), with the magic number.
const ZSTD_HEADER_BYTES: usize = 18;

/// A way to compress.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Gzip,
    Xz,
    Zstd,
    Zip,
}

/// What is in no container: it is its own decompressed form.
const PLAIN: [&str; 11] =
    ["bfb", "img", "iso", "ociarchive", "ova", "qcow2", "raw", "tar", "vhd", "vhdx", "vmdk"];

/// How containers begin that are not opened here: bzip2, 7z, lz4, lzip and lzop.
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

    /// As a file's first bytes say (RFC 1952, section 2.3.1; the .xz file format, section 2.1.1.1; RFC 8878,
    /// sections 3.1.1 and 3.1.2; APPNOTE.TXT, section 4.3.7).
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

/// Whether a file of this name is in a container that nobody here knows, as far as its name says.
pub(super) fn is_of_unknown_format(name: &str) -> bool {
    let suffix = name.rsplit_once('.').map(|(_, suffix)| suffix.to_ascii_lowercase());
    Format::by_name(name).is_none() && suffix.is_some_and(|suffix| !PLAIN.contains(&&*suffix))
}

/// Decompresses what comes from the tap. The tap may have more to read afterwards, if this failed; `None` if
/// the file is not compressed at all.
pub(super) fn unpack(
    tap: &mut Tap,
    named: Option<Format>,
    size: Option<u64>,
    memory: &Memory,
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
    let unpacked = match format {
        Format::Gzip => drain(&mut MultiGzDecoder::new(tap), size, || count.get()),
        Format::Xz => Xz::new(tap, memory).and_then(|mut xz| drain(&mut xz, size, || count.get())),
        Format::Zstd => drain(&mut Zstd::new(tap, memory), size, || count.get()),
        Format::Zip => unzip(tap, size, || count.get()),
    };
    Some(unpacked.unwrap_or_else(|error| {
        let why = crate::text::excerpt(&error.to_string(), 200);
        match error.downcast::<NotOpened>() {
            Ok(_) => Uncompressed::NotOpened(why),
            Err(_) => Uncompressed::Unusable(format!("it is not a complete {format} file: {why}")),
        }
    }))
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
        Err(too_greedy(most))
    }
}

fn too_greedy(most_mib: u64) -> io::Error {
    not_opened(&format!("decompressing it would take more than {most_mib} MiB of memory"))
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

/// A zstd decoder that waits for the memory that each frame says it needs.
struct Zstd<'t, 'm> {
    tap: &'t mut Tap,
    memory: &'m Memory,
    /// The decoder of the frame that is being read, and its memory.
    frame: Option<(ZstdDecoder<'static>, Share<'m>)>,
}

impl<'t, 'm> Zstd<'t, 'm> {
    fn new(tap: &'t mut Tap, memory: &'m Memory) -> Self {
        Self { tap, memory, frame: None }
    }

    fn begin_frame(&mut self) -> io::Result<(ZstdDecoder<'static>, Share<'m>)> {
        let most = mebibytes(1 << (ZSTD_WINDOW_LOG - 20));
        let window = zstd_window(self.tap.peek(ZSTD_HEADER_BYTES));
        if window > most {
            return Err(too_greedy(most >> 20));
        }
        let share = self.memory.share(window.div_ceil(mebibytes(1)).saturating_add(ZSTD_BUFFERS_MIB));
        let mut decoder = ZstdDecoder::new()?;
        decoder.set_parameter(DParameter::WindowLogMax(ZSTD_WINDOW_LOG))?;
        Ok((decoder, share))
    }
}

/// The window that a zstd frame says it needs, in bytes (RFC 8878, sections 3.1.1.1.1 to 3.1.1.1.4). What has none,
/// or is no frame, needs nothing before the decoder has said what is wrong with it.
fn zstd_window(header: &[u8]) -> u64 {
    let [0x28, 0xb5, 0x2f, 0xfd, descriptor, rest @ ..] = header else { return 0 };
    let single_segment = descriptor & 0x20 != 0;
    if !single_segment {
        let Some(&window) = rest.first() else { return 0 };
        let base = 1_u64 << (10 + (window >> 3));
        return base + base / 8 * u64::from(window & 7);
    }
    // The frame is its own window.
    let dictionary_id = (1 << (descriptor & 3)) >> 1;
    let length = 1 << (descriptor >> 6);
    let Some(size) = rest.get(dictionary_id..dictionary_id + length) else { return 0 };
    let size = size.iter().rev().fold(0, |all, byte| all << 8 | u64::from(*byte));
    if length == 2 { size + 256 } else { size }
}

impl Read for Zstd<'_, '_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if self.frame.is_none() {
                if self.tap.fill_buf()?.is_empty() {
                    return Ok(0);
                }
                self.frame = Some(self.begin_frame()?);
            }
            let Some((decoder, _)) = &mut self.frame else { continue };
            let input = self.tap.fill_buf()?;
            let came = decoder.run_on_buffers(input, buffer)?;
            let stuck = input.is_empty() && came.bytes_written == 0 && came.remaining > 0;
            self.tap.consume(came.bytes_read);
            if stuck {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if came.remaining == 0 {
                // The decoder goes before its share does.
                self.frame = None;
            }
            if came.bytes_written > 0 {
                return Ok(came.bytes_written);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use tokio::sync::mpsc;

    use super::super::tap::Chunk;
    use super::*;

    /// A window of 128 KiB, the smallest in which a block can be that large.
    const SMALL: u8 = (17 - 10) << 3;

    /// What comes of decompressing these bytes, with as much memory as a run has.
    fn unpacked(bytes: Vec<u8>) -> Option<Uncompressed> {
        let (sender, chunks) = mpsc::channel(2);
        sender.try_send(Chunk::Bytes(vec![bytes.into()])).unwrap();
        sender.try_send(Chunk::End).unwrap();
        unpack(&mut Tap::new(chunks), None, None, &Memory::default())
    }

    /// A zstd frame of zeros, with this window as its header has it (RFC 8878, sections 3.1.1.1.2 and 3.1.1.2).
    fn zstd_frame(window: u8, mebibytes: usize) -> Vec<u8> {
        // Each block is one byte, to be repeated 128 KiB times; the last is empty and says so.
        let block = [&((128_u32 << 10) << 3 | 1 << 1).to_le_bytes()[..3], &[0]].concat();
        [&[0x28, 0xb5, 0x2f, 0xfd, 0, window][..], &block.repeat(mebibytes * 8), &[1, 0, 0]].concat()
    }

    #[track_caller]
    fn assert_whole(unpacked: Option<&Uncompressed>, size: usize) {
        let expected = crate::stream::Sha256::of(&vec![0; size]);
        assert_eq!(unpacked, Some(&Uncompressed::Whole { bytes: size as u64, sha256: expected }));
    }

    #[test]
    fn windows_are_read_as_rfc_8878_has_them() {
        const MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
        for (rest, window) in [
            (&[0, 0][..], 1 << 10),
            (&[0, (27 - 10) << 3], 1 << 27),
            (&[0, (27 - 10) << 3 | 7], (1 << 27) / 8 * 15),
            (&[0, 0xff], (1 << 41) / 8 * 15),
            // Neither a checksum nor a dictionary changes where the window is.
            (&[0b0000_0111, 0, 1, 2, 3, 4], 1 << 10),
            // Single segments, with sizes of one to eight bytes.
            (&[0b0010_0000, 7], 7),
            (&[0b0110_0000, 0, 1], 512),
            (&[0b1010_0000, 0, 0, 0, 8], 8 << 24),
            (&[0b1110_0000, 0, 0, 0, 0, 0, 0, 0, 0x80], 1 << 63),
            (&[0b0010_0001, 9, 7], 7),
            (&[0b0010_0010, 9, 9, 7], 7),
            (&[0b0010_0011, 9, 9, 9, 9, 7], 7),
            // Cut short.
            (&[0], 0),
            (&[0b1110_0000, 1, 2], 0),
        ] {
            assert_eq!(zstd_window(&[&MAGIC, rest].concat()), window, "{rest:?}");
        }
        assert_eq!(zstd_window(&[0x50, 0x2a, 0x4d, 0x18, 0, 0xff]), 0);
        // As the encoder that everybody uses writes them.
        for log in [10, 20, 26, 27] {
            let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
            encoder.window_log(log).unwrap();
            encoder.write_all(b"x").unwrap();
            encoder.flush().unwrap();
            assert_eq!(zstd_window(encoder.get_ref()), 1 << log);
        }
        assert_eq!(zstd_window(&zstd::bulk::compress(b"all of it", 3).unwrap()), 9);
    }

    #[test]
    fn frames_of_different_windows_are_one_file() {
        let frames =
            [zstd_frame(SMALL, 1), zstd_frame(16 << 3, 2), zstd::bulk::compress(&[0; 9], 3).unwrap()];
        let skipped = [0x5f, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 1, 2];
        let file = [&skipped[..], &frames[0], &skipped, &frames[1], &frames[2], &skipped].concat();
        assert_whole(unpacked(file.clone()).as_ref(), (3 << 20) + 9);
        // Cut anywhere but between frames, it is not whole.
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
    fn the_largest_window_is_read_and_what_is_larger_is_refused() {
        assert_whole(unpacked(zstd_frame(16 << 3, 70)).as_ref(), 70 << 20);
        for greedy in [
            zstd_frame(16 << 3 | 1, 1),
            zstd_frame(17 << 3, 1),
            zstd_frame(0xff, 1),
            // A frame that begins small does not make a greedy one after it any better.
            [zstd_frame(SMALL, 1), zstd_frame(17 << 3, 1)].concat(),
        ] {
            let unpacked = unpacked(greedy);
            let Some(Uncompressed::NotOpened(why)) = unpacked else { panic!("{unpacked:?}") };
            assert!(why.contains("more than 64 MiB of memory"), "{why}");
        }
    }
}
