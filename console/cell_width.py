"""How wide a text is on a terminal, and set to a width. Pure, any thread; imports nothing slow."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable


def cells(text: str) -> int:
    """How many terminal cells a text takes: wide characters two, combining ones none."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(character)
        else 2 if unicodedata.east_asian_width(character) in "WF"
        else 1
        for character in text
    )  # fmt: skip


def widest(texts: Iterable[str]) -> int:
    """How many cells the widest of some texts takes; 0 where there is none."""
    return max(map(cells, texts), default=0)


def padded(text: str, width: int) -> str:
    """Return a text with as many blanks after it as it lacks to `width` cells."""
    return text + " " * (width - cells(text))


def cut(text: str, width: int, sign: str) -> str:
    """Return as much of a text as `width` cells hold; `sign` stands for what is left out."""
    if cells(text) <= width:
        return text
    room, kept = width - cells(sign), 0
    while kept < len(text) and cells(text[: kept + 1]) <= room:
        kept += 1
    return f"{text[:kept]}{sign}" if room >= 0 else ""
