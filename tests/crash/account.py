# SPDX-License-Identifier: GPL-2.0-only
"""account: user deleted, group deleted, shell changed, a directory of the installation made 0777: fault 5 with the exact cause, scans
go on all the time, cleared after the repair, nothing is restarted by hand. usage: account.py"""
import pathlib

import connector
import injections
import scenario
from connector import wait_for

RAISE_SECONDS, AT_ONCE_SECONDS = 60, 5  # the contract, and what the file watch makes of it
SILENCE_MS = 5000  # a replacement beside the old service: no gap but that of a loaded machine
CAUSES = {"user deleted": rf"user {connector.ACCOUNT} does not exist", "group deleted": rf"group {connector.ACCOUNT} does not exist",
          "shell changed": rf"user {connector.ACCOUNT} has the login shell /bin/bash, expected"}


def one(world, report, name, cause, change, mend):
    pid = world.connector.daemon_pid()
    world.faults_wanted.add(5)
    world.keep_busy()
    world.load.mark()
    change()
    took = scenario.comes(world, report, name, 5, cause, RAISE_SECONDS)
    report.check(f"{name}: at once, by the file watch", took < AT_ONCE_SECONDS, f"{took:.1f} s")
    world.let_pass(200)
    mend()
    scenario.goes(world, report, name, 5, RAISE_SECONDS)
    world.let_pass(200)
    silence = world.load.report()["silence_us"] / 1000
    report.check(f"{name}: scans go on all the time", silence < SILENCE_MS, f"{silence:.0f} ms without an answer")
    report.note(f"{name}: longest silence {silence:.0f} ms")
    report.equal(f"{name}: no restart by hand", world.connector.daemon_pid(), pid)
    own = wait_for(20, lambda: world.connector.status()["scan_service"]["user"] == connector.ACCOUNT)
    report.check(f"{name}: the service runs as its own user", own, world.connector.status()["scan_service"])
    breaches = world.judge()
    report.check(f"{name}: all invariants hold", not breaches, *breaches)


def body(world, report):
    for name, (path, change, _) in injections.ACCOUNT_CHANGES.items():
        old = pathlib.Path(path).read_text()
        one(world, report, name, CAUSES[name], lambda path=path, change=change: injections.change_line(path, change),
            lambda path=path, old=old: injections.replace(path, old))
    root = world.connector.root
    one(world, report, "directory 0777", rf"{root} has mode 0?777, expected 0?755", lambda: root.chmod(0o777), lambda: root.chmod(0o755))


if __name__ == "__main__":
    scenario.run("account", body, {"recheck_ms": 20000})
