"""Texts without the secrets of what they are about."""

from __future__ import annotations

import json
from urllib.parse import quote

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


@pytest.mark.parametrize(
    "secret", ['say "so"', "back\\slash", "p@ss/word?", "pässword", "a\nb\tcdef"]
)
def test_a_secret_is_taken_out_however_an_error_writes_it(secret: str) -> None:
    whole, strict, told = quote(secret), quote(secret, safe=""), {"password": secret}
    texts = (json.dumps(told), json.dumps(told, ensure_ascii=False), str(told))
    for text in (*texts, f"http://u:{whole}@h", f"http://u:{strict}@h"):
        left = without(text, (secret,))
        assert left.count("withheld") == 1, left


def test_a_secret_that_is_no_text_is_no_failure() -> None:
    assert without("a\udc80bcdef", ("a\udc80bcdef",)) == "withheld"
