#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""make_canaries: canary.ndb -> canary_data.c, the files that hide the markers of that list.

Deterministic: the same list gives the same bytes. Each file needs another part of the engine (decompression, archives,
mail, OLE, PE, PDF, HTML) before its marker can be seen. The bytes are stored masked, so that a scan of the program that
contains them finds nothing.
"""
import base64
import bz2
import gzip
import io
import lzma
import struct
import sys
import tarfile
import zipfile
import zlib

MASK = 0x5A
SECTOR = 512
FREE, END, FAT = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD


def zipped(name, data):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo(name, (2024, 1, 1, 0, 0, 0)), data, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def tarred(name, data):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        member = tarfile.TarInfo(name)
        member.size = len(data)
        archive.addfile(member, io.BytesIO(data))
    return out.getvalue()


def mailed(name, data):
    body = base64.encodebytes(data).decode("ascii")
    return (
        "From: canary@invalid\nTo: engine@invalid\nSubject: canary\nDate: Mon, 1 Jan 2024 00:00:00 +0000\n"
        'MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="amp"\n\n'
        "--amp\nContent-Type: text/plain\n\nSee the attachment.\n\n"
        f'--amp\nContent-Type: application/octet-stream; name="{name}"\n'
        "Content-Transfer-Encoding: base64\n"
        f'Content-Disposition: attachment; filename="{name}"\n\n{body}\n--amp--\n'
    ).encode("ascii")


def cabinet(name, data):
    """One folder, one MSZIP block."""
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = b"CK" + deflate.compress(data) + deflate.flush()
    entry = struct.pack("<IIHHHH", len(data), 0, 0, 0x5821, 0, 0x20) + name.encode() + b"\0"
    files_at = 36 + 8
    data_at = files_at + len(entry)
    total = data_at + 8 + len(block)
    header = b"MSCF" + struct.pack("<IIIIIBBHHHHH", 0, total, 0, files_at, 0, 3, 1, 1, 1, 0, 0, 0)
    folder = struct.pack("<IHH", data_at, 1, 1)
    return header + folder + entry + struct.pack("<IHH", 0, len(block), len(data)) + block


def ole_entry(name, kind, child, start, size):
    text = name.encode("utf-16-le") + b"\0\0"
    return (
        text.ljust(64, b"\0") + struct.pack("<HBB", len(text), kind, 1)
        + struct.pack("<III", FREE, FREE, child) + b"\0" * 36 + struct.pack("<III", start, size, 0)
    )


def ole(data):
    """A stream whose sectors lie backwards, with the data across the border of two of them: nobody sees it in one
    piece who does not follow the allocation table."""
    n_sectors = 10
    stream = bytearray(b"." * (n_sectors * SECTOR))
    stream[SECTOR - len(data) // 2:SECTOR - len(data) // 2 + len(data)] = data
    first = 2
    order = list(range(first + n_sectors - 1, first - 1, -1))
    fat = [FREE] * 128
    fat[0], fat[1] = FAT, END
    for at, following in zip(order, order[1:] + [END]):
        fat[at] = following
    header = (
        bytes.fromhex("d0cf11e0a1b11ae1") + b"\0" * 16 + struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6) + b"\0" * 6
        + struct.pack("<IIIIIIIII", 0, 1, 1, 0, 4096, END, 0, END, 0) + struct.pack("<I", 0)
        + struct.pack("<I", FREE) * 108
    )
    directory = (
        ole_entry("Root Entry", 5, 1, END, 0) + ole_entry("Contents", 2, FREE, order[0], len(stream)) + b"\0" * 256
    )
    sectors = {at: bytes(stream[i * SECTOR:(i + 1) * SECTOR]) for i, at in enumerate(order)}
    body = b"".join(sectors[at] for at in sorted(sectors))
    return header + struct.pack("<128I", *fat) + directory + body


def pe(code):
    """One section; the signature is anchored at the entry point, which only a reader of the headers knows."""
    dos = b"MZ".ljust(60, b"\0") + struct.pack("<I", 64)
    coff = b"PE\0\0" + struct.pack("<HHIIIHH", 0x14C, 1, 0, 0, 0, 224, 0x102)
    optional = struct.pack("<HBBIIIIII", 0x10B, 6, 0, 512, 0, 0, 0x1040, 0x1000, 0x2000)
    optional += struct.pack("<IIIHHHHHHIIIIHH", 0x400000, 0x1000, 0x200, 4, 0, 0, 0, 4, 0, 0, 0x2000, 0x200, 0, 3, 0)
    optional += struct.pack("<IIIIII", 0x100000, 0x1000, 0x100000, 0x1000, 0, 16) + b"\0" * 128
    section = b".text\0\0\0" + struct.pack("<IIIIIIHHI", 512, 0x1000, 512, 512, 0, 0, 0, 0, 0x60000020)
    return (dos + coff + optional + section).ljust(512, b"\0") + (b"\x90" * 0x40 + code).ljust(512, b"\0")


def pdf(data):
    stream = zlib.compress(data, 9)
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [] /Count 0 >>",
        b"<< /Length %d /Filter /FlateDecode >>\nstream\n" % len(stream) + stream + b"\nendstream",
    ]
    out = b"%PDF-1.4\n"
    offsets = []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n" % number + body + b"\nendobj\n"
    table = len(out)
    out += b"xref\n0 4\n0000000000 65535 f \n" + b"".join(b"%010d 00000 n \n" % at for at in offsets)
    return out + b"trailer\n<< /Size 4 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % table


def html(data):
    """Upper case and spread out: seen only after normalisation."""
    text = data.replace(b"<i data-amp=", b"<I    \n   DATA-AMP =  ")
    return b"<HTML><HEAD><TITLE>canary</TITLE></HEAD><BODY>\n" + text + b'">x</I></BODY></HTML>\n'


MAKERS = {
    "Zip": lambda m: zipped("canary.txt", m),
    "TarGz": lambda m: gzip.compress(tarred("canary.txt", m), 9, mtime=0),
    "Nested": lambda m: zipped("a.tar.gz", gzip.compress(tarred("b.zip", zipped("c.txt", m)), 9, mtime=0)),
    "Mail": lambda m: mailed("canary.txt", m),
    "MailZip": lambda m: mailed("canary.zip", zipped("canary.txt", m)),
    "Cab": lambda m: cabinet("canary.txt", m),
    "Ole": ole,
    "Pe": pe,
    "Pdf": pdf,
    "Html": html,
    "Gzip": lambda m: gzip.compress(m, 9, mtime=0),
    "Xz": lambda m: lzma.compress(m, lzma.FORMAT_XZ),
    "Bzip2": lambda m: bz2.compress(m, 9),
}


def markers(path):
    for line in open(path, encoding="ascii"):
        name, _target, _offset, body = line.strip().split(":", 3)
        yield name, bytes.fromhex(body)


def emit(out, number, data):
    masked = bytes(byte ^ MASK for byte in data)
    out.write(f"static unsigned char bytes_{number}[] = {{")
    for at in range(0, len(masked), 20):
        out.write("\n\t" + ",".join(str(byte) for byte in masked[at:at + 20]) + ",")
    out.write("\n};\n")


def main():
    source, target = sys.argv[1:3]
    rows = []
    with open(target, "w", encoding="ascii") as out:
        out.write("/* Made by make_canaries.py from canary.ndb. */\n")
        out.write('#include "ampscansvc/canary.h"\n\n')
        for number, (name, marker) in enumerate(markers(source)):
            # Padding keeps the deflaters from storing a short text as it is, and it is longer than 5 bytes: the
            # engine calls anything shorter clean.
            maker = MAKERS[name.split(".")[-1]]
            plain = name.split(".")[-1] in ("Ole", "Pe", "Html")
            data = maker(marker if plain else b"canary " * 40 + marker + b" canary" * 40)
            emit(out, number, data)
            rows.append(f'\t{{"{name}", bytes_{number}, sizeof(bytes_{number})}},\n')
            if len(sys.argv) > 3:
                open(f"{sys.argv[3]}/{name}", "wb").write(data)
        out.write(f"\nconst unsigned char canary_mask = {MASK};\n")
        out.write("const struct canary_file canary_files[] = {\n" + "".join(rows) + "};\n")
        out.write("const unsigned canary_n_files = sizeof(canary_files) / sizeof(canary_files[0]);\n")


main()
