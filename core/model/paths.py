"""Paths of a host, as they are compared. Pure."""

from __future__ import annotations

import posixpath
import re


def plain_path(path: str) -> str:
    """Return an absolute path without what means nothing in it; anything else stays.

    libvirt keeps `/i//web` and `/i/./web` in a definition as they were given, and tells the same
    file as `/i/web` where it is a volume of a pool (libvirt 9.0).
    """
    if not path.startswith("/"):
        return path
    return f"/{posixpath.normpath(path).lstrip('/')}"


_LOGICAL = re.compile(r"/dev/(?P<group>[^/]+)/(?P<volume>[^/]+)")
_MAPPED = re.compile(r"/dev/mapper/(?P<group>(?:[^/-]|--)+)-(?P<volume>(?:[^/-]|--)+)")


def also_called(path: str) -> tuple[str, ...]:
    """Return the other path of a logical volume: `/dev/vg/data` is `/dev/mapper/vg-data`.

    LVM doubles the hyphens of both names there. Nothing of a path that is none of the two.
    """
    plain = plain_path(path)
    if found := _MAPPED.fullmatch(plain):
        words = (found[name].replace("--", "-") for name in ("group", "volume"))
        return (f"/dev/{'/'.join(words)}",)
    if (found := _LOGICAL.fullmatch(plain)) and found["group"] != "mapper":
        words = (found[name].replace("-", "--") for name in ("group", "volume"))
        return (f"/dev/mapper/{'-'.join(words)}",)
    return ()


_LUN = re.compile(r"ip-.+-iscsi-(?P<target>.+)-lun-(?P<lun>[0-9]+)")
"""How libvirt tells a LUN of a pool of the type iscsi-direct."""


def volume_places(path: str, pool: str, name: str) -> tuple[str, ...]:
    """Return the texts by which a disk's source may name a volume: its paths, POOL/VOLUME, and as
    an image of the network its bare name, as disks of gluster and iscsi have it.
    """
    named = f"{pool}/{name}"
    if path.startswith("/"):
        return plain_path(path), named, *also_called(path)
    found = [path, named]
    if "://" in path:
        found.append(path.partition("://")[2].partition("/")[2])
    if lun := _LUN.fullmatch(path):
        found.append(f"{lun['target']}/{lun['lun']}")
    return tuple(dict.fromkeys(filter(None, found)))


def half_of(path: str, part: str) -> str:
    """Return where a file of this machine is until it is whole; `part` tells whose it is."""
    return f"{path}.{part}.half" if part else f"{path}.half"
