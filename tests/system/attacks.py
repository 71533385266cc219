#!/usr/bin/python3
"""The attacks of issue 3 on the whole program.      attacks.py BOX FOLDER ARCHIVE [NAME]...

A device in the sandbox BOX runs release 1.0 of `gateway`, and has looked once at a good repository, that is served from FOLDER
inside. Then somebody does what a case says, and the device is told to update: its exit status is that of the fault, its last line names
role, file and reason, the process that served still does, and of the trusted files only those are other ones that the
specification has it store before it comes to the bad one.
"""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tuf-conformance"))
sys.dont_write_bytecode = True

from simulator import Key, Repository  # pylint: disable=wrong-import-position

ROLES = ("root", "timestamp", "snapshot", "targets", "vendor")
STATUS = {"network": 4, "untrusted": 5, "corrupt": 6, "stale": 7, "no-space": 8}
CASES = {}


class Attack:
    """A repository whose target is listed by the delegated role `vendor`."""

    def __init__(self, folder, archive):
        self.folder = pathlib.Path(folder)
        self.path = f"gateway-1.1-{os.uname().machine}.tar.zst"
        self.marks = {}
        self.repo = Repository()
        self.repo.with_hashes = True
        self.entry = self.repo.delegate("targets", "vendor", ["gateway-*"])
        self.repo.add_target("vendor", self.path, archive)
        self.next("vendor", "targets", "snapshot", "timestamp")

    def next(self, *roles):
        self.repo.publish(*roles)

    def name(self, role):
        """Of the file in which the device looks for the newest of the role."""
        version = self.repo.bodies[role]["version"]
        return "timestamp.json" if role == "timestamp" else f"{version}.{role}.json"

    def all(self):
        self.next(*reversed(ROLES[1:]))

    def mark(self, name, what, text=""):
        self.marks[f"metadata/{name}.{what}"] = text

    def write(self):
        for part in self.folder.iterdir():
            shutil.rmtree(part)
        for kind, files in (("metadata", self.repo.served), ("targets", self.repo.targets)):
            for name, data in files.items():
                self.put(f"{kind}/{name if kind == 'metadata' else urllib.parse.unquote(name)}", data)
        for name, text in self.marks.items():
            self.put(name, text.encode())

    def put(self, name, data):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def case(fault, *words, stored=()):
    """A function does it; stored: roles of which the new file is taken, all others stay as they were."""
    def note(function):
        CASES[function.__name__] = (function, fault, words, stored)
        return function
    return note


def for_each(name, attack, fault, words, roles=ROLES):
    """attack(a, role) on each role, after the roles above it were published anew."""
    for role in roles:
        CASES[f"{name}_{role}"] = (lambda a, role=role: attack(a, role), fault, (role + " (",) + words,
                                   () if role == "root" else ROLES[1:ROLES.index(role)])


def publish_above(a, role):
    """The next version of the role, and of what must name it."""
    if role == "root":
        a.next("root")
    else:
        a.next(*reversed(ROLES[1:ROLES.index(role) + 1]))


def expire(a, role):
    a.repo.expires(role, -1)
    publish_above(a, role)


def lower_threshold(a, role):
    """One signature, where two keys are asked for. Who lists the keys says so first."""
    if role == "vendor":
        a.entry["threshold"] = 2
    else:
        a.repo.bodies["root"]["roles"][role]["threshold"] = 2
        a.repo.add_key(role, sign=False)
        a.next("root")
    a.all()


def sign_by_stranger(a, role):
    a.repo.signers[role] = [Key()]
    publish_above(a, role)


def served(a, role, change):
    publish_above(a, role)
    a.repo.served[a.name(role)] = change(a.repo.served[a.name(role)])
    relist(a, role)


def relist(a, role):
    """What lists length and hash of the file lists those of the bytes that are served."""
    a.repo.with_hashes = False
    for upper in reversed(ROLES[1:ROLES.index(role)]):
        for meta in a.repo.bodies[upper].get("meta", {}).values():
            meta.pop("length", None)
            meta.pop("hashes", None)
        a.repo.publish(upper, bump=False)


for_each("expired", expire, "stale", ("expired at",), ROLES[1:])
for_each("threshold", sign_by_stranger, "untrusted", ("signed by 0 of the 1",))
for_each("truncated", lambda a, role: served(a, role, lambda data: data[:len(data) // 2]), "corrupt", ("JSON",))
for_each("huge", lambda a, role: served(a, role, lambda data: data[:-1] + b" " * (6 << 20) + data[-1:]), "untrusted", ("more than",), ROLES[:4])
for_each("deep", lambda a, role: served(a, role, lambda data: b'{"a":' + b"[" * 2000), "corrupt", ("deep",))


@case("stale", "root (root.json)", "expired at", stored=("root",))
def expired_root(a):
    expire(a, "root")


@case("untrusted", "snapshot (", "1 of the 2", stored=("root", "timestamp"))
def threshold_not_met(a):
    lower_threshold(a, "snapshot")


@case("untrusted", "vendor (", "1 of the 2", stored=("timestamp", "snapshot", "targets"))
def threshold_not_met_by_a_delegated_role(a):
    lower_threshold(a, "vendor")


@case("untrusted", "timestamp (timestamp.json)", "1 of the 2", stored=("root",))
def key_under_two_names(a):
    key = a.repo.signers["timestamp"][0]
    root = a.repo.bodies["root"]
    root["keys"]["again"] = key.public
    root["roles"]["timestamp"] = {"keyids": [key.keyid, "again"], "threshold": 2}
    a.next("root", "timestamp")
    envelope = json.loads(a.repo.served["timestamp.json"])
    envelope["signatures"].append({"keyid": "again", "sig": envelope["signatures"][0]["sig"]})
    a.repo.serve("timestamp", envelope)


@case("untrusted", "timestamp (timestamp.json)", "two signatures")
def signature_twice(a):
    a.next("timestamp")
    envelope = json.loads(a.repo.served["timestamp.json"])
    envelope["signatures"] *= 2
    a.repo.serve("timestamp", envelope)


@case("untrusted", "root (2.root.json)", "by the keys of the root before it", "0 of the 1")
def rotated_without_cross_signature(a):
    a.repo.rotate("root")
    a.next("root")


@case("untrusted", "root (2.root.json)", "by its own keys")
def rotated_and_signed_by_the_old_key_alone(a):
    old = list(a.repo.signers["root"])
    a.repo.rotate("root")
    a.repo.signers["root"] = old
    a.next("root")


@case(None, stored=("root",))
def rotated_with_cross_signature(a):
    old = list(a.repo.signers["root"])
    new = a.repo.rotate("root")
    a.repo.signers["root"] = old + [new]
    a.next("root")


@case("stale", "root (2.root.json)", "version is 1 where 2 is due")
def rollback_of_root(a):
    a.repo.served["2.root.json"] = a.repo.served["1.root.json"]


@case("stale", "timestamp (timestamp.json)", "rolled back to version 1, 2 is known")
def rollback_of_timestamp(a):
    a.repo.bodies["timestamp"]["version"] = 1
    a.repo.publish("timestamp", bump=False)


@case("stale", "timestamp (timestamp.json)", "snapshot.json", "version 1, 2 is known")
def rollback_of_snapshot(a):
    a.repo.bodies["snapshot"]["version"] = 1
    a.repo.publish("snapshot", bump=False)
    a.next("timestamp")


@case("stale", "snapshot (3.snapshot.json)", "targets.json", "version 1", stored=("timestamp",))
def rollback_of_targets(a):
    a.repo.bodies["targets"]["version"] = 1
    a.repo.publish("targets", bump=False)
    a.next("snapshot", "timestamp")


@case("stale", "snapshot (3.snapshot.json)", "vendor.json", stored=("timestamp",))
def rollback_of_a_delegated_role(a):
    del a.repo.bodies["snapshot"]["meta"]["vendor.json"]
    a.next("snapshot", "timestamp")


@case("untrusted", "snapshot (3.snapshot.json)", stored=("timestamp",))
def mix_and_match_of_snapshot(a):
    """Once good, of another time: the length is not that of the one that is promised."""
    old = a.repo.served["2.snapshot.json"]
    a.repo.bodies["snapshot"]["x"] = "more"
    a.next("snapshot", "timestamp")
    a.repo.served["3.snapshot.json"] = old


@case("stale", "targets (3.targets.json)", "version is 2 where 3 is due", stored=("timestamp", "snapshot"))
def mix_and_match_of_targets(a):
    old = a.repo.served["2.targets.json"]
    a.next("targets")
    a.repo.bodies["snapshot"]["meta"]["targets.json"] = {"version": 3}
    a.next("snapshot", "timestamp")
    a.repo.served["3.targets.json"] = old


@case("untrusted", "targets (3.targets.json)", "SHA-256", stored=("timestamp", "snapshot"))
def wrong_hash_of_metadata(a):
    a.next("targets")
    a.repo.bodies["snapshot"]["meta"]["targets.json"]["hashes"]["sha256"] = "0" * 64
    a.next("snapshot", "timestamp")


@case("untrusted", "targets (3.targets.json)", stored=("timestamp", "snapshot"))
def wrong_length_of_metadata(a):
    a.next("targets")
    a.repo.bodies["snapshot"]["meta"]["targets.json"]["length"] += 1
    a.next("snapshot", "timestamp")


@case("untrusted", "gateway-1.1-", "SHA-256")
def wrong_hash_of_the_target(a):
    for name, data in a.repo.targets.items():
        a.repo.targets[name] = data[:-1] + bytes([data[-1] ^ 1])


@case("corrupt", "targets (3.targets.json)", 'a delegated role is called "root"', stored=("timestamp", "snapshot"))
def role_named_as_a_top_one(a):
    a.repo.bodies["targets"]["delegations"]["roles"][0]["name"] = "root"
    a.next("targets", "snapshot", "timestamp")


@case("untrusted", "timestamp (timestamp.json)", "more than 16384 bytes")
def endless_timestamp(a):
    a.mark("timestamp.json", "endless")


@case("untrusted", "root (2.root.json)", "more than")
def endless_root(a):
    a.next("root")
    a.mark("2.root.json", "endless")


@case("network", "root (3.root.json)", "3.root.json: ", stored=("root",))
def cut_in_the_root_chain(a):
    a.next("root", "root")
    a.mark("3.root.json", "cut")


@case("network", "3.root.json", stored=("root",))
def hanging_in_the_root_chain(a):
    a.next("root", "root")
    a.mark("3.root.json", "hang")


@case("network", "3.root.json", "503", stored=("root",))
def trouble_in_the_root_chain(a):
    a.next("root", "root")
    a.mark("3.root.json", "status", "503")


class Device:
    def __init__(self, box):
        self.box = box
        tool = pathlib.Path(__file__).resolve().parent.parent / "sandbox" / "sandbox"
        self.command = [str(tool), "exec", box, "--", "bash", "-c"]
        self.trust = "/var/lib/flipslot/gateway/trust"

    def run(self, script):
        done = subprocess.run(self.command + [script], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              stdin=subprocess.DEVNULL, check=False, timeout=240)
        return done.returncode, done.stdout.decode()

    def begin(self):
        """Trusts the first root, and looks once."""
        status, said = self.run(f"rm -rf {self.trust}/*; cp /in/attacked/metadata/1.root.json {self.trust}/root.json && "
                                "flipslot check gateway")
        assert status == 0, said
        return self.store(), self.serving()

    def store(self):
        _, said = self.run(f"cd {self.trust} && sha256sum -- *.json")
        return {line[66:].removesuffix(".json"): line[:64] for line in said.splitlines()}

    def serving(self):
        return self.run("systemctl show -P InvocationID gateway; readlink /var/lib/flipslot/gateway/current")[1]


def differences(before, after):
    return sorted(name for name in {*before, *after} if before.get(name) != after.get(name) and name != "offer")


def play(name, device, folder, archive):
    """None if all was as it should be, else what was not."""
    function, fault, words, stored = CASES[name]
    attack = Attack(folder, archive)
    attack.write()
    before, serving = device.begin()
    function(attack)
    attack.write()
    status, said = device.run("flipslot check gateway" if fault is None else "flipslot update gateway")
    line = " | ".join(said.rstrip("\n").split("\n")[-4:])
    if status != (STATUS[fault] if fault else 0):
        return f"exit status {status}: {line}"
    lacking = [word for word in words if word not in line]
    if lacking:
        return f"{lacking} not in: {line}"
    changed = differences(before, device.store())
    if changed != sorted(stored):
        return f"stored anew: {changed}, not {sorted(stored)}"
    return None if device.serving() == serving else "the service was touched"


def main():
    box, folder, name_of_archive, *names = sys.argv[1:]
    os.makedirs(folder, exist_ok=True)
    archive = pathlib.Path(name_of_archive).read_bytes()
    device = Device(box)
    for name in names or CASES:
        wrong = play(name, device, folder, archive)
        print(f"not ok - {name}: {wrong}" if wrong else f"ok - {name}", flush=True)


if __name__ == "__main__":
    main()
