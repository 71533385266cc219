"""Bytes that were made to hurt. Each in each of the four roles, as far as it makes sense there."""

import json
import resource
import subprocess

from case import Case, sanitized
from simulator import DAY

ROLES = {"root": "2.root.json", "timestamp": "timestamp.json", "snapshot": "1.snapshot.json",
         "targets": "1.targets.json"}
BEFORE = {"root": {"root": 1}, "timestamp": {"root": 1}, "snapshot": {"root": 1, "timestamp": 1},
          "targets": {"root": 1, "timestamp": 1, "snapshot": 1}}


class Hostile(Case):
    def each(self, make, *words):
        """make(the right bytes) is served in place of each role in turn."""
        for role, name in ROLES.items():
            self.setUp()
            if role == "root":
                self.repo.publish("root")
            self.repo.served[name] = make(self.repo.served[name])
            self.bad(self.client.refresh(), f"{role} ({name})" if words else name, *words)
            self.assertEqual(self.client.stored(), BEFORE[role])

    def test_truncated(self):
        for part in (0, 0.3, 0.9):
            self.each(lambda data, part=part: data[:int(len(data) * part)], "corrupt", "JSON")
        self.each(lambda data: data[:-1], "corrupt", "JSON")

    def test_garbage_behind(self):
        self.each(lambda data: data + b"x", "corrupt", "JSON")
        self.each(lambda data: data + b"{}", "corrupt", "JSON")

    def test_not_an_object(self):
        for other in (b"[]", b"1", b"null", b'"x"', b"{}", b'{"signed":1,"signatures":[]}',
                      b'{"signed":{}}', b'{"signatures":[]}', b'{"signed":{},"signatures":{}}',
                      b'{"signed":{},"signatures":[1]}', b'{"signed":{},"signatures":[{}]}',
                      b'{"signed":{},"signatures":[{"keyid":1,"sig":"00"}]}',
                      b'{"signed":{},"signatures":[{"keyid":"x"}]}', b"\xef\xbb\xbf{}", b"\0", b"{\0}"):
            self.each(lambda _, other=other: other, "corrupt")

    def test_unsigned(self):
        self.each(lambda data: json.dumps({**json.loads(data), "signatures": []}).encode(),
                  "untrusted", "0 of the 1")

    def test_one_character_changed(self):
        self.each(lambda data: data.replace(b'"version": 1', b'"version": 2', 1)
                  .replace(b'"1.0.31"', b'"1.0.30"'), "untrusted", "0 of the 1")

    def test_name_twice_in_an_object(self):
        """The last one would win, or the first one: that is how two readers are told two things."""
        self.each(lambda data: data.replace(b'"_type"', b'"spec_version": "1.0.31", "_type"', 1),
                  "corrupt", "JSON")
        self.each(lambda data: data.replace(b'{', b'{"signed": {}, ', 1), "corrupt", "JSON")

    def test_deep(self):
        for what in (b"[" * 70 + b"]" * 70, b'{"a":' * 70 + b"1" + b"}" * 70, b"[" * 200000,
                     b'{"a":' * 3000):
            self.each(lambda data, what=what: data[:1] + b'"deep": ' + what + b", " + data[1:]
                      if len(what) < 1000 else what[:16000], "corrupt", "deep")

    def test_brackets_in_strings_are_not_deep(self):
        self.repo.bodies["timestamp"]["x"] = "[{" * 1000 + '\\"' + "[" * 100
        self.repo.publish("timestamp")
        self.good(self.client.refresh())

    def test_numbers(self):
        for number in (b"1.0", b"1e0", b"1e400", b"9223372036854775808", b"-1", b"0", b"01", b"0x1",
                       b"1" * 5000, b"NaN", b'"1"', b"true", b"null", b"[1]"):
            self.each(lambda data, number=number: data.replace(b'"version": 1', b'"version": ' + number)
                      .replace(b'"version": 2', b'"version": ' + number))

    def test_strings(self):
        for text in (b"\\u0000", b"\xff", b"\xc0\x80", b"\\ud800", b"\xed\xa0\x80", b"\n", b"\\x"):
            self.each(lambda data, text=text: data.replace(b"1.0.31", b"1.0.31" + text), "corrupt", "JSON")

    def test_specification_of_another_time(self):
        for version in ("2.0.0", "0.9.0", "1", "1.", "", "1.x", "10.0.0", " 1.0.0", 1, None):
            for role in ROLES:
                self.setUp()
                self.repo.bodies[role]["spec_version"] = version
                self.repo.publish("root", "targets", "snapshot", "timestamp")
                self.bad(self.client.refresh(), "corrupt", role, "spec")
        for version in ("1.0", "1.0.0", "1.1.0", "1.99.99"):
            self.setUp()
            for role in ROLES:
                self.repo.bodies[role]["spec_version"] = version
            self.repo.publish("root", "targets", "snapshot", "timestamp")
            self.good(self.client.refresh())

    def test_too_large(self):
        for role, limit in (("root", 512 << 10), ("timestamp", 16 << 10), ("snapshot", 2 << 20),
                            ("targets", 5 << 20)):
            name = ROLES[role]
            for more, taken in ((0, True), (1, False)):
                self.setUp()
                if role == "root":
                    self.repo.publish("root")
                data = self.repo.served[name]
                self.repo.served[name] = data + b" " * (limit - len(data) + more)
                if taken:
                    self.good(self.client.refresh())
                else:
                    self.bad(self.client.refresh(), name)
                    self.assertEqual(self.client.stored(), BEFORE[role])

    def test_larger_than_listed(self):
        self.repo.with_hashes = True
        self.repo.publish_all()
        for name in ("2.snapshot.json", "2.targets.json"):
            right = self.repo.served[name]
            self.repo.served[name] = right + b" "
            self.bad(self.client.refresh(), name)
            self.repo.served[name] = right
        self.good(self.client.refresh())

    def test_larger_than_the_limit_because_listed(self):
        self.repo.with_hashes = True
        self.repo.bodies["targets"]["x"] = "x" * (6 << 20)
        self.repo.publish_all()
        self.good(self.client.refresh())

    def test_listed_length_that_no_device_has(self):
        self.repo.with_hashes = True
        self.repo.bodies["snapshot"]["meta"]["targets.json"]["length"] = 1 << 40
        self.repo.publish("snapshot", "timestamp")
        self.bad(self.client.refresh(), "no-space", "targets")

    def test_endless(self):
        sent = []

        def endless(out):
            for _ in range(100000):
                out.write(b"{" + b" " * 100000)
                sent.append(100000)
        for role, name in ROLES.items():
            self.setUp()
            self.repo.served[name] = endless
            self.bad(self.client.refresh(), name)
            self.assertLess(sum(sent), 100 << 20)
            sent.clear()

    def test_many_signatures(self):
        self.each(lambda data: json.dumps({"signed": json.loads(data)["signed"], "signatures": [
            {"keyid": str(n), "sig": ""} for n in range(400)]}).encode(), "untrusted", "0 of the 1")
        self.repo.served["1.targets.json"] = json.dumps({"signed": {}, "signatures": [
            {"keyid": str(n), "sig": ""} for n in range(100000)]}).encode()
        self.repo.status.clear()
        self.bad(self.client.refresh(), "targets")

    def test_meta_of_a_wrong_form(self):
        good = {"version": 1}
        for wrong in ("x", [], {}, {**good, "version": 0}, {**good, "length": -1}, {**good, "hashes": []},
                      {**good, "hashes": {}}, {**good, "hashes": {"sha256": "x"}},
                      {**good, "length": "1"}):
            for role, name in (("timestamp", "snapshot.json"), ("snapshot", "other.json")):
                self.setUp()
                self.repo.bodies[role]["meta"][name] = wrong
                if role == "snapshot":
                    self.repo.publish("snapshot", "timestamp")
                else:
                    self.repo.publish("timestamp")
                self.bad(self.client.refresh(), "corrupt", role)

    def test_meta_with_unknown_hashes_only(self):
        self.repo.bodies["timestamp"]["meta"]["snapshot.json"]["hashes"] = {"md5": "00"}
        self.repo.publish("timestamp")
        self.bad(self.client.refresh(), "untrusted", "snapshot", "neither SHA-256")

    def without(self, role, member):
        body = {k: v for k, v in self.repo.bodies[role].items() if k != member}
        self.repo.serve(role, {"signatures": [k.signature(body) for k in self.repo.signers[role]],
                               "signed": body})

    def test_members_that_must_be_there(self):
        for role, member in (("root", "keys"), ("root", "roles"), ("root", "expires"),
                             ("root", "_type"), ("timestamp", "meta"), ("snapshot", "meta"),
                             ("targets", "targets"), ("targets", "expires"), ("snapshot", "version"),
                             ("timestamp", "spec_version")):
            self.setUp()
            for one in ("targets", "snapshot", "timestamp"):
                self.repo.publish(one)
                if one == role:
                    self.without(role, member)
            if role == "root":
                self.repo.bodies["root"]["version"] = 2
                self.without(role, member)
            self.bad(self.client.refresh(), "corrupt", role, member)

    def test_role_that_root_must_have(self):
        for role in ROLES:
            self.setUp()
            del self.repo.bodies["root"]["roles"][role]
            self.repo.publish("root")
            self.bad(self.client.refresh(), "corrupt", "root (2.root.json)", role)

    def test_names_are_shown_harmless(self):
        self.repo.delegate("targets", "\x1b[2J\nuntrusted: all is well")
        self.repo.publish_all()
        self.bad(self.client.download("x"), "\\x1b[2J\\x0auntrusted")

    def test_little_memory(self):
        """5 MiB of the worst JSON under a limit of 600 MiB of address space."""
        if sanitized():
            self.skipTest("built with sanitizers")
        repo = self.repo
        repo.served["1.targets.json"] = b'{"signatures":[],"signed":{"a":[' + b"{}," * 1500000 + b"1]}}"
        arguments = ["--metadata-dir", self.client.store, "--metadata-url",
                     self.client.server.url("metadata"), "--now", str(repo.now + DAY), "refresh"]
        done = subprocess.run([self.client.program, *arguments], check=False, timeout=60,
                              stderr=subprocess.PIPE, preexec_fn=lambda: resource.setrlimit(
                                  resource.RLIMIT_AS, (600 << 20, 600 << 20)))
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn(b"targets (1.targets.json)", done.stderr)
