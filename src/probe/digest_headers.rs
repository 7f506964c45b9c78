//! The sha256 digests in the headers of a response.

use std::convert::Infallible;

use crate::http::header::HeaderMap;
use data_encoding::BASE64;
use sfv::visitor::{DictionaryVisitor, EntryVisitor, Ignored, InnerListVisitor, ItemVisitor};
use sfv::{BareItemFromInput, KeyRef, Parser};

use super::evidence::{DigestSource, PublishedDigest};
use crate::stream::Sha256;
use crate::text::excerpt;

/// Requests a digest in the answer (RFC 9530, section 4).
pub(super) const WANT: (&str, &str) = ("want-repr-digest", "sha-256=10");

/// Requests S3's stored checksum, which it omits otherwise (Amazon S3 API, `HeadObject`).
pub(super) const CHECKSUM_MODE: (&str, &str) = ("x-amz-checksum-mode", "ENABLED");

/// The most different digests kept of one header. Two already contradict each other; a third adds nothing.
const MAX_DIGESTS: usize = 2;

/// The digests in the headers of one response.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct HeaderDigests {
    /// The sha256 of every header. One from a malformed header can contradict but proves nothing.
    pub digests: Vec<PublishedDigest>,
    /// Headers without a readable sha256.
    pub remarks: Vec<String>,
}

impl HeaderDigests {
    /// Reads `Repr-Digest` (RFC 9530), `Digest` (RFC 3230), `x-amz-checksum-sha256`, `x-amz-meta-sha256` and
    /// Artifactory's `X-Checksum-Sha256`.
    pub fn of(headers: &HeaderMap) -> Self {
        let mut found = Self::default();
        for (name, read) in [
            ("repr-digest", repr_digest as fn(&str) -> HeaderClaim),
            ("digest", digest_list),
            ("x-amz-checksum-sha256", s3_checksum),
            ("x-amz-meta-sha256", hex_or_base64),
            ("x-checksum-sha256", hex_or_base64),
        ] {
            let values = headers.get_all(name).iter();
            // The lines of one header are one list (RFC 9110, section 5.3).
            let Ok(lines) = values.map(|value| value.to_str()).collect::<Result<Vec<_>, _>>() else {
                found.remarks.push(format!("the header {name} is not text"));
                continue;
            };
            if lines.is_empty() || name == "x-amz-checksum-sha256" && is_composite(headers) {
                continue;
            }
            let value = lines.join(", ");
            let HeaderClaim { digests, malformed } = read(&value);
            let source = DigestSource::Header;
            let digests = digests.into_iter();
            found.digests.extend(digests.map(|sha256| PublishedDigest {
                source,
                sha256,
                can_prove: !malformed,
            }));
            if malformed {
                let value = excerpt(&value, 120);
                found.remarks.push(format!("the header {name} has no readable sha256: {value}"));
            }
        }
        found
    }
}

/// Whether S3's checksum is computed from the checksums of parts (Amazon S3 API, `HeadObject`).
fn is_composite(headers: &HeaderMap) -> bool {
    let mut types = headers.get_all("x-amz-checksum-type").iter();
    types.any(|value| value.as_bytes().trim_ascii().eq_ignore_ascii_case(b"COMPOSITE"))
}

#[derive(Debug, Default)]
struct HeaderClaim {
    digests: Vec<Sha256>,
    /// Whether the header violates its grammar, or a value that should be a sha256 is not.
    malformed: bool,
}

impl HeaderClaim {
    fn add(&mut self, digest: Option<Sha256>) {
        match digest {
            Some(digest) if self.digests.len() < MAX_DIGESTS && !self.digests.contains(&digest) => {
                self.digests.push(digest);
            }
            Some(_) => {}
            None => self.malformed = true,
        }
    }
}

/// `sha-256=:BASE64:` in a dictionary (RFC 9530, section 3; RFC 9651, section 3.2).
fn repr_digest(value: &str) -> HeaderClaim {
    let mut claim = HeaderClaim::default();
    if Parser::new(value).parse_dictionary_with_visitor(&mut claim).is_err() {
        claim.malformed = true;
    }
    claim
}

impl<'t> DictionaryVisitor<'t> for &mut HeaderClaim {
    type Out = ();
    type Error = Infallible;

    fn entry(&mut self, key: &'t KeyRef) -> Result<impl EntryVisitor<'t>, Infallible> {
        // A later entry of a key replaces an earlier one (RFC 9651). Here all count, so that they contradict.
        Ok((key.as_str() == "sha-256").then_some(DictionaryEntry(self)))
    }

    fn finish(self) -> Result<(), Infallible> {
        Ok(())
    }
}

/// A dictionary's entry that should be a sha256.
struct DictionaryEntry<'c>(&'c mut HeaderClaim);

impl<'t> EntryVisitor<'t> for DictionaryEntry<'_> {
    type Error = Infallible;

    fn item(self) -> Result<impl ItemVisitor<'t>, Infallible> {
        Ok(|item: BareItemFromInput<'t>| {
            self.0.add(match item {
                BareItemFromInput::ByteSequence(bytes) => bytes.try_into().ok().map(Sha256::from_bytes),
                _ => None,
            });
            Ok::<_, Infallible>(Ignored)
        })
    }

    fn inner_list(self) -> Result<impl InnerListVisitor<'t>, Infallible> {
        self.0.add(None);
        Ok(Ignored)
    }
}

/// `SHA-256=BASE64` in a list (RFC 3230, section 4.3.2): a token, `=`, and the digest. All algorithms use
/// characters of base64.
fn digest_list(value: &str) -> HeaderClaim {
    let mut claim = HeaderClaim::default();
    for member in value.split(',').map(str::trim).filter(|member| !member.is_empty()) {
        match member.split_once('=') {
            Some((algorithm, digest))
                if is_token(algorithm.trim_end()) && is_encoded(digest.trim_start()) =>
            {
                if algorithm.trim_end().eq_ignore_ascii_case("sha-256") {
                    claim.add(from_base64(digest.trim_start()));
                }
            }
            _ => claim.malformed = true,
        }
    }
    claim
}

/// RFC 9110, section 5.6.2.
fn is_token(text: &str) -> bool {
    let is_tchar = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(is_tchar)
}

fn is_encoded(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/=-_".contains(&byte))
}

/// The base64 of a digest. A value that ends in `-N` is computed from the checksums of N parts and says
/// nothing about the file (Amazon S3 User Guide, "Checking object integrity").
fn s3_checksum(value: &str) -> HeaderClaim {
    let of_parts = |text: &str| {
        text.rsplit_once('-')
            .is_some_and(|(_, parts)| !parts.is_empty() && parts.bytes().all(|byte| byte.is_ascii_digit()))
    };
    each_member(value, |text| (!of_parts(text)).then(|| from_base64(text)))
}

/// Other programs write hexadecimal digits or base64.
fn hex_or_base64(value: &str) -> HeaderClaim {
    each_member(value, |text| Some(Sha256::from_hex(text).ok().or_else(|| from_base64(text))))
}

/// Reads a list of digests, skipping the members for which `read` returns `None`.
fn each_member(value: &str, read: impl Fn(&str) -> Option<Option<Sha256>>) -> HeaderClaim {
    let mut claim = HeaderClaim::default();
    value.split(',').filter_map(|text| read(text.trim())).for_each(|digest| claim.add(digest));
    claim
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

    /// The digests of some headers, each with whether it can prove the file, and the number of remarks.
    fn read(pairs: &[(&'static str, &str)]) -> (Vec<(String, bool)>, usize) {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, value.parse().unwrap());
        }
        let HeaderDigests { digests, remarks } = HeaderDigests::of(&headers);
        (digests.iter().map(|it| (it.sha256.to_string(), it.can_prove)).collect(), remarks.len())
    }

    #[test]
    fn every_header_that_carries_a_sha256_is_read() {
        let proof = |value: String| (value, Some(true), 0);
        let contradiction = |value: String| (value, Some(false), 1);
        let nothing = |value: &str| (value.to_owned(), None, 0);
        let malformed = |value: String| (value, None, 1);
        let long = format!("x={}", "y".repeat(9000));
        let cases = [
            (
                "repr-digest",
                vec![
                    proof(format!("sha-256=:{B64}:")),
                    proof(format!("sha-512=:AAAA:, sha-256=:{B64}:;x=1")),
                    proof(format!("sha-256=:{B64}:, sha-256=:{B64}:")),
                    proof(format!("a;b=?1, c=(1 2 \"x,y\"), sha-256=:{B64}:, d=1.5")),
                    nothing("sha-512=:AAAA:"),
                    nothing(""),
                    nothing(&long),
                    // A digest inside a string is not an entry (RFC 9651, section 4.2).
                    nothing(&format!("x=\"a, sha-256=:{B64}:, b\"")),
                    nothing(&format!("x;y=\"a, sha-256=:{B64}:, b\"")),
                    nothing(&format!("x=(\"a\" \"sha-256=:{B64}:\")")),
                    malformed(format!("sha-256={B64}")),
                    malformed("sha-256=:AAAA:".into()),
                    malformed("sha-256".into()),
                    malformed(format!("sha-256=(:{B64}:)")),
                    malformed(format!("SHA-256=:{B64}:")),
                    malformed(format!("sha-512=\"unended, sha-256=:{B64}:")),
                    // A malformed header proves nothing; the digests that could be read still contradict.
                    contradiction(format!("sha-256=:AAAA:, sha-256=:{B64}:")),
                    contradiction(format!("sha-256=:{B64}:,")),
                    contradiction(format!("sha-256=:{B64}:, =")),
                    contradiction(format!("sha-256=:{B64}: x")),
                ],
            ),
            (
                "digest",
                vec![
                    proof(format!("SHA-256={B64}")),
                    proof(format!("md5=x,sha-256={B64}")),
                    proof(format!("UNIXsum=30637, , SHA-256={B64}")),
                    malformed("sha-256=zzzz".into()),
                    malformed("sha-256".into()),
                    contradiction(format!("md5=, sha-256={B64}")),
                    contradiction(format!("md5=a b, sha-256={B64}")),
                    contradiction(format!("x=\"a, sha-256={B64}, b\"")),
                    contradiction(format!("sha-256={B64}, id SHA=1")),
                ],
            ),
            (
                "x-amz-checksum-sha256",
                vec![
                    proof(B64.into()),
                    nothing(&format!("{B64}-17")),
                    malformed(format!("{B64}-")),
                    malformed(format!("{B64}-x")),
                    malformed("nonsense".into()),
                    malformed(HEX.into()),
                ],
            ),
            (
                "x-amz-meta-sha256",
                vec![proof(HEX.to_uppercase()), proof(B64.into()), malformed("abc".into())],
            ),
            (
                "x-checksum-sha256",
                vec![proof(HEX.into()), malformed("abc".into()), contradiction(format!("{HEX}, abc"))],
            ),
            ("etag", vec![nothing(HEX)]),
        ];
        for (name, cases) in cases {
            for (value, proves, remarks) in cases {
                let digests: Vec<_> = proves.map(|proves| (HEX.to_owned(), proves)).into_iter().collect();
                assert_eq!(read(&[(name, &value)]), (digests, remarks), "{name}: {value}");
            }
        }
    }

    #[test]
    fn a_checksum_of_parts_is_no_digest_of_the_file_however_it_is_marked() {
        for kind in ["COMPOSITE", "composite"] {
            assert_eq!(read(&[("x-amz-checksum-sha256", B64), ("x-amz-checksum-type", kind)]), (vec![], 0));
        }
        let whole = read(&[("x-amz-checksum-sha256", B64), ("x-amz-checksum-type", "FULL_OBJECT")]);
        assert_eq!(whole, (vec![(HEX.to_owned(), true)], 0));
    }

    #[test]
    fn lines_of_one_header_are_one_list() {
        let good = format!("sha-256=:{B64}:");
        let digest = |proves| vec![(HEX.to_owned(), proves)];
        assert_eq!(read(&[("repr-digest", "md5=:AAAA:"), ("repr-digest", &good)]), (digest(true), 0));
        assert_eq!(read(&[("repr-digest", &good), ("repr-digest", "=")]), (digest(false), 1));
    }

    #[test]
    fn headers_that_contradict_are_all_kept() {
        let digest = format!("sha-256={B64}");
        assert_eq!(read(&[("digest", &digest), ("x-amz-meta-sha256", &"00".repeat(32))]).0.len(), 2);
    }

    #[test]
    fn at_most_two_digests_of_a_header_are_kept() {
        let one = |number: usize| {
            BASE64.encode(
                &data_encoding::HEXLOWER
                    .decode(Sha256::of(&number.to_be_bytes()).to_string().as_bytes())
                    .unwrap(),
            )
        };
        let all = |before: &str, after: &str| {
            let members: Vec<String> = (0..1100).map(|it| format!("{before}{}{after}", one(it))).collect();
            members.join(", ")
        };
        for (name, value) in [
            ("repr-digest", all("sha-256=:", ":")),
            ("digest", all("sha-256=", "")),
            ("x-amz-meta-sha256", all("", "")),
        ] {
            assert_eq!(read(&[(name, &value)]).0.len(), 2, "{name}");
        }
    }
}
