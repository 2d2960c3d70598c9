"""The UEFI variables of what moves while it is off: shared, copied, or refused. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from core.errors import XmlError
from core.model import ObjectKey, Pool, Volume
from core.model.text import clean
from core.state.usage import volume_of
from core.verbs.cold.calls import DiskCopy

NVRAM = "nvram"
"""Stands for a disk's target."""


def nvram_copies(
    document: str,
    host: str,
    to: str,
    pool: str,
    volumes: Mapping[ObjectKey, Volume],
    pools: Mapping[ObjectKey, Pool],
    *,
    alone: bool,
) -> tuple[DiskCopy, ...]:
    """Return the copy of the file of an instance's UEFI variables; empty: it has, or needs, none.

    It goes to the pool of that name at the destination. `alone`: no disk is copied, so what the
    destination has in a pool at the same path is taken for shared. Raises XmlError, with the cure,
    for a file that nothing can copy.
    """
    from core.xml.definition.firmware import nvram_of

    path = nvram_of(document)
    if not path:
        return ()
    if volume_of(volumes.values(), to, path) is not None:
        if alone:
            return ()  # as its disks are
        raise XmlError(
            f"{clean(to)} has a file at {clean(path)}, where its UEFI variables are.",
            "Remove it there where it is left over, or share all of its storage.",
        )
    original = volume_of(volumes.values(), host, path)
    if original is None:
        raise XmlError(
            f"Its UEFI variables are in {clean(path)}, which is in no pool of {clean(host)} as "
            "read: nothing can copy them.",
            "Define a pool of that directory, or start it and migrate it live.",
        )
    return (_copy(original, path, to, pool or original.pool_name, pools),)


def _copy(
    original: Volume, path: str, to: str, name: str, pools: Mapping[ObjectKey, Pool]
) -> DiskCopy:
    found = next((one for one in pools.values() if (one.host, one.name) == (to, name)), None)
    if found is None or not found.active:
        raise XmlError(
            f"{clean(to)} has no active pool {clean(name)} for its UEFI variables.",
            "Name one, or start it.",
        )
    place = f"{found.path.rstrip('/')}/{original.name}"
    return DiskCopy(NVRAM, path, found.name, original.name, place, original.format or "raw")
