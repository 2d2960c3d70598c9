"""The columns of the events table. Pure."""

from __future__ import annotations

from typing import NamedTuple

from console.glyphs import glyphs
from console.screens.view import View
from console.widgets.columns import Cell, CellValue, Column
from core.model import Event
from core.model.base import kebab
from core.state.event_text import describe, severity

_ENDINGS = ("-lifecycle", "-changed", "-event")
"""What the names of events end in and nobody needs to read."""


class EventLine(NamedTuple):
    """An event and the number under which it came."""

    number: int
    event: Event


def event_columns(view: View) -> list[Column[EventLine]]:
    """Every column, in order."""
    return [
        Column("at", "TIME", lambda row: view.clock(row.event.at), lambda row: row.number, width=8,
               tooltip="When it reached this console"),
        Column("host", "HOST", lambda row: row.event.host, lambda row: row.event.host,
               min_width=6, max_width=16, priority=2, tooltip="Where it came from"),
        Column("name", "OBJECT", _name, lambda row: row.event.name, min_width=10, max_width=30,
               flex=2, cut="middle", tooltip="What it is about"),
        Column("kind", "EVENT", lambda row: Cell(_kind(row), "muted"), _kind,
               min_width=12, max_width=21, flex=3, priority=3,
               tooltip="Its kind; kind:WORD in the filter finds it"),
        Column("text", "WHAT HAPPENED", _text, None, min_width=40, flex=6,
               tooltip="In words; ! marks what is wrong"),
    ]  # fmt: skip


def kind_word(kind: type[Event]) -> str:
    """What kind it is, as short as the filter's `kind:` understands: `instance`, `io-error`."""
    name = kebab(kind.__name__)
    for ending in _ENDINGS:
        name = name.removesuffix(ending)
    return name


def event_text(event: Event) -> Cell:
    """What happened, in words; a sign before it when it is serious."""
    role = severity(event)
    if role == "info":
        return Cell(describe(event))
    return Cell(f"{glyphs().alert} {describe(event)}", role)


def _kind(row: EventLine) -> str:
    return kind_word(type(row.event))


def _name(row: EventLine) -> CellValue:
    return row.event.name or Cell(row.event.subject.kind, "muted")


def _text(row: EventLine) -> CellValue:
    return event_text(row.event)
