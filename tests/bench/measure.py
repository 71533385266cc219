#!/usr/bin/python3
"""Runs a command in the sandbox and prints, as one line of JSON, what it cost.

    measure.py [--flip LINK] [--sample] --data DIR --log ACCESS_LOG -- COMMAND...

wall     seconds until the command ended, or until LINK named something else
total    seconds until the command ended
cpu      seconds of all processes of the sandbox but the web server and this one, until the end
fetched  bytes that the web server sent; payload: of them, what is no metadata of TUF; requests: how many it answered
written  bytes that reached the device below DIR, after a sync
With --sample, which itself takes time:
anon     most bytes of anonymous memory that all processes that were new held together
disk     most bytes that were in use below DIR, above those at the beginning
"""

import argparse
import ctypes
import json
import os
import resource
import select
import signal
import subprocess
import sys
import time

CGROUP = "/sys/fs/cgroup"
SERVER = CGROUP + "/system.slice/bench-server.service"
SAMPLE_SECONDS = 0.003
IN_MOVE = 0xC0
SECTOR = 512
METADATA = ("/metadata/", "/targets/")

libc = ctypes.CDLL(None, use_errno=True)


def cpu_seconds(cgroup):
    try:
        with open(cgroup + "/cpu.stat") as f:
            return int(f.readline().split()[1]) / 1e6
    except FileNotFoundError:
        return 0.0


def used_cpu():
    own = resource.getrusage(resource.RUSAGE_SELF)
    return cpu_seconds(CGROUP) - cpu_seconds(SERVER) - own.ru_utime - own.ru_stime


def device_of(path):
    number = os.stat(path).st_dev
    return "/sys/dev/block/%d:%d/stat" % (os.major(number), os.minor(number))


def written_bytes(path):
    """0 where it lies in memory."""
    if not os.path.exists(device_of(path)):
        return 0
    with open(device_of(path)) as f:
        return int(f.read().split()[6]) * SECTOR


def sync(path):
    """Only that file system: what others have written elsewhere is their affair."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    libc.syncfs(fd)
    os.close(fd)


def used_bytes(path):
    st = os.statvfs(path)
    return (st.f_blocks - st.f_bfree) * st.f_frsize


def sent(log):
    """The web server writes STATUS BYTES URI for each request."""
    with open(log) as f:
        lines = [line.split() for line in f]
    payload = [line for line in lines if not any(part in line[2] for part in METADATA)]
    return {
        "fetched": sum(int(line[1]) for line in lines),
        "payload": sum(int(line[1]) for line in payload),
        "requests": len(lines),
    }


def processes():
    return {name for name in os.listdir("/proc") if name.isdigit()}


def anonymous_bytes(pids):
    total = 0
    for pid in pids:
        try:
            with open("/proc/%s/status" % pid) as f:
                total += sum(int(line.split()[1]) for line in f if line.startswith("RssAnon:"))
        except (FileNotFoundError, ProcessLookupError):
            pass
    return total * 1024


def is_link_elsewhere(link, before):
    try:
        return os.readlink(link) != before
    except FileNotFoundError:
        return False


class Watch:
    """What is looked at while the command runs."""

    def __init__(self, options):
        self.options = options
        self.anon = self.disk = 0
        self.before = processes()
        self.used = used_bytes(options.data)
        self.flip = self.target = None
        self.notify = libc.inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK)
        if options.flip:
            if os.path.lexists(options.flip):
                self.target = os.readlink(options.flip)
            libc.inotify_add_watch(self.notify, os.path.dirname(options.flip).encode(), IN_MOVE)

    def sample(self):
        if self.options.sample and not self.flip:
            self.anon = max(self.anon, anonymous_bytes(processes() - self.before))
            self.disk = max(self.disk, used_bytes(self.options.data) - self.used)

    def look(self, now):
        while self.notify in select.select([self.notify], [], [], 0)[0]:
            os.read(self.notify, 65536)
        if self.options.flip and not self.flip and is_link_elsewhere(self.options.flip, self.target):
            self.flip = now

    def until_end(self, child):
        pidfd = os.pidfd_open(child.pid)
        period = SAMPLE_SECONDS if self.options.sample else None
        while pidfd not in select.select([pidfd, self.notify], [], [], period)[0]:
            self.look(time.monotonic())
            self.sample()
        self.look(time.monotonic())
        os.close(pidfd)
        return child.wait()


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--flip")
    parser.add_argument("--sample", action="store_true")
    parser.add_argument("--data", required=True)
    parser.add_argument("--log", required=True)
    parser.add_argument("command", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    options.command = options.command[1:]
    return options


def main():
    options = arguments()
    open(options.log, "w").close()
    sync(options.data)
    written = written_bytes(options.data)
    watch = Watch(options)
    cpu = used_cpu()
    start = time.monotonic()
    child = subprocess.Popen(options.command, stdout=sys.stderr, preexec_fn=os.setpgrp)
    signal.signal(signal.SIGTERM, lambda *_: os.killpg(child.pid, signal.SIGKILL))
    status = watch.until_end(child)
    end = time.monotonic()
    cpu = used_cpu() - cpu
    sync(options.data)
    result = {
        "status": status,
        "wall": (watch.flip or end) - start,
        "total": end - start,
        "cpu": cpu,
        **sent(options.log),
        "written": written_bytes(options.data) - written,
    }
    if options.sample:
        result.update(anon=watch.anon, disk=watch.disk)
    print(json.dumps(result))
    return 0


sys.exit(main())
