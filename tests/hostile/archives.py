"""What the makers of the corpus share: archives put together entry by entry, or byte by byte.

It writes into the directory that is the first argument of the program.
"""

import io
import os
import struct
import subprocess
import sys
import tarfile
import warnings
import zipfile

out = sys.argv[1]
manifest = []
TIME = 1700000000
KIB, MIB = 1 << 10, 1 << 20


def write(name, data):
    with open(os.path.join(out, name), "wb") as f:
        f.write(data)


def bad(name, word, data, options="-"):
    write(name, data)
    manifest.append(("bad", name, options, word))


def good(name, data, options="-", reference=None):
    """reference: a tar that unpacks to the same, where GNU tar cannot read the archive itself."""
    write(name, data)
    if reference is not None:
        write(name + ".reference", reference)
    manifest.append(("good", name, options, name + ".reference" if reference else name))


# ---- tar, by tarfile ----

def entry(name, content=None, kind=tarfile.REGTYPE, **more):
    info = tarfile.TarInfo(name)
    info.type = kind
    info.mtime = TIME
    info.size = len(content) if content is not None else 0
    info.mode = 0o755 if kind == tarfile.DIRTYPE else 0o644
    for key, value in more.items():
        setattr(info, key, value)
    return info, content


def file(name, content=b"content\n", **more):
    return entry(name, content, **more)


def directory(name, **more):
    return entry(name, kind=tarfile.DIRTYPE, **more)


def symlink(name, target, **more):
    return entry(name, kind=tarfile.SYMTYPE, linkname=target, **more)


def hardlink(name, target, **more):
    return entry(name, kind=tarfile.LNKTYPE, linkname=target, **more)


def tar(*entries, format=tarfile.PAX_FORMAT, end=True, **options):
    data = io.BytesIO()
    t = tarfile.open(fileobj=data, mode="w", format=format, errors="surrogateescape", **options)
    for info, content in entries:
        t.addfile(info, io.BytesIO(content) if content is not None else None)
    if end:
        t.close()
    return data.getvalue()


def zst(data, *options):
    return subprocess.run(["zstd", "-q", "-c", *options], input=data, check=True,
                          stdout=subprocess.PIPE).stdout


# ---- tar, byte by byte ----

def header(name=b"", size=b"00000000000\0", kind=b"0", link=b"", magic=b"ustar\0" b"00", mode=b"0000644\0",
           mtime=b"14524377400\0", prefix=b"", tail=None, checksum=None):
    block = (name.ljust(100, b"\0") + mode + b"0000000\0" * 2 + size + mtime + b" " * 8 + kind +
             link.ljust(100, b"\0") + magic + b"\0" * 64 + b"0000000\0" * 2)
    block += prefix.ljust(155, b"\0") if tail is None else tail
    block = block.ljust(512, b"\0")
    if checksum is None:
        checksum = b"%06o\0 " % sum(block)
    return block[:148] + checksum + block[156:]


def octal(n):
    return b"%011o\0" % n


def padded(data):
    return data + b"\0" * (-len(data) % 512)


END = b"\0" * 1024


def pax(records):
    """The extended header of the next entry."""
    body = b""
    for key, value in records:
        record = b" " + key + b"=" + value + b"\n"
        size = len(record)
        while size != len(record) + len(str(size)):
            size = len(record) + len(str(size))
        body += str(size).encode() + record
    return header(b"pax", octal(len(body)), b"x") + padded(body)


def sparse_gnu(name, size, blocks, data):
    """Old GNU sparse: offset and length of up to four blocks in the header."""
    fields = b"".join(octal(o) + octal(n) for o, n in blocks).ljust(96, b"\0")
    tail = b"\0" * 41 + fields + b"\0" + (octal(size) if size < 1 << 33 else base256(size))
    return header(name, octal(len(data)), b"S", magic=b"ustar  \0", tail=tail) + padded(data)


def base256(n):
    return b"\x80" + n.to_bytes(11, "big")


# ---- zip ----

def zip_info(name, mode=0o100644, method=zipfile.ZIP_DEFLATED):
    info = zipfile.ZipInfo(name, (2023, 11, 14, 22, 13, 20))
    info.create_system = 3
    info.external_attr = mode << 16 | (0x10 if mode >> 12 == 4 else 0)
    info.compress_type = method
    return info


def make_zip(*entries, stream=False, zip64=False):
    data = io.BytesIO()
    z = zipfile.ZipFile(Unseekable(data) if stream else data, "w")
    warnings.simplefilter("ignore")
    for name, content, *more in entries:
        with z.open(zip_info(name, *more), "w", force_zip64=zip64) as f:
            f.write(content)
    z.close()
    return data.getvalue()


class Unseekable(io.RawIOBase):
    """A pipe: zipfile then writes data descriptors behind the content."""

    def __init__(self, below):
        super().__init__()
        self.below = below

    def writable(self):
        return True

    def write(self, data):
        return self.below.write(data)


def patched(data, *changes):
    """Each change: (signature, offset behind it, new bytes), in all places where the signature is."""
    data = bytearray(data)
    for signature, offset, new in changes:
        at = data.find(signature)
        while at >= 0:
            data[at + offset:at + offset + len(new)] = new
            at = data.find(signature, at + 4)
    return bytes(data)


LOCAL, CENTRAL = b"PK\3\4", b"PK\1\2"
