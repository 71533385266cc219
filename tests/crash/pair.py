"""A second app beside the gateway, in one group with it: both are updated, or neither. See README.md."""

import shutil

import disk
import machine
from disk import Bad
from machine import GROUP, ROOT, SIDE, SIDE_WORKER, run

RECORD = f"{ROOT}/{GROUP}.group/record"
PORT = 8081
UNIT = "side.service"
CONF = machine.SIDE_CONF
OPEN, ALL = "0", "1"
BUSY = 11  # exit status
TRIES = 5  # what a killed command has asked waits for 30 s
INIT = ["sh", "-c", f"rm -rf {CONF} {CONF}.d /etc/systemd/system/{UNIT}.d; "
        f"exec flipslot init side --unit {UNIT} --no-timer"]  # fmt: skip


def configure(order, source, watch="50ms", deadline="20s", fail="rollback"):
    """order: that of the gateway, before or behind the other one, which has 10; 0: there is no other."""
    group = "[Group]\nName=%s\nOrder=%d\n"
    machine.write("/etc/flipslot/gateway.conf.d/70-group.conf", group % (GROUP, order) if order else "")
    if not order:
        machine.remove(CONF)
        shutil.rmtree(f"{CONF}.d", ignore_errors=True)
        return
    text = machine.CONF % (deadline, watch, fail)
    text = text.replace("gateway.service", UNIT).replace(str(machine.PORT), str(PORT))
    machine.write(CONF, text + f"[Source]\nUrl={source}\n" + group % (GROUP, 10))


def make_unit():
    text = machine.UNIT.replace(machine.APP, SIDE)
    machine.write(f"/etc/systemd/system/{UNIT}", text)


def up(box, version):
    run("systemctl", "start", UNIT)
    return machine.until(machine.PATIENCE, lambda: box.serves(PORT) == version)


def trees(all_trees):
    """{version: what a slot of the second app must hold}."""
    return {name[5:]: tree for name, tree in all_trees.items() if name.startswith("side-")}


def verdict(record):
    return record.get("verdict", OPEN)


def takes_part(app, record):
    """Whether it knows of the round."""
    state = disk.record(f"{app}/state")
    return bool(record.get("round")) and state.get("transaction.round") == record["round"]


def committed(app):
    entries = disk.history(app)
    return bool(entries) and entries[-1]["outcome"] == "committed"


def check_cut(all_trees, what):
    """Right after the cut: the other app's slots (P1), and nobody has committed whom the record does not let."""
    slot = disk.current(SIDE)
    if slot is None or disk.complete(SIDE, slot, trees(all_trees)) is None:
        raise Bad(f"{what}: side: current names no sealed slot")
    for one in ("a", "b"):
        disk.complete(SIDE, one, trees(all_trees))
    record = disk.record(RECORD)
    for app in (machine.APP, SIDE):
        state = disk.record(f"{app}/state")
        if takes_part(app, record) and state.get("transaction.outcome") == "committed" and verdict(record) != ALL:
            raise Bad(f"{what}: {app} has committed, the verdict is {verdict(record)}")
    return record


def alone():
    """The one that was not asked while the other one was, if there is such a one: it would be waited for, for minutes."""
    record = disk.record(RECORD)
    for app, other in (("gateway", "side"), ("side", "gateway")):
        if (takes_part(f"{ROOT}/{other}", record) and not takes_part(f"{ROOT}/{app}", record)
                and verdict(record) == OPEN):  # fmt: skip
            return app
    return None


def join():
    """Whoever was not asked when the power failed, or the command was killed, is asked. Whether there was such a one."""
    for _ in range(TRIES):
        app = alone()
        if not app:
            return False
        done = run("flipslot", "update", app, "--group", GROUP, check=False)
        if done.returncode in (0, 10):
            return True
        if done.returncode != BUSY:
            break
    raise Bad(f"{app} does not join: {done.returncode}: {done.stdout}{done.stderr}")


def check_idle(box, all_trees, version, what):
    """All or none, by what is current, what answers, what is on record; nothing is left behind."""
    record = disk.record(RECORD)
    slot = disk.current(SIDE)
    side = disk.complete(SIDE, slot, trees(all_trees)) if slot else None
    if side != version:
        raise Bad(f"{what}: not all or none: gateway is {version}, side is {side}; the record: {record}")
    if not machine.until(machine.PATIENCE, lambda: box.serves(PORT) == side):
        raise Bad(f"{what}: side: {side} is current, {box.serves(PORT)} answers")
    good = disk.record(f"{SIDE}/state").get("good.version", "")
    if good != side:
        raise Bad(f"{what}: side: {side} runs, known good is {good}")
    done = run("flipslot", "verify", "side", check=False)
    if done.returncode:
        raise Bad(f"{what}: verify: {done.stdout}{done.stderr}")
    both = [app for app in (machine.APP, SIDE) if takes_part(app, record)]
    if both and verdict(record) == OPEN:
        raise Bad(f"{what}: it is over, and nothing was decided: {record}")
    for app in both:
        if committed(app) != (verdict(record) == ALL):
            raise Bad(f"{what}: {app}: {disk.history(app)[-1]}, but the verdict is {verdict(record)}")
    if run("systemctl", "is-failed", SIDE_WORKER, check=False).returncode == 0:
        raise Bad(f"{what}: the other worker's unit has failed")


def check_left(what, failing):
    """No temporary files, but what a failed try keeps for the next one."""
    left = disk.leftovers(SIDE)
    if failing and disk.record(f"{SIDE}/state").get("transaction.outcome") == "failed":
        left = [name for name in left if not name.startswith("staging/")]
    if left:
        raise Bad(f"{what}: side: left behind: {left}")
