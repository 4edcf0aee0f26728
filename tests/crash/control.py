# SPDX-License-Identifier: GPL-2.0-only
"""control: the file of tests/support/crash_control.h, mapped. Owns its layout on this side."""
import mmap
import pathlib
import struct

KINDS = ("SEGV", "ABRT", "ZERO", "XFSZ", "EXIT", "MUTE", "SLOW", "MEMO")
DEADLY = ("SEGV", "ABRT", "ZERO", "XFSZ", "EXIT", "MUTE")  # each is one failure of a worker
FIELDS = ("slow_ms", "births", "refuse", "refuse_code", "hang_birth", "birth_memory_kib", "hang_load", "fail_fork", "fork_error", "forks_failed",
          "clock_shift_s", "marked_bytes")
MARKER = b"AMP-CRASH-POISON "
SET_MARKER_BYTES = 64
BYTES = 4096


class Control:
    def __init__(self, path: pathlib.Path, keep=False):
        if not keep:
            path.write_bytes(bytes(BYTES))
            path.chmod(0o644)
        with path.open("r+b") as file:
            self.memory = mmap.mmap(file.fileno(), BYTES)

    @staticmethod
    def place(name):
        if name in FIELDS:
            return 4 * (2 * len(KINDS) + FIELDS.index(name))
        which, kind = name.split(":")
        return 4 * (KINDS.index(kind) + (len(KINDS) if which == "done" else 0))

    def get(self, name):
        return struct.unpack_from("i", self.memory, self.place(name))[0]

    def set(self, name, value):
        struct.pack_into("i", self.memory, self.place(name), value)

    def mark_sets(self, marker: bytes):
        """From now on a service that loads a file with this in its head has workers that crash on what they are given."""
        assert len(marker) < SET_MARKER_BYTES
        at = 4 * (2 * len(KINDS) + len(FIELDS))
        self.memory[at:at + SET_MARKER_BYTES] = marker.ljust(SET_MARKER_BYTES, b"\0")

    def done(self):
        return {kind: self.get("done:" + kind) for kind in KINDS}


def poison(kind, number):
    """Content that does this to each worker that reads it, unlike any other."""
    assert kind in KINDS
    return MARKER + kind.encode() + b" %d\n" % number + b"x" * (64 + number % 500)
