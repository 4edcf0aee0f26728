# SPDX-License-Identifier: GPL-2.0-only
"""soak: the long plan, and its figures for docs/reliability.md. usage: see --help of tests/crash/soak."""
import argparse
import random
import sys
import time

import injections
import plan
import world as worlds
from report import Report


def arguments():
    parser = argparse.ArgumentParser(prog="tests/crash/soak", description="failures without end on the real programs under load")
    parser.add_argument("--minutes", type=float, default=30, help="at least so long; scans and failures are spread over it")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--scans", type=int, default=100000, help="at least so many")
    parser.add_argument("--failures", type=int, default=2000, help="at least so many are injected")
    parser.add_argument("--supervised", action="store_true", help="the daemon's overseer starts it again, not the harness")
    parser.add_argument("--kind", action="append", choices=plan.ONCE, help="only these kinds")
    return parser.parse_args()


class Soak:
    def __init__(self, wanted):
        self.wanted = wanted
        self.report = Report(f"tests/crash/soak --seed {wanted.seed} --minutes {wanted.minutes:g} --scans {wanted.scans} "
                             f"--failures {wanted.failures}" + (" --supervised" if wanted.supervised else ""))
        self.work = worlds.work_directory()
        worlds.private_etc(self.work)
        self.world = worlds.World(self.work, random.Random(wanted.seed), supervised=wanted.supervised)
        self.began = self.told = time.monotonic()
        self.done = 0

    def steps(self):
        chosen = plan.long(self.wanted.seed, self.wanted.failures)
        return [step for step in chosen if step.kind in (self.wanted.kind or plan.ONCE)]

    def progress(self, n):
        if time.monotonic() - self.told < 60:
            return
        self.told = time.monotonic()
        answers = self.world.load.report()
        self.report.note(f"{(self.told - self.began) / 60:.0f} min: step {self.done} of {n}, {answers['answered']} scans, "
                         f"{sum(self.world.by_kind.values())} failures, {self.report.failed} breaches")

    def keep_pace(self, part):
        """Scans beside the failures, so that both end together, not before the time."""
        answered = self.world.load.report()["answered"]
        missing = int(self.wanted.scans * part) - answered
        if missing > 0:
            self.world.load.add(missing)
            self.world.load.wait_answered(600)
        ahead = self.began + self.wanted.minutes * 60 * part - time.monotonic()
        while ahead > 0.5 and self.wanted.minutes:
            self.world.load.add(20)
            self.world.load.wait_answered(60)
            time.sleep(min(ahead, 0.4))
            ahead = self.began + self.wanted.minutes * 60 * part - time.monotonic()

    def run(self):
        steps = self.steps()
        self.world.begin(self.wanted.seed)
        self.began = self.told = time.monotonic()
        for step in steps:
            try:
                injections.run(self.world, step)
                self.done += 1
                self.keep_pace(self.done / len(steps))
                breaches = self.world.judge()
            except worlds.Failure as failure:
                self.report.check(f"step {step}", False, failure)
                return
            if breaches:
                self.report.check(f"step {step}", False, *breaches)
            self.progress(len(steps))

    def end(self):
        answers, figures = self.world.load.report(), self.world.figures(self.world.connector.status() or {"pid": "self"})
        status, left = self.world.end()
        self.report.equal("it stops by itself", status, 0, self.world.connector.last_words())
        self.report.equal("no process is left", left, [])
        show(self, answers, figures)


def quantile(values, part):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]


def show(soak, answers, figures):
    world, book = soak.world, soak.world.books
    rows = [("minutes", f"{(time.monotonic() - soak.began) / 60:.1f}"), ("scans", answers["answered"]),
            ("failures injected", sum(world.by_kind.values()))]
    rows += [(f"- {kind}", n) for kind, n in sorted(world.by_kind.items(), key=lambda item: -item[1])]
    rows += [("scans lost", answers["wanted"] - answers["answered"]), ("answered twice", answers["twice"]),
             ("sent again after a lost connection", answers["resent"]),
             ("infected and CLEAN", answers["infected"]["CLEAN"] + answers["poison"]["CLEAN"]),
             ("worker failures: injected, in the journal", f"{world.expected_workers()}, {len(book.failed_workers)}"),
             ("services killed", len(world.services_killed))]
    rows += list(worlds.summary(book).items())
    rows += [(f"fault {number}: raised, cleared", f"{up}, {down}") for number, (up, down) in worlds.faults_figures(book).items()]
    rows += [(f"longest silence after: {kind}, ms: p50, p99, n", f"{quantile(times, 0.5):.0f}, {quantile(times, 0.99):.0f}, {len(times)}")
             for kind, times in sorted(world.silences.items())]
    rows += [("daemon, KiB: before, after", f"{world.base['rss_kib']}, {figures['rss_kib']}"),
             ("daemon, descriptors: before, after", f"{world.base['fds']}, {figures['fds']}"),
             ("invariants broken", soak.report.failed)]
    print(f"\n{soak.report.replay}\n\n| what | number |\n|---|---|", flush=True)
    for name, value in rows:
        print(f"| {name} | {value} |", flush=True)


def main():
    soak = Soak(arguments())
    try:
        soak.run()
        soak.end()
    finally:
        soak.world.connector.stop(1)
        soak.world.clean()
    soak.report.check(f"{soak.done} steps without a breach", not soak.report.failed)
    soak.report.end()


if __name__ == "__main__":
    sys.exit(main())
