"""What the guest's agent tells of the system in it, as lines of text. Pure."""

from __future__ import annotations

from console import format as fmt
from console.screens.table_text import facts, heading, table
from console.screens.view import View
from console.widgets.charts import bar
from console.widgets.columns import Cell, CellValue
from core.model.guest import GuestFileSystem, GuestInfo

_BAR = 16
"""Cells of a file system's bar."""
_NEARLY_FULL = 0.9


def guest(view: View, info: GuestInfo) -> list[CellValue]:
    """The system, who is logged in, and how full its file systems are."""
    users = [
        one.name + (f" since {view.date(one.since)}" if one.since else "") for one in info.users
    ]
    lines = facts(
        [
            ("system", info.system),
            ("kernel", info.kernel),
            ("host name", info.host_name),
            ("time zone", _zone(info)),
            ("logged in", ", ".join(users)),
        ]
    )
    if info.file_systems:
        titles = ("mounted at", "type", "on", "used", "", "")
        lines += ["", *table(titles, [_file_system(one) for one in info.file_systems])]
    return [heading("Guest"), *lines] if lines else []


def _zone(info: GuestInfo) -> str:
    if info.time_offset is None:
        return info.time_zone
    hours, minutes = divmod(abs(info.time_offset) // 60, 60)
    offset = f"UTC{'-' if info.time_offset < 0 else '+'}{hours:02}:{minutes:02}"
    return f"{info.time_zone} ({offset})" if info.time_zone else offset


def _file_system(one: GuestFileSystem) -> tuple[CellValue, ...]:
    share = None if one.used is None or not one.total else min(one.used / one.total, 1.0)
    full = share is not None and share >= _NEARLY_FULL
    role = "warning" if full else "chart"
    of = "" if one.total is None else f"{fmt.size(one.used)} of {fmt.size(one.total)}"
    return (
        one.mount_point or fmt.UNKNOWN,
        one.type or fmt.UNKNOWN,
        ", ".join(one.disks) or fmt.UNKNOWN,
        Cell(bar(share, _BAR), role),
        Cell("" if share is None else fmt.percent(share), role if full else ""),
        of,
    )
