"""What Textual keeps of widgets that are gone, and how it is let go. UI thread.

Textual 8.2 remembers the colours around a widget in `lru_cache` on a method: each of its 1,024
entries holds the widget's `StylesCache` with every line that was painted, and what was cut of those
(Textualize/textual issue 6665). A dialog of sixty widgets that is opened twenty times leaves
100,000 objects, and each full collection of garbage stops the screen for 140 ms.
"""

from __future__ import annotations

from functools import lru_cache

from textual._styles_cache import StylesCache
from textual.color import Color
from textual.style import Style


def let_go() -> None:
    """Remember those colours by the colours alone. May be called again."""
    StylesCache.get_inner_outer = _inner_outer  # type: ignore[assignment]


def _inner_outer(_: StylesCache, base: Color, background: Color) -> tuple[Style, Style]:
    return _backgrounds(base, background)


@lru_cache(1024)
def _backgrounds(base: Color, background: Color) -> tuple[Style, Style]:
    """The styles of the inside of a widget, and of what is around it."""
    return Style(background=base + background), Style(background=base)
