//! Runs `gpgv` and reads its report (GnuPG, `doc/DETAILS`, "Format of the --status-fd output").
//!
//! The process has its own environment and home directory and a time limit, and is killed when its
//! [`Verification`] is dropped. gpgv never uses the network.

use std::io::{self, Write as _};
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tempfile::NamedTempFile;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, ChildStdin, Command};
use tokio::time::timeout;

use super::SignatureCheck;
use super::keyring::{Keyring, SignaturePackets};

/// The time that gpgv may take for each chunk, and for its report after the last.
const TIME: Duration = Duration::from_secs(30);

/// The most bytes of gpgv's report: escapes triple the size of a signature's notations.
const MAX_STATUS: u64 = 256 * 1024;

/// How far clocks may differ.
const CLOCK_SKEW: Duration = Duration::from_secs(300);

/// The size of the chunks in which gpgv gets a text, in bytes.
const CHUNK_BYTES: usize = 128 * 1024;

/// How a clear-signed text begins (RFC 9580, section 7).
const CLEAR_SIGNED: &[u8] = b"-----BEGIN PGP SIGNED MESSAGE-----";

/// What a signature signs (RFC 9580, section 5.2.1), as gpgv writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::probe) enum SigType {
    Binary,
    Text,
}

/// A check in progress, whose bytes are still arriving.
#[derive(Debug)]
pub(in crate::probe) struct Verification {
    child: Child,
    /// `None` once gpgv has, or accepts, no more.
    input: Option<ChildStdin>,
    too_slow: bool,
    _signatures: NamedTempFile,
}

impl Keyring {
    /// Checks the signature of a text file: detached, or a clear-signed copy of the same text. The error says
    /// why it could not be checked.
    pub(in crate::probe) async fn check_text(
        &self,
        text: &[u8],
        signature: &[u8],
    ) -> Result<SignatureCheck, String> {
        let signatures = match SignaturePackets::parse(signature) {
            Ok(signatures) => signatures,
            Err(why) => return Ok(SignatureCheck::Bad(why)),
        };
        // The copy's text is not used: its signature must match our text.
        let is_clear = signature.trim_ascii_start().starts_with(CLEAR_SIGNED);
        let (text, types) = if is_clear {
            (&*clear_text(text), &[SigType::Text][..])
        } else {
            (text, &[SigType::Binary, SigType::Text][..])
        };
        let mut verification = Verification::begin(self, &signatures)?;
        for chunk in text.chunks(CHUNK_BYTES) {
            verification.update(chunk).await;
        }
        verification.finish(types).await
    }
}

impl Verification {
    /// Starts gpgv.
    pub(in crate::probe) fn begin(keyring: &Keyring, signatures: &SignaturePackets) -> Result<Self, String> {
        let begin = || -> io::Result<Self> {
            let home = keyring.directory.path();
            let mut file = NamedTempFile::new_in(home)?;
            file.write_all(&signatures.0)?;
            let mut child = Command::new(&keyring.gpgv)
                .args(["--status-fd", "1", "--keyring"])
                .arg(keyring.keys())
                .arg("--")
                .arg(file.path())
                .arg("-")
                .env_clear()
                .env("GNUPGHOME", home)
                .env("LC_ALL", "C")
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .kill_on_drop(true)
                .spawn()?;
            let input = child.stdin.take();
            Ok(Self { child, input, too_slow: false, _signatures: file })
        };
        begin().map_err(|error| format!("gpgv could not be started: {error}"))
    }

    pub(in crate::probe) async fn update(&mut self, bytes: &[u8]) {
        if let Some(input) = &mut self.input {
            match timeout(TIME, input.write_all(bytes)).await {
                Ok(Ok(())) => return,
                // It closed its input early; its report tells why.
                Ok(Err(_)) => {}
                Err(_) => self.too_slow = true,
            }
            self.input = None;
        }
    }

    /// Ends the input and judges the report: one good signature of one of these types is enough, as keys
    /// change while files stay. The error says why the signatures could not be checked.
    pub(in crate::probe) async fn finish(mut self, types: &[SigType]) -> Result<SignatureCheck, String> {
        self.input = None;
        let report = async {
            let mut status = Vec::new();
            if let Some(output) = self.child.stdout.take() {
                output.take(MAX_STATUS).read_to_end(&mut status).await?;
            }
            Ok::<_, io::Error>((status, self.child.wait().await?))
        };
        match timeout(TIME, report).await {
            _ if self.too_slow => Err(too_slow()),
            Err(_) => Err(too_slow()),
            Ok(Err(error)) => Err(format!("gpgv could not be read: {error}")),
            Ok(Ok((status, exit))) => {
                let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                judge(&String::from_utf8_lossy(&status), exit, types, now)
            }
        }
    }
}

/// A text in the form that a clear signature signs: without trailing whitespace on lines, and without the
/// last line ending (RFC 9580, section 7.2).
fn clear_text(text: &[u8]) -> Vec<u8> {
    let text = text.strip_suffix(b"\n").unwrap_or(text);
    let mut lines = text.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii_end);
    let mut clear = Vec::with_capacity(text.len().saturating_add(text.len() / 64));
    clear.extend_from_slice(lines.next().unwrap_or_default());
    for line in lines {
        clear.extend_from_slice(b"\r\n");
        clear.extend_from_slice(line);
    }
    clear
}

fn too_slow() -> String {
    format!("gpgv took more than {} seconds", TIME.as_secs())
}

fn judge(status: &str, exit: ExitStatus, types: &[SigType], now: Duration) -> Result<SignatureCheck, String> {
    // 0: all signatures are good; 1 or 2: not all are; anything else is a crash.
    if !matches!(exit.code(), Some(0..=2)) {
        return Err(format!("gpgv ended with {exit}"));
    }
    let mut worst = None;
    let mut is_good = false;
    for line in status.lines().filter_map(|line| line.strip_prefix("[GNUPG:] ")) {
        let words: Vec<&str> = line.split(' ').collect();
        let problem = match *words.as_slice() {
            ["NEWSIG", ..] => {
                is_good = false;
                continue;
            }
            // VALIDSIG follows with the details. It also follows EXPSIG, EXPKEYSIG and REVKEYSIG.
            ["GOODSIG", ..] => {
                is_good = true;
                continue;
            }
            ["VALIDSIG", key, _, created, _, _, _, _, hash, sig_type, ..] if is_good => {
                is_good = false;
                match objection(created, hash, sig_type, types, now) {
                    None => return Ok(SignatureCheck::Good { key: key.to_owned() }),
                    Some(why) => format!("the signature by the key {key} {why}"),
                }
            }
            ["EXPSIG", key, ..] => format!("the signature by the key {key} is expired"),
            ["EXPKEYSIG", key, ..] => format!("the key {key} is expired"),
            ["REVKEYSIG", key, ..] => format!("the key {key} is revoked"),
            ["BADSIG", key, ..] => format!("the signature by the key {key} does not match the bytes"),
            ["ERRSIG", id, _, hash, _, _, why, ref fingerprint @ ..] => {
                let key = fingerprint.first().filter(|it| it.len() > id.len()).unwrap_or(&id);
                match (why, hash) {
                    ("9", _) => format!("the key {key} is not in the keyring"),
                    ("6", _) => format!(
                        "the key {key} has no valid signature of its own, or is not bound to its certificate"
                    ),
                    ("39", _) => format!("the signature by the key {key} is older than the key"),
                    (_, hash) if is_weak(hash) => format!("the signature by the key {key} {WEAK}"),
                    (why, _) => {
                        format!("the signature by the key {key} cannot be checked (gpgv's error {why})")
                    }
                }
            }
            _ => continue,
        };
        worst.get_or_insert(problem);
    }
    match worst {
        Some(why) => Ok(SignatureCheck::Bad(why)),
        None if exit.success() => Err("gpgv reported no signature".to_owned()),
        None => Ok(SignatureCheck::Bad("it contains no signature that gpgv can read".to_owned())),
    }
}

const WEAK: &str = "uses a digest that is no longer secure";

/// MD5, SHA-1 and RIPEMD-160 (RFC 9580, section 9.5).
fn is_weak(hash: &str) -> bool {
    matches!(hash, "1" | "2" | "3")
}

/// What is wrong with a cryptographically valid signature, if anything.
fn objection(
    created: &str,
    hash: &str,
    sig_type: &str,
    types: &[SigType],
    now: Duration,
) -> Option<&'static str> {
    let is_wanted = match sig_type {
        "00" => types.contains(&SigType::Binary),
        "01" => types.contains(&SigType::Text),
        _ => false,
    };
    if !is_wanted {
        return Some("is not a signature of a file's bytes");
    }
    if is_weak(hash) {
        return Some(WEAK);
    }
    // gpgv does not check this.
    let created = created.parse().map(Duration::from_secs);
    created.map_or(true, |created| created > now + CLOCK_SKEW).then_some("is from the future")
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt as _;

    use super::*;

    const VALID: &str = "VALIDSIG FPR 2021-06-01 1000 0 4 0 22 8 00 PRIMARY";

    /// The result if gpgv reports these lines and exits with `code`, at 2000 seconds.
    fn judged(lines: &[&str], code: i32) -> Result<SignatureCheck, String> {
        let status = lines.iter().fold(String::new(), |status, line| status + "[GNUPG:] " + line + "\n");
        judge(&status, ExitStatus::from_raw(code << 8), &[SigType::Binary], Duration::from_secs(2000))
    }

    #[test]
    fn a_good_signature_needs_goodsig_and_validsig() {
        let good = Ok(SignatureCheck::Good { key: "FPR".to_owned() });
        assert_eq!(judged(&["NEWSIG", "GOODSIG ID name", VALID], 0), good);
        assert_eq!(
            judged(&["NEWSIG", "ERRSIG ID 22 8 00 1000 9 OTHER", "NEWSIG", "GOODSIG ID n", VALID], 2),
            good
        );
        for (lines, code) in [
            (&["NEWSIG", "GOODSIG ID name"][..], 0),
            (&["NEWSIG", VALID], 0),
            (&["NEWSIG", "GOODSIG ID name", "NEWSIG", VALID], 0),
            (&["NEWSIG", "REVKEYSIG ID name", VALID], 0),
            (&["NEWSIG", "EXPKEYSIG ID name", VALID], 0),
            (&["NEWSIG", "EXPSIG ID name", VALID], 1),
            (&["NEWSIG", "BADSIG ID name", VALID], 1),
            (&["NEWSIG", "GOODSIG ID name", "VALIDSIG FPR 2021-06-01 1000 0 4 0 22 8 01 P"], 0),
            (&["NEWSIG", "GOODSIG ID name", "VALIDSIG FPR 2021-06-01 1000 0 4 0 22 8 10 P"], 0),
            (&["NEWSIG", "GOODSIG ID name", "VALIDSIG FPR 2021-06-01 1000 0 4 0 22 2 00 P"], 0),
            (&["NEWSIG", "GOODSIG ID name", "VALIDSIG FPR 2021-06-01 2301 0 4 0 22 8 00 P"], 0),
            (&["NEWSIG", "GOODSIG ID name", "VALIDSIG FPR"], 0),
            (&["NODATA 1"], 2),
            (&[], 0),
            (&[], 2),
        ] {
            let judged = judged(lines, code);
            assert!(!matches!(judged, Ok(SignatureCheck::Good { .. })), "{lines:?}: {judged:?}");
        }
        // Lines without gpgv's prefix are not part of its report.
        let status = format!("GOODSIG ID\n{VALID}\ngpgv: [GNUPG:] GOODSIG ID\n");
        let judged = judge(&status, ExitStatus::from_raw(0), &[SigType::Binary], Duration::from_secs(2000));
        assert!(judged.is_err(), "{judged:?}");
    }

    #[test]
    fn a_gpgv_that_crashes_or_reports_nothing_is_an_error() {
        for ended in [ExitStatus::from_raw(9), ExitStatus::from_raw(3 << 8), ExitStatus::from_raw(0)] {
            assert!(judge("", ended, &[SigType::Binary], Duration::ZERO).is_err(), "{ended}");
        }
    }

    #[test]
    fn a_clear_text_has_its_own_line_ends() {
        for (text, clear) in
            [("", ""), ("\n", ""), ("a  \nb\r\n", "a\r\nb"), ("a\n\nb\n\n", "a\r\n\r\nb\r\n")]
        {
            assert_eq!(clear_text(text.as_bytes()), clear.as_bytes(), "{text:?}");
        }
    }
}
