"""Rollback, fast-forward and its recovery, freeze, mix and match."""

import json

from case import Case

ALL = ("root", "targets", "snapshot", "timestamp")


class Rollback(Case):
    def restart(self, role, version=1):
        self.repo.bodies[role]["version"] = version
        self.repo.publish(role, bump=False)

    def test_timestamp(self):
        self.repo.publish("timestamp")
        self.good(self.client.refresh())
        self.restart("timestamp")
        self.bad(self.client.refresh(), "stale", "timestamp (timestamp.json)", "version 1", "2 is known")
        self.stored(root=1, timestamp=2, snapshot=1, targets=1)

    def test_snapshot_by_the_timestamp(self):
        for with_hashes in (False, True):
            self.setUp()
            self.repo.with_hashes = with_hashes
            self.repo.publish("snapshot", "timestamp")
            self.good(self.client.refresh())
            self.restart("snapshot")
            self.repo.publish("timestamp")
            self.bad(self.client.refresh(), "stale", "timestamp", "snapshot.json")
            self.assertEqual(self.repo.requests[-1], "timestamp.json")
            self.stored(root=1, timestamp=2, snapshot=2, targets=1)

    def test_targets_by_the_snapshot(self):
        for with_hashes in (False, True):
            self.setUp()
            self.repo.with_hashes = with_hashes
            self.repo.publish_all()
            self.good(self.client.refresh())
            self.restart("targets")
            self.repo.publish("snapshot", "timestamp")
            self.bad(self.client.refresh(), "stale", "snapshot (3.snapshot.json)", "targets.json",
                     "version 1")
            self.stored(root=1, timestamp=3, snapshot=2, targets=2)

    def test_delegated_role_by_the_snapshot(self):
        self.repo.delegate("targets", "role", ["x"])
        self.repo.publish("role", "role")
        self.repo.publish_all()
        self.good(self.client.refresh())
        self.repo.bodies["snapshot"]["meta"]["role.json"]["version"] = 1
        self.repo.publish("snapshot", "timestamp")
        self.bad(self.client.refresh(), "stale", "snapshot", "role.json", "version 1")

    def test_role_that_is_not_listed_any_more(self):
        self.repo.delegate("targets", "role", ["x"])
        self.repo.publish("role")
        self.repo.publish_all()
        self.good(self.client.refresh())
        del self.repo.bodies["snapshot"]["meta"]["role.json"]
        self.repo.publish("snapshot", "timestamp")
        self.bad(self.client.refresh(), "stale", "snapshot", "role.json", "not any more")

    def test_snapshot_without_targets(self):
        self.repo.bodies["snapshot"]["meta"] = {}
        self.repo.publish("snapshot", "timestamp")
        self.bad(self.client.refresh(), "untrusted", "targets", "does not list it")

    def test_stored_snapshot_counts_though_it_is_old_and_expired(self):
        self.repo.expires("snapshot", 3)
        self.repo.expires("timestamp", 3)
        self.repo.publish_all()
        self.good(self.client.refresh())
        self.repo.expires("snapshot", 30)
        self.repo.expires("timestamp", 30)
        self.restart("targets")
        self.repo.publish("snapshot", "timestamp")
        self.bad(self.client.refresh(days=10), "stale", "snapshot", "targets.json")

    def test_old_files_under_the_promised_names(self):
        """Mix and match: what is served was once good, but does not belong together."""
        old_snapshot = self.repo.served["1.snapshot.json"]
        old_targets = self.repo.served["1.targets.json"]
        self.repo.publish_all()
        new_snapshot = self.repo.served["2.snapshot.json"]
        self.repo.served["2.snapshot.json"] = old_snapshot
        self.bad(self.client.refresh(), "stale", "snapshot (2.snapshot.json)", "version is 1")
        self.repo.served["2.snapshot.json"] = new_snapshot
        self.repo.served["2.targets.json"] = old_targets
        self.bad(self.client.refresh(), "stale", "targets (2.targets.json)", "version is 1")
        self.stored(root=1, timestamp=2, snapshot=2)

    def test_other_snapshot_of_the_same_version(self):
        """With hashes: the stored one is of the promised version, but not the promised file."""
        self.repo.with_hashes = True
        self.repo.publish_all()
        self.good(self.client.refresh())
        self.repo.bodies["snapshot"]["x"] = "another"
        self.repo.publish("snapshot", bump=False)
        self.repo.publish("timestamp")
        self.good(self.client.refresh())
        self.assertEqual(self.repo.requests[-1], "2.snapshot.json")
        self.assertIn(b"another", self.client.bytes("snapshot.json"))

    def test_other_targets_of_the_same_version(self):
        self.repo.with_hashes = True
        self.repo.publish_all()
        self.good(self.client.refresh())
        self.repo.bodies["targets"]["x"] = "another"
        self.repo.publish("targets", bump=False)
        self.repo.publish("snapshot", "timestamp")
        self.good(self.client.refresh())
        self.assertIn(b"another", self.client.bytes("targets.json"))


class FastForward(Case):
    def test_timestamp_recovers_by_its_key(self):
        self.repo.bodies["timestamp"]["version"] = 99999
        self.repo.publish("timestamp")
        self.good(self.client.refresh())
        self.repo.rotate("timestamp")
        self.repo.bodies["timestamp"]["version"] = 0
        self.repo.publish("root", "timestamp")
        self.good(self.client.refresh())
        self.stored(root=2, timestamp=1, snapshot=1, targets=1)

    def test_snapshot_recovers_by_both_keys(self):
        self.repo.bodies["snapshot"]["version"] = 99999
        self.repo.publish("snapshot", "timestamp")
        self.good(self.client.refresh())
        self.repo.rotate("snapshot")
        self.repo.rotate("timestamp")
        self.repo.bodies["snapshot"]["version"] = 0
        self.repo.publish("root", "snapshot", "timestamp")
        self.good(self.client.refresh())
        self.stored(root=2, timestamp=3, snapshot=1, targets=1)

    def test_snapshot_recovers_by_its_own_key(self):
        """The timestamp that names the high version is forgotten with it."""
        self.repo.bodies["snapshot"]["version"] = 99999
        self.repo.publish("snapshot", "timestamp")
        self.good(self.client.refresh())
        self.repo.rotate("snapshot")
        self.repo.bodies["snapshot"]["version"] = 0
        self.repo.publish("root", "snapshot", "timestamp")
        self.good(self.client.refresh())
        self.stored(root=2, timestamp=3, snapshot=1, targets=1)

    def test_targets_recover_by_the_key_of_snapshot(self):
        """And roles that nobody wants any more may go from the snapshot."""
        self.repo.delegate("targets", "role", ["dir/*"])
        self.repo.bodies["targets"]["version"] = 99998
        self.repo.publish("role")
        self.repo.publish_all()
        self.good(self.client.refresh())
        self.assertEqual(self.client.stored()["targets"], 99999)
        self.repo.rotate("snapshot")
        self.repo.bodies["targets"]["version"] = 0
        del self.repo.bodies["snapshot"]["meta"]["role.json"]
        self.repo.publish(*ALL)
        self.good(self.client.refresh())
        self.stored(root=2, timestamp=3, snapshot=3, targets=1)

    def test_key_that_is_taken_away_is_enough(self):
        """Two keys sign; one goes. What both have signed would still be good."""
        self.repo.add_key("timestamp")
        self.repo.bodies["timestamp"]["version"] = 1000
        self.repo.publish("root", "timestamp")
        self.good(self.client.refresh())
        self.repo.bodies["root"]["roles"]["timestamp"]["keyids"].pop(0)
        self.repo.signers["timestamp"].pop(0)
        self.repo.bodies["timestamp"]["version"] = 1
        self.repo.publish("root", "timestamp")
        self.good(self.client.refresh())
        self.assertEqual(self.client.stored()["timestamp"], 2)

    def test_key_that_is_added_is_no_rotation(self):
        self.repo.publish("timestamp")
        self.good(self.client.refresh())
        self.repo.add_key("timestamp")
        self.repo.bodies["timestamp"]["version"] = 0
        self.repo.publish("root", "timestamp")
        self.bad(self.client.refresh(), "stale", "timestamp")
        self.stored(root=2, timestamp=2, snapshot=1, targets=1)

    def test_key_of_targets_is_no_rotation(self):
        self.good(self.client.refresh())
        self.repo.rotate("targets")
        self.repo.publish("root")
        self.bad(self.client.refresh(), "targets")
        self.stored(root=2, timestamp=1, snapshot=1, targets=1)

    def test_rotated_files_are_forgotten_even_if_the_next_ones_are_bad(self):
        self.good(self.client.refresh())
        self.repo.rotate("snapshot")
        self.repo.publish("root")
        del self.repo.served["timestamp.json"]
        self.bad(self.client.refresh(), "network", "timestamp")
        self.stored(root=2, targets=1)

    def test_recovery_when_the_power_was_cut_between_root_and_forgetting(self):
        """The new root is stored, the files of before too: nobody remembers that keys were rotated."""
        self.repo.bodies["snapshot"]["version"] = 99999
        self.repo.publish("snapshot", "timestamp")
        self.good(self.client.refresh())
        self.repo.rotate("snapshot")
        self.repo.bodies["snapshot"]["version"] = 0
        self.repo.publish("root", "snapshot", "timestamp")
        self.client.write("root.json", self.repo.served["2.root.json"])
        self.good(self.client.refresh())
        self.stored(root=2, timestamp=3, snapshot=1, targets=1)

    def test_a_higher_threshold_takes_nothing_away(self):
        self.good(self.client.refresh())
        self.repo.add_key("snapshot")
        self.repo.bodies["root"]["roles"]["snapshot"]["threshold"] = 3
        self.repo.publish("root", "snapshot", "timestamp")
        self.bad(self.client.refresh(), "untrusted", "snapshot (2.snapshot.json)")
        self.stored(root=2, timestamp=2, snapshot=1, targets=1)


class Expired(Case):
    def test_root(self):
        """The newest root is kept, though expired; all else waits."""
        self.good(self.client.refresh())
        self.repo.expires("root", -1)
        self.repo.publish(*ALL)
        self.bad(self.client.refresh(), "stale", "root (root.json)", "expired at")
        self.assertEqual(self.repo.requests, ["2.root.json", "3.root.json"])
        self.stored(root=2, timestamp=1, snapshot=1, targets=1)

    def test_root_on_the_way_may_be_expired(self):
        self.repo.expires("root", -1)
        self.repo.publish("root")
        self.repo.expires("root", 30)
        self.repo.publish("root")
        self.good(self.client.refresh())
        self.assertEqual(self.client.stored()["root"], 3)

    def test_trusted_root_may_be_expired(self):
        self.repo.expires("root", 7)
        self.repo.publish("root")
        self.good(self.client.refresh())
        for role in ALL:
            self.repo.expires(role, 60)
        self.repo.publish(*ALL)
        self.good(self.client.refresh(days=40))
        self.stored(root=3, timestamp=2, snapshot=2, targets=2)

    def test_timestamp(self):
        self.good(self.client.refresh())
        self.repo.expires("timestamp", -5)
        self.repo.publish("timestamp")
        self.bad(self.client.refresh(), "stale", "timestamp (timestamp.json)", "expired at")
        self.stored(root=1, timestamp=1, snapshot=1, targets=1)

    def test_snapshot(self):
        self.good(self.client.refresh())
        self.repo.expires("snapshot", -5)
        self.repo.publish("snapshot", "timestamp")
        self.bad(self.client.refresh(), "stale", "snapshot (2.snapshot.json)", "expired at")
        self.stored(root=1, timestamp=2, snapshot=1, targets=1)

    def test_targets(self):
        self.good(self.client.refresh())
        self.repo.expires("targets", -5)
        self.repo.publish_all()
        self.bad(self.client.refresh(), "stale", "targets (2.targets.json)", "expired at")
        self.stored(root=1, timestamp=2, snapshot=2, targets=1)

    def test_frozen(self):
        """A server that shows yesterday's files forever is told by each of the roles."""
        for role in ALL:
            self.setUp()
            self.repo.expires(role, 7)
            self.repo.publish(*ALL)
            self.good(self.client.refresh(days=6.9))
            self.bad(self.client.refresh(days=7.1), "stale", role, "expired at")

    def test_the_very_second(self):
        self.repo.expires("timestamp", 7)
        self.repo.publish("timestamp")
        second = 1 / 86400
        self.good(self.client.refresh(days=7 - 0.9 * second))
        self.bad(self.client.refresh(days=7), "stale", "timestamp")

    def test_stored_files_that_expired_are_replaced(self):
        for role in ("timestamp", "snapshot", "targets"):
            self.setUp()
            self.repo.expires(role, 7)
            self.repo.publish_all()
            self.good(self.client.refresh())
            self.repo.expires(role, 21)
            self.repo.publish_all()
            self.good(self.client.refresh(days=18))
            self.stored(root=1, timestamp=3, snapshot=3, targets=3)

    def test_delegated_role(self):
        self.repo.delegate("targets", "role", ["dir/*"])
        self.repo.expires("role", -1)
        self.repo.add_target("role", "dir/file", b"content")
        self.repo.publish("role")
        self.repo.publish_all()
        self.good(self.client.refresh())
        self.bad(self.client.download("dir/file"), "stale", "role (1.role.json)", "expired at")
        self.assertEqual(self.client.files(), [])
        self.stored(root=1, timestamp=2, snapshot=2, targets=2)

    def test_stored_delegated_role(self):
        repo = self.repo
        repo.delegate("targets", "role", ["dir/*"])
        repo.expires("role", 7)
        for name in ("first", "second"):
            repo.add_target("role", "dir/" + name, name.encode())
        repo.publish("role")
        repo.publish_all()
        self.good(self.client.download("dir/first"))
        self.bad(self.client.download("dir/second", days=18), "stale", "role", "expired at")
        self.assertEqual(self.client.files(), [b"first"])
        repo.expires("role", 21)
        repo.publish("role", "snapshot", "timestamp")
        self.good(self.client.download("dir/second", days=18))
        self.assertEqual(self.client.files(), [b"first", b"second"])

    def test_warned_only(self):
        for role in ALL:
            self.repo.expires(role, 7)
        self.repo.publish(*ALL)
        self.good(self.client.refresh(20, "--expiry", "warn"))
        for role in ALL:
            self.assertIn(f"{role}: expired at", self.client.said)
        self.stored(root=2, timestamp=2, snapshot=2, targets=2)
        self.good(self.client.refresh(20, "--expiry", "warn"))
        self.assertEqual(self.repo.requests, ["3.root.json", "timestamp.json"])
        for role in ALL:
            self.assertIn(f"{role}: expired at", self.client.said)
        self.bad(self.client.refresh(20, "--expiry", "enforce"), "stale", "root")

    def test_no_clock_is_no_excuse_for_rollback(self):
        self.repo.publish("timestamp")
        self.good(self.client.refresh())
        self.repo.publish("timestamp", bump=False)
        self.repo.bodies["timestamp"]["version"] = 1
        self.repo.publish("timestamp", bump=False)
        self.bad(self.client.refresh(0, "--expiry", "warn"), "stale", "timestamp")

    def test_dates(self):
        for text, taken in (("2038-01-19T03:14:08Z", True), ("2099-12-31T23:59:59.123456789Z", True),
                            ("9999-12-31T23:59:59Z", True), ("2099-02-29T00:00:00Z", False),
                            ("2099-13-01T00:00:00Z", False), ("2099-01-01T24:00:00Z", False),
                            ("2099-01-01T00:00:60Z", False), ("2099-01-01T00:00:00", False),
                            ("2099-01-01 00:00:00Z", False), ("2099-01-01T00:00:00+00:00", False),
                            ("2099-01-01T00:00:00.Z", False), (" 2099-01-01T00:00:00Z", False),
                            ("", False), (4070908800, False)):
            self.setUp()
            self.repo.bodies["timestamp"]["expires"] = text
            self.repo.publish("timestamp")
            if taken:
                self.good(self.client.refresh())
            else:
                self.bad(self.client.refresh(), "corrupt", "timestamp")


class Store(Case):
    """What is in the store is only believed if the root vouches for it."""

    def test_broken_files_are_fetched_again(self):
        self.good(self.client.refresh())
        for name in ("timestamp.json", "snapshot.json", "targets.json"):
            whole = self.client.bytes(name)
            for broken in (b"", whole[:-20], b"{}", whole.replace(b'"version"', b'"verzion"'),
                           b"[" * 100000):
                self.client.write(name, broken)
                self.good(self.client.refresh())
                self.assertEqual(self.client.bytes(name), whole)

    def test_file_in_place_of_another(self):
        self.good(self.client.refresh())
        self.client.write("timestamp.json", self.client.bytes("snapshot.json"))
        self.client.write("snapshot.json", self.client.bytes("targets.json"))
        self.good(self.client.refresh())
        self.stored(root=1, timestamp=1, snapshot=1, targets=1)
        self.assertIn("the stored timestamp.json is of no use", self.client.said)

    def test_failed_refresh_changes_nothing_behind_where_it_failed(self):
        self.good(self.client.refresh())
        before = {name: self.client.bytes(name + ".json") for name in
                  ("root", "timestamp", "snapshot", "targets")}
        for served in (b"", b"{", b'{"signed":{},"signatures":[]}', json.dumps([]).encode()):
            self.repo.served["timestamp.json"] = served
            self.bad(self.client.refresh(), "timestamp (timestamp.json)")
            for name, data in before.items():
                self.assertEqual(self.client.bytes(name + ".json"), data)
