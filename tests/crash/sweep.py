#!/usr/bin/python3
"""Power cuts, kills and errors before the N-th call, N = 1, 2, ... Runs inside the sandbox; see README.md."""

import argparse
import os
import random
import sys
import time
import traceback

import disk
import machine
import pair
import scenario
from disk import Bad
from machine import APP, RUN, STORE, run
from running import ENDED, STOPPED, Run, said_of, yes

GIVE_UP = 4  # failures of one scenario
ERRORS = ["EIO", "ENOSPC", "EROFS", "EMFILE", "ENOMEM", "EINTR", "EDQUOT", "SHORT", "on=EIO", "on=ENOSPC"]


class Sweep:
    """All N of one scenario on one file system."""

    def __init__(self, options, trees, kind):
        self.options = options
        self.trees = trees
        self.kind = kind
        self.mode = ""
        self.began = 0.0
        self.skip = ""
        self.box = machine.Machine(kind)
        self.folder = f"{STORE}/{kind}"
        os.makedirs(self.folder, exist_ok=True)
        self.bases = scenario.Bases(self.box, self.folder, self.make_middle)
        self.cut_image = f"{self.folder}/cut.img"

    def make_middle(self, image, argv, name):
        """The disk of a machine that lost its power in a phase."""
        call, number = {
            "mid-switching": ("renameat2", 1),
            "mid-watching": ("", 0),
            "mid-reverting": ("renameat2", 2),
        }[name]
        self.box.insert(image)
        self.box.up("1.0")
        watch = name == "mid-watching"
        machine.configure("20s" if watch else "50ms")
        one = Run(self.box, "worker", argv, call=call, n=number)
        if watch:
            machine.until(machine.PATIENCE, lambda: disk.record(f"{APP}/state").get("phase") == "watching")
        elif one.go() != STOPPED:
            raise Bad(f"{name} was not reached")
        machine.clone(image, self.cut_image)
        one.close()
        self.box.off()
        machine.configure()
        os.rename(self.cut_image, image)

    # ---- what has to hold ----

    def check_slot(self, what):
        """P1. The version that `current` names."""
        slot = disk.current(APP)
        if slot is None:
            return ""
        version = disk.complete(APP, slot, self.trees)
        if version is None:
            raise Bad(f"{what}: current names slot {slot}, which has no seal")
        return version

    def check_seals(self, what):
        """A seal is only ever over bytes that are on the disk, in either slot."""
        for slot in ("a", "b"):
            try:
                disk.complete(APP, slot, self.trees)
            except Bad as bad:
                raise Bad(f"{what}: {bad}") from None

    def check_table(self, one, what):
        """What docs/DURABILITY.md says that `current` names in each phase."""
        state = disk.record(f"{APP}/state")
        current = disk.current(APP)
        phase = state.get("phase", "")
        wanted = {"staging": "origin", "staged": "origin", "trial": "target", "watching": "target"}.get(phase)
        if wanted and state.get(f"transaction.{wanted}", "none") != (current or "none"):
            raise Bad(f"{what}: in {phase} current names {current}, not the {wanted}, "
                      f"{state.get(f'transaction.{wanted}')}")  # fmt: skip
        good = state.get("good.version", "")
        if phase == "idle" and current and good and not one.kept():
            version = (disk.seal(APP, current) or {}).get("version")
            if version != good:
                raise Bad(f"{what}: in idle current names {version}, known good is {good}")

    def check_fallback(self, state):
        """P4. What was known good before is there, whole, unless it gave way to a release since."""
        version = state.get("fallback.version")
        if not version:
            return ""
        other = {"a": "b", "b": "a"}[disk.current(APP)]
        sealed = disk.complete(APP, other, self.trees)
        return version if sealed == version else ""

    def check_idle(self, one, versions, what):
        """P3, P6, P9: what holds when nothing is under way. The version that runs."""
        scenario.wait_idle(self.box)
        state = disk.record(f"{APP}/state")
        version = self.check_slot(what)
        if version not in versions:
            raise Bad(f"{what}: current names {version or 'nothing'}, not one of {versions}")
        good = state.get("good.version", "")
        if good != version and good != (one.old if one.kept() else version):
            raise Bad(f"{what}: {version} runs, known good is {good}")
        if version and version != "bad" and not machine.until(machine.PATIENCE, lambda: self.box.serves() == version):
            raise Bad(f"{what}: {version} is current, {self.box.serves()} answers")
        if one.data:
            scenario.check_data(version, what)
        if version:
            done = run("flipslot", "verify", "gateway", check=False)
            if done.returncode:
                raise Bad(f"{what}: verify: {done.stdout}{done.stderr}")
        left = disk.leftovers(APP)
        if self.mode == "fault" and state.get("transaction.outcome") in ("failed", "refused"):
            left = [name for name in left if not name.startswith("staging/")]  # for the next try
        if left:
            raise Bad(f"{what}: left behind: {left}")
        if run("systemctl", "is-failed", machine.WORKER, check=False).returncode == 0:
            raise Bad(f"{what}: the worker's unit has failed")
        if one.group:
            pair.check_idle(self.box, self.trees, version, what)
            pair.check_left(what, self.mode == "fault")
        ids = [entry["id"] for entry in disk.history(APP)]
        if len(ids) != len(set(ids)):
            raise Bad(f"{what}: the history has one transaction twice: {ids}")
        return version

    def check_history(self, one, begun, before, what, any_outcome=False):
        """P6: one entry for what was begun, with the outcome that it had to have."""
        entries = disk.history(APP)[before:]
        wanted = one.begins if begun else 0
        if not one.verb:
            wanted = 0
        if len(entries) != wanted:
            raise Bad(f"{what}: {len(entries)} new entries in the history, not {wanted}: {entries}")
        if entries and not any_outcome and entries[-1]["outcome"] not in one.outcome.split("|"):
            raise Bad(f"{what}: outcome {entries[-1]}, not {one.outcome}")

    # ---- one N ----

    def begin(self, one, image):
        machine.clone(self.bases.get(one.base), image)
        if one.serve:
            scenario.serve(one.serve)
        self.box.insert(image)
        source = scenario.URL if one.base in ("repo", "rotten", "pair") else ""
        machine.configure(source=source, delta=one.delta, data=one.data, **one.health)
        pair.configure(one.group, source, **one.health)
        if one.old and one.who != "recover":
            if not self.box.up(one.old) or one.group and not pair.up(self.box, one.old):
                raise Bad(f"{one.old} does not come up before the test")

    def begun_on(self, one, before):
        """Whether the disk has the intent of the transaction, in the state or in the history."""
        state = disk.record(f"{APP}/state")
        entries = disk.history(APP)
        known = {entry["id"] for entry in entries[:before]}
        identity = state.get("transaction.id", "")
        return len(entries) > before or (bool(identity) and identity not in known)

    def start(self, one, number):
        """The command, with a durable call left out (control.py) if one is to be."""
        if self.skip:
            machine.write(f"{RUN}/skip", self.skip)
        return Run(self.box, one.who, one.argv, n=number, threads=yes(one.threads), children=yes(one.data))

    def cut(self, one, number):
        """The power fails before the N-th call. None: there are fewer."""
        image = f"{self.folder}/run.img"
        self.begin(one, image)
        before = len(disk.history(APP))
        current = disk.current(APP)
        running = self.start(one, number)
        try:
            if running.go() == ENDED:
                machine.remove(f"{RUN}/skip")
                self.cut_after(one, running, before, image)
                return None
            if self.mode == "some":
                machine.write_back_some(APP, random.Random(f"{self.options.seed} {number}"))
            machine.clone(image, self.cut_image)
        finally:
            self.box.kill(*machine.WORKER_CGROUPS)
            running.close()
            self.box.off()
            machine.remove(f"{RUN}/skip")
        with said_of(running):
            self.restore(one, running, before, current)
        return running.call

    def disturb(self, one, number):
        """The process is killed before the N-th call, or the call fails. None: there are fewer."""
        what = self.mode if self.mode != "fault" else ERRORS[(number + self.options.seed) % len(ERRORS)]
        self.begin(one, f"{self.folder}/run.img")
        before = len(disk.history(APP))
        killed = what == "kill"
        running = Run(self.box, one.who, one.argv, n=number, do=what,
                      bus=yes(killed), all=yes(not killed), children=yes(one.data))  # fmt: skip
        try:
            if running.go(to_the_end=True, then=pair.join if one.group else None) == ENDED:
                return None
        finally:
            running.close()
        with said_of(running, what):
            if one.who == "recover":
                run("systemctl", "start", "--no-block", "gateway.service", machine.WORKER)
            if one.base == "blank":
                self.check_usable(one)
            else:
                self.check_disturbed(one, running, before, what)
        return f"{running.call} {what}"

    def check_disturbed(self, one, running, before, what):
        scenario.wait_idle_or_tick(self.box)
        begun = self.begun_on(one, before)
        if running.said_accepted() and not begun:
            raise Bad(f"{what}: the command said accepted, the disk knows nothing of it")
        sure = what == "kill" and begun and one.verb
        version = self.check_idle(one, (one.new,) if sure else (one.old, one.new), f"after {what}")
        self.check_history(one, begun, before, f"after {what}", any_outcome=what != "kill")
        if not machine.until(machine.PATIENCE, lambda: not self.box.processes()):
            raise Bad(f"after {what}: left behind: {self.box.processes()}")
        if what == "kill" or one.again:
            self.check_finish(one, version, begun)

    def cut_after(self, one, running, before, image):
        """What was said to be done is on the disk: the power fails right after the end."""
        there = scenario.on_disk()
        machine.clone(image, self.cut_image)
        self.check_ended(one, running, before)
        running.close()
        self.box.off()
        self.box.insert(self.cut_image)
        found = scenario.on_disk()
        for name in sorted(there.keys() | found.keys()):
            if there.get(name) != found.get(name):
                raise Bad(f"it had ended, then the power failed: {name} is {found.get(name, 'gone')}, "
                          f"was {there.get(name, 'not there')}")  # fmt: skip

    def restore(self, one, running, before, current):
        self.box.insert(self.cut_image)
        if current and not disk.current(APP):
            raise Bad("after the cut: current is gone")
        self.check_slot("after the cut")
        if one.base != "rotten":
            self.check_seals("after the cut")
        self.check_table(one, "after the cut")
        if one.group:
            pair.check_cut(self.trees, "after the cut")
        begun = self.begun_on(one, before)
        if running.said_accepted() and not begun:
            raise Bad("after the cut: the command said accepted, the disk knows nothing of it")
        if one.base == "blank":
            self.check_usable(one)
            return
        if not self.box.boot():
            raise Bad("recover failed")
        begun = one.group and pair.join() or begun
        scenario.wait_idle_or_tick(self.box)
        versions = (one.old, one.new) if not begun or not one.verb else (one.new,)
        version = self.check_idle(one, versions, "after recovery")
        self.check_history(one, begun, before, "after recovery")
        self.check_finish(one, version, begun)

    def check_ended(self, one, running, before):
        """It came to its end by itself."""
        if running.process.returncode != one.status:
            raise Bad(f"exit status {running.process.returncode}: {running.end()}")
        if one.who == "recover":
            return
        if one.base == "blank":
            self.check_usable(one)
            return
        self.check_idle(one, (one.new,), "undisturbed")
        self.check_history(one, True, before, "undisturbed")
        self.check_held(one)

    def check_usable(self, one):
        """What init was interrupted in: init again, and a first release can go in."""
        for argv in (one.argv, scenario.install("1.0")):
            done = run(*argv, check=False)
            if done.returncode:
                raise Bad(f"again: exit status {done.returncode}: {done.stdout}{done.stderr}")
            machine.configure()
        self.check_idle(one, ("1.0",), "after a first release")

    def check_held(self, one):
        held = disk.record(f"{APP}/state").get("hold", "no")
        if one.held and held != one.held:
            raise Bad(f"hold is {held}, not {one.held}")

    def check_finish(self, one, version, begun):
        """The same command again, then back to the release before, where there is one."""
        if one.again or not begun:
            if one.who != "recover":
                done = run(*one.argv, check=False)
                if done.returncode != one.status:
                    raise Bad(f"again: exit status {done.returncode}: {done.stdout}{done.stderr}")
                version = self.check_idle(one, (one.new,), "again")
                self.check_held(one)
        back = self.check_fallback(disk.record(f"{APP}/state"))
        if one.outcome == "committed" and one.verb in ("install", "update") and one.old:
            if back != one.old:
                raise Bad(f"no way back to {one.old}: slot holds {back or 'nothing'}")
        if one.base == "rotten" and not back:
            raise Bad("the slot to go back to was not repaired, but lost")
        if back and one.name in self.options.rollback:
            done = run(*scenario.cli("rollback"), check=False)
            if done.returncode:
                raise Bad(f"rollback: {done.returncode}: {done.stdout}{done.stderr}")
            self.check_idle(one, (back,), "after a rollback")

    # ---- all N ----

    def keep(self, one, number):
        if not os.path.exists(self.cut_image):
            return "none"
        name = f"{self.kind}-{one.name}-{number}.img"
        run("cp", "--sparse=always", self.cut_image, f"/out/{name}")
        return name

    def fail(self, one, number, bad):
        print(f"{self.kind} {one.name} {self.mode} N={number}: {bad}")
        print(f"  image kept: {self.options.out}/{self.keep(one, number)}")
        print(f"  again: make crash FS={self.kind} SCENARIO={one.name} N={number} "
              f"MODE={self.mode} SEED={self.options.seed}", flush=True)  # fmt: skip
        since = f"--since=@{self.began:.3f}"
        journal = run("journalctl", since, "-n", "30", "--no-pager", "-o", "short-precise", check=False)
        print("".join(f"  | {line}\n" for line in journal.stdout.splitlines()), flush=True)

    def one_number(self, one, number):
        """What it was stopped before; None at the end; False when it failed."""
        machine.remove(self.cut_image)
        self.began = time.time()
        try:
            act = self.cut if self.mode in ("cut", "some") else self.disturb
            return act(one, number)
        except (Bad, RuntimeError, OSError, KeyError) as bad:
            if not isinstance(bad, Bad):
                traceback.print_exc(file=sys.stdout)
            self.fail(one, number, bad)
            return False
        finally:
            self.box.off()

    def all_numbers(self, one, mode, step=1, offset=1):
        """(how many were tried, how many failed)."""
        self.mode = mode
        numbers = self.options.n or range(offset, 100000, step)
        tried = failed = 0
        for number in numbers:
            began = scenario.now()
            call = self.one_number(one, number)
            if call is None:
                break
            tried += 1
            failed += call is False
            if self.options.verbose:
                print(f"  {scenario.now() - began:.2f} s  {call}", flush=True)
            if failed >= (1 if self.options.stop else GIVE_UP):
                break
        return tried, failed


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--n", type=lambda text: [int(one) for one in text.split(",")])
    parser.add_argument("--out", default="/out", help="where images are kept, as the host calls it")
    parser.add_argument("--rollback", default="install,bad,update", type=lambda text: text.split(","))
    parser.add_argument("--verbose", action="store_true")
    parser.add_argument("--stop", action="store_true", help="at the first failure")
    parser.add_argument("plan", nargs="+", help="FS:SCENARIO:MODE:STEP:OFFSET")
    return parser.parse_args()


def main():
    options = arguments()
    machine.Machine.prepare()
    trees = scenario.make_releases()
    sweeps = {}
    failures = 0
    for item in options.plan:
        kind, name, mode, step, offset = item.split(":")
        if kind not in sweeps:
            sweeps[kind] = Sweep(options, trees, kind)
        began = scenario.now()
        one = scenario.find(name)
        tried, failed = sweeps[kind].all_numbers(one, mode, int(step), int(offset))
        failures += failed
        word = "not ok" if failed else "ok"
        print(f"{word} - {kind} {name} {mode}: {tried} calls, {failed} failed, "
              f"{scenario.now() - began:.1f} s", flush=True)  # fmt: skip
        if failed and options.stop:
            return 1
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
