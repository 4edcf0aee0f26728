#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Containers of definitions for tests, from real ones or from nothing.

  containers.py cld DIRECTORY NAME OUT      what libfreshclam writes after an update by differences: the first line of the list, blanks, a
                                            plain archive of the unpacked members in DIRECTORY
  containers.py cud OUT MEMBER=TEXT...      an unsigned container whose list is right
  containers.py mutate FILE DIRECTORY N SEED ENDING
                                            N damaged copies of FILE, DIRECTORY/mNNN.ENDING, each by one to three random changes
"""
import gzip
import hashlib
import io
import os
import random
import sys
import tarfile

HEADER = 512


def archive(members):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, data in members:
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return out.getvalue()


def read(path):
    with open(path, "rb") as file:
        return file.read()


def write(path, data):
    with open(path, "wb") as file:
        file.write(data)
    os.chmod(path, 0o644)


def cld(directory, name, out):
    first = ["COPYING", name + ".info"]
    rest = sorted(n for n in os.listdir(directory) if n not in first)
    members = [(n, read(os.path.join(directory, n))) for n in first + rest]
    header = members[1][1].split(b"\n", 1)[0].ljust(HEADER)
    write(out, header + archive(members))


def cud(out, *pairs):
    members = [(name, text.encode() + b"\n") for name, text in (pair.split("=", 1) for pair in pairs)]
    body = b"ClamAV-VDB:22 Nov 2026 00-00 +0000:1:%d:80:X:X:synth:1795334074" % len(members)
    lines = [b"%s:%d:%s" % (n.encode(), len(d), hashlib.sha256(d).hexdigest().encode()) for n, d in members]
    info = b"\n".join([body] + lines) + b"\n"
    whole = archive([("COPYING", b"x\n"), ("own.info", info)] + members)
    write(out, body.ljust(HEADER) + gzip.compress(whole))


def change(data, dice):
    """One random change: what disks, networks and people do to files."""
    at, n = dice.randrange(len(data)), dice.choice([1, 2, 16, 100, 512, 1024])
    block = at // 512 * 512
    kind = dice.choice(["flip", "flip", "flip", "zero", "cut", "drop", "drop block", "double block", "swap", "insert", "head"])
    if kind == "flip":
        data[at] ^= 1 << dice.randrange(8)
    elif kind == "zero":
        data[at:at + n] = bytes(len(data[at:at + n]))
    elif kind == "cut":
        del data[dice.choice([at, block]):]
    elif kind == "drop":
        del data[at:at + n]
    elif kind == "drop block":
        del data[block:block + 512 * dice.randrange(1, 4)]
    elif kind == "double block":
        data[block:block] = data[block:block + 512]
    elif kind == "swap":
        other = dice.randrange(len(data)) // 512 * 512
        data[block:block + 512], data[other:other + 512] = data[other:other + 512], data[block:block + 512]
    elif kind == "insert":
        data[at:at] = dice.randbytes(n)
    else:
        data[dice.randrange(min(HEADER, len(data)))] = dice.randrange(256)


def mutate(path, directory, n, seed, ending):
    dice = random.Random(int(seed))
    whole = read(path)
    for number in range(int(n)):
        data = bytearray(whole)
        while data == whole:
            for _ in range(dice.randrange(1, 4)):
                if data:
                    change(data, dice)
        write(os.path.join(directory, "m%03d.%s" % (number, ending)), bytes(data))


if __name__ == "__main__":
    {"cld": cld, "cud": cud, "mutate": mutate}[sys.argv[1]](*sys.argv[2:])
