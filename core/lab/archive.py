"""An initramfs writer: the `newc` cpio format, straight from values to bytes. Pure.

Written out here because it needs no root for device nodes and gives the same bytes every time.
"""

from __future__ import annotations

import stat
from collections.abc import Mapping
from dataclasses import dataclass

ALIGNMENT = 4
TRAILER = "TRAILER!!!"


@dataclass(frozen=True)
class ArchiveEntry:
    """One member: its full mode (type and permissions), content and device number."""

    mode: int
    content: bytes = b""
    major: int = 0
    minor: int = 0


def directory(permissions: int = 0o755) -> ArchiveEntry:
    """A directory."""
    return ArchiveEntry(stat.S_IFDIR | permissions)


def regular(content: bytes, permissions: int = 0o644) -> ArchiveEntry:
    """A regular file."""
    return ArchiveEntry(stat.S_IFREG | permissions, content)


def symlink(target: str) -> ArchiveEntry:
    """A symbolic link."""
    return ArchiveEntry(stat.S_IFLNK | 0o777, target.encode())


def character_device(major: int, minor: int, permissions: int = 0o600) -> ArchiveEntry:
    """A character device node."""
    return ArchiveEntry(stat.S_IFCHR | permissions, b"", major, minor)


def with_parents(members: Mapping[str, ArchiveEntry]) -> dict[str, ArchiveEntry]:
    """The members plus every directory on the way to them, sorted: parents come first."""
    complete = dict(members)
    for path in members:
        parts = path.split("/")
        for depth in range(1, len(parts)):
            complete.setdefault("/".join(parts[:depth]), directory())
    return dict(sorted(complete.items()))


def pack(members: Mapping[str, ArchiveEntry]) -> bytes:
    """The archive of `members` (path without a leading slash -> entry), owned by root, time 0."""
    packed = bytearray()
    for number, (path, entry) in enumerate(with_parents(members).items(), start=1):
        packed += _member(number, path, entry)
    packed += _member(0, TRAILER, ArchiveEntry(0))
    return bytes(packed)


def _member(number: int, path: str, entry: ArchiveEntry) -> bytes:
    """Header, name and content of one member, each padded to four bytes (cpio(5), newc)."""
    name = path.encode() + b"\0"
    links = 2 if stat.S_ISDIR(entry.mode) else 1
    fields = (
        *(number, entry.mode, 0, 0, links, 0, len(entry.content)),
        *(0, 0, entry.major, entry.minor, len(name), 0),
    )
    header = b"070701" + "".join(f"{field:08X}" for field in fields).encode()
    return _padded(header + name) + _padded(entry.content)


def _padded(data: bytes) -> bytes:
    """`data` up to the next multiple of four bytes."""
    return data + b"\0" * (-len(data) % ALIGNMENT)
