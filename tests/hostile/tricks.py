"""Archives whose parts contradict each other, and what another reader than ours would take for an archive."""

import bz2
import gzip
import lzma
import struct
import zlib

from archives import *


def long_names():
    """GNU's long names and links ('L', 'K') stand before the entry that they are of."""
    def long(kind, text):
        return header(b"././@LongLink", octal(len(text)), kind) + padded(text)

    ok = header(b"ok")
    bad("gnu-long-dotdot.tar", '".."', long(b"L", b"../hostile\0") + ok + END)
    bad("gnu-long-absolute.tar", "absolute name", long(b"L", b"/etc/flipslot-hostile\0") + ok + END)
    bad("gnu-long-twice.tar", '".."', long(b"L", b"ok\0") + long(b"L", b"../hostile\0") + ok + END)
    bad("gnu-long-empty.tar", "an empty name", long(b"L", b"") + ok + END)
    bad("gnu-long-without-entry.tar", "Damaged", long(b"L", b"ok\0") + END)
    bad("gnu-long-link-absolute.tar", "is absolute",
        long(b"K", b"/etc/passwd\0") + header(b"l", kind=b"2", link=b"ok") + END)
    bad("gnu-long-hardlink-out.tar", '".."',
        ok + long(b"K", b"../../etc/passwd\0") + header(b"h", kind=b"1", link=b"ok") + END)
    bad("gnu-long-behind-pax.tar", '".."', pax([(b"path", b"../hostile")]) + long(b"L", b"ok\0") + ok + END)
    good("gnu-long-nul.tar", long(b"L", b"ok\0/../../hostile\0") + header(b"x") + END)


def pax_overrides():
    """What the extended header says counts, not what stands in the entry's own."""
    def one(key, value, entry=header(b"ok")):
        return pax([(key, value)]) + entry + END

    inner = header(b"../hostile", octal(4)) + padded(b"evil")
    link = header(b"l", kind=b"2", link=b"ok")
    bad("pax-path-dotdot.tar", '".."', one(b"path", b"d/../../hostile"))
    bad("pax-path-absolute.tar", "absolute name", one(b"path", b"/etc/flipslot-hostile"))
    bad("pax-path-twice.tar", '".."', pax([(b"path", b"ok"), (b"path", b"../hostile")]) + header(b"x") + END)
    bad("pax-path-empty.tar", '".."', one(b"path", b"", header(b"../hostile")))
    bad("pax-path-binary.tar", "not valid UTF-8",
        pax([(b"hdrcharset", b"BINARY"), (b"path", b"a\xff")]) + header(b"x") + END)
    bad("pax-linkpath-absolute.tar", "is absolute", one(b"linkpath", b"/etc/passwd", link))
    bad("pax-linkpath-of-hardlink.tar", '".."',
        header(b"ok") + one(b"linkpath", b"../x", header(b"h", kind=b"1", link=b"ok")))
    bad("pax-size-smaller.tar", '".."', one(b"size", b"0", header(b"ok", octal(len(inner))) + inner))
    good("pax-size-larger.tar", one(b"size", b"%d" % len(inner), header(b"ok") + inner))
    bad("pax-realsize.tar", "unpacked bytes",
        one(b"SCHILY.realsize", b"99999999999999", header(b"ok", octal(1)) + padded(b"x")))
    for name, body in (("too-long", b"99999 path=ok\n"), ("zero", b"0 path=okk\n"), ("without-newline", b"10 path=ok")):
        bad("pax-length-%s.tar" % name, "malformed pax",
            header(b"pax", octal(len(body)), b"x") + padded(body) + header(b"x") + END)
    bad("pax-capability-base64.tar", "capabilities",
        one(b"LIBARCHIVE.xattr.security.capability", b"AQAAAgAEAAAAAAAAAAAAAAAAAAA"))
    plain = header(b"ok", mtime=b"00000000000\0") + END
    good("pax-mtime-beyond.tar", one(b"mtime", b"9" * 20), reference=plain)
    good("pax-mtime-before.tar", one(b"mtime", b"-99999999999.5"), reference=plain)
    good("pax-owner-beyond.tar", pax([(b"uid", b"18446744073709551616"), (b"gid", b"-1"), (b"gname", b"../x")]) +
         header(b"ok") + END, reference=header(b"ok") + END)
    good("pax-attributes.tar", pax([
        (b"SCHILY.xattr.trusted.overlay.opaque", b"y"), (b"SCHILY.xattr.security.selinux", b"x\0"),
        (b"SCHILY.xattr.user.x", b"y" * 70000), (b"SCHILY.acl.default", b"user:" * 999),
        (b"SCHILY.fflags", b"sappnd,schg")]) + header(b"ok") + END)


def sparse_lies():
    def of(map_, realsize, name=b"s"):
        """The pax format 1.0: the map stands before the content."""
        return pax([(b"GNU.sparse.major", b"1"), (b"GNU.sparse.minor", b"0"), (b"GNU.sparse.name", name),
                    (b"GNU.sparse.realsize", realsize)]) + header(b"x", octal(516)) + padded(map_) + padded(b"data") + END

    bad("sparse-1.0-name.tar", '".."', of(b"1\n0\n4\n", b"4", b"../hostile"))
    bad("sparse-1.0-name-absolute.tar", "absolute", of(b"1\n0\n4\n", b"4", b"/etc/flipslot-hostile"))
    bad("sparse-1.0-offset-negative.tar", "cannot be read", of(b"1\n-4\n4\n", b"4"))
    bad("sparse-1.0-offset-beyond.tar", "Malformed", of(b"1\n9223372036854775807\n4\n", b"4"))
    bad("sparse-1.0-many.tar", "cannot be read", of(b"99999999\n0\n4\n", b"4"))
    bad("sparse-1.0-size-beyond.tar", "unpacked bytes", of(b"1\n0\n4\n", b"9223372036854775807"))
    bad("sparse-1.0-size-smaller.tar", "more content", of(b"1\n0\n4\n", b"1"))
    bad("sparse-1.0-size-negative.tar", "impossible size", of(b"1\n0\n4\n", b"-1"))
    bad("sparse-1.0-hole.tar", "unpacked bytes", of(b"2\n0\n2\n4398046511100\n2\n", b"4398046511104"))

    def older(*records):
        return pax([(b"GNU.sparse." + key, value) for key, value in records]) + \
            header(b"s", octal(8)) + padded(b"datadata") + END

    bad("sparse-0.1-name.tar", '".."', older((b"name", b"../hostile"), (b"size", b"8"), (b"map", b"0,8")))
    bad("sparse-0.1-map.tar", "cannot be read", older((b"name", b"s"), (b"size", b"8"), (b"map", b"0,4,x,,9")))
    bad("sparse-0.0-order.tar", "out of order", older(
        (b"size", b"9"), (b"numblocks", b"2"), (b"offset", b"5"), (b"numbytes", b"4"), (b"offset", b"0"), (b"numbytes", b"4")))


def more_names():
    bad("name-slashes-dotdot.tar", '".."', header(b"./..//hostile") + END)
    bad("name-dot-dotdot.tar", '".."', header(b"a/./../../hostile") + END)
    bad("name-in-prefix.tar", '".."', header(b"hostile", prefix=b"..") + END)
    bad("name-absolute-in-prefix.tar", "absolute name", header(b"hostile", prefix=b"/etc") + END)
    bad("name-symlink-with-slash.tar", "lies below", header(b"l/", kind=b"2", link=b"ok") + header(b"l/x") + END)
    bad("symlink-to-here-and-below.tar", "lies below", tar(symlink("d", "."), file("d/x")))
    bad("symlink-replaced.tar", "leaves the tree",
        tar(symlink("l", "a"), directory("a"), symlink("l", "../.."), file("b")))
    bad("hardlink-to-symlink-and-below.tar", "lies below",
        tar(directory("d"), symlink("s", "d"), hardlink("h", "s"), file("h/x")))
    good("name-slashes.tar", header(b".//a//b") + END)
    good("name-case.tar", tar(file("Run"), file("run"), directory("BIN"), file("bin", b"x")))
    good("name-dots-and-blanks.tar", header(b".../....") + header(b". /.. ") + header(b" ") + header(b"..\\..\\x") + END)


def more_kinds():
    inner = padded(header(b"../hostile"))
    bad("kind-unknown.tar", '".."', header(b"../hostile", kind=b"Z") + END)
    bad("kind-multi-volume.tar", "neither file", header(b"f", octal(4), b"M") + padded(b"evil") + END)
    bad("kind-gnu-directory.tar", '".."', header(b"../hostile", octal(4), b"D") + padded(b"evil") + END)
    bad("kind-device-with-content.tar", "a device", header(b"dev", octal(512), b"3") + inner + END)
    bad("kind-directory-with-content.tar", '".."', header(b"d/", octal(512), b"5") + inner + END)
    bad("kind-link-with-content.tar", "Damaged",
        header(b"l", octal(4), b"2", b"ok") + padded(b"evil") + header(b"ok") + END)


def with_dictionary(xz, code):
    """The .xz with another dictionary promised in the header of its first block, which lies at 12."""
    length = (xz[12] + 1) * 4
    block = bytearray(xz[12:12 + length - 4])
    assert block[2:4] == b"\x21\x01", "LZMA2, one byte of properties"
    block[4] = code
    return xz[:12] + bytes(block) + struct.pack("<I", zlib.crc32(block)) + xz[12 + length:]


def streams():
    tree = tar(directory("d"), file("d/f", bytes(range(256)) * 5000), file("g", b"g"))
    half = len(tree) // 2
    first, second = zst(tree[:half]), zst(tree[half:])
    skippable = struct.pack("<II", 0x184D2A50, 5) + b"skip!"
    middle = len(second) // 2
    bad("second-frame-flipped.tar.zst", "checksum",
        first + second[:middle] + bytes([second[middle] ^ 255]) + second[middle + 1:])
    bad("second-frame-cut.tar.zst", "runcated", first + second[:-3])
    bad("second-frame-missing.tar.zst", "runcated", first)
    bad("second-member-cut.tar.gz", "truncated",
        gzip.compress(tree[:half], mtime=0) + gzip.compress(tree[half:], mtime=0)[:100])
    bad("garbage-behind.tar.zst", "cannot be decompressed", first + second + b"garbage" * 100)
    bad("garbage-behind.tar.xz", "damaged", lzma.compress(tree) + b"garbage" * 100)
    bad("skippable-first.tar.zst", "not an archive", skippable + first + second)
    good("skippable-between.tar.zst", first + skippable + second + skippable)
    bad("window-of-2-gib.tar.zst", "too much memory", zst(tree, "--ultra", "--long=31", "-22"))
    bad("dictionary-of-4-gib.tar.xz", "MiB of memory", with_dictionary(lzma.compress(tree), 40))
    good("dictionary-of-64-mib.tar.xz", with_dictionary(lzma.compress(tree), 28))
    bad("frames-of-nothing.zst", "not an archive", zst(b"") * 1000)
    bad("lzma-alone.tar.lzma", "not an archive", lzma.compress(tree, lzma.FORMAT_ALONE))


def other_formats():
    for name, magic in (
            ("rar", b"Rar!\x1a\7\0"), ("rar5", b"Rar!\x1a\7\1\0"), ("cab", b"MSCF\0\0\0\0"), ("lha", b"\x19\0-lh5-"),
            ("xar", b"xar!\0\x1c\0\1"), ("rpm", b"\xed\xab\xee\xdb\3\0\0\0"), ("cpio-binary", b"\xc7\x71"),
            ("cpio-odc", b"070707" + b"0" * 70 + b"evil\0"), ("compress", b"\x1f\x9d\x90"), ("lz4", b"\x04\x22\x4d\x18"),
            ("lzip", b"LZIP\1\x0c"), ("squashfs", b"hsqs")):
        bad("format-" + name, "not an archive", magic + b"\0" * 600)
    bad("format-iso", "holds nothing", b"\0" * 32768 + b"\1CD001\1\0" + b"\0" * 2040 + b"\xffCD001\1" + b"\0" * 4000)
    bad("format-warc", "not an archive", b"WARC/1.0\r\nWARC-Type: resource\r\nWARC-Target-URI: file://../hostile\r\n"
        b"Content-Length: 4\r\n\r\nevil\r\n\r\n" + b"\0" * 600)
    bad("format-uuencode", "not an archive", b"begin 644 hostile\n" + b"#:&D*\n" * 30 + b"`\nend\n")
    bad("format-mtree", "not an archive", b"#mtree\n../hostile type=file contents=/etc/passwd\n" * 20)


def zip_with_extra(name, extra):
    crc = zlib.crc32(b"evil")
    local = struct.pack("<4sHHHHHIIIHH", LOCAL, 20, 0, 0, 0, 0x5822, crc, 4, 4, len(name), len(extra)) + \
        name + extra + b"evil"
    central = struct.pack("<4sHHHHHHIIIHHHHHII", CENTRAL, 0x314, 20, 0, 0, 0, 0x5822, crc, 4, 4, len(name), len(extra),
                          0, 0, 0, 0o100644 << 16, 0) + name + extra
    return local + central + struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, 1, 1, len(central), len(local), 0)


def zip_lies():
    plain = make_zip(("a", b"x" * 1000), ("b", b"y" * 1000))
    start, end = plain.find(CENTRAL), plain.find(b"PK\5\6")
    bad("zip-unicode-path.zip", '".."', zip_with_extra(
        b"ok", struct.pack("<HHBI", 0x7075, 5 + 10, 1, zlib.crc32(b"ok")) + b"../hostile"))
    bad("zip-extra-beyond.zip", "overflow", zip_with_extra(b"ok", struct.pack("<HH", 0x5455, 60000)))
    bad("zip-central-twice.zip", "Damaged", plain[:start] + plain[start:end] * 2 + plain[end:])
    bad("zip-comment-is-end.zip", "Damaged", plain[:-2] + struct.pack("<H", 22) + plain[-22:])
    bad("zip-central-is-symlink.zip", "leaves the tree",
        patched(make_zip(("l", b"../../etc/passwd")), (CENTRAL, 38, struct.pack("<I", 0o120777 << 16))))
    bad("zip-central-beyond.zip", "Truncated", patched(plain, (CENTRAL, 42, struct.pack("<I", 0x7fffffff))))
    bad("zip-backslash.zip", '".."', make_zip(("..\\hostile", b"x")))
    bad("zip-socket.zip", "a socket", make_zip(("s", b"", 0o140777)))
    bad("zip-behind-script.zip", "not an archive", b"#!/bin/sh\n" + plain)
    good("zip-descriptor-lies.zip", patched(make_zip(("a", b"x" * 1000), stream=True), (b"PK\7\x08", 4, b"\0" * 12)),
         reference=tar(file("a", b"x" * 1000)))


groups = (long_names, pax_overrides, sparse_lies, more_names, more_kinds, streams, other_formats, zip_lies)
