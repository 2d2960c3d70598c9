"""Counts and lists in sentences. Pure, any thread."""

from __future__ import annotations

from collections.abc import Iterable

from core.model.text import clean

NAMED = 5
"""How many of many a sentence names before it counts the rest."""


def plural(number: int, singular: str, plural_form: str = "") -> str:
    """A number with its noun: `1 instance`, `2,000 instances`, `3 entries` when told the plural."""
    return f"{number:,} {singular if number == 1 else plural_form or singular + 's'}"


def listed(words: Iterable[str], most: int = NAMED) -> str:
    """Return words as a list in a sentence, safe to show: `a, b and c`, `a, b, c and 7 more`."""
    every = [clean(word) for word in words]
    shown = every[:most]
    if len(every) > most:
        shown.append(f"{len(every) - most:,} more")
    return f"{', '.join(shown[:-1])} and {shown[-1]}" if len(shown) > 1 else "".join(shown)


def numbered(sentences: Iterable[str]) -> str:
    """Put sentences after each other, numbered where there are several: `(1) A. (2) B.`"""
    found = list(sentences)
    if len(found) < 2:
        return "".join(found)
    return " ".join(f"({number}) {text}" for number, text in enumerate(found, 1))
