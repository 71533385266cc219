"""A refresh: what is asked, what is stored, what is refused."""

import json

from case import Case
from simulator import Key

ONE = {"root": 1, "timestamp": 1, "snapshot": 1, "targets": 1}


class Basic(Case):
    def test_first_refresh_asks_for_each_role_once(self):
        self.good(self.client.refresh())
        self.assertEqual(self.repo.requests, ["2.root.json", "timestamp.json", "1.snapshot.json",
                                              "1.targets.json"])
        self.stored(**ONE)

    def test_nothing_new_costs_two_requests(self):
        self.good(self.client.refresh())
        self.good(self.client.refresh())
        self.assertEqual(self.repo.requests, ["2.root.json", "timestamp.json"])

    def test_bytes_are_stored_as_they_came(self):
        self.repo.served["timestamp.json"] += b" \n "
        self.good(self.client.refresh())
        for name in ("timestamp", "1.snapshot", "1.targets"):
            self.assertEqual(self.client.bytes(name.split(".")[-1] + ".json"),
                             self.repo.served[name + ".json"])

    def test_download_refreshes_first(self):
        self.bad(self.client.download("nothing"), "no target")
        self.assertEqual(self.repo.requests, ["2.root.json", "timestamp.json", "1.snapshot.json",
                                              "1.targets.json"])
        self.stored(**ONE)

    def test_first_root_must_be_a_root(self):
        root = json.loads(self.repo.initial_root)
        del root["signed"]["version"]
        self.client.init(json.dumps(root).encode())
        self.bad(self.client.refresh(), "corrupt", "root.json", "version")
        self.assertEqual(self.repo.requests, [])

    def test_first_root_must_be_signed(self):
        root = json.loads(self.repo.initial_root)
        root["signatures"][0]["sig"] = "00" * 64
        self.client.init(json.dumps(root).encode())
        self.bad(self.client.refresh(), "untrusted", "root.json", "0 of the 1")
        self.assertNotIn("of this repository?", self.client.said)
        self.assertEqual(self.repo.requests, [])

    def unsigned(self, role, **stored):
        self.repo.signers[role].pop()
        self.repo.publish("root", "targets", "snapshot", "timestamp")
        self.bad(self.client.refresh(), "untrusted", role, "0 of the 1",
                 "is root.json that of this repository?")
        self.stored(**stored)

    def test_unsigned_root(self):
        self.unsigned("root", root=1)

    def test_unsigned_timestamp(self):
        self.unsigned("timestamp", root=2)

    def test_unsigned_snapshot(self):
        self.unsigned("snapshot", root=2, timestamp=2)

    def test_unsigned_targets(self):
        self.unsigned("targets", root=2, timestamp=2, snapshot=2)

    def mismatched(self, role, fault, **stored):
        """The body says version 3, the URL says 2."""
        repo = self.repo
        for one in ("root", "targets", "snapshot", "timestamp"):
            repo.bodies[one]["version"] += 2 if one == role else 1
            repo.serve(one, repo.sign(one), version=2)
            for body, name in (("timestamp", "snapshot"), ("snapshot", "targets")):
                repo.bodies[body]["meta"][name + ".json"]["version"] = 2 if one == name else \
                    repo.bodies[body]["meta"][name + ".json"]["version"]
        self.bad(self.client.refresh(), fault, role, "version is 3 where 2 is due")
        self.stored(**stored)

    def test_other_root_version_than_asked_for(self):
        self.mismatched("root", "untrusted", root=1)

    def test_other_snapshot_version_than_promised(self):
        self.mismatched("snapshot", "untrusted", root=2, timestamp=2)

    def test_other_targets_version_than_promised(self):
        self.mismatched("targets", "untrusted", root=2, timestamp=2, snapshot=2)

    def test_timestamp_of_the_same_version_is_not_taken(self):
        self.good(self.client.refresh())
        before = self.client.bytes("timestamp.json")
        self.repo.bodies["timestamp"]["meta"]["snapshot.json"]["version"] = 100
        self.repo.publish("timestamp", bump=False)
        self.good(self.client.refresh())
        self.assertEqual(self.repo.requests[-1], "timestamp.json")
        self.assertEqual(self.client.bytes("timestamp.json"), before)

    def test_interrupted_refresh_goes_on_with_the_same_timestamp(self):
        snapshot = self.repo.served.pop("1.snapshot.json")
        self.bad(self.client.refresh(), "network", "snapshot (1.snapshot.json)")
        self.stored(root=1, timestamp=1)
        self.repo.served["1.snapshot.json"] = snapshot
        self.good(self.client.refresh())
        self.stored(**ONE)

    def test_hashes_of_metadata(self):
        self.repo.with_hashes = True
        self.repo.publish_all()
        self.good(self.client.refresh())
        self.repo.publish("targets")
        for kind in ("sha256", "sha512"):
            meta = self.repo.bodies["snapshot"]["meta"]["targets.json"]
            right = meta["hashes"][kind]
            meta["hashes"][kind] = "0" * len(right)
            self.repo.publish("snapshot", "timestamp")
            self.bad(self.client.refresh(), "untrusted", "targets (3.targets.json)",
                     "SHA-" + kind[3:])
            meta["hashes"][kind] = right
        self.assertEqual(self.client.stored()["targets"], 2)

    def test_length_of_metadata(self):
        self.repo.with_hashes = True
        for less in (1, -1):
            self.repo.publish("targets")
            meta = self.repo.bodies["snapshot"]["meta"]["targets.json"]
            meta["length"] -= less
            del meta["hashes"]
            self.repo.publish("snapshot", "timestamp")
            self.bad(self.client.refresh(), "targets")
        self.assertNotIn("targets", self.client.stored())

    def test_unknown_fields_are_signed_and_ignored(self):
        key = Key(**{"extra-field": {"a": 1, "b": [None, True]}})
        root = self.repo.bodies["root"]
        root["custom-field"] = "\x7f\u00e9\U0001f600 \" \\ /"
        root["roles"]["root"]["another-field"] = -1
        self.repo.add_key("root", key)
        root["roles"]["root"]["threshold"] = 2
        self.repo.publish("root")
        self.good(self.client.refresh())
        self.assertEqual(self.client.stored()["root"], 2)
        root["custom-field"] = "other"
        self.repo.publish("root")
        self.repo.served["3.root.json"] = self.repo.served["3.root.json"].replace(b"other", b"trick")
        self.bad(self.client.refresh(), "untrusted", "root (3.root.json)")

    def test_key_id_is_a_name_and_no_hash(self):
        key = Key(keyid_hash_algorithms="md5")
        key.keyid = "the one in the drawer"
        self.repo.bodies["root"]["roles"]["snapshot"]["keyids"].clear()
        self.repo.signers["snapshot"].clear()
        self.repo.add_key("snapshot", key)
        self.repo.publish("root", "snapshot", "timestamp")
        self.good(self.client.refresh())
        self.stored(root=2, timestamp=2, snapshot=2, targets=1)

    def test_snapshot_is_not_there(self):
        self.good(self.client.refresh())
        self.repo.bodies["timestamp"]["meta"]["snapshot.json"]["version"] += 1
        self.repo.publish("timestamp")
        self.bad(self.client.refresh(), "network", "snapshot (2.snapshot.json)", "not on the server")
        self.stored(root=1, timestamp=2, snapshot=1, targets=1)

    def test_targets_are_not_there(self):
        self.good(self.client.refresh())
        self.repo.bodies["snapshot"]["meta"]["targets.json"]["version"] += 1
        self.repo.publish("snapshot", "timestamp")
        self.bad(self.client.refresh(), "network", "targets (2.targets.json)", "not on the server")
        self.stored(root=1, timestamp=2, snapshot=2, targets=1)

    def test_timestamp_is_not_there(self):
        self.good(self.client.refresh())
        del self.repo.served["timestamp.json"]
        self.bad(self.client.refresh(), "network", "timestamp (timestamp.json)", "not on the server")
        self.stored(**ONE)

    def test_type_is_looked_at(self):
        """A snapshot that would do as a timestamp, signed by the key of both."""
        repo = self.repo
        repo.add_key("snapshot", repo.signers["timestamp"][0])
        repo.bodies["snapshot"]["meta"] = {"snapshot.json": {"version": 1}}
        repo.publish("root", "snapshot")
        repo.served["timestamp.json"] = repo.served["2.snapshot.json"]
        self.bad(self.client.refresh(), "corrupt", "timestamp", "type")
        self.stored(root=2)

    def test_without_consistent_snapshots(self):
        repo = self.repo
        repo.bodies["root"]["consistent_snapshot"] = False
        repo.add_target("targets", "dir/file", b"content")
        repo.delegate("targets", "role", ["x"])
        repo.publish("root", "role")
        repo.publish_all()
        self.good(self.client.refresh())
        self.assertEqual(repo.requests, ["2.root.json", "3.root.json", "timestamp.json",
                                         "snapshot.json", "targets.json"])
        self.good(self.client.download("dir/file"))
        self.assertEqual(repo.target_requests, ["dir/file"])
        self.bad(self.client.download("x"), "no target")
        self.assertEqual(repo.requests, ["3.root.json", "timestamp.json", "role.json"])

    def test_consistent_snapshot_may_be_missing(self):
        del self.repo.bodies["root"]["consistent_snapshot"]
        root = self.repo.sign("root")
        self.repo.bodies["root"]["consistent_snapshot"] = False
        for role in ("targets", "snapshot"):
            self.repo.publish(role, bump=False)
        self.client.init(json.dumps(root).encode())
        self.good(self.client.refresh())
        self.assertEqual(self.repo.requests[2:], ["snapshot.json", "targets.json"])


class RootChain(Case):
    def test_404_and_403_end_it(self):
        for status in (404, 403):
            self.repo.status["2.root.json"] = status
            self.good(self.client.refresh())

    def test_nothing_else_ends_it(self):
        for status in (500, 503, 410, 301, 401, 204):
            self.repo.status["2.root.json"] = status
            self.bad(self.client.refresh(), "network", "2.root.json", str(status))
            self.assertEqual(self.repo.requests, ["2.root.json"])

    def test_all_in_between_are_fetched(self):
        for _ in range(40):
            self.repo.rotate("timestamp")
            self.repo.signers["root"].append(self.repo.add_key("root", sign=False))
            if len(self.repo.signers["root"]) > 2:
                gone = self.repo.bodies["root"]["roles"]["root"]["keyids"].pop(0)
                self.repo.signers["root"] = [k for k in self.repo.signers["root"]][-2:]
                self.assertNotEqual(gone, self.repo.signers["root"][-1].keyid)
            self.repo.publish("root")
        self.repo.publish("timestamp")
        self.good(self.client.refresh())
        self.assertEqual(self.repo.requests[:42], [f"{n}.root.json" for n in range(2, 43)] +
                         ["timestamp.json"])
        self.assertEqual(self.client.stored()["root"], 41)

    def test_only_so_many_at_once_and_the_rest_the_next_time(self):
        for _ in range(260):
            self.repo.publish("root")
        self.good(self.client.refresh())
        self.assertEqual(self.client.stored()["root"], 257)
        self.assertIn("newer", self.client.said)
        self.good(self.client.refresh())
        self.assertEqual(self.client.stored()["root"], 261)
