#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""outage: how long nothing protects after a death, amp beside clamd, with the big definition set, in one run.

amp: a worker killed while it scans; the scan service killed, without and with a standby; the connector restarted in place. clamd: killed, and
started again at once by a loop, until its first verdict. tests/bench/README.md says what the samples mean.

Owns the processes that it starts. Must not own the clock of amp's samples: outage_client.c does. Exit 1 when a round fails.
"""
import argparse
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import servers
from servers import Failure

HERE = pathlib.Path(__file__).resolve().parent
QUICK = {"hsb": 20000, "hdb": 10000, "mdb": 10000, "ndb": 4000, "ldb": 500}
CONFIGURATION = """run_dir: '{tree}/run'
state_dir: '{tree}/state'
log_dir: '{tree}/log'
builtin_dir: '{source}/definitions/builtin'
scan_service: '{programs}/ampscansvc/ampscansvc'
scan_user: cisco-amp-scan-svc
definitions_dir: '{definitions}'
standby_service: {standby}
create_account: false
failure_limit: 1000
replace_limit: 1000
"""
# The ladder is out of reach: each death is measured alone, without the replacement that many deaths in a row would bring.


class Connector:
    def __init__(self, arguments, directory, standby):
        self.tree = directory / ("amp-standby" if standby else "amp")
        self.arguments, self.standby, self.process = arguments, standby, None

    def start(self):
        for name in ("run", "state", "log", "etc"):
            (self.tree / name).mkdir(parents=True)
        self.tree.chmod(0o755)
        configuration = self.tree / "etc" / "ampdaemon.yaml"
        configuration.write_text(CONFIGURATION.format(
            tree=self.tree, source=HERE.parent.parent, programs=self.arguments.programs,
            definitions=self.arguments.work / "definitions", standby=str(self.standby).lower()))
        log = (self.tree / "output").open("wb")
        self.process = subprocess.Popen([str(self.arguments.programs / "ampdaemon/ampdaemon"), "--config", str(configuration),
                                         "--foreground"], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        deadline = time.monotonic() + servers.READY_SECONDS
        while self.cli("status", "--json", "--field", "scan_service.state").strip().strip('"') != "up":
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise Failure(f"amp did not start, see {self.tree}/output")
            time.sleep(0.2)

    def cli(self, *arguments):
        done = subprocess.run([str(self.arguments.programs / "ampcli/ampcli"), "--socket", str(self.tree / "run/control.sock"),
                               *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        return done.stdout

    def measure(self, what, file, rounds):
        result = servers.run_client([str(self.arguments.build / "outage_client"), str(self.tree / "run/control.sock"), what,
                                     str(file), str(rounds)])
        return result

    def handovers(self):
        """By the pid of the worker that died: from the daemon's notice of it to the file being sent to another worker, microseconds."""
        time.sleep(servers.CERTIFICATE_SECONDS)
        lines = self.cli("history", "list", "--json", "--type", "Scan Worker Failed", "--limit", "100000").splitlines()
        bodies = [json.loads(line)["body"] for line in lines]
        return {body["pid"]: body["handover_us"] for body in bodies if body["handover_us"]}

    def stop(self):
        servers.finish(self.process)


def clamd_outages(setup, file, rounds):
    """A loop starts it again the moment that it is gone, as a supervisor would; the first verdict ends the sample."""
    samples, listing = [], setup.directory / "one-file"
    listing.write_text(f"{file}\n")
    clamd = servers.Clamd(setup, 1)
    clamd.start()
    try:
        for _ in range(rounds):
            killed = time.monotonic()
            clamd.process.kill()
            clamd.process.wait()
            shutil.rmtree(setup.directory / "clamd")
            clamd.start()
            servers.run_client([str(setup.build / "clamd_client"), "--socket", str(clamd.socket), "--list", str(listing),
                                "--verdicts", "/dev/null"])
            samples.append((time.monotonic() - killed) * 1000)
    finally:
        clamd.stop()
    return samples


class Setup:
    """What servers.Clamd wants to know."""

    def __init__(self, arguments, directory):
        self.build = arguments.build
        self.directory, self.definitions, self.clamd_threads = directory, arguments.work / "definitions", 2
        self.temps = []

    def private_directory(self, name):
        path = self.directory / name
        path.mkdir(mode=0o700)
        return path

    def private_temp(self, name):
        path = pathlib.Path(tempfile.mkdtemp(prefix=f"amp-outage-{name}-", dir="/dev/shm"))
        self.temps.append(path)
        return path

    def clean(self):
        for path in self.temps:
            shutil.rmtree(path, ignore_errors=True)


def quantile(samples, part):
    ordered = sorted(samples)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]


def show(name, samples):
    print(f"| {name} | {statistics.median(samples):.1f} | {quantile(samples, 0.99):.1f} | {max(samples):.1f} | {len(samples)} |",
          flush=True)


def milliseconds(samples):
    return [sample / 1000 for sample in samples]


def measure_workers(connector, file, rounds):
    """To the answer; and of that the daemon's part, from its notice of the death to the job being sent to another worker."""
    result = connector.measure("worker", file, rounds)
    told = connector.handovers()
    known = [told[pid] for pid in result["pids"] if pid in told]
    if len(known) < rounds * 0.95:
        raise Failure(f"{rounds} workers were killed, the journal has the hand-over of {len(known)}")
    return {"amp: worker killed in a scan": milliseconds(result["samples_us"]),
            "- of it, from the daemon's notice to its job with another worker": milliseconds(known)}


def measure_amp(arguments, directory, standby, measure):
    connector = Connector(arguments, directory, standby)
    try:
        connector.start()
        yield from measure(connector)
    finally:
        connector.stop()


def measure_all(arguments, directory):
    """Names and samples, as they come."""
    small = arguments.small

    def alone(connector):
        yield from measure_workers(connector, arguments.file, arguments.workers).items()
        yield "amp: connector restarted in place", milliseconds(connector.measure("restart", small, arguments.restarts)["samples_us"])
        yield "amp: scan service killed", milliseconds(connector.measure("service", small, arguments.services)["samples_us"])

    def with_standby(connector):
        yield "amp: scan service killed, standby kept", milliseconds(
            connector.measure("service", small, arguments.services)["samples_us"])

    yield from measure_amp(arguments, directory, False, alone)
    yield from measure_amp(arguments, directory, True, with_standby)
    setup = Setup(arguments, directory)
    try:
        yield "clamd: killed, started by a loop", clamd_outages(setup, small, arguments.services)
    finally:
        setup.clean()


def parse_arguments():
    parser = argparse.ArgumentParser(description="time without protection after a death")
    parser.add_argument("--build", type=pathlib.Path, required=True, help="directory of the bench programs")
    parser.add_argument("--programs", type=pathlib.Path, required=True, help="build directory with ampdaemon, ampscansvc, ampcli")
    parser.add_argument("--work", type=pathlib.Path, required=True, help="where the definitions are kept between runs")
    parser.add_argument("--signed", type=pathlib.Path, default=os.environ.get("AMP_TEST_DATA", ""), help="directory with test-6.cvd")
    parser.add_argument("--workers", type=int, default=300)
    parser.add_argument("--services", type=int, default=10)
    parser.add_argument("--restarts", type=int, default=30)
    parser.add_argument("--file", type=pathlib.Path, default=pathlib.Path("/usr/bin/perl"), help="takes some tens of ms to scan")
    parser.add_argument("--json", type=pathlib.Path)
    parser.add_argument("--quick", action="store_true", help="a small definition set: shows that it works, nothing else")
    return parser.parse_args()


def main():
    arguments = parse_arguments()
    arguments.work.mkdir(parents=True, exist_ok=True)
    arguments.small = arguments.work / "small-file"
    arguments.small.write_bytes(b"nothing to see here\n" * 50)
    command = [sys.executable, str(HERE / "definitions.py"), str(arguments.work / "definitions"), "--with",
               str(arguments.signed / "test-6.cvd" if arguments.signed.is_dir() else arguments.signed)]
    for kind, count in (QUICK if arguments.quick else {}).items():
        command += [f"--{kind}", str(count)]
    subprocess.run(command, check=True)
    directory = pathlib.Path(tempfile.mkdtemp(prefix="amp-outage-"))
    directory.chmod(0o755)
    results = {}
    print("| what dies | p50 ms | p99 ms | max ms | n |\n|---|---|---|---|---|", flush=True)
    try:
        for name, samples in measure_all(arguments, directory):
            results[name] = samples
            show(name, samples)
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    if arguments.json:
        arguments.json.write_text(json.dumps(results))


if __name__ == "__main__":
    try:
        main()
    except Failure as failure:
        sys.exit(f"outage: {failure}")
