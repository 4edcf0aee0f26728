#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""definitions: writes a big definition set for measuring, the same one for the same arguments.

The set has the shape of a real one, not its content: mostly file hashes of very many sizes, then hashes of PE sections, then
body signatures in plain, wildcard and logical form, most of them for one kind of file. Its bytes are drawn like machine code
and like text, because libclamav's tries grow and slow down with how alike signatures begin. No signature matches anything by
design; the test files are found by the small signed set that --with adds.

Owns the mix. Must not own how it is loaded (limit.c, the servers under test).
Diagnostics: exit 1 with one line on stderr; a directory that holds the same set already is left alone.
"""
import argparse
import json
import pathlib
import random
import shutil
import sys

FORMAT = 6  # raised with every change of what is written, so that an old directory is not taken for a new one
BATCH = 20000  # lines per write: large enough to be fast, small enough to stay out of the way

FAMILIES = ("Agent", "Generic", "Emotet", "Zbot", "Downloader", "Injector", "Mirai", "Gafgyt", "Dropper", "Qbot", "Ramnit",
            "Swizzor", "Virut", "Expiro", "Dridex", "Ursnif", "Razy", "Kryptik", "Phish", "Bladabindi")
CLASSES = ("Win.Trojan", "Win.Malware", "Win.Dropper", "Unix.Trojan", "Doc.Downloader", "Html.Phishing", "Js.Malware",
           "Win.Worm", "Win.Ransomware", "Pdf.Exploit")

# (ClamAV target type, parts of a thousand): most body signatures of real sets are for PE, some for any file. Of the logical
# ones fewer are for any file: libclamav evaluates each of those for each file, they set the cost of a small one.
TARGETS = ((1, 720), (0, 90), (2, 60), (3, 50), (6, 40), (7, 20), (4, 10), (10, 10))
LOGICAL_TARGETS = ((1, 790), (0, 70), (2, 50), (3, 30), (6, 30), (7, 10), (4, 10), (10, 10))


def weighted_table(weights):
    """256 entries that turn uniform bytes into bytes with these weights (parts of 256)."""
    table = bytearray()
    for value, weight in weights:
        table += bytes([value]) * weight
    while len(table) < 256:
        table.append(len(table))
    return bytes(table[:256])


CODE = weighted_table([(0x00, 34), (0xff, 10), (0x8b, 12), (0x89, 8), (0x48, 7), (0xe8, 6), (0x83, 6), (0x74, 4), (0x75, 4),
                       (0x24, 5), (0x45, 5), (0x50, 4), (0x6a, 4), (0x68, 4), (0xc0, 3), (0x0f, 4), (0xeb, 3), (0x33, 3)])
TEXT = weighted_table([(ord(c), w) for c, w in zip("etaoinshrdlu cmfwypvbgk.-_/=\"'();:,0123456789ETAOINSRHL",
                                                   (16, 12, 11, 10, 10, 10, 9, 8, 8, 7, 6, 5, 14, 5, 5, 4, 4, 4, 4, 3, 3, 4,
                                                    3, 6, 3, 3, 4, 4, 4, 3, 3, 3, 3, 3, 3, 3) + (2,) * 20)])


class Source:
    """Names, sizes and bytes, all from one seed."""

    def __init__(self, seed, kind):
        self.random = random.Random(f"{seed}/{kind}")
        self.serial = self.random.randrange(1000000, 2000000)

    def name(self):
        self.serial += 1
        pick = self.serial * 2654435761 >> 7
        return f"{CLASSES[pick % len(CLASSES)]}.{FAMILIES[(pick >> 8) % len(FAMILIES)]}-{self.serial}-0"

    def size(self):
        """Of a malicious file: spread over the decades from 256 bytes to 16 MB, so that sizes repeat as they do in life."""
        bits = self.random.getrandbits(32)
        top = 8 + bits % 16
        return (1 << top) + (bits >> 8) % (1 << top)

    def body(self, target):
        """A signature's bytes as hex; never a prefix that any ordinary file has in long runs."""
        length = 32 + self.random.getrandbits(8) % 64
        raw = self.random.randbytes(length).translate(TEXT if target in (3, 4, 7) else CODE)
        # Runs of zero at the start would make every sparse file walk deep into the trie; real signatures avoid them too.
        return (raw.lstrip(b"\0 ") + self.random.randbytes(16)).hex()

    def target(self, shares):
        draw = self.random.getrandbits(20) % 1000
        for target, share in shares:
            if draw < share:
                return target
            draw -= share
        return 0


def hash_line(source, digest_bytes, section):
    digest = source.random.randbytes(digest_bytes).hex()
    if section:  # .mdb and .msb have the size first
        return f"{source.size()}:{digest}:{source.name()}\n"
    return f"{digest}:{source.size()}:{source.name()}\n"


def body_line(source):
    target = source.target(TARGETS)
    body = source.body(target)
    kind = source.random.getrandbits(3)
    if kind == 0:  # a short jump over bytes that differ from sample to sample
        body = body[:24] + "{4-16}" + body[24:]
    elif kind == 1:
        body = body[:20] + "????" + body[24:]
    return f"{source.name()}:{target}:*:{body}\n"


def logical_line(source):
    target = source.target(LOGICAL_TARGETS)
    parts = [source.body(target)[:48] for _ in range(2 + source.random.getrandbits(1))]
    logic = "&".join(str(i) for i in range(len(parts)))
    return f"{source.name()};Engine:51-255,Target:{target};{logic};{';'.join(parts)}\n"


KINDS = {
    "hsb": lambda source: hash_line(source, 32, False),
    "hdb": lambda source: hash_line(source, 16, False),
    "mdb": lambda source: hash_line(source, 16, True),
    "ndb": body_line,
    "ldb": logical_line,
}


def write_kind(path, kind, count, seed):
    source = Source(seed, kind)
    line = KINDS[kind]
    with path.open("w", encoding="ascii") as out:
        for start in range(0, count, BATCH):
            out.write("".join(line(source) for _ in range(min(BATCH, count - start))))


def parse_arguments():
    parser = argparse.ArgumentParser(description="write a big definition set")
    parser.add_argument("directory", type=pathlib.Path)
    parser.add_argument("--hsb", type=int, default=1500000, help="SHA-256 hashes of files")
    parser.add_argument("--hdb", type=int, default=940000, help="MD5 hashes of files")
    parser.add_argument("--mdb", type=int, default=940000, help="MD5 hashes of PE sections")
    parser.add_argument("--ndb", type=int, default=600000, help="body signatures")
    parser.add_argument("--ldb", type=int, default=20000, help="logical signatures")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--with", dest="extra", type=pathlib.Path, action="append", default=[],
                        help="a definition file to copy in beside them (test-6.cvd)")
    return parser.parse_args()


def main():
    arguments = parse_arguments()
    counts = {kind: getattr(arguments, kind) for kind in KINDS}
    extra = sorted(path.name for path in arguments.extra)
    made_of = json.dumps({"format": FORMAT, "seed": arguments.seed, "counts": counts, "extra": extra})
    directory = arguments.directory
    stamp = directory.with_name(directory.name + ".made-of")
    if directory.is_dir() and stamp.is_file() and stamp.read_text() == made_of:
        return 0
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    for kind, count in counts.items():
        if count:  # an empty file is not a valid database
            write_kind(directory / f"bench.{kind}", kind, count, arguments.seed)
    for path in arguments.extra:
        shutil.copy(path, directory / path.name)
    stamp.write_text(made_of)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except OSError as error:
        sys.exit(f"definitions: {error}")
