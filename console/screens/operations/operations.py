"""What was asked for, by anybody, and what became of it. UI thread."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from functools import partial
from typing import Any

from textual import on
from textual.widget import Widget

from console import format as fmt
from console.actions.registry import bindings_for
from console.countdown import countdown_words, elapsed_share, elapsed_words
from console.screens.empty import no_operations
from console.screens.listing import Passes
from console.screens.matching import groups_of_hosts, word_filter
from console.screens.operations.acting import act, not_here, open_operation_menu
from console.screens.operations.results import result_lines
from console.screens.option_words import option_words
from console.screens.page import Page
from console.screens.panelled import PanelledScreen
from console.screens.table_text import facts, heading
from console.screens.view import View
from console.status_signs import status_sign
from console.widgets.charts import bar
from console.widgets.columns import Cell, CellValue, Column
from console.widgets.live_table import LiveTable
from core.model import Delta, OperationRecord, OperationStatus
from core.state.operations import moved_in_words
from core.verbs.parameter import parameters
from core.verbs.registry import VERBS

_PROGRESS = 14
"""Cells of the progress bar and what stands behind it, where there is room."""


class OperationsScreen(PanelledScreen[OperationRecord], inherit_bindings=False):
    """A table, newest first, over the steps of the one under the cursor."""

    CSS_PATH = "operations.tcss"
    BINDINGS = bindings_for("list", "panel", "operations")
    registry_layer = "operations"
    noun = "operation"
    filter_words = "words of verb, instance, host, status or author, group:prod, !word"

    def __init__(self) -> None:
        super().__init__()
        self._steps = Page(id="steps")

    def make_table(self) -> LiveTable[OperationRecord]:
        """The table, newest first."""
        return LiveTable(
            operation_columns(self.console.view),
            name_of=lambda row: row.id,
            row_role=lambda row: "muted" if row.not_open else "",
            sort="created",
        )

    def panel(self) -> Iterable[Widget]:
        """The steps of an operation."""
        yield self._steps

    def rows(self) -> Mapping[str, OperationRecord]:
        """Every operation the journal told of."""
        return self.console.view.state.operations

    def changes(self, delta: Delta) -> tuple[Mapping[Any, OperationRecord], Iterable[Hashable]]:
        """Operations that moved on."""
        operations = self.console.view.state.operations
        changed = {
            key.id: operations[key.id]
            for key in delta.changed
            if key.kind == "operation" and key.id in operations
        }
        return changed, [key.id for key in delta.gone if key.kind == "operation"]

    def parse_filter(self, text: str) -> Passes[OperationRecord]:
        """Words, and groups of the hosts it names."""
        view = self.console.view
        return word_filter(text, _words, lambda row: _groups(view, row))

    def empty_text(self) -> str:
        """How to ask for something."""
        return no_operations(self.console.view)

    def show_time(self) -> None:
        """What still runs takes longer and longer, and what waits counts down."""
        self.table.update_rows({record.id: record for record in self.console.view.running})
        row = self.table.cursor.row
        if row is not None and row.countdown is not None:
            self.show_panel()

    def action_row_menu(self) -> None:
        """Show what can be done to the operation under the cursor."""
        if (record := self._chosen()) is not None:
            open_operation_menu(self, record)

    async def action_operation(self, name: str) -> None:
        """Do one thing to the operation under the cursor."""
        if (record := self._chosen()) is not None:
            await act(self.console, record, name)

    def _chosen(self) -> OperationRecord | None:
        record = self.table.cursor.row
        why = "There is no operation to choose here." if record is None else ""
        if why := why or self._marked_elsewhere():
            self.console.notify(why, severity="warning", timeout=5, markup=False)
            return None
        return record

    @on(LiveTable.Highlighted)
    def show_panel(self) -> None:
        """What it did, step by step."""
        record = self.console.view.state.operations.get(self.table.cursor.key or "")
        lines = operation_lines(self.console.view, record) if record else []
        self._steps.show(lines)

    @on(LiveTable.Activated)
    async def _open(self) -> None:
        if (record := self.table.cursor.row) is not None:
            await act(self.console, record, "subject")


def operation_columns(view: View) -> list[Column[OperationRecord]]:
    """Every column, in order."""
    return [
        Column("created", "WHEN", lambda row: view.clock(row.created), lambda row: row.created,
               width=8, default_descending=True, tooltip="When it was asked for"),
        Column("verb", "VERB", lambda row: row.verb, lambda row: row.verb, min_width=18,
               max_width=22, flex=1, cut="middle", tooltip="What was asked for"),
        Column("name", "NAME", lambda row: row.name, lambda row: row.name, min_width=10,
               max_width=30, flex=2, cut="middle", tooltip="To what"),
        Column("host", "HOST", lambda row: row.host, lambda row: row.host, min_width=6,
               max_width=16, priority=3, tooltip="Where"),
        Column("status", "STATUS", _status, lambda row: list(OperationStatus).index(row.status),
               width=11, tooltip="How it stands"),
        Column("took", "TOOK", lambda row: fmt.duration(_took(view, row)),
               lambda row: _took(view, row), width=6, align="right", priority=2,
               default_descending=True, tooltip="From the start to the end"),
        Column("author", "AUTHOR", lambda row: row.author, lambda row: row.author, min_width=10,
               max_width=24, priority=6, tooltip="Who asked, on which machine"),
        Column("progress", "PROGRESS", lambda row: _progress(view, row, _PROGRESS),
               lambda row: row.progress, min_width=9, max_width=_PROGRESS, priority=1,
               draw=partial(_progress, view), yields=lambda row: row.status.final,
               tooltip="How far it is, or how much of the time it has is over"),
        Column("outcome", "OUTCOME", partial(_outcome, view), None, min_width=12, flex=4,
               spills=True, tooltip="What became of it, or its last step"),
    ]  # fmt: skip


def operation_lines(view: View, record: OperationRecord) -> list[CellValue]:
    """Everything about one operation, its steps included."""
    sign = status_sign(record.status)
    options = ", ".join(option_words(record.verb, record.options))
    lines = [
        heading(f"{record.verb} {record.name}"),
        *facts(
            [
                ("status", Cell(f"{sign.glyph} {sign.word}", sign.role)),
                ("asks", _asks(record)),
                ("waits", _waits(view, record)),
                ("moved", moved_in_words(record).removeprefix(", ")),
                ("outcome", record.outcome),
                ("cure", Cell(record.hint, "strong") if record.hint else ""),
                ("journal", Cell(_behind(record), "warning") if record.unjournalled else ""),
                ("asked", f"{view.date(record.created)} by {record.author}"),
                ("host", Cell(not_here(record), "warning") if record.not_open else ""),
                ("options", options),
            ]
        ),
        *result_lines(record.result),
        "",
        heading("Steps"),
    ]
    if not record.steps:
        return [*lines, Cell("  none yet", "muted")]
    for step in record.steps:
        lines.append((Cell(f"  {view.clock(step.at)}  ", "muted"), Cell(step.text)))
        if step.virsh:
            lines.append(Cell(f"    {step.virsh}", "muted"))
    return lines


def _asks(record: OperationRecord) -> CellValue:
    question = record.question
    if question is None:
        return ""
    words = " or ".join(choice.word for choice in question.choices)
    text = f"{question.text.rstrip('.')}. x answers: {words}."
    return Cell(text, "warning") if record.status is OperationStatus.ASKING else text


def _waits(view: View, record: OperationRecord) -> CellValue:
    countdown = record.countdown
    return "" if countdown is None else Cell(countdown_words(countdown, view.now()), "strong")


def _behind(record: OperationRecord) -> str:
    return f"does not hold it as it stands: {record.unjournalled}"


def _status(row: OperationRecord) -> CellValue:
    sign = status_sign(row.status)
    return Cell(f"{sign.glyph} {sign.word}", sign.role)


def _progress(view: View, row: OperationRecord, width: int) -> CellValue:
    """How far it is; where nobody can tell, how long it waits and how long it will."""
    if row.status.final:
        return Cell(fmt.UNKNOWN, "muted")
    migration = view.state.migrations.get(row.id)
    share = row.progress if migration is None else migration.part_done
    if share is not None:
        return _bar(share, fmt.percent(share), width)
    if (countdown := row.countdown) is not None:
        words = elapsed_words(countdown, view.now())
        over = elapsed_share(countdown, view.now())
        return Cell(words) if over is None else _bar(over, words, width)
    took, limit = _took(view, row), _limit(row)
    if took is None or not isinstance(limit, int | float) or limit <= 0:
        return Cell(fmt.UNKNOWN, "muted")
    return _bar(took / limit, f"{took:.0f}/{limit:.0f}s", width)


def _limit(row: OperationRecord) -> object:
    """The seconds it has: what was asked for, else what its verb gives when nothing is."""
    verb = VERBS.get(row.verb)
    fields = () if verb is None else parameters(verb.request)
    usual = next((field.default for field in fields if field.name == "timeout"), None)
    return row.options.get("timeout", usual)


def _bar(fraction: float, words: str, width: int) -> CellValue:
    room = max(0, width - len(words) - 1)
    return (Cell(bar(fraction, room), "chart"), Cell(f" {words}"))


def _took(view: View, row: OperationRecord) -> float | None:
    if row.started is None:
        return None
    return max(0.0, (row.ended or view.now()) - row.started)


def _outcome(view: View, row: OperationRecord) -> CellValue:
    if row.outcome:
        return row.outcome
    if row.countdown is not None:
        return Cell(countdown_words(row.countdown, view.now()), "muted")
    if row.question is not None:
        return Cell(row.question.text, "warning")
    return Cell(row.steps[-1].text if row.steps else "", "muted")


def _groups(view: View, row: OperationRecord) -> set[str]:
    """The groups of its host and of its destinations; a host that is not open here is in none."""
    named = (row.host, *(destination.name for destination in row.hosts[1:]))
    return groups_of_hosts(view.state.hosts, named)


def _words(row: OperationRecord) -> str:
    return " ".join((row.verb, row.name, row.host, row.status.value, row.author, row.outcome))
