#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""switch_run: definitions are switched again and again under full load, and every answer is judged.

Two signed versions of the "test" database take turns (`ampcli definitions import --force`) while steady_load keeps the connector full with files
of which some are found by both, one only by the newer, and some by none. Which generation has which version is known from the imports, so each
answer must fit the generation that it names.

Owns the load, the turns and the judgement of answers. Must not own the connector, nor what a figure means.
By hand or from tests/system/switches.sh it prints "NAME VALUE" lines; exit 1 with one line on stderr when the run itself fails.
"""
import argparse
import collections
import contextlib
import json
import pathlib
import re
import subprocess
import sys
import time

# The oldest version of "test" that finds the sample; None: no version does.
SAMPLES = {"eicar.com": 3, "Win.Worm.Sobig-1.bin": 5, "Win.Worm.Klez-1.bin": 6, "clean.txt": None}
IMPORT_SECONDS = 900
TOLD_SECONDS = 30  # from an import's end to the word that the service before has no work any more
CHANGE_US = 50000
SILENCES_KEPT = 20
CLEAN_SHARE = 8  # times that a clean file is in the mix: what is found makes lines of the log, each

Answer = collections.namedtuple("Answer", "sent answered name verdict generation reason")
Switch = collections.namedtuple("Switch", "began ended version generation")


class Failure(Exception):
    """The run is void; the text is for a person."""


def now_us():
    return time.monotonic_ns() // 1000


class Connector:
    """One that runs already."""

    def __init__(self, cli, control_socket):
        self.command = [str(cli), "--socket", str(control_socket)]
        self.socket = control_socket

    def ask(self, *arguments):
        done = subprocess.run([*self.command, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
                              timeout=IMPORT_SECONDS)
        if done.returncode != 0:
            raise Failure(f"ampcli {' '.join(arguments)}: {done.returncode}: {(done.stderr or done.stdout).strip()[-400:]}")
        return done.stdout.strip()

    def generation(self):
        return int(self.ask("status", "--json", "--field", "definitions.generation"))

    def switch(self, version, file):
        began, before = now_us(), self.generation()
        self.ask("definitions", "import", "--force", str(file))
        generation = self.generation()
        if generation == before:
            raise Failure(f"the import of version {version} has returned, and generation {before} still serves")
        return Switch(began, now_us(), version, generation)


class Load:
    """steady_load on these files (name: path); what it wrote is read when it has ended."""

    def __init__(self, program, control_socket, files, record):
        self.program, self.socket, self.files, self.record = program, control_socket, files, record

    @contextlib.contextmanager
    def running(self):
        with self.record.open("wb") as out:
            process = subprocess.Popen([str(self.program), str(self.socket), *(f"{name}={path}" for name, path in self.files.items())],
                                       stdin=subprocess.PIPE, stdout=out, stderr=subprocess.PIPE)
        try:
            yield
            _, said = process.communicate(timeout=120)  # closes its input: it ends
            if process.returncode != 0:
                raise Failure(f"steady_load: {said.decode(errors='replace').strip()}")
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()

    def answers(self):
        """All answers in the order that they came, and how many files were sent."""
        found, sent = [], None
        with self.record.open() as lines:
            for line in lines:
                words = line.split()
                if words[0] == "end":
                    sent = int(words[1])
                else:
                    found.append(Answer(int(words[0]), int(words[1]), words[2], words[3], int(words[4]), int(words[5])))
        if sent is None:
            raise Failure("the record of the load has no end")
        return found, sent


def expected(name, version):
    least = SAMPLES.get(name)
    return "INFECTED" if least is not None and version >= least else "CLEAN"


def silences(times, began, ended):
    """Between two answers, or an answer and an end of the time: the longest ones first, (microseconds, when it began)."""
    marks = [began, *(t for t in times if began < t < ended), ended]
    return sorted(((later - earlier, earlier) for earlier, later in zip(marks, marks[1:])), reverse=True)[:SILENCES_KEPT]


def longest_silence(times, began, ended):
    return silences(times, began, ended)[0][0]


def rate(times, began, ended):
    """A second."""
    return sum(began < t < ended for t in times) / (ended - began) * 1e6


def silence_at_changes(answers, switches):
    """The longest within CHANGE_US of a generation's first answer: what the change itself costs, without the load of the set before it."""
    first = {}
    for answer in answers:
        first.setdefault(answer.generation, answer.answered)
    times = [answer.answered for answer in answers]
    changes = [first[switch.generation] for switch in switches if switch.generation in first]
    return max((later - earlier for earlier, later in zip(times, times[1:])
                if any(earlier < change + CHANGE_US and later > change - CHANGE_US for change in changes)), default=0)


def mixture(directory):
    """Names and files of the load: those that are found, among clean ones."""
    files = {name: directory / name for name in SAMPLES}
    return files | {f"{i}-clean.txt": directory / "clean.txt" for i in range(2, CLEAN_SHARE + 1)}


def judge(answers, sent, versions):
    """Counts of what must not be; `versions`: of the generations that may answer."""
    wrong = collections.Counter()
    for answer in answers:
        version = versions.get(answer.generation)
        if answer.verdict not in ("CLEAN", "INFECTED"):
            wrong["not_judged"] += 1
        elif version is None:
            wrong["generation_unknown"] += 1
        elif answer.verdict != expected(answer.name, version):
            wrong["false_clean" if answer.verdict == "CLEAN" else "false_alarm"] += 1
    seen = {answer.generation for answer in answers}
    return {"files": sent, "unanswered": sent - len(answers),
            **{what: wrong[what] for what in ("not_judged", "generation_unknown", "false_clean", "false_alarm")},
            "generations_silent": len(set(versions) - seen)}


class DaemonLog:
    """What the daemon itself has measured, a line for each switch when the service before has no work any more."""

    def __init__(self, path):
        self.paths = [path.with_name(path.name + ".1"), path]

    def gaps(self):
        """(of this switch, longest since the start) in ms, for each."""
        text = "".join(path.read_text(errors="replace") for path in self.paths if path.exists())
        found = re.findall(r"generation \d+ has all the work; without a worker for (\d+) ms, at most (\d+) ms", text)
        return [(int(one), int(longest)) for one, longest in found]

    def wait(self, count):
        deadline = time.monotonic() + TOLD_SECONDS
        while len(self.gaps()) < count:
            if time.monotonic() > deadline:
                raise Failure(f"the log tells {len(self.gaps())} switches of {count}")
            time.sleep(0.05)


def take_turns(connector, log, sets, count):
    """`sets`: version to file; the oldest first."""
    versions = sorted(sets)
    told = len(log.gaps())
    for i in range(count):
        version = versions[i % len(versions)]
        yield connector.switch(version, sets[version])
        log.wait(told + i + 1)


def prepare(connector, log, sets):
    """The newest of `sets` is in force."""
    told = len(log.gaps())
    connector.switch(max(sets), sets[max(sets)])
    log.wait(told + 1)


def measure(connector, load, log, sets, count):
    """`count` switches under load: what was switched, what was answered, what the daemon says. After prepare(). Times in microseconds."""
    first, told = connector.generation(), len(log.gaps())
    with load.running():
        time.sleep(0.5)  # the window is full by then
        began = now_us()
        switches = list(take_turns(connector, log, sets, count))
        ended = now_us()
        time.sleep(0.3)  # the last generation has answered, too
    versions = {first: max(sets), **{switch.generation: switch.version for switch in switches}}
    answers, sent = load.answers()
    times = [answer.answered for answer in answers]
    return {"switches": switches, "versions": versions, "answers": answers, "sent": sent, "began": began, "ended": ended,
            "gaps": log.gaps()[told:], "silences": silences(times, began, ended), "rate": rate(times, began, ended)}


def measure_rest(load, seconds):
    """The same load with nothing beside it."""
    with load.running():
        time.sleep(0.5)
        began = now_us()
        time.sleep(seconds)
        ended = now_us()
    answers, sent = load.answers()
    times = [answer.answered for answer in answers]
    return {"answers": answers, "sent": sent, "began": began, "ended": ended, "silence": longest_silence(times, began, ended),
            "rate": rate(times, began, ended)}


def parse_arguments():
    parser = argparse.ArgumentParser(description="switches of definitions under full load")
    parser.add_argument("--socket", type=pathlib.Path, required=True)
    parser.add_argument("--ampcli", type=pathlib.Path, required=True)
    parser.add_argument("--load", type=pathlib.Path, required=True, help="the program steady_load")
    parser.add_argument("--log", type=pathlib.Path, required=True, help="of the daemon")
    parser.add_argument("--samples", type=pathlib.Path, required=True)
    parser.add_argument("--work", type=pathlib.Path, required=True, help="for the record")
    parser.add_argument("--switches", type=int, default=10)
    parser.add_argument("--rest", type=float, default=2, help="seconds of the load without switches")
    parser.add_argument("sets", nargs=2, metavar="VERSION=FILE")
    return parser.parse_args()


def main():
    arguments = parse_arguments()
    sets = {int(version): pathlib.Path(path) for version, path in (word.split("=", 1) for word in arguments.sets)}
    connector = Connector(arguments.ampcli, arguments.socket)
    log = DaemonLog(arguments.log)
    load = Load(arguments.load, arguments.socket, mixture(arguments.samples), arguments.work / "answers")
    prepare(connector, log, sets)
    run = measure(connector, load, log, sets, arguments.switches)
    facts = judge(run["answers"], run["sent"], run["versions"])
    rest = measure_rest(load, arguments.rest)
    facts_rest = judge(rest["answers"], rest["sent"], {connector.generation(): run["switches"][-1].version})
    seconds = (run["ended"] - run["began"]) / 1e6
    facts |= {"switches": len(run["switches"]), "gap_ms": max(gap for gap, _ in run["gaps"]),
              "silence_ms": round(run["silences"][0][0] / 1000, 1), "silence_at_changes_ms": round(silence_at_changes(run["answers"], run["switches"]) / 1000, 1),
              "silence_at_rest_ms": round(rest["silence"] / 1000, 1),
              "rate": round(run["rate"]), "rate_at_rest": round(rest["rate"]),
              "seconds_each": round(seconds / len(run["switches"]), 2),
              "wrong_at_rest": sum(value for name, value in facts_rest.items() if name != "files")}
    for name, value in facts.items():
        print(name, json.dumps(value))


if __name__ == "__main__":
    try:
        main()
    except Failure as failure:
        sys.exit(f"switch_run: {failure}")
