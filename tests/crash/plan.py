# SPDX-License-Identifier: GPL-2.0-only
"""plan: what is injected, in which order, with which numbers. Pure: the same seed and sizes give the same plan, so a failing one replays.

Owns the mixture. Must not own how an injection is done (injections.py) or what must hold afterwards (invariants.py).
"""
import random

# How often each comes in a thousand failures of the long plan; a step of a kind brings that many failures at once.
MIXTURE = (
    # kind, failures in a step, share in a thousand
    ("crash", 20, 480),      # SEGV, ABRT, FPE, EXIT, by budget while they read
    ("signal", 20, 220),     # SEGV, ABRT, KILL, XFSZ, TERM from outside
    ("poison", 10, 100),     # files that fail each worker: two failures each, then unscannable
    ("stop", 2, 24),         # SIGSTOP: only the deadline ends it
    ("mute", 2, 16),         # never answers
    ("memory", 10, 60),      # a read is refused for want of memory
    ("squeeze", 2, 10),      # address space of all workers is limited
    ("slow", 10, 30),        # answers late, but in time
    ("service", 2, 20),      # the service killed
    ("refuse", 2, 8),        # ... and its next births refused
    ("fork", 2, 6),          # ... and the next forks refused
    ("daemon", 2, 10),       # SIGKILL, SIGABRT
    ("restart", 1, 6),       # in place
    ("disk", 1, 2),          # state_dir full
    ("clock", 2, 4),         # forwards, backwards
    ("account", 1, 2),       # user deleted, group deleted, shell changed; put back
    ("mode", 1, 2),          # a directory of the installation made 0777; put back
)

ONCE = [kind for kind, _, _ in MIXTURE]


class Step:
    def __init__(self, number, kind, failures, seed):
        self.number, self.kind, self.failures, self.seed = number, kind, failures, seed

    def __repr__(self):
        return f"{self.number} {self.kind} x {self.failures} seed {self.seed}"


def short(seed):
    """Each kind once, small, in an order of the seed's."""
    chance = random.Random(seed)
    kinds = list(ONCE)
    chance.shuffle(kinds)
    small = {"crash": 8, "signal": 8, "poison": 6, "stop": 1, "mute": 1, "memory": 3, "squeeze": 1, "slow": 3, "service": 1, "refuse": 2,
             "fork": 1, "daemon": 2}
    return [Step(i + 1, kind, small.get(kind, 1), chance.randrange(1 << 30)) for i, kind in enumerate(kinds)]


def long(seed, failures):
    """So many failures in the mixture, shuffled."""
    chance = random.Random(seed)
    rows = []
    for kind, at_once, share in MIXTURE:
        left = max(at_once, round(failures * share / 1000))
        while left > 0:
            rows.append((kind, min(at_once, left)))
            left -= at_once
    chance.shuffle(rows)
    return [Step(i + 1, kind, n, chance.randrange(1 << 30)) for i, (kind, n) in enumerate(rows)]
