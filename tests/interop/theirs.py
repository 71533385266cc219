"""The other side: securesystemslib, which python-tuf signs and verifies with, and which nobody here wrote.

    python3 theirs.py verify REPO           every signature in REPO/metadata, and that key ids are what they take them for
    python3 theirs.py publish DIR KEYTYPE   a repository: DIR/metadata, and in DIR/targets one target a/b.txt
"""

import hashlib
import json
import pathlib
import sys
import time

from securesystemslib import formats, keys

MAKE = {"ed25519": keys.generate_ed25519_key, "ecdsa": keys.generate_ecdsa_key,
        "rsa": lambda: keys.generate_rsa_key(2048)}


def canonical(value):
    return formats.encode_canonical(value).encode()


def verify(repo):
    """Of a repository whose keys all stand in its first root."""
    known = json.loads((repo / "metadata/1.root.json").read_text())["signed"]["keys"]
    for keyid, key in known.items():
        assert keyid == hashlib.sha256(canonical(key)).hexdigest(), keyid
    for path in sorted((repo / "metadata").iterdir()):
        metadata = json.loads(path.read_text())
        assert metadata["signatures"], path
        for signature in metadata["signatures"]:
            key = {**known[signature["keyid"]], "keyid": signature["keyid"]}
            assert keys.verify_signature(key, signature, canonical(metadata["signed"])), path


def publish(folder, kind):
    key = MAKE[kind]()
    content = b"hello " + kind.encode() + b"\n"
    digest = hashlib.sha256(content).hexdigest()
    role = {"keyids": [key["keyid"]], "threshold": 1}
    public = {"keytype": key["keytype"], "scheme": key["scheme"],
              "keyval": {"public": key["keyval"]["public"]}}
    bodies = {
        "1.root": {"_type": "root", "consistent_snapshot": True, "keys": {key["keyid"]: public},
                   "roles": {name: role for name in ("root", "timestamp", "snapshot", "targets")}},
        "timestamp": {"_type": "timestamp", "meta": {"snapshot.json": {"version": 1}}},
        "1.snapshot": {"_type": "snapshot", "meta": {"targets.json": {"version": 1}}},
        "1.targets": {"_type": "targets", "targets": {"a/b.txt": {"length": len(content),
                                                                 "hashes": {"sha256": digest}}}},
    }
    (folder / "metadata").mkdir(parents=True)
    (folder / "targets/a").mkdir(parents=True)
    (folder / f"targets/a/{digest}.b.txt").write_bytes(content)
    for name, body in bodies.items():
        body.update(version=1, spec_version="1.0.31", expires=time.strftime(
            "%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 86400)))
        signature = keys.create_signature(key, canonical(body))
        (folder / f"metadata/{name}.json").write_text(
            json.dumps({"signed": body, "signatures": [signature]}, indent=2))


command, where, *rest = sys.argv[1:]
{"verify": verify, "publish": publish}[command](pathlib.Path(where), *rest)
