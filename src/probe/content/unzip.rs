//! The only file of a zip archive, decompressed as it arrives (PKWARE's APPNOTE.TXT 6.3.10, section 4).
//!
//! Other programs find the file through the central directory at the archive's end, so that is compared with
//! what was read: an archive in which they could find a different file is not valid.

use std::io::{self, BufRead, Read};

use flate2::CrcReader;
use flate2::bufread::DeflateDecoder;

use super::drain::{Uncompressed, drain, not_opened};
use super::tap::Tap;

/// The value of a 32-bit field whose real value is in a zip64 field (section 4.3.9.2).
const IN_ZIP64: u64 = 0xffff_ffff;

const LOCAL: [u8; 4] = *b"PK\x03\x04";
const CENTRAL: [u8; 4] = *b"PK\x01\x02";
const DESCRIPTOR: [u8; 4] = *b"PK\x07\x08";
const ZIP64_END: [u8; 4] = *b"PK\x06\x06";
const ZIP64_LOCATOR: [u8; 4] = *b"PK\x06\x07";
const END: [u8; 4] = *b"PK\x05\x06";

/// Encrypted, strongly encrypted, or with a masked directory (section 4.4.4: bits 0, 6 and 13).
const ENCRYPTED: u16 = 1 | 1 << 6 | 1 << 13;
/// The sizes and the checksum follow the data (section 4.4.4: bit 3).
const HAS_DESCRIPTOR: u16 = 1 << 3;

/// Compression methods (section 4.4.5).
const STORED: u16 = 0;
const DEFLATED: u16 = 8;

/// The archive's only file, as declared or as read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Member {
    method: u16,
    crc: u32,
    packed: u64,
    unpacked: u64,
}

/// Decompresses the only file of an archive.
pub(super) fn unzip(
    tap: &mut Tap,
    size: Option<u64>,
    received: impl Fn() -> u64,
) -> io::Result<Uncompressed> {
    let mut archive = Archive { tap, position: 0 };
    let (declared, flags) = archive.local_header()?;
    let (unpacked, crc, packed) = match declared.method {
        STORED if flags & HAS_DESCRIPTOR != 0 => {
            return Err(not_opened("it does not say where its entry ends"));
        }
        STORED => {
            let mut stored = CrcReader::new((&mut *archive.tap).take(declared.packed));
            (drain(&mut stored, size, received)?, stored.crc().sum(), declared.packed)
        }
        DEFLATED => {
            let mut deflated = CrcReader::new(DeflateDecoder::new(&mut *archive.tap));
            let unpacked = drain(&mut deflated, size, received)?;
            (unpacked, deflated.crc().sum(), deflated.get_ref().total_in())
        }
        method => return Err(not_opened(&format!("its entry uses zip compression method {method}"))),
    };
    let Uncompressed::Whole { bytes, .. } = unpacked else { return Ok(unpacked) };
    let read = Member { method: declared.method, crc, packed, unpacked: bytes };
    archive.position = archive.position.saturating_add(packed);
    if flags & HAS_DESCRIPTOR != 0 {
        archive.descriptor(read)?;
    } else if declared != read {
        return Err(broken("its entry does not match its header"));
    }
    archive.directory(read)?;
    Ok(unpacked)
}

struct Archive<'t> {
    tap: &'t mut Tap,
    position: u64,
}

impl Archive<'_> {
    fn local_header(&mut self) -> io::Result<(Member, u16)> {
        let header = self.take::<30>()?;
        if !header.starts_with(&LOCAL) {
            return Err(broken("it does not begin with an entry"));
        }
        let flags = u16_at(&header, 6);
        if flags & ENCRYPTED != 0 {
            return Err(not_opened("it is encrypted"));
        }
        let mut sizes = [u64::from(u32_at(&header, 22)), u64::from(u32_at(&header, 18))];
        self.skip(u16_at(&header, 26).into())?;
        self.zip64(u16_at(&header, 28), &mut sizes)?;
        let [unpacked, packed] = sizes;
        Ok((Member { method: u16_at(&header, 8), crc: u32_at(&header, 14), packed, unpacked }, flags))
    }

    /// Checks the data descriptor, which may have a signature and has sizes of 32 or 64 bits (section 4.3.9).
    fn descriptor(&mut self, read: Member) -> io::Result<()> {
        let narrow =
            |size: u64| u32::try_from(size).map(|size| size.to_le_bytes().to_vec()).unwrap_or_default();
        let crc = read.crc.to_le_bytes().to_vec();
        let wide =
            [crc.clone(), read.packed.to_le_bytes().to_vec(), read.unpacked.to_le_bytes().to_vec()].concat();
        let narrow = [crc, narrow(read.packed), narrow(read.unpacked)].concat();
        let first = self.tap.peek(24);
        let rest = first.strip_prefix(&DESCRIPTOR).unwrap_or(first);
        let signature = first.len().saturating_sub(rest.len());
        let length = [wide, narrow].iter().find(|it| it.len() >= 12 && rest.starts_with(it)).map(Vec::len);
        let Some(length) = length else {
            return Err(broken("its entry does not match its data descriptor"));
        };
        self.skip(u64::try_from(signature.saturating_add(length)).unwrap_or(u64::MAX))
    }

    /// Checks the central directory, which must have one entry, for the file that was read, and the end.
    fn directory(&mut self, read: Member) -> io::Result<()> {
        let directory = self.position;
        if self.tap.peek(4).starts_with(&LOCAL) {
            return Err(not_opened("it contains more than one file"));
        }
        let entry = self.take::<46>()?;
        let mut sizes = [24, 20, 42].map(|at| u64::from(u32_at(&entry, at)));
        self.skip(u16_at(&entry, 28).into())?;
        self.zip64(u16_at(&entry, 30), &mut sizes)?;
        self.skip(u16_at(&entry, 32).into())?;
        let [unpacked, packed, offset] = sizes;
        let listed = Member { method: u16_at(&entry, 10), crc: u32_at(&entry, 16), packed, unpacked };
        if !entry.starts_with(&CENTRAL) || listed != read || offset != 0 {
            return Err(broken("its central directory describes a different entry"));
        }
        let length = self.position.saturating_sub(directory);
        if self.tap.peek(4).starts_with(&CENTRAL) {
            return Err(not_opened("it contains more than one file"));
        }
        let expected = [1, 1, length, directory];
        if self.tap.peek(4).starts_with(&ZIP64_END) {
            let end = self.take::<56>()?;
            let found = [24, 32, 40, 48].map(|at| u64_at(&end, at));
            let locator = self.take::<20>()?;
            if found != expected || u64_at(&end, 4) != 44 || !locator.starts_with(&ZIP64_LOCATOR) {
                return Err(broken("its end record describes a different central directory"));
            }
        }
        let end = self.take::<22>()?;
        let counts = [8, 10].map(|at| u64::from(u16_at(&end, at)));
        let extent = [12, 16].map(|at| u64::from(u32_at(&end, at)));
        let found = counts.map(|count| (count, 0xffff)).into_iter().chain(extent.map(|it| (it, IN_ZIP64)));
        let is_directory =
            found.zip(expected).all(|((found, in_zip64), expected)| found == expected || found == in_zip64);
        // A comment could contain another end record, which other programs would find first.
        let is_last = u16_at(&end, 20) == 0 && self.tap.fill_buf()?.is_empty();
        if !end.starts_with(&END) || !is_directory || !is_last {
            return Err(broken("its end record describes a different central directory, or is not the end"));
        }
        Ok(())
    }

    /// Replaces sizes whose values are in the zip64 extra field (section 4.5.3).
    fn zip64(&mut self, length: u16, sizes: &mut [u64]) -> io::Result<()> {
        let mut extra = vec![0; length.into()];
        self.tap.read_exact(&mut extra)?;
        self.position = self.position.saturating_add(length.into());
        let mut rest = &extra[..];
        while let [id0, id1, length0, length1, more @ ..] = rest {
            let length = usize::from(u16::from_le_bytes([*length0, *length1]));
            let (field, after) =
                more.split_at_checked(length).ok_or_else(|| broken("its extra fields are cut off"))?;
            rest = after;
            if [*id0, *id1] != [1, 0] {
                continue;
            }
            let wide = sizes.iter_mut().filter(|size| **size == IN_ZIP64);
            for (size, wide) in wide.zip(field.chunks_exact(8)) {
                *size = u64_at(wide, 0);
            }
        }
        Ok(())
    }

    fn take<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let mut taken = [0; N];
        self.tap.read_exact(&mut taken)?;
        self.position = self.position.saturating_add(u64::try_from(N).unwrap_or(0));
        Ok(taken)
    }

    fn skip(&mut self, length: u64) -> io::Result<()> {
        let skipped = io::copy(&mut (&mut *self.tap).take(length), &mut io::sink())?;
        self.position = self.position.saturating_add(skipped);
        if skipped == length { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }
}

fn broken(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

fn bytes_at<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    bytes.get(at..).and_then(|rest| rest.first_chunk()).copied().unwrap_or([0; N])
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes(bytes_at(bytes, at))
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes_at(bytes, at))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes_at(bytes, at))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use tokio::sync::mpsc;

    use super::super::tap::Chunk;
    use super::super::unpack::LargeDecoder;
    use super::super::unpack::unpack;
    use super::*;
    use crate::stream::Sha256;

    /// How to write an archive.
    #[derive(Clone, Copy)]
    struct Style {
        method: u16,
        flags: u16,
        /// Sizes in zip64 fields, and zip64 records at the end.
        zip64: bool,
        /// The length of a descriptor's signature.
        signature: usize,
    }

    const PLAIN: Style = Style { method: DEFLATED, flags: 0, zip64: false, signature: 4 };

    /// An archive with this one file (APPNOTE.TXT).
    fn zip(style: Style, file: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(file).unwrap();
        let packed = if style.method == DEFLATED { encoder.finish().unwrap() } else { file.to_vec() };
        let mut crc = flate2::Crc::new();
        crc.update(file);
        let crc = crc.sum().to_le_bytes();
        let u32 = |number: usize| u32::try_from(number).unwrap().to_le_bytes();
        let size = |size: usize| {
            if style.zip64 { (size as u64).to_le_bytes().to_vec() } else { u32(size).to_vec() }
        };
        let narrow = |size: usize| if style.zip64 { [0xff; 4] } else { u32(size) };
        let (name, u16) = (b"disk.vhdx", |number: usize| u16::try_from(number).unwrap().to_le_bytes());
        let extra = |more: &[u8]| {
            if !style.zip64 {
                return Vec::new();
            }
            let field = [&size(file.len())[..], &size(packed.len()), more].concat();
            [b"\x99\x99\x02\0xx\x01\0".as_slice(), &u16(field.len()), &field].concat()
        };
        let (method, flags) = (style.method.to_le_bytes(), style.flags.to_le_bytes());
        let has_descriptor = style.flags & HAS_DESCRIPTOR != 0;
        let in_header = |value: [u8; 4]| if has_descriptor && !style.zip64 { [0; 4] } else { value };
        let mut archive = [&LOCAL[..], &[20, 0], &flags, &method, &[0; 4], &in_header(crc)].concat();
        archive.extend([in_header(narrow(packed.len())), in_header(narrow(file.len()))].concat());
        archive.extend([&u16(name.len())[..], &u16(extra(&[]).len()), name, &extra(&[]), &packed].concat());
        if has_descriptor {
            let signature = DESCRIPTOR.get(..style.signature).unwrap();
            archive.extend([signature, &crc, &size(packed.len()), &size(file.len())].concat());
        }
        let directory = archive.len();
        let more = extra(&[0; 8]);
        archive.extend([&CENTRAL[..], &[20, 0, 20, 0], &flags, &method, &[0; 4], &crc].concat());
        archive.extend([narrow(packed.len()), narrow(file.len())].concat());
        archive.extend([&u16(name.len())[..], &u16(more.len()), &[0; 10], &narrow(0), name, &more].concat());
        let length = archive.len() - directory;
        if style.zip64 {
            let (one, size) = (1_u64.to_le_bytes(), |size: usize| (size as u64).to_le_bytes());
            let end = archive.len();
            archive.extend([&ZIP64_END[..], &size(44), &[45, 0, 45, 0], &[0; 8], &one, &one].concat());
            archive.extend([size(length), size(directory)].concat());
            archive.extend([&ZIP64_LOCATOR[..], &[0; 4], &size(end), &[1, 0, 0, 0]].concat());
        }
        let counts = if style.zip64 { [0xff; 4] } else { [1, 0, 1, 0] };
        archive.extend([&END[..], &[0; 4], &counts, &narrow(length), &narrow(directory), &[0, 0]].concat());
        archive
    }

    fn unpacked(archive: &[u8]) -> Option<Uncompressed> {
        let (sender, chunks) = mpsc::channel(2);
        // In small chunks, so that headers span several.
        let pieces = archive.chunks(7).map(bytes::Bytes::copy_from_slice).collect();
        sender.try_send(Chunk::Bytes(pieces)).unwrap();
        sender.try_send(Chunk::End).unwrap();
        unpack(&mut Tap::new(chunks), None, None, &LargeDecoder::default())
    }

    fn file() -> Vec<u8> {
        (0..9_000_u32).flat_map(u32::to_le_bytes).collect()
    }

    #[test]
    fn the_one_file_of_an_archive_is_unpacked_however_it_is_written() {
        let file = file();
        let expected = Some(Uncompressed::Whole { bytes: file.len() as u64, sha256: Sha256::of(&file) });
        let described = Style { flags: HAS_DESCRIPTOR, ..PLAIN };
        for style in [
            PLAIN,
            Style { method: STORED, ..PLAIN },
            Style { zip64: true, ..PLAIN },
            Style { method: STORED, zip64: true, ..PLAIN },
            described,
            Style { signature: 0, ..described },
            Style { zip64: true, ..described },
            Style { zip64: true, signature: 0, ..described },
        ] {
            assert_eq!(unpacked(&zip(style, &file)), expected);
        }
        let nothing = Some(Uncompressed::Whole { bytes: 0, sha256: Sha256::of(b"") });
        for style in [PLAIN, described, Style { method: STORED, ..PLAIN }] {
            assert_eq!(unpacked(&zip(style, b"")), nothing);
        }
    }

    #[test]
    fn unsupported_archives_are_not_opened() {
        let (file, one) = (file(), zip(PLAIN, b"one"));
        let described = HAS_DESCRIPTOR;
        for (why, archive) in [
            ("it is encrypted", zip(Style { flags: 1, ..PLAIN }, &file)),
            ("compression method 93", zip(Style { method: 93, ..PLAIN }, &file)),
            ("does not say where", zip(Style { method: STORED, flags: described, ..PLAIN }, &file)),
            ("more than one file", [&one[..one.len() - 22 - 55], &one].concat()),
        ] {
            let Some(Uncompressed::NotOpened(found)) = unpacked(&archive) else {
                panic!("{why}: {:?}", unpacked(&archive));
            };
            assert!(found.contains(why), "{why}: {found}");
        }
    }

    /// A program that reads the directory must find the file that was read here.
    #[test]
    fn an_archive_that_is_cut_or_contradicts_itself_is_not_whole() {
        let file = file();
        for style in [PLAIN, Style { zip64: true, ..PLAIN }, Style { flags: HAS_DESCRIPTOR, ..PLAIN }] {
            let whole = zip(style, &file);
            for cut in (5..whole.len()).step_by(whole.len() / 60).chain([whole.len() - 1]) {
                let unpacked = unpacked(&whole[..cut]);
                assert!(matches!(unpacked, Some(Uncompressed::Unusable(_))), "{cut}: {unpacked:?}");
            }
            let more = [&whole[..], b"x"].concat();
            assert!(matches!(unpacked(&more), Some(Uncompressed::Unusable(_))));
        }
        // One bit of each field that other programs rely on: checksum, sizes, offsets and counts.
        let whole = zip(PLAIN, &file);
        let (directory, end) = (whole.len() - 22 - 55, whole.len() - 22);
        let local = [14, 18, 22];
        let central = [10, 16, 20, 24, 42].map(|at| directory + at);
        let of_end = [8, 10, 12, 16, 20].map(|at| end + at);
        for at in local.into_iter().chain(central).chain(of_end) {
            let mut other = whole.clone();
            other[at] ^= 1;
            let unpacked = unpacked(&other);
            assert!(matches!(unpacked, Some(Uncompressed::Unusable(_))), "{at}: {unpacked:?}");
        }
    }
}
