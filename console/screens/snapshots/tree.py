"""The snapshots of an instance as a tree of lines. Pure, any thread."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from console import format as fmt
from console.glyphs import glyphs
from core.model import Snapshot
from core.model.text import clean
from core.state.snapshot_chain import costs


@dataclass(frozen=True, slots=True)
class SnapshotLine:
    """A snapshot where it stands in the tree."""

    snapshot: Snapshot
    place: int
    """Its line, from 0: each below its parent."""
    depth: int
    """How many parents it has."""
    children: tuple[str, ...] = ()
    """The names of those made from it."""
    cost: int | None = None
    """Bytes that its files take; None: not known, or it is kept inside the image."""

    @property
    def branch(self) -> str:
        """Its name, indented by its depth."""
        arm = "   " * (self.depth - 1) + glyphs().arm if self.depth else ""
        return f"{arm}{clean(self.snapshot.name)}"


def tree_of(
    snapshots: Iterable[Snapshot], allocations: Mapping[str, int] = MappingProxyType({})
) -> list[SnapshotLine]:
    """Return each snapshot once, below its parent; those of one parent in the order given.

    One whose parent is not there, or is itself made from it, stands as if it had none.
    `allocations` are those of volumes by path, in bytes.
    """
    known = {one.name: one for one in snapshots}
    children: dict[str, list[str]] = {}
    for one in known.values():
        children.setdefault(one.parent if one.parent in known else "", []).append(one.name)
    lines: dict[str, SnapshotLine] = {}
    for first in (*children.get("", ()), *known):
        waiting = [] if first in lines else [(first, 0)]
        while waiting:
            name, depth = waiting.pop()
            own = [each for each in children.get(name, ()) if each not in lines and each != name]
            cost = costs(known[name], allocations)
            lines[name] = SnapshotLine(known[name], len(lines), depth, tuple(own), cost)
            waiting += [(each, depth + 1) for each in reversed(own)]
    return list(lines.values())


def kind_of(snapshot: Snapshot) -> str:
    """Where it is kept."""
    return "external" if snapshot.external else "internal"


def memory_of(snapshot: Snapshot) -> str:
    """Whether the guest's memory is in it, and where; `-` where nobody told."""
    if not snapshot.memory:
        return fmt.UNKNOWN
    return "no" if snapshot.memory == "no" else f"yes, {snapshot.memory}"
