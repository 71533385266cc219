"""A TUF repository to be played with: keys, signed metadata, a web server, and the client that is tried.

Nothing here is checked: a test says what is published, be it right or wrong.
"""

import copy
import hashlib
import http.server
import json
import os
import shutil
import subprocess
import tempfile
import threading
import time
import urllib.parse

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

TOP = ("root", "timestamp", "snapshot", "targets")
DAY = 86400


def canonical(value):
    """OLPC canonical JSON, written a second time, so that the product's is not its own witness."""
    if isinstance(value, dict):
        return "{" + ",".join(canonical(k) + ":" + canonical(value[k]) for k in sorted(value)) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(canonical, value)) + "]"
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if value is None or isinstance(value, (bool, int)):
        return {True: "true", False: "false", None: "null"}.get(value, str(value)) \
            if value is None or isinstance(value, bool) else str(value)
    raise TypeError(value)


class Key:
    """A key pair; `keytype` may be ed25519, ecdsa, rsa, and two old ways of writing ecdsa."""

    rsa_pool = []

    def __init__(self, keytype="ed25519", **more):
        self.kind = keytype
        scheme = {"ed25519": "ed25519", "rsa": "rsassa-pss-sha256"}.get(
            keytype, "ecdsa-sha2-nistp256")
        if keytype == "ed25519":
            self.private = ed25519.Ed25519PrivateKey.generate()
        elif keytype == "rsa":
            self.private = rsa.generate_private_key(65537, more.pop("bits", 2048))
        else:
            self.private = ec.generate_private_key(ec.SECP256R1())
        self.public = {"keytype": "ecdsa" if keytype == "ecdsa-hex" else keytype,
                       "scheme": scheme, "keyval": {"public": self.public_text()}, **more}
        self.keyid = hashlib.sha256(canonical(self.public).encode()).hexdigest()

    def public_text(self):
        public = self.private.public_key()
        if self.kind == "ed25519":
            return public.public_bytes(serialization.Encoding.Raw,
                                       serialization.PublicFormat.Raw).hex()
        if self.kind == "ecdsa-hex":
            return public.public_bytes(serialization.Encoding.X962,
                                       serialization.PublicFormat.UncompressedPoint).hex()
        return public.public_bytes(serialization.Encoding.PEM,
                                   serialization.PublicFormat.SubjectPublicKeyInfo).decode()

    def sign(self, data):
        if self.kind == "ed25519":
            return self.private.sign(data).hex()
        if self.kind == "rsa":
            pss = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.MAX_LENGTH)
            return self.private.sign(data, pss, hashes.SHA256()).hex()
        return self.private.sign(data, ec.ECDSA(hashes.SHA256())).hex()

    def signature(self, body):
        return {"keyid": self.keyid, "sig": self.sign(canonical(body).encode())}


def date(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


class Repository:
    """Four roles of one key each, all published in version 1."""

    def __init__(self, now=None):
        self.now = now or int(time.time())
        self.bodies = {}     # role -> its "signed" as it will be published next
        self.signers = {}    # role -> keys that sign it
        self.served = {}     # name below metadata/ -> bytes
        self.targets = {}    # name below targets/ -> bytes
        self.status = {}     # name below metadata/ -> an HTTP status instead
        self.requests = []   # names below metadata/
        self.target_requests = []
        self.with_hashes = False
        for role in TOP:
            self.bodies[role] = self.header(role)
        self.bodies["root"].update(consistent_snapshot=True, keys={}, roles={})
        self.bodies["timestamp"]["meta"] = {"snapshot.json": {"version": 1}}
        self.bodies["snapshot"]["meta"] = {"targets.json": {"version": 1}}
        self.bodies["targets"]["targets"] = {}
        for role in TOP:
            self.bodies["root"]["roles"][role] = {"keyids": [], "threshold": 1}
            self.add_key(role)
        self.publish("targets", "snapshot", "timestamp", "root", bump=False)
        self.initial_root = self.served["1.root.json"]

    def header(self, kind, version=1, days=30):
        return {"_type": kind, "spec_version": "1.0.31", "version": version,
                "expires": date(self.now + days * DAY)}

    def expires(self, role, days):
        self.bodies[role]["expires"] = date(self.now + days * DAY)

    # ---- keys ----

    def add_key(self, role, key=None, sign=True):
        key = key or Key()
        self.bodies["root"]["keys"][key.keyid] = key.public
        self.bodies["root"]["roles"][role]["keyids"].append(key.keyid)
        if sign:
            self.signers.setdefault(role, []).append(key)
        return key

    def rotate(self, role):
        self.bodies["root"]["roles"][role]["keyids"].clear()
        self.signers[role].clear()
        return self.add_key(role)

    # ---- publishing ----

    def sign(self, role):
        body = copy.deepcopy(self.bodies[role])
        return {"signatures": [k.signature(body) for k in self.signers[role]], "signed": body}

    def publish(self, *roles, bump=True):
        """Signs and serves these in this order; snapshot and timestamp learn of what is under them."""
        for role in roles:
            body = self.bodies[role]
            if bump:
                body["version"] += 1
            self.serve(role, self.sign(role))

    def serve(self, role, envelope, version=None):
        data = envelope if isinstance(envelope, bytes) else json.dumps(envelope, indent=1).encode()
        version = version or self.bodies[role]["version"]
        name = urllib.parse.quote(role, safe="") + ".json"
        if role == "root" or (role != "timestamp" and self.bodies["root"]["consistent_snapshot"]):
            name = f"{version}.{name}"
        self.served[name] = data
        meta = {"version": self.bodies[role]["version"]}
        if self.with_hashes:
            meta.update(length=len(data), hashes={"sha256": hashlib.sha256(data).hexdigest(),
                                                  "sha512": hashlib.sha512(data).hexdigest()})
        if role == "snapshot":
            self.bodies["timestamp"]["meta"]["snapshot.json"] = meta
        elif role not in ("root", "timestamp"):
            self.bodies["snapshot"]["meta"][f"{role}.json"] = meta
        return data

    def publish_all(self):
        self.publish("targets", "snapshot", "timestamp")

    # ---- targets and delegations ----

    def add_target(self, role, path, data, kinds=("sha256",), **more):
        digests = {k: hashlib.new(k, data).hexdigest() for k in kinds}
        self.bodies[role]["targets"][path] = {"length": len(data), "hashes": digests, **more}
        folder, _, base = path.rpartition("/")
        for digest in digests.values():
            quoted = urllib.parse.quote(f"{folder}/{digest}.{base}" if folder else
                                        f"{digest}.{base}", safe="/")
            self.targets[quoted] = data
        self.targets[urllib.parse.quote(path, safe="/")] = data

    def delegate(self, parent, role, paths=("*",), terminating=False, key=None, **more):
        delegations = self.bodies[parent].setdefault("delegations", {"keys": {}, "roles": []})
        if role not in self.bodies:
            self.bodies[role] = self.header("targets", version=0)
            self.bodies[role]["targets"] = {}
        key = key or Key()
        delegations["keys"][key.keyid] = key.public
        entry = {"name": role, "keyids": [key.keyid], "threshold": 1, "terminating": terminating}
        if paths is not None:
            entry["paths"] = list(paths)
        entry.update(more)
        delegations["roles"].append(entry)
        self.signers.setdefault(role, []).append(key)
        return entry


class Server(http.server.ThreadingHTTPServer):
    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.repo = None
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, request, client_address):
        """A client that has heard enough hangs up."""

    def url(self, part):
        return f"http://127.0.0.1:{self.server_address[1]}/repo/{part}/"


class Handler(http.server.BaseHTTPRequestHandler):
    wbufsize = 1 << 16  # one packet for header and body: two wait for each other

    def do_GET(self):  # pylint: disable=invalid-name
        repo = self.server.repo
        kind, _, name = self.path.removeprefix("/repo/").partition("/")
        (repo.requests if kind == "metadata" else repo.target_requests).append(name)
        data = (repo.served if kind == "metadata" else repo.targets).get(name)
        status = repo.status.get(name, 404 if data is None else 200)
        if callable(data):
            self.send_response(200)
            self.end_headers()
            try:
                data(self.wfile)
            except OSError:
                pass
            return
        data = data if status == 200 else b"no"
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format, *args):  # pylint: disable=redefined-builtin
        pass


class Client:
    """The program under test, with a store and a folder for targets of its own."""

    program = None

    def __init__(self, server, repo):
        self.server, self.repo = server, repo
        server.repo = repo
        memory = "/dev/shm"  # the client syncs what it stores; that is not what is tried here
        self.folder = tempfile.mkdtemp(prefix="tuf-", dir=memory if os.path.isdir(memory) else None)
        self.store = os.path.join(self.folder, "metadata")
        self.downloads = os.path.join(self.folder, "targets")
        os.mkdir(self.store)
        os.mkdir(self.downloads)
        self.said = ""
        self.prefix = []

    def close(self):
        shutil.rmtree(self.folder)

    def run(self, *arguments):
        done = subprocess.run([*self.prefix, self.program, *arguments], stderr=subprocess.PIPE,
                              stdout=subprocess.PIPE, check=False, timeout=60)
        self.said = done.stderr.decode()
        return done.returncode

    def init(self, root=None):
        path = os.path.join(self.folder, "root.json")
        with open(path, "wb") as f:
            f.write(self.repo.initial_root if root is None else root)
        return self.run("--metadata-dir", self.store, "init", path)

    def refresh(self, days=0, *more):
        self.repo.requests.clear()
        return self.run("--metadata-dir", self.store, "--metadata-url", self.server.url("metadata"),
                        "--now", str(self.repo.now + int(days * DAY)), *more, "refresh")

    def download(self, *paths, days=0):
        self.repo.requests.clear()
        self.repo.target_requests.clear()
        names = [word for path in paths for word in ("--target-name", path)]
        return self.run("--metadata-dir", self.store, "--metadata-url", self.server.url("metadata"),
                        *names, "--target-dir", self.downloads, "--target-base-url",
                        self.server.url("targets"), "--now", str(self.repo.now + int(days * DAY)),
                        "download")

    def stored(self):
        """What is trusted: a version for each role."""
        versions = {}
        for name in sorted(os.listdir(self.store)):
            role = urllib.parse.unquote(name.removesuffix(".json"))
            versions[role] = json.loads(self.bytes(name))["signed"]["version"]
        return versions

    def bytes(self, name):
        with open(os.path.join(self.store, name), "rb") as f:
            return f.read()

    def write(self, name, data):
        with open(os.path.join(self.store, name), "wb") as f:
            f.write(data)

    def files(self):
        """Contents of all that was downloaded."""
        contents = []
        for name in os.listdir(self.downloads):
            with open(os.path.join(self.downloads, name), "rb") as f:
                contents.append(f.read())
        return sorted(contents)
