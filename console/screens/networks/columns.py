"""The columns of the networks table. Pure."""

from __future__ import annotations

from collections.abc import Callable

from console import format as fmt
from console.glyphs import glyphs
from console.screens.view import View
from console.widgets.columns import Cell, CellValue, Column
from core.model import Network
from core.state.usage import instances_on


def network_columns(view: View) -> list[Column[Network]]:
    """Every column, in order."""
    return [
        Column("name", "NETWORK", lambda row: row.name, place_of, min_width=12, max_width=40,
               flex=3, cut="middle", tooltip="Its name; sorted: by host, then name"),
        Column("host", "HOST", lambda row: row.host, lambda row: row.host, min_width=6,
               max_width=16, priority=1, tooltip="Where it is"),
        Column("state", "STATE", state_cell, state_of, width=10, tooltip="Whether it is active"),
        Column("autostart", "AUTOSTART", lambda row: _yes(row.autostart),
               lambda row: row.autostart, width=9, priority=3,
               tooltip="Whether it starts with its host"),
        Column("persistent", "PERSISTENT", lambda row: _yes(row.persistent),
               lambda row: row.persistent, width=10, priority=5,
               tooltip="Whether it is defined; a transient one is gone when it stops"),
        Column("bridge", "BRIDGE", lambda row: row.bridge or fmt.UNKNOWN,
               lambda row: row.bridge, min_width=7, max_width=15, priority=2,
               tooltip="The bridge on the host"),
        Column("forward", "FORWARD", forward_of, forward_of, width=9, priority=2,
               tooltip="How it leads out of the host: nat, route, open, bridge ..."),
        Column("addresses", "ADDRESSES", _addresses, None, min_width=14, max_width=40, flex=2,
               priority=6, tooltip="The host's addresses on it"),
        Column("users", "USED BY", lambda row: _users(view, row), None, min_width=10, flex=4,
               priority=4, tooltip="The instances that have an interface on it; ( ) is off"),
    ]  # fmt: skip


def place_of(row: Network) -> str:
    """What sorts networks by host and name."""
    return f"{row.host}\t{row.name}"


def network_role(view: View) -> Callable[[Network], str]:
    """Rows of a host out of reach are greyed."""
    return lambda row: "muted" if view.stale(row.host) else ""


def state_of(row: Network) -> str:
    """`active` or `inactive`."""
    return "active" if row.active else "inactive"


def forward_of(row: Network) -> str:
    """Its forward mode; `-` until its XML is read."""
    return row.leads or fmt.UNKNOWN


def words_of(row: Network) -> str:
    """What a filter finds it by."""
    kept = "persistent" if row.persistent else "transient"
    return " ".join(
        (row.name, row.host, state_of(row), row.bridge, forward_of(row), kept, *row.addresses)
    )


def state_cell(row: Network) -> CellValue:
    """Return the state with its sign."""
    signs = glyphs()
    if row.active:
        return Cell(f"{signs.running} active", "ok")
    return Cell(f"{signs.off} inactive", "off")


def _yes(value: bool) -> CellValue:
    return "yes" if value else Cell("no", "muted")


def _addresses(row: Network) -> CellValue:
    return ", ".join(row.addresses) or Cell(fmt.UNKNOWN, "muted")


def _users(view: View, row: Network) -> CellValue:
    users = instances_on(view.state, row)
    names = [one.name if one.state.active else f"({one.name})" for one in users]
    return fmt.listed(names, 3) if names else Cell("nobody", "muted")
