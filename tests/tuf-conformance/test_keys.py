"""Keys, thresholds, rotation."""

import json

from case import Case
from simulator import Key, canonical


class Keys(Case):
    def test_below_the_threshold(self):
        root = self.repo.bodies["root"]
        root["roles"]["snapshot"]["threshold"] = 3
        for _ in range(2):
            self.repo.add_key("snapshot")
        self.repo.publish("root", "targets", "snapshot", "timestamp")
        self.good(self.client.refresh())
        self.repo.signers["snapshot"].pop()
        self.repo.publish_all()
        self.bad(self.client.refresh(), "untrusted", "snapshot (3.snapshot.json)",
                 "2 of the 3 different keys")
        self.stored(root=2, timestamp=3, snapshot=2, targets=2)

    def test_threshold_above_the_number_of_keys(self):
        for _ in range(4):
            self.repo.add_key("snapshot")
        self.repo.bodies["root"]["roles"]["snapshot"]["threshold"] = 6
        self.repo.publish("root", "snapshot", "timestamp")
        self.bad(self.client.refresh(), "untrusted", "snapshot", "5 of the 6")
        self.stored(root=2, timestamp=2)

    def test_threshold_of_nothing(self):
        for threshold in (0, -1, 1.5, "1", None, True, 2**63):
            self.setUp()
            self.repo.bodies["root"]["roles"]["timestamp"]["threshold"] = threshold
            body = self.repo.bodies["root"]
            body["version"] = 2
            if isinstance(threshold, float):
                sigs = [{"keyid": k.keyid, "sig": "00"} for k in self.repo.signers["root"]]
                self.repo.serve("root", {"signatures": sigs, "signed": body})
            else:
                self.repo.serve("root", self.repo.sign("root"))
            self.bad(self.client.refresh(), "corrupt", "root (2.root.json)")
            self.stored(root=1)

    def test_key_under_many_ids_is_one_key(self):
        """Every id is listed, every signature is good, there is one key."""
        repo = self.repo
        key = repo.signers["snapshot"][0]
        body = repo.bodies["root"]
        ids = [key.keyid] + [f"{n:064x}" for n in range(5)]
        for keyid in ids:
            body["keys"][keyid] = key.public
        body["roles"]["snapshot"] = {"keyids": ids, "threshold": 2}
        repo.publish("root")
        envelope = repo.sign("snapshot")
        sig = envelope["signatures"][0]["sig"]
        envelope["signatures"] = [{"keyid": keyid, "sig": sig} for keyid in ids]
        repo.serve("snapshot", envelope)
        self.bad(self.client.refresh(), "untrusted", "snapshot", "1 of the 2 different keys")

    def test_key_written_in_two_ways_is_one_key(self):
        repo = self.repo
        first = Key("ecdsa")
        again = Key("ecdsa-hex")
        again.private = first.private
        again.public = {**again.public, "keyval": {"public": again.public_text()}}
        again.keyid = "again"
        repo.bodies["root"]["roles"]["snapshot"] = {"keyids": [], "threshold": 2}
        repo.signers["snapshot"].clear()
        repo.add_key("snapshot", first)
        repo.add_key("snapshot", again)
        repo.publish("root", "snapshot", "timestamp")
        self.bad(self.client.refresh(), "untrusted", "snapshot", "1 of the 2 different keys")

    def test_key_id_listed_twice_counts_once(self):
        repo = self.repo
        role = repo.bodies["root"]["roles"]["snapshot"]
        role["keyids"] *= 3
        role["threshold"] = 2
        repo.publish("root", "snapshot", "timestamp")
        self.bad(self.client.refresh(), "untrusted", "snapshot", "1 of the 2")

    def test_two_signatures_of_one_key_id_are_refused(self):
        envelope = self.repo.sign("snapshot")
        envelope["signatures"] *= 2
        self.repo.serve("snapshot", envelope)
        self.bad(self.client.refresh(), "untrusted", "snapshot", "two signatures")
        self.stored(root=1, timestamp=1)

    def test_signature_by_another_roles_key(self):
        self.repo.signers["snapshot"] = self.repo.signers["timestamp"]
        self.repo.publish("snapshot", "timestamp")
        self.bad(self.client.refresh(), "untrusted", "snapshot", "0 of the 1")

    def test_key_id_that_is_not_among_the_keys(self):
        role = self.repo.bodies["root"]["roles"]["snapshot"]
        role["keyids"].append("nobody")
        self.repo.publish("root", "snapshot", "timestamp")
        self.good(self.client.refresh())
        role["threshold"] = 2
        self.repo.publish("root", "snapshot", "timestamp")
        self.bad(self.client.refresh(), "untrusted", "snapshot", "1 of the 2")

    def kind(self, kind, **more):
        key = self.repo.add_key("root", Key(kind, **more))
        self.repo.bodies["root"]["roles"]["root"]["threshold"] = 2
        self.repo.publish("root")
        self.good(self.client.refresh())
        self.assertEqual(self.client.stored()["root"], 2)
        self.repo.bodies["root"]["version"] = 3
        envelope = self.repo.sign("root")
        sig = next(s for s in envelope["signatures"] if s["keyid"] == key.keyid)
        for wrong in (key.sign(b"something else"), sig["sig"][:-2], sig["sig"] + "00", "", "zz",
                      sig["sig"][:-1]):
            self.repo.serve("root", {"signatures": [
                {"keyid": s["keyid"], "sig": wrong if s is sig else s["sig"]}
                for s in envelope["signatures"]], "signed": envelope["signed"]})
            self.bad(self.client.refresh(), "untrusted", "root (3.root.json)", "1 of the 2")
        self.assertEqual(self.client.stored()["root"], 2)

    def test_ed25519(self):
        self.kind("ed25519")

    def test_ecdsa(self):
        self.kind("ecdsa")

    def test_ecdsa_by_its_old_name(self):
        self.kind("ecdsa-sha2-nistp256")

    def test_ecdsa_point_in_hexadecimal(self):
        self.kind("ecdsa-hex")

    def test_rsa(self):
        self.kind("rsa")

    def test_short_rsa_does_not_count(self):
        self.repo.add_key("root", Key("rsa", bits=1024))
        self.repo.bodies["root"]["roles"]["root"]["threshold"] = 2
        self.repo.publish("root")
        self.bad(self.client.refresh(), "untrusted", "1 of the 2")

    def test_unknown_kinds_of_keys_do_not_count_and_do_no_harm(self):
        for change in ({"keytype": "sigstore-oidc"}, {"scheme": "rsa-pkcs1v15-sha512"},
                       {"keyval": {}}, {"keyval": {"public": "not a key"}},
                       {"keyval": {"public": 5}},
                       {"keyval": {"public": "-----BEGIN PUBLIC KEY-----\nAAAA\n"
                                             "-----END PUBLIC KEY-----\n"}}):
            self.setUp()
            key = Key("ecdsa")
            key.public.update(change)
            self.repo.add_key("snapshot", key)
            self.repo.publish("root", "snapshot", "timestamp")
            self.good(self.client.refresh())
            self.repo.bodies["root"]["roles"]["snapshot"]["threshold"] = 2
            self.repo.publish("root", "snapshot", "timestamp")
            self.bad(self.client.refresh(), "untrusted", "snapshot", "1 of the 2")

    def test_key_that_is_no_key_object(self):
        for change in (lambda k: k.pop("keytype"), lambda k: k.pop("scheme"),
                       lambda k: k.pop("keyval"), lambda k: k.update(keyval="x"),
                       lambda k: k.update(keytype=["ed25519"])):
            self.setUp()
            key = Key()
            change(key.public)
            self.repo.add_key("snapshot", key)
            self.repo.publish("root", "snapshot", "timestamp")
            self.bad(self.client.refresh(), "corrupt", "root (2.root.json)")

    def test_wrong_signature_beside_a_right_one(self):
        repo = self.repo
        repo.add_key("timestamp")
        for wrong in ("00" * 64, "", "no hex", "f"):
            repo.bodies["timestamp"]["version"] += 1
            envelope = repo.sign("timestamp")
            envelope["signatures"][0]["sig"] = wrong
            repo.publish("root")
            repo.serve("timestamp", envelope)
            self.good(self.client.refresh())

    def test_signature_over_other_bytes_of_the_same_object(self):
        """Signatures are over the canonical form: white space and order do not matter."""
        envelope = self.repo.sign("timestamp")
        body = envelope["signed"]
        turned = json.dumps({"signed": dict(reversed(body.items())),
                             "signatures": envelope["signatures"]}, indent=7).encode()
        self.assertNotIn(canonical(body).encode(), turned)
        self.repo.served["timestamp.json"] = turned
        self.good(self.client.refresh())


# Roots one after another: whose keys, how many of them, who signs; is the last one taken?
ROOTS = {
    "one_key_rotates": ([([1], 1, [1]), ([2], 1, [2, 1]), ([2], 1, [2])], True),
    "strangers_sign_too": ([([1], 1, [3, 1, 4]), ([2], 1, [3, 2, 1, 4]), ([2], 1, [3, 2, 4])], True),
    "any_three_of_five": ([([0, 1, 2, 3, 4], 3, [0, 2, 4]), ([0, 1, 2, 3, 4], 3, [0, 4, 1]),
                           ([0, 1, 2, 3, 4], 3, [0, 1, 3])], True),
    "one_of_five_rotates": ([([0, 1, 2, 3, 4], 3, [0, 2, 4]), ([0, 1, 3, 4, 5], 3, [0, 4, 1])], True),
    "one_of_five_rotates_and_signs": ([([0, 1, 2, 3, 4], 3, [0, 2, 4]),
                                       ([0, 1, 3, 4, 5], 3, [0, 2, 4, 5]),
                                       ([0, 1, 3, 4, 5], 3, [0, 4, 5])], True),
    "all_of_five_rotate": ([([0, 1, 2, 3, 4], 3, [0, 2, 4]), ([5, 6, 7, 8, 9], 3, [0, 2, 4, 5, 6, 7]),
                            ([5, 6, 7, 8, 9], 3, [5, 6, 7])], True),
    "threshold_rises": ([([1, 2, 3], 1, [1]), ([1, 2, 3], 2, [1, 2])], True),
    "threshold_falls": ([([1, 2, 3], 2, [1, 2]), ([1, 2, 3], 1, [1, 2]), ([1, 2, 3], 1, [1])], True),
    "threshold_rises_with_a_key": ([([1], 1, [1]), ([1, 2], 2, [1, 2])], True),
    "not_by_the_old_key": ([([1], 1, [1]), ([2], 1, [2, 3, 4])], False),
    "not_by_the_new_key": ([([1], 1, [1]), ([2], 1, [1, 3, 4])], False),
    "not_by_three_new_keys": ([([0, 1, 2, 3, 4], 3, [0, 2, 4]), ([0, 1, 3, 4, 5], 3, [0, 2, 4])], False),
    "not_by_three_old_keys": ([([0, 1, 2, 3, 4], 3, [0, 2, 4]), ([0, 1, 3, 4, 5], 3, [0, 4, 5])], False),
    "new_threshold_is_not_reached": ([([1, 2, 3], 1, [1]), ([1, 2, 3], 2, [2])], False),
    "old_threshold_is_not_reached": ([([1, 2, 3], 2, [1, 2]), ([1, 2, 3], 1, [1])], False),
    "key_of_before_the_last": ([([1], 1, [1]), ([2], 1, [1, 2]), ([3], 1, [1, 3])], False),
}

# For the other roles: the same of one version, after roots of one key each.
OTHERS = {
    "rotates": ([2], 1, [2], True),
    "strangers": ([1], 1, [3, 1, 4], True),
    "old_key_only": ([2], 1, [1, 3, 4], False),
    "three_of_five_wrong": ([0, 1, 3, 4, 5], 3, [0, 2, 4], False),
    "two_of_five": ([0, 1, 3, 4, 5], 3, [0, 4], False),
    "three_of_five": ([0, 1, 2, 3, 4], 3, [2, 3, 4], True),
}


class Rotation(Case):
    pool = []

    def keys(self, numbers):
        if not self.pool:
            self.pool.extend(Key("ecdsa" if n % 2 else "ed25519") for n in range(10))
        return [self.pool[n] for n in numbers]

    def set_role(self, role, listed, threshold, signing):
        self.repo.bodies["root"]["roles"][role] = {"keyids": [], "threshold": threshold}
        for key in self.keys(listed):
            self.repo.add_key(role, key, sign=False)
        self.repo.signers[role] = self.keys(signing)


def add_root_case(name, steps, good):
    def test(self):
        self.repo.bodies["root"]["version"] = 0
        for step in steps:
            self.set_role("root", *step)
            self.repo.publish("root")
        self.client.init(self.repo.served["1.root.json"])
        if good:
            self.good(self.client.refresh())
        else:
            self.bad(self.client.refresh(), "untrusted", f"root ({len(steps)}.root.json)",
                     "different keys")
        last = len(steps) - (not good)
        self.assertEqual(self.client.bytes("root.json"), self.repo.served[f"{last}.root.json"])
    setattr(Rotation, "test_root_" + name, test)


def add_other_case(name, role, listed, threshold, signing, good):
    def test(self):
        self.good(self.client.refresh())
        self.set_role(role, listed, threshold, signing)
        self.repo.publish("root", "targets", "snapshot", "timestamp")
        if good:
            self.good(self.client.refresh())
            self.assertEqual(self.client.stored()[role], 2)
        else:
            self.bad(self.client.refresh(), "untrusted", role)
    setattr(Rotation, f"test_{role}_{name}", test)


for case, (chain, taken) in ROOTS.items():
    add_root_case(case, chain, taken)
for case, values in OTHERS.items():
    for which in ("timestamp", "snapshot", "targets"):
        add_other_case(case, which, *values)
