# SPDX-License-Identifier: GPL-2.0-only
"""injections: how each kind of plan.py is done to a world. A function per kind: it says what it did in the world's account and leaves
everything as it was.

Must not own the judgement; world.judge() follows each.
"""
import errno
import os
import pathlib
import random
import resource
import signal
import time

import connector
import journal
from connector import Failure, wait_for

JUMPS = (86400, -86400, 3600, -3600, 45, -45)
HEAL_SECONDS = 60


def hit(world, kind):
    """One worker that reads a file fails so. Returns when it has happened and its file is answered."""
    before = world.control.get("done:" + kind)
    world.keep_busy()
    world.control.set("budget:" + kind, 1)
    if not wait_for(30, lambda: world.control.get("done:" + kind) > before, 0.005):
        raise Failure(f"no worker took {kind}")
    world.count(kind)
    world.let_pass()


def crash(world, step, chance):
    for _ in range(step.failures):
        hit(world, chance.choice(("SEGV", "SEGV", "ABRT", "ZERO", "EXIT")))


def stab(world, number):
    """A worker that lives is killed from outside."""
    for _ in range(200):
        world.keep_busy()
        workers = world.connector.workers("busy") or world.connector.workers()
        for worker in random.Random(world.chance.random()).sample(workers, len(workers)):
            try:
                os.kill(worker["pid"], number)
            except ProcessLookupError:
                continue
            world.workers_killed += 1
            world.count("worker " + signal.Signals(number).name)
            return
        time.sleep(0.02)
    raise Failure("no worker to kill")


def signal_workers(world, step, chance):
    for _ in range(step.failures):
        number = chance.choice((signal.SIGSEGV, signal.SIGABRT, signal.SIGKILL, signal.SIGKILL, signal.SIGXFSZ, signal.SIGTERM))
        world.silence("worker killed", lambda: stab(world, number))


def stop_worker(world, step, _):
    """A stopped worker: whatever it holds ends with the deadline. It must hold something: files are sent until it is gone."""
    for _ in range(step.failures):
        before = {worker["pid"] for worker in world.connector.workers()}
        stab(world, signal.SIGSTOP)
        deadline = time.monotonic() + HEAL_SECONDS
        while before <= {worker["pid"] for worker in world.connector.workers()} and time.monotonic() < deadline:
            world.let_pass(20)
            time.sleep(0.1)


def mute(world, step, _):
    for _ in range(step.failures):
        hit(world, "MUTE")


def slow(world, step, chance):
    for _ in range(step.failures):
        world.control.set("slow_ms", chance.randrange(200, 1200))
        hit(world, "SLOW")


def memory(world, step, _):
    world.allowed |= {"ERROR"}
    for _ in range(step.failures):
        hit(world, "MEMO")


def squeeze(world, step, chance):
    """All workers may take hardly more memory than they have. What ends by that is charged by what the journal says, to them only."""
    world.allowed |= {"ERROR", "INCOMPLETE", "FAILED"}
    for _ in range(step.failures):
        world.read_events()
        known = len(world.books.failed_workers)
        pids = {worker["pid"] for worker in world.connector.workers()}
        for pid in pids:
            limit_memory(pid, chance.randrange(0, 1 << 20))
        world.load.add(60)
        world.load.wait_answered(HEAL_SECONDS)
        for pid in pids:
            limit_memory(pid, None)
        world.settle()
        world.read_events()
        failed = [event for event in world.books.failed_workers[known:] if event.pid in pids]
        world.workers_killed += len(failed)
        world.count("worker out of memory", len(failed))


def limit_memory(pid, more):
    try:
        size = int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[0]) * resource.getpagesize()
        _, hard = resource.prlimit(pid, resource.RLIMIT_AS)
        resource.prlimit(pid, resource.RLIMIT_AS, (hard if more is None else size + more, hard))
    except (OSError, ValueError):
        pass  # it has ended


def poison(world, step, chance):
    for _ in range(max(1, step.failures // 2)):
        kind = chance.choice(("SEGV", "SEGV", "ZERO", "EXIT"))
        world.load.send(world.new_poison(kind))
        world.count("poison", 2)
        world.let_pass()


def kill_service(world):
    pid = world.connector.service_pid()
    if not pid:
        raise Failure("there is no scan service to kill")
    os.kill(pid, signal.SIGKILL)
    world.service_died()
    wait_for(5, lambda: not pathlib.Path(f"/proc/{pid}").exists(), 0.005)


def service(world, step, _):
    for _ in range(step.failures):
        world.silence("service killed", lambda: kill_service(world))
        world.count("service SIGKILL")


def may_fail_to_start(world, births):
    if births >= world.connector.settings["start_attempts"]:
        world.faults_wanted.add(7)
        world.allowed |= {"ERROR", "INCOMPLETE"}


def refuse(world, step, chance):
    """The service dies, and its next births end at once."""
    births = chance.choice((1, 2, 4)) if step.failures > 1 else 2
    world.control.set("refuse_code", chance.choice((1, 64, 65, 70)))
    world.control.set("refuse", births)
    may_fail_to_start(world, births)
    kill_service(world)
    world.count("service SIGKILL")
    world.count("birth refused", births)
    wait_until_served(world, "refuse")


def fork(world, step, chance):
    births = max(1, step.failures)
    before = world.control.get("forks_failed")
    world.control.set("fork_error", chance.choice((errno.EAGAIN, errno.ENOMEM)))
    world.control.set("fail_fork", births)
    may_fail_to_start(world, births)
    kill_service(world)
    world.count("service SIGKILL")
    wait_until_served(world, "fail_fork")
    world.count("fork refused", world.control.get("forks_failed") - before)


def wait_until_served(world, budget):
    if not wait_for(HEAL_SECONDS, lambda: world.control.get(budget) == 0 and world.connector.is_ready(), 0.1):
        raise Failure(f"no service {HEAL_SECONDS} s after births were refused: {world.connector.status()}")


def daemon(world, step, chance):
    for _ in range(step.failures):
        world.settle()
        number = chance.choice((signal.SIGKILL, signal.SIGKILL, signal.SIGABRT))
        pause = chance.random() * 0.3
        world.silence("daemon killed", lambda: kill_daemon(world, number, pause))
        world.count("daemon " + signal.Signals(number).name)


def kill_daemon(world, number=signal.SIGKILL, pause=0.0):
    time.sleep(pause)
    world.connector.kill(number)
    damage = world.connector.journal.examine(world.work / "examined")
    if damage:
        raise Failure(f"the journal after the kill: {damage}")
    if not world.connector.supervised:
        world.connector.start()


def restart(world, step, _):
    for _ in range(step.failures):
        world.silence("restart in place", lambda: restart_in_place(world))
        world.count("restart in place")


def restart_in_place(world):
    pid = world.connector.daemon_pid()
    world.read_events()
    before = world.books.counts.get(journal.CONNECTOR_RESTARTED, 0)
    done = world.connector.cli("restart")
    if done.returncode:
        raise Failure(f"ampcli restart: {done.returncode} {done.stdout} {done.stderr}")

    def is_done():
        world.read_events()
        return world.books.counts.get(journal.CONNECTOR_RESTARTED, 0) > before and world.connector.is_ready()
    if not wait_for(HEAL_SECONDS, is_done, 0.02):
        raise Failure(f"no restart in place, or not ready after it: {world.connector.status()}")
    if world.connector.daemon_pid() != pid:
        raise Failure("a restart in place keeps the pid")


def is_recorded(world):
    world.read_events()
    return len(world.books.failed_workers) >= world.expected_workers()


def disk(world, _, chance):
    """state_dir is full: scans go on; the failure that comes meanwhile is recorded when there is room again, or at once in what the journal
    has of room of its own (pages that old events left)."""
    ballast = world.connector.tree / "state/ballast"
    with ballast.open("wb") as file:
        try:
            while True:
                file.write(bytes(1 << 20))
                file.flush()
        except OSError:
            pass  # full
    for number in range(100):  # the last bytes
        try:
            (world.connector.tree / f"state/ballast-{number}").write_bytes(bytes(4096))
        except OSError:
            break
    hit(world, chance.choice(("SEGV", "ABRT")))
    world.let_pass(100)
    said = wait_for(20, lambda: world.connector.status()["journal"]["error"] or is_recorded(world), 0.2)
    for file in (world.connector.tree / "state").glob("ballast*"):
        file.unlink(missing_ok=True)
    if not said:
        raise Failure("state_dir was full, the failure is not in the journal, and the status does not say it")
    if not wait_for(HEAL_SECONDS, lambda: not world.connector.status()["journal"]["error"], 0.2):
        raise Failure(f"state_dir has room and the journal is not written: {world.connector.status()['journal']}")
    world.count("disk full")


def clock(world, step, chance):
    for _ in range(step.failures):
        world.judge_quietly()
        world.shift_s = chance.choice(JUMPS)
        world.control.set("clock_shift_s", world.shift_s)
        hit(world, "SEGV")
        world.judge_quietly()
        world.control.set("clock_shift_s", 0)
        world.shift_s = 0
        world.let_pass()
        world.count("clock jump")


def change_line(path, change):
    """As the account tools do it: a new file takes the place of the old one."""
    old = pathlib.Path(path).read_text()
    lines = [changed for line in old.splitlines() if (changed := change(line) if line.startswith(connector.ACCOUNT + ":") else line)]
    replace(path, "\n".join(lines) + "\n")
    return old


def replace(path, text):
    new = pathlib.Path(path + ".new")
    new.write_text(text)
    new.chmod(0o644)
    new.rename(path)


def with_shell(line):
    return ":".join(line.split(":")[:6] + ["/bin/bash"])


ACCOUNT_CHANGES = {
    "user deleted": ("/etc/passwd", lambda line: None, r"user.*(does not exist|missing)|no user"),
    "group deleted": ("/etc/group", lambda line: None, r"group.*(does not exist|missing)|no group"),
    "shell changed": ("/etc/passwd", with_shell, r"shell.*/bin/bash"),
}


def fault_is(world, number, active):
    status = world.connector.status()
    return status is not None and (number in {fault["id"] for fault in status["faults"]}) == active


def fault_5_comes_and_goes(world, name, change, mend):
    world.faults_wanted.add(5)
    change()
    if not wait_for(HEAL_SECONDS, lambda: fault_is(world, 5, True), 0.1):
        raise Failure(f"{name}: no fault 5 after {HEAL_SECONDS} s")
    world.let_pass(100)
    mend()
    if not wait_for(HEAL_SECONDS, lambda: fault_is(world, 5, False), 0.1):
        raise Failure(f"{name}: fault 5 is not cleared {HEAL_SECONDS} s after it was put right: {world.connector.status()['faults']}")
    world.count(name)


def account(world, step, chance):
    for _ in range(step.failures):
        name = chance.choice(sorted(ACCOUNT_CHANGES))
        path, change, _ = ACCOUNT_CHANGES[name]
        old = pathlib.Path(path).read_text()
        fault_5_comes_and_goes(world, name, lambda: change_line(path, change), lambda: replace(path, old))


def mode(world, step, chance):
    for _ in range(step.failures):
        directory = chance.choice((world.connector.root, world.connector.root))
        fault_5_comes_and_goes(world, "directory 0777", lambda: directory.chmod(0o777), lambda: directory.chmod(0o755))


def run(world, step):
    chance = random.Random(step.seed)
    KINDS[step.kind](world, step, chance)


KINDS = {"crash": crash, "signal": signal_workers, "poison": poison, "stop": stop_worker, "mute": mute, "memory": memory,
         "squeeze": squeeze, "slow": slow, "service": service, "refuse": refuse, "fork": fork, "daemon": daemon, "restart": restart,
         "disk": disk, "clock": clock, "account": account, "mode": mode}
