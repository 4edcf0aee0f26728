#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""corpora: writes the three sets of files that throughput is measured with, and a list of each.

  small      20,000 files of 100 B to 32 KB: text, HTML, JSON, scripts, images, zip, gzip, beginnings of ELF files
  binaries   300 MB copied from /usr/bin and /usr/lib
  testfiles  Debian's clamav-testfiles, 20 times over

The same arguments on the same machine give the same files. Written text is drawn from a seed; images, binaries and scripts are
the system's own, taken in sorted order. Every file is a file of its own (no links), so that no inode is scanned twice.

Owns DIRECTORY/{small,binaries,testfiles}/ and DIRECTORY/*.list. Diagnostics: exit 1 with one line on stderr.
"""
import argparse
import gzip
import io
import json
import pathlib
import random
import shutil
import sys
import zipfile

FORMAT = 2
SMALL_LOW, SMALL_HIGH = 100, 32 * 1024
PER_DIRECTORY = 500
BINARY_LARGEST = 24 << 20  # one giant library must not be a tenth of the corpus
TESTFILES = pathlib.Path("/usr/share/clamav-testfiles")
SYLLABLES = ("ra", "ne", "to", "li", "ka", "mo", "se", "du", "vi", "pa", "ster", "ing", "on", "er", "al", "th", "qu", "is")


def words(source, count):
    return " ".join("".join(source.choices(SYLLABLES, k=1 + source.getrandbits(2))) for _ in range(count))


def text_of(source, size):
    lines = []
    while size > 0:
        lines.append(words(source, 4 + source.getrandbits(3)))
        size -= len(lines[-1]) + 1
    return "\n".join(lines) + "\n"


def html_of(source, size):
    body = "".join(f'<p class="{words(source, 1)}"><a href="/{words(source, 1)}">{line}</a></p>\n'
                   for line in text_of(source, size // 2).splitlines())
    return f"<!DOCTYPE html>\n<html><head><title>{words(source, 3)}</title></head>\n<body>\n{body}</body></html>\n"


def json_of(source, size):
    rows = [{"id": source.getrandbits(32), "name": line, "ok": bool(source.getrandbits(1))}
            for line in text_of(source, size // 2).splitlines()]
    return json.dumps(rows, indent=1)


def zip_of(source, size):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(1 + source.getrandbits(2)):
            # A fixed time: the archive must come out the same tomorrow.
            member = zipfile.ZipInfo(f"{words(source, 1)}-{number}.txt", (2020, 1, 1, 0, 0, 0))
            member.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(member, text_of(source, size))
    return out.getvalue()


def gzip_of(source, size):
    return gzip.compress(text_of(source, size * 2).encode(), mtime=0)


class System:
    """Files of this machine, in sorted order, handed out one after the other."""

    def __init__(self):
        self.kinds = {
            "png": self.find("/usr/share", "*.png"),
            "script": self.find("/usr/share", "*.pl") + self.find("/usr/lib/python3", "*.py"),
            "elf": self.find("/usr/bin", "*"),
        }
        self.at = dict.fromkeys(self.kinds, 0)

    @staticmethod
    def find(root, pattern):
        return sorted(path for path in pathlib.Path(root).rglob(pattern)
                      if path.is_file() and not path.is_symlink() and path.stat().st_size >= SMALL_LOW)

    def next(self, kind, size):
        """The next file of that kind, cut to `size` if it is an ELF file, whole if it fits, else None."""
        files = self.kinds[kind]
        if not files:
            return None
        path = files[self.at[kind] % len(files)]
        self.at[kind] += 1
        data = path.read_bytes()
        if kind == "elf":
            return data[:size] if data.startswith(b"\x7fELF") else None
        return data if len(data) <= SMALL_HIGH else None


# kind -> parts of a hundred
MIX = (("text", 22), ("html", 16), ("json", 14), ("script", 18), ("png", 12), ("zip", 6), ("gzip", 4), ("elf", 8))
GENERATORS = {"text": text_of, "html": html_of, "json": json_of, "zip": zip_of, "gzip": gzip_of}


def small_file(source, system, serial):
    kind = source.choices([kind for kind, _ in MIX], [share for _, share in MIX])[0]
    size = int(SMALL_LOW * (SMALL_HIGH / SMALL_LOW) ** source.random())
    if kind in GENERATORS:
        made = GENERATORS[kind](source, size if kind not in ("zip", "gzip") else size // 2)
    else:
        # Used more than once, a system file must not be the same file: a trailing line tells the copies apart.
        made = system.next(kind, size)
        made = made + f"\n#{serial}\n".encode() if made is not None else text_of(source, size)
    return kind, (made.encode() if isinstance(made, str) else made)


def make_small(directory, count, seed):
    source, system = random.Random(seed), System()
    for serial in range(count):
        kind, data = small_file(source, system, serial)
        folder = directory / f"{serial // PER_DIRECTORY:03d}"
        folder.mkdir(exist_ok=True)
        (folder / f"{serial:05d}.{kind}").write_bytes(data)


def make_binaries(directory, megabytes):
    left = megabytes << 20
    found = sorted(path for root in ("/usr/bin", "/usr/lib") for path in pathlib.Path(root).rglob("*")
                   if path.is_file() and not path.is_symlink())
    random.Random(megabytes).shuffle(found)  # else: one corner of the alphabet
    for serial, path in enumerate(found):
        size = path.stat().st_size
        if not 4096 <= size <= min(BINARY_LARGEST, left):
            continue
        with path.open("rb") as file:
            if file.read(4) != b"\x7fELF":
                continue
        shutil.copyfile(path, directory / f"{serial:06d}-{path.name}")
        left -= size
        if left < 1 << 20:
            break


def make_testfiles(directory, times):
    found = sorted(path for path in TESTFILES.iterdir() if path.is_file())
    if not found:
        raise OSError(f"no files in {TESTFILES}")
    for number in range(times):
        folder = directory / f"{number:03d}"
        folder.mkdir()
        for path in found:
            shutil.copyfile(path, folder / path.name)


def write_list(directory):
    """In an order that does not put all large or all slow files at the end, where they would measure the tail only."""
    files = sorted(str(path) for path in directory.rglob("*") if path.is_file())
    random.Random(len(files)).shuffle(files)
    directory.with_suffix(".list").write_text("".join(path + "\n" for path in files))


def main():
    parser = argparse.ArgumentParser(description="write the corpora of the benchmark")
    parser.add_argument("directory", type=pathlib.Path)
    parser.add_argument("--small", type=int, default=20000, help="files")
    parser.add_argument("--binaries", type=int, default=300, help="megabytes")
    parser.add_argument("--testfiles", type=int, default=20, help="copies of the set")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    wanted = {"small": lambda path: make_small(path, arguments.small, arguments.seed),
              "binaries": lambda path: make_binaries(path, arguments.binaries),
              "testfiles": lambda path: make_testfiles(path, arguments.testfiles)}
    for name, make in wanted.items():
        directory = (arguments.directory / name).resolve()
        stamp = directory.with_suffix(".made-of")
        made_of = f"{FORMAT} {getattr(arguments, name)} {arguments.seed}"
        if stamp.is_file() and stamp.read_text() == made_of:
            continue
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir(parents=True)
        make(directory)
        write_list(directory)
        stamp.write_text(made_of)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except OSError as error:
        sys.exit(f"corpora: {error}")
