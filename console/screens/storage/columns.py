"""The columns of the volumes table, whose rows are pools and volumes. Pure."""

from __future__ import annotations

from collections.abc import Callable

from console import format as fmt
from console.glyphs import glyphs
from console.screens.view import View
from console.widgets.charts import bar
from console.widgets.columns import Cell, CellValue, Column
from core.model import Pool, PoolState, Volume
from core.state.figures import used_fraction
from core.state.images import UNLISTED
from core.state.usage import (
    needed_by,
    overlays_of,
    users_elsewhere,
    users_known,
    volume_count,
)

StorageRow = Pool | Volume

_FULL = 0.9
"""From this part on a pool's bar is a warning, as its alert is."""
_BAR = 8


def volume_columns(view: View) -> list[Column[StorageRow]]:
    """Every column, in order. Sorted by name, pools stand over their volumes."""
    return [
        Column("name", "POOL / VOLUME", _name, place_of, min_width=20, max_width=56, flex=4,
               cut="middle", tooltip="A pool, and under it its volumes"),
        Column("host", "HOST", lambda row: row.host, lambda row: row.host, min_width=6,
               max_width=16, priority=3, tooltip="Where it is"),
        Column("type", "TYPE", _type, type_of, width=8, priority=4,
               tooltip="The pool's type or the volume's format"),
        Column("state", "STATE", _state, state_of, width=10, priority=6,
               tooltip="The pool's state"),
        Column("capacity", "SIZE", lambda row: fmt.size(row.capacity), lambda row: row.capacity,
               width=5, align="right", default_descending=True, tooltip="Capacity"),
        Column("allocation", "ALLOC", lambda row: fmt.size(row.allocation),
               lambda row: row.allocation, width=5, align="right", priority=1,
               default_descending=True, tooltip="What it takes now"),
        Column("used", "USED", _used, used_fraction, width=_BAR + 6, priority=5,
               default_descending=True, tooltip="Allocation of capacity"),
        Column("users", "USED BY", lambda row: _users(view, row), None, min_width=8, max_width=30,
               flex=3, priority=2, tooltip="The instances that need it, and what lies over it"),
        Column("backing", "BACKING OR PATH", lambda row: Cell(_below(row), "muted"), None,
               min_width=16, flex=4, priority=7, tooltip="What it is based on; a pool's path"),
    ]  # fmt: skip


def place_of(row: StorageRow) -> str:
    """What sorts pools by host and name, and each volume under its pool."""
    if isinstance(row, Pool):
        return f"{row.host}\t{row.name}\t{row.uuid}\t"
    return f"{row.host}\t{row.pool_name}\t{row.pool}\t{row.name}"


def storage_role(view: View) -> Callable[[StorageRow], str]:
    """Rows of a host out of reach are greyed."""
    return lambda row: "muted" if view.stale(row.host) else ""


def state_of(row: StorageRow) -> str:
    """The pool's state; a volume has none."""
    return row.state.value if isinstance(row, Pool) else ""


def type_of(row: StorageRow) -> str:
    """The pool's type or the volume's format."""
    return row.type if isinstance(row, Pool) else row.format or row.type


def user_names(view: View, row: StorageRow) -> list[str]:
    """Who has it as a disk, or below one, by name; empty for a pool.

    `db@alpha?` has a disk at the same path in what looks like the same pool, on another host.
    """
    if isinstance(row, Pool):
        return []
    here = [instance.name for instance in needed_by(view.state, row)]
    elsewhere = users_elsewhere(view.state, row)
    return here + [f"{instance.name}@{instance.host}?" for instance in elsewhere]


def _name(row: StorageRow) -> CellValue:
    if isinstance(row, Pool):
        return Cell(row.name, "strong")
    return f"  {row.name}"


def _type(row: StorageRow) -> CellValue:
    return type_of(row) or fmt.UNKNOWN


def _state(row: StorageRow) -> CellValue:
    if not isinstance(row, Pool):
        return ""
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


def _used(row: StorageRow) -> CellValue:
    part = used_fraction(row)
    if part is None:
        return Cell(fmt.UNKNOWN, "muted")
    role = "warning" if isinstance(row, Pool) and part >= _FULL else "chart"
    return (Cell(f" {bar(part, _BAR)}", role), Cell(f" {fmt.percent(part)}"))


def _users(view: View, row: StorageRow) -> CellValue:
    if isinstance(row, Pool):
        if row.error:
            return Cell(f"volumes not listed: {row.error}", "warning")
        if row.state in UNLISTED:
            return Cell(f"{row.state.value}: its volumes are not seen", "warning")
        return Cell(fmt.plural(volume_count(view.state, row), "volume"), "muted")
    if users := user_names(view, row):
        return fmt.listed(users, 3)
    if over := overlays_of(view.state, row):
        return f"{fmt.listed([one.name for one in over], 2)} over it"
    return Cell("nobody" if users_known(view.state, row) else fmt.UNKNOWN, "muted")


def _below(row: StorageRow) -> str:
    return row.path if isinstance(row, Pool) else row.backing
