# SPDX-License-Identifier: GPL-2.0-only
"""poison: 50 distinct files that crash each worker among 5,000 good ones. usage: poison.py [POISON GOOD]"""
import journal
import json
import pathlib
import sys
import time

import control
import scenario
from connector import wait_for

SETTINGS = {"failure_window_ms": 20000, "calm_ms": 6000, "restart_every_ms": 600000, "replace_window_ms": 10000}
SCAN_SECONDS = 240
CLEAR_SECONDS = 40  # the window, and a loaded machine


def make_tree(world, poison, good):
    tree = world.work / "tree"
    tree.mkdir()
    for number in range(good):
        (tree / f"good-{number:05}").write_bytes(b"nothing to see in number %d\n" % number * (1 + number % 50))
    names = []
    for number in range(poison):
        path = tree / f"bad-{number:03}"
        path.write_bytes(control.poison("SEGV", number))
        names.append(str(path))
    return tree, names


def rows_of(output):
    rows = {}
    for line in output.read_text(errors="replace").splitlines():
        if line.startswith('{"path"'):
            row = json.loads(line)
            rows.setdefault(row["path"], []).append(row)
    return rows


def scan_and_watch(world, tree):
    """(exit code, rows, names in the detail of fault 6 while it went on)."""
    output, named = world.work / "scan.json", set()
    scan = scenario.scan_in_background(world, output, tree)
    deadline = time.monotonic() + SCAN_SECONDS
    while scan.poll() is None and time.monotonic() < deadline:
        named |= named_in_fault(world)
        time.sleep(0.5)
    scan.kill()
    named |= named_in_fault(world)
    return scan.wait(), rows_of(output), named


def named_in_fault(world):
    """By `ampcli faults 6`: the status cuts the detail."""
    text = world.connector.cli("faults", "6").stdout
    return {word.strip("\"',;()") for word in text.split() if "/bad-" in word}


def verdicts(rows, part):
    found = {}
    for path, answers in rows.items():
        if pathlib.Path(path).name.startswith(part):
            for row in answers:
                found[row["verdict"]] = found.get(row["verdict"], 0) + 1
    return found


def first_run(world, report, tree, names, good):
    _, rows, named = scan_and_watch(world, tree)
    report.equal("all good files are scanned", verdicts(rows, "good"), {"CLEAN": good})
    report.equal("each poison file ends as FAILED", verdicts(rows, "bad"), {"FAILED": len(names)})
    report.equal("each has one answer", [path for path, answers in rows.items() if len(answers) != 1], [])
    world.settle()
    world.read_all_events()
    # What a worker has in hand at a restart in place is sent again by the client and has both its attempts before it.
    again = 2 * world.connector.settings["scan_workers"] * world.books.counts.get(journal.CONNECTOR_RESTARTED, 0)
    crashes = world.control.get("done:SEGV")
    report.check("each crashed two workers", 2 * len(names) <= crashes <= 2 * len(names) + again, f"{crashes} crashes, {again} may be added")
    listed = world.connector.cli("unscannable", "--json").stdout
    report.equal("ampcli unscannable names them all", [name for name in names if name not in listed], [])
    report.equal("fault 6 was raised and named them all", sorted(set(names) - named), [])


def second_run(world, report, tree, names, good):
    before = world.control.get("done:SEGV")
    _, rows, _ = scan_and_watch(world, tree)
    report.equal("the second run: all good files again", verdicts(rows, "good"), {"CLEAN": good})
    report.equal("poison is not scanned", {row["reason"] for name in names for row in rows.get(name, [])}, {"unscannable"})
    report.equal("the second run crashes nothing", world.control.get("done:SEGV"), before)


def changed(world, report, names):
    mended = pathlib.Path(names[0])
    mended.write_bytes(b"nothing to see any more\n")
    _, rows = scenario.scan(world, mended)
    report.equal("a file that was mended is scanned again", rows[str(mended)][0]["verdict"], "CLEAN")
    other = pathlib.Path(names[1])
    other.write_bytes(other.read_bytes() + b"y")
    before = world.control.get("done:SEGV")
    _, rows = scenario.scan(world, other)
    report.equal("a file that changed is tried again", world.control.get("done:SEGV") - before, 2)
    copy = other.with_name("bad-copy")
    copy.write_bytes(pathlib.Path(names[2]).read_bytes())
    before = world.control.get("done:SEGV")
    _, rows = scenario.scan(world, copy)
    report.equal("a copy of an unscannable file crashes nothing", world.control.get("done:SEGV") - before, 0)


def survives(world, report, names):
    world.settle()
    world.connector.stop()
    world.connector.start()
    before = world.control.get("done:SEGV")
    scenario.scan(world, names[3])
    report.equal("a new daemon knows them", world.control.get("done:SEGV") - before, 0)
    generation = world.connector.status()["definitions"]["generation"]
    world.connector.stop()
    world.connector.settings["definitions_dir"] = None
    world.connector.start()
    if world.connector.status()["definitions"]["generation"] != generation:
        scenario.scan(world, names[3])
        report.equal("with other definitions it is tried again", world.control.get("done:SEGV") - before, 2)
    else:
        report.check("other definitions are another generation", False, generation)


def body(world, report):
    poison, good = (int(word) for word in sys.argv[1:3]) if len(sys.argv) > 2 else (50, 5000)
    tree, names = make_tree(world, poison, good)
    first_run(world, report, tree, names, good)
    report.check("fault 6 is active", scenario.fault(world, 6), world.connector.status()["notices"])
    gone = wait_for(CLEAR_SECONDS, lambda: scenario.fault(world, 6) is None, 0.2)
    report.check(f"fault 6 clears by itself within {CLEAR_SECONDS} s", gone, scenario.fault(world, 6))
    second_run(world, report, tree, names, good)
    report.check("no fault comes by the second run", scenario.fault(world, 6) is None)
    changed(world, report, names)
    survives(world, report, names)
    world.read_all_events()
    report.equal("events in order, each once", world.books.all_breaches(), [])


if __name__ == "__main__":
    scenario.run("poison", body, SETTINGS)
