"""Sends only the changed cells of a line to the terminal, and only what changes of their style.

Textual 8.2 cuts a changed region at its right edge only: a cell that changes in the middle of a
table is sent together with everything left of it, and two cells of one line send the line's
start twice. It also spells out the whole style of every piece and resets it after. On a slow
link that is most of the traffic. Textual is pinned to an exact release;
`tests/screens/test_narrow_paint.py` compares the result with a full repaint.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from rich.color import ColorSystem
from rich.console import Console
from rich.control import Control
from rich.style import Style
from textual._compositor import ChopsUpdate
from textual.strip import Strip

if TYPE_CHECKING:
    from rich.console import RenderableType

_RESET = "\x1b[0m"
_SYSTEMS = {"standard": ColorSystem.STANDARD, "256": ColorSystem.EIGHT_BIT}
_INVISIBLE_ON_BLANKS = frozenset({"", "1", "2"})
"""Attributes that leave a blank as it is: none, bold, dim."""


class _Sgr(NamedTuple):
    """A style as the terminal's codes: attributes, foreground, background."""

    attributes: str = ""
    front: str = "39"
    back: str = "49"


_PLAIN = _Sgr()


class NarrowUpdate(ChopsUpdate):
    """A partial update that begins each span at its own left edge. UI thread."""

    def render_segments(self, console: Console) -> str:
        """The escape sequences and text that bring the terminal up to date."""
        pen = _Pen(_SYSTEMS.get(console.color_system or "", ColorSystem.TRUECOLOR))
        at = (-1, -1)
        for y, x1, x2 in self.spans:
            for end, (x, strip) in zip(self.chop_ends[y], self.chops[y].items(), strict=False):
                left, right = max(x, x1), min(end, x2)
                if strip is None or left >= right:
                    continue
                if at != (left, y):
                    pen.write(Control.move_to(left, y).segment.text)
                pen.draw(strip.crop(left - x, right - x))
                at = (right, y)
        return pen.finish()


def narrowed(renderable: RenderableType | None) -> RenderableType | None:
    """Return what an app is to display: a partial update as a narrow one, all else as it is."""
    if type(renderable) is ChopsUpdate:
        return NarrowUpdate(renderable.chops, renderable.spans, renderable.chop_ends)
    return renderable


class _Pen:
    """Collects output and remembers the style the terminal is in."""

    def __init__(self, system: ColorSystem) -> None:
        self._system = system
        self._out: list[str] = []
        self._now = _PLAIN

    def write(self, text: str) -> None:
        """Add a sequence that changes no style."""
        self._out.append(text)

    def draw(self, strip: Strip) -> None:
        """Add styled text."""
        for text, style, _ in strip:
            if style is not None and style.link:
                self._change(_PLAIN)
                self._out.append(Strip.render_style(style, text, self._system))
                continue
            wanted = _PLAIN if style is None else _sgr(style, self._system)
            if not (text.isspace() and self._good_for_blanks(wanted)):
                self._change(wanted)
            self._out.append(text)

    def finish(self) -> str:
        """Everything added, with the terminal back in its plain style."""
        self._change(_PLAIN)
        return "".join(self._out)

    def _good_for_blanks(self, wanted: _Sgr) -> bool:
        return (
            self._now.back == wanted.back
            and self._now.attributes in _INVISIBLE_ON_BLANKS
            and wanted.attributes in _INVISIBLE_ON_BLANKS
        )

    def _change(self, wanted: _Sgr) -> None:
        if wanted != self._now:
            self._out.append(_step(self._now, wanted))
            self._now = wanted


@lru_cache(4096)
def _sgr(style: Style, system: ColorSystem) -> _Sgr:
    front, back = style.color, style.bgcolor
    return _Sgr(
        Strip.render_ansi(style.without_color, system),
        ";".join(front.downgrade(system).get_ansi_codes()) if front else _PLAIN.front,
        ";".join(back.downgrade(system).get_ansi_codes(foreground=False)) if back else _PLAIN.back,
    )


@lru_cache(4096)
def _step(now: _Sgr, wanted: _Sgr) -> str:
    """The shortest sequence from one style to another; attributes go only by a reset."""
    if wanted == _PLAIN:
        return _RESET
    codes = []
    if now.attributes != wanted.attributes:
        if now.attributes:
            codes.append("0")
            now = _PLAIN
        if wanted.attributes:
            codes.append(wanted.attributes)
    if now.front != wanted.front:
        codes.append(wanted.front)
    if now.back != wanted.back:
        codes.append(wanted.back)
    return f"\x1b[{';'.join(codes)}m"
