"""Checkpoints as an operator reads them: how each is, and what its chain needs. Pure."""

from __future__ import annotations

from core.model.checkpoint import Checkpoint
from core.model.sizes import size
from core.model.text import clean

TITLES = ("name", "parent", "made", "changed", "disks", "how it is")
FILE_TITLES = ("backup", "disk", "file")


def state_words(one: Checkpoint) -> str:
    """How it is: `good`, `broken (vda)`."""
    if one.unfinished:
        return "not whole"
    if one.broken:
        disks = ", ".join(map(clean, one.broken))
        return f"broken ({disks})"
    if not one.judged:
        return "unknown while off"
    return "good" if one.backed_up else "good, not ours"


def changed_words(one: Checkpoint) -> str:
    """What was written since: what the next increment would take at most."""
    return "" if one.changed is None else size(one.changed)


def disks_words(one: Checkpoint) -> str:
    """The disks that it is of."""
    return ", ".join(clean(disk.target) for disk in one.disks)


def files_words(one: Checkpoint) -> str:
    """Where its backup lies, as far as that is known."""
    return ", ".join(clean(disk.file) for disk in one.disks if disk.file)
