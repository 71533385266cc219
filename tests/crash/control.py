#!/usr/bin/python3
"""The negative control: with one durable call left out, some power cut must be noticed. See README.md."""

import argparse
import re
import sys
import time

import machine
import scenario
import sweep
from disk import Bad

# Behind the call that was left out, before which the power is cut: what was not synced shows at once, or only when the file
# system has written something of what came later.
SPAN = {"cut": range(8), "some": (0, 1, 3, 6, 10, 15, 21, 28, 36, 45)}
END = 1000000
PLACES = 3  # where a call is made more often, so many of them are tried

# What nobody can notice, and why that is right; docs/DURABILITY.md has the same.
EXPLAINED = {
    r"durable_symlink .*point_previous": "`previous` decides nothing, and is made again by the next flip",
    r"durable_sync_dir .*point_previous|fsync .*\(durable_sync_dir\)$": "needs two failures: a kill between the exchange and "
    "its fsync, then a power cut behind the next try",
    r"durable_mkdir .*store_root": "the name of trust/ goes with the first sync in it on these file systems; POSIX does not say so",
    r"durable_mkdir .*(blob_get|plain_get|head_get|staged_make_dir)": "staging/ saves a transfer, no more",
    r"(fsync|durable_mkdir) .*\((durable_sync_dir<durable_(mkdir|preallocate)|make_temporary_dir<durable_mkdir|layout_create)":
    "the name of what init makes goes with the next sync in the same directory, of which there always is one; POSIX does not say so",
    r"durable_symlink .*\(layout_point_current": "the first `current`: `previous` is made right behind it, and syncs the same directory",
    r"\(group_create": "the name of what a round needs goes with the sync of the first record in it; POSIX does not say so",
    r"forget<refresh_run": "what the new keys have not signed is not trusted, whether it is there or not",
    r"durable_remove .*\((rebuild_begin|layout_clear_slot)": "a journal keeps the order of names: the seal is gone before anything under "
    "it is, with or without a sync; POSIX does not say so (tests/store/test-layout looks at the order)",
    r"lay_aside": "a journal keeps the order of names, not so Btrfs: the one laid aside is there before the other is gone; POSIX does not say so",
    r"data_restore": "on the one disk under test the sync of the flip behind it takes it along; the data may lie on another",
    r"try_exchange": "it only tries whether two names can be exchanged there; both are empty, and made anew by the next worker",
    r"write_conf": "it lies in /etc, which is not on the disk under test",
}

# What cannot be noticed on this file system.
EXPLAINED_ON = {
    "xfs": {r"\(copy<data_take": "what is cloned is on the disk before its clone is, and the sync of the flip has all names before it; "
            "xfs-noreflink notices"},
}  # fmt: skip

# What no scenario comes to, and why none does; anything else that none comes to is a failure.
UNREACHED = {
    r"app/verb-units": "it lies in /etc/systemd/system, which is not on the disk under test",
    r"app/trace.c": "the app's Root= is where it is by default; a lost trace is left anew by each worker (tests/app/test-trace)",
    r"deploy/imprint.c": "no scenario has a release that changes its unit, and that lies in /etc (tests/deploy/test-imprint)",
    r"deploy/plain.c": "no scenario has a TargetPattern=; these names in staging/ save a transfer, no more",
    r"partial_drop": "no transfer was broken off before; staging/ saves a transfer, no more",
    r"salvage_drop": "no repair was broken off before; tests/install/test-salvage has the kill in one",
    r"make_slot<layout_tidy": "nobody removes a slot's directory; tests/store/test-layout has that, and tests/system/test-damage",
    r"store/revive.c|layout_create_missing": "nobody removes what init has made; tests/store/test-revive, tests/system/test-damage",
    r"layout_remove_current": "no scenario has a first release that fails; tests/store/test-layout, tests/system/test-bad",
    r"store/outbox.c": "no alert is configured; tests/store/test-outbox lets each call fail, or be the last",
}


class Site:
    """A call in the program."""

    def __init__(self, line):
        self.address, self.name, self.place, self.chain = line.split()
        self.occurs = []  # (scenario, number of the call that is next)

    def __str__(self):
        return f"{self.name} {self.place} ({self.chain})"

    def reason(self, table):
        return next((why for where, why in table.items() if re.search(where, str(self))), "")


def occurrences(swept, one, sites):
    """Lets the operation run to its end with each call marked: which sites it passes, and when."""
    swept.skip = "mark"
    swept.begin(one, f"{swept.folder}/run.img")
    running = swept.start(one, 0)
    try:
        running.go()
    finally:
        running.close()
        swept.box.off()
    marks = 0
    for line in running.log:
        number, call, path = line.split(" ", 2)
        match = re.search(r"\.site-([0-9a-f]+)", path)
        if not match or call != "unlinkat":
            continue
        marks += 1
        if match[1] in sites:
            sites[match[1]].occurs.append((one, int(number) - marks + 1))


def notices(swept, address, one, number):
    """What was not as promised when the power was cut there, "" if nothing; None at the end of the operation."""
    swept.skip = address
    machine.remove(swept.cut_image)
    try:
        return "" if swept.cut(one, number) else None
    except (Bad, OSError, KeyError) as bad:
        return str(bad)
    except RuntimeError as broken:  # the machine that it is tried on: nothing was found out
        print(f"  {one.name} N={number}: {broken}".rstrip(), flush=True)
        return ""
    finally:
        swept.box.off()


def places(site):
    """The first of each scenario before the second of any."""
    seen = {}
    ranked = []
    for one, number in site.occurs:
        seen[one.name] = seen.get(one.name, 0) + 1
        ranked.append((seen[one.name], one, number))
    ranked.sort(key=lambda item: item[0])
    return [(one, number) for _, one, number in ranked[:PLACES]]


def try_end(swept, site):
    """What was said to be done, in each scenario that has the call: who noticed that it is not; the number of cuts."""
    swept.mode = "cut"
    scenarios = list({one.name: one for one, _ in site.occurs}.values())
    for cuts, one in enumerate(scenarios, 1):
        what = notices(swept, site.address, one, END)
        if what and not notices(swept, "", one, END):
            return f"FS={swept.kind} SCENARIO={one.name} MODE=cut, at its end: {' '.join(what.split())[:200]}", cuts
    return "", len(scenarios)


def try_site(sweeps, site):
    """Who noticed; the number of cuts."""
    cuts = 0
    for swept in sweeps:
        noticed, tried = try_end(swept, site)
        cuts += tried
        if noticed:
            return noticed, cuts
        for mode in ("cut", "some"):
            for one, first in places(site):
                swept.mode = mode
                for number in (first + behind for behind in SPAN[mode]):
                    what = notices(swept, site.address, one, number)
                    cuts += 1
                    if what is None:
                        break  # that was the end
                    # red by that call alone: the calls behind it count one more when it is there
                    if what and not notices(swept, "", one, number + 1):
                        where = f"FS={swept.kind} SCENARIO={one.name} MODE={mode} N={number}"
                        return f"{where}: {' '.join(what.split())[:200]}", cuts
    return "", cuts


def judge_unreached(site, some):
    """No scenario comes to it; `some`: not all were asked."""
    reason = site.reason(UNREACHED)
    if reason:
        print(f"ok - control {site}: unreached, because {reason}", flush=True)
    elif some:
        print(f"ok - control {site}: not in these scenarios # SKIP", flush=True)
    else:
        print(f"not ok - control {site}: no scenario comes to it, and control.py does not say why", flush=True)
    return bool(reason) or some


def explanation(sweeps, site):
    """Of all file systems that were tried; "": there is none."""
    reasons = {site.reason(EXPLAINED_ON.get(swept.kind, {})) for swept in sweeps}
    return site.reason(EXPLAINED) or ("" if "" in reasons else "; ".join(sorted(reasons)))


def judge(sweeps, site):
    began = time.monotonic()
    noticed, cuts = try_site(sweeps, site)
    reason = explanation(sweeps, site)
    spent = f"({cuts} cuts, {time.monotonic() - began:.0f} s)"
    if noticed:
        print(f"ok - control {site}: red: {noticed} {spent}", flush=True)
    elif reason:
        print(f"ok - control {site}: explained: {reason} {spent}", flush=True)
    else:
        print(f"not ok - control {site}: nobody notices {spent}", flush=True)
    return bool(noticed or reason)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fs", default="ext4,xfs,btrfs")
    parser.add_argument("--site", default="", help="regular expression over place and functions")
    parser.add_argument("--scenario", default="", help="all by default")
    parser.add_argument("--unreached", action="store_true", help="only whether the scenarios come to each call; no cuts")
    options = parser.parse_args()
    with open("/in/sites", encoding="utf-8") as file:
        found = [Site(line) for line in file]
    sites = {site.address: site for site in found if re.search(options.site, str(site))}
    machine.Machine.prepare()
    trees = scenario.make_releases()
    settings = argparse.Namespace(seed=1, n=None, out="/out", rollback=["install"], verbose=False, stop=True)
    sweeps = [sweep.Sweep(settings, trees, kind) for kind in options.fs.split(",")]
    names = options.scenario.split(",") if options.scenario else [one.name for one in scenario.SCENARIOS]
    for name in names:
        occurrences(sweeps[0], scenario.find(name), sites)
    reached = {str(site) for site in sites.values() if site.occurs}  # the compiler may have made two of one
    good = [judge_unreached(site, bool(options.scenario)) for site in sites.values() if str(site) not in reached]
    if not options.unreached:
        good += [judge(sweeps, site) for site in sites.values() if site.occurs]
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
