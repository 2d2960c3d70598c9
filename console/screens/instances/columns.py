"""The columns of the instances table. Cells are drawn from the view when they come into sight."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from console import format as fmt
from console.glyphs import glyphs
from console.move_words import phase
from console.screens.view import View
from console.widgets.charts import spark
from console.widgets.columns import Cell, CellValue, Column
from core.model import Instance, InstanceState, Severity, Verdict
from core.state.figures import FIGURES
from core.state.migrations import migration_of
from core.state.operations import activity

HISTORY = (8, 16)
"""The least and the most samples in the CPU history column."""
BUSY = 90.0
"""Percent of CPU from which the figure is drawn in the warning role, with a sign before it."""

_STATE_ORDER = (
    InstanceState.CRASHED,
    InstanceState.PAUSED,
    InstanceState.SHUTTING_DOWN,
    InstanceState.RUNNING,
    InstanceState.SUSPENDED,
    InstanceState.SHUTOFF,
    InstanceState.UNKNOWN,
)
"""What an operator wants on top when sorting by state."""


def instance_columns(view: View) -> list[Column[Instance]]:
    """Every column, in order; the lowest priorities stay longest on a narrow terminal."""
    return [
        Column("name", "NAME", lambda row: row.name, lambda row: row.name,
               min_width=12, max_width=40, flex=3, cut="middle", tooltip="The instance's name"),
        Column("host", "HOST", lambda row: row.host, lambda row: row.host,
               min_width=6, max_width=16, flex=1, priority=2, tooltip="Where it is"),
        Column("state", "STATE", _state, _state_rank, min_width=11, max_width=15, flex=2,
               tooltip="State, by urgency"),
        _figure(view, "cpu", "CPU%", _percent, 1, "Percent of its vCPUs"),
        Column("history", "HISTORY", lambda row: _history(view, row, HISTORY[1]),
               min_width=HISTORY[0], max_width=HISTORY[1], flex=6, priority=7, yields=True,
               draw=lambda row, width: _history(view, row, width),
               tooltip="CPU, newest at the right; a full block is 100%"),
        _figure(view, "memory", "MEM", fmt.size, 3, "Memory in use, as far as the guest tells",
                yields=True),
        *_traffic(view),
        Column("activity", "ACTIVITY", _activity(view), lambda row: _words(view, row)[0] or None,
               min_width=12, flex=4, priority=4, spills=True,
               tooltip="What it is doing now, and alerts"),
    ]  # fmt: skip


def _traffic(view: View) -> list[Column[Instance]]:
    """Disk and network, in each direction where there is room, else summed up."""
    figures = partial(_figure, view, write=fmt.size, yields=True)
    return [
        figures("disk", "DISK", priority=5, stands_for=("read", "write"),
                tooltip="Read from and written to all disks, bytes a second"),
        figures("read", "READ", priority=5, tooltip="Read from all disks, bytes a second"),
        figures("write", "WRITE", priority=5, tooltip="Written to all disks, bytes a second"),
        figures("net", "NET", priority=6, stands_for=("received", "sent"),
                tooltip="Received and sent by all interfaces, bytes a second"),
        figures("received", "RX", priority=6, tooltip="Received by all interfaces, bytes a second"),
        figures("sent", "TX", priority=6, tooltip="Sent by all interfaces, bytes a second"),
    ]  # fmt: skip


def instance_role(view: View) -> Callable[[Instance], str]:
    """The role of a whole row: rows of a host out of reach are greyed."""
    return lambda row: "muted" if view.stale(row.host) else ""


def _figure(
    view: View,
    id: str,  # noqa: A002 - the column's own word, and the figure's
    title: str,
    write: Callable[[float | None], str],
    priority: int,
    tooltip: str,
    *,
    yields: bool = False,
    stands_for: tuple[str, ...] = (),
) -> Column[Instance]:
    def figure(row: Instance) -> float | None:
        return FIGURES[id](row, view.state)

    def render(row: Instance) -> CellValue:
        number = figure(row)
        if id == "cpu" and number is not None and number >= BUSY:
            return Cell(write(number), "warning")
        return write(number) if number else Cell(write(number), "muted")

    return Column(
        id, title, render, figure, width=5, align="right", priority=priority,
        default_descending=True, tooltip=tooltip, yields=yields, stands_for=stands_for,
    )  # fmt: skip


def _percent(value: float | None) -> str:
    if value is None:
        return fmt.UNKNOWN
    return f"{value:.1f}" if value < 99.95 else f"{value:.0f}"


def _state(row: Instance) -> CellValue:
    sign = fmt.instance_state(row.state)
    return (Cell(f"{sign.glyph} ", sign.role), Cell(sign.word, sign.role))


def _state_rank(row: Instance) -> int:
    return _STATE_ORDER.index(row.state)


def _history(view: View, row: Instance, width: int) -> CellValue:
    histories = view.state.histories
    values = histories.series(row.key, "cpu", width) if histories and width > 0 else ()
    return Cell(spark(values, width, 100.0), "chart")


def _activity(view: View) -> Callable[[Instance], CellValue]:
    def render(row: Instance) -> CellValue:
        text, role = _words(view, row)
        return Cell(text, role)

    return render


def _doing_role(view: View, row: Instance) -> str:
    """A migration that will not come to its end wants an operator."""
    migration = migration_of(view.state.migrations, row.key)
    forecast = migration.forecast if migration is not None else None
    return "warning" if forecast is not None and forecast.verdict is Verdict.NOT else "changing"


def _words(view: View, row: Instance) -> tuple[str, str]:
    """What it does or suffers, in order of importance, and the role of these words."""
    alerts = view.alerts(row.key)
    trouble = f"{glyphs().alert} {alerts[0].cause}" if alerts else ""
    if view.stale(row.host):
        return f"as of {view.stale_age(row.host)} ago {trouble}".rstrip(), "muted"
    if alerts:
        role = "error" if alerts[0].severity is Severity.ERROR else "warning"
        more = f" (+{len(alerts) - 1})" if len(alerts) > 1 else ""
        return trouble + more, role
    if doing := activity(view.state, row.key):
        return doing, _doing_role(view, row)
    if row.state in (InstanceState.PAUSED, InstanceState.CRASHED):
        return f"({row.reason})" if row.reason else "", "muted"
    return phase(row) or ("in rescue" if row.rescue else ""), "warning"
