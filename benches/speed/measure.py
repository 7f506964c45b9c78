"""Interleaved runs of programs, their medians, and the tables."""

import os
import statistics
import subprocess
import time


class Run:
    """One run of a program."""

    def __init__(self, seconds, cpu, memory, status, connections, answers):
        self.seconds, self.cpu, self.memory, self.status = seconds, cpu, memory, status
        self.connections, self.answers = connections, answers


def timed(program):
    """Runs a program to its end; returns wall-clock and processor seconds, peak memory in MiB, exit status."""
    with open(program.stdin or os.devnull) as stdin:
        begin = time.perf_counter()
        process = subprocess.Popen(program.command, stdin=stdin, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.PIPE)
        errors = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - begin
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0 and program.ours:
        raise SystemExit(f"{' '.join(program.command)}: exit {process.returncode}\n{errors.decode()[-2000:]}")
    cpu = usage.ru_utime + usage.ru_stime
    return seconds, cpu, usage.ru_maxrss / 1024, process.returncode


def run(servers, program):
    """One run, with the connections and requests that the server counted."""
    servers.drain_log()
    before = servers.accepted()
    seconds, cpu, memory, status = timed(program)
    connections = servers.accepted() - before - 1
    return Run(seconds, cpu, memory, status, connections, servers.drain_log())


def in_turns(servers, programs, runs):
    """Interleaves the runs of the programs, so that other load on the machine affects all alike; the first round
    warms up and is not counted."""
    results = {program.name: [] for program in programs}
    for turn in range(runs + 1):
        for index in range(len(programs)):
            program = programs[(index + turn) % len(programs)]
            result = run(servers, program)
            if turn > 0:
                results[program.name].append(result)
    return results


def median(runs, what="seconds"):
    return statistics.median(getattr(run, what) for run in runs)


def requests(runs):
    """The median number of requests that the server answered."""
    return round(statistics.median(run.answers.total() for run in runs))


def connections(runs):
    """The numbers of connections that the server accepted, in ascending order."""
    counts = sorted(run.connections for run in runs)
    return str(counts[0]) if counts[0] == counts[-1] else f"{counts[0]}–{counts[-1]}"


def failed(runs):
    return sum(run.status != 0 for run in runs)


def table(title, header, rows):
    """Prints a Markdown table."""
    print(f"\n### {title}\n\n(load average {os.getloadavg()[0]:.1f} at the end of it)\n")
    rows = [[str(cell) for cell in row] for row in rows]
    widths = [max(len(row[column]) for row in [header, *rows]) for column in range(len(header))]
    for row in [header, ["-" * width for width in widths], *rows]:
        print("| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |")
    print(flush=True)


def bound(value, limit, form="{:.2f}"):
    """A figure with its bound."""
    return f"{form.format(value)} (≤ {form.format(limit)}{'' if value <= limit else ', MISSED'})"
