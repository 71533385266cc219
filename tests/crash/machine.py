"""The machine inside the sandbox: disks on images, the service, flipslot's units, the power button."""

import ctypes
import fcntl
import os
import subprocess
import time
import urllib.error
import urllib.request
import uuid

ROOT = "/var/lib/flipslot"
APP = f"{ROOT}/gateway"
DATA = f"{ROOT}/data"  # of the service; on the disk under test too
RUN = "/run/crash"
STORE = "/store"
PORT = 8080
WORKER = "flipslot@gateway.service"
GROUP = "shop"  # of two: pair.py
SIDE = f"{ROOT}/side"
SIDE_CONF = "/etc/flipslot/side.conf"
SIDE_WORKER = "flipslot@side.service"
CGROUPS = "/sys/fs/cgroup/system.slice"
WORKER_CGROUP = f"{CGROUPS}/system-flipslot.slice/{WORKER}"
HELPER_CGROUP = f"{CGROUPS}/system-flipslot\\x2dhelper.slice/flipslot-helper@gateway.service"
WORKER_CGROUPS = (WORKER_CGROUP, f"{CGROUPS}/system-flipslot.slice/{SIDE_WORKER}")
APP_CGROUPS = (f"{CGROUPS}/gateway.service", f"{CGROUPS}/side.service")
FICLONE = 0x40049409
PATIENCE = 120  # seconds for what has to come, on a machine that has much to do
libc = ctypes.CDLL(None, use_errno=True)

# kind (what comes before "-" is what it is mounted as): size of the image, how it is made, with which options it is mounted. Nothing is written back by the
# file system itself while a test lasts, so that what the disk holds is what was asked for.
FILE_SYSTEMS = {
    "ext4": ("48M", "mkfs.ext4 -q -E lazy_itable_init=0", "commit=300"),
    "ext4-nodelalloc": ("48M", "mkfs.ext4 -q -E lazy_itable_init=0", "commit=300,nodelalloc"),
    "ext4-writeback": ("48M", "mkfs.ext4 -q -E lazy_itable_init=0", "commit=300,data=writeback"),
    "ext4-journal": ("96M", "mkfs.ext4 -q -E lazy_itable_init=0 -J size=32", "commit=300,data=journal"),
    "ext4-1k": ("48M", "mkfs.ext4 -q -b 1024 -O ^64bit,^metadata_csum -E lazy_itable_init=0", "commit=300"),
    "xfs": ("300M", "mkfs.xfs -q", "nouuid"),
    "xfs-noreflink": ("300M", "mkfs.xfs -q -m reflink=0", "nouuid"),
    "btrfs": ("128M", "mkfs.btrfs -q", "commit=300"),
    "btrfs-compress": ("128M", "mkfs.btrfs -q", "commit=300,compress-force=zstd"),
}

UNIT = f"""[Unit]
Description=Gateway under test
StartLimitIntervalSec=0
[Service]
Type=notify
ExecStart={APP}/current/fault-app
Restart=always
RestartSec=100ms
[Install]
WantedBy=multi-user.target
"""

CONF = f"""[App]
Unit=gateway.service
[Update]
Reserve=1M
CheckOnStart=no
Scrub=0
[Health]
StartDeadline=%s
Watch=%s
OnFail=%s
[Probe web]
Kind=http
Url=http://127.0.0.1:{PORT}/
Period=100ms
Timeout=1s
"""


def run(*argv, check=True):
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if check and done.returncode:
        raise RuntimeError(f"{' '.join(argv)}: {done.returncode}: {done.stdout}{done.stderr}")
    return done


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def until(seconds, what):
    end = time.monotonic() + seconds
    while not what():
        if time.monotonic() > end:
            return False
        time.sleep(0.005)
    return True


def configure(watch="50ms", source="", delta="prefer", deadline="20s", fail="rollback", data=False):
    write("/etc/flipslot/gateway.conf", CONF % (deadline, watch, fail))
    write("/etc/flipslot/gateway.conf.d/50-source.conf", f"[Source]\nUrl={source}\nDelta={delta}\n")
    write("/etc/flipslot/gateway.conf.d/60-data.conf", f"[Data]\nPath={DATA}\nSnapshot=copy\n" if data else "")


def apps():
    """The directories of those that are configured."""
    return [APP, SIDE] if os.path.exists(SIDE_CONF) else [APP]


def units_of(app):
    """The service, the worker."""
    name = os.path.basename(app)
    return f"{name}.service", f"flipslot@{name}.service"


def clone(source, target):
    """A copy of one instant, under a new inode: a loop device of the old one may not be gone yet."""
    remove(target)
    with open(source, "rb") as old, open(target, "xb") as new:
        fcntl.ioctl(new, FICLONE, old.fileno())


def remove(path):
    if os.path.exists(path):
        os.unlink(path)


def write_back(fd):
    """The data of a file goes to the disk, its metadata only as far as the file system likes."""
    libc.sync_file_range(fd, ctypes.c_long(0), ctypes.c_long(0), 7)


def write_back_some(root, dice):
    """The file system writes back what it likes: the data of some files, and perhaps all of one, mostly of a slot."""
    files = sorted(
        os.path.join(folder, name)
        for folder, _, names in os.walk(root)
        for name in names
        if not os.path.islink(os.path.join(folder, name))
    )
    for path in files:
        if dice.random() < 0.5:
            fd = os.open(path, os.O_RDONLY)
            write_back(fd)
            os.close(fd)
    slots = [path for path in files if "/slots/" in path]
    if files and dice.random() < 0.5:
        fd = os.open(dice.choice(slots if slots and dice.random() < 0.7 else files), os.O_RDONLY)
        os.fsync(fd)
        os.close(fd)


class Machine:
    """One at a time in a sandbox."""

    def __init__(self, kind):
        self.kind = kind
        self.options = FILE_SYSTEMS[kind][2]
        self.mounted = False

    # ---- once ----

    @staticmethod
    def prepare_devices():
        for number in range(32):
            if not os.path.exists(f"/dev/loop{number}"):
                os.mknod(f"/dev/loop{number}", 0o60600, os.makedev(7, number))
        if not os.path.exists("/dev/loop-control"):
            os.mknod("/dev/loop-control", 0o20600, os.makedev(10, 237))

    @staticmethod
    def prepare():
        """Devices, the store on which images are cloned, units, a boot id that can change."""
        Machine.prepare_devices()
        run("truncate", "-s", "6G", "/tmp/store.img")
        run("mkfs.xfs", "-q", "-m", "reflink=1", "/tmp/store.img")
        os.makedirs(STORE, exist_ok=True)
        run("mount", "-o", "loop", "/tmp/store.img", STORE)
        os.makedirs(RUN, exist_ok=True)
        for who in ("worker", "recover", "cli"):
            os.mkfifo(f"{RUN}/calls.{who}")
        run("mount", "-o", "remount,bind,rw", "/proc/sys/kernel/random/boot_id")
        write("/etc/systemd/system/gateway.service", UNIT)
        for unit, verb, who in (
            ("flipslot@gateway", "run %i", "worker"),  # the calls of another one do not count
            ("flipslot-recover", "recover", "recover"),
        ):
            write(
                f"/etc/systemd/system/{unit}.service.d/crash.conf",
                "[Unit]\nStartLimitIntervalSec=0\n"
                f"[Service]\nExecStart=\nExecStart=/in/stop {who} /usr/bin/flipslot {verb}\n"
                "SystemCallFilter=seccomp pidfd_open pidfd_getfd\n",  # beside what it may already
            )
        run("systemctl", "daemon-reload")

    # ---- disks ----

    def format(self, image):
        size, command, _ = FILE_SYSTEMS[self.kind]
        run("truncate", "-s", size, image)
        run(*command.split(), image)

    def mount(self, image):
        run("mount", "-t", self.kind.split("-")[0], "-o", f"loop,{self.options}", image, ROOT)
        self.mounted = True

    def unmount(self):
        if not self.mounted:
            return
        if not until(PATIENCE, lambda: run("umount", ROOT, check=False).returncode == 0):
            run("umount", ROOT)
        self.mounted = False

    # ---- power ----

    @staticmethod
    def kill(*cgroups):
        for cgroup in cgroups:
            try:
                with open(f"{cgroup}/cgroup.kill", "w", encoding="ascii") as file:
                    file.write("1")
            except OSError:
                pass  # gone already

    def off(self):
        """Nothing runs any more, nothing is mounted."""
        self.kill(*WORKER_CGROUPS, f"{CGROUPS}/flipslot-recover.service", *APP_CGROUPS)
        units = [name for app in apps() for name in units_of(app)]
        run("systemctl", "stop", *units, "flipslot-recover.service", check=False)
        self.unmount()

    def insert(self, image):
        """The disk of a machine that is off; the next boot is another one."""
        self.mount(image)
        with open("/proc/sys/kernel/random/boot_id", "w", encoding="ascii") as file:
            file.write(f"{uuid.uuid4()}\n")

    @staticmethod
    def boot():
        """What happens at boot: the service's job is there from the beginning, and waits for recover, which it wants."""
        run("systemctl", "start", "--no-block", *(units_of(app)[0] for app in apps()))
        done = run("systemctl", "start", "flipslot-recover.service", check=False)
        return done.returncode == 0

    # ---- the service ----

    @staticmethod
    def serves(port=PORT):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=10) as answer:
                return answer.read().decode().split("\n")[0]
        except urllib.error.HTTPError as error:  # it runs, and is not well
            return error.read().decode().split("\n")[0]
        except OSError:
            return None

    def up(self, version):
        """The service of this version answers."""
        run("systemctl", "start", "gateway.service")
        return until(PATIENCE, lambda: self.serves() == version)

    @staticmethod
    def processes():
        """Those of flipslot."""
        done = run("pgrep", "-a", "-x", "flipslot", check=False)
        return done.stdout.strip()

    @staticmethod
    def worker_alive():
        return any(os.path.exists(cgroup) for cgroup in WORKER_CGROUPS)
