#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""hostile_bundles: bundles of definitions that no export wrote, one file each, and the two that must be taken.

Usage: hostile_bundles.py DIRECTORY
Prints a line NAME<TAB>REGEX for each: what ampcli is to say of NAME.amp-definitions.tar; an empty REGEX: it is taken.
"""
import gzip
import hashlib
import os
import sys

BLOCK = 512
TEXT = "no plain file"
SET = "not those of its manifest"


def digits(number, width):
    return b"%0*o\0" % (width - 1, number)


def header(name, size, kind=b"0", link=b"", magic=b"ustar\x0000", size_field=None, prefix=b""):
    name = name.encode() if isinstance(name, str) else name
    block = bytearray(BLOCK)

    def put(at, piece):
        block[at:at + len(piece)] = piece
    put(0, name[:100])
    put(100, digits(0o644, 8))
    put(108, digits(0, 8))
    put(116, digits(0, 8))
    put(124, size_field or digits(size, 12))
    put(136, digits(0, 12))
    put(148, b" " * 8)
    put(156, kind)
    put(157, link[:100])
    put(257, magic)
    put(329, digits(0, 8))
    put(337, digits(0, 8))
    put(345, prefix)
    put(148, b"%06o\0 " % sum(block))
    return bytes(block)


def padded(content):
    return content + b"\0" * (-len(content) % BLOCK)


def entry(name, content, **more):
    return header(name, len(content), **more) + padded(content)


END = b"\0" * (2 * BLOCK)
FILES = {"daily.cvd": b"daily " * 300, "main.cvd": b"main " * 300, "main.cvd.sign": b"held"}


def manifest(files, sizes=None, digests=None):
    lines = b""
    for name, content in files.items():
        lines += b"%s %d %s\n" % (
            (digests or {}).get(name, hashlib.sha256(content).hexdigest()).encode(),
            (sizes or {}).get(name, len(content)), name.encode())
    return lines


def bundle(files=None, order=None, text=None, tail=END):
    files = FILES if files is None else files
    text = manifest(files) if text is None else text
    return entry("manifest", text) + b"".join(entry(n, files[n]) for n in order or files) + tail


def one(name, **more):
    """A set of one file, whose header is not the ordinary one."""
    content = b"x" * 700
    return entry("manifest", manifest({"main.cvd": content})) + entry(name, content, **more) + END


def pax(records):
    body = b""
    for key, value in records:
        rest = b" %s=%s\n" % (key, value)
        n = len(rest) + 1
        while len(b"%d" % n) + len(rest) != n:
            n += 1
        body += b"%d%s" % (n, rest)
    return body


def between(special, name="main.cvd"):
    """A set of one file with something in front of its header."""
    content = b"x" * 700
    return entry("manifest", manifest({"main.cvd": content})) + special + entry(name, content) + END


def make():
    first = entry("manifest", manifest(FILES))
    whole = bundle()
    zeros = b"\0" * 4096
    yield "good", "", whole
    yield "good-without-end", "", whole[:-2 * BLOCK]

    yield "empty", "no bundle", b""
    yield "text", "no bundle", b"these are no definitions\n" * 100
    yield "gzip", "no bundle", gzip.compress(whole)
    yield "zeros", "no bundle|begin with a manifest", zeros
    yield "end-only", "no bundle|begin with a manifest", END
    yield "manifest-not-first", "begin with a manifest", entry("main.cvd", b"x") + whole
    yield "manifest-only", "promises more", first + END
    yield "manifest-empty", "manifest is damaged", entry("manifest", b"") + END
    yield "manifest-no-text", "manifest is damaged", entry("manifest", b"\xff" * 700) + END
    yield "manifest-long", "manifest is damaged", entry("manifest", b"a" * 4_000_000) + END
    yield "manifest-cut", "manifest is damaged|cut", (entry("manifest", manifest(FILES)))[:BLOCK + 40]
    yield "manifest-twice", SET, first + first + whole[len(first):]
    yield "manifest-other-order", "manifest is damaged", bundle(
        text=b"".join(reversed(manifest(FILES).splitlines(True))))
    yield "manifest-doubled-line", "manifest is damaged", bundle(text=manifest(FILES) * 2)
    yield "manifest-64-bits", "manifest is damaged|promises more", bundle(
        text=manifest(FILES, sizes={n: 2 ** 63 for n in FILES}))

    yield "other-order", SET, bundle(order=["main.cvd", "daily.cvd", "main.cvd.sign"])
    yield "doubled", SET, bundle(order=["daily.cvd", "daily.cvd", "main.cvd", "main.cvd.sign"])
    yield "doubled-last", SET, bundle(order=list(FILES) + ["main.cvd.sign"])
    yield "missing", "missing", bundle(order=["daily.cvd", "main.cvd"])
    yield "one-more", SET, bundle(tail=entry("evil.cvd", b"x") + END)
    yield "digest", "not the one of its manifest", bundle(
        text=manifest(FILES, digests={"main.cvd": "0" * 64}))
    yield "size-less", SET, bundle(text=manifest(FILES, sizes={"main.cvd": 1499}))
    yield "size-more", SET, bundle(text=manifest(FILES, sizes={"main.cvd": 1501}))
    yield "huge-promise", "promises more", bundle(text=manifest(FILES, sizes={"main.cvd": 1 << 40}))
    yield "huge-header", "promises more", entry(
        "manifest", manifest({"main.cvd": b""}, sizes={"main.cvd": 0o77777777777})) + header(
            "main.cvd", 0o77777777777) + zeros
    yield "negative-size", TEXT + "|no bundle|" + SET, entry("manifest", manifest({"main.cvd": b""})) + header(
        "main.cvd", 0, size_field=b"\xff" * 12) + END
    for cut in (100, BLOCK + 100, len(first) + 100, len(first) + BLOCK + 100, len(whole) - 2 * BLOCK - 300):
        yield "truncated-%d" % cut, "no bundle|damaged|missing|cut|promises more", whole[:cut]
    yield "checksum", "no bundle", whole[:len(first)] + b"X" + whole[len(first) + 1:]

    for kind in ("evil.ndb", "weak.ign2", "custom/evil.ndb", "custom/main.cvd", "noending"):
        files = {kind: b"Evil:0:*:414243\n"}
        yield "unsigned-" + kind.replace("/", "-"), "not signed", bundle(files)
    for n, name in enumerate(("/etc/passwd.cvd", "../main.cvd", "a/../../main.cvd", "./main.cvd", "dir/main.cvd",
                              "..", ".hidden.cvd", "manifest", "a\nb.cvd", "a\033[31m.cvd", "a b.cvd", "x" * 70 + ".cvd")):
        yield "name-%d" % n, "manifest is damaged|" + SET, bundle({name: b"x"})
        yield "header-name-%d" % n, SET, one(name)
    yield "prefix", SET, one("main.cvd", prefix=b"custom")

    yield "symlink", TEXT, one("main.cvd", kind=b"2", link=b"/etc/passwd")
    yield "hard-link", TEXT, one("main.cvd", kind=b"1", link=b"/etc/shadow")
    yield "hard-link-to-manifest", TEXT, one("main.cvd", kind=b"1", link=b"manifest")
    for kind in b"34567":
        if kind != ord("7"):
            yield "kind-%c" % kind, TEXT, one("main.cvd", kind=b"%c" % kind)
    yield "manifest-symlink", TEXT, header("manifest", 0, kind=b"2", link=b"/etc/passwd") + whole[len(first):]

    yield "pax-path", TEXT, between(entry("PaxHeaders/x", pax([(b"path", b"main.cvd")]), kind=b"x"), "evil")
    yield "pax-path-out", TEXT, between(entry("PaxHeaders/x", pax([(b"path", b"../../etc/x")]), kind=b"x"))
    yield "pax-size", TEXT, between(entry("PaxHeaders/x", pax([(b"size", b"99999999999")]), kind=b"x"))
    yield "pax-sparse", TEXT + "|no bundle", between(entry("PaxHeaders/x", pax(
        [(b"GNU.sparse.major", b"1"), (b"GNU.sparse.minor", b"0"), (b"GNU.sparse.name", b"main.cvd"),
         (b"GNU.sparse.realsize", b"1099511627776")]), kind=b"x"))
    yield "pax-global", TEXT, entry("g", pax([(b"path", b"main.cvd")]), kind=b"g") + whole
    yield "pax-harmless", TEXT, between(entry("PaxHeaders/x", pax([(b"comment", b"hello")]), kind=b"x"))
    yield "pax-long", TEXT + "|no bundle", between(entry("PaxHeaders/x", pax([(b"comment", b"A" * 8_000_000)]), kind=b"x"))
    yield "pax-many", TEXT + "|no bundle", between(entry("PaxHeaders/x", pax([(b"comment", b"x")]), kind=b"x") * 3000)
    yield "gnu-long-name", TEXT, between(entry("././@LongLink", b"main.cvd\0", kind=b"L"), "evil")
    yield "gnu-long-link", TEXT, between(entry("././@LongLink", b"/etc/passwd\0", kind=b"K"))
    yield "gnu-long-huge", TEXT + "|no bundle", between(header("././@LongLink", 1 << 33, kind=b"L"))
    yield "gnu-volume", TEXT, between(header("volume", 0, kind=b"V"))
    yield "gnu-format", TEXT, one("main.cvd", magic=b"ustar  \0")
    yield "gnu-sparse", TEXT + "|no bundle", one("main.cvd", kind=b"S", magic=b"ustar  \0")
    yield "old-format", TEXT, one("main.cvd", magic=b"\0" * 8)


def main():
    place = sys.argv[1]
    for name, regex, content in make():
        with open(os.path.join(place, name + ".amp-definitions.tar"), "wb") as f:
            f.write(content)
        print(name, regex, sep="\t")
    # A file of zeros that takes no room, whose manifest promises them.
    size, sha = 3 << 30, hashlib.sha256(b"").hexdigest()
    with open(os.path.join(place, "holes.amp-definitions.tar"), "wb") as f:
        f.write(entry("manifest", b"%s %d main.cvd\n" % (sha.encode(), size)) + header("main.cvd", size))
        f.truncate(f.tell() + size + 2 * BLOCK)
    print("holes", "cannot be unpacked", sep="\t")


main()
