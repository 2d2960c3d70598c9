"""The filter of the smaller lists: words and groups of hosts that must (with `!`: must not) fit.

Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from core.errors import UsageError
from core.model import Host

Row = TypeVar("Row")
_GROUP = "group:"


def word_filter(
    text: str, words_of: Callable[[Row], str], groups_of: Callable[[Row], Iterable[str]]
) -> Callable[[Row], bool]:
    """Every word of `text` must occur in a row's words, whatever the case; `!word` must not.

    `group:NAME` is no word: the row must be of that group, named whole. Raises UsageError for a
    `!` without a word and a `group:` without a name.
    """
    terms = [_term(term, words_of, groups_of) for term in text.casefold().split()]
    return lambda row: all(fits(row) for fits in terms)


def _term(
    term: str, words_of: Callable[[Row], str], groups_of: Callable[[Row], Iterable[str]]
) -> Callable[[Row], bool]:
    wanted = not term.startswith("!")
    word = term.removeprefix("!")
    if not word:
        raise UsageError("There is no word after '!'.", "Write it without a blank: !paused.")
    if not word.startswith(_GROUP):
        return lambda row: (word in words_of(row).casefold()) is wanted
    name = word.removeprefix(_GROUP)
    if not name:
        raise UsageError("'group:' needs a value.", "Write the name of a group: group:prod.")
    return lambda row: (name in {group.casefold() for group in groups_of(row)}) is wanted


def groups_of_hosts(hosts: Mapping[str, Host], names: Iterable[str]) -> set[str]:
    """Return the groups of those of the named hosts that are open."""
    return {group for name in names if name in hosts for group in hosts[name].groups}
