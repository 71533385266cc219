#!/usr/bin/python3
"""Updates, good and bad, while worker, CLI, helpers, journald, the bus and the manager's own reload get in the way. See README.md."""

import argparse
import functools
import http.server
import json
import os
import random
import signal
import statistics
import sys
import threading
import time
import urllib.error
import urllib.request

import disk
import machine
import scenario
from disk import Bad
from machine import APP, HELPER_CGROUP, PORT, WORKER, WORKER_CGROUP, run

KINDS = {  # lines of fault-app's behaviour, and how it has to end
    "good": ("", "committed"),
    "slow": ("slow-start=300", "committed"),
    "no-start": ("no-start=yes", "rolled-back"),
    "exits": ("exit0=yes", "rolled-back"),
    "http-500": ("http-500=yes", "rolled-back"),
    "hangs": ("hang=yes", "rolled-back"),
    "dies": ("die-after=150", "rolled-back"),
    "crashes": ("crash=SEGV", "rolled-back"),
    "alien": ("", "refused"),
}
WEIGHTS = {"good": 8, "slow": 2}
ACTIONS = {"worker": 8, "cli": 3, "helper": 4, "spawner": 2, "journald": 2, "bus": 2, "reload": 3, "app": 1}
SPAN = 2.5  # seconds after the command in which something gets in the way
END = 180  # seconds that an update may take, in any case
STALL = 0.005
HELPER_WAIT = 1  # seconds
BY_UPDATE = 0.5  # of the releases come from a repository, the others from an archive
REPO_PORT = 8090
SLOW = 0.08  # seconds that the server takes for an answer, at most


class Prober(threading.Thread):
    """Asks the service all the time: when did which version answer well?"""

    def __init__(self):
        super().__init__(daemon=True)
        self.samples = []  # (time, version or None): changes only
        self.lock = threading.Lock()

    @staticmethod
    def ask():
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{PORT}/", timeout=0.5) as answer:
                return answer.read().decode().split("\n")[0]
        except (OSError, urllib.error.URLError):
            return None

    def run(self):
        while True:
            version, now = self.ask(), time.monotonic()
            with self.lock:
                if not self.samples or self.samples[-1][1] != version:
                    self.samples.append((now, version))
            time.sleep(STALL)

    def begin(self):
        with self.lock:
            self.samples = self.samples[-1:]

    def away(self, last):
        """Seconds from when the answer was not the one from before any more to when `last` answered for good."""
        with self.lock:
            samples = list(self.samples)
        if len(samples) < 2 or samples[-1][1] != last:
            return 0.0
        return samples[-1][0] - samples[1][0]


class Server(http.server.SimpleHTTPRequestHandler):
    """The repository, a little slow."""

    dice = random.Random(0)

    def do_GET(self):
        time.sleep(self.dice.uniform(0, SLOW))
        super().do_GET()

    def log_message(self, *_):
        pass

    @staticmethod
    def begin():
        handler = functools.partial(Server, directory=scenario.REPO)
        server = http.server.ThreadingHTTPServer(("127.0.0.1", REPO_PORT), handler)
        server.handle_error = lambda *_: None  # a helper that was killed hangs up
        threading.Thread(target=server.serve_forever, daemon=True).start()


def kill(*pids):
    done = 0
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
            done += 1
        except ProcessLookupError:
            pass
    return done


def main_pid(unit):
    try:
        with open(f"/sys/fs/cgroup/system.slice/{unit}/cgroup.procs", encoding="ascii") as file:
            return [int(line) for line in file][:1]
    except OSError:
        return []


def pids_in(cgroup):
    try:
        with open(f"{cgroup}/cgroup.procs", encoding="ascii") as file:
            return [int(line) for line in file]
    except OSError:
        return []


def worker_pids():
    return pids_in(WORKER_CGROUP)[:1]


def helper_pids():
    """What fetches and probes, without who starts them: the first one."""
    return pids_in(HELPER_CGROUP)[1:]


def kill_helper():
    """The next one that is there: they do not live long."""
    machine.until(HELPER_WAIT, helper_pids)
    return kill(*helper_pids())


def get_in_the_way(action, command):
    """Whether there was somebody to be hit."""
    if action == "worker":
        return kill(*worker_pids())
    if action == "helper":
        return kill_helper()
    if action == "spawner":
        return kill(*pids_in(HELPER_CGROUP)[:1])
    if action == "cli":
        return kill(command.pid) if command.poll() is None else 0
    if action == "reload":
        return run("systemctl", "daemon-reload", check=False).returncode == 0
    units = {"journald": "systemd-journald.service", "bus": "dbus.service", "app": "gateway.service"}
    return kill(*main_pid(units[action]))


class Campaign:
    """One sandbox, one service, many updates."""

    def __init__(self, options):
        self.dice = random.Random(options.seed)
        self.prober = Prober()
        self.old = ""
        self.log = open(f"/out/campaign-{options.seed}.jsonl", "w", encoding="utf-8")
        self.figures = []

    def prepare(self):
        box = machine.Machine("ext4")
        machine.Machine.prepare_devices()
        box.format("/tmp/app.img")
        os.makedirs(machine.ROOT, exist_ok=True)
        box.mount("/tmp/app.img")
        machine.write("/etc/systemd/system/gateway.service", machine.UNIT)
        run("systemctl", "daemon-reload")
        os.makedirs(scenario.RELEASES)
        run(*scenario.INIT)
        machine.configure("400ms", deadline="4s")
        self.make("1.0", "good")
        run(*scenario.install("1.0"))
        run("flipslot", "repo", "init", scenario.REPO)
        Server.begin()
        run(*scenario.cli("source", f"http://127.0.0.1:{REPO_PORT}", "--root-json",
                          f"{scenario.REPO}/metadata/1.root.json"))  # fmt: skip
        self.old = "1.0"
        self.prober.start()

    @staticmethod
    def make(version, kind):
        scenario.BEHAVIOUR[version] = KINDS[kind][0]
        scenario.make_tree(version)
        if kind == "alien":
            path = f"{scenario.RELEASES}/{version}"
            with open(f"{path}/fault-app", "r+b") as file:
                file.seek(18)
                file.write(b"\x02\x00")
            run("tar", "-C", path, "-cf", f"{path}.tar", ".")

    def publish(self, version):
        run("flipslot", "repo", "add", scenario.REPO, f"{scenario.RELEASES}/{version}", "--app", "gateway",
            "--version", version, "--level", "1")  # fmt: skip
        run("flipslot", "repo", "prune", scenario.REPO)

    def order(self, version, kind):
        """The command that brings it."""
        if kind == "alien" or self.dice.random() >= BY_UPDATE:
            return scenario.install(version)
        self.publish(version)
        return scenario.cli("update", "--json")

    def disturb(self, command):
        """Something gets in the way up to four times, at random moments. What did."""
        times = sorted(self.dice.uniform(0, SPAN) for _ in range(self.dice.randint(0, 4)))
        names, weights = list(ACTIONS), list(ACTIONS.values())
        plan = [(at, self.dice.choices(names, weights)[0]) for at in times]
        began = time.monotonic()
        hit = []
        for at, action in plan:
            time.sleep(max(0.0, began + at - time.monotonic()))
            if get_in_the_way(action, command):
                hit.append(f"{action}@{at:.2f}")
        return hit

    @staticmethod
    def wait_end(command):
        """The command has ended, nothing is under way, no worker is left."""
        def is_over():
            return (command.poll() is not None and not os.path.exists(WORKER_CGROUP)
                    and disk.record(f"{APP}/state").get("phase") == "idle"
                    and state_of(WORKER) in ("inactive", "failed"))  # fmt: skip

        def state_of(unit):
            return run("systemctl", "show", "-P", "ActiveState", unit, check=False).stdout.strip()

        return machine.until(END, is_over)

    def expect(self, kind, entries, known):
        """The outcome, "none" if the request never arrived; Bad if a promise is broken."""
        state = disk.record(f"{APP}/state")
        if len(entries) > 1:
            raise Bad(f"{len(entries)} outcomes: {entries}")
        if not entries:
            if state.get("transaction.id") != known:
                raise Bad("a transaction has no entry in the history")
            return "none"
        outcome = entries[0]["outcome"]
        if outcome == "committed" and KINDS[kind][1] != "committed":
            raise Bad(f"{kind} was committed")
        return outcome

    def check_rest(self, version):
        if not machine.until(machine.PATIENCE, lambda: self.prober.samples[-1][1] == version):
            raise Bad(f"{version} should answer, {self.prober.samples[-1][1]} does")
        slot = disk.current(APP)
        sealed = (disk.seal(APP, slot) or {}).get("version")
        if sealed != version:
            raise Bad(f"current names {sealed}, {version} is known good")
        left = disk.leftovers(APP)
        if left:
            raise Bad(f"left behind: {left}")
        if os.path.exists(WORKER_CGROUP):
            raise Bad("a process of the worker is left")

    def one(self, number):
        kind = self.dice.choices(list(KINDS), [WEIGHTS.get(kind, 1) for kind in KINDS])[0]
        version = f"2.{number}-{kind}"
        self.make(version, kind)
        argv = self.order(version, kind)
        before = disk.blocks(f"{APP}/history", "flipslot-history")[-1][0]
        known = disk.record(f"{APP}/state").get("transaction.id")
        self.prober.begin()
        began = time.monotonic()
        command = scenario.start(argv)
        reader = threading.Thread(target=command.communicate, daemon=True)
        reader.start()
        hit = self.disturb(command)
        figure = {"number": number, "kind": kind, "verb": argv[1], "hit": hit}
        ended = self.wait_end(command)
        figure["took"] = time.monotonic() - began
        figure["status"] = command.poll()
        if not ended:
            raise Bad(f"no end within {END} s: phase {disk.record(f'{APP}/state').get('phase')}; {figure}")
        entries = [fields for sequence, fields in disk.blocks(f"{APP}/history", "flipslot-history")
                   if sequence > before]  # fmt: skip
        figure["outcome"] = self.expect(kind, entries, known)
        figure["reason"] = entries[0].get("reason", "") if entries else ""
        if figure["outcome"] == "committed":
            self.old = version
        elif command.returncode == 0:
            raise Bad(f"the command said 0, it ended as {figure['outcome']}")
        self.check_rest(self.old)
        figure["away"] = self.prober.away(self.old)
        run("rm", "-rf", f"{scenario.RELEASES}/{version}", f"{scenario.RELEASES}/{version}.tar")
        return figure

    def run(self, runs, seconds):
        end = time.monotonic() + seconds
        failed = 0
        for number in range(1, runs + 1):
            if time.monotonic() > end:
                break
            since = time.time()
            try:
                figure = self.one(number)
                if is_lost(figure):
                    print(f"lost - {figure}", flush=True)
                    tell_journal(since, 200)
            except (Bad, RuntimeError, OSError, KeyError) as bad:
                failed += 1
                figure = {"number": number, "bad": str(bad)}
                print(f"not ok - run {number}: {bad}", flush=True)
                tell_journal(since, 60)
            self.figures.append(figure)
            print(json.dumps(figure), file=self.log, flush=True)
            if failed >= 3:
                break
        return failed


def is_lost(figure):
    """A good release that arrived, that nobody touched, and that was not committed."""
    hurt = any(hit.startswith("app@") for hit in figure["hit"])
    return KINDS[figure["kind"]][1] == "committed" and not hurt and figure["outcome"] not in ("committed", "none")


def tell_journal(since, lines):
    journal = run("journalctl", f"--since=@{since:.3f}", "--no-pager", "-o", "short-precise", check=False)
    print("".join(f"  | {line}\n" for line in journal.stdout.splitlines()[-lines:]), flush=True)


def percentile(values, part):
    return sorted(values)[min(len(values) - 1, int(part * len(values)))]


def spread(values):
    if not values:
        return "-"
    return f"{statistics.median(values):.2f} / {percentile(values, 0.99):.2f} / {max(values):.2f}"


def report(figures):
    """The lines of docs/CAMPAIGN.md."""
    whole = [one for one in figures if "bad" not in one]
    hits = [hit.split("@")[0] for one in whole for hit in one["hit"]]
    print("| release | updates | ended as | seconds to the end: median / p99 / max | service away, seconds |")
    print("| --- | --- | --- | --- | --- |")
    for kind in KINDS:
        of = [one for one in whole if one["kind"] == kind]
        if not of:
            continue
        outcomes = sorted({one["outcome"] for one in of})
        text = ", ".join(f"{name} {sum(one['outcome'] == name for one in of)}" for name in outcomes)
        print(f"| {kind} | {len(of)} | {text} | {spread([one['took'] for one in of])} | {spread([one['away'] for one in of])} |")
    back = [one["away"] for one in whole if one["outcome"].startswith("rolled-back") and one["away"] > 0]
    arrived = [one for one in whole if KINDS[one["kind"]][1] == "committed" and one["outcome"] != "none"]
    hurt = [one for one in arrived if any(hit.startswith("app@") for hit in one["hit"])]
    arrived = [one for one in arrived if one not in hurt]
    lost = [one for one in arrived if is_lost(one)]
    good = sum(one["outcome"] == "committed" for one in arrived)
    survived = sum(one["outcome"] == "committed" for one in hurt)
    by_update = sum(one["verb"] == "update" for one in whole)
    print(f"\nupdates: {len(figures)}, {by_update} of them from a repository; got in the way: " + ", ".join(f"{name} {hits.count(name)}" for name in ACTIONS))
    print(f"good releases that arrived and were committed: {good} of {len(arrived)}; of those that were themselves killed, "
          f"{survived} of {len(hurt)}")  # fmt: skip
    for one in lost:
        print(f"  {one['number']} {one['kind']}: {one['outcome']}: {one['reason']} ({' '.join(one['hit'])})")
    print(f"bad releases committed: 0; silent failures: {len(figures) - len(whole)}")
    print(f"time to recovery (old release away until it answers for good): {spread(back)} s, {len(back)} rollbacks")


def read(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=1e9, help="no further update after that long")
    parser.add_argument("--sum", nargs="+", metavar="FILE", help="only the figures of these campaigns, all together")
    options = parser.parse_args()
    if options.sum:
        report([figure for path in options.sum for figure in read(path)])
        return 0
    campaign = Campaign(options)
    campaign.prepare()
    failed = campaign.run(options.runs, options.seconds)
    report(campaign.figures)
    print(f"{'not ok' if failed else 'ok'} - {len(campaign.figures)} updates, {failed} broke a promise")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
