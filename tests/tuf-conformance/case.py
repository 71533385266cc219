"""What the tests share."""

import unittest

from simulator import Client, Repository, Server

SERVER = Server()


def sanitized():
    """The sanitizers' runtime wants to come first, and all of the address space."""
    with open(Client.program, "rb") as f:
        return b"__asan_init" in f.read()


class Case(unittest.TestCase):
    """A fresh repository and a client that has its first root."""

    def setUp(self):
        self.repo = Repository()
        self.client = self.new_client()
        self.assertEqual(self.client.init(), 0, self.client.said)

    def new_client(self):
        client = Client(SERVER, self.repo)
        self.addCleanup(client.close)
        return client

    def good(self, status):
        self.assertEqual(status, 0, self.client.said)

    def bad(self, status, *words):
        """It failed, and what it said has all these words in one line; the first is the fault."""
        self.assertEqual(status, 1, self.client.said)
        line = self.client.said.rstrip("\n").split("\n")[-1]
        for word in words:
            self.assertIn(word, line)

    def stored(self, **versions):
        self.assertEqual(self.client.stored(), versions)
