#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""compare_verdicts: clamscan's lines against ampcli's JSON lines, file by file.

usage: compare_verdicts.py CLAMSCAN_OUTPUT AMPCLI_OUTPUT

FOUND is INFECTED, with the same name; OK and an empty file are CLEAN; what clamscan finds because it could not look
(limits, encryption) is INCOMPLETE. Status 1, with a line for each difference, when the two do not agree or one of them
speaks of files that the other does not know; also when there is nothing to compare.
"""
import json
import re
import sys

NOT_LOOKED = ("Heuristics.Limits.Exceeded", "Heuristics.Encrypted")


def clamscan_verdict(text):
    """(verdict, name) of what stands behind "PATH: "; None for lines that are no verdict."""
    found = re.fullmatch(r"(\S+) FOUND", text)
    if found:
        name = found.group(1)
        return ("INCOMPLETE", "") if name.startswith(NOT_LOOKED) else ("INFECTED", name)
    if text in ("OK", "Empty file"):
        return "CLEAN", ""
    return ("ERROR", "") if text.endswith("ERROR") else None


def read_clamscan(path):
    verdicts = {}
    with open(path, encoding="utf-8", errors="surrogateescape") as lines:
        for line in lines:
            name, colon, text = line.rstrip("\n").rpartition(": ")
            verdict = clamscan_verdict(text) if colon else None
            if verdict:
                verdicts[name] = verdict
    return verdicts


def read_ampcli(path):
    verdicts = {}
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            if "verdict" in row:
                threats = row.get("threats") or [""]
                verdicts[row["path"]] = (row["verdict"], threats[0] if row["verdict"] == "INFECTED" else "")
    return verdicts


def main():
    theirs, ours = read_clamscan(sys.argv[1]), read_ampcli(sys.argv[2])
    differences = [f"{path}: clamscan {theirs.get(path)}, ampcli {ours.get(path)}"
                   for path in sorted(theirs.keys() | ours.keys()) if theirs.get(path) != ours.get(path)]
    print("\n".join(differences))
    if not theirs:
        print("nothing to compare")
    return 1 if differences or not theirs else 0


if __name__ == "__main__":
    sys.exit(main())
