"""Targets: delegations, searching, downloading."""

import hashlib
import urllib.parse

from case import Case
from simulator import Key

# delegations (from, to, more); roles in the order in which they are asked for a path that nobody has
GRAPHS = {
    "one": ([("targets", "A")], "A"),
    "two_beside": ([("targets", "A"), ("targets", "B")], "AB"),
    "two_below": ([("targets", "A"), ("targets", "B"), ("B", "C")], "ABC"),
    "depth_first": ([("targets", "A"), ("targets", "B"), ("A", "C"), ("A", "D")], "ACDB"),
    "deeper_first": ([("targets", "A"), ("targets", "B"), ("A", "C"), ("C", "D")], "ACDB"),
    "terminating": ([("targets", "A"), ("targets", "B"), ("A", "C", {"terminating": True}),
                     ("A", "D")], "AC"),
    "terminating_has_children": ([("targets", "A"), ("targets", "B"),
                                  ("A", "C", {"terminating": True}), ("C", "D")], "ACD"),
    "terminating_at_the_top": ([("targets", "A", {"terminating": True}), ("targets", "B"),
                                ("A", "C"), ("A", "D")], "ACD"),
    "terminating_that_does_not_match": ([("targets", "A", {"terminating": True, "paths": ["*.py"]}),
                                         ("targets", "B")], "B"),
    "not_matching": ([("targets", "A", {"paths": ["*.py"]}), ("targets", "B"), ("A", "C")], "B"),
    "not_matching_below": ([("targets", "A"), ("targets", "B"), ("A", "C", {"paths": ["*.py"]}),
                            ("C", "D")], "AB"),
    "cycle": ([("targets", "A"), ("targets", "B"), ("B", "C"), ("C", "D"), ("D", "B")], "ABCD"),
    "itself": ([("targets", "A"), ("A", "A"), ("targets", "B")], "AB"),
    "diamond": ([("targets", "A"), ("targets", "B"), ("B", "C"), ("A", "C")], "ACB"),
    "diamond_not_matching": ([("targets", "A"), ("targets", "B"), ("B", "C"),
                              ("A", "C", {"paths": ["*.py"]})], "ABC"),
    "no_paths_at_all": ([("targets", "A", {"paths": None}), ("targets", "B")], "B"),
    "empty_paths": ([("targets", "A", {"paths": []}), ("targets", "B")], "B"),
}


class Graphs(Case):
    def build(self, delegations):
        roles = []
        for parent, role, *more in delegations:
            self.repo.delegate(parent, role, **(more[0] if more else {}))
            roles += [] if role in roles else [role]
        self.repo.publish(*roles)
        self.repo.publish_all()

    def asked(self):
        return [name.removeprefix("1.").removesuffix(".json") for name in self.repo.requests[4:]]


def add_graph(name, delegations, order):
    def test(self):
        self.build(delegations)
        self.bad(self.client.download("missing"), "no target")
        self.assertEqual(self.asked(), list(order))
        self.assertEqual(set(order) - set(self.client.stored()), set())
        self.bad(self.client.download("missing"), "no target")
        self.assertEqual(self.repo.requests, ["2.root.json", "timestamp.json"])
    setattr(Graphs, "test_" + name, test)


for graph, values in GRAPHS.items():
    add_graph(graph, *values)


class Search(Graphs):
    def tree(self):
        self.build([("targets", "A", {"paths": ["*.doc", "*.md"]}),
                    ("targets", "B", {"paths": ["releases/*/*"]}),
                    ("B", "C", {"paths": ["releases/x/*"]}),
                    ("B", "D", {"paths": ["releases/y/*.zip"]})])
        for role, path in (("targets", "file"), ("A", "README.md"), ("C", "releases/x/x_v1"),
                           ("D", "releases/y/y_v1.zip"), ("D", "releases/z/z_v1.zip")):
            self.repo.add_target(role, path, path.encode() + b" by " + role.encode())
        self.repo.publish("A", "B", "C", "D")
        self.repo.publish_all()

    def look_for(self, path, role, asked):
        self.tree()
        if role:
            self.good(self.client.download(path))
            self.assertEqual(self.client.files(), [f"{path} by {role}".encode()])
        else:
            self.bad(self.client.download(path), "no target")
        self.assertEqual([n.split(".")[1] for n in self.repo.requests[4:]], list(asked))

    def test_in_the_top_role(self):
        self.look_for("file", "targets", "")

    def test_by_a_wildcard(self):
        self.look_for("README.md", "A", "A")

    def test_wildcard_does_not_cross_a_slash(self):
        self.look_for("dir/README.md", None, "")

    def test_by_parts_of_a_path(self):
        self.look_for("releases/x/x_v1", "C", "BC")

    def test_by_parts_of_a_path_with_a_suffix(self):
        self.look_for("releases/y/y_v1.zip", "D", "BD")

    def test_every_role_on_the_way_must_be_trusted_for_it(self):
        self.look_for("releases/z/z_v1.zip", None, "B")

    def test_the_first_that_may_speak_wins(self):
        self.build([("targets", "A"), ("targets", "B")])
        for role in "BA":
            self.repo.add_target(role, "file", b"by " + role.encode())
        self.repo.publish("A", "B")
        self.repo.publish_all()
        self.good(self.client.download("file"))
        self.assertEqual(self.client.files(), [b"by A"])

    def test_role_that_cannot_be_had_ends_the_search(self):
        """Or who withholds the file of A could have B speak."""
        self.build([("targets", "A"), ("targets", "B")])
        self.repo.add_target("B", "file", b"by B")
        self.repo.publish("B")
        self.repo.publish_all()
        served = self.repo.served.pop("1.A.json")
        self.bad(self.client.download("file"), "network", "A (1.A.json)", "not on the server")
        self.repo.served["1.A.json"] = served.replace(b'"version": 1', b'"version": 2')
        self.bad(self.client.download("file"), "untrusted", "A (1.A.json)", "0 of the 1")
        self.assertEqual(self.client.files(), [])

    def test_role_that_the_snapshot_does_not_list(self):
        self.build([("targets", "A")])
        self.repo.bodies["snapshot"]["meta"].pop("A.json")
        self.client = self.new_client()
        self.client.init()
        self.repo.publish("snapshot", "timestamp")
        self.bad(self.client.download("x"), "untrusted", "A (A.json)", "snapshot.json does not list")

    def test_keys_are_those_of_the_delegation(self):
        self.repo.delegate("targets", "A")
        self.repo.signers["A"] = self.repo.signers["targets"]
        self.repo.publish("A")
        self.repo.publish_all()
        self.bad(self.client.download("x"), "untrusted", "A (1.A.json)", "0 of the 1",
                 "who delegates to it lists other keys")
        self.assertNotIn("root.json", self.client.said)

    def test_threshold_of_a_delegation(self):
        entry = self.repo.delegate("targets", "A")
        entry["threshold"] = 2
        self.repo.publish("A")
        self.repo.publish_all()
        self.bad(self.client.download("x"), "untrusted", "A", "1 of the 2")

    def test_stored_role_is_verified_by_who_delegates_now(self):
        """A and B delegate to C by different keys; C is signed for A alone, and was stored by way of A."""
        for role in "AB":
            self.repo.delegate("targets", role, [role.lower() + "/*"])
            self.repo.delegate(role, "C", [role.lower() + "/*"])
        self.repo.signers["C"].pop()
        for path in ("a/file", "b/file"):
            self.repo.add_target("C", path, path.encode())
        self.repo.publish("A", "B", "C")
        self.repo.publish_all()
        self.bad(self.client.download("a/file", "b/file"), "untrusted", "C (1.C.json)", "0 of the 1")
        self.assertEqual(self.client.files(), [b"a/file"])
        self.bad(self.client.download("b/file"), "untrusted", "C (1.C.json)", "0 of the 1")
        self.good(self.client.download("a/file"))

    def test_end_of_a_diamond(self):
        self.build([("targets", "A"), ("targets", "B"), ("A", "C"), ("B", "C"), ("C", "D")])
        self.repo.add_target("D", "file", b"by D")
        self.repo.publish("D")
        self.repo.publish_all()
        self.good(self.client.download("file"))
        self.assertEqual(self.asked()[:3], ["A", "C", "2.D"])

    def test_role_that_was_visited_is_skipped(self):
        """C is signed for A alone; that B delegates to it too must not keep D from speaking."""
        for parent, role in (("targets", "A"), ("targets", "B"), ("A", "C"), ("B", "C"), ("B", "D")):
            self.repo.delegate(parent, role)
        self.repo.signers["C"].pop()
        self.repo.add_target("D", "file", b"by D")
        self.repo.publish("A", "B", "C", "D")
        self.repo.publish_all()
        self.good(self.client.download("file"))
        self.assertEqual(self.asked(), ["A", "C", "B", "D"])

    def chain(self, n):
        names = [f"r{i:02}" for i in range(n)]
        self.build(zip(["targets"] + names, names))
        self.repo.add_target(names[-1], "file", b"at the end")
        self.repo.publish(names[-1])
        self.repo.publish_all()

    def test_up_to_32_roles(self):
        self.chain(32)
        self.good(self.client.download("file"))
        self.assertEqual(len(self.repo.requests), 4 + 32)

    def test_not_more_than_32_roles(self):
        self.chain(33)
        self.bad(self.client.download("file"), "no target")
        self.assertEqual(len(self.repo.requests), 4 + 32)

    def test_many_ways_to_few_roles_end(self):
        """Every role delegates to every other: without a limit that is a search without end."""
        names = [f"r{i}" for i in range(12)]
        self.build([(a, b) for a in ["targets"] + names for b in names])
        self.bad(self.client.download("missing"), "no target")
        self.assertEqual(self.asked(), names)

    def prefix(self, path, n):
        return hashlib.sha256(path.encode()).hexdigest()[:n]

    def test_hash_prefixes(self):
        for path in ("file", "dir/other file"):
            self.setUp()
            wrong = "0" if self.prefix(path, 1) != "0" else "1"
            self.build([("targets", "A", {"paths": None, "path_hash_prefixes": [wrong]}),
                        ("targets", "B", {"paths": None, "path_hash_prefixes":
                                          [wrong, self.prefix(path, 3)]}),
                        ("targets", "C", {"paths": None, "path_hash_prefixes":
                                          [self.prefix(path, 64)]})])
            self.bad(self.client.download(path), "no target")
            self.assertEqual(self.asked(), ["B", "C"])

    def test_succinct_roles(self):
        """TAP 15, as python-tuf and RSTUF write it."""
        for bits, path in ((1, "a"), (4, "b"), (8, "dir/c"), (9, "d"), (16, "e"), (32, "f")):
            self.setUp()
            key = Key()
            digest = int(self.prefix(path, 8), 16)
            width = (bits + 3) // 4
            role = f"bin-{digest >> (32 - bits):0{width}x}"
            self.repo.bodies["targets"]["delegations"] = {"keys": {key.keyid: key.public}, "succinct_roles": {
                "keyids": [key.keyid], "threshold": 1, "bit_length": bits, "name_prefix": "bin"}}
            self.repo.bodies[role] = {**self.repo.header("targets", version=0), "targets": {}}
            self.repo.signers[role] = [key]
            self.repo.add_target(role, path, b"in a bin")
            self.repo.publish(role)
            self.repo.publish_all()
            self.good(self.client.download(path))
            self.assertEqual(self.repo.requests[4:], [f"1.{role}.json"])

    def test_wrong_delegations(self):
        role = {"name": "A", "keyids": [], "threshold": 1, "paths": ["*"], "terminating": False}
        succinct = {"keyids": [], "threshold": 1, "bit_length": 8, "name_prefix": "b"}
        for wrong in ("x", [], {}, {"keys": {}}, {"roles": []}, {"keys": {}, "roles": {}},
                      {"keys": {}, "roles": [1]}, {"keys": {}, "roles": [{**role, "name": 1}]},
                      {"keys": {}, "roles": [{**role, "name": ""}]},
                      {"keys": {}, "roles": [{**role, "terminating": "yes"}]},
                      {"keys": {}, "roles": [{**role, "paths": "x"}]},
                      {"keys": {}, "roles": [{**role, "paths": [1]}]},
                      {"keys": {}, "roles": [{**role, "path_hash_prefixes": ["a"]}]},
                      {"keys": {}, "roles": [role, role]},
                      {"keys": {}, "roles": [{**role, "name": "root"}]},
                      {"keys": {}, "roles": [{**role, "name": "targets"}]},
                      {"keys": {}, "roles": [], "succinct_roles": succinct},
                      {"keys": {}, "succinct_roles": []},
                      {"keys": {}, "succinct_roles": {**succinct, "bit_length": 0}},
                      {"keys": {}, "succinct_roles": {**succinct, "bit_length": 33}},
                      {"keys": {}, "succinct_roles": {**succinct, "name_prefix": None}}):
            self.setUp()
            self.repo.bodies["targets"]["delegations"] = wrong
            self.repo.publish_all()
            self.bad(self.client.refresh(), "corrupt", "targets (2.targets.json)")
            self.stored(root=1, timestamp=2, snapshot=2)

    def test_wrong_signers_of_a_delegation_hurt_only_who_follows_it(self):
        for wrong in ({"threshold": 0}, {"keyids": "x"}, {"keyids": [1]}):
            self.setUp()
            self.repo.delegate("targets", "A", ["a"]).update(wrong)
            self.repo.add_target("targets", "file", b"file")
            self.repo.publish("A")
            self.repo.publish_all()
            self.good(self.client.download("file"))
            self.bad(self.client.download("a"), "corrupt", "targets")


class Names(Case):
    """Names of roles and targets are chosen by others."""

    def test_roles(self):
        for role in ("?", "#", "/role", "../role", "..", ".", "a b", "%2e%2e", "a/../../b", "ü", "\n",
                     "C:\\x", "a.json", "1.root", ".hidden", "-", "a\x7fb", "\U0001f600"):
            self.setUp()
            self.repo.delegate("targets", role)
            self.repo.add_target("targets", "unrelated", b"")
            self.repo.publish(role)
            self.repo.publish_all()
            self.bad(self.client.download("nothing"), "no target")
            self.assertEqual(self.repo.requests[4:], [f"1.{urllib.parse.quote(role, safe='')}.json"])
            self.stored(**{"root": 1, "timestamp": 2, "snapshot": 2, "targets": 2, role: 1})

    def test_top_level_names_are_no_delegated_ones(self):
        for role in ("root", "timestamp", "snapshot", "targets"):
            self.setUp()
            self.repo.bodies["targets"]["delegations"] = {"keys": {}, "roles": [
                {"name": role, "keyids": [], "threshold": 1, "paths": ["*"], "terminating": False}]}
            self.repo.publish_all()
            self.bad(self.client.download("x"), "corrupt", "targets", role)
            self.assertEqual(self.client.bytes("root.json"), self.repo.initial_root)

    def test_long_role(self):
        self.repo.delegate("targets", "x" * 300)
        self.repo.publish("x" * 300)
        self.repo.publish_all()
        self.bad(self.client.download("x"), "corrupt", "too long")

    def test_role_whose_file_name_is_as_long_as_it_may_be(self):
        role = "x" * (255 - len("1..json"))
        self.repo.delegate("targets", role)
        self.repo.publish(role)
        self.repo.publish_all()
        self.bad(self.client.download("x"), "no target")
        self.assertIn(role, self.client.stored())

    def test_targets(self):
        for path in ("a b", "a?b", "dir/#", "ü/ö", "100%", "a\\b", "a:b", "%2e%2e/x", "..x", "x..", "...",
                     "a\nb", "-", "'\"", "@[]"):
            self.setUp()
            self.repo.add_target("targets", path, path.encode())
            self.repo.publish_all()
            self.good(self.client.download(path))
            self.assertEqual(self.client.files(), [path.encode()])
            folder, _, base = path.rpartition("/")
            digest = self.repo.bodies["targets"]["targets"][path]["hashes"]["sha256"]
            wanted = urllib.parse.quote((folder + "/" if folder else "") + digest + "." + base)
            self.assertEqual(self.repo.target_requests, [wanted])

    def test_targets_that_lead_out(self):
        for path in ("../x", "a/../../x", "/etc/passwd", "a//b", "a/", ".", "..", "a/./b", "/"):
            self.setUp()
            self.repo.bodies["targets"]["targets"][path] = {"length": 1, "hashes": {"sha256": "0" * 64}}
            self.repo.publish_all()
            self.bad(self.client.download(path), "corrupt", "not a path that can be fetched")
            self.assertEqual(self.repo.target_requests, [])


class Download(Case):
    def test_file(self):
        self.repo.add_target("targets", "file.txt", b"content")
        self.repo.publish_all()
        self.good(self.client.refresh())
        self.assertEqual(self.client.files(), [])
        self.good(self.client.download("file.txt"))
        self.assertEqual(self.client.files(), [b"content"])

    def test_file_in_a_folder(self):
        self.repo.add_target("targets", "path/to/a/file.txt", b"content")
        self.repo.publish_all()
        self.good(self.client.download("path/to/a/file.txt"))
        digest = hashlib.sha256(b"content").hexdigest()
        self.assertEqual(self.repo.target_requests, [f"path/to/a/{digest}.file.txt"])

    def test_empty_file(self):
        self.repo.add_target("targets", "empty", b"")
        self.repo.publish_all()
        self.good(self.client.download("empty"))
        self.assertEqual(self.client.files(), [b""])

    def swap(self, data, *words):
        self.repo.add_target("targets", "one", b"content")
        self.repo.publish_all()
        for name in self.repo.targets:
            self.repo.targets[name] = data
        self.bad(self.client.download("one"), *words)
        self.assertEqual(self.client.files(), [])

    def test_other_content(self):
        self.swap(b"CONTENT", "untrusted", "SHA-256")

    def test_longer(self):
        self.swap(b"content and more", "one")

    def test_shorter(self):
        self.swap(b"conten", "untrusted", "6 bytes")

    def test_endless(self):
        def endless(out):
            for _ in range(10000):
                out.write(b"x" * 100000)
        self.swap(endless, "network")

    def test_cached_file_is_not_fetched_again_but_checked(self):
        self.repo.add_target("targets", "one", b"content")
        self.repo.publish_all()
        self.good(self.client.download("one"))
        self.good(self.client.download("one"))
        self.assertEqual(self.repo.target_requests, [])
        self.repo.add_target("targets", "one", b"changed")
        self.repo.publish_all()
        self.good(self.client.download("one"))
        self.assertEqual(self.client.files(), [b"changed"])

    def test_kinds_of_hashes(self):
        for kinds in (("sha256",), ("sha512",), ("sha256", "sha512")):
            self.setUp()
            self.repo.add_target("targets", "file", b"content", kinds)
            self.repo.publish_all()
            self.good(self.client.download("file"))
            self.assertEqual(self.client.files(), [b"content"])

    def test_every_known_hash_must_fit(self):
        for kind in ("sha256", "sha512"):
            self.setUp()
            self.repo.add_target("targets", "file", b"content", ("sha256", "sha512"))
            hashes = self.repo.bodies["targets"]["targets"]["file"]["hashes"]
            hashes[kind] = "0" * len(hashes[kind])
            for digest in hashes.values():
                self.repo.targets[digest + ".file"] = b"content"
            self.repo.publish_all()
            self.bad(self.client.download("file"), "untrusted", "SHA-" + kind[3:])

    def test_unknown_kind_of_hash(self):
        self.repo.add_target("targets", "file", b"content", ("sha512",))
        target = self.repo.bodies["targets"]["targets"]["file"]
        target["hashes"] = {"unknown-hash": target["hashes"]["sha512"]}
        self.repo.publish_all()
        self.bad(self.client.download("file"), "untrusted", "neither SHA-256 nor SHA-512")
        self.assertEqual(self.client.files(), [])
        target["hashes"]["sha512"] = hashlib.sha512(b"content").hexdigest()
        self.repo.publish_all()
        self.good(self.client.download("file"))

    def test_target_of_a_wrong_form(self):
        good = {"length": 1, "hashes": {"sha256": "0" * 64}}
        for wrong in ("x", {}, {**good, "length": -1}, {**good, "length": "1"}, {**good, "hashes": {}},
                      {**good, "hashes": {"sha256": "0" * 63}}, {**good, "hashes": {"sha256": "A" * 64}},
                      {**good, "hashes": {"sha256": 0}}, {**good, "hashes": {"sha512": "0" * 64}},
                      {**good, "custom": "x"}, {"length": 1}):
            self.setUp()
            self.repo.bodies["targets"]["targets"]["file"] = wrong
            self.repo.add_target("targets", "other", b"other")
            self.repo.publish_all()
            self.bad(self.client.download("file"), "corrupt", "targets", "file")
            self.good(self.client.download("other"))
