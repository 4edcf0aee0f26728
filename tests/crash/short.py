# SPDX-License-Identifier: GPL-2.0-only
"""short: the plan that ./test runs: each kind of failure once. usage: short.py [SEED [KIND...]]"""
import random
import sys
import time

import injections
import plan
import world as worlds
from report import Report


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    report = Report(f"tests/crash/short.sh {seed}")
    work = worlds.work_directory()
    worlds.private_etc(work)
    world = worlds.World(work, random.Random(seed))
    try:
        world.begin(seed)
        for step in [step for step in plan.short(seed) if step.kind in (sys.argv[2:] or plan.ONCE)]:
            began = time.monotonic()
            try:
                injections.run(world, step)
                breaches = world.judge()
            except worlds.Failure as failure:
                report.check(f"{step.kind}", False, failure)
                break
            report.check(f"{step.kind}: {len(breaches)} breaches", not breaches, *breaches)
            report.note(f"{step}: {time.monotonic() - began:.1f} s")
        status, left = world.end()
        report.equal("it stops by itself", status, 0, world.connector.last_words())
        report.equal("no process is left", left, [])
    finally:
        world.connector.stop(1)
        world.clean()
    report.note(f"{world.by_kind} {worlds.summary(world.books)} {worlds.faults_figures(world.books)}")
    report.end()


if __name__ == "__main__":
    main()
