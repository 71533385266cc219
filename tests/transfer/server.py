#!/usr/bin/python3
"""A web server that misbehaves on command, for tests/system/test-transfer.

    server.py FILE LOG [--cert PEM --key PEM [--client-ca PEM]]

Serves the bytes of FILE on a port of 127.0.0.1 that it prints first. The first part of a path says how:

    /good            as it should be, with ranges
    /no-range        the whole file, whatever range is asked for
    /other-range     206 for the bytes behind those that were asked for
    /multi-range     206 with multipart/byteranges
    /bare-range      206 without Content-Range
    /half            Content-Length of all, half of the bytes, then the end
    /chunk-abort     chunked, and no last chunk
    /drip            a byte each 0.1 s
    /stall           nothing
    /endless         chunked, without an end
    /endless-header  headers without an end
    /gzip            compressed, and said so
    /loop            redirects to itself
    /to?URL          redirects there
    /status/N        that status
    /third           every third request: 500
    /reset           each answer breaks off with RST after at most 100,000 bytes; with ranges
    /busy            429 with Retry-After: 1 at each odd request
    /later           503 with Retry-After: 3600

LOG gets a line for each request: path, Range, whether credentials and a client certificate came.
"""

import argparse
import http.server
import random
import re
import socket
import ssl
import struct
import threading
import time
import zlib

parser = argparse.ArgumentParser()
parser.add_argument("file")
parser.add_argument("log")
parser.add_argument("--cert")
parser.add_argument("--key")
parser.add_argument("--client-ca")
options = parser.parse_args()
with open(options.file, "rb") as f:
    CONTENT = f.read()
counts = {}
lock = threading.Lock()


def pump(one, other):
    try:
        while data := one.recv(65536):
            other.sendall(data)
        other.shutdown(socket.SHUT_WR)
    except OSError:
        pass


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def count(self, name):
        with lock:
            counts[name] = counts.get(name, 0) + 1
            return counts[name]

    def note(self):
        cert = isinstance(self.connection, ssl.SSLSocket) and self.connection.getpeercert()
        with lock, open(options.log, "a") as log:
            log.write(f"{self.path} range={self.headers.get('Range')} "
                      f"login={'Authorization' in self.headers} cert={bool(cert)}\n")

    def asked(self):
        m = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        return (int(m[1]), int(m[2]) + 1) if m else None

    def head(self, status, *headers):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, str(value))
        self.end_headers()

    def all(self, content=CONTENT, *headers):
        self.head(200, ("Content-Length", len(content)), *headers)
        self.wfile.write(content)

    def part(self, first, end, shift=0):
        body = CONTENT[first + shift:end + shift]
        self.head(206, ("Content-Length", len(body)), ("Content-Range",
                  f"bytes {first + shift}-{end + shift - 1}/{len(CONTENT)}"))
        return body

    def empty(self, status, *headers):
        self.head(status, ("Content-Length", 0), *headers)

    def hang_up(self):
        self.close_connection = True

    def break_off(self):
        self.wfile.flush()
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.hang_up()

    # ---- one for each first part of a path ----

    def do_good(self):
        asked = self.asked()
        if asked:
            self.wfile.write(self.part(*asked))
        else:
            self.all()

    def do_no_range(self):
        self.all()

    def do_other_range(self):
        self.wfile.write(self.part(*self.asked(), shift=1))

    def do_multi_range(self):
        first, end = self.asked()
        body = b"--x\r\nContent-Range: bytes %d-%d/%d\r\n\r\n%s\r\n--x--\r\n" % (
            first, end - 1, len(CONTENT), CONTENT[first:end])
        self.head(206, ("Content-Type", "multipart/byteranges; boundary=x"),
                  ("Content-Length", len(body)))
        self.wfile.write(body)

    def do_bare_range(self):
        first, end = self.asked()
        self.head(206, ("Content-Length", end - first))
        self.wfile.write(CONTENT[first:end])

    def do_half(self):
        self.head(200, ("Content-Length", len(CONTENT)))
        self.wfile.write(CONTENT[:len(CONTENT) // 2])
        self.hang_up()

    def chunks(self, n):
        self.head(200, ("Transfer-Encoding", "chunked"))
        while n != 0:
            self.wfile.write(b"%x\r\n%s\r\n" % (1000, CONTENT[:1000]))
            n -= 1

    def do_chunk_abort(self):
        self.chunks(5)
        self.hang_up()

    def do_endless(self):
        self.chunks(-1)

    def do_drip(self):
        self.head(200, ("Content-Length", len(CONTENT)))
        for i in range(600):
            self.wfile.write(CONTENT[i:i + 1])
            self.wfile.flush()
            time.sleep(0.1)

    def do_stall(self):
        time.sleep(60)

    def do_endless_header(self):
        self.wfile.write(b"HTTP/1.1 200 OK\r\n")
        while True:
            self.wfile.write(b"X-More: and more\r\n" * 100)

    def do_gzip(self):
        self.all(zlib.compress(CONTENT, wbits=31), ("Content-Encoding", "gzip"))

    def do_loop(self):
        self.empty(302, ("Location", self.path))

    def do_to(self):
        self.empty(307, ("Location", self.path.split("?", 1)[1]))

    def do_status(self):
        body = b"<html>sorry</html>"
        self.head(int(self.path.split("/")[2]), ("Content-Length", len(body)))
        self.wfile.write(body)

    def do_third(self):
        if self.count("third") % 3 == 0:
            self.empty(500)
        else:
            self.do_good()

    def do_reset(self):
        first, end = self.asked() or (0, len(CONTENT))
        size = random.randint(70000, 100000)
        if self.asked():
            body = self.part(first, end)
        else:
            body = CONTENT
            self.head(200, ("Content-Length", len(body)))
        self.wfile.write(body[:size])
        self.wfile.flush()
        time.sleep(0.05)
        if size < len(body):
            self.break_off()

    def do_busy(self):
        if self.count("busy") % 2 == 1:
            self.empty(429, ("Retry-After", 1))
        else:
            self.do_good()

    def do_later(self):
        self.empty(503, ("Retry-After", 3600))

    def do_CONNECT(self):
        """A tunnel to a port of this machine, for what asks for localhost."""
        self.note()
        self.hang_up()
        host, port = self.path.split(":")
        if host != "localhost":
            return self.empty(407 if "login" in self.path else 403)
        self.send_response(200)
        self.end_headers()
        with socket.create_connection(("127.0.0.1", int(port))) as there:
            back = threading.Thread(target=pump, args=(there, self.connection), daemon=True)
            back.start()
            pump(self.connection, there)
            back.join()

    def do_GET(self):
        self.note()
        path = re.sub(r"^http://[^/]*", "", self.path)  # as a proxy is asked
        name = re.match(r"/([a-z-]*)", path)[1].replace("-", "_")
        getattr(self, "do_" + name, lambda: self.empty(404))()


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *args):
        pass


server = Server(("127.0.0.1", 0), Handler)
if options.cert:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(options.cert, options.key)
    if options.client_ca:
        context.load_verify_locations(options.client_ca)
        context.verify_mode = ssl.CERT_OPTIONAL
    server.socket = context.wrap_socket(server.socket, server_side=True,
                                        do_handshake_on_connect=False)
print(server.server_address[1], flush=True)
server.serve_forever()
