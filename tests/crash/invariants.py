# SPDX-License-Identifier: GPL-2.0-only
"""invariants: what must hold of events and faults, whatever was injected. Reads events in order, says each breach in a sentence.

Owns the rules of spec faults.md as a second pair of eyes: written from the text, not from the code. Must not own the processes.
"""
import journal

SLACK_MS = 400  # between a death, its event, and the daemon's clock
LATE_MS = 3000  # a fault is raised or cleared at the latest so long after its condition holds, on a loaded machine


class FaultBook:
    """Raised and cleared alternate; All Faults Cleared comes exactly when the last one clears."""

    def __init__(self):
        self.active = {}  # id -> severity
        self.raised, self.cleared = {}, {}
        self.periods = []  # [id, from, to or None, detail]
        self.owed = False
        self.breaches = []

    def breach(self, event, text):
        self.breaches.append(f"event {event.sequence}: {text}")

    def take(self, event):
        if self.owed and event.type != journal.ALL_CLEARED:
            # Another event may come between; another fault may not.
            if event.type in journal.RAISED or event.type == journal.CLEARED:
                self.breach(event, "All Faults Cleared did not follow the last Fault Cleared")
                self.owed = False
        if event.type in journal.RAISED:
            self.take_raised(event)
        elif event.type == journal.CLEARED:
            self.take_cleared(event)
        elif event.type == journal.ALL_CLEARED:
            if not self.owed:
                self.breach(event, "All Faults Cleared without a last Fault Cleared")
            self.owed = False

    def take_raised(self, event):
        severity = journal.RAISED[event.type]
        if self.active.get(event.id) == severity:
            self.breach(event, f"fault {event.id} is announced twice")
        if not event.detail:
            self.breach(event, f"fault {event.id} has no detail")
        if event.id not in self.active:
            self.periods.append([event.id, event.utc_ms, None, event.detail])
            self.raised[event.id] = self.raised.get(event.id, 0) + 1
        self.active[event.id] = severity

    def take_cleared(self, event):
        if event.id not in self.active:
            self.breach(event, f"fault {event.id} is cleared and was not active")
            return
        del self.active[event.id]
        self.cleared[event.id] = self.cleared.get(event.id, 0) + 1
        for period in self.periods:
            if period[0] == event.id and period[2] is None:
                period[2] = event.utc_ms
        self.owed = not self.active


class EventBook:
    """Every event once, in order, none missing but those that are counted as lost."""

    def __init__(self):
        self.faults = FaultBook()
        self.last, self.lost = 0, 0
        self.failed_workers, self.unscannable = [], []
        self.workers_seen = set()
        self.starts, self.threats, self.counts = [], 0, {}
        self.breaches = []

    def take(self, event):
        if self.last and event.sequence != self.last + 1:
            self.breaches.append(f"the journal goes from {self.last} to {event.sequence}")
        self.last = event.sequence
        self.counts[event.type] = self.counts.get(event.type, 0) + 1
        if event.type == journal.WORKER_FAILED:
            self.take_failure(event)
        elif event.type == journal.FILE_UNSCANNABLE:
            self.take_unscannable(event)
        elif event.type == journal.LOST:
            self.lost += event.events
        elif event.type in (journal.CONNECTOR_STARTED, journal.CONNECTOR_RESTARTED):
            self.starts.append(event.utc_ms)
        self.faults.take(event)

    def take_failure(self, event):
        # Worker numbers begin again with each daemon: pid and number are those of one life only.
        key = (event.worker, event.pid, len(self.starts))
        if key in self.workers_seen:
            self.breaches.append(f"event {event.sequence}: worker {event.worker} (pid {event.pid}) failed twice")
        self.workers_seen.add(key)
        self.failed_workers.append(event)

    def take_unscannable(self, event):
        if event.digest and (event.digest, event.generation) in [(e.digest, e.generation) for e in self.unscannable]:
            self.breaches.append(f"event {event.sequence}: {event.path!r} became unscannable twice")
        self.unscannable.append(event)

    def all_breaches(self):
        return self.breaches + self.faults.breaches


class Thresholds:
    def __init__(self, limit, window_ms, calm_ms):
        self.limit, self.window_ms, self.calm_ms = limit, window_ms, calm_ms


def count_between(times, begin, end):
    return sum(1 for time in times if begin < time <= end)


def is_calm(times, moment, rule, slack):
    """Does the rule for clearing fault 6 hold at this moment, seen generously?"""
    if not count_between(times, moment - rule.window_ms + slack, moment):
        return True
    return count_between(times, moment - rule.window_ms + slack, moment) < rule.limit and not count_between(
        times, moment - rule.calm_ms + slack, moment)


def judge_fault_6(periods, failures, starts, now, rule):
    """periods: of fault 6 [(from, to or None)]; failures: times; starts: of the daemon. The breaches, in sentences."""
    times, breaches = sorted(failures), []
    for begin, end in periods:
        if count_between(times, begin - rule.window_ms - SLACK_MS, begin + SLACK_MS) < rule.limit:
            breaches.append(f"fault 6 raised at {begin} with fewer than {rule.limit} failures in the window")
        if end is not None and not is_calm(times, end, rule, SLACK_MS):
            breaches.append(f"fault 6 cleared at {end} although failures went on")
        quiet = max([begin] + [t for t in times + starts if t <= (end or now)]) + rule.window_ms + LATE_MS
        if (end or now) > quiet:
            breaches.append(f"fault 6 raised at {begin} was still there at {end or now}, quiet since {quiet - LATE_MS - rule.window_ms}")
    for i in range(rule.limit - 1, len(times)):
        if times[i] - times[i - rule.limit + 1] > rule.window_ms - SLACK_MS:
            continue
        if not any(begin <= times[i] + LATE_MS and (end is None or end >= times[i] - SLACK_MS) for begin, end in periods):
            breaches.append(f"no fault 6 although {rule.limit} failures came within the window at {times[i]}")
    return breaches
