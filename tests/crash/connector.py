# SPDX-License-Identifier: GPL-2.0-only
"""connector: one private instance of the real programs in a tree of its own, with everything between it and the machine that the
injections need: crash_service in the place of ampscansvc, crash_daemon before libc, an installation root of its own.

Owns the tree, the daemon's process, the questions to it. Must not own injections or judgement.
"""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import time

from control import Control
from journal import Journal

SOURCE = pathlib.Path(os.environ["AMP_SRC"])
PROGRAMS = pathlib.Path(os.environ["AMP_BUILD"])
SUPPORT = pathlib.Path(os.environ.get("AMP_SUPPORT", PROGRAMS / "tests/support"))
DATA = pathlib.Path(os.environ["AMP_TEST_DATA"])
INFECTED = pathlib.Path("/usr/share/clamav-testfiles")
ACCOUNT = "cisco-amp-scan-svc"
READY_SECONDS = 60


class Failure(Exception):
    """The harness cannot go on."""


def wait_for(seconds, condition, pause=0.05):
    """The first true value of the condition, or its last one when the ceiling is reached."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value or time.monotonic() > deadline:
            return value
        time.sleep(pause)


class Connector:
    def __init__(self, tree: pathlib.Path, settings, supervised=False, state_bytes=0):
        self.tree, self.settings, self.supervised = tree, dict(settings), supervised
        self.process, self.pid = None, None
        self.root = tree / "opt"
        for name in ("etc", "run", "state", "log", "opt/bin", "opt/builtin", "opt/definitions"):
            (tree / name).mkdir(parents=True)
        for directory in (tree, *tree.rglob("*")):
            directory.chmod(0o755)
        if state_bytes:
            subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={state_bytes},mode=0700", "crash-state", tree / "state"], check=True)
        self.install()
        self.control = Control(self.root / "bin/control")
        self.journal = Journal(tree / "state/journal.db")
        self.socket = tree / "run/control.sock"
        self.words = (tree / "output").open("ab")

    def install(self):
        for name in ("crash_service", "crash_preload.so"):
            shutil.copy(SUPPORT / name, self.root / "bin" / name)
        (self.root / "bin/crash_service").chmod(0o755)
        (self.root / "bin/service").write_text(f"{PROGRAMS}/ampscansvc/ampscansvc\n")
        for file in (SOURCE / "definitions/builtin").iterdir():
            shutil.copy(file, self.root / "builtin")
        shutil.copy(DATA / "test-6.cvd", self.root / "definitions")
        for file in self.root.rglob("*"):
            os.chown(file, 0, 0)
            if file.is_file() and file.parent.name != "bin":
                file.chmod(0o644)

    def configuration(self):
        keys = {"run_dir": self.tree / "run", "state_dir": self.tree / "state", "log_dir": self.tree / "log",
                "builtin_dir": self.root / "builtin", "definitions_dir": self.root / "definitions",
                "scan_service": self.root / "bin/crash_service", "scan_user": ACCOUNT, "install_root": self.root,
                "scan_workers": 2, "temp_bytes": 8388608, **self.settings}
        return "".join(f"{key}: {value}\n" for key, value in keys.items() if value is not None)

    # ---- life ----

    def launch(self):
        (self.tree / "etc/ampdaemon.yaml").write_text(self.configuration())
        command = [PROGRAMS / "ampdaemon/ampdaemon", "--config", self.tree / "etc/ampdaemon.yaml", "--foreground"]
        environment = {**os.environ, "LD_PRELOAD": str(SUPPORT / "crash_daemon.so"), "AMP_CRASH_CONTROL": str(self.root / "bin/control")}
        self.process = subprocess.Popen(command + (["--supervised"] if self.supervised else []), stdin=subprocess.DEVNULL,
                                        stdout=self.words, stderr=self.words, env=environment)

    def start(self):
        self.launch()
        if not wait_for(READY_SECONDS, self.is_ready):
            raise Failure("the connector does not become ready: " + self.last_words())
        return self

    def last_words(self):
        return (self.tree / "output").read_text(errors="replace")[-1500:]

    def kill(self, number=signal.SIGKILL):
        """The daemon by its own pid. An overseer starts the next one."""
        if self.supervised:
            os.kill(self.daemon_pid(), number)
            return
        self.process.send_signal(number)
        self.process.wait(20)

    def stop(self, seconds=20):
        """The exit status, None when it had to be killed."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return None

    # ---- questions ----

    def cli(self, *arguments, seconds=30):
        environment = {name: value for name, value in os.environ.items() if name != "LD_PRELOAD"}
        return subprocess.run([str(PROGRAMS / "ampcli/ampcli"), "--socket", str(self.socket), *map(str, arguments)], text=True,
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=seconds, env=environment, errors="replace",
                              check=False)

    def status(self):
        """None when it cannot be had."""
        try:
            done = self.cli("status", "--json")
            return json.loads(done.stdout) if done.returncode == 0 else None
        except (subprocess.TimeoutExpired, ValueError):
            return None

    def is_ready(self):
        status = self.status()
        return status is not None and any(worker["state"] in ("spare", "busy") for worker in status["scan_service"]["workers"])

    def is_settled(self):
        """All workers are there and wait, nothing is under way."""
        status = self.status()
        if not status or status["scan_service"]["state"] != "up":
            return None
        workers = status["scan_service"]["workers"]
        whole = len(workers) == self.settings.get("scan_workers", 2) + 1 and all(w["state"] == "spare" for w in workers)
        return status if whole and not status["journal"]["waiting"] else None

    def daemon_pid(self):
        status = wait_for(READY_SECONDS, self.status)
        if not status:
            raise Failure("the daemon does not answer: " + self.last_words())
        return status["pid"]

    def service_pid(self):
        status = self.status()
        return status["scan_service"]["pid"] if status else 0

    def workers(self, state=None):
        status = self.status()
        return [w for w in status["scan_service"]["workers"] if w["pid"] and state in (None, w["state"])] if status else []
