"""Letters of a guest as they are printed: safe, and as wide as the emulation thinks. Pure."""

from __future__ import annotations

from functools import lru_cache

from rich.cells import cell_len

from core.model.text import clean


@lru_cache(maxsize=1 << 14)
def fitted(letter: str, width: int) -> str:
    """Return a letter in so many cells, or what stands for it: `clean`'s sign, question marks."""
    safe = clean(letter)
    if cell_len(safe) == width:
        return safe
    return "\N{REPLACEMENT CHARACTER}" if width == 1 else "?" * width
