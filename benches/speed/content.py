"""`--verify content`, compared with pipes of curl, openssl and gzip."""

import concurrent.futures
import gzip
import hashlib
import json
import multiprocessing
import os
import subprocess

from documents import ARCHITECTURES, PATH, File, write_document
from measure import bound, in_turns, median, table
from programs import Program

FILES = 24
FILE_BYTES = 64 * 1024 * 1024


def half_compressible(size):
    """Bytes that gzip compresses to about half, in blocks as in a disk image."""
    block = 4096
    random = os.urandom(4 * 1024 * 1024)
    text = bytes(range(256)) * (block // 256)
    pieces = []
    for index in range(size // (2 * block)):
        at = index * block % len(random)
        pieces.append(random[at:at + block])
        pieces.append(text)
    return b"".join(pieces)


def write_contents(root):
    """Writes the files: one inode under all names, so that it stays in the page cache and no disk is measured.

    Runs in a separate process, like `write_corpus`.
    """
    directory = f"{PATH}/rhel-9.9/builds/9.9.20260101-0/x86_64"
    os.makedirs(root + directory, exist_ok=True)
    plain = half_compressible(FILE_BYTES)
    packed = gzip.compress(plain, 6)
    kinds = {"raw": (plain, {}), "raw.gz": (packed, {"uncompressed-sha256": hashlib.sha256(plain).hexdigest()})}
    made = {}
    for suffix, (content, extra) in kinds.items():
        sha256 = hashlib.sha256(content).hexdigest()
        first = f"{root}{directory}/first.{suffix}"
        with open(first, "wb") as out:
            out.write(content)
        rows, files, extras = [], {}, {}
        for number in range(FILES):
            name = f"rhcos-9.9.20260101-0-metal-{number}.x86_64.{suffix}"
            os.link(first, f"{root}{directory}/{name}")
            file = File(directory, name, len(content), sha256)
            files[file.path], extras[name] = file, extra
            rows.append((ARCHITECTURES[3], "metal", "9.9.20260101-0", f"{number}.{suffix}", "disk", directory, name))
        made[suffix] = rows, files, extras
    return made


def content(bench):
    """24 files of 64 MiB, raw, and as gzip with both digests."""
    servers, programs = bench.servers, bench.programs
    if "curl" in programs.missing:
        return print("content: needs curl, left out")
    folder = f"{servers.work}/content"
    with concurrent.futures.ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as elsewhere:
        made = elsewhere.submit(write_contents, servers.root).result()
    for scheme, base in (("TLS", servers.near["default"]), ("plain http", servers.near["plain"])):
        for suffix, (rows, files, extras) in made.items():
            where = f"{folder}-{suffix}-{scheme.split()[0]}"
            write_document(f"{where}/documents/content.json", "content", rows, files, base, extras)
            urls = [f"{base}{directory}/{name}" for *_, directory, name in rows]
            with open(f"{where}/urls.txt", "w") as out:
                out.writelines(f"{url}\n" for url in urls)
            ours = programs.gate(where, verify="content")
            if not downloads(ours, programs.work):
                return print("content: this program downloads nothing with --verify content, left out")
            fetch = f"curl -s --cacert {programs.ca} $0"
            if suffix == "raw.gz":
                pipe = f"{fetch} | tee >(openssl dgst -sha256 >&2) | gzip -dc | openssl dgst -sha256"
                name, most, aim = "curl | tee >(openssl) | gzip -dc | openssl, two at a time", 1.0, 0.5
            else:
                pipe = f"{fetch} | openssl dgst -sha256"
                name, most, aim = "curl | openssl dgst -sha256, two at a time", 1.0, 0.8
            command = ["xargs", "-P2", "-n1", "bash", "-c", f"{pipe} 2>/dev/null"]
            peer = Program(name, command, stdin=f"{where}/urls.txt")
            results = in_turns(servers, [ours, peer], bench.runs)
            theirs = median(results[peer.name])
            lines = [
                [ours.name, f"{median(results[ours.name]):.2f} s",
                 f"{bound(median(results[ours.name]) / theirs, most)}, aim {aim}",
                 f"{median(results[ours.name], 'memory'):.0f} MiB"],
                [peer.name, f"{theirs:.2f} s", "1", ""],
            ]
            table(f"{FILES} files of {FILE_BYTES >> 20} MiB, {suffix}, {scheme}",
                  ["", "median", "of the pipe", "peak memory"], lines)


def downloads(ours, work):
    """Whether this program reads the content."""
    subprocess.run(ours.command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    with open(f"{work}/artifacts/art-mirror-validate.json") as report:
        return any(artifact["sha256"]["observed_from"] == "content" for artifact in json.load(report)["artifacts"])
