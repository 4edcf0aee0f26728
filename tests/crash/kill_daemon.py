# SPDX-License-Identifier: GPL-2.0-only
"""kill_daemon: kill -9 of the daemon at random moments under load, while workers die and faults come and go: journal, faults and
ledger are readable and agree each time, no event twice, no fault lost. usage: kill_daemon.py KILLS SEED"""
import random
import sys
import time

import control
import injections
import scenario
from connector import wait_for

KINDS = ("SEGV", "EXIT", "ABRT")


def disturb(world, chance):
    """Workers die at moments of their own; two in a row may meet one file."""
    for _ in range(chance.randrange(0, 9)):
        world.control.set("budget:" + chance.choice(KINDS), 1)
        time.sleep(chance.random() * 0.06)


def agree(world):
    """The new daemon's faults and totals are those that the journal tells of. The breaches."""
    status = world.connector.status()
    world.read_events()
    found = world.books.all_breaches()
    world.books.breaches.clear()
    world.books.faults.breaches.clear()
    active = {fault["id"] for fault in status["faults"]}
    if active != set(world.books.faults.active):
        # One that clears or comes just now: the second look decides.
        time.sleep(1)
        active = {fault["id"] for fault in world.connector.status()["faults"]}
        world.read_events()
        if active != set(world.books.faults.active):
            found.append(f"the status has the faults {sorted(active)}, the journal {sorted(world.books.faults.active)}")
    return found


def totals_agree(world):
    totals = world.connector.status()["scan_service"]["failures"]
    counted = sum(totals.values()) - totals.get("requested", 0)
    world.read_events()
    return counted == len(world.books.failed_workers) and (totals, len(world.books.failed_workers))


def body(world, report):
    kills, seed = int(sys.argv[1]), int(sys.argv[2])
    chance = random.Random(seed)
    damaged, broken = [], []
    for number in range(kills):
        world.keep_busy(200)
        disturb(world, chance)
        time.sleep(chance.random() * 0.3)
        try:
            injections.kill_daemon(world)
        except injections.Failure as failure:
            damaged.append(f"kill {number}: {failure}")
            world.connector.start()
        broken += [f"kill {number}: {breach}" for breach in agree(world)]
    for kind in KINDS:
        world.control.set("budget:" + kind, 0)
    world.settle()
    time.sleep(3)
    report.equal(f"{kills} kills: the journal is readable each time", damaged, [])
    report.equal("faults and events agree each time, no event twice", broken, [])
    report.check("the totals of the ledger are those of the events", wait_for(10, lambda: totals_agree(world)),
                 world.connector.status()["scan_service"], len(world.books.failed_workers))
    made = sum(world.control.done()[kind] for kind in control.DEADLY)
    report.check("no failure was counted that did not happen", len(world.books.failed_workers) <= made,
                 f"{made} made, {len(world.books.failed_workers)} in the journal")
    world.allowed |= {"FAILED", "INCOMPLETE"}
    report.equal("each file exactly one answer, none infected CLEAN", world.breaches_of_answers(), [])
    gone = wait_for(60, lambda: world.connector.status()["faults"] == [], 0.2)
    report.check("in the end all faults are cleared", gone, world.connector.status()["faults"])
    report.note(f"{kills} kills, {made} workers made to fail, {len(world.books.failed_workers)} in the journal; {world.load.report()}")


if __name__ == "__main__":
    scenario.run("kill_daemon", body, seed=int(sys.argv[2]))
