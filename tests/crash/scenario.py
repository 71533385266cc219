"""What is interrupted: for each scenario the disk it begins on, the command, and how it has to end."""

import dataclasses
import json
import os
import shutil
import subprocess
import tarfile
import time

import disk
import machine
import pair
from machine import APP, DATA, run

OTHER_DATA = "precious " * 5000
RELEASES = "/run/releases"
REPO = "/run/repo"  # what the source serves; REPO.N: as it was when N was the newest


@dataclasses.dataclass
class Scenario:
    """A command, begun on a disk."""

    name: str
    base: str
    argv: list
    old: str  # what runs before, "" for nothing
    new: str  # what runs after it ended well
    who: str = "worker"  # whose calls are counted: worker, cli, recover
    verb: str = ""  # of the transaction; none: it makes none
    outcome: str = "committed"
    status: int = 0  # of the command
    begins: int = 1  # how many transactions it makes, those of the base not counted
    again: bool = True  # the same command again is to end the same way
    serve: str = ""  # which release the source offers
    delta: str = "prefer"  # how an update comes
    threads: bool = False  # other threads of the worker write too: theirs count
    held: str = ""  # "yes", "no": what the hold is to be in the end
    data: bool = False  # [Data] is kept aside
    group: int = 0  # as one with another app: its place, that of the other is 10
    health: dict = dataclasses.field(default_factory=dict)  # what machine.configure is told of [Health]

    def kept(self):
        """OnFail=keep: what failed stays, and what was known good before is known good still."""
        return self.health.get("fail") == "keep"


def install(version):
    return ["flipslot", "install", "gateway", f"{RELEASES}/{version}.tar", "--version", version,
            "--epoch", str(EPOCHS.get(version, 0)), "--trust-me", "--json"]  # fmt: skip


def cli(verb, *more):
    return ["flipslot", verb, "gateway", *more]


# Of the data, of those that have some
EPOCHS = {"one-data": 1, "two-data": 2, "two-sick": 2}

RECOVER = ["systemctl", "start", "flipslot-recover.service"]
URL = f"file://{REPO}"
SOURCE = cli("source", URL, "--root-json", f"{REPO}/metadata/1.root.json")

GROUP = ["flipslot", "update", "--group", machine.GROUP]

INIT = ["sh", "-c", "rm -rf /etc/flipslot/gateway.conf /etc/systemd/system/gateway.service.d; "
        "exec flipslot init gateway --unit gateway.service"]  # fmt: skip

SCENARIOS = [
    Scenario("first", "empty", install("1.0"), "", "1.0", verb="install"),
    Scenario("install", "one", install("2.0"), "1.0", "2.0", verb="install"),
    Scenario("install-over", "two", install("3.0"), "2.0", "3.0", verb="install"),
    Scenario("bad", "one", install("bad"), "1.0", "1.0", verb="install", outcome="rolled-back",
             status=10),
    Scenario("bad-probe", "one", install("sick"), "1.0", "1.0", verb="install", outcome="rolled-back",
             status=10, health={"deadline": "1s"}),
    Scenario("bad-later", "one", install("late"), "1.0", "1.0", verb="install", outcome="rolled-back",
             status=10, health={"watch": "2s"}),
    Scenario("bad-archive", "one", install("torn"), "1.0", "1.0", verb="install",
             outcome="refused|failed", status=6),  # failed: only if the worker was interrupted
    Scenario("bad-program", "one", install("alien"), "1.0", "1.0", verb="install", outcome="refused",
             status=9),
    Scenario("keep-start", "one", install("bad"), "1.0", "bad", verb="install", outcome="failed",
             status=10, again=False, health={"fail": "keep"}),
    Scenario("keep-probe", "one", install("sick"), "1.0", "sick", verb="install", outcome="failed",
             status=10, again=False, health={"fail": "keep", "deadline": "1s"}),
    Scenario("update", "repo", cli("update", "--json"), "1.0", "2.0", verb="update", serve="2.0",
             threads=True),
    Scenario("update-full", "repo", cli("update", "--json"), "1.0", "2.0", verb="update", serve="2.0",
             delta="off", threads=True),
    Scenario("data-update", "data", install("two-data"), "one-data", "two-data", verb="install", data=True),
    Scenario("data-bad", "data", install("two-sick"), "one-data", "one-data", verb="install",
             outcome="rolled-back", status=10, data=True, health={"deadline": "1s"}),
    Scenario("mend", "rotten", ["sh", "-c", "flipslot scrub gateway; systemctl start flipslot@gateway"], "2.0", "2.0", serve="2.0",
             threads=True),
    Scenario("group", "pair", GROUP, "1.0", "2.0", verb="update", serve="pair-2.0", threads=True, group=20),
    Scenario("group-bad", "pair", GROUP, "1.0", "1.0", verb="update", outcome="rolled-back|failed", status=10,
             again=False, serve="pair-sick", threads=True, group=5, health={"deadline": "1s"}),
    Scenario("group-ask", "pair", GROUP, "1.0", "2.0", who="cli", verb="update", serve="pair-2.0", group=20),
    Scenario("check-rotated", "repo", cli("check"), "1.0", "1.0", serve="rotated"),
    Scenario("check", "repo", cli("check"), "1.0", "1.0", serve="2.0"),
    Scenario("switch", "two", cli("switch", "previous", "--json"), "2.0", "1.0", verb="switch",
             again=False, held="yes"),
    Scenario("rollback", "two", cli("rollback", "--json"), "2.0", "1.0", verb="rollback",
             again=False, held="yes"),
    Scenario("hold", "one", cli("hold", "--why", "test"), "1.0", "1.0", held="yes"),
    Scenario("unhold", "held", cli("unhold"), "1.0", "1.0", held="no"),
    Scenario("init", "blank", INIT, "", "", who="cli"),
    Scenario("request", "one", install("2.0"), "1.0", "2.0", who="cli", verb="install"),
    Scenario("source", "one", SOURCE, "1.0", "1.0", who="cli", serve="1.0"),
    Scenario("recover-switching", "mid-switching", RECOVER, "1.0", "2.0", who="recover",
             verb="install", again=False),
    Scenario("recover-watching", "mid-watching", RECOVER, "1.0", "2.0", who="recover",
             verb="install", again=False),
    Scenario("recover-reverting", "mid-reverting", RECOVER, "1.0", "1.0", who="recover",
             verb="install", outcome="rolled-back", again=False),
    Scenario("recover-lost", "lost", RECOVER, "1.0", "1.0", who="recover", begins=0, again=False),
]  # fmt: skip




def find(name):
    return next(one for one in SCENARIOS if one.name == name)


# ---- releases ----


# What is wrong with some of them: lines of fault-app's behaviour
BEHAVIOUR = {"bad": "no-start=yes", "sick": "http-500=yes", "two-sick": "http-500=yes", "late": "die-after=700",
             "side-sick": "http-500=yes"}  # fmt: skip
VERSIONS = ("1.0", "2.0", "3.0", "bad", "sick", "late", "alien", "torn", "side-1.0", "side-2.0", "side-sick", *EPOCHS)


def make_tree(version):
    """A release with what a tree can have: folders, an empty file, a link, modes."""
    path = f"{RELEASES}/{version}"
    os.makedirs(f"{path}/lib/deep")
    shutil.copy("/in/fault-app", f"{path}/fault-app")
    if version == "alien":  # for a machine of another kind
        with open(f"{path}/fault-app", "r+b") as file:
            file.seek(18)
            file.write(b"\x02\x00")
    port = pair.PORT if version.startswith("side-") else machine.PORT
    lines = [f"version={version.removeprefix('side-')}", f"port={port}", BEHAVIOUR.get(version, "")]
    if version in EPOCHS:
        lines += [f"migrate={DATA}/epoch", f"epoch={EPOCHS[version]}"]
    machine.write(f"{path}/behaviour", "\n".join(filter(None, lines)) + "\n")
    machine.write(f"{path}/lib/deep/data", f"{version} " * 3000)
    machine.write(f"{path}/lib/same", "the same in each release\n" * 400)
    machine.write(f"{path}/lib/empty", "")
    os.symlink("deep/data", f"{path}/lib/link")
    run("chmod", "-R", "u=rwX,go=rX", path)
    os.chmod(f"{path}/fault-app", 0o755)
    with tarfile.open(f"{RELEASES}/{version}.tar", "w") as tar:
        tar.add(path, ".")
    if version == "torn":
        os.truncate(f"{RELEASES}/torn.tar", 20000)
    return disk.tree(path)


def make_releases():
    """{version: what its slot must hold}."""
    trees = {version: make_tree(version) for version in VERSIONS}
    run("flipslot", "repo", "init", REPO)
    for version in ("1.0", "2.0"):
        publish(REPO, "gateway", version, version)
        shutil.copytree(REPO, f"{REPO}.{version}")
    run("flipslot", "key", "new", "/run/new")
    with open(f"{REPO}/metadata/1.root.json", encoding="utf-8") as file:
        old = json.load(file)["signed"]["roles"]["timestamp"]["keyids"]
    run("flipslot", "repo", "rotate", REPO, "timestamp", "--add", "/run/new.key", "--remove", ",".join(old))
    shutil.copytree(REPO, f"{REPO}.rotated")
    if "side-1.0" in trees:
        make_pairs()
    return trees


def publish(repo, app, version, tree):
    run("flipslot", "repo", "add", repo, f"{RELEASES}/{tree}", "--app", app, "--version", version, "--level", "1")


def make_pairs():
    """What another source serves: the gateway, and a second app."""
    first = f"{REPO}.pair-1.0"
    run("flipslot", "repo", "init", first)
    publish(first, "gateway", "1.0", "1.0")
    publish(first, "side", "1.0", "side-1.0")
    for version in ("2.0", "sick"):
        repo = f"{REPO}.pair-{version}"
        shutil.copytree(first, repo)
        publish(repo, "gateway", "2.0", "2.0")
        publish(repo, "side", version, f"side-{version}")


def serve(version):
    shutil.rmtree(REPO)
    shutil.copytree(f"{REPO}.{version}", REPO)
    run("chmod", "-R", "a+rX", REPO)


# ---- the disks that scenarios begin on ----


def phases():
    return [disk.record(f"{app}/state").get("phase", "idle") for app in machine.apps()]


def wait_idle(box):
    if not machine.until(machine.PATIENCE, lambda: set(phases()) == {"idle"} and not box.worker_alive()):
        raise disk.Bad(f"no end: phase {phases()}")


def wait_idle_or_tick(box):
    """As the timer does, once what recover has begun is over."""
    wait_idle(box)
    run("systemctl", "start", *(machine.units_of(app)[1] for app in machine.apps()), check=False)
    wait_idle(box)


class Bases:
    """Made when they are wanted, kept as images."""

    def __init__(self, box, folder, interrupt):
        self.box = box
        self.folder = folder
        self.interrupt = interrupt  # runs a command up to a call
        self.made = set()

    def get(self, name):
        image = f"{self.folder}/{name}.img"
        if name not in self.made:
            self.make(name, image)
            self.made.add(name)
        return image

    def make(self, name, image):
        if name == "blank":
            self.box.format(image)
            return
        if name == "empty":
            machine.clone(self.get("blank"), image)
            self.box.insert(image)
            run(*INIT)
            machine.configure()
            self.box.off()
            return
        if name == "pair":
            self.make_pair(image)
            return
        before, argv = {
            "one": ("empty", install("1.0")),
            "two": ("one", install("2.0")),
            "held": ("one", cli("hold", "--why", "test")),
            "repo": ("one", SOURCE),
            "lost": ("one", ["true"]),
            "rotten": ("empty", SOURCE),
            "data": ("empty", install("one-data")),
            "mid-switching": ("one", install("2.0")),
            "mid-watching": ("one", install("2.0")),
            "mid-reverting": ("one", install("bad")),
        }[name]
        machine.clone(self.get(before), image)
        if name.startswith("mid-"):
            self.interrupt(image, argv, name)
            return
        self.box.insert(image)
        machine.configure(data=name == "data")
        if name == "data":
            machine.write(f"{DATA}/deep/other", OTHER_DATA)
        if before != "empty":
            self.box.up("1.0")
        if name in ("repo", "rotten"):
            serve("1.0")
        run(*argv)
        if name == "repo":
            run(*cli("update"))
        wait_idle(self.box)
        if name == "lost":  # both records are damaged, the links are gone
            with open(f"{APP}/state", "r+b") as file:
                file.write(b"x" * 16384)
        if name == "rotten":
            self.make_rotten()
        run("sync", "-f", APP)
        self.box.off()

    def make_pair(self, image):
        """Two apps, 1.0 of each, updated by themselves."""
        machine.clone(self.get("empty"), image)
        self.box.insert(image)
        pair.make_unit()
        run("systemctl", "daemon-reload")
        run(*pair.INIT)
        machine.configure()
        serve("pair-1.0")
        for app in ("gateway", "side"):
            run("flipslot", "source", app, URL, "--root-json", f"{REPO}/metadata/1.root.json")
        pair.configure(20, URL)
        for app in ("gateway", "side"):
            run("flipslot", "update", app)
        wait_idle(self.box)
        run("sync", "-f", APP)
        self.box.off()

    @staticmethod
    def make_rotten():
        """1.0, of the source, is to be gone back to; of two files one is in the other slot too, whole."""
        machine.configure(source=URL)
        run(*cli("update"))
        serve("2.0")
        run(*cli("update"))
        for name in ("deep/data", "same"):
            rot(f"{APP}/slots/a/lib/{name}")


def rot(path):
    """Not what it was, at the same size and time."""
    was = os.stat(path)
    with open(path, "r+b") as file:
        file.seek(500)
        file.write(b"rotten")
    os.utime(path, ns=(was.st_atime_ns, was.st_mtime_ns))


def check_data(version, what):
    """Code and data fit, the data is whole, and nothing of a copy is left."""
    found = sorted(disk.tree(DATA))
    if found != ["deep", "deep/other", "epoch"]:
        raise disk.Bad(f"{what}: the data is {found}")
    epoch = machine.read(f"{DATA}/epoch").strip()
    if epoch != str(EPOCHS[version]):
        raise disk.Bad(f"{what}: {version} runs, and the data is of epoch {epoch or 'nothing'}")
    if machine.read(f"{DATA}/deep/other") != OTHER_DATA:
        raise disk.Bad(f"{what}: the data is damaged")
    left = [name for name in os.listdir(machine.ROOT) if name.startswith(".")]
    if left:
        raise disk.Bad(f"{what}: left behind beside the data: {left}")


def on_disk():
    """All but the copy of the data, which is dropped without a sync, and what the service writes there itself, without one."""
    return {name: what for name, what in disk.tree(machine.ROOT).items() if name[0] != "." and not name.startswith("data/epoch")}


def start(argv):
    return subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def now():
    return time.monotonic()


if __name__ == "__main__":
    print(",".join(one.name for one in SCENARIOS))
