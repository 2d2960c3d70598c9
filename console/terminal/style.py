"""How a cell of a terminal looks. Pure."""

from __future__ import annotations

from typing import NamedTuple

Colour = int | tuple[int, int, int] | None
"""One of the 256, red-green-blue, or None: the terminal's own."""


class CellStyle(NamedTuple):
    """Colours and attributes (SGR)."""

    foreground: Colour = None
    background: Colour = None
    bold: bool = False
    faint: bool = False
    italic: bool = False
    underline: bool = False
    blink: bool = False
    inverse: bool = False
    strike: bool = False


class Run(NamedTuple):
    """Neighbouring cells that look the same; `text` is safe to print and as wide as they are."""

    text: str
    style: CellStyle


Row = tuple[Run, ...]
"""A line of a terminal, as wide as that."""
