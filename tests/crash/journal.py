# SPDX-License-Identifier: GPL-2.0-only
"""journal: the daemon's journal, read from its database without asking the daemon: what is there after a kill -9 is what counts.

Owns the decoding of proto/event.proto on this side, by hand, so that it is another pair of eyes. Must not own judgement.
"""
import pathlib
import shutil
import sqlite3

CONNECTOR_STARTED, CONNECTOR_STOPPED, CONNECTOR_RESTARTED = 0x2100A001, 0x2100A002, 0x2100A003
FILE_UNSCANNABLE, THREAT = 0x4100A015, 0x8100A020
WORKER_FAILED, SERVICE_STARTED, SERVICE_ENDED, SERVICE_REPLACED, SERVICE_CURE = (
    0x4100A030, 0x2100A031, 0x4100A032, 0x2100A033, 0x4100A034)
LOST = 0x4100A040
RAISED = {553648195: "minor", 1090519107: "major", 2164260931: "critical"}
CLEARED, ALL_CLEARED = 553648196, 553648197
NAMES = {4: {1: "version", 2: "pid", 3: "reason"},
         7: {1: "worker", 2: "pid", 3: "cause", 4: "status", 5: "path", 6: "attempt", 7: "detail", 8: "handover_us", 9: "job",
             10: "phase", 11: "digest"},
         8: {1: "incarnation", 2: "pid", 3: "status", 4: "reason", 5: "signatures"},
         9: {1: "events", 2: "reason"},
         10: {1: "id", 2: "severity", 3: "detail", 4: "remedy", 5: "reason", 6: "count"},
         11: {1: "path", 2: "digest", 3: "bytes", 4: "attempts", 5: "cause", 6: "generation"}}


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at


def fields(data):
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        if key & 7 == 0:
            value, at = varint(data, at)
        elif key & 7 == 2:
            length, at = varint(data, at)
            value, at = data[at:at + length], at + length
        else:
            raise ValueError(f"wire type {key & 7}")
        yield key >> 3, value


class Event:
    def __init__(self, sequence, utc_ms, kind, body):
        self.sequence, self.utc_ms, self.type, self.body = sequence, utc_ms, kind, {}
        for number, value in fields(body):
            if number in NAMES and isinstance(value, bytes):
                for inner, part in fields(value):
                    name = NAMES[number].get(inner, str(inner))
                    self.body[name] = part.decode("utf-8", "replace") if isinstance(part, bytes) and name not in (
                        "path", "digest") else part

    def __getattr__(self, name):
        # A field that is 0 or empty is not on the wire.
        return self.__dict__["body"].get(name, b"" if name in ("path", "digest") else "" if name in (
            "detail", "remedy", "reason", "version") else 0)

    def __repr__(self):
        return f"{self.sequence} {self.utc_ms} {self.type:#x} {self.body}"


class Journal:
    def __init__(self, path: pathlib.Path):
        self.path, self.last = path, 0

    def rows(self, query, *values):
        base = sqlite3.connect(f"file:{self.path}?mode=ro", uri=True, timeout=10)
        try:
            return base.execute(query, values).fetchall()
        finally:
            base.close()

    def news(self):
        """Events since the last call, in order."""
        rows = self.rows("SELECT sequence, utc_ms, type, body FROM event WHERE sequence > ? ORDER BY sequence", self.last)
        if rows:
            self.last = rows[-1][0]
        return [Event(*row) for row in rows]

    def skip(self):
        self.last = (self.rows("SELECT max(sequence) FROM event")[0][0]) or 0

    def examine(self, scratch: pathlib.Path):
        """What a reader finds after a kill: on a copy with its log, so that nothing here heals the original. "" when it is sound."""
        scratch.mkdir(exist_ok=True)
        copy = scratch / "journal.db"
        for end in ("", "-wal"):
            pathlib.Path(f"{copy}{end}").unlink(missing_ok=True)
            if pathlib.Path(f"{self.path}{end}").exists():
                shutil.copy(f"{self.path}{end}", f"{copy}{end}")
        base = sqlite3.connect(copy)
        try:
            found = base.execute("PRAGMA integrity_check").fetchone()[0]
            base.execute("SELECT count(*) FROM event").fetchone()
            tables = {row[0] for row in base.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            if "kept" in tables:
                base.execute("SELECT count(*) FROM kept").fetchone()
            return "" if found == "ok" else found
        except sqlite3.DatabaseError as error:
            return str(error)
        finally:
            base.close()
            shutil.rmtree(scratch)
