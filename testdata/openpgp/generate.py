#!/usr/bin/env python3
"""Regenerates the keys and signatures of this directory, with new keys each time. Needs GnuPG's `gpg`.

The keys are of 2021 and do not expire; secret keys are not kept.
"""

import os
import shutil
import subprocess
import tempfile
from hashlib import sha256
from pathlib import Path

HERE = Path(__file__).resolve().parent
FILE = b"a boot image, or what passes for one"
SUMS = f"{sha256(FILE).hexdigest()}  f\n{sha256(b'g').hexdigest()}  - g\n".encode()
BORN = "20210101T000000"
LATER = "20210601T000000"


class Home:
    """A GNUPGHOME."""

    def __init__(self, source=None):
        self.path = Path(tempfile.mkdtemp())
        if source:
            self.gpg("--import", stdin=source.gpg("--export-secret-keys"))
            shutil.copytree(source.path / "openpgp-revocs.d", self.path / "openpgp-revocs.d", dirs_exist_ok=True)

    def gpg(self, *args, at=LATER, stdin=b""):
        """Runs gpg at a time of its own."""
        command = ["gpg", "--batch", "--quiet", "--yes", "--no-tty", "--passphrase", "", "--pinentry-mode", "loopback"]
        command += ["--allow-weak-digest-algos", "--ignore-time-conflict", "--faked-system-time", f"{at}!"]
        environment = {**os.environ, "GNUPGHOME": str(self.path), "LC_ALL": "C"}
        ran = subprocess.run([*command, *args], input=stdin, env=environment, capture_output=True, check=False, timeout=15)
        if ran.returncode:
            raise SystemExit(f"gpg {args}: {ran.stderr.decode()}")
        return ran.stdout

    def make(self, name, *args):
        """A key that signs, with a subkey that signs too; their fingerprints."""
        self.gpg("--quick-gen-key", f"{name}@example.com", "ed25519", "sign,cert", "never", at=BORN)
        self.gpg("--quick-add-key", self.fingerprints(name)[0], "ed25519", "sign", "never", at=BORN)
        return self.fingerprints(name)

    def fingerprints(self, name):
        """The fingerprints of a key and its subkeys."""
        listed = self.gpg("--with-colons", "--list-keys", f"{name}@example.com").decode()
        return [line.split(":")[9] for line in listed.splitlines() if line.startswith("fpr")]

    def edit(self, fingerprint, *commands):
        """Does this to a key, by its interactive editor."""
        typed = "".join(f"{command}\n" for command in [*commands, "save"]).encode()
        self.gpg("--command-fd", "0", "--edit-key", fingerprint, stdin=typed)

    def export(self, name, *args):
        return self.gpg("--export", *args, f"{name}@example.com")

    def sign(self, key, data, *args, at=LATER):
        """A detached signature; `key!` for that very key."""
        return self.gpg("--detach-sign", "-u", f"{key}!", *args, at=at, stdin=data)


def packets(data):
    """The packets of a key in GnuPG's own form, each with its tag."""
    while data:
        tag, width = data[0] >> 2 & 15, 1 << (data[0] & 3)
        end = 1 + width + int.from_bytes(data[1 : 1 + width], "big")
        yield tag, data[:end]
        data = data[end:]


def main():
    home = Home()
    primary, subkey = home.make("key")
    stranger, _ = home.make("stranger")
    home.make("other")
    plain = home.export("key")
    mine, theirs = list(packets(plain)), list(packets(home.export("other")))
    expired, revoked, subkey_revoked, subkey_expired = (Home(home) for _ in range(4))
    expired.gpg("--quick-set-expire", primary, "20210701T000000")
    subkey_expired.gpg("--quick-set-expire", primary, "20210701T000000", subkey)
    subkey_revoked.edit(primary, "key 1", "revkey", "y", "0", "", "y")
    revocation = (revoked.path / "openpgp-revocs.d" / f"{primary}.rev").read_bytes().replace(b":-----", b"-----")
    revoked.gpg("--import", stdin=revocation)
    good = home.sign(primary, FILE)
    files = {
        "f": FILE,
        "sha256sum.txt": SUMS,
        "fingerprints": f"{primary}\n{subkey}\n{stranger}\n".encode(),
        "key.gpg": plain,
        "two.asc": home.export("other", "--armor") + b"\nSome words between the two.\n\n" + home.export("key", "--armor"),
        "secret.gpg": home.gpg("--export-secret-keys", "other@example.com"),
        "expired.gpg": expired.export("key"),
        "revoked.gpg": revoked.export("key"),
        "subkey-revoked.gpg": subkey_revoked.export("key"),
        "subkey-expired.gpg": subkey_expired.export("key"),
        "unnamed.gpg": b"".join(packet for tag, packet in mine[:1] + mine[3:]),
        "thief.gpg": b"".join(packet for tag, packet in theirs[:3] + mine[3:]),
        "good.sig": good,
        "good.asc": home.sign(primary, FILE, "--armor"),
        "subkey.sig": home.sign(subkey, FILE),
        "text.sig": home.sign(primary, FILE, "--textmode"),
        "other-bytes.sig": home.sign(primary, b"other"),
        "stranger.sig": home.sign(stranger, FILE),
        "two.sig": home.sign(stranger, FILE) + good,
        "nine.sig": home.sign(stranger, FILE) * 8 + good,
        "expired.sig": home.sign(primary, FILE, "--default-sig-expire", "1d"),
        "future.sig": home.sign(primary, FILE, at="21000101T000000"),
        "early.sig": home.sign(primary, FILE, at="20200101T000000"),
        "md5.sig": home.sign(primary, FILE, "--digest-algo", "MD5"),
        "sha1.sig": home.sign(primary, FILE, "--digest-algo", "SHA1"),
        "ripemd160.sig": home.sign(primary, FILE, "--digest-algo", "RIPEMD160"),
        "critical.sig": home.sign(primary, FILE, "--sig-notation", "!condition@example.com=1"),
        "inline.gpg": home.gpg("--sign", "-u", f"{primary}!", stdin=FILE),
        "sums.sig": home.sign(primary, SUMS),
        "sums.asc": home.gpg("--clear-sign", "-u", f"{primary}!", stdin=SUMS),
        "sums-other.sig": home.sign(primary, b"other\n"),
        "sums-other.asc": home.gpg("--clear-sign", "-u", f"{primary}!", stdin=b"other\n"),
        "sums-stranger.sig": home.sign(stranger, SUMS),
        "sums-stranger.asc": home.gpg("--clear-sign", "-u", f"{stranger}!", stdin=SUMS),
    }
    for name, content in files.items():
        (HERE / name).write_bytes(content)
    for each in (home, expired, revoked, subkey_revoked, subkey_expired):
        environment = {**os.environ, "GNUPGHOME": str(each.path)}
        subprocess.run(["gpgconf", "--kill", "all"], env=environment, check=False)
        shutil.rmtree(each.path, ignore_errors=True)


if __name__ == "__main__":
    main()
