# SPDX-License-Identifier: GPL-2.0-only
"""servers: what is measured, each behind the same four calls: start(), run(), tree(), stop().

Owns the processes that it starts (ended by their own pid, also after a failure), their sockets and temporary directories,
all inside one private directory. Must not own clocks, order of runs, or figures: throughput.py does.
"""
import json
import os
import pathlib
import signal
import socket
import struct
import subprocess
import time

READY_SECONDS = 180  # a big set takes about 10 s to load on a quiet machine
CERTIFICATE_SECONDS = 3  # a death certificate is in the journal by then

# The options of scan_options.h in clamd's words. IdleTimeout: a session outlives the pauses between runs.
CLAMD_CONF = """Foreground yes
LocalSocket {directory}/clamd.sock
LogFile {directory}/clamd.log
TemporaryDirectory {temp}
DatabaseDirectory {definitions}
User root
DisableCache yes
ConcurrentDatabaseReload yes
MaxThreads {threads}
MaxQueue 500
SelfCheck 0
IdleTimeout 600
AlertExceedsMax yes
AlertEncrypted yes
MaxFileSize 100M
MaxScanSize 400M
MaxFiles 10000
MaxRecursion 17
MaxScanTime 120000
"""


class Failure(Exception):
    """The run is void; the text is for a person."""


def finish(process):
    """Ends a process of ours: politely, then not."""
    if process is None or process.poll() is not None:
        return
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(timeout=20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def run_client(command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        raise Failure(f"{pathlib.Path(command[0]).name}: {done.stderr.strip() or done.returncode}")
    return json.loads(done.stdout)


class Limit:
    """libclamav in a loop, in as many processes as there are processors; the number of clients means nothing to it."""

    def __init__(self, setup, memory="plain"):
        self.name = "limit" if memory == "plain" else f"limit:{memory}"
        self.setup, self.memory, self.process = setup, memory, None

    def start(self):
        temp = self.setup.private_temp(self.name)
        self.process = subprocess.Popen(
            [str(self.setup.build / "limit"), "--definitions", str(self.setup.definitions), "--temp", str(temp),
             "--processes", str(self.setup.processes), "--memory", self.memory],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        if self.process.stdout.readline() != "ready\n":
            raise Failure(f"{self.name} did not start")

    def run(self, listing, _sessions, verdicts):
        self.process.stdin.write(f"{listing} {verdicts}\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise Failure(f"{self.name} ended during a run")
        return json.loads(answer)

    def pid(self):
        return self.process.pid

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.stdin.close()  # end of orders
        finish(self.process)


class Clamd:
    def __init__(self, setup, depth):
        self.name, self.setup, self.depth, self.process = "clamd", setup, depth, None

    def start(self):
        directory = self.setup.private_directory("clamd")
        self.socket = directory / "clamd.sock"
        conf = directory / "clamd.conf"
        conf.write_text(CLAMD_CONF.format(directory=directory, temp=self.setup.private_temp("clamd"),
                                          definitions=self.setup.definitions, threads=self.setup.clamd_threads))
        self.process = subprocess.Popen(["clamd", "--config-file", str(conf)],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + READY_SECONDS
        while not self.answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise Failure(f"clamd did not start, see {directory}/clamd.log")
            time.sleep(0.2)

    def answers(self):
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(str(self.socket))
                probe.sendall(b"zPING\0")
                return probe.recv(16) == b"PONG\0"
            except OSError:
                return False

    def run(self, listing, sessions, verdicts):
        return run_client([str(self.setup.build / "clamd_client"), "--socket", str(self.socket), "--list", str(listing),
                           "--sessions", str(sessions), "--depth", str(self.depth), "--verdicts", str(verdicts)])

    def pid(self):
        return self.process.pid

    def stop(self):
        finish(self.process)


class Amp:
    """The connector as ./run starts it, in a private tree of its own."""

    def __init__(self, setup, depth):
        self.name, self.setup, self.depth, self.daemon = "amp", setup, depth, None

    def command(self, *arguments, **options):
        return subprocess.run([str(self.setup.amp_run), "--private", str(self.tree_directory), *arguments],
                              stdin=subprocess.DEVNULL, check=False, **options)

    def start(self):
        self.tree_directory = self.setup.private_directory("amp")
        log = self.setup.directory / "amp-start.log"
        with log.open("wb") as out:
            # The daemon stays behind with this output: a pipe would keep us waiting for its end.
            done = self.command("--definitions", str(self.setup.definitions), "--detach", stdout=out, stderr=out,
                                timeout=READY_SECONDS)
        if done.returncode != 0:
            raise Failure(f"amp did not start, see {log}")
        found = sorted(self.tree_directory.rglob("control.sock"))
        if len(found) != 1:
            raise Failure(f"amp: {len(found)} control sockets in its private tree")
        self.socket = found[0]
        self.daemon = self.listener()

    def listener(self):
        """The kernel knows who listens."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as probe:
            probe.connect(str(self.socket))
            credentials = probe.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        return struct.unpack("3i", credentials)[0]

    def run(self, listing, sessions, verdicts):
        return run_client([str(self.setup.build / "amp_client"), "--socket", str(self.socket), "--list", str(listing),
                           "--sessions", str(sessions), "--depth", str(self.depth), "--verdicts", str(verdicts)])

    def pid(self):
        return self.daemon

    def stop(self):
        if self.daemon:
            self.command("stop", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60)


def process_tree(root):
    """pids of `root` and all below it."""
    children = {}
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue  # it ended meanwhile
            children.setdefault(int(fields[1]), []).append(int(entry.name))
    found, waiting = [], [root]
    while waiting:
        pid = waiting.pop()
        found.append(pid)
        waiting += children.get(pid, [])
    return found


def cpu_seconds(root):
    """Of the tree, with the children that it has reaped."""
    ticks = 0
    for pid in process_tree(root):
        try:
            fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue  # reaped: its parent's counters have it, at the next look
        ticks += sum(int(field) for field in fields[11:15])
    return ticks / os.sysconf("SC_CLK_TCK")


def private_megabytes(root):
    """The largest private memory of a process below `root`; of `root` itself when it is alone."""
    tree = process_tree(root)
    largest = 0
    for pid in tree[1:] or tree:
        try:
            lines = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue  # it ended meanwhile
        kilobytes = sum(int(line.split()[1]) for line in lines if line.startswith("Private_Dirty:"))
        if len(process_tree(pid)) == 1:  # a worker, not the parent that holds the engine
            largest = max(largest, kilobytes)
    return largest / 1024
