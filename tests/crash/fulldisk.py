#!/usr/bin/python3
"""No block and no inode is free: rollback, switch, recovery and what is recorded work all the same. See README.md."""

import argparse
import errno
import os
import sys

import disk
import machine
import scenario
import sweep
from disk import Bad
from machine import APP, ROOT, run

DIE = "/run/die"
NO_SPACE = 8


def fill_blocks(path):
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        for size in (1 << 20, 65536, 4096, 512, 1):
            try:
                while os.write(fd, b"x" * size):
                    pass
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
        os.fsync(fd)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
    finally:
        os.close(fd)


def fill_inodes(folder, name):
    for number in range(1000000):
        try:
            os.close(os.open(f"{folder}/{name}{number}", os.O_WRONLY | os.O_CREAT | os.O_EXCL))
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            return


def fill(kind):
    """Blocks, and inodes; those of Btrfs are metadata, see docs/DURABILITY.md."""
    os.makedirs(f"{ROOT}/inodes")
    if kind.startswith("ext4"):
        fill_inodes(f"{ROOT}/inodes", "a")
        os.unlink(f"{ROOT}/inodes/a0")
    for name in ("b", "c", "d"):
        fill_blocks(f"{ROOT}/fill")
        if kind != "btrfs":
            fill_inodes(f"{ROOT}/inodes", name)
        run("sync", "-f", ROOT)
    for number in range(100):
        try:
            with open(f"{ROOT}/inodes/more{number}", "wb") as file:
                file.write(b"x" * 4096)
                os.fsync(file.fileno())
        except OSError:
            break
    else:
        raise Bad("there is room for more")
    free = os.statvfs(ROOT)
    print(f"  {kind}: {free.f_bavail} blocks of {free.f_bsize} bytes and {free.f_ffree} inodes are free", flush=True)


class FullDisk:
    """One file system."""

    def __init__(self, options, trees, kind):
        self.kind = kind
        self.sweep = sweep.Sweep(options, trees, kind)
        self.box = self.sweep.box
        self.image = f"{self.sweep.folder}/full.img"
        self.command = None

    def ok(self, what, true=True, why=""):
        if not true:
            raise Bad(f"{what}: {why}")
        print(f"ok - {self.kind}: {what}", flush=True)

    def newest(self):
        return disk.history(APP)[-1]

    def does(self, what, argv, status=0):
        done = run(*argv, check=False)
        self.ok(what, done.returncode == status, f"exit status {done.returncode}: {done.stdout[-600:]}{done.stderr}")

    def at_rest(self, what, version, outcome=None):
        one = scenario.Scenario(what, "", [], version, version)
        self.sweep.check_idle(one, (version,), what)
        self.ok(f"{what}: {version} runs, is known good and whole")
        if outcome:
            self.ok(f"{what}: it is in the history", self.newest()["outcome"] == outcome, str(self.newest()))

    def fills_on_probation(self):
        """While a release is on probation the disk fills up, then the release dies."""
        machine.configure("200s")
        command = self.command = scenario.start(scenario.install("doomed"))
        if not machine.until(machine.PATIENCE, lambda: disk.record(f"{APP}/state").get("phase") == "watching"):
            raise Bad(f"no probation: {disk.record(f'{APP}/state')}")
        fill(self.kind)
        machine.write(DIE, "")
        said = command.communicate(timeout=machine.PATIENCE)[0]
        self.ok("a release that dies on a full disk is rolled back", command.returncode == 10, said[-600:])
        os.unlink(DIE)
        machine.configure()
        self.at_rest("rolled back", "2.0", "rolled-back")

    def recovers(self):
        """The power fails in the switch, the disk is full when the machine comes up again."""
        running = sweep.Run(self.box, "worker", scenario.cli("switch", "previous", "--json"), call="renameat2", n=1)
        stopped = running.go() == sweep.STOPPED
        machine.clone(self.image, self.sweep.cut_image)
        running.close()
        self.box.off()
        self.ok("the switch was reached", stopped)
        self.box.insert(self.sweep.cut_image)
        self.ok("recover works", self.box.boot())
        scenario.wait_idle_or_tick(self.box)
        self.at_rest("after the power cut", "doomed", "committed")

    def run(self):
        machine.FILE_SYSTEMS["ext4"] = ("48M", "mkfs.ext4 -q -N 400 -E lazy_itable_init=0", "commit=300")
        machine.clone(self.sweep.bases.get("two"), self.image)
        self.box.insert(self.image)
        machine.configure()
        self.box.up("2.0")
        self.fills_on_probation()
        self.does("a hold is written", scenario.cli("hold", "--why", "full"))
        self.does("and taken back", scenario.cli("unhold"))
        self.does("an install says what is wrong", scenario.install("big"), NO_SPACE)
        self.at_rest("refused", "2.0", "refused")
        self.does("a switch works", scenario.cli("switch", "previous"))
        self.at_rest("switched", "doomed", "committed")
        self.does("a rollback works", scenario.cli("rollback"))
        self.at_rest("back", "2.0", "committed")
        self.recovers()
        run("rm", "-rf", f"{ROOT}/fill", f"{ROOT}/inodes")
        run("sync", "-f", ROOT)
        self.does("with room again: unhold", scenario.cli("unhold"))
        self.does("with room again an install works", scenario.install("3.0"))
        self.at_rest("with room again", "3.0", "committed")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fs", default="ext4,xfs,btrfs")
    options = parser.parse_args()
    scenario.BEHAVIOUR["doomed"] = f"die-when-file={DIE}"
    scenario.VERSIONS = ("1.0", "2.0", "3.0", "doomed")
    machine.Machine.prepare()
    trees = scenario.make_releases()
    machine.write(f"{scenario.RELEASES}/1.0/ballast", "more than fits " * 3000000)
    run("tar", "-C", f"{scenario.RELEASES}/1.0", "-cf", f"{scenario.RELEASES}/big.tar", ".")
    settings = argparse.Namespace(seed=1, n=None, out="/out", rollback=[], verbose=False, stop=False)
    failed = 0
    for kind in options.fs.split(","):
        full = FullDisk(settings, trees, kind)
        try:
            full.run()
        except (Bad, RuntimeError, OSError, KeyError) as bad:
            failed += 1
            print(f"not ok - {kind}: {bad}", flush=True)
            print(run("df", "-h", ROOT, check=False).stdout, run("journalctl", "-n", "60", "--no-pager", check=False).stdout)
        finally:
            if full.command:
                full.command.kill()
            full.box.off()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
