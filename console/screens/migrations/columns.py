"""The columns of the migrations table, and what comes first in it. Pure."""

from __future__ import annotations

from console import format as fmt
from console.screens.migrations import words
from console.screens.view import View
from console.status_signs import status_sign
from console.widgets.charts import bar
from console.widgets.columns import Cell, CellValue, Column
from core.model import Migration, MigrationStatus

_FIRST = (
    MigrationStatus.POST_COPY_INTERRUPTED,
    MigrationStatus.POST_COPY,
    MigrationStatus.UNKNOWN,
    MigrationStatus.COMPLETING,
    MigrationStatus.VERIFYING,
    MigrationStatus.RUNNING,
    MigrationStatus.PREPARING,
    MigrationStatus.QUEUED,
)
"""What is not over, in the order an operator wants it; what is over comes after, newest first."""
_SHARE = 5
"""Cells of the percentage behind the bar."""


def rank(row: Migration) -> tuple[int, float]:
    """Running before queued before what is over, among these the newest first."""
    place = _FIRST.index(row.status) if row.status in _FIRST else len(_FIRST)
    return place, -(row.ended or row.created)


def migration_columns(view: View) -> list[Column[Migration]]:
    """Every column, in order; the lowest priorities stay longest on a narrow terminal."""
    return [
        Column("name", "INSTANCE", words.name_of, words.name_of, min_width=8, max_width=30,
               flex=3, cut="middle", tooltip="What moves"),
        Column("route", "FROM, TO", words.route, words.route, min_width=12, max_width=34, flex=2,
               tooltip="From where to where"),
        Column("status", "STATUS", lambda row: _status(view, row), rank, width=18,
               tooltip="How it stands; sorted: running, queued, the newest of what is over"),
        Column("policy", "POLICY", lambda row: row.policy, lambda row: row.policy, width=10,
               priority=5, tooltip="What decides for the operator"),
        Column("started", "STARTED", lambda row: view.clock(row.started or row.created),
               lambda row: row.started or row.created, width=8, priority=4,
               default_descending=True, tooltip="When it began, or was asked for"),
        Column("took", "TOOK", lambda row: fmt.duration(words.took(view, row)),
               lambda row: words.took(view, row), width=6, align="right", priority=3,
               default_descending=True, tooltip="From the start to the end, or to now"),
        Column("author", "WHO", _author, _author, min_width=8, max_width=24, priority=6,
               tooltip="Who asked, on which machine"),
        Column("progress", "PROGRESS", lambda row: _progress(row, 10), lambda row: row.part_done,
               min_width=10, max_width=24, flex=2, draw=_progress, priority=2, yields=_over,
               default_descending=True, tooltip="How far it is"),
        Column("left", "LEFT", lambda row: words.time_left(view, row),
               lambda row: row.forecast.eta if row.forecast and not row.status.final else None,
               width=6, align="right", priority=1, yields=_over,
               tooltip="Time to the end; ~: not certain"),
        Column("verdict", "VERDICT, OUTCOME", lambda row: words.verdict_cell(view, row),
               lambda row: words.verdict_cell(view, row).text or None, min_width=17, flex=5,
               spills=True, tooltip="Whether it comes to its end; what became of it"),
    ]  # fmt: skip


def text_of(row: Migration) -> str:
    """What the filter's words are looked for in."""
    verdict = row.forecast.verdict.value if row.forecast is not None else ""
    return " ".join(
        (row.name, row.host, row.to, row.uri, row.status.value, row.policy, row.author, verdict,
         row.outcome, "foreign" if row.foreign else "")
    )  # fmt: skip


def _status(view: View, row: Migration) -> CellValue:
    sign = status_sign(row.status)
    role = "muted" if words.lost(view, row) else sign.role
    return Cell(f"{sign.glyph} {sign.word}", role)


def _over(row: Migration) -> bool:
    """Whether there is no progress and no time left to tell."""
    return row.status.final


def _progress(row: Migration, width: int) -> CellValue:
    share = row.part_done
    if share is None or (row.status.final and row.status is not MigrationStatus.COMPLETED):
        return Cell(fmt.UNKNOWN, "muted")
    return (
        Cell(bar(share, width - _SHARE), "chart"),
        Cell(f"{fmt.percent(share):>{_SHARE}}"),
    )


def _author(row: Migration) -> str:
    return "not from here" if row.foreign and not row.author else row.author or fmt.UNKNOWN
