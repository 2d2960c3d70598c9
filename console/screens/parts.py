"""A line of parts, some of which answer to a click: header, tabs and footer are made of it.

UI thread.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from rich.cells import cell_len
from textual import events

from console.widgets.columns import Cell, CellValue
from console.widgets.line_panel import LinePanel


class Part(NamedTuple):
    """A piece of a line: its text, the theme role it has, and the Textual action of a click."""

    text: str
    role: str = ""
    call: str = ""


class Span(NamedTuple):
    """Where a clickable part is: cells `start` up to but not including `end`."""

    start: int
    end: int
    call: str


def lay_out(
    left: Sequence[Sequence[Part]],
    right: Sequence[Sequence[Part]],
    width: int,
    *,
    right_first: bool = False,
) -> list[Part]:
    """Join groups of parts into a line of `width` cells.

    A group is shown whole or not at all. Where there is not room for all, the right ones give way
    from their front, but the last of them stays; then the left ones from their end, but the first
    of them stays. With `right_first` no right group gives way.
    """
    shown_right = list(right)
    while not right_first and len(shown_right) > 1 and _length([*left, *shown_right]) > width:
        del shown_right[0]
    room = width - _length(shown_right)
    shown_left: list[Sequence[Part]] = []
    for group in left:
        if shown_left and _length([*shown_left, group]) > room:
            break
        shown_left.append(group)
    blanks = max(0, width - _length(shown_left) - _length(shown_right))
    return [
        *(part for group in shown_left for part in group),
        Part(" " * blanks),
        *(part for group in shown_right for part in group),
    ]


def fitting(
    lefts: Sequence[Sequence[Sequence[Part]]], right: Sequence[Sequence[Part]], width: int
) -> Sequence[Sequence[Part]]:
    """Choose what stands at the left, of versions of it from the longest to the shortest.

    The longest has room beside all of `right`, a shorter one beside the last group of it; where
    none has, it is the shortest.
    """
    longest, *shorter = lefts
    if not shorter or _length([*longest, *right]) <= width:
        return longest
    return next((one for one in shorter if _length([*one, *right[-1:]]) <= width), shorter[-1])


def _length(groups: Sequence[Sequence[Part]]) -> int:
    return sum(cell_len(part.text) for group in groups for part in group)


def spans_of(parts: Sequence[Part]) -> list[Span]:
    """The clickable stretches of a line."""
    spans, x = [], 0
    for part in parts:
        end = x + cell_len(part.text)
        if part.call:
            spans.append(Span(x, end, part.call))
        x = end
    return spans


class PartsLine(LinePanel):
    """One line: groups of parts from the left, others from the right."""

    DEFAULT_CSS = """
    PartsLine { height: 1; width: 1fr; }
    """

    def __init__(self, *, right_first: bool = False, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._right_first = right_first
        self._lefts: tuple[Sequence[Sequence[Part]], ...] = ((),)
        self._right: tuple[Sequence[Part], ...] = ()
        self._spans: list[Span] = []

    def show(
        self,
        left: Sequence[Sequence[Part]],
        right: Sequence[Sequence[Part]] = (),
        shorter: Sequence[Sequence[Sequence[Part]]] = (),
    ) -> None:
        """Show these groups; repaints only when the line comes out differently.

        `shorter` has what is shown in place of `left` where there is not room enough, from the
        longest to the shortest.
        """
        self._lefts = (left, *shorter)
        self._right = tuple(right)
        self.redraw()

    def lines(self, width: int) -> list[CellValue]:
        """The line, laid out for the width."""
        left = fitting(self._lefts, self._right, width)
        parts = lay_out(left, self._right, width, right_first=self._right_first)
        self._spans = spans_of(parts)
        return [tuple(Cell(part.text, part.role) for part in parts)]

    async def _on_click(self, event: events.Click) -> None:
        for span in self._spans:
            if span.start <= event.x < span.end:
                await self.app.run_action(span.call, default_namespace=self.screen)
                return
