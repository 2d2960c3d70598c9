"""The columns of the volumes table, whose rows are pools and volumes. Pure."""

from __future__ import annotations

from collections.abc import Callable

from console import format as fmt
from console.glyphs import glyphs
from console.screens.storage.figures import (
    StorageRow,
    depth_of,
    doing_of,
    growth_in,
    io_of,
    latency_of,
    use_words,
)
from console.screens.view import View
from console.widgets.charts import bar
from console.widgets.columns import Cell, CellValue, Column
from core.model import Pool, PoolState
from core.state.figures import used_fraction
from core.state.images import UNLISTED
from core.state.storage_rows import NO_POOL, pool_key, twins_of
from core.state.usage import overlays_of, users_known, volume_count

_FULL = 0.9
"""From this part on a pool's bar is a warning, as its alert is."""
_BAR = 8
_PERCENT = 6
"""Cells of a share with the blank before it."""
_STUB = 3
"""Cells below which a bar tells nothing."""
_SOON = 24 * 3600.0
"""Seconds: a pool that is full by then is a warning."""
MISSING = "missing"
"""What a volume is that libvirt lists and that is not there."""
_LAST = "\U0010ffff"
"""Sorts behind every pool."""


def volume_columns(view: View) -> list[Column[StorageRow]]:
    """Every column, in order. Sorted by name, pools stand over their volumes."""
    return [
        Column("name", "POOL / VOLUME", _name, place_of, min_width=20, max_width=56, flex=4,
               cut="middle", tooltip="A pool, and under it its volumes; last, disks of no pool"),
        Column("host", "HOST", lambda row: _host(view, row), lambda row: row.host, min_width=6,
               max_width=16, priority=1, tooltip="Where it is; +1: one more host has it"),
        Column("type", "TYPE", _type, type_of, width=8, priority=8,
               tooltip="The pool's type or the volume's format"),
        Column("state", "STATE", _state, state_of, width=10, priority=7,
               tooltip="The pool's state; missing: a volume that others removed"),
        Column("capacity", "SIZE", lambda row: fmt.size(row.capacity), lambda row: row.capacity,
               width=5, align="right", priority=6, default_descending=True,
               tooltip="Capacity"),
        Column("allocation", "ALLOC", lambda row: fmt.size(row.allocation),
               lambda row: row.allocation, width=5, align="right", priority=1,
               default_descending=True, tooltip="What it takes now"),
        Column("used", "USED", lambda row: _used(row, _BAR + _PERCENT), used_fraction,
               min_width=_PERCENT, max_width=_BAR + _PERCENT, flex=8, priority=2,
               default_descending=True, tooltip="Allocation of capacity", draw=_used),
        *figure_columns(view),
        Column("backing", "BACKING OR PATH", lambda row: Cell(_below(row), "muted"), None,
               min_width=16, flex=4, priority=12, tooltip="What it is based on; a pool's path"),
    ]  # fmt: skip


def figure_columns(view: View) -> list[Column[StorageRow]]:
    """How it grows, who uses it, and what goes on."""
    return [
        Column("growth", "GROWTH", lambda row: _growth(view, row),
               lambda row: _per_hour(view, row), width=8, align="right", priority=4,
               default_descending=True, tooltip="Bytes an hour, over the last day at the most"),
        Column("full", "FULL IN", lambda row: _full(view, row),
               lambda row: _full_in(view, row), width=7, align="right", priority=5,
               tooltip="When its pool has no room left, at the speed of all that grows there"),
        Column("users", "USED BY", lambda row: _users(view, row), None, min_width=11, max_width=30,
               flex=3, priority=3,
               tooltip="The disks that need it, as instance:target, and what lies over it"),
        Column("io", "I/O", lambda row: _io(view, row), lambda row: io_of(view, row), width=5,
               align="right", priority=9, default_descending=True,
               tooltip="What the disks that are it read and write, bytes a second"),
        Column("latency", "LATENCY", lambda row: _latency(view, row),
               lambda row: latency_of(view, row), width=7, align="right", priority=10,
               default_descending=True,
               tooltip="What a request takes, read or written, of the slowest of its disks"),
        Column("doing", "DOING", lambda row: Cell(doing_of(view, row), "changing"),
               lambda row: doing_of(view, row) or None, min_width=8, max_width=40, flex=2,
               priority=11, tooltip="Operations on it, and block jobs of the disks that are it"),
        Column("depth", "CHAIN", lambda row: _depth(view, row),
               lambda row: depth_of(view, row), width=5, align="right", priority=13,
               default_descending=True, tooltip="How many images it lies over"),
    ]  # fmt: skip


def place_of(row: StorageRow) -> str:
    """What sorts pools by host and name, and each volume under its pool."""
    if isinstance(row, Pool):
        return f"{row.host}\t{row.name}\t{row.uuid}\t"
    if row.pool == NO_POOL:
        return f"{row.host}\t{_LAST}{row.name}"
    return f"{row.host}\t{row.pool_name}\t{row.pool}\t{row.name}"


def storage_role(view: View) -> Callable[[StorageRow], str]:
    """Rows of a host out of reach are greyed."""
    return lambda row: "muted" if view.stale(row.host) else ""


def state_of(row: StorageRow) -> str:
    """The pool's state; a volume has none but that it is missing, and a disk may be in no pool."""
    if isinstance(row, Pool):
        return row.state.value
    if row.missing:
        return MISSING
    return "no pool" if row.pool == NO_POOL else ""


def type_of(row: StorageRow) -> str:
    """The pool's type or the volume's format."""
    return row.type if isinstance(row, Pool) else row.format or row.type


def _host(view: View, row: StorageRow) -> CellValue:
    more = len(twins_of(view.state, pool_key(row))) - 1
    return f"{row.host} +{more}" if more > 0 else row.host


def _per_hour(view: View, row: StorageRow) -> float | None:
    found = growth_in(view, row)
    return None if found is None else found.per_hour


def _full_in(view: View, row: StorageRow) -> float | None:
    found = growth_in(view, row)
    return None if found is None else found.full_in


def _growth(view: View, row: StorageRow) -> CellValue:
    per_hour = _per_hour(view, row)
    if per_hour is None:
        return Cell(fmt.UNKNOWN, "muted")
    if abs(per_hour) < 1:
        return Cell("0", "muted")
    return f"{'+' if per_hour > 0 else ''}{fmt.size(per_hour)}/h"


def _full(view: View, row: StorageRow) -> CellValue:
    seconds = _full_in(view, row)
    if seconds is None:
        return ""
    return Cell(fmt.duration(seconds), "warning" if seconds < _SOON else "")


def _io(view: View, row: StorageRow) -> CellValue:
    found = io_of(view, row)
    if found is None:
        return ""
    return fmt.size(found) if found else Cell(fmt.size(found), "muted")


def _latency(view: View, row: StorageRow) -> CellValue:
    found = latency_of(view, row)
    return "" if found is None else fmt.milliseconds(found)


def _depth(view: View, row: StorageRow) -> CellValue:
    depth = depth_of(view, row)
    return f"{depth}" if depth else ""


def _name(row: StorageRow) -> CellValue:
    if isinstance(row, Pool):
        return Cell(row.name, "strong")
    return row.name if row.pool == NO_POOL else f"  {row.name}"


def _type(row: StorageRow) -> CellValue:
    return type_of(row) or fmt.UNKNOWN


def _state(row: StorageRow) -> CellValue:
    if not isinstance(row, Pool):
        return Cell(state_of(row), "warning" if row.missing else "muted")
    signs = glyphs()
    match row.state:
        case PoolState.ACTIVE:
            return Cell(f"{signs.running} active", "ok")
        case PoolState.INACTIVE:
            return Cell(f"{signs.off} inactive", "off")
        case PoolState.BUILDING:
            return Cell(f"{signs.changing} building", "changing")
        case _:
            return Cell(f"{signs.crashed} {row.state.value}", "error")


def _used(row: StorageRow, width: int) -> CellValue:
    """Return the share, with a bar where there is room for more than a stub of one."""
    part = used_fraction(row)
    if part is None:
        return Cell(fmt.UNKNOWN, "muted")
    full = isinstance(row, Pool) and part >= _FULL
    role, words, cells = "warning" if full else "", fmt.percent(part), width - _PERCENT
    if cells < _STUB:
        return Cell(words.rjust(_PERCENT - 1), role)
    return (Cell(f" {bar(part, cells)}", role or "chart"), Cell(f" {words}", role))


def _users(view: View, row: StorageRow) -> CellValue:
    if isinstance(row, Pool):
        if row.error:
            return Cell(f"volumes not listed: {row.error}", "warning")
        if row.state in UNLISTED:
            return Cell(f"{row.state.value}: its volumes are not seen", "warning")
        return Cell(fmt.plural(volume_count(view.state, row), "volume"), "muted")
    if users := use_words(view, row):
        return fmt.listed(users, 3)
    if over := overlays_of(view.state, row):
        return f"{fmt.listed([one.name for one in over], 2)} over it"
    return Cell("nobody" if users_known(view.state, row) else fmt.UNKNOWN, "muted")


def _below(row: StorageRow) -> str:
    return row.path if isinstance(row, Pool) else row.backing
