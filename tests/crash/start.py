# SPDX-License-Identifier: GPL-2.0-only
"""start: the scan service does not start, for one cause after the other: fault 7 with its detail, requests are answered with a clear
error meanwhile, healed when it is put right. usage: start.py [long]: the hang lies in the load, whose limit is a minute."""
import time
import os
import signal
import subprocess
import sys

import injections
import scenario
from connector import wait_for

RAISE_SECONDS, HEAL_SECONDS = 30, 60
MEMORY_KIB = 66000
SETTINGS = {"start_attempts": 3, "start_retry_ms": 1000, "down_limit_ms": 3000, "restart_every_ms": 86400000, "failure_limit": 1000,
            "replace_limit": 1000}


def requests_are_answered(world, report, name, serves):
    """Meanwhile: by the built-in set where that can serve, else with a clear error, in either case soon."""
    file = world.work / "clean/random-1"
    code, rows = scenario.scan(world, file, seconds=60)
    verdicts = {row["verdict"] for row in rows.get(str(file), [])}
    if serves:
        report.equal(f"{name}: the built-in definitions serve meanwhile, and clean is not CLEAN", verdicts, {"INCOMPLETE"}, rows)
        return
    reasons = {row.get("reason") for row in rows.get(str(file), [])}
    report.check(f"{name}: a request gets a clear error", code not in (0, 1) and "CLEAN" not in verdicts and reasons <= {"no-scan-service"},
                 f"exit code {code}", rows)


def is_whole(world):
    status = world.connector.status()
    return status and world.connector.is_ready() and not status["definitions"]["builtin"]


def take_deaths_as_meant(world):
    """A service that was born with too little memory may come up for a moment and lose a worker, or die: nobody counted those."""
    status = world.settle()
    world.read_all_events()
    world.workers_killed = len(world.books.failed_workers)
    totals = status["scan_service"]["failures"]
    died = sum(totals.values()) - totals["requested"] - world.workers_killed
    world.services_killed += [time.time() * 1000] * (died - len(world.services_killed))


def one(world, report, name, cause, change, mend, serves=False, seconds=RAISE_SECONDS, is_starved=False):
    world.faults_wanted.add(7)
    change()
    if world.connector.service_pid():
        injections.kill_service(world)
    scenario.comes(world, report, name, 7, cause, seconds)
    if serves:
        wait_for(HEAL_SECONDS, world.connector.is_ready)
    requests_are_answered(world, report, name, serves)
    mend()
    scenario.goes(world, report, name, 7, HEAL_SECONDS)
    report.check(f"{name}: heals by itself", wait_for(HEAL_SECONDS, lambda: is_whole(world)), world.connector.status())
    code, _ = scenario.scan(world, world.work / "clean/random-1")
    report.equal(f"{name}: and scans", code, 0)
    if is_starved:
        take_deaths_as_meant(world)
    breaches = world.judge()
    report.check(f"{name}: all invariants hold", not breaches, *breaches)


def damage(world):
    file = world.connector.root / "definitions/test-6.cvd"
    whole = file.read_bytes()
    spoilt = bytearray(whole)
    spoilt[600:] = os.urandom(len(whole) - 600)
    return (lambda: file.write_bytes(spoilt)), (lambda: file.write_bytes(whole))


def limit_memory(world):
    """Room enough for the programs, not for the definitions; and the machine says that it has no more."""
    meminfo = world.work / "meminfo"
    meminfo.write_text("MemTotal:       24000000 kB\nMemFree:        2048 kB\nMemAvailable:   2048 kB\n")

    def change():
        subprocess.run(["mount", "--bind", meminfo, "/proc/meminfo"], check=True)
        world.control.set("birth_memory_kib", MEMORY_KIB)

    def mend():
        subprocess.run(["umount", "/proc/meminfo"], check=True)
        world.control.set("birth_memory_kib", 0)
    return change, mend


def hang(world, where):
    def let_go():
        world.control.set(where, 0)
        pid = world.connector.service_pid()
        if pid:
            os.kill(pid, signal.SIGKILL)
    return (lambda: world.control.set(where, 1000)), let_go


def body(world, report):
    program = world.connector.root / "bin/crash_service"
    away = program.with_name("away")
    one(world, report, "executable missing", r"crash_service.*(No such file|missing)", lambda: program.rename(away),
        lambda: away.rename(program))
    one(world, report, "wrong owner", r"crash_service.*(not trusted|owner)", lambda: os.chown(program, 12345, 12345),
        lambda: os.chown(program, 0, 0))
    spoil, mend = damage(world)
    one(world, report, "definitions unloadable", r"(?i)definition|test-6\.cvd", spoil, mend, serves=True)
    change, mend = limit_memory(world)
    one(world, report, "memory too small", r"(?i)memory", change, mend, is_starved=True)
    is_long = len(sys.argv) > 1 and sys.argv[1] == "long"
    change, let_go = hang(world, "hang_load" if is_long else "hang_birth")
    one(world, report, "hang", r"(?i)hung|hang|limit|within|progress", change, let_go, seconds=150 if is_long else RAISE_SECONDS)


if __name__ == "__main__":
    scenario.run("start", body, SETTINGS)
