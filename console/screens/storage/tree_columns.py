"""The columns of a volume's chain, whose rows are images and the disks that they are. Pure."""

from __future__ import annotations

from console import format as fmt
from console.glyphs import glyphs
from console.screens.view import View
from console.widgets.columns import Cell, CellValue, Column
from core.model import DiskRates, Instance
from core.model.text import clean
from core.state.storage_rows import NO_POOL
from core.state.volume_tree import TreeLine


def tree_columns(view: View) -> list[Column[TreeLine]]:
    """Every column, in order. Sorted by name, each stands below what it lies over."""
    return [
        Column("name", "IMAGE OR DISK", lambda row: _name(row), lambda row: row.place,
               min_width=24, max_width=64, flex=4, cut="middle",
               tooltip="Each image below what it lies over, and below it the disks that are it"),
        Column("state", "STATE", lambda row: _state(view, row), lambda row: state_word(view, row),
               min_width=9, max_width=14, priority=2,
               tooltip="Of an instance its state, of an image its format"),
        Column("host", "HOST", lambda row: row.host, lambda row: row.host, min_width=5,
               max_width=16, priority=5, tooltip="Where it is"),
        Column("size", "SIZE", lambda row: _size(row), lambda row: row.image and row.image.capacity,
               width=5, align="right", priority=3, default_descending=True, tooltip="Capacity"),
        Column("allocation", "ALLOC", lambda row: _allocation(row),
               lambda row: row.image and row.image.allocation, width=5, align="right", priority=3,
               default_descending=True, tooltip="What it takes now"),
        Column("access", "ACCESS", lambda row: access(row), access, width=9, priority=1,
               tooltip="How a disk has it: alone, shared, or read-only"),
        Column("read", "READ", lambda row: _rate(view, row, "read"),
               lambda row: _figure(view, row, "read"), width=6, align="right", priority=4,
               default_descending=True, tooltip="Bytes a second"),
        Column("write", "WRITTEN", lambda row: _rate(view, row, "write"),
               lambda row: _figure(view, row, "write"), width=7, align="right", priority=4,
               default_descending=True, tooltip="Bytes a second"),
        Column("read_latency", "A READ", lambda row: _took(view, row, "read_latency"),
               lambda row: _figure(view, row, "read_latency"), width=7, align="right", priority=6,
               default_descending=True, tooltip="What a read takes"),
        Column("write_latency", "A WRITE", lambda row: _took(view, row, "write_latency"),
               lambda row: _figure(view, row, "write_latency"), width=7, align="right", priority=6,
               default_descending=True, tooltip="What a write takes"),
        Column("note", "", lambda row: Cell(note(row), "muted"), None, min_width=12, flex=4,
               priority=7, tooltip="Where it is, or what it is used through"),
    ]  # fmt: skip


def line_name(row: TreeLine) -> str:
    """What decides between two that are sorted alike: the tree."""
    return f"{row.place:09}"


def words_of(row: TreeLine) -> str:
    """What a filter finds it by."""
    if row.image is not None:
        return f"{row.image.pool_name}/{row.image.name} {row.host} {row.image.format} image"
    assert row.use is not None
    return f"{row.use.name} {row.use.target} {row.host} {access(row)} disk"


def access(row: TreeLine) -> str:
    """How a disk has its image; an image that others lie over is read alone."""
    use = row.use
    if use is None:
        return ""
    if use.depth:
        return "base"
    return "read-only" if use.read_only else "shared" if use.shared else "alone"


def state_word(view: View, row: TreeLine) -> str:
    """The state of an instance, the format of an image."""
    if row.image is not None:
        return row.image.format or row.image.type
    instance = _instance_of(view, row)
    return "" if instance is None else instance.state.value


def note(row: TreeLine) -> str:
    """Where an image is; what is not known of a disk."""
    if row.image is not None:
        return "this volume" if row.this else "in no pool" if row.image.pool == NO_POOL else ""
    if row.doubt:
        return "if both hosts have one storage"
    over = [clean(path.rpartition("/")[2]) for path in row.through]
    return f"through {', '.join(over)}" if over else ""


def _instance_of(view: View, row: TreeLine) -> Instance | None:
    return view.state.instances.get(row.use.instance) if row.use is not None else None


def _name(row: TreeLine) -> CellValue:
    arm = "   " * (row.depth - 1) + glyphs().arm if row.depth else ""
    if row.image is not None:
        one = row.image
        name = clean(f"{one.pool_name}/{one.name}" if one.pool != NO_POOL else one.path)
        return (Cell(arm, "muted"), Cell(name, "strong" if row.this else ""))
    assert row.use is not None
    doubt = "?" if row.doubt else ""
    return (Cell(arm, "muted"), Cell(f"{clean(row.use.name)}:{row.use.target}{doubt}"))


def _state(view: View, row: TreeLine) -> CellValue:
    instance = _instance_of(view, row)
    if instance is None:
        return Cell(state_word(view, row) or fmt.UNKNOWN, "muted")
    sign = fmt.instance_state(instance.state)
    return Cell(f"{sign.glyph} {sign.word}", sign.role)


def _size(row: TreeLine) -> str:
    return "" if row.image is None else fmt.size(row.image.capacity)


def _allocation(row: TreeLine) -> str:
    return "" if row.image is None else fmt.size(row.image.allocation)


def _rates_of(view: View, row: TreeLine) -> DiskRates | None:
    """Return what a disk does; of one that only lies over this, nothing: that is no read of it."""
    use = row.use
    if use is None or not use.active or (rates := view.state.rates.get(use.instance)) is None:
        return None
    return next((disk for disk in rates.disks if disk.target == use.target), None)


def _figure(view: View, row: TreeLine, name: str) -> float | None:
    disk = _rates_of(view, row)
    return None if disk is None else getattr(disk, name)


def _rate(view: View, row: TreeLine, name: str) -> CellValue:
    if row.use is None or not row.use.active:
        return ""
    found = _figure(view, row, name)
    return fmt.size(found) if found else Cell(fmt.size(found), "muted")


def _took(view: View, row: TreeLine, name: str) -> CellValue:
    found = _figure(view, row, name)
    if found is None:
        return Cell(fmt.UNKNOWN, "muted") if row.use is not None and row.use.active else ""
    return fmt.milliseconds(found)
