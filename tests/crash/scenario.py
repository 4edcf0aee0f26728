# SPDX-License-Identifier: GPL-2.0-only
"""scenario: the frame of a test that breaks one world in a way of its own: set up, TAP, clean up. Owns no judgement."""
import json
import random
import re
import subprocess
import time

import world as worlds
from connector import wait_for
from report import Report


def run(name, body, settings=None, seed=1, supervised=False):
    """body(world, report); the connector runs and has a load that waits."""
    report = Report(f"tests/crash/{name}.sh")
    work = worlds.work_directory()
    worlds.private_etc(work)
    world = worlds.World(work, random.Random(seed), settings, supervised)
    try:
        world.begin(seed)
        body(world, report)
        status, left = world.end()
        report.equal("it stops by itself", status, 0, world.connector.last_words())
        report.equal("no process is left", left, [])
    except worlds.Failure as failure:
        report.check(name, False, failure, world.connector.last_words())
    finally:
        world.connector.stop(1)
        world.clean()
    report.end()


def fault(world, number):
    """The active fault, or None."""
    status = world.connector.status()
    found = [entry for entry in (status or {}).get("faults", []) if entry["id"] == number]
    return found[0] if found else None


def comes(world, report, name, number, pattern, seconds):
    """The fault is raised with this cause. How long that took, in seconds."""
    began = time.monotonic()
    found = wait_for(seconds, lambda: matching(world, number, pattern), 0.05)
    took = time.monotonic() - began
    report.check(f"{name}: fault {number} within {seconds} s with its cause", found, f"expected /{pattern}/",
                 f"fault: {fault(world, number)}", f"notices: {(world.connector.status() or {}).get('notices')}",
                 world.connector.last_words())
    report.note(f"{name}: after {took:.2f} s: {found['detail'][:300] if found else 'nothing'}")
    return took


def matching(world, number, pattern):
    found = fault(world, number)
    return found if found and re.search(pattern, found["detail"]) else None


def goes(world, report, name, number, seconds):
    began = time.monotonic()
    gone = wait_for(seconds, lambda: world.connector.status() is not None and fault(world, number) is None, 0.05)
    report.check(f"{name}: put right, fault {number} is cleared within {seconds} s", gone, f"fault: {fault(world, number)}",
                 world.connector.last_words())
    report.note(f"{name}: cleared after {time.monotonic() - began:.2f} s")


def scan(world, *paths, seconds=300):
    """(exit code, {path: row of --json}) of `ampcli scan custom`, by the process's own exit and words."""
    done = world.connector.cli("scan", "custom", "--all", "--json", *paths, seconds=seconds)
    rows = {}
    for line in done.stdout.splitlines():
        try:
            row = json.loads(line)
        except ValueError:
            continue
        if "verdict" in row:
            rows.setdefault(row["path"], []).append(row)
    return done.returncode, rows


def scan_in_background(world, output, *paths):
    command = [str(worlds.connector.PROGRAMS / "ampcli/ampcli"), "--socket", str(world.connector.socket), "scan", "custom", "--all",
               "--json", *map(str, paths)]
    with output.open("wb") as file:
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT)
