"""What a guest wrote, as text that ends where a control sequence ends. Pure.

Everything that looks for sequences in it relies on this: none is cut in two, and C1 controls, which
are sequences in one character, are written out (`\\x9b` is `\\x1b[`).
"""

from __future__ import annotations

import codecs
import re
import unicodedata

LONGEST = 65_536
"""Characters of an unfinished sequence beyond which it is taken for no sequence and dropped."""
_UNFINISHED = re.compile(
    r"\x1b(?:\[[\x00-\x1a\x1c-\x3f\x7f]*|[ -/]*|\][^\x07\x1b\x18\x1a\n]*\x1b?"
    r"|[PX^_][^\x07\x1b\x18\x1a]*\x1b?)?\Z"
)
_C1 = re.compile("[\x80-\x9f]")
_WIDE = re.compile("[^\x00-\x7f]")


class Incoming:
    """Decodes UTF-8 as it comes; what is none becomes the replacement character."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._held = ""

    def take(self, data: bytes) -> str:
        """Return the text up to the last sequence that is whole."""
        text = self._decoder.decode(data)
        if not text.isascii():
            text = plain_width(_C1.sub(_written_out, text))
        if self._held:
            text, self._held = self._held + text, ""
        last = text.rfind("\x1b")
        if last < 0:
            return text
        # a string ends with an escape of its own, so it may have begun one escape earlier
        if cut := _UNFINISHED.search(text, max(0, text.rfind("\x1b", 0, last))):
            self._held = text[cut.start() :]
            text = text[: cut.start()]
            if len(self._held) > LONGEST:
                self._held = ""
        return text


def plain_width(text: str) -> str:
    """Return text composed, without what takes no cell: the emulation would give it one.

    Those are marks without a letter of their own (Mn, Me), joiners and bidirectional overrides
    (Cf), and the line breaks in disguise.
    """
    composed = unicodedata.normalize("NFC", text)
    return _WIDE.sub(_with_a_cell, composed)


def _with_a_cell(found: re.Match[str]) -> str:
    return "" if unicodedata.category(found[0]) in _NO_CELL else found[0]


_NO_CELL = frozenset({"Mn", "Me", "Cf", "Zl", "Zp"})


def _written_out(found: re.Match[str]) -> str:
    return f"\x1b{chr(ord(found[0]) - 0x40)}"
