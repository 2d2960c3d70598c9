"""Counts and lists in sentences."""

from __future__ import annotations

import pytest

from core.model.lists import listed, numbered, plural


@pytest.mark.parametrize(
    ("words", "most", "expected"),
    [
        *(([], 5, ""), (["a"], 5, "a"), (["a", "b"], 5, "a and b"), ("abc", 3, "a, b and c")),
        *(("abcde", 3, "a, b, c and 2 more"), (["a\x1b[31m"], 5, "a\ufffd[31m")),
    ],
)
def test_a_list_is_bounded_and_safe(words: list[str], most: int, expected: str) -> None:
    assert listed(words, most) == expected


def test_many_more_are_counted_with_their_thousands() -> None:
    assert listed(["x"] * 3005).endswith("x and 3,000 more")


def test_a_number_has_its_noun() -> None:
    assert plural(1, "instance") == "1 instance"
    assert plural(0, "instance") == "0 instances"
    assert plural(2000, "entry", "entries") == "2,000 entries"


def test_sentences_are_numbered_where_there_are_several() -> None:
    assert numbered([]) == ""
    assert numbered(["It is off."]) == "It is off."
    assert numbered(["It is off: start it.", "no pool."]) == "(1) It is off: start it. (2) no pool."
