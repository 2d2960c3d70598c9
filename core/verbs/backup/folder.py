"""Where a backup is written: a folder of the host, or a pool of files; and what its files are
called. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated

from core.model import ObjectKey, Pool, State
from core.model.text import clean
from core.verbs.block.destination import OF_FILES
from core.verbs.parameter import PATH_BYTES, parameter
from core.verbs.refusal import Refusal, RefusalCode


def _against(text: str) -> str:
    if text.startswith("/") or (text and "/" not in text):
        return ""
    return f"{clean(text) or 'nothing'} is no folder: give its whole path, or the name of a pool"


Folder = Annotated[
    str,
    parameter(
        "The folder on the host, by its whole path, or a pool of files. A file for each disk is"
        " made in it: INSTANCE.DISK.NAME.qcow2.",
        rule=_against,
        longest=PATH_BYTES,
        label="folder",
    ),
]


def folder_of(pools: Mapping[ObjectKey, Pool], host: str, to: str) -> str:
    """Return the path of a folder; empty for a pool that is not known, or has no directory."""
    if to.startswith("/"):
        return to.rstrip("/") or "/"
    pool = _pool(pools, host, to)
    return "" if pool is None else pool.path.rstrip("/")


def against_folder(state: State, host: str, to: str) -> Iterator[Refusal]:
    """Tell why nothing can be written there."""
    if to.startswith("/"):
        return
    pool, name = _pool(state.pools, host, to), clean(to)
    if pool is None:
        text = f"{host} has no pool {name}"
        yield Refusal(RefusalCode.PARAMETER, text, "see `virtdeck pools`", "to")
        return
    if not pool.active:
        yield Refusal(RefusalCode.STATE, f"The pool {name} is not active", "start it first", "to")
    if pool.type not in OF_FILES:
        text = f"The pool {name} is of the type {pool.type}: a backup is made of files"
        cure = "choose a pool of files (dir, fs, netfs), or give a folder"
        yield Refusal(RefusalCode.UNSUPPORTED, text, cure, "to")


def file_of(folder: str, instance: str, target: str, name: str, format_: str) -> str:
    """Return the file of a disk in a backup."""
    return f"{folder.rstrip('/')}/{instance}.{target}.{name}.{format_}"


def _pool(pools: Mapping[ObjectKey, Pool], host: str, name: str) -> Pool | None:
    return next((one for one in pools.values() if one.host == host and one.name == name), None)
