"""Text that came from outside: guests, other operators, daemons."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

UNKNOWN = "-"
"""What stands for a value that is not known."""
_DIGITS = re.compile(r"[0-9]+")
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
# Cc: C0 and C1 controls; Cf: bidirectional overrides and invisible joiners that hide or reorder
# text; Cs, Co, Cn: what no terminal can show; Zl and Zp: line breaks in disguise.
_UNSAFE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_SPELLED = re.compile(r"\\(u[0-9a-f]{4}|U00(?:0[0-9a-f]|10)[0-9a-f]{4})")
"""A character as `printable_name` writes it out; a name's own backslash before such letters too."""


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


def printable_name(name: str) -> str:
    """Return a name or path with nothing unsafe left in it that is still no other's.

    What `clean` would replace is written out, `a\\u200bb`, so that two names never become one and
    what is printed can be typed. Blanks stay, at the ends too: libvirt tells `a` from `a `.
    """
    if name.isascii() and name.isprintable() and "\\" not in name:
        return name
    spelled = _SPELLED.sub(lambda found: _spell("\\") + found[1], name)
    return "".join(
        _spell(character) if unicodedata.category(character) in _UNSAFE else character
        for character in spelled
    )


def real_name(printable: str) -> str:
    """Return the name or path that `printable_name` wrote: what libvirt knows it by."""
    return _SPELLED.sub(lambda found: chr(int(found[1][1:], 16)), printable)


def _spell(character: str) -> str:
    code = ord(character)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def nearest(word: str, known: Iterable[str]) -> str:
    """Return the known word that `word` may be a mistyped one of, "" when none is near."""
    import difflib  # slow to import, and rarely needed

    return next(iter(difflib.get_close_matches(word, list(known), n=1)), "")


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return "Did you mean 'x'?" for the nearest known word, or "" when none is near."""
    near = nearest(word, known)
    return f"Did you mean '{near}'?" if near else ""


@lru_cache(maxsize=1 << 15)
def natural_key(text: str) -> str:
    """Return a key under which `web2` sorts before `web10`, and case does not matter.

    Remembered, for a table asks for every name again with every sample.
    """
    return _DIGITS.sub(_padded_number, text.casefold())


def _padded_number(match: re.Match[str]) -> str:
    digits = match.group().lstrip("0")
    return f"{len(digits):05d}{digits}"
