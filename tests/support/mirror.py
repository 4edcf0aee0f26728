#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""A mirror of definitions on the loopback that behaves as it is told.

usage: mirror.py DIRECTORY PORT_FILE [CERTIFICATE]

Serves the files of DIRECTORY (whole, or the ranges that are asked for) at a port of the system's choice, which is written to PORT_FILE. A file
NAME.behaviour beside NAME (which need not exist) says how NAME is answered, in one word:

  status:N[:SECONDS]  with that status, an HTML page, and Retry-After
  stall               the header and half of the file, then nothing
  cut                 the header, half of the file, then the end
  short               the same, without having said how long it is
  drip                a byte each tenth of a second
  junk:BYTES          that many bytes more than the file has
  flood:BYTES         the same, also when a range is asked for
  mute                not a word
  headers             lines of a header without end
  redirect:URL        to there; commas in it are colons
  advertise:FILE      a range is answered from that file, the whole from NAME

Speaks TLS when there is a CERTIFICATE (PEM, with its key). Is a proxy too: CONNECT leads to ports of the loopback, or ends as
CONNECT.behaviour says (status only).
Every request is a line on standard output. Ends with its standard input.
"""
import os
import re
import select
import socket
import ssl
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PAGE = b"<html><body>" + b"no definitions here. " * 40 + b"</body></html>\n"


class Mirror(BaseHTTPRequestHandler):
    directory = "."

    def read(self, name):
        try:
            with open(os.path.join(self.directory, name), "rb") as file:
                return file.read()
        except FileNotFoundError:
            return None

    def behaviour(self, name):
        words = (self.read(name + ".behaviour") or b"").decode().strip().split(":")
        return words[0], words[1:]

    def head(self, status, length, **more):
        self.send_response(status)
        if length is not None:
            self.send_header("Content-Length", str(length))
        for key, value in more.items():
            self.send_header(key.replace("_", "-"), value)
        self.send_header("Connection", "close")
        self.end_headers()

    def do_status(self, _, status, seconds=None):
        more = {"Retry_After": seconds} if seconds else {}
        self.head(int(status), len(PAGE), **more)
        self.wfile.write(PAGE)

    def do_stall(self, body):
        self.head(200, len(body))
        self.wfile.write(body[:len(body) // 2])
        self.wfile.flush()
        time.sleep(60)

    def do_cut(self, body):
        self.head(200, len(body))
        self.wfile.write(body[:len(body) // 2])

    def do_short(self, body):
        self.head(200, None)
        self.wfile.write(body[:len(body) // 2])

    def do_drip(self, body):
        self.head(200, len(body))
        for byte in body:
            self.wfile.write(bytes([byte]))
            time.sleep(0.1)

    def do_junk(self, body, count):
        count = int(count)
        self.head(200, len(body) + count)
        self.wfile.write(body)
        block = bytes(1 << 20)
        while count > 0:
            self.wfile.write(block[:min(count, len(block))])
            count -= len(block)

    do_flood = do_junk

    def do_mute(self, _):
        time.sleep(60)

    def do_headers(self, _):
        self.wfile.write(b"HTTP/1.1 200 OK\r\n")
        line = b"X-More: " + b"x" * 8000 + b"\r\n"
        for _ in range(1 << 17):
            self.wfile.write(line * 16)

    def do_redirect(self, _, url):
        self.head(302, 0, Location=url.replace(",", ":"))

    def plain(self, body):
        wanted = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        if not wanted:
            self.head(200, len(body))
        else:
            first, last = int(wanted[1]), min(int(wanted[2]), len(body) - 1)
            total, body = len(body), body[first:last + 1]
            self.head(206, len(body), Content_Range=f"bytes {first}-{last}/{total}")
        self.wfile.write(body)

    def do_GET(self):
        name = os.path.basename(self.path.split("?")[0])
        body, (how, words) = self.read(name), self.behaviour(name)
        has_range = "Range" in self.headers
        print(name, how or "-", "range" if has_range else "whole", flush=True)
        if how == "advertise" and has_range:
            body = self.read(words[0])
        try:
            if how == "status":
                self.do_status(body, *words)
            elif body is None:
                self.do_status(body, "404")
            elif how in ("", "advertise") or (has_range and how not in ("flood", "mute", "headers", "redirect")):
                self.plain(body)
            else:
                getattr(self, "do_" + how)(body, *words)
        except (BrokenPipeError, ConnectionResetError):
            pass

    def do_CONNECT(self):
        host, port = self.path.rsplit(":", 1)
        print("CONNECT", host, self.headers.get("Proxy-Authorization", "-"), flush=True)
        how, words = self.behaviour("CONNECT")
        if how == "status":
            self.do_status(None, *words)
            return
        with socket.create_connection(("127.0.0.1", int(port))) as other:
            self.send_response(200)
            self.end_headers()
            ends = {self.connection: other, other: self.connection}
            while True:
                for end in select.select(list(ends), [], [])[0]:
                    data = end.recv(65536)
                    if not data:
                        self.close_connection = True
                        return
                    ends[end].sendall(data)

    def log_message(self, format, *args):
        pass


def end_with_input(server):
    sys.stdin.read()
    server.shutdown()


def main():
    if len(sys.argv) not in (3, 4):
        print(__doc__, file=sys.stderr)
        return 2
    Mirror.directory = sys.argv[1]
    server = ThreadingHTTPServer(("127.0.0.1", 0), Mirror)
    server.daemon_threads = True
    if len(sys.argv) == 4:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(sys.argv[3])
        server.socket = context.wrap_socket(server.socket, server_side=True)
    with open(sys.argv[2] + ".new", "w", encoding="ascii") as file:
        file.write(str(server.server_address[1]))
    os.rename(sys.argv[2] + ".new", sys.argv[2])
    threading.Thread(target=end_with_input, args=(server,), daemon=True).start()
    server.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main())
