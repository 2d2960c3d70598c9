"""The columns of the table of an instance's snapshots. Pure."""

from __future__ import annotations

from console import format as fmt
from console.glyphs import glyphs
from console.screens.snapshots.tree import SnapshotLine, kind_of, memory_of
from console.screens.table_text import facts, heading
from console.screens.view import View
from console.widgets.columns import Cell, CellValue, Column
from core.model.text import clean


def snapshot_columns(view: View) -> list[Column[SnapshotLine]]:
    """Every column, in order. Sorted by name, each stands below its parent."""
    return [
        Column("name", "SNAPSHOT", lambda row: row.branch, lambda row: row.place, min_width=16,
               max_width=48, flex=3, cut="middle", tooltip="Each below the one it was made from"),
        Column("current", "NOW", _current, lambda row: not row.snapshot.current, width=9,
               tooltip="The one that the instance goes on from"),
        Column("made", "MADE", lambda row: view.date(row.snapshot.created),
               lambda row: row.snapshot.created, width=19, priority=1, default_descending=True,
               tooltip="When it was made"),
        Column("state", "STATE", lambda row: _state(row), lambda row: row.snapshot.state,
               min_width=9, max_width=13, priority=2,
               tooltip="The state the guest was in"),
        Column("kind", "KIND", lambda row: kind_of(row.snapshot), lambda row: kind_of(row.snapshot),
               width=8, priority=3, tooltip="Whether it is kept inside the disk's image"),
        Column("memory", "MEMORY", lambda row: memory_of(row.snapshot),
               lambda row: memory_of(row.snapshot), width=13, priority=4,
               tooltip="Whether the guest's memory is in it, and where that is kept"),
        Column("cost", "TAKES", lambda row: _cost(row), lambda row: row.cost, width=6,
               align="right", priority=3, default_descending=True,
               tooltip="What its files take: written since it was made, and the memory"),
        Column("description", "DESCRIPTION", lambda row: Cell(_first(row), "muted"), None,
               min_width=12, flex=5, priority=5, tooltip="What whoever made it wrote"),
    ]  # fmt: skip


def line_name(row: SnapshotLine) -> str:
    """What decides between two that are sorted alike: the tree."""
    return f"{row.place:09}"


def words_of(row: SnapshotLine) -> str:
    """What a filter finds it by."""
    one = row.snapshot
    current = "current" if one.current else ""
    kept = "" if one.memory in ("", "no") else "memory"
    return " ".join((one.name, one.state, kind_of(one), current, kept, one.description))


def snapshot_facts(view: View, row: SnapshotLine) -> list[CellValue]:
    """Everything about one."""
    one = row.snapshot
    current = Cell("the current one: the instance goes on from it", "strong")
    return [
        heading(clean(one.name)),
        *facts(
            [
                ("now", current if one.current else ""),
                ("made", view.date(one.created)),
                ("state then", one.state),
                ("kept", f"{kind_of(one)}, {_kept(row)}"),
                *_files(row),
                ("made from", clean(one.parent)),
                ("followed by", fmt.listed([clean(name) for name in row.children], 8)),
                ("description", " ".join(clean(one.description).split())),
            ]
        ),
    ]


def _state(row: SnapshotLine) -> str:
    """One that has no memory says so: libvirt calls it by how it was made."""
    return "disk only" if row.snapshot.disk_only else row.snapshot.state or fmt.UNKNOWN


def _cost(row: SnapshotLine) -> str:
    """One that is inside the image has no file whose size tells anything."""
    return fmt.size(row.cost) if row.snapshot.external else "inside"


def _files(row: SnapshotLine) -> list[tuple[str, CellValue]]:
    one = row.snapshot
    files = [
        (f"written since, {clean(disk.target)}", f"{clean(disk.file)}{_size(disk.allocation)}")
        for disk in one.disks
        if disk.file
    ]
    return [*files, ("memory in", clean(one.memory_file))]


def _size(size: int | None) -> str:
    return "" if size is None else f", {fmt.size(size)}"


def _kept(row: SnapshotLine) -> str:
    words = {"no": "without the guest's memory", "": "nobody told whether with memory"}
    memory = row.snapshot.memory
    return words.get(memory, f"with the guest's memory ({memory})")


def _current(row: SnapshotLine) -> CellValue:
    if row.snapshot.current:
        return Cell(f"{glyphs().running} current", "ok")
    return ""


def _first(row: SnapshotLine) -> str:
    return " ".join(clean(row.snapshot.description).split())
