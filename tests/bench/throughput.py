#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""throughput: amp beside clamd and beside libclamav in a loop, in one run.

All servers hold the same definitions all the time and take turns, so that the machine's moods meet all of them. A figure is a
median over the repetitions; a ratio is the median of the ratios within a repetition. Verdicts are compared file by file: a run
in which two servers disagree is no measurement and ends with exit code 1. tests/bench/README.md says how to read the table.
"""
import argparse
import json
import os
import pathlib
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile

import servers

HERE = pathlib.Path(__file__).resolve().parent
CORPORA = ("small", "binaries", "testfiles")
QUICK_DEFINITIONS = {"hsb": 20000, "hdb": 10000, "mdb": 10000, "ndb": 4000, "ldb": 500}
QUICK_CORPORA = {"small": 300, "binaries": 8, "testfiles": 1}


class Setup:
    """Where everything is."""

    def __init__(self, arguments, directory):
        self.directory = directory
        self.build = arguments.build.resolve()
        self.amp_run = arguments.amp_run
        self.processes = os.cpu_count()
        self.clamd_threads = max(arguments.sessions)
        self.definitions = arguments.work / ("definitions-quick" if arguments.quick else "definitions")
        self.corpora = arguments.work / ("corpora-quick" if arguments.quick else "corpora")
        self.share = arguments.share
        self.temps = []

    def listing(self, corpus):
        """The files of a corpus, or the first part of them: the lists are shuffled, so a part is like the whole."""
        whole = self.corpora / f"{corpus}.list"
        if self.share == 100:
            return whole
        part = self.directory / f"{corpus}.list"
        if not part.exists():
            lines = whole.read_text().splitlines(keepends=True)
            part.write_text("".join(lines[:max(1, len(lines) * self.share // 100)]))
        return part

    def private_directory(self, name):
        path = self.directory / name.replace(":", "-")
        path.mkdir(mode=0o700)
        return path

    def private_temp(self, name):
        """Temporary storage in memory for all, as amp's workers have it."""
        path = pathlib.Path(tempfile.mkdtemp(prefix=f"amp-bench-{name.split(':')[0]}-", dir="/dev/shm"))
        self.temps.append(path)
        return path

    def clean(self):
        for path in self.temps:
            shutil.rmtree(path, ignore_errors=True)


def prepare(setup, arguments):
    counts = QUICK_DEFINITIONS if arguments.quick else {}
    command = [sys.executable, str(HERE / "definitions.py"), str(setup.definitions), "--with", str(arguments.signed)]
    for kind, count in counts.items():
        command += [f"--{kind}", str(count)]
    subprocess.run(command, check=True)
    command = [sys.executable, str(HERE / "corpora.py"), str(setup.corpora)]
    for name, size in (QUICK_CORPORA if arguments.quick else {}).items():
        command += [f"--{name}", str(size)]
    subprocess.run(command, check=True)


def warm(listing):
    """Every file into the page cache: disks are not what is measured."""
    for path in listing.read_text().splitlines():
        with open(path, "rb") as file:
            while file.read(1 << 20):
                pass


def compare_verdicts(names, verdict_files):
    first = verdict_files[0].read_text().splitlines()
    for name, path in zip(names[1:], verdict_files[1:]):
        other = path.read_text().splitlines()
        differing = [(a, b) for a, b in zip(first, other) if a != b]
        if differing or len(first) != len(other):
            shown = "; ".join(f"{names[0]}: {a!r}, {name}: {b!r}" for a, b in differing[:3])
            raise servers.Failure(f"verdicts differ in {len(differing)} files: {shown}")


def one_run(server, listing, sessions, verdicts):
    before = servers.cpu_seconds(server.pid())
    result = server.run(listing, sessions, verdicts)
    result["server_cpu"] = servers.cpu_seconds(server.pid()) - before
    result["worker_mb"] = servers.private_megabytes(server.pid())
    if result["bad"] or result["NONE"]:
        raise servers.Failure(f"{server.name}: {result['bad']} files not opened, {result['NONE']} without an answer")
    return result


def one_round(setup, running, corpus, sessions, repetition):
    """Each server once, beginning with another one in each repetition. Results by name."""
    start = repetition % len(running)
    order = running[start:] + running[:start]
    listing = setup.listing(corpus)
    files = [setup.directory / f"verdicts-{server.name.replace(':', '-')}" for server in order]
    results = {server.name: one_run(server, listing, sessions, file) for server, file in zip(order, files)}
    compare_verdicts([server.name for server in order], files)
    return results


def measure(setup, running, arguments):
    rounds = []
    for corpus in arguments.corpora:
        warm(setup.listing(corpus))
    for repetition in range(arguments.repetitions + arguments.warmup):
        for corpus in arguments.corpora:
            for sessions in arguments.sessions:
                results = one_round(setup, running, corpus, sessions, repetition)
                if repetition >= arguments.warmup:
                    rounds.append({"corpus": corpus, "sessions": sessions, "results": results})
                rates = ", ".join(f"{name} {r['files'] / r['seconds']:.0f}/s" for name, r in results.items())
                print(f"# {repetition + 1} {corpus} x{sessions}: {rates}", file=sys.stderr, flush=True)
    return rounds


def median_of(cells, name, value):
    return statistics.median(value(cell[name]) for cell in cells)


def median_ratio(cells, name, base, value):
    if any(base not in cell for cell in cells):
        return None
    return statistics.median(value(cell[name]) / value(cell[base]) for cell in cells)


def row_of(cells, name):
    def rate(r):
        return r["files"] / r["seconds"]
    return {
        "server": name,
        "files_s": median_of(cells, name, rate),
        "spread": [min(rate(c[name]) for c in cells), max(rate(c[name]) for c in cells)],
        "mb_s": median_of(cells, name, lambda r: r["bytes"] / r["seconds"] / 1e6),
        "cpu_s": median_of(cells, name, lambda r: r["server_cpu"]),
        "to_limit": median_ratio(cells, name, "limit", rate),
        "to_clamd": median_ratio(cells, name, "clamd", rate),
        "cpu_to_clamd": median_ratio(cells, name, "clamd", lambda r: max(r["server_cpu"], 0.01)),
        "worker_mb": max(c[name]["worker_mb"] for c in cells),
        "verdicts": {v: cells[-1][name][v] for v in ("CLEAN", "INFECTED", "INCOMPLETE", "ERROR", "FAILED")},
    }


def tabulate(rounds, names):
    table = []
    for corpus, sessions in dict.fromkeys((r["corpus"], r["sessions"]) for r in rounds):
        cells = [r["results"] for r in rounds if (r["corpus"], r["sessions"]) == (corpus, sessions)]
        table += [{"corpus": corpus, "clients": sessions, **row_of(cells, name)} for name in names]
    return table


def show(value, form):
    return "-" if value is None else format(value, form)


def print_table(table):
    print("| corpus | clients | server | files/s (min-max) | MB/s | CPU s | to limit | to clamd | CPU to clamd | worker MB |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for row in table:
        low, high = row["spread"]
        print(f"| {row['corpus']} | {row['clients']} | {row['server']} | {row['files_s']:.1f} ({low:.1f}-{high:.1f}) "
              f"| {row['mb_s']:.1f} | {row['cpu_s']:.2f} | {show(row['to_limit'], '.2f')} | {show(row['to_clamd'], '.2f')} "
              f"| {show(row['cpu_to_clamd'], '.2f')} | {row['worker_mb']:.1f} |")


def make_server(name, setup, arguments):
    if name == "clamd":
        return servers.Clamd(setup, arguments.clamd_depth)
    if name == "amp":
        return servers.Amp(setup, arguments.amp_depth)
    if name.split(":")[0] == "limit":
        return servers.Limit(setup, *name.split(":")[1:])
    raise servers.Failure(f"unknown server {name}")


def numbers(text):
    return [int(part) for part in text.split(",")]


def parse_arguments():
    data = os.environ.get("AMP_TEST_DATA", "")
    parser = argparse.ArgumentParser(description="amp beside clamd and libclamav")
    parser.add_argument("--build", type=pathlib.Path, required=True, help="where limit, clamd_client and amp_client are")
    parser.add_argument("--work", type=pathlib.Path, required=True, help="definitions and corpora are made and kept here")
    parser.add_argument("--signed", type=pathlib.Path, default=pathlib.Path(data) / "test-6.cvd",
                        help="what finds the test files (default: $AMP_TEST_DATA/test-6.cvd)")
    parser.add_argument("--amp-run", type=pathlib.Path, default=HERE.parent.parent / "run")
    parser.add_argument("--servers", default="limit,amp,clamd", help="also limit:malloc+arena and so on")
    parser.add_argument("--corpora", type=lambda text: text.split(","), default=list(CORPORA))
    parser.add_argument("--sessions", type=numbers, default=[2, 10])
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--share", type=int, default=100, help="percent of each corpus: shorter rounds, more of them")
    parser.add_argument("--warmup", type=int, default=1, help="repetitions that are not counted")
    parser.add_argument("--clamd-depth", type=int, default=1, help="files under way in a session of clamd")
    parser.add_argument("--amp-depth", type=int, default=8)
    parser.add_argument("--json", type=pathlib.Path, help="all figures of all runs")
    parser.add_argument("--quick", action="store_true", help="a small set: do the tools work?")
    arguments = parser.parse_args()
    arguments.work = arguments.work.resolve()
    if arguments.quick:
        arguments.repetitions, arguments.warmup = 1, 0
    return arguments


def main():
    arguments = parse_arguments()
    if not arguments.signed.is_file():
        raise servers.Failure(f"no definitions for the test files at {arguments.signed}: set AMP_TEST_DATA")
    names = arguments.servers.split(",")
    with tempfile.TemporaryDirectory(prefix="amp-bench-") as directory:
        setup = Setup(arguments, pathlib.Path(directory))
        prepare(setup, arguments)
        running = []
        try:
            for name in names:
                running.append(make_server(name, setup, arguments))
                running[-1].start()
            rounds = measure(setup, running, arguments)
        finally:
            for server in running:
                server.stop()
            setup.clean()
    table = tabulate(rounds, names)
    print_table(table)
    if arguments.json:
        arguments.json.write_text(json.dumps({"table": table, "rounds": rounds}, indent=1))
    return 0


def end_orderly(number, _frame):
    """So that servers and directories go away; SIGINT too, which a shell's background jobs would ignore."""
    raise SystemExit(128 + number)


if __name__ == "__main__":
    for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(one, end_orderly)
    try:
        sys.exit(main())
    except (servers.Failure, subprocess.SubprocessError, OSError) as error:
        sys.exit(f"throughput: {error}")
