"""Lines of a terminal as segments of Rich, in the colours of the console's theme. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache, partial

from rich.cells import cell_len, set_cell_size
from rich.color import Color
from rich.segment import Segment
from rich.style import Style

from console.terminal.style import CellStyle, Colour, Row

Mark = tuple[int, int, bool]
"""A stretch that was searched for: first cell, the one after its last, whether it is the one."""


class TerminalPainter:
    """Turns rows into segments over one base style; cheap to throw away."""

    def __init__(self, base: Style, found: Style, current: Style) -> None:
        """`base` is that of plain text, the others those of what a search found."""
        self._base = base
        self._found = found
        self._current = current
        self._styles: dict[CellStyle, Style] = {}

    def segments(self, row: Row, width: int, *, left: int = 0, cursor: int = -1) -> list[Segment]:
        """Cells `left` to `left + width` of a row; the one at `cursor` is the cursor's."""
        out = [Segment(run.text, self._style(run.style)) for run in row]
        if cursor >= 0:
            out = restyled(out, cursor, cursor + 1, _turned)
        return window(out, left, width, self._base)

    def marked(self, segments: Sequence[Segment], marks: Iterable[Mark]) -> list[Segment]:
        """The same with what was found standing out."""
        out = list(segments)
        for start, end, current in marks:
            look = self._current if current else self._found
            out = restyled(out, start, end, partial(_laid_over, look))
        return out

    def _style(self, style: CellStyle) -> Style:
        found = self._styles.get(style)
        if found is None:
            found = self._styles[style] = self._base + rich_style(style)
        return found


@lru_cache(maxsize=4096)
def rich_style(style: CellStyle) -> Style:
    """What of a style a terminal is told; the rest is the base's."""
    return Style(
        color=_colour(style.foreground),
        bgcolor=_colour(style.background),
        bold=style.bold or None,
        dim=style.faint or None,
        italic=style.italic or None,
        underline=style.underline or None,
        reverse=style.inverse or None,
        strike=style.strike or None,
    )  # no blinking: nobody can read beside it


def _colour(colour: Colour) -> Color | None:
    if colour is None:
        return None
    if isinstance(colour, int):
        return Color.from_ansi(colour)
    return Color.from_rgb(*colour)


def restyled(
    segments: Sequence[Segment], start: int, end: int, change: Callable[[Style], Style]
) -> list[Segment]:
    """Change the style of cells `start` to `end`."""
    out: list[Segment] = []
    x = 0
    for text, style, _ in segments:
        width = cell_len(text)
        low, high = max(start - x, 0), min(end - x, width)
        if low >= high:
            out.append(Segment(text, style))
        else:
            before, middle, after = _cut(text, low, high)
            pieces = ((before, style), (middle, change(style or Style())), (after, style))
            out += [Segment(piece, look) for piece, look in pieces if piece]
        x += width
    return out


def _laid_over(over: Style, style: Style) -> Style:
    return style + over


def _turned(style: Style) -> Style:
    """Where the cursor is: foreground and background change places."""
    return style + Style(reverse=not style.reverse)


def window(segments: Sequence[Segment], left: int, width: int, base: Style) -> list[Segment]:
    """Cells `left` to `left + width`; what a letter of two cells loses is blank."""
    out: list[Segment] = []
    x = -left
    for text, style, _ in segments:
        length = cell_len(text)
        low, high = max(-x, 0), min(width - x, length)
        if low < high:
            piece = text if (low, high) == (0, length) else _cut(text, low, high)[1]
            out.append(Segment(piece, style))
        x += length
    shown = sum(cell_len(piece.text) for piece in out)
    if shown < width:
        out.append(Segment(" " * (width - shown), base))
    return out


def _cut(text: str, low: int, high: int) -> tuple[str, str, str]:
    """What is before, in, and after cells `low` to `high` of a text."""
    if text.isascii():
        return text[:low], text[low:high], text[high:]
    before = set_cell_size(text, low)
    middle = set_cell_size(_from(text, low), high - low)
    return before, middle, _from(text, high)


def _from(text: str, cells: int) -> str:
    """What of a text begins at a cell; half a letter is a blank."""
    x = 0
    for place, letter in enumerate(text):
        if x >= cells:
            return " " * (x - cells) + text[place:]
        x += cell_len(letter)
    return " " * max(0, x - cells)
