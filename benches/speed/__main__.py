"""Measures how fast the gate is, compared with other programs and with the minimum number of round trips.

    python3 benches/speed [--runs N] [ROW…]

The rows: distance, http1, redirect, branches, lossy, loopback, startup, content. Needs nginx and openssl, and compares
with curl, lychee, aria2 and xargs if they are installed. See README.md in the directory above.
"""

import argparse
import datetime
import multiprocessing
import os
import pathlib
import platform
import subprocess
import tempfile

import rows
from documents import write_corpus
from programs import Programs
from servers import Servers

ROUND_TRIP_MS = 50
TREE = pathlib.Path(__file__).resolve().parents[2]


def build():
    """Builds the release binaries of this tree."""
    for what in (["--bin", "art-mirror-validate"], ["-p", "embedded-mirror", "--example", "relay"]):
        subprocess.run(["cargo", "build", "--release", *what], cwd=TREE, check=True)


def in_a_process_of_its_own(work, *arguments):
    process = multiprocessing.get_context("spawn").Process(target=work, args=arguments)
    process.start()
    process.join()
    if process.exitcode != 0:
        raise SystemExit("the documents could not be written")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="*", metavar="ROW", default=list(rows.ROWS))
    parser.add_argument("--runs", type=int, default=5, help="measured runs of each program, after one to warm up")
    parser.add_argument("--largest", type=int, default=100_000, help="maximum number of artifacts on loopback")
    parser.add_argument("--no-build", action="store_true", help="use the existing binaries in target/release")
    parser.add_argument("--binary", help="program to measure instead of this tree's")
    parser.add_argument("--keep", action="store_true", help="keep the documents and logs")
    arguments = parser.parse_args()
    if unknown := [row for row in arguments.rows if row not in rows.ROWS]:
        parser.error(f"no such row: {', '.join(unknown)}; there are {', '.join(rows.ROWS)}")
    if not arguments.no_build:
        build()
    binary = arguments.binary or str(TREE / "target/release/art-mirror-validate")
    relay = str(TREE / "target/release/examples/relay")
    # The programs are compared on direct connections.
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "ARTIFACTS"):
        os.environ.pop(name, None)
    work = tempfile.mkdtemp(prefix="art-mirror-validate-bench-")
    os.chmod(work, 0o755)
    root = f"{work}/root"
    os.mkdir(root)
    programs = Programs(binary, work)
    print(f"{datetime.date.today()}, {os.cpu_count()} cores, {platform.system()} {platform.release()}; "
          f"round trip {ROUND_TRIP_MS} ms; medians of {arguments.runs} interleaved runs")
    if programs.missing:
        print(f"not installed, left out: {', '.join(programs.missing)}")
    with Servers(work, root, relay, ROUND_TRIP_MS) as servers:
        bench = rows.Bench(servers, programs, arguments.runs, arguments.largest,
                           lambda *it: in_a_process_of_its_own(write_corpus, work, root, *it))
        for row in arguments.rows:
            rows.ROWS[row](bench)
    if arguments.keep:
        print(f"kept: {work}")
    else:
        subprocess.run(["rm", "-rf", work], check=True)


if __name__ == "__main__":
    main()
