#!/usr/bin/python3
"""A web server for a folder that misbehaves on command, for tests/system/test-mischief.

    mischief.py FOLDER PORT MODE LOG

The file MODE names what it does with blobs, and is read at each request; metadata is always served well.

    good          as it should be, with ranges
    no-range      the whole file, whatever range is asked for
    other-range   206 for the bytes behind those that were asked for
    bare-range    206 without Content-Range
    short-range   206 for fewer bytes than were asked for
    two-ranges    206 with two Content-Range headers, the second one another
    no-content    204
    nothing       200, and an empty body
    refused       416, whatever is asked for
    old           HTTP/1.0, the whole file up to the end of the connection, no length
    chunked       chunked, so that no length is announced
    long          a Content-Length that is larger than the body
    short         a Content-Length that is smaller than the body
    gzip-range    the part that was asked for, compressed, and said so
    downgrade     redirects to a file
    half          half of what is announced, then the end of the connection
    endless       chunked, without an end
    gzip          compressed, and said so
    loop          redirects to itself
    gone          404, but for the full archive
    lost          410, but for the full archive
    unended       chunked, all of it, but the last chunk; then the end of the connection
    third         500 at every third request
    busy          429 with Retry-After: 1 at every second request
    reset         RST after some 200 to 400 kB

LOG gets a line for each request of a blob: the time, the range, the bytes that were sent.
"""

import http.server
import os
import random
import re
import socket
import struct
import sys
import time
import zlib

FOLDER, PORT, MODE, LOG = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]
counts = {}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def head(self, status, *headers):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, str(value))
        self.end_headers()

    def send(self, body):
        self.sent += len(body)
        self.wfile.write(body)

    def empty(self, status, *headers):
        self.head(status, ("Content-Length", 0), *headers)

    def nth(self, every):
        """Is it the last one of so many requests?"""
        counts[every] = counts.get(every, 0) + 1
        return counts[every] % every == 0

    def part(self, shift=0, size=None):
        first, end = self.range or (0, len(self.content))
        body = self.content[first + shift:end + shift]
        if self.range:
            self.head(206, ("Content-Length", len(body)), ("Content-Range",
                      f"bytes {first + shift}-{first + shift + len(body) - 1}/{len(self.content)}"))
        else:
            self.head(200, ("Content-Length", len(body)))
        self.send(body[:size])
        return size is None or len(body) <= size

    # ---- the modes ----

    def do_good(self):
        self.part()

    def do_no_range(self):
        self.range = None
        self.part()

    def do_other_range(self):
        self.part(shift=1 if self.range else 0)

    def do_bare_range(self):
        if not self.range:
            return self.part()
        first, end = self.range
        self.head(206, ("Content-Length", end - first))
        self.send(self.content[first:end])

    def do_short_range(self):
        if not self.range:
            return self.part()
        self.range = (self.range[0], max(self.range[0] + 1, self.range[1] - 1000))
        self.part()

    def do_two_ranges(self):
        if not self.range:
            return self.part()
        first, end = self.range
        body = self.content[first:end]
        self.head(206, ("Content-Length", len(body)),
                  ("Content-Range", f"bytes {first}-{end - 1}/{len(self.content)}"),
                  ("Content-Range", f"bytes {first + 1}-{end}/{len(self.content)}"))
        self.send(body)

    def do_no_content(self):
        self.head(204)

    def do_nothing(self):
        self.empty(200)

    def do_refused(self):
        self.empty(416, ("Content-Range", f"bytes */{len(self.content)}"))

    def do_old(self):
        self.wfile.write(b"HTTP/1.0 200 OK\r\n\r\n")
        self.send(self.content)
        self.close_connection = True

    def do_unended(self):
        self.head(200, ("Transfer-Encoding", "chunked"))
        for i in range(0, len(self.content), 50000):
            body = self.content[i:i + 50000]
            self.send(b"%x\r\n%s\r\n" % (len(body), body))
        self.close_connection = True

    def do_chunked(self):
        self.do_unended()
        self.send(b"0\r\n\r\n")
        self.close_connection = False

    def lie(self, by):
        first, end = self.range or (0, len(self.content))
        body = self.content[first:end]
        status = 206 if self.range else 200
        ranged = ("Content-Range", f"bytes {first}-{end - 1}/{len(self.content)}")
        self.head(status, ("Content-Length", len(body) + by), *([ranged] if self.range else []))
        self.send(body)
        self.close_connection = True

    def do_long(self):
        self.lie(1000)

    def do_short(self):
        self.lie(-1000)

    def do_gzip_range(self):
        first, end = self.range or (0, len(self.content))
        body = zlib.compress(self.content[first:end], wbits=31)
        self.head(206, ("Content-Length", len(body)), ("Content-Encoding", "gzip"),
                  ("Content-Range", f"bytes {first}-{end - 1}/{len(self.content)}"))
        self.send(body)

    def do_downgrade(self):
        self.empty(301, ("Location", "file:///etc/passwd"))

    def do_half(self):
        first, end = self.range or (0, len(self.content))
        self.close_connection = not self.part(size=(end - first + 1) // 2)

    def do_endless(self):
        self.head(200, ("Transfer-Encoding", "chunked"))
        while True:
            self.send(b"%x\r\n%s\r\n" % (1000, bytes(1000)))

    def do_gzip(self):
        body = zlib.compress(self.content, wbits=31)
        self.head(200, ("Content-Length", len(body)), ("Content-Encoding", "gzip"))
        self.send(body)

    def do_loop(self):
        self.empty(302, ("Location", self.path))

    def do_gone(self, status=404):
        if self.content[:4] == b"\x28\xb5\x2f\xfd" and len(self.content) > 1000000:
            self.part()
        else:
            self.empty(status)

    def do_lost(self):
        self.do_gone(410)

    def do_third(self):
        if self.nth(3):
            self.empty(500)
        else:
            self.part()

    def do_busy(self):
        if self.nth(2):
            self.part()
        else:
            self.empty(429, ("Retry-After", 1))

    def do_reset(self):
        if not self.part(size=random.randint(200000, 400000)):
            self.wfile.flush()
            time.sleep(0.05)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close_connection = True

    def do_GET(self):
        name = os.path.normpath(self.path).lstrip("/")
        try:
            with open(os.path.join(FOLDER, name), "rb") as f:
                self.content = f.read()
        except OSError:
            return self.empty(404)
        m = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        self.range = (int(m[1]), int(m[2]) + 1) if m else None
        self.sent = 0
        if not name.startswith("blobs/"):
            return self.part()
        asked = self.headers.get("Range")
        with open(MODE, encoding="utf-8") as f:
            mode = f.read().strip().replace("-", "_")
        try:
            getattr(self, "do_" + mode)()
        finally:
            with open(LOG, "a", encoding="utf-8") as log:
                log.write(f"{time.monotonic():.3f} {asked} {self.sent}\n")


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *args):
        pass


Server(("127.0.0.1", PORT), Handler).serve_forever()
