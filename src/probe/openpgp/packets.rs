//! Armor and packet headers (RFC 9580, sections 4.2 and 6.2). gpgv reads the content of packets.

use data_encoding::BASE64;

pub(super) type Tag = u8;

/// The tag of a signature.
pub(super) const SIGNATURE: Tag = 2;

/// The tag of a primary public key.
pub(super) const PUBLIC_KEY: Tag = 6;

/// The packets of public keys: signatures, keys, GnuPG's trust packets, user IDs, subkeys, user attributes.
pub(super) const KEY_PACKETS: [Tag; 6] = [SIGNATURE, PUBLIC_KEY, 12, 13, 14, 17];

/// The bytes of all armored blocks of a kind such as `SIGNATURE`; `None` if there is none. Text around the
/// blocks is ignored, and so are checksums (RFC 9580, section 6.1).
pub(super) fn dearmor(text: &[u8], kind: &str) -> Option<Result<Vec<u8>, &'static str>> {
    let (begin, end) = (format!("-----BEGIN PGP {kind}-----"), format!("-----END PGP {kind}-----"));
    let mut lines = text.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii_end);
    lines.find(|line| *line == begin.as_bytes())?;
    let mut bytes = Vec::new();
    loop {
        let mut base64 = Vec::new();
        let mut block = lines.by_ref().skip_while(|line| !line.is_empty());
        let ended = block.find(|line| {
            let is_checksum = line.first() == Some(&b'=');
            if !is_checksum && *line != end.as_bytes() {
                base64.extend_from_slice(line);
            }
            *line == end.as_bytes()
        });
        match BASE64.decode(&base64) {
            _ if ended.is_none() => return Some(Err("its armor has no end")),
            Err(_) => return Some(Err("its armor is not base64")),
            Ok(decoded) => bytes.extend(decoded),
        }
        if !lines.any(|line| line == begin.as_bytes()) {
            return Some(Ok(bytes));
        }
    }
}

type Packet<'d> = (Tag, &'d [u8]);

/// Each packet with its tag; `None` for invalid data, which ends the iteration. Only encrypted and literal
/// data may have no length, or one in parts, so such packets are invalid here.
pub(super) fn packets(mut data: &[u8]) -> impl Iterator<Item = Option<Packet<'_>>> {
    std::iter::from_fn(move || {
        if data.is_empty() {
            return None;
        }
        let (packet, rest) = split(data).unzip();
        data = rest.unwrap_or_default();
        Some(packet)
    })
}

fn split(data: &[u8]) -> Option<(Packet<'_>, &[u8])> {
    let (&first, rest) = data.split_first()?;
    let is_packet = first & 0x80 != 0;
    let is_new = first & 0x40 != 0;
    let (width, length) = match (is_new, first & 3, rest) {
        (true, _, &[one @ ..192, ..]) => (1, u32::from(one)),
        (true, _, &[one @ 192..224, two, ..]) => (2, ((u32::from(one) - 192) << 8) + u32::from(two) + 192),
        (true, _, &[255, a, b, c, d, ..]) | (false, 2, &[a, b, c, d, ..]) => {
            (if is_new { 5 } else { 4 }, u32::from_be_bytes([a, b, c, d]))
        }
        (false, 0, &[one, ..]) => (1, u32::from(one)),
        (false, 1, &[one, two, ..]) => (2, u32::from_be_bytes([0, 0, one, two])),
        _ => return None,
    };
    let tag = if is_new { first & 0x3f } else { first >> 2 & 0xf };
    let end = usize::try_from(length).ok()?.checked_add(1 + width)?;
    let (packet, rest) = data.split_at_checked(end)?;
    is_packet.then_some(((tag, packet), rest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_form_of_length_is_read_and_nothing_else() {
        let long = [&[0xc2, 0xff, 0, 0, 1, 0][..], &[7; 256]].concat();
        let middle = [&[0xc2, 0xc0, 0x08][..], &[7; 200]].concat();
        let old_middle = [&[0x89, 1, 0][..], &[7; 256]].concat();
        let old_long = [&[0x8a, 0, 0, 1, 0][..], &[7; 256]].concat();
        for whole in [&[0xc2, 1, 7][..], &middle, &long, &[0x88, 1, 7], &old_middle, &old_long] {
            let followed = [whole, &[0xc6, 0]].concat();
            let read: Vec<_> = packets(&followed).collect();
            assert_eq!(read, [Some((SIGNATURE, whole)), Some((PUBLIC_KEY, &[0xc6, 0][..]))]);
            assert_eq!(packets(&whole[..whole.len() - 1]).collect::<Vec<_>>(), [None]);
        }
        // Partial length, indeterminate length, no packet, no length.
        for invalid in [&[0xc2, 0xe1, 7, 7][..], &[0x8b, 7, 7], &[0x02, 1, 7], &[0xc2]] {
            assert_eq!(packets(invalid).collect::<Vec<_>>(), [None]);
        }
    }

    #[test]
    fn all_blocks_of_a_kind_are_read_and_none_of_another() {
        let block = |kind: &str, body: &str| {
            format!("-----BEGIN PGP {kind}-----\r\nComment: c\r\n\r\n{body}\r\n-----END PGP {kind}-----\r\n")
        };
        let text =
            [block("X", "AAEC\nAwQ=\n=njUN"), "words\n".into(), block("Y", "//8="), block("X", "BQ==")]
                .concat();
        assert_eq!(dearmor(text.as_bytes(), "X"), Some(Ok(vec![0, 1, 2, 3, 4, 5])));
        assert_eq!(dearmor(text.as_bytes(), "Y"), Some(Ok(vec![255, 255])));
        assert_eq!(dearmor(text.as_bytes(), "Z"), None);
        assert!(dearmor(block("X", "A").as_bytes(), "X").unwrap().is_err());
        assert!(dearmor(b"-----BEGIN PGP X-----\n\nAAEC\n", "X").unwrap().is_err());
        assert!(dearmor(b"-----BEGIN PGP X-----", "X").unwrap().is_err());
    }

    proptest! {
        #[test]
        fn packets_are_parts_of_the_data_in_order(data in prop::collection::vec(any::<u8>(), 0..600)) {
            let whole: Vec<u8> = packets(&data).flatten().flat_map(|(_, packet)| packet.to_vec()).collect();
            prop_assert!(data.starts_with(&whole));
        }
    }
}
