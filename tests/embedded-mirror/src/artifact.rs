//! Test artifacts, whose bytes are derived from their file names, and sidecars that describe them.

use std::fmt::Write as _;

use data_encoding::HEXLOWER;

/// The decompressed content of a test artifact: one line with its file name (see `testdata/README.md`).
pub fn artifact_uncompressed(file_name: &str) -> Vec<u8> {
    format!("art-mirror-validate test artifact: {file_name}\n").into_bytes()
}

/// The bytes of the test artifact of that name: the line with its file name, in a gzip member if the name ends in
/// `.gz`.
///
/// The member is one stored block (RFC 1951, 3.2.4), so that the bytes don't depend on a compressor; content longer
/// than such a block (64 KiB) is truncated.
pub fn artifact_content(file_name: &str) -> Vec<u8> {
    let mut inner = artifact_uncompressed(file_name);
    // A case-sensitive comparison, as in `testdata/generate.py`.
    if !file_name.as_bytes().ends_with(b".gz") {
        return inner;
    }
    inner.truncate(usize::from(u16::MAX));
    let length = u16::try_from(inner.len()).unwrap_or(u16::MAX);
    let mut gzip = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff, 1];
    gzip.extend(length.to_le_bytes());
    gzip.extend((!length).to_le_bytes());
    gzip.extend(&inner);
    gzip.extend(crc32fast::hash(&inner).to_le_bytes());
    gzip.extend(u32::from(length).to_le_bytes());
    gzip
}

/// The SHA-256 of some bytes.
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut digest = [0; 32];
    digest.copy_from_slice(ring::digest::digest(&ring::digest::SHA256, bytes).as_ref());
    digest
}

/// The SHA-256 of some bytes in lower-case hexadecimal.
pub fn hex_sha256(bytes: &[u8]) -> String {
    HEXLOWER.encode(&sha256(bytes))
}

/// A directory's `sha256sum.txt` in the format of coreutils, from file names and their bytes.
pub fn sha256sum_txt<N: AsRef<str>, B: AsRef<[u8]>>(files: impl IntoIterator<Item = (N, B)>) -> String {
    files.into_iter().fold(String::new(), |mut text, (name, bytes)| {
        let _ = writeln!(text, "{}  {}", hex_sha256(bytes.as_ref()), name.as_ref());
        text
    })
}

/// A build directory's `meta.json`: `images.<n>.{path, sha256, size}` from file names and their bytes, with the
/// `uncompressed-sha256` of compressed test artifacts.
///
/// The names must not need escaping in JSON.
pub fn meta_json<N: AsRef<str>, B: AsRef<[u8]>>(
    build_id: &str,
    files: impl IntoIterator<Item = (N, B)>,
) -> String {
    let images: Vec<String> = files
        .into_iter()
        .enumerate()
        .map(|(index, (name, bytes))| {
            let (name, bytes) = (name.as_ref(), bytes.as_ref());
            let (digest, size) = (hex_sha256(bytes), bytes.len());
            // Only for test artifacts is the decompressed content known.
            let is_packed = [".gz", ".xz"].iter().any(|suffix| name.ends_with(suffix));
            let inside = if is_packed && bytes == artifact_content(name) {
                format!(r#", "uncompressed-sha256": "{}""#, hex_sha256(&artifact_uncompressed(name)))
            } else {
                String::new()
            };
            format!(r#""image-{index}": {{"path": "{name}", "sha256": "{digest}", "size": {size}{inside}}}"#)
        })
        .collect();
    format!("{{\"buildid\": \"{build_id}\", \"images\": {{\n  {}\n}}}}\n", images.join(",\n  "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digests_are_those_in_the_test_data() {
        // Written by `testdata/generate.py`, an independent implementation.
        let legacy = include_str!("../../../testdata/checkout-2021/data/data/rhcos-ppc64le.json");
        for name in ["live.ppc64le.iso", "metal.ppc64le.raw.gz"] {
            let name = format!("rhcos-47.83.202103021100-0-{name}");
            assert!(legacy.contains(&hex_sha256(&artifact_content(&name))), "{name}");
        }
        let name = "rhcos-47.83.202103021100-0-metal.ppc64le.raw.gz";
        assert!(legacy.contains(&hex_sha256(&artifact_uncompressed(name))));
        assert!(legacy.contains(&format!("\"size\": {}", artifact_content(name).len())));
    }

    #[test]
    fn sidecars_have_a_line_for_each_file() {
        let files = [("a", "x"), ("b", "y")];
        let text = sha256sum_txt(files);
        assert_eq!(text.lines().count(), 2);
        assert!(text.starts_with("2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881  a\n"));
        let meta = meta_json("9.6.20250101-0", files);
        assert!(meta.contains(r#""path": "b""#) && meta.contains(r#""size": 1"#), "{meta}");
    }
}
