#!/usr/bin/python3
"""The tables of a benchmark, as Markdown.      table.py RESULTS TREES

RESULTS has a line of JSON for each measurement (measure.py) and each note. Of wall, CPU and bytes the least of all rounds counts:
whatever else the machine does only adds. Memory and disk come from the one round with samples. Ratios are to the script.
"""

import json
import os
import platform
import sys
import time

REFERENCE = "script"
LEAST = ("wall", "total", "cpu", "fetched", "payload", "requests", "written")
MOST = ("anon", "disk")
DELTAS = ("zstd", "xdelta3", "bsdiff", "ostree")
PACKAGES = "packages"
MIB = 1024 * 1024


def load(name):
    rows, notes = {}, []
    with open(name, encoding="utf-8") as f:
        for line in f:
            one = json.loads(line)
            if "note" in one:
                notes.append(one)
            else:
                rows.setdefault((one["pair"], one["step"], one["peer"]), []).append(one)
    return {key: merge(rounds) for key, rounds in rows.items()}, notes


def merge(rounds):
    """Samples take time of their own: such a round counts only where there is no other."""
    timed = [r for r in rounds if "anon" not in r] or rounds
    row = {name: min(r[name] for r in timed) for name in LEAST}
    row.update({name: max((r[name] for r in rounds if name in r), default=None) for name in MOST})
    row["about"] = rounds[0]["about"]
    row["rounds"] = len(timed)
    return row


def megabytes(value):
    return "–" if value is None else "%.2f" % (value / 1e6) if value < 1e7 else "%.1f" % (value / 1e6)


def cells(row, reference):
    ratio = "%.2f×" % (row["wall"] / reference["wall"]) if reference else "–"
    anon = "–" if row["anon"] is None else "%.1f" % (row["anon"] / MIB)
    return [
        row["about"], "%.2f" % row["wall"], ratio, "%.2f" % row["cpu"], megabytes(row["fetched"]), "%d" % row["requests"],
        megabytes(row["written"]), megabytes(row["disk"]), anon,
    ]


HEAD = ["way", "wall, s", "ratio", "CPU, s", "fetched, MB", "requests", "written, MB", "peak disk, MB", "peak memory, MiB"]


def table(rows, pair, step):
    chosen = {peer: row for (p, s, peer), row in rows.items() if (p, s) == (pair, step)}
    if not chosen:
        return
    print("\n**%s**\n" % {"install": "Full install", "update": "Update"}[step])
    print("| " + " | ".join(HEAD) + " |")
    print("|" + " --- |" + " ---: |" * (len(HEAD) - 1))
    for row in sorted(chosen.values(), key=lambda row: row["wall"]):
        print("| " + " | ".join(cells(row, chosen.get(REFERENCE))) + " |")


def title(trees, pair):
    with open(os.path.join(trees, pair, "title"), encoding="utf-8") as f:
        return f.read().strip()


class Budgets:
    """What DESIGN.md promises, held against what was measured."""

    def __init__(self, rows):
        self.rows = rows
        self.lines = []

    def get(self, pair, step, peer, name):
        row = self.rows.get((pair, step, peer))
        return row[name] if row else None

    def hold(self, pair, what, value, limit, form):
        if value is None or limit is None:
            return
        self.lines.append("| %s | %s | %s | %s | %s |" % (pair, what, form(value), form(limit), "yes" if value <= limit else "**no**"))

    def wall(self, pair, step, part):
        script = self.get(pair, step, REFERENCE, "wall")
        own = self.get(pair, step, "flipslot", "wall")
        if script and own:
            self.hold(pair, "%s, wall time to the script's" % step, own / script, part, lambda v: "%.2f×" % v)

    def bytes(self, pair):
        own = self.get(pair, "update", "flipslot", "payload")
        others = [self.get(pair, "update", peer, "payload") for peer in DELTAS]
        self.hold(pair, "update without metadata, kB, to the best difference's", own, min((o for o in others if o), default=None),
                  lambda v: "%.1f" % (v / 1e3))
        full = self.get(pair, "install", "flipslot", "fetched")
        blocks = self.get(pair, "update", "flipslot-blocks", "fetched")
        if full and blocks:
            part = 0.15 if pair == PACKAGES else 1.01
            self.hold(pair, "update without patches, part of full", blocks / full, part, lambda v: "%.3f" % v)

    def written(self, pair):
        own = self.get(pair, "update", "flipslot", "written")
        self.hold(pair, "update, MB written to the disk, by copy", own, 260e6, lambda v: "%.1f" % (v / 1e6))

    def memory(self, pair):
        for step in ("install", "update"):
            own = self.get(pair, step, "flipslot", "anon")
            self.hold(pair, "%s, MiB of all processes" % step, own, 24 * MIB, lambda v: "%.1f" % (v / MIB))

    def of(self, pair):
        if pair in ("gateway", "own"):
            self.wall(pair, "install", 0.8)
            self.wall(pair, "update", 0.6)
        if pair == "gateway":
            self.written(pair)
        self.bytes(pair)
        self.memory(pair)


def main():
    rows, notes = load(sys.argv[1])
    trees = sys.argv[2]
    budgets = Budgets(rows)
    print("%s, %s, %d cores, Linux %s.\n" % (time.strftime("%Y-%m-%d", time.gmtime()), platform.machine(), os.cpu_count(), platform.release()))
    print("Load of the machine while it ran: %s." % os.getenv("BENCH_LOAD", "not known"))
    for pair in dict.fromkeys([key[0] for key in rows] + [n["pair"] for n in notes]):
        print("\n## %s: %s" % (pair, title(trees, pair)))
        for step in ("install", "update"):
            table(rows, pair, step)
        for note in notes:
            if note["pair"] == pair:
                print("\n%s could not: %s" % (note["peer"], note["note"]))
        budgets.of(pair)
    print("\n## Budgets\n\n| tree | what | is | at most | kept |\n| --- | --- | ---: | ---: | --- |")
    print("\n".join(budgets.lines))
    return 0


sys.exit(main())
