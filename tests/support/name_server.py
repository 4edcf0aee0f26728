#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""A name server on the loopback, for a network namespace of its own.

usage: name_server.py READY_FILE NAME=TEXT...

Answers a question for the TXT record of NAME with TEXT ("@" in it is the time in seconds), for any address with 127.0.0.1, and everything else
with "no such name". Every question is a line on standard output. READY_FILE is made when it listens. Runs until it is killed.
"""
import socket
import struct
import sys
import time

A, TXT = 1, 16
NO_SUCH_NAME = 3


def question(packet):
    """Name, type, and where the question ends."""
    labels, at = [], 12
    while packet[at]:
        labels.append(packet[at + 1:at + 1 + packet[at]].decode("ascii", "replace").lower())
        at += 1 + packet[at]
    return ".".join(labels), struct.unpack(">H", packet[at + 1:at + 3])[0], at + 5


def answer(packet, texts):
    name, kind, end = question(packet)
    print(name, kind, flush=True)
    data = b""
    if kind == TXT and name in texts:
        text = texts[name].replace("@", str(int(time.time()))).encode()
        data = bytes([len(text)]) + text
    elif kind == A and name not in texts:
        data = socket.inet_aton("127.0.0.1")
    header = packet[:2] + struct.pack(">HHHHH", 0x8180 | (0 if data else NO_SUCH_NAME), 1, 1 if data else 0, 0, 0)
    record = b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 60, len(data)) + data if data else b""
    return header + packet[12:end] + record


def main():
    texts = dict(word.split("=", 1) for word in sys.argv[2:])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 53))
        with open(sys.argv[1], "w", encoding="ascii"):
            pass
        while True:
            packet, peer = server.recvfrom(4096)
            server.sendto(answer(packet, texts), peer)


if __name__ == "__main__":
    main()
