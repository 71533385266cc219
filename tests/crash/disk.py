"""What flipslot keeps on disk, read by the book (slots-layout/README.md) and not by its own code."""

import hashlib
import json
import os
import stat

BLOCKS = {"flipslot-record": 8192, "flipslot-history": 1024}


class Bad(Exception):
    """Something that was promised does not hold."""


def block(raw, magic):
    """(sequence, {key: value}) of a whole block, None of an empty or damaged one."""
    line, newline, rest = raw.partition(b"\n")
    words = line.split(b" ")
    if not newline or len(words) != 5 or words[0] != magic.encode() or words[1] != b"1":
        return None
    sequence, length = int(words[2]), int(words[3])
    payload = rest[:length]
    if hashlib.sha256(b"%d\n" % sequence + payload).hexdigest().encode() != words[4]:
        return None
    fields = {}
    for one in payload.decode().splitlines():
        key, _, value = one.partition("=")
        fields[key] = value
    return sequence, fields


def blocks(path, magic):
    size = BLOCKS[magic]
    try:
        with open(path, "rb") as file:
            data = file.read()
    except FileNotFoundError:
        return []
    found = (block(data[at : at + size], magic) for at in range(0, len(data), size))
    return sorted((one for one in found if one), key=lambda one: one[0])


def record(path):
    """The newest whole record."""
    found = blocks(path, "flipslot-record")
    return found[-1][1] if found else {}


def history(root):
    """Oldest first."""
    return [fields for _, fields in blocks(f"{root}/history", "flipslot-history")]


def tree(path):
    """What a folder holds: {name: (type, mode, content)}."""
    found = {}
    for base, folders, files in os.walk(path):
        for name in folders + files:
            full = os.path.join(base, name)
            status = os.lstat(full)
            if stat.S_ISLNK(status.st_mode):
                what = ("l", 0, os.readlink(full))
            elif stat.S_ISDIR(status.st_mode):
                what = ("d", stat.S_IMODE(status.st_mode), "")
            else:
                with open(full, "rb") as file:
                    content = hashlib.sha256(file.read()).hexdigest()
                what = ("f", stat.S_IMODE(status.st_mode), content)
            found[os.path.relpath(full, path)] = what
    return found


def seal(root, slot):
    """The descriptor under a valid seal, None if there is no seal; raises Bad if it is damaged."""
    try:
        with open(f"{root}/slots/{slot}.seal", "rb") as file:
            line, _, rest = file.read().partition(b"\n")
    except FileNotFoundError:
        return None
    words = line.split(b" ")
    if len(words) != 5 or words[0] != b"flipslot-seal" or words[1] not in (b"1", b"2"):
        raise Bad(f"the seal of slot {slot} begins with {line[:60]!r}")
    lengths = int(words[2]) + int(words[3])
    if len(rest) != lengths or hashlib.sha256(rest).hexdigest().encode() != words[4]:
        raise Bad(f"the seal of slot {slot} is damaged")
    return json.loads(rest[: int(words[2])])


def complete(root, slot, trees):
    """The version in a slot that is sealed and holds every byte of it; None without a seal."""
    descriptor = seal(root, slot)
    if descriptor is None:
        return None
    version = descriptor["version"]
    found, wanted = tree(f"{root}/slots/{slot}"), trees[version]
    for name in sorted(found.keys() | wanted.keys()):
        if found.get(name) != wanted.get(name):
            raise Bad(
                f"slot {slot} is sealed as {version}, but {name} is "
                f"{found.get(name, 'missing')}, not {wanted.get(name, 'there')}"
            )
    return version


def current(root):
    """The slot that `current` names, None if it does not exist."""
    try:
        target = os.readlink(f"{root}/current")
    except FileNotFoundError:
        return None
    if target not in ("slots/a", "slots/b"):
        raise Bad(f"current leads to {target}")
    return target[-1]


def leftovers(root):
    """Temporary files, and what was being fetched."""
    found = []
    for folder in ("", "slots", "staging", "trust"):
        path = os.path.join(root, folder)
        if os.path.isdir(path):
            found += [
                os.path.join(folder, name)
                for name in os.listdir(path)
                if name.startswith(".flipslot-") or folder == "staging"
            ]
    return found
