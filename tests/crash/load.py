# SPDX-License-Identifier: GPL-2.0-only
"""load: crash_load, started and told what to send. Owns its process. Must not own judgement."""
import json
import select
import subprocess
import time


class Load:
    def __init__(self, program, socket, seed, infected, clean):
        self.process = subprocess.Popen([str(program), str(socket), str(seed), str(infected), str(clean)], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True, bufsize=1)

    def order(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def report(self):
        self.order("report")
        if not select.select([self.process.stdout], [], [], 20)[0]:
            raise RuntimeError("crash_load does not answer")
        line = self.process.stdout.readline()
        report = json.loads(line) if line else {"failed": f"it ended with {self.process.wait()}"}
        if "failed" in report:
            raise RuntimeError(f"crash_load: {report['failed']}")
        return report

    def add(self, n):
        self.order(f"add {n}")

    def send(self, path):
        self.order(f"send {path}")

    def mark(self):
        self.order("mark")

    def wait_answered(self, seconds, until=None):
        """Until all (or so many) are answered; the last report."""
        deadline = time.monotonic() + seconds
        while True:
            report = self.report()
            if report["answered"] >= (report["wanted"] if until is None else until) or time.monotonic() > deadline:
                return report
            time.sleep(0.02)

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
