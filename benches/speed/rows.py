"""The rows: what is compared with what, and the bounds."""

import os
import shutil
import subprocess

import content
from documents import BRANCHES, OF_A_BRANCH
from measure import bound, connections, failed, in_turns, median, requests, table, timed
from programs import Program


class Bench:
    """What the rows need."""

    def __init__(self, servers, programs, runs, largest, write_corpus):
        self.servers, self.programs, self.runs, self.largest = servers, programs, runs, largest
        self.round_trip = 0.05
        self._write_corpus, self._written = write_corpus, set()

    def folder(self, where, artifacts):
        """The directory of the documents with that many artifacts at a base, such as `far/default` or `near/raised`."""
        if artifacts not in self._written:
            bases = {f"{near}-{name}": url
                     for near, of in (("far", self.servers.far), ("near", self.servers.near))
                     for name, url in of.items()}
            self._write_corpus(artifacts, bases)
            self._written.add(artifacts)
        return f"{self.servers.work}/{where.replace('/', '-')}-{artifacts}"


def line(name, runs, ratio):
    note = f", {failed(runs)} failed" if failed(runs) else ""
    return [name + note, f"{median(runs):.3f} s", ratio, connections(runs), requests(runs)]


HEADER = ["", "median", "of the limit", "connections", "requests"]


def distance(bench):
    """Three round trips: TCP, TLS, all requests."""
    limit = 3 * bench.round_trip
    appconnect(bench)
    for artifacts, most in ((48, 1.15), (143, 1.25)):
        for server in ("default", "raised"):
            folder = bench.folder(f"far/{server}", artifacts)
            ours = bench.programs.gate(folder)
            results = in_turns(bench.servers, [ours, *bench.programs.peers(folder)], bench.runs)
            rows = [["the limit", f"{limit:.3f} s", "1", "1", ""]]
            for name, runs in results.items():
                ratio = median(runs) / limit
                rows.append(line(name, runs, bound(ratio, most) if name == ours.name else f"{ratio:.2f}"))
            table(f"{artifacts} artifacts, 50 ms away, nginx with {server} limits", HEADER, rows)


def appconnect(bench):
    """The relay, measured by curl: one round trip to connect, one for TLS, one for the response."""
    form = "TCP and TLS %{time_appconnect} s, first byte %{time_starttransfer} s, HTTP/%{http_version}"
    command = ["curl", "-sI", "-o", "/dev/null", "-w", form, "--cacert", bench.programs.ca, bench.servers.far["default"]]
    if "curl" not in bench.programs.missing:
        print("\nthe relay, as curl sees it:", subprocess.run(command, capture_output=True, text=True).stdout)


def http1(bench):
    """A server without HTTP/2, with as many connections as curl opens."""
    for artifacts in (48, 143):
        folder = bench.folder("far/http1", artifacts)
        ours = bench.programs.gate(folder)
        peers = [] if "curl" in bench.programs.missing else [bench.programs.curl(folder)]
        results = in_turns(bench.servers, [ours, *peers], bench.runs)
        fastest = min((median(results[peer.name]) for peer in peers), default=None)
        rows = []
        for name, runs in results.items():
            ratio = median(runs) / fastest if fastest else 1
            rows.append(line(name, runs, bound(ratio, 1.2) if name == ours.name else f"{ratio:.2f}"))
        table(f"{artifacts} artifacts, 50 ms away, HTTP/1.1 only", ["", "median", "of curl", *HEADER[3:]], rows)


def redirect(bench):
    """Every request is answered with 307 to another server, so the round trips of two connections."""
    limit = 6 * bench.round_trip
    for artifacts in (48, 143):
        folder = bench.folder("far/redirecting", artifacts)
        ours = bench.programs.gate(folder)
        peers = [] if "curl" in bench.programs.missing else [bench.programs.curl(folder, "-L")]
        results = in_turns(bench.servers, [ours, *peers], bench.runs)
        rows = [["the limit", f"{limit:.3f} s", "1", "2", ""]]
        for name, runs in results.items():
            ratio = median(runs) / limit
            rows.append(line(name, runs, bound(ratio, 1.2) if name == ours.name else f"{ratio:.2f}"))
        table(f"{artifacts} artifacts, 50 ms away, redirected to another server", HEADER, rows)


def branches(bench):
    """Every branch: six round trips more than without delay; both times include reading git."""
    medians = []
    for where in ("near/raised", "far/raised"):
        folder = bench.folder(where, BRANCHES * OF_A_BRANCH)
        ours = bench.programs.gate_of_branches(folder, repository(folder))
        medians.append(median(in_turns(bench.servers, [ours], bench.runs)[ours.name]))
    near, far = medians
    rows = [["art-mirror-validate", f"{near:.3f} s", f"{far:.3f} s", bound((far - near) / bench.round_trip, 6)]]
    title = f"{BRANCHES} branches of {OF_A_BRANCH} artifacts, 50 ms away"
    table(title, ["", "without a distance", "with it", "round trips"], rows)


def repository(folder):
    """Makes a git repository with each document of a directory on a branch of that name."""
    place = f"{folder}/repository"
    git = ["git", "-C", place, "-c", "user.name=b", "-c", "user.email=b@example.com"]
    at = f"{place}/data/data/coreos/rhcos.json"
    os.makedirs(os.path.dirname(at))
    subprocess.run([*git, "init", "--quiet"], check=True)
    for name in sorted(os.listdir(f"{folder}/documents")):
        subprocess.run([*git, "checkout", "--quiet", "--orphan", name.removesuffix(".json")], check=True)
        shutil.copy(f"{folder}/documents/{name}", at)
        subprocess.run([*git, "add", "."], check=True)
        subprocess.run([*git, "commit", "--quiet", "-m", name], check=True)
    return place


def lossy(bench):
    """Two requests in a hundred fail with 503, at random."""
    for artifacts in (48, 143):
        gates = [bench.programs.gate(bench.folder(f"far/{server}", artifacts), name)
                 for server, name in (("default", "clean"), ("lossy", "2 % of requests 503"))]
        results = in_turns(bench.servers, gates, 3 * bench.runs)
        clean = median(results["clean"])
        rows = []
        for name, runs in results.items():
            ratio = median(runs) / clean
            slowest = max(it.seconds for it in runs)
            refused = sum(it.answers["503"] for it in runs) / len(runs)
            rows.append([name, f"{median(runs):.3f} s", "1" if name == "clean" else bound(ratio, 3),
                         f"{slowest:.3f} s", f"{refused:.1f}", connections(runs)])
        header = ["", "median", "of the clean", "slowest", "503 a run", "connections"]
        table(f"{artifacts} artifacts, 50 ms away, a lossy mirror (medians of {3 * bench.runs})", header, rows)


def loopback(bench):
    """Without delay: the time per artifact, from 100 to 100,000."""
    for server in ("default", "raised"):
        rows, costs = [], []
        for artifacts in (100, 1_000, 10_000, 100_000):
            if artifacts > bench.largest:
                continue
            folder = bench.folder(f"near/{server}", artifacts)
            ours = bench.programs.gate(folder)
            peers = []
            if "curl" not in bench.programs.missing:
                peers.append(bench.programs.curl(folder))
            if "lychee" not in bench.programs.missing and artifacts <= 10_000:
                peers.append(bench.programs.lychee(folder, lifted=True))
            results = in_turns(bench.servers, [ours, *peers], bench.runs if artifacts < 100_000 else 1)
            for name, runs in results.items():
                seconds = median(runs)
                cost = seconds / artifacts * 1e6
                memory = f"{median(runs, 'memory'):.0f} MiB"
                if name == ours.name:
                    costs.append((artifacts, cost, median(runs, "cpu") / artifacts * 1e6))
                    if artifacts == 100_000:
                        memory = bound(median(runs, "memory"), 400, "{:.0f} MiB")
                rows.append([artifacts, name, f"{seconds:.3f} s", f"{cost:.1f} µs",
                             f"{requests(runs) / seconds:.0f}/s", f"{median(runs, 'cpu'):.3f} s", memory,
                             connections(runs)])
        header = ["artifacts", "", "median", "an artifact", "requests", "processor", "peak memory", "connections"]
        table(f"loopback, nginx with {server} limits", header, rows)
        print("what an artifact costs, on the clock (█) and of this program's processor time (▒):\n")
        for artifacts, cost, cpu in costs:
            print(f"    {artifacts:>7} {'█' * max(1, round(cost / 4))} {cost:.0f} µs")
            print(f"            {'▒' * max(1, round(cpu / 4))} {cpu:.0f} µs", flush=True)


def startup(bench):
    """The time until the program begins its work."""
    binary = bench.programs.binary
    cases = {
        "--help": ["--help"],
        "an argument error": ["check", "--no-such-option"],
        "resolve URL": ["resolve", "https://rhcos.mirror.openshift.com/art/storage/prod/streams/4.14-9.2/builds/"
                        "414.92.202306141028-0/x86_64/rhcos-414.92.202306141028-0-metal.x86_64.raw.gz"],
    }
    rows = []
    for name, its in cases.items():
        if its[0] not in subprocess.run([binary, "--help"], capture_output=True, text=True).stdout + "--help":
            print(f"{name}: not in this program, left out")
            continue
        runs = [timed(Program(name, [binary, *its])) for _ in range(40)]
        seconds, cpu = (sorted(it[which] for it in runs)[len(runs) // 2] for which in (0, 1))
        rows.append([name, bound(cpu * 1e3, 5, "{:.1f} ms"), f"{seconds * 1e3:.1f} ms"])
    table("start-up", ["", "processor", "median"], rows)
    print(f"the binary: {os.path.getsize(binary) / 2**20:.1f} MiB")


ROWS = {"distance": distance, "http1": http1, "redirect": redirect, "branches": branches, "lossy": lossy, "loopback": loopback,
        "startup": startup, "content": content.content}
