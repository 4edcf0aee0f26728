# SPDX-License-Identifier: GPL-2.0-only
"""world: one connector under load, what was done to it, and what must hold once it is quiet again.

Owns the connector, the load, the account of injected failures, the books. Must not own how an injection is done (injections.py).
"""
import collections
import os
import pathlib
import re
import shutil
import subprocess
import time

import connector
import control
import invariants
import journal
from connector import Connector, Failure, wait_for
from load import Load

SETTINGS = {"scan_workers": 2, "scan_timeout_ms": 4000, "recycle_jobs": 100000000, "failure_limit": 5, "failure_window_ms": 3000,
            "calm_ms": 1500, "replace_limit": 3, "replace_window_ms": 1500, "restart_every_ms": 20000, "start_attempts": 3,
            "start_retry_ms": 2000, "down_limit_ms": 10000, "recheck_ms": 5000, "create_account": "false", "log_level": "info"}
STATE_BYTES = 192 << 20
QUIET_SECONDS = 60
GROWTH_KIB = 24576  # of the daemon over everything: SQLite's cache, the ring, the tables of faults and unscannable files
CERTIFICATE_SECONDS = 5
BACKLOG = 150  # files that wait while something is injected
PACE = 60  # answers between two injections: the file that lost its worker is answered by then


def descriptors(pid):
    """What they are, counted; the numbers of sockets mean nothing."""
    found = collections.Counter()
    for path in pathlib.Path(f"/proc/{pid}/fd").iterdir():
        try:
            found[re.sub(r"\d{4,}", "N", os.readlink(path))] += 1
        except OSError:
            pass  # closed meanwhile
    return found


def held(status):
    """What the daemon says of itself that has a socket each, and the sockets by their descriptors."""
    if "scan" not in status:
        return {}
    sockets = {}
    for path in pathlib.Path(f"/proc/{status['pid']}/fd").iterdir():
        try:
            target = os.readlink(path)
        except OSError:
            continue  # closed meanwhile
        if target.startswith("socket:"):
            sockets[int(path.name)] = target
    inodes = {line.split()[6]: " ".join(line.split()[3:]) for line in pathlib.Path("/proc/net/unix").read_text().splitlines()[1:]}
    return {"sessions": status["scan"]["sessions"], "workers": [(w["worker"], w["state"]) for w in status["scan_service"]["workers"]],
            "starts": status["scan_service"]["starts"],
            "sockets": {fd: inodes.get(target[8:-1], target) for fd, target in sorted(sockets.items())}}


def work_directory():
    work = pathlib.Path(os.environ["AMP_TMP"]) / "crash"
    work.mkdir()
    work.chmod(0o755)
    work.parent.chmod(0o755)
    return work


def private_etc(work):
    """The machine's account files are out of reach from here on."""
    copy = work / "etc-copy"
    copy.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=0755", "crash-etc", copy], check=True)
    subprocess.run(["cp", "-a", "/etc/.", copy], check=True)
    subprocess.run(["mount", "--bind", copy, "/etc"], check=True)


def clean_files(work, chance):
    clean = work / "clean"
    clean.mkdir()
    for i in range(24):
        (clean / f"random-{i}").write_bytes(chance.randbytes(200 + i * i * 150))
    source = connector.SOURCE
    subprocess.run(["tar", "-C", source, "-czf", clean / "tree.tar.gz", "shared/base", "proto"], check=True)
    return clean


class World:
    def __init__(self, work, chance, settings=None, supervised=False):
        self.work, self.chance = work, chance
        self.connector = Connector(work / "amp", {**SETTINGS, **(settings or {})}, supervised, STATE_BYTES)
        self.control = self.connector.control
        self.rule = invariants.Thresholds(*(self.connector.settings[key] for key in (
            "failure_limit", "failure_window_ms", "calm_ms")))
        self.books = invariants.EventBook()
        self.workers_killed, self.services_killed = 0, []  # the times of the latter, in UTC ms
        self.by_kind, self.silences = {}, {}
        self.allowed = set()  # verdicts that files may get without deserving them, in this step
        self.faults_allowed, self.faults_wanted = set(), set()
        self.poisons, self.shift_s = 0, 0
        self.load = None
        self.judged = 0  # deaths of workers up to the last step
        self.storms = []  # periods of fault 6 in the steps before: failures of then are still in the book
        self.base, self.told = {}, set()

    def begin(self, seed):
        self.connector.start()
        clean = clean_files(self.work, self.chance)
        self.load = Load(connector.SUPPORT / "crash_load", self.connector.socket, seed, connector.INFECTED, clean)
        self.load.add(400)
        self.load.wait_answered(60)
        self.base = {**self.steady_figures(), "namespaces": self.namespaces()}

    # ---- acting ----

    def count(self, kind, n=1):
        self.by_kind[kind] = self.by_kind.get(kind, 0) + n

    def keep_busy(self, files=BACKLOG):
        report = self.load.report()
        missing = files - (report["wanted"] - report["answered"])
        if missing > 0:
            self.load.add(missing)
        return report

    def let_pass(self, files=PACE, seconds=QUIET_SECONDS):
        """So many answers more."""
        goal = self.keep_busy(max(BACKLOG, files + BACKLOG // 2))["answered"] + files
        if self.load.wait_answered(seconds, goal)["answered"] < goal:
            raise Failure(f"no {files} answers within {seconds} s: {self.load.report()}")

    def silence(self, kind, act):
        """Does it under load and measures the longest time without any answer that follows."""
        self.keep_busy()
        self.load.mark()
        act()
        self.let_pass()
        self.silences.setdefault(kind, []).append(self.load.report()["silence_us"] / 1000)

    def new_poison(self, kind):
        self.poisons += 1
        path = self.work / f"poison-{self.poisons}"
        path.write_bytes(control.poison(kind, self.poisons))
        return path

    def service_died(self):
        self.services_killed.append(time.time() * 1000)

    # ---- looking ----

    def settle(self, seconds=QUIET_SECONDS):
        """Waits until all is answered and all workers wait. The status."""
        report = self.load.wait_answered(seconds)
        if report["answered"] < report["wanted"]:
            raise Failure(f"{report['wanted'] - report['answered']} files have no answer after {seconds} s: {report}; status "
                          f"{self.connector.status()}")
        time.sleep(0.2)
        status = wait_for(seconds, self.connector.is_settled, 0.2)
        if not status:
            raise Failure(f"not quiet after {seconds} s: {self.connector.status()}\n{self.connector.last_words()}")
        return status

    def figures(self, status):
        pid = status["pid"]
        rss = [line for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS")]
        return {"fds": len(os.listdir(f"/proc/{pid}/fd")), "links": descriptors(pid), "held": held(status), "rss_kib": int(rss[0].split()[1]),
                "processes": len([name for name in os.listdir("/proc") if name.isdigit()]),
                "files": sorted(str(p.relative_to(self.connector.tree)) for p in self.connector.tree.rglob("*"))}

    def steady_figures(self):
        """When they no longer change: what a session had is closed on a thread, a moment after its client saw the end."""
        status = self.settle()
        last = [self.figures(status)]

        def is_steady():
            now = self.figures(status)
            same = all(now[name] == last[-1][name] for name in ("links", "processes", "files"))
            last.append(now)
            return same
        if not wait_for(QUIET_SECONDS, is_steady, 1):
            raise Failure(f"the daemon's descriptors, processes or files do not come to rest: {last[-1]}")
        return last[-1]

    def namespaces(self):
        found = set()
        for process in pathlib.Path("/proc").glob("[0-9]*"):
            for name in ("mnt", "pid", "net", "ipc", "uts"):
                try:
                    found.add(os.readlink(process / "ns" / name))
                except OSError:
                    pass  # it has ended
        return len(found)

    def read_events(self):
        for event in self.connector.journal.news():
            event.utc_ms -= self.shift_s * 1000
            self.books.take(event)

    def read_all_events(self):
        """Certificates wait for what may still be said of a death."""
        def has_all():
            self.read_events()
            return len(self.books.failed_workers) >= self.expected_workers()
        wait_for(CERTIFICATE_SECONDS, has_all, 0.1)

    def expected_workers(self):
        done = self.control.done()
        return sum(done[kind] for kind in control.DEADLY) + self.workers_killed

    def breaches_of_answers(self):
        report = self.load.report()
        found = [f"{name} = {report[name]}" for name in ("twice", "unknown") if report[name]]
        found += [f"{report[kind]['CLEAN']} {kind} files CLEAN" for kind in ("infected", "poison") if report[kind]["CLEAN"]]
        found += [f"a file without the answer it deserves: {odd}" for odd in report["odd"]
                  if not any(f" {verdict} " in odd for verdict in self.allowed)]
        return found

    def breaches_of_counters(self, status):
        found = []
        expected = self.expected_workers()
        if len(self.books.failed_workers) != expected:
            found.append(f"{expected} workers were made to fail, the journal has {len(self.books.failed_workers)}")
        totals = status["scan_service"]["failures"]
        counted = sum(totals.values()) - totals["requested"]
        if counted != expected + len(self.services_killed):
            found.append(f"{expected} workers and {len(self.services_killed)} services were made to fail, the status has {totals}")
        if found:  # which of them was not made is for a person to see
            found.append("deaths since the last step: " + "; ".join(
                f"{event.sequence} pid {event.pid} job {event.job} {event.detail}" for event in self.books.failed_workers[self.judged:]))
        self.judged = len(self.books.failed_workers)
        return found

    def breaches_of_leaks(self, status):
        now = wait_for(10, lambda: self.is_as_before(status), 0.3) or self.figures(status)
        if now["fds"] < self.base["fds"]:  # no leak; from now on there may be so few only
            print(f"# fewer descriptors than before: {self.base['fds']}, {now['fds']}: {self.base['held']}, now {now['held']}", flush=True)
            self.base.update({name: now[name] for name in ("fds", "links", "held")})
        found = [f"{name}: {self.base[name]} before, {now[name]} now" for name in ("fds", "processes", "files")
                 if self.base.get(name) != now[name]]
        if now["fds"] != self.base["fds"]:
            found.append(f"more descriptors: {now['links'] - self.base['links']}; fewer: {self.base['links'] - now['links']}; "
                         f"before {self.base['held']}, now {now['held']}")
        if now["rss_kib"] > self.base["rss_kib"] + GROWTH_KIB:
            found.append(f"the daemon grew from {self.base['rss_kib']} to {now['rss_kib']} KiB")
        if self.namespaces() != self.base["namespaces"]:
            found.append(f"namespaces: {self.base['namespaces']} before, {self.namespaces()} now")
        return found

    def is_as_before(self, status):
        now = self.figures(status)
        return now if now["fds"] <= self.base["fds"] and all(now[name] == self.base[name] for name in ("processes", "files")) else None

    def breaches_of_faults(self, status):
        found = []
        active = {fault["id"] for fault in status["faults"]}
        if active != set(self.books.faults.active):
            found.append(f"the status has the faults {sorted(active)}, the events {sorted(self.books.faults.active)}")
        seen = {period[0] for period in self.books.faults.periods}
        found += [f"fault {number} was raised, nothing explains it: {detail}" for number, _, _, detail in self.books.faults.periods
                  if number not in self.faults_allowed | self.faults_wanted | {6}]
        found += [f"fault {number} was not raised" for number in sorted(self.faults_wanted - seen)]
        times = [event.utc_ms for event in self.books.failed_workers] + self.services_killed
        storms = [(p[1], p[2]) for p in self.storms + self.books.faults.periods if p[0] == 6]
        return found + invariants.judge_fault_6(storms, times, self.books.starts, time.time() * 1000, self.rule)

    def judge(self):
        """All that must hold when it is quiet. The breaches."""
        status = self.settle()
        if not wait_for(QUIET_SECONDS, lambda: self.connector.status()["faults"] == [], 0.2):
            return [f"faults are still active: {self.connector.status()['faults']}"]
        status = self.settle()
        wait_for(CERTIFICATE_SECONDS, self.events_tell_of_no_fault)  # they are written a moment after the status has them
        status = self.connector.status()
        if self.shift_s:
            return ["a step left the clock shifted"]
        found = (self.breaches_of_answers() + self.breaches_of_counters(status) + self.breaches_of_leaks(status)
                 + self.breaches_of_faults(status) + self.books.all_breaches())
        if status["journal"]["lost"] != self.books.lost and self.books.lost:
            found.append(f"{status['journal']['lost']} events lost by the status, {self.books.lost} by the journal")
        self.forget()
        found = [breach for breach in found if breach not in self.told]  # totals stay broken: said once
        self.told.update(found)
        return found

    def events_tell_of_no_fault(self):
        self.read_all_events()
        return not self.books.faults.active

    def judge_quietly(self):
        """Events so far are read with the clock of now; nothing is forgotten."""
        self.settle()
        self.read_all_events()

    def forget(self):
        """What was judged is not judged again; totals stay."""
        self.books.breaches.clear()
        self.books.faults.breaches.clear()
        self.storms += [p for p in self.books.faults.periods if p[0] == 6 and p[2] is not None]
        self.books.faults.periods = [p for p in self.books.faults.periods if p[2] is None]
        self.allowed, self.faults_allowed, self.faults_wanted = set(), set(), set()

    def end(self):
        """The exit status of the daemon, and what is left behind."""
        if self.load:
            self.load.end()
        status = self.connector.stop()
        left = wait_for(5, lambda: self.left_processes() == [] and ["none"], 0.2)
        return status, [] if left else self.left_processes()

    @staticmethod
    def left_processes():
        mine = {1, os.getpid()}
        return [path.parent.name + " " + path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
                for path in pathlib.Path("/proc").glob("[0-9]*/cmdline") if int(path.parent.name) not in mine]

    def clean(self):
        subprocess.run(["umount", "-l", self.connector.tree / "state"], check=False, capture_output=True)
        shutil.rmtree(self.work, ignore_errors=True)


def events_named(books, kind):
    return books.counts.get(kind, 0)


def faults_figures(books):
    return {number: (books.faults.raised.get(number, 0), books.faults.cleared.get(number, 0)) for number in sorted(
        books.faults.raised)}


def summary(books):
    return {"worker failures": len(books.failed_workers), "services started": events_named(books, journal.SERVICE_STARTED),
            "services replaced": events_named(books, journal.SERVICE_REPLACED),
            "connector started": events_named(books, journal.CONNECTOR_STARTED),
            "connector restarted in place": events_named(books, journal.CONNECTOR_RESTARTED),
            "files unscannable": len(books.unscannable), "events lost": books.lost}
