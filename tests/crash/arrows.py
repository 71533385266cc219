#!/usr/bin/python3
"""Every arrow of the phase diagram: which scenarios go along it, and the power cut on it. See README.md."""

import argparse
import sys

import machine
import scenario
import sweep

# Before the record is written; before it is synced; when it is.
CUTS = ("write", "sync", "act")


def arrows_of(log, first="idle"):
    """[(from, to, number of the write)] of the calls of an undisturbed run."""
    found = []
    phase = first
    for line in log:
        words = line.split(" ")
        if not words[-1].startswith("phase="):
            continue
        then = words[-1][6:]
        if then != phase:
            found.append((phase, then, int(words[0])))
        phase = then
    return found


def run_through(swept, one):
    """The arrows of a scenario, undisturbed."""
    swept.begin(one, f"{swept.folder}/run.img")
    running = swept.start(one, 0)
    try:
        running.go()
        return arrows_of(running.log)
    finally:
        running.close()
        swept.box.off()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fs", default="ext4,xfs,btrfs")
    parser.add_argument("--mode", default="cut,some")
    parser.add_argument("--scenario", default=",".join(s.name for s in scenario.SCENARIOS if s.verb and s.who == "worker"))
    parser.add_argument("--sample", action="store_true", help="one cut for each arrow")
    options = parser.parse_args()
    with open("/in/arrows", encoding="utf-8") as file:
        wanted = [tuple(line.split()) for line in file]
    machine.Machine.prepare()
    trees = scenario.make_releases()
    settings = argparse.Namespace(seed=1, n=None, out="/out", rollback=[], verbose=False, stop=False)
    sweeps = [sweep.Sweep(settings, trees, kind) for kind in options.fs.split(",")]
    reached = {arrow: [] for arrow in wanted}
    for name in options.scenario.split(","):
        one = scenario.find(name)
        for source, target, number in run_through(sweeps[0], one):
            reached.setdefault((source, target), []).append((one, number))
    return 1 if show(sweeps, options, wanted, reached) else 0


def show(sweeps, options, wanted, reached):
    """How many are not as they should be."""
    failed = 0
    for index, (arrow, places) in enumerate(reached.items()):
        what = f"arrow {arrow[0]} -> {arrow[1]}"
        if arrow not in wanted:
            print(f"not ok - {what}: the diagram does not have it", flush=True)
            failed += 1
            continue
        if not places:
            print(f"not ok - {what}: no scenario goes along it", flush=True)
            failed += 1
            continue
        one, number = places[0]
        chosen = [index % len(CUTS)] if options.sample else range(len(CUTS))
        bad = sum(cut_on(swept, mode, one, number + where) is False
                  for swept in sweeps for mode in options.mode.split(",") for where in chosen)  # fmt: skip
        names = " ".join(sorted({one.name for one, _ in places}))
        cuts = ", ".join(f"before its {CUTS[where]}" for where in chosen)
        print(f"{'not ok' if bad else 'ok'} - {what}: {names}; cut in {one.name} {cuts}", flush=True)
        failed += bad > 0
    return failed


def cut_on(swept, mode, one, number):
    swept.mode = mode
    return swept.one_number(one, number)


if __name__ == "__main__":
    sys.exit(main())
