# SPDX-License-Identifier: GPL-2.0-only
"""invariants_test: each rule of invariants.py lets a sound history pass and sees the breach in a broken one."""
import invariants
import journal
from report import Report

RULE = invariants.Thresholds(5, 3000, 1500)
MINUTE = 60000


class Made:
    """An event as journal.Event gives it."""

    def __init__(self, sequence, kind, utc_ms=0, **body):
        self.sequence, self.type, self.utc_ms = sequence, kind, utc_ms
        for name, value in {"id": 0, "detail": "why", "worker": 0, "pid": 0, "digest": b"", "path": b"", "events": 0, "generation": 0,
                            **body}.items():
            setattr(self, name, value)


def breaches(*events):
    book = invariants.EventBook()
    for number, (kind, body) in enumerate(events, 1):
        book.take(Made(body.pop("sequence", number), kind, **body))
    return book.all_breaches()


def raised(number, kind=1090519107, **body):
    return kind, {"id": number, **body}


def cleared(number):
    return journal.CLEARED, {"id": number}


def all_cleared():
    return journal.ALL_CLEARED, {}


def died(worker, **body):
    return journal.WORKER_FAILED, {"worker": worker, "pid": worker + 100, **body}


def storm(begin):
    return [begin + 100 * i for i in range(5)]


SOUND = {
    "one fault": (raised(6), cleared(6), all_cleared()),
    "an escalation": (raised(6), raised(6, 2164260931), cleared(6), all_cleared()),
    "two faults": (raised(6), raised(5), cleared(6), cleared(5), all_cleared()),
    "deaths": (died(1), died(2), died(3)),
    "the same number in another life": (died(1), (journal.CONNECTOR_STARTED, {}), died(1)),
}
BROKEN = {
    "a fault announced twice": (raised(6), raised(6)),
    "a fault cleared that was not active": (cleared(6),),
    "All Faults Cleared too early": (raised(6), raised(5), cleared(6), all_cleared()),
    "All Faults Cleared missing": (raised(6), cleared(6), raised(5)),
    "All Faults Cleared twice": (raised(6), cleared(6), all_cleared(), all_cleared()),
    "no detail": (raised(6, detail=""),),
    "a hole": (died(1), died(2, sequence=7)),
    "out of order": (died(1, sequence=9), died(2, sequence=8)),
    "a death told twice": (died(1), died(1)),
    "unscannable twice": ((journal.FILE_UNSCANNABLE, {"digest": b"d"}), (journal.FILE_UNSCANNABLE, {"digest": b"d"})),
}
# periods of fault 6, failures, now: with how many breaches
TIMES = {
    "nothing happened": ([], [], MINUTE, 0),
    "four deaths": ([], storm(1000)[:4], MINUTE, 0),
    "a storm and its fault": ([(1400, 4600)], storm(1000), MINUTE, 0),
    "a storm without a fault": ([], storm(1000), MINUTE, 1),
    "a fault without a storm": ([(1400, 4600)], storm(1000)[:3], MINUTE, 1),
    "never cleared": ([(1400, None)], storm(1000), MINUTE, 1),
    "cleared while it goes on": ([(1400, 1500)], storm(1000) + storm(1450), MINUTE, 1),
}


def main():
    report = Report()
    for name, events in SOUND.items():
        report.equal(f"sound: {name}", breaches(*events), [])
    for name, events in BROKEN.items():
        found = breaches(*events)
        report.check(f"seen: {name}", len(found) == 1, found)
    for name, (periods, failures, now, expected) in TIMES.items():
        found = invariants.judge_fault_6(periods, failures, [], now, RULE)
        report.check(f"fault 6: {name}", (len(found) > 0) == (expected > 0), found)
    report.end()


if __name__ == "__main__":
    main()
