"""From the host under the cursor to its drain: the look at everything, the question. UI thread."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from console import format as fmt
from console.cell_width import padded, widest
from console.screens.base import ConsoleScreen, ask_in_view
from console.screens.submitting import submit, tell_against
from console.widgets.columns import Cell, CellValue
from core.migration.execution.survey import survey
from core.model import ObjectKey
from core.model.drain import DrainItem, DrainProgress, Stage
from core.source import Operation, Source
from core.verbs.danger import danger
from core.verbs.migration.requests import Drain

if TYPE_CHECKING:
    from console.shell.app import VirtdeckApp

PATIENCE = 1.0
"""Seconds of looking after which the operator is told what takes so long."""
MOST_NAMES = 8
"""Lines of one kind in the question; the rest is counted."""


def propose(screen: ConsoleScreen, host: str) -> None:
    """Look at everything that runs on a host, ask, and have it moved away."""
    console = screen.console
    request = Drain(ObjectKey("host", host, host))

    async def look(source: Source) -> tuple[tuple[str, ...], DrainProgress]:
        if reasons := source.check(request):
            return tuple(map(str, reasons)), DrainProgress()
        return (), await survey(source.migrations.preflight, lambda: source.state, request)

    def looked(found: tuple[tuple[str, ...], DrainProgress]) -> None:
        slow.stop()
        ask_in_view(screen, f"Drain {host}", lambda: _ask(console, request, *found))

    def say() -> None:
        console.notify(f"Looking at everything that runs on {host}.", timeout=3, markup=False)

    slow = console.set_timer(PATIENCE, say)
    console.ask(look, looked)


def _ask(
    console: VirtdeckApp, request: Drain, reasons: tuple[str, ...], plan: DrainProgress
) -> None:
    from console.screens.dialogs.question import TypedQuestionDialog, danger_lines

    host = request.subject.host
    if not reasons and not plan.at(Stage.WAITING, Stage.MOVING):
        reasons = tuple(f"{item.name}: {item.reason}" for item in plan.at(Stage.STAYS))
        reasons = reasons or (f"Nothing runs on {host}.",)
    if reasons:
        tell_against(console, f"Drain {host}", reasons)
        return

    def submitted(_: Operation) -> None:
        console.call_later(console.navigation.show, "operations")

    def answered(sure: bool | None) -> None:
        if sure:
            submit(console, (request,), submitted)

    asked = danger(console.view.state, request)
    lines = [*danger_lines(asked), "", *particulars(request, plan)]
    dialog = TypedQuestionDialog(f"Drain {host}?", lines, "Drain", asked.word)
    console.push_screen(dialog, answered)


def particulars(request: Drain, plan: DrainProgress) -> list[CellValue]:
    """Who goes where, who stays and why, who is left."""
    waiting, moving = plan.at(Stage.WAITING), plan.at(Stage.MOVING)
    count = fmt.plural(len(waiting), "instance")
    lines: list[CellValue] = [
        Cell(f"Moves {count}, {request.at_a_time} at a time, in this order:"),
        *_listed(waiting, lambda item: f"{fmt.size(item.memory or None)} to {item.to}"),
        *_listed(moving, lambda item: f"on its way to {item.to or 'another host'} already"),
    ]
    if stays := plan.at(Stage.STAYS):
        lines += ["", Cell(f"{len(stays):,} cannot be moved:", "error")]
        lines += _listed(stays, lambda item: item.reason)
    if left := plan.at(Stage.LEFT):
        names = fmt.listed([item.name for item in left], 3)
        lines += ["", Cell(f"Left where they are, as they do not run: {names}.", "muted")]
    return lines


def _listed(items: tuple[DrainItem, ...], words: Callable[[DrainItem], str]) -> list[CellValue]:
    shown = items[:MOST_NAMES]
    width = widest(item.name for item in shown)
    lines: list[CellValue] = [
        (Cell(f"  {padded(item.name, width)}  ", "strong"), Cell(words(item), "muted"))
        for item in shown
    ]
    rest = len(items) - len(shown)
    return [*lines, Cell(f"  and {rest:,} more", "muted")] if rest else lines
