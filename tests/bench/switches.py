#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""switches: definitions are switched under full load: what it costs in answers and in memory, beside clamd's concurrent reload.

First many switches of a small set: is anything lost, wrong or late. Then a handful with the big set of definitions.py, each beside a load that
never stops, and the same number of reloads of clamd with the same files in the same run. tests/bench/README.md says what the figures mean.

Owns the servers that it starts, and the sampling of their memory. Must not own the judgement of answers (tests/support/switch_run.py). Exit 1 when an
answer is wrong or missing.
"""
import argparse
import contextlib
import json
import os
import pathlib
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support"))

import outage
import servers
import switch_run
from servers import Failure

SAMPLE_SECONDS = 0.25
CLAMD_CLIENTS = 4
REST_SECONDS = 60  # of load without switches, at most
CONFIGURATION = """run_dir: '{tree}/run'
state_dir: '{tree}/state'
log_dir: '{tree}/log'
builtin_dir: '{source}/definitions/builtin'
scan_service: '{programs}/ampscansvc/ampscansvc'
scan_user: cisco-amp-scan-svc
definitions_root: '{tree}/definitions'
create_account: false
"""
COLUMNS = ("switches", "s each", "files", "lost, failed or wrong", "no worker ms", "longest without an answer ms: at the changes", "with switches",
           "at rest", "ratio", "files/s with switches", "at rest", "ratio", "memory at rest MB", "peak MB", "ratio")
MUST_BE_NONE = ("unanswered", "not_judged", "generation_unknown", "false_clean", "false_alarm", "generations_silent")


def pss_megabytes(root):
    """What the processes below `root` take together; what they share counts once."""
    total = 0
    for pid in servers.process_tree(root):
        try:
            lines = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue  # it ended meanwhile
        total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total / 1024


class Scale(threading.Thread):
    """Weighs a tree of processes again and again: (seconds, megabytes)."""

    def __init__(self, root):
        super().__init__(daemon=True)
        self.root, self.samples, self.ended = root, [], threading.Event()

    def run(self):
        while not self.ended.wait(SAMPLE_SECONDS):
            self.samples.append((time.monotonic(), pss_megabytes(self.root)))

    def peak(self, began=0.0, ended=float("inf")):
        return max(megabytes for at, megabytes in self.samples if began <= at <= ended)

    def median(self, began, ended):
        return statistics.median(megabytes for at, megabytes in self.samples if began <= at <= ended)


@contextlib.contextmanager
def weighing(pid):
    scale = Scale(pid)
    scale.start()
    try:
        yield scale
    finally:
        scale.ended.set()
        scale.join()


class Connector:
    def __init__(self, arguments, directory, name):
        self.tree, self.arguments, self.process = directory / name, arguments, None
        self.log = switch_run.DaemonLog(self.tree / "log" / "ampdaemon.log")
        self.asked = switch_run.Connector(arguments.programs / "ampcli/ampcli", self.tree / "run/control.sock")

    def start(self, custom):
        for name in ("run", "state", "log", "etc"):
            (self.tree / name).mkdir(parents=True)
        self.tree.chmod(0o755)
        configuration = self.tree / "etc" / "ampdaemon.yaml"
        configuration.write_text(CONFIGURATION.format(tree=self.tree, source=HERE.parent.parent, programs=self.arguments.programs))
        with (self.tree / "output").open("wb") as out:
            self.process = subprocess.Popen([str(self.arguments.programs / "ampdaemon/ampdaemon"), "--config", str(configuration),
                                             "--foreground"], stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        deadline = time.monotonic() + servers.READY_SECONDS
        while not self.is_up():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise Failure(f"amp did not start, see {self.tree}/output")
            time.sleep(0.2)
        for path in custom:
            target = self.tree / "definitions" / "custom" / path.name
            shutil.copy(path, target)
            target.chmod(0o644)

    def is_up(self):
        try:
            return self.asked.ask("status", "--json", "--field", "scan_service.state") == "up"
        except switch_run.Failure:
            return False

    def load(self, files):
        return switch_run.Load(self.arguments.programs / "tests/support/steady_load", self.asked.socket, files, self.tree / "answers")

    def stop(self):
        servers.finish(self.process)


def figures(run, rest):
    """Of a connector's run."""
    facts = switch_run.judge(run["answers"], run["sent"], run["versions"])
    seconds = [(switch.ended - switch.began) / 1e6 for switch in run["switches"]]
    return facts | {"switches": len(seconds), "seconds": statistics.median(seconds), "gap_ms": max(gap for gap, _ in run["gaps"]),
                    "rate": run["rate"], "rest_rate": rest["rate"],
                    "change_ms": round(switch_run.silence_at_changes(run["answers"], run["switches"]) / 1000, 1),
                    "silence_ms": run["silences"][0][0] / 1000, "rest_silence_ms": rest["silence"] / 1000}


def measure_amp(arguments, directory, name, custom, count):
    connector = Connector(arguments, directory, name)
    load = connector.load(arguments.files)
    try:
        connector.start(custom)
        switch_run.prepare(connector.asked, connector.log, arguments.sets)
        with weighing(connector.process.pid) as scale:
            run = switch_run.measure(connector.asked, load, connector.log, arguments.sets, count)
            rest = switch_run.measure_rest(load, min((run["ended"] - run["began"]) / 1e6, REST_SECONDS))
    finally:
        connector.stop()
    if len(rest["answers"]) != rest["sent"]:
        raise Failure(f"{rest['sent']} files without switches, {len(rest['answers'])} answers")
    return figures(run, rest) | {"peak_mb": scale.peak(run["began"] / 1e6, run["ended"] / 1e6),
                                 "rest_mb": scale.median(rest["began"] / 1e6, rest["ended"] / 1e6),
                                 "curve": scale.samples, "turns": run["switches"], "silences": run["silences"]}


# ---- clamd -----------------------------------------------------------------------------------------------------------


class ClamdLoad:
    """As many clients as clamd needs to be full, a connection for each file, as clamdscan does it."""

    def __init__(self, control_socket, files):
        self.socket, self.files, self.ended = control_socket, list(files.values()), threading.Event()
        self.answered, self.failed = [], []

    def work(self, first):
        i = first
        while not self.ended.is_set():
            said = self.scan(self.files[i % len(self.files)])
            (self.answered if said.endswith(("OK", "FOUND")) else self.failed).append((switch_run.now_us(), said))
            i += 1

    def scan(self, path):
        with socket.socket(socket.AF_UNIX) as session:
            try:
                session.connect(str(self.socket))
                session.sendall(f"zSCAN {path}\0".encode())
                return session.makefile("rb").read().rstrip(b"\0\n").decode(errors="replace")
            except OSError as error:
                return str(error)

    @contextlib.contextmanager
    def running(self):
        threads = [threading.Thread(target=self.work, args=(i,)) for i in range(CLAMD_CLIENTS)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self.ended.set()
            for thread in threads:
                thread.join()

    def silence(self, began, ended):
        return switch_run.longest_silence(sorted(at for at, _ in self.answered), began, ended)


def reload(clamd, definitions, log, file):
    """Returns how long it took, seconds."""
    before = log.read_text(errors="replace").count("correctly reloaded")
    shutil.copy(file, definitions / "test.new")
    (definitions / "test.new").rename(definitions / "test.cvd")
    began = time.monotonic()
    with socket.socket(socket.AF_UNIX) as session:
        session.connect(str(clamd.socket))
        session.sendall(b"zRELOAD\0")
        session.recv(64)
    while log.read_text(errors="replace").count("correctly reloaded") == before:
        if time.monotonic() - began > servers.READY_SECONDS:
            raise Failure("clamd does not reload")
        time.sleep(0.02)
    return time.monotonic() - began


def clamd_definitions(arguments, directory, custom):
    definitions = directory / "clamd-definitions"
    definitions.mkdir(mode=0o755)
    for path in custom:
        shutil.copy(path, definitions / path.name)
    shutil.copy(arguments.sets[max(arguments.sets)], definitions / "test.cvd")
    return definitions


def reload_all(arguments, clamd, definitions, load, count):
    log = clamd.setup.directory / "clamd" / "clamd.log"
    versions = sorted(arguments.sets)
    with weighing(clamd.pid()) as scale, load.running():
        time.sleep(0.5)
        began = switch_run.now_us()
        seconds = [reload(clamd, definitions, log, arguments.sets[versions[i % len(versions)]]) for i in range(count)]
        ended = switch_run.now_us()
        time.sleep(3)  # the old engine goes when the last scan with it has ended
        time.sleep(min((ended - began) / 1e6, REST_SECONDS))
        rest_ended = switch_run.now_us()
    rest_began = ended + 3000000
    times = [at for at, _ in load.answered]
    return {"switches": count, "files": len(load.answered) + len(load.failed), "not_judged": len(load.failed),
            "rate": switch_run.rate(times, began, ended), "rest_rate": switch_run.rate(times, rest_began, rest_ended),
            "seconds": statistics.median(seconds), "silence_ms": load.silence(began, ended) / 1000,
            "rest_silence_ms": load.silence(rest_began, rest_ended) / 1000, "peak_mb": scale.peak(began / 1e6, ended / 1e6),
            "rest_mb": scale.median(rest_began / 1e6, rest_ended / 1e6), "curve": scale.samples}


def measure_clamd(arguments, directory, custom, count):
    setup = outage.Setup(arguments, directory)
    setup.definitions = clamd_definitions(arguments, directory, custom)
    clamd = servers.Clamd(setup, 1)
    try:
        clamd.start()
        return reload_all(arguments, clamd, setup.definitions, ClamdLoad(clamd.socket, arguments.files), count)
    finally:
        clamd.stop()
        setup.clean()


# ---- the run ---------------------------------------------------------------------------------------------------------


def show(name, facts):
    wrong = sum(facts.get(what, 0) for what in MUST_BE_NONE)
    gap, change = facts.get("gap_ms", "-"), facts.get("change_ms", "-")
    print(f"| {name} | {facts['switches']} | {facts['seconds']:.2f} | {facts['files']} | {wrong} | {gap} | {change} | {facts['silence_ms']:.1f} | "
          f"{facts['rest_silence_ms']:.1f} | {facts['silence_ms'] / facts['rest_silence_ms']:.2f} | {facts['rate']:.0f} | "
          f"{facts['rest_rate']:.0f} | {facts['rate'] / facts['rest_rate']:.2f} | {facts['rest_mb']:.0f} | "
          f"{facts['peak_mb']:.0f} | {facts['peak_mb'] / facts['rest_mb']:.2f} |", flush=True)


def check(name, facts):
    wrong = {what: facts[what] for what in MUST_BE_NONE if facts[what]}
    if wrong:
        raise Failure(f"{name}: {wrong}")


def measure_all(arguments, directory):
    """Names and figures, as they come."""
    custom = sorted((arguments.work / "definitions").glob("bench.*"))
    yield "amp, small set", measure_amp(arguments, directory, "amp-small", [], arguments.switches)
    if arguments.big:
        yield "amp, big set", measure_amp(arguments, directory, "amp-big", custom, arguments.big)
        yield "clamd, big set", measure_clamd(arguments, directory, custom, arguments.big)


def parse_arguments():
    parser = argparse.ArgumentParser(description="switches of definitions under full load")
    parser.add_argument("--build", type=pathlib.Path, required=True, help="directory of the bench programs")
    parser.add_argument("--programs", type=pathlib.Path, required=True, help="build directory, made with -Dtests=true")
    parser.add_argument("--work", type=pathlib.Path, required=True, help="where the definitions are kept between runs")
    parser.add_argument("--signed", type=pathlib.Path, default=os.environ.get("AMP_TEST_DATA", ""), help="directory with test-5.cvd, test-6.cvd")
    parser.add_argument("--switches", type=int, default=50, help="of the small set")
    parser.add_argument("--big", type=int, default=5, help="of the big one; 0: none")
    parser.add_argument("--binary", type=pathlib.Path, default=pathlib.Path("/usr/bin/gzip"), help="a clean file that takes longer")
    parser.add_argument("--json", type=pathlib.Path)
    parser.add_argument("--quick", action="store_true", help="a smaller big set: shows that it works, nothing else")
    return parser.parse_args()


def fill_in(arguments, directory):
    """The sets under the name that the database has, and the files of the load."""
    arguments.sets = {}
    for version in (5, 6):
        arguments.sets[version] = directory / str(version) / "test.cvd"
        arguments.sets[version].parent.mkdir()
        shutil.copy(arguments.signed / f"test-{version}.cvd", arguments.sets[version])
        arguments.sets[version].chmod(0o644)
    arguments.files = switch_run.mixture(arguments.signed / "samples") | {"binary": arguments.binary}


def main():
    arguments = parse_arguments()
    arguments.work.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, str(HERE / "definitions.py"), str(arguments.work / "definitions"), "--with",
               str(arguments.signed / "test-6.cvd")]
    for kind, count in (outage.QUICK if arguments.quick else {}).items():
        command += [f"--{kind}", str(count)]
    subprocess.run(command, check=True)
    directory = pathlib.Path(tempfile.mkdtemp(prefix="amp-switches-", dir=arguments.work))
    directory.chmod(0o755)
    fill_in(arguments, directory)
    results = {}
    print("| | " + " | ".join(COLUMNS) + " |\n|---" + "|---" * len(COLUMNS) + "|", flush=True)
    try:
        for name, facts in measure_all(arguments, directory):
            results[name] = facts
            show(name, facts)
            if name.startswith("amp"):
                check(name, facts)
    finally:
        shutil.rmtree(directory, ignore_errors=True)
        if arguments.json:
            arguments.json.write_text(json.dumps(results))


if __name__ == "__main__":
    try:
        main()
    except (Failure, switch_run.Failure) as failure:
        sys.exit(f"switches: {failure}")
