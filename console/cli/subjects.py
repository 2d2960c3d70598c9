"""The objects that a command's words mean: names, ids, HOST/NAME, and patterns. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from typing import Any

from console.cli import lookup
from core.errors import NotFoundError, VirtdeckError
from core.model import ObjectKey, State
from core.model.text import clean, natural_key

_SIGNS = frozenset("*?[")


def subjects(state: State, kind: str, words: Sequence[str]) -> list[ObjectKey]:
    """Return the objects of a kind that words mean, each once; `web-*` means all that fit.

    Raises what `lookup` raises, and NotFoundError for a pattern that nothing fits, before anything
    is done to any of them.
    """
    return list(dict.fromkeys(key for word in words for key in _meant(state, kind, word)))


def is_pattern(word: str) -> bool:
    """Whether a word may mean several objects."""
    return not _SIGNS.isdisjoint(word)


def _meant(state: State, kind: str, word: str) -> Iterable[ObjectKey]:
    try:
        return [lookup.named(state, kind, word).key]
    except VirtdeckError:
        if not is_pattern(word):
            raise
    fitting = [item for item in lookup.all_of(state, kind) if _fits(state, kind, item, word)]
    if not fitting:
        raise NotFoundError(
            f"There is no {kind} '{clean(word)}', and none fits it as a pattern.",
            f"`virtdeck {kind}s` lists them.",
        )
    return [item.key for item in sorted(fitting, key=lambda item: natural_key(item.name))]


def _fits(state: State, kind: str, item: Any, pattern: str) -> bool:
    names = (item.name, *lookup.spellings(state, kind, item))
    return any(fnmatchcase(name, pattern) for name in names)
