"""Called as the TUF conformance suite does it: its order of arguments, no --now, and faketime for another time."""

import datetime
import shutil
import unittest

from case import Case, sanitized
from simulator import DAY, Repository, date


@unittest.skipUnless(shutil.which("faketime"), "faketime is not installed: scripts/deps test")
class Clock(Case):
    def setUp(self):
        if sanitized():
            self.skipTest("built with sanitizers")
        super().setUp()

    def call(self, command, *arguments, days=0):
        """A time of day with a fraction and an offset, as Python writes it."""
        when = datetime.datetime.fromtimestamp(self.repo.now + days * DAY + 0.25, datetime.UTC)
        self.client.prefix = ["faketime", str(when)] if days else []
        self.repo.requests.clear()
        return self.client.run("--metadata-url", self.client.server.url("metadata"), "--metadata-dir",
                               self.client.store, *arguments, command)

    def refresh(self, days=0):
        return self.call("refresh", days=days)

    def download(self, path, days=0):
        return self.call("download", "--target-name", path, "--target-dir", self.client.downloads,
                         "--target-base-url", self.client.server.url("targets"), days=days)

    def test_root_expires(self):
        self.repo.expires("root", 7)
        self.repo.publish("root")
        self.good(self.refresh())
        self.bad(self.refresh(8), "stale", "root", "expired at")

    def test_stored_timestamp_expired_and_there_is_a_new_one(self):
        self.repo.expires("timestamp", 7)
        self.repo.publish("timestamp")
        self.good(self.refresh())
        self.repo.expires("timestamp", 21)
        self.repo.publish("targets", "snapshot", "timestamp")
        self.good(self.refresh(18))
        self.stored(root=1, timestamp=3, snapshot=2, targets=2)

    def test_stored_delegated_role_expires(self):
        self.repo.delegate("targets", "role", ["dir/*"])
        self.repo.expires("role", 7)
        for name in ("first", "second"):
            self.repo.add_target("role", "dir/" + name, name.encode())
        self.repo.publish("role", "targets", "snapshot", "timestamp")
        self.good(self.download("dir/first"))
        self.bad(self.download("dir/second", 18), "stale", "role", "expired at")
        self.repo.expires("role", 21)
        self.repo.publish("role", "snapshot", "timestamp")
        self.good(self.download("dir/second", 18))
        self.assertEqual(self.client.files(), [b"first", b"second"])

    def test_long_ago(self):
        """A repository that was kept as it was years before this program was built."""
        self.repo = Repository(now=1707480000)
        self.client = self.new_client()
        self.client.init()
        self.repo.add_target("targets", "file", b"content")
        self.repo.publish("targets", "snapshot", "timestamp")
        self.good(self.refresh(1))
        self.good(self.download("file", 1))
        self.bad(self.refresh(), "stale", "root", date(self.repo.now + 30 * DAY))
