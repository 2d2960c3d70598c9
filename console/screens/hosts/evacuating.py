"""From a dead host under the cursor to its evacuation: where to, a look, a question. UI thread."""

from __future__ import annotations

from typing import TYPE_CHECKING

from console import evacuating as words
from console.cell_width import padded, widest
from console.screens.base import ConsoleScreen, ask_in_view
from console.screens.menu_lines import MenuLine
from console.screens.submitting import submit, tell_against
from console.widgets.columns import Cell, CellValue
from core.errors import VirtdeckError
from core.evacuation import Survey, survey
from core.model import Host, LinkStatus
from core.model.text import clean
from core.source import Operation, Source
from core.verbs.danger import danger_of

if TYPE_CHECKING:
    from console.shell.app import VirtdeckApp

TITLE = "Evacuate"
PATIENCE = 1.0
"""Seconds of looking after which the operator is told what takes so long."""
MOST_NAMES = 50
"""Lines of one kind in the question; the rest is counted."""
_LETTERS = "abcdefghijklmopqrstuvwxyz"


def propose(screen: ConsoleScreen, dead: str) -> None:
    """Have it chosen where to, look at everything, ask, and have it done."""
    from console.screens.dialogs.row_menu import RowMenu

    state = screen.console.view.state
    up = [
        host
        for host in state.hosts.values()
        if host.name != dead and host.link.status is LinkStatus.UP
    ]
    if not up:
        tell_against(screen.console, TITLE, ["No other host answers."])
        return
    if len(up) == 1:
        _look(screen, dead, up[0].name)
        return

    def chosen(name: str | None) -> None:
        if name is not None:
            _look(screen, dead, name)

    lines = [_line(letter, host) for letter, host in zip(_LETTERS, up, strict=False)]
    heading = [Cell(f"Evacuate {clean(dead)} to", "strong")]
    menu = RowMenu(heading, lines, [host.name for host in up])
    screen.console.push_screen(menu, chosen)


def _line(letter: str, host: Host) -> MenuLine:
    text = "" if host.facts is None else host.facts.hostname
    return MenuLine(letter, clean(host.name), (Cell(clean(text), "muted"),))


def _look(screen: ConsoleScreen, dead: str, to: str) -> None:
    console = screen.console

    async def look(source: Source) -> Survey | str:
        try:
            return await survey(source, dead, to)
        except VirtdeckError as error:
            return str(error)

    def looked(found: Survey | str) -> None:
        slow.stop()
        if isinstance(found, str):
            tell_against(console, TITLE, [found])
        else:
            ask_in_view(screen, f"{TITLE} {clean(dead)}", lambda: _ask(console, found))

    def say() -> None:
        text = f"Looking whether {clean(dead)} answers, and at the disks of its instances."
        console.notify(text, timeout=5, markup=False)

    slow = console.set_timer(PATIENCE, say)
    console.ask(look, looked)


def _ask(console: VirtdeckApp, found: Survey) -> None:
    from console.screens.dialogs.question import TypedQuestionDialog, danger_lines

    asked = found.requests
    if not asked:
        lines = [f"{one.request.makes}: {one.against}" for one in found.instances]
        tell_against(console, f"{TITLE} {clean(found.source)}", lines)
        return

    def submitted(_: Operation) -> None:
        console.call_later(console.navigation.show, "operations")

    def answered(sure: bool | None) -> None:
        if sure:
            submit(console, asked, submitted)

    danger = danger_of(console.view.state, asked)
    told = [*danger_lines(danger), "", *particulars(found, console.view.state.at)]
    title = f"Evacuate {clean(found.source)} to {clean(found.to)}?"
    console.push_screen(TypedQuestionDialog(title, told, TITLE, danger.word), answered)


def particulars(found: Survey, at: float) -> list[CellValue]:
    """Who is started, who is only defined, who is left alone and why."""
    starts = [one for one in found.instances if not one.against and one.request.start]
    defines = [one for one in found.instances if not one.against and not one.request.start]
    there = [one for one in found.instances if one.there]
    left = [one for one in found.instances if one.against and not one.there]
    lines: list[CellValue] = [Cell(words.age(found, at), "muted")]
    for some, heading, role in (
        (starts, "Started there, as they ran", ""),
        (defines, "Defined there, as they were off", ""),
        (there, "There already", "muted"),
        (left, "Left alone", "error"),
    ):
        if not some:
            continue
        lines.append(Cell(f"{heading} ({len(some):,}):", role))
        width = widest(clean(one.request.makes) for one in some[:MOST_NAMES])
        for one in some[:MOST_NAMES]:
            what = one.against or "; ".join(one.notes)
            name = Cell(f"  {padded(clean(one.request.makes), width)}  ", "strong")
            lines.append((name, Cell(clean(what), "muted")))
        if len(some) > MOST_NAMES:
            lines.append(Cell(f"  and {len(some) - MOST_NAMES:,} more", "muted"))
    if told := words.unseen(found):
        lines.append(Cell(told, "warning"))
    return lines
