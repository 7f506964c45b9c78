//! The sha256 that a response's headers claim for the file.

use data_encoding::BASE64;

use crate::http::header::HeaderMap;
use crate::stream::Sha256;
use crate::text::excerpt;

/// Asks for a digest in the answer (RFC 9530, section 4).
pub(super) const WANT: (&str, &str) = ("want-repr-digest", "sha-256=10");

/// Asks S3 for its stored checksum, which it else leaves out (Amazon S3 API, `HeadObject`).
pub(super) const CHECKSUM_MODE: (&str, &str) = ("x-amz-checksum-mode", "ENABLED");

/// What the digest headers of one response say.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct HeaderDigests {
    /// Every sha256, in whatever header.
    pub(crate) digests: Vec<Sha256>,
    /// What was meant as a sha256 and is none.
    pub(crate) remarks: Vec<String>,
}

impl HeaderDigests {
    /// Reads `Repr-Digest` (RFC 9530), `Digest` (RFC 3230), `x-amz-checksum-sha256` and `x-amz-meta-sha256`.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let mut found = Self::default();
        for (name, read) in [
            ("repr-digest", structured as fn(&str) -> Claim),
            ("digest", instance),
            ("x-amz-checksum-sha256", s3_checksum),
            ("x-amz-meta-sha256", s3_metadata),
        ] {
            for value in headers.get_all(name) {
                let Ok(value) = value.to_str() else {
                    found.remarks.push(format!("the header {name} is not text"));
                    continue;
                };
                let claim = read(value);
                found.digests.extend(claim.digests);
                if claim.malformed {
                    let value = excerpt(value, 120);
                    found.remarks.push(format!("the header {name} has no readable sha256: {value}"));
                }
            }
        }
        found
    }
}

/// What one header claims.
#[derive(Default)]
struct Claim {
    digests: Vec<Sha256>,
    /// Whether something was meant as a sha256 and is none.
    malformed: bool,
}

impl Claim {
    fn of(digest: Option<Sha256>) -> Self {
        Self { malformed: digest.is_none(), digests: digest.into_iter().collect() }
    }
}

/// `sha-256=:BASE64:`, one of a dictionary (RFC 9530, section 3; RFC 8941, section 3.2).
fn structured(value: &str) -> Claim {
    members(value, |text| {
        let text = text.split(';').next()?.trim().strip_prefix(':')?.strip_suffix(':')?;
        from_base64(text)
    })
}

/// `SHA-256=BASE64`, one of a list (RFC 3230, section 4.3.2).
fn instance(value: &str) -> Claim {
    members(value, from_base64)
}

/// Every sha256 of a list: one that is malformed does not hide another that disagrees.
fn members(value: &str, read: impl Fn(&str) -> Option<Sha256>) -> Claim {
    let mut all = Claim::default();
    for member in value.split(',') {
        if let Some((algorithm, digest)) = member.trim().split_once('=')
            && algorithm.trim().eq_ignore_ascii_case("sha-256")
        {
            let claim = Claim::of(read(digest.trim()));
            all.digests.extend(claim.digests);
            all.malformed |= claim.malformed;
        }
    }
    all
}

/// The base64 of a digest. A value that ends in `-N` is a checksum over the checksums of N parts and says
/// nothing about the file (Amazon S3 User Guide, "Checking object integrity").
fn s3_checksum(value: &str) -> Claim {
    let value = value.trim();
    if value
        .rsplit_once('-')
        .is_some_and(|(_, parts)| !parts.is_empty() && parts.bytes().all(|b| b.is_ascii_digit()))
    {
        return Claim::default();
    }
    Claim::of(from_base64(value))
}

/// User metadata: whoever uploaded the file wrote it, in hexadecimal digits or in base64.
fn s3_metadata(value: &str) -> Claim {
    let value = value.trim();
    Claim::of(value.parse().ok().or_else(|| from_base64(value)))
}

fn from_base64(text: &str) -> Option<Sha256> {
    let bytes = BASE64.decode(text.as_bytes()).ok()?;
    bytes.try_into().ok().map(Sha256::from_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEX: &str = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
    const B64: &str = "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=";

    #[test]
    fn every_header_that_carries_a_sha256_is_read() {
        let hex = HEX.to_uppercase();
        let cases: Vec<(&str, String, usize, usize)> = vec![
            ("repr-digest", format!("sha-256=:{B64}:"), 1, 0),
            ("repr-digest", format!("sha-512=:AAAA:, sha-256=:{B64}:;x=1"), 1, 0),
            ("repr-digest", format!("sha-256=:{B64}:, sha-256=:{B64}:"), 2, 0),
            ("repr-digest", "sha-512=:AAAA:".into(), 0, 0),
            ("repr-digest", format!("sha-256={B64}"), 0, 1),
            ("repr-digest", "sha-256=:AAAA:".into(), 0, 1),
            ("repr-digest", format!("sha-256=:AAAA:, sha-256=:{B64}:"), 1, 1),
            ("digest", format!("SHA-256={B64}"), 1, 0),
            ("digest", format!("md5=x,sha-256={B64}"), 1, 0),
            ("digest", "sha-256=zzzz".into(), 0, 1),
            ("x-amz-checksum-sha256", B64.into(), 1, 0),
            ("x-amz-checksum-sha256", format!("{B64}-17"), 0, 0),
            ("x-amz-checksum-sha256", "nonsense".into(), 0, 1),
            ("x-amz-meta-sha256", hex, 1, 0),
            ("x-amz-meta-sha256", B64.into(), 1, 0),
            ("x-amz-meta-sha256", "abc".into(), 0, 1),
            ("etag", HEX.into(), 0, 0),
        ];
        for (name, value, digests, remarks) in cases {
            let mut headers = HeaderMap::new();
            headers.insert(crate::http::header::HeaderName::from_static(name), value.parse().unwrap());
            let found = HeaderDigests::of(&headers);
            assert_eq!((found.digests.len(), found.remarks.len()), (digests, remarks), "{name}: {value}");
            assert!(found.digests.iter().all(|digest| digest.to_string() == HEX), "{name}: {value}");
        }
    }

    #[test]
    fn headers_that_contradict_are_all_kept() {
        let mut headers = HeaderMap::new();
        headers.append("digest", format!("sha-256={B64}").parse().unwrap());
        headers.append("x-amz-meta-sha256", "00".repeat(32).parse().unwrap());
        assert_eq!(HeaderDigests::of(&headers).digests.len(), 2);
    }
}
