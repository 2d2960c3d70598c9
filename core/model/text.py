"""Text that came from outside: guests, other operators, daemons."""

from __future__ import annotations

import unicodedata

_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
# Cc: C0 and C1 controls; Cf: bidirectional overrides and invisible joiners that hide or reorder
# text; Cs, Co, Cn: what no terminal can show; Zl and Zp: line breaks in disguise.
_UNSAFE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def clean(text: str, *, multiline: bool = False) -> str:
    """Return `text` with nothing left in it that can move a cursor, recolour or reorder a line.

    With `multiline` newlines and tabs stay (XML, descriptions); otherwise they become blanks.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(_clean_character(character, multiline) for character in text)


def _clean_character(character: str, multiline: bool) -> str:
    if character in "\n\t":
        return character if multiline else " "
    return _REPLACEMENT if unicodedata.category(character) in _UNSAFE else character
