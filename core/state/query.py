"""The filter language, without what it filters: words, `key:value`, `key>number`, `!` before any.

Terms stand side by side and must all hold; quotes keep blanks and signs together, and two quotes
between quotes are one that is meant; letter case does not matter. What each key means is in
`selection`, a table per kind of object.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

from core.errors import UsageError
from core.model import State

T = TypeVar("T")
T_contra = TypeVar("T_contra", contravariant=True)
Test = Callable[[T, State], bool]

_TERM = re.compile(r"(?P<not>[!-]?)(?:(?P<key>[a-z]+)(?P<sign>:|>=|<=|>|<|=))?(?P<value>.*)", re.S)
_NUMBER = re.compile(r"(?P<digits>[0-9]+(?:\.[0-9]+)?)(?P<unit>[kmgt]?)(?:i?b)?")
_UNITS = {"": 1.0, "k": 2.0**10, "m": 2.0**20, "g": 2.0**30, "t": 2.0**40}
_COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    ">": lambda one, other: one > other,
    ">=": lambda one, other: one >= other,
    "<": lambda one, other: one < other,
    "<=": lambda one, other: one <= other,
    "=": lambda one, other: one == other,
}


@dataclass(frozen=True)
class Language(Generic[T]):
    """What can be asked of one kind of object."""

    word: Callable[[str], Test[T]]
    """The test for a bare word, given in lower case."""
    keys: Mapping[str, Callable[[str], Test[T]]]
    """The test for `key:value`; raises UsageError for a value that makes no sense."""
    numbers: Mapping[str, Callable[[T, State], float | None]]
    """The figure behind `key>number`; None: not known, and so never a match."""


class Filter(Generic[T]):
    """A parsed filter: call it with an object and the state. Immutable; any thread."""

    __slots__ = ("_tests", "figures", "keys", "text", "words")

    def __init__(
        self,
        text: str,
        tests: Iterable[Test[T]],
        figures: frozenset[str] = frozenset(),
        *,
        keys: frozenset[str] = frozenset(),
        words: bool = False,
    ) -> None:
        """`figures`: the keys of the figures it compares; `keys`: of all its terms.

        `words`: whether it has bare words.
        """
        self.text = text
        self.keys = keys
        self.figures = figures
        self.words = words
        self._tests = tuple(tests)

    @property
    def empty(self) -> bool:
        """Whether it lets everything through."""
        return not self._tests

    def __call__(self, item: T, state: State) -> bool:
        """Whether all terms hold for `item`."""
        return all(test(item, state) for test in self._tests)


def parse(text: str, language: Language[T]) -> Filter[T]:
    """Return the filter `text` means; an empty one lets everything through.

    Raises UsageError, with what could be written instead, for an unknown key or value, a bad
    number or an open quote.
    """
    terms = [_read(word, plain) for word, plain in _split(text)]
    figures = frozenset(term.key for term in terms if term.key and term.sign != ":")
    words = any(not term.key for term in terms)
    keys = frozenset(term.key for term in terms if term.key)
    tests = [_test(term, language) for term in terms]
    return Filter(text, tests, figures, keys=keys, words=words)


def quoted(value: str) -> str:
    """Return a value as it is written behind a `key:`, whatever is in it."""
    if value and not any(sign.isspace() or sign == '"' for sign in value):
        return value
    doubled = value.replace('"', '""')
    return f'"{doubled}"'


def _split(text: str) -> list[tuple[str, int]]:
    """Return the terms, and for each how many of its first characters stood before any quote."""
    terms: list[tuple[str, int]] = []
    word, plain, quoted = "", -1, False
    signs = enumerate(f"{text} ")
    for place, character in signs:
        if quoted and text.startswith('""', place):
            word += character
            next(signs)
        elif character == '"':
            quoted = not quoted
            plain = len(word) if plain < 0 else plain
        elif character.isspace() and not quoted:
            if word:
                terms.append((word, len(word) if plain < 0 else plain))
            word, plain = "", -1
        else:
            word += character
    if quoted:
        raise UsageError("The filter has an opening quote without a closing one.", 'Add a ".')
    return terms


class _Term(NamedTuple):
    """One term: a word where it has no key."""

    negated: bool
    value: str
    key: str = ""
    sign: str = ""


def _read(word: str, plain: int) -> _Term:
    """Read one term; signs after a quote are only characters."""
    match = _TERM.fullmatch(word.lower())
    if match is None:
        return _Term(False, word.lower())
    negated = bool(match["not"]) and plain > 0
    rest = word.lower()[1:] if negated else word.lower()
    if match["key"] is None or match.start("value") > plain or bool(match["not"]) != negated:
        return _Term(negated, rest)
    return _Term(negated, match["value"], match["key"], match["sign"])


def _test(term: _Term, language: Language[T]) -> Test[T]:
    if term.key:
        test = _keyed(term.key, term.sign, term.value, language)
    else:
        test = language.word(term.value)
    return _inverse(test) if term.negated else test


def _inverse(test: Test[T]) -> Test[T]:
    return lambda item, state: not test(item, state)


def _keyed(key: str, sign: str, value: str, language: Language[T]) -> Test[T]:
    known = language.keys if sign == ":" else language.numbers
    if key not in known:
        kind = "filter key" if sign == ":" else "figure to compare"
        raise UsageError(f"There is no {kind} '{key}'.", _help(language))
    if not value:
        raise UsageError(f"'{key}{sign}' needs a value.", _help(language))
    if sign == ":":
        return language.keys[key](value)
    figure, limit, compare = language.numbers[key], number(key, value), _COMPARISONS[sign]

    def test(item: T, state: State) -> bool:
        known = figure(item, state)
        return known is not None and compare(known, limit)

    return test


def _help(language: Language[T]) -> str:
    keys = ", ".join(f"{key}:" for key in sorted(language.keys))
    numbers = ", ".join(f"{key}>" for key in sorted(language.numbers))
    listed = f"Known: {keys}{', ' if numbers else ''}{numbers}."
    return f'{listed} Put a word that has a sign in it in "quotes".'


def number(key: str, value: str) -> float:
    """Return `50`, `50%`, `1.5G`, `512MiB` as a number; raises UsageError for anything else."""
    match = _NUMBER.fullmatch(value.removesuffix("%"))
    if match is None:
        example = f"{key}>50" if key == "cpu" else f"{key}>50M or {key}>1.5G"
        raise UsageError(f"'{value}' is not a number for {key}.", f"Write {example}.")
    return float(match["digits"]) * _UNITS[match["unit"]]


def one_of(key: str, value: str, words: Iterable[str]) -> frozenset[str]:
    """Return those of `words` that begin with `value`; raises UsageError when none does."""
    known = tuple(words)
    found = frozenset(word for word in known if word.startswith(value))
    if not found:
        listed = ", ".join(known)
        raise UsageError(f"{key}: cannot be '{value}'.", f"It may be one of {listed}.")
    return frozenset({value}) if value in found else found
