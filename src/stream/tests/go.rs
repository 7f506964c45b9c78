//! How programs in Go read documents, recorded with Go 1.19's `encoding/json` and `net/url` and the types of
//! coreos/stream-metadata-go.

use super::*;

/// How Go's reader treats a text.
#[derive(Debug, PartialEq)]
enum Go {
    /// `json.Unmarshal`, `url.Parse` or `http.NewRequest` fails, or the value is unusable.
    Refuses,
    /// It is read, with the meaning that the gate reads.
    Reads,
    /// It is read, but the gate may refuse it, because no generator writes it.
    ReadsUnusual,
}

use Go::{Reads, ReadsUnusual, Refuses};

/// A text, how Go treats it, and the gate's fault, if any.
type Case = (String, Go, &'static str);

#[track_caller]
fn judge(cases: Vec<Case>) {
    for (text, go, says) in cases {
        let short: String = text.chars().take(400).collect();
        match Document::parse("rhcos.json", text.as_bytes()) {
            Ok(document) => {
                assert_eq!((go, says), (Reads, ""), "{short}");
                assert_eq!(document.artifacts.len(), 1, "{short}");
            }
            Err(faults) => {
                assert_ne!(go, Reads, "{short}: {faults}");
                assert!(faults.to_string().contains(says), "{short}: {faults}");
            }
        }
    }
}

fn component(fields: &str) -> String {
    with_component(&format!("{{{fields}}}"))
}

fn with(entry: &str) -> String {
    with_component(&valid_component()).replacen('{', &format!("{{{entry}, "), 1)
}

fn arch(entry: &str) -> String {
    with_component(&valid_component()).replacen("\"x86_64\"", &format!("\"s390x\": {entry}, \"x86_64\""), 1)
}

fn in_arch(entry: &str) -> String {
    with_component(&valid_component()).replacen("\"artifacts\"", &format!("{entry}, \"artifacts\""), 1)
}

#[test]
fn a_digest_or_location_means_what_it_means_to_go() {
    let located = |url: &str| component(&format!(r#""location": "{url}", "sha256": "{DIGEST}""#));
    let digest = |digest: &str| component(&format!(r#""location": "https://h/f", "sha256": "{digest}""#));
    judge(vec![
        // A digest is compared as text with one formatted by `%x` (installer, pkg/rhcos/cache, `cacheFile`).
        (digest(&DIGEST.to_uppercase()), Refuses, "expected 64 hexadecimal digits in lower case"),
        (digest(&format!(" {DIGEST}")), Refuses, "expected 64 hexadecimal digits"),
        (
            component(&format!(
                r#""location": "https://h/f", "sha256": "{DIGEST}", "uncompressed-sha256": "{}""#,
                DIGEST.to_uppercase()
            )),
            Refuses,
            "uncompressed-sha256: found",
        ),
        // net/url: `unescape`, `stringContainsCTLByte`, `getScheme`, `parseHost`, `validOptionalPort`.
        (located("https://h/%zz"), Refuses, "an absolute URL (a % without two hexadecimal digits)"),
        (located("https://h/%4"), Refuses, "a % without two"),
        (located("https://h/f#%zz"), Refuses, "a % without two"),
        (located("https://u%zz@h/f"), Refuses, "invalid character in the host"),
        (located("https://h%41/f"), Refuses, "invalid character in the host"),
        (located("https://h\\\\f"), Refuses, "invalid character in the host"),
        (located("https://h/f\\u0001"), Refuses, "control character"),
        (located("https://h/f\\u007f"), Refuses, "control character"),
        (located("https://h/a\\nb"), Refuses, "control character"),
        (located(" https://h/f"), Refuses, "no scheme at its beginning"),
        (located("https:h/f"), Refuses, "no host after ://"),
        (located("https:///f"), Refuses, "no host after ://"),
        (located("https://h:x/f"), Refuses, "invalid port number"),
        (located("https://h`/f"), Refuses, "invalid character in the host"),
        (located("//h/f"), Refuses, "relative URL without a base"),
        (located("1https://h/f"), Refuses, "relative URL without a base"),
        (located(""), Refuses, "relative URL without a base"),
        (located("https://h/%2f%7e"), Reads, ""),
        (located("https://h/f?a=%zz"), Reads, ""),
        // The installer never reads a signature.
        (
            component(&format!(
                r#""location": "https://h/f", "signature": "https://h/%zz", "sha256": "{DIGEST}""#
            )),
            Reads,
            "",
        ),
    ]);
}

#[test]
fn a_text_means_what_it_means_to_go() {
    let valid = with_component(&valid_component());
    let located = |url: &str| component(&format!(r#""location": "{url}", "sha256": "{DIGEST}""#));
    let depth = |levels: usize| with(&format!(r#""x": {}{}"#, "[".repeat(levels), "]".repeat(levels)));
    judge(vec![
        // encoding/json: names match under case folding, the last of several wins, objects are merged.
        (
            component(&format!(r#""LOCATION": "https://h/f", "sha256": "{DIGEST}""#)),
            ReadsUnusual,
            "in that spelling",
        ),
        (
            component(&format!(r#""location": "https://h/f", "\u017fha256": "{DIGEST}""#)),
            ReadsUnusual,
            "in that spelling",
        ),
        (
            component(&format!(
                r#""location": "https://h/f", "location": "https://h/g", "sha256": "{DIGEST}""#
            )),
            ReadsUnusual,
            "a duplicate key",
        ),
        (
            in_arch(r#""images": {"AWS": {}}"#),
            ReadsUnusual,
            "images.AWS: found the key \"AWS\", expected \"aws\" in that spelling",
        ),
        (in_arch(r#""images": {"aws": {"Regions": {}}}"#), ReadsUnusual, "\"regions\" in that spelling"),
        (in_arch(r#""images": {"aws": {"regions": {"US": {"image": "i"}}}}"#), Reads, ""),
        // Unpaired surrogates become U+FFFD.
        (
            located("https://h/\\ud800"),
            ReadsUnusual,
            "location: found malformed JSON (unexpected end of hex escape)",
        ),
        // A number is validated only where it is decoded.
        (with(r#""x": 1e999"#), ReadsUnusual, "number out of range"),
        (with(r#""x": 123456789012345678901234567890"#), Reads, ""),
        (with(r#""x": -0"#), Reads, ""),
        (with(r#""x": 01"#), Refuses, "malformed JSON"),
        // Go's limit is 10,000 levels (`maxNestingDepth`).
        (depth(126), Reads, ""),
        (depth(127), ReadsUnusual, "too many levels of nesting"),
        (depth(20_000), Refuses, "too many levels of nesting"),
        // A text is one value, with nothing before or after it.
        (format!("\u{feff}{valid}"), Refuses, "malformed JSON"),
        (format!("{valid} x"), Refuses, "trailing characters"),
        (format!("{valid}{valid}"), Refuses, "trailing characters"),
        (format!("{valid}\0"), Refuses, "trailing characters"),
        (format!("\n\t {valid}\r\n"), Reads, ""),
    ]);
}

#[test]
fn a_value_means_what_it_means_to_go() {
    let valid = with_component(&valid_component());
    judge(vec![
        // null leaves the zero value: an absent map, an empty string.
        (arch("null"), Reads, ""),
        (arch("{}"), Reads, ""),
        (
            arch(
                r#"{"artifacts": null, "images": {"aws": {"regions": {"r": {"release": "r", "image": "i"}}}}}"#,
            ),
            Reads,
            "",
        ),
        (arch(r#"{"artifacts": {"metal": {"release": "r", "formats": null}}}"#), Reads, ""),
        (
            arch(r#"{"artifacts": {"metal": {"release": "r", "formats": {"iso": {"disk": null}}}}}"#),
            ReadsUnusual,
            "disk: found null",
        ),
        (arch(r#"{"artifacts": {"metal": null}}"#), ReadsUnusual, "metal: found null"),
        (
            r#"{"stream": "s", "architectures": null}"#.into(),
            ReadsUnusual,
            "found no artifact, expected at least one",
        ),
        ("null".into(), ReadsUnusual, "found null, expected stream metadata"),
        (
            component(&format!(r#""location": null, "sha256": "{DIGEST}""#)),
            Refuses,
            "location: found null, expected a string",
        ),
        (with(r#""metadata": null"#).replacen(r#""metadata": {}, "#, "", 1), Reads, ""),
        (in_arch(r#""images": null"#), Reads, ""),
        (in_arch(r#""images": {"aws": null, "gcp": {"name": null}}"#), Reads, ""),
        // A value of another type fails the whole document (`UnmarshalTypeError`).
        (
            valid.replace(r#""metadata": {}"#, r#""metadata": "x""#),
            Refuses,
            "metadata: found the string \"x\", expected an object",
        ),
        (
            valid.replace(r#""metadata": {}"#, r#""metadata": {"last-modified": 5}"#),
            Refuses,
            "last-modified: found the number 5, expected a string",
        ),
        (valid.replace(r#""metadata": {}"#, r#""metadata": {"later": 5}"#), Reads, ""),
        (in_arch(r#""images": 5"#), Refuses, "images: found the number 5, expected an object"),
        (in_arch(r#""images": {"aws": []}"#), Refuses, "aws: found an array, expected an object"),
        (
            in_arch(r#""images": {"aws": {"regions": {"r": {"image": 5}}}}"#),
            Refuses,
            "image: found the number 5, expected a string",
        ),
        (in_arch(r#""images": {"gcp": {"name": {}}}"#), Refuses, "name: found an object, expected a string"),
        (
            in_arch(r#""rhel-coreos-extensions": {"azure-disk": "x"}"#),
            Refuses,
            "azure-disk: found the string \"x\", expected an object",
        ),
        (in_arch(r#""images": {"later": 5}"#), Reads, ""),
        (valid.replace(r#""rhcos-4.99""#, "5"), Refuses, "stream: found the number 5"),
    ]);
}
