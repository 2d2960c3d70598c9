"""Texts without the secrets of what they are about."""

from __future__ import annotations

import pytest

from core.model.secret_value import without


@pytest.mark.parametrize(
    ("secrets", "text", "left"),
    [
        (("hunter22",), "login hunter22 and xhunter22x", "login withheld and xwithheldx"),
        (("p",), "Exception: the password p of p@host", "Exception: the password withheld of "
         "withheld@host"),
        (("$1.",), "a$1. and $1.", "a$1. and withheld"),
        (("abc", "abcabc"), "abcabc abc", "withheld withheld"),
        (("",), "as it is", "as it is"),
        ((), "as it is", "as it is"),
        (("withheld", "secret"), "secret withheld", "withheld withheld"),
    ],
)  # fmt: skip
def test_a_short_secret_is_taken_out_only_as_a_word_of_its_own(
    secrets: tuple[str, ...], text: str, left: str
) -> None:
    assert without(text, secrets) == left
