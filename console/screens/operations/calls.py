"""Each call that was made, as virsh would make it, with its time and its result. UI thread."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from textual.containers import VerticalScroll
from textual.widget import Widget

from console import format as fmt
from console.actions.registry import bindings_for
from console.screens.base import ConsoleScreen
from console.screens.operations.acting import act, no_calls, open_operation_menu
from console.screens.page import Page
from console.screens.parts import Part
from console.screens.view import View
from console.widgets.columns import Cell, CellValue
from core.model import OperationRecord
from core.model.text import clean
from core.state.calls import CallMade, calls_made

MOST = 500
"""Calls shown: the newest."""
_NONE = (
    "No call was made: what changes nothing is not listed.",
    "Each start, shutdown or rename of any console of this journal comes here as it is sent.",
)


def call_lines(view: View, only: str = "") -> list[CellValue]:
    """Two lines for each call: when, on whom and with what result; then the virsh line."""
    made = calls_made(view.state, only)[:MOST]
    if not made:
        record = view.state.operations.get(only)
        none = _NONE if record is None else (no_calls(record),)
        return ["", *(Cell(f"  {line}", "muted") for line in none)]
    return [line for each in made for line in _lines(view, each)]


def _lines(view: View, made: CallMade) -> Iterator[CellValue]:
    step, where = made.step, clean(f"{made.name} on {made.host}")
    yield (
        Cell(f"  {view.clock(step.at)}  ", "muted"),
        _result(made),
        Cell(f"  {where}: ", "strong"),
        Cell(made.verb, "muted"),
    )
    yield Cell(f"    {clean(step.virsh) or 'virsh has nothing that does the same'}")
    if step.error:
        yield Cell(f"    {clean(step.error)}", "error")


def _result(made: CallMade) -> Cell:
    step = made.step
    if step.error:
        return Cell(f"failed after {fmt.milliseconds(1000 * (step.took or 0.0))}", "error")
    if step.took is not None:
        return Cell(f"took {fmt.milliseconds(1000 * step.took)}", "ok")
    return Cell("no answer seen" if made.over else "under way", "warning")


class CallsScreen(ConsoleScreen, inherit_bindings=False):
    """A page to scroll, the newest call on top; `esc` goes back."""

    AUTO_FOCUS = "VerticalScroll"
    BINDINGS = bindings_for("operations")
    registry_layer = "calls"

    def __init__(self, about: str, only: str = "") -> None:
        """`about` names the screen below; `only` is the id of an operation: its calls alone."""
        super().__init__()
        self._about = about
        self._only = only
        self._page = Page()

    def body(self) -> Iterable[Widget]:
        """One page of text."""
        with VerticalScroll():
            yield self._page

    def crumbs(self) -> tuple[str, ...]:
        """Where one came from."""
        return (self._about, "calls")

    def summary(self) -> list[Part]:
        """How many there are."""
        made = calls_made(self.console.view.state, self._only)
        return [Part(f" {fmt.plural(len(made), 'call')} ")]

    def action_row_menu(self) -> None:
        """Show what can be done to the operation whose calls these are."""
        if (record := self._chosen()) is not None:
            open_operation_menu(self, record)

    async def action_operation(self, name: str) -> None:
        """Do one thing to the operation whose calls these are."""
        if (record := self._chosen()) is not None:
            await act(self.console, record, name)

    def _chosen(self) -> OperationRecord | None:
        record = self.console.view.state.operations.get(self._only)
        if record is None:
            text = "These are the calls of all operations: 4 goes to those, x there to one's menu."
            self.console.notify(text, timeout=5)
        return record

    def _idle_scopes(self) -> Collection[str]:
        """The calls of all operations are none in particular."""
        return () if self._only else ("operations",)

    def show_all(self) -> None:
        """Show the calls as they are now."""
        self._page.show(call_lines(self.console.view, self._only))
