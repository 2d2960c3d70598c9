"""Where a copy of a disk is written: a file of the host, or a volume of a pool of files. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated

from core.model import Instance, ObjectKey, Pool, State
from core.model.text import clean
from core.verbs.parameter import PATH_BYTES, parameter
from core.verbs.refusal import Refusal, RefusalCode

OF_FILES = frozenset({"dir", "fs", "netfs"})
"""Types of pools whose volumes are files of a directory: QEMU makes one by itself."""


def _against(text: str) -> str:
    whole = text.startswith("/") and not text.endswith("/")
    pool, slash, volume = text.partition("/")
    if whole or (pool and slash and volume and volume.count("/") < 2):
        return ""
    return f"{clean(text) or 'nothing'} is no file: give its whole path, or POOL/VOLUME"


To = Annotated[
    str,
    parameter(
        "The new file on the host, by its whole path, or POOL/VOLUME of a pool of files.",
        rule=_against,
        longest=PATH_BYTES,
        label="file",
        source="new-places",
        place=True,
        typed=True,
    ),
]


def path_of(pools: Mapping[ObjectKey, Pool], host: str, to: str) -> str:
    """Return the path of a destination; empty for a volume of a pool that has no directory."""
    if to.startswith("/"):
        return to
    pool, volume = _pool(pools, host, to), to.partition("/")[2]
    return "" if pool is None or not pool.path else f"{pool.path.rstrip('/')}/{volume}"


def against_destination(state: State, instance: Instance, to: str) -> Iterator[Refusal]:
    """Tell why a copy cannot be written there: no such pool, or something is there already."""
    host = instance.host
    if not to.startswith("/"):
        pool = _pool(state.pools, host, to)
        name = clean(to.partition("/")[0])
        if pool is None:
            text = f"{host} has no pool {name}"
            yield Refusal(RefusalCode.PARAMETER, text, "see `virtdeck pools`", "to")
            return
        if not pool.active:
            text = f"The pool {name} is not active"
            yield Refusal(RefusalCode.STATE, text, "start it first", "to")
        if pool.type not in OF_FILES:
            text = f"The pool {name} is of the type {pool.type}: QEMU makes no volume in it"
            cure = "choose a pool of files (dir, fs, netfs), or give a path"
            yield Refusal(RefusalCode.UNSUPPORTED, text, cure, "to")
    path = path_of(state.pools, host, to)
    there = any(one.host == host and one.path == path for one in state.volumes.values())
    used = any(layer.path == path for disk in instance.disks for layer in disk.layers)
    if path and (there or used):
        text = f"{clean(path)} is there already"
        yield Refusal(RefusalCode.PARAMETER, text, "choose another name", "to")


def _pool(pools: Mapping[ObjectKey, Pool], host: str, to: str) -> Pool | None:
    name = to.partition("/")[0]
    return next((one for one in pools.values() if one.host == host and one.name == name), None)
