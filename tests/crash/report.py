# SPDX-License-Identifier: GPL-2.0-only
"""report: TAP lines, and how to run a failing plan again. Owns the count. Must not own judgement."""
import sys


class Report:
    def __init__(self, replay=""):
        self.replay, self.passed, self.failed = replay, 0, 0

    def note(self, text):
        for line in str(text).splitlines() or [""]:
            print(f"# {line}", flush=True)

    def check(self, name, holds, *diagnostics):
        """True when it holds."""
        if holds:
            self.passed += 1
            print(f"ok - {name}", flush=True)
            return True
        self.failed += 1
        print(f"not ok - {name}", flush=True)
        for text in diagnostics:
            self.note(str(text)[:2000])
        if self.replay:
            self.note(f"again: {self.replay}")
        return False

    def equal(self, name, got, expected, *diagnostics):
        return self.check(name, got == expected, f"got:      {got}", f"expected: {expected}", *diagnostics)

    def end(self):
        print(f"1..{self.passed + self.failed}", flush=True)
        sys.exit(1 if self.failed else 0)
