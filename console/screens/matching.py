"""The filter of the smaller lists: words that must (or, with `!`, must not) occur. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from core.errors import UsageError

Row = TypeVar("Row")


def word_filter(text: str, words_of: Callable[[Row], str]) -> Callable[[Row], bool]:
    """Every word of `text` must occur in a row's words, whatever the case; `!word` must not.

    Raises UsageError for a `!` without a word.
    """
    wanted: list[str] = []
    unwanted: list[str] = []
    for word in text.casefold().split():
        if word == "!":
            raise UsageError("There is no word after '!'.", "Write it without a blank: !paused.")
        (unwanted if word.startswith("!") else wanted).append(word.removeprefix("!"))

    def passes(row: Row) -> bool:
        words = words_of(row).casefold()
        return all(word in words for word in wanted) and not any(word in words for word in unwanted)

    return passes
