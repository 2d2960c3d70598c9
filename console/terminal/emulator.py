"""The emulation: what a guest writes becomes lines of styled text. No I/O.

Our own small interface over the library: feed, resize, lines, cursor, answers, scrollback. The
library is pyavt (asciinema's avt), which draws ten megabytes in a sixth of a second where bittty
takes one and a half to three and a half: `docs/benchmarks.md`. What it does not know, queries,
titles and the modes of the keyboard, is in `answers`.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import NamedTuple

from avt import Cell, Color, Pen, Vt  # type: ignore[attr-defined]  # told by another module

from console.terminal.answers import WATCHED, Modes
from console.terminal.incoming import Incoming
from console.terminal.style import CellStyle, Colour, Row, Run
from console.terminal.widths import fitted

SCROLLBACK = 10_000
"""Lines kept that went off the top."""
MOST_ANSWERED = 4096
"""Bytes answered to one piece of what a guest wrote: one that asks for more gets no more."""
_log = logging.getLogger(__name__)


class Cursor(NamedTuple):
    """Where the cursor is, from 0."""

    row: int
    column: int
    visible: bool


class Fed(NamedTuple):
    """What came of a piece."""

    changed: frozenset[int]
    """Rows of the screen that may look different."""
    answers: bytes
    """What is to be sent to the guest."""


class Emulator:
    """A terminal of so many columns and rows. Any one thread."""

    def __init__(self, columns: int = 80, rows: int = 24, scrollback: int = SCROLLBACK) -> None:
        self.columns, self.rows = max(2, columns), max(1, rows)
        self.modes = Modes()
        self._scrollback = scrollback
        self._incoming = Incoming()
        self._vt = Vt(self.columns, self.rows, scrollback)
        self._evicted = 0

    def feed(self, data: bytes) -> Fed:
        """Take what the guest wrote. Never raises, whatever it wrote."""
        text = self._incoming.take(data)
        changed: set[int] = set()
        answers: list[bytes] = []
        start = 0
        for found in WATCHED.finditer(text):
            self._draw(text[start : found.start()], changed)
            start = found.end()
            at = self.cursor
            taken = self.modes.take(
                found[0],
                (at.row + 1, min(at.column, self.columns - 1) + 1),
                (self.rows, self.columns),
            )
            self._draw(taken.passed, changed)
            if taken.answer:
                answers.append(taken.answer)
        self._draw(text[start:], changed)
        return Fed(frozenset(changed), b"".join(answers)[:MOST_ANSWERED])

    def leave(self) -> None:
        """Come out of whatever a program that is gone had made of the terminal.

        The alternate screen is left only where it was entered: that restores a cursor.
        """
        self.feed(b"\x18" + (b"\x1b[?1049l" if self.modes.alternate else b"") + b"\x1b[!p\x1b[0m")
        self.modes.title = ""

    def resize(self, columns: int, rows: int) -> None:
        """Have another size; lines are wrapped anew."""
        self.columns, self.rows = max(2, columns), max(1, rows)
        self._vt.resize(self.columns, self.rows)

    @property
    def cursor(self) -> Cursor:
        """Where it is; a column beyond the last one means that the next letter wraps."""
        cursor = self._vt.cursor
        return Cursor(cursor.row, cursor.col, cursor.visible)

    def row(self, number: int) -> Row:
        """A line of the screen, from 0 at its top."""
        return _row(self._vt[number].cells)

    @property
    def history(self) -> int:
        """How many lines are above the screen."""
        return max(0, len(self._vt.lines()) - self.rows)

    @property
    def gone(self) -> int:
        """How many lines ever went out of the scrollback, so that a place in it can be kept."""
        return self._evicted

    def history_rows(self, first: int, count: int) -> list[Row]:
        """Lines of the scrollback and the screen together, from 0 at the oldest."""
        return [_row(line.cells) for line in self._vt.lines()[first : first + count]]

    def texts(self) -> list[str]:
        """The same lines as text, all of them: what is searched."""
        return [line.text for line in self._vt.lines()]

    def _draw(self, text: str, changed: set[int]) -> None:
        if not text:
            return
        try:
            lines, evicted = self._vt.feed_str(text)
        except BaseException as error:  # a panic of the library is no Exception
            if isinstance(error, KeyboardInterrupt | SystemExit | MemoryError):
                raise
            _log.exception("the terminal emulation failed; begun anew")
            self._vt = Vt(self.columns, self.rows, self._scrollback)
            changed.update(range(self.rows))
            return
        changed.update(lines)
        self._evicted += len(evicted)


def _row(cells: Sequence[Cell]) -> Row:
    runs: list[Run] = []
    text: list[str] = []
    last: Pen | None = None
    for cell in cells:
        width = cell.width
        if not width:  # the second cell of a wide letter
            continue
        pen = cell.pen
        if last is not None and pen != last:
            runs.append(Run("".join(text), _style(last)))
            text = []
        last = pen
        text.append(fitted(cell.char, width))
    if last is not None:
        runs.append(Run("".join(text), _style(last)))
    return tuple(runs)


_PLAIN = CellStyle()


def _style(pen: Pen) -> CellStyle:
    if pen.is_default():
        return _PLAIN
    return CellStyle(
        foreground=_colour(pen.foreground),
        background=_colour(pen.background),
        bold=pen.bold,
        faint=pen.faint,
        italic=pen.italic,
        underline=pen.underline,
        blink=pen.blink,
        inverse=pen.inverse,
        strike=pen.strikethrough,
    )


def _colour(colour: Color | None) -> Colour:
    if colour is None:
        return None
    if isinstance(colour, Color.RGB):
        return (colour[0], colour[1], colour[2])
    return int(colour[0])  # type: ignore[index]
