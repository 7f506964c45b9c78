"""The programs that are compared, each as a command that requests every file of one run."""

import os
import shutil
import subprocess


class Program:
    """A program: its name in the tables, its command, its standard input, and whether it is ours."""

    def __init__(self, name, command, stdin=None, ours=False):
        self.name, self.command, self.stdin, self.ours = name, command, stdin, ours


class Programs:
    """The installed programs."""

    def __init__(self, binary, work):
        self.binary, self.work, self.ca = binary, work, f"{work}/ca.pem"
        self.missing = [name for name in ("curl", "lychee", "aria2c", "xargs") if not shutil.which(name)]

    def gate(self, folder, name="art-mirror-validate", verify="published", reports=True):
        """`check` as Prow runs it: a log on standard output, and the reports in a directory."""
        documents = sorted(os.path.join(folder, "documents", it) for it in os.listdir(f"{folder}/documents"))
        command = [self.binary, "check", "--published", "--verify", verify, "--allow-host", "127.0.0.1",
                   "--allow-private-addresses", "--ca-file", self.ca]
        if reports:
            command += ["--artifacts-dir", f"{self.work}/artifacts"]
        return Program(name, command + documents, ours=True)

    def gate_of_branches(self, folder, repository):
        """`check` of every branch of a repository."""
        whole = self.gate(folder)
        sources = {os.path.join(folder, "documents", it) for it in os.listdir(f"{folder}/documents")}
        command = [it for it in whole.command if it not in sources]
        return Program(whole.name, [*command, "--git", repository, "--ref", "release-*"], ours=True)

    def curl(self, folder, *more, parallel=50, name=None):
        name = name or " ".join(["curl -Z", f"--parallel-max {parallel}", "--head", *more])
        command = ["curl", "-Z", "--parallel-max", str(parallel), "--head", "-s", *more, "--cacert", self.ca,
                   "-K", f"{folder}/curl.cfg"]
        return Program(name, command)

    def one_curl(self, folder):
        """A single request: the minimum that any program can reach on this machine under its current load."""
        with open(f"{folder}/urls.txt") as urls:
            url = urls.readline().strip()
        return Program("one file by curl", ["curl", "-sI", "-o", "/dev/null", "--cacert", self.ca, url])

    def curl_by_xargs(self, folder):
        command = ["xargs", "-P16", "-n1", "curl", "-sI", "-o", "/dev/null", "--cacert", self.ca]
        return Program("xargs -P16 curl -I", command, stdin=f"{folder}/urls.txt")

    def aria2(self, folder):
        command = ["aria2c", "--dry-run=true", "-j16", "-q", "--no-conf", f"--ca-certificate={self.ca}", "-i",
                   f"{folder}/urls.txt"]
        return Program("aria2c --dry-run -j16", command)

    def lychee(self, folder, lifted):
        command = ["lychee", "--no-progress", "--quiet", "--insecure", "--method", "head", "--max-retries", "0"]
        name = "lychee with its defaults"
        if lifted:
            command += ["--max-concurrency", "512"]
            usage = subprocess.run(["lychee", "--help"], capture_output=True, text=True).stdout
            # Limits that only later versions have.
            for option, value in (("--host-concurrency", "512"), ("--host-request-interval", "0ms")):
                if option in usage:
                    command += [option, value]
            name = "lychee, limits lifted"
        return Program(name, [*command, f"{folder}/urls.txt"])

    def peers(self, folder):
        """All installed programs that can request many files."""
        offers = {
            "curl": lambda: [self.one_curl(folder), self.curl(folder)],
            "lychee": lambda: [self.lychee(folder, lifted=True), self.lychee(folder, lifted=False)],
            "aria2c": lambda: [self.aria2(folder)],
            "xargs": lambda: [self.curl_by_xargs(folder)],
        }
        return [peer for name, offer in offers.items() if name not in self.missing for peer in offer()]
