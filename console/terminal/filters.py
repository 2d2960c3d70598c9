"""What a guest wrote, made fit for a terminal or a file that is not an emulation of ours. Pure.

A guest may send whatever it likes. Of its sequences only those that draw pass to the operator's own
terminal: none that sets a title, fills the clipboard (OSC 52), moves a window, prints, opens a
picture, or has the terminal type something back that the guest chose.
"""

from __future__ import annotations

import re

from console.terminal.incoming import Incoming

_SEQUENCE = re.compile(
    r"\x1b(?:"
    r"\][^\x07\x1b\x18\x1a\n]*(?:\x07|\x1b\\|[\x18\x1a\n]|(?=\x1b))"
    r"|[PX^_][^\x07\x1b\x18\x1a]*(?:\x07|\x1b\\|[\x18\x1a]|(?=\x1b))"
    r"|\[[\x00-\x1a\x1c-\x3f\x7f]*(?:[@-~]|(?=[^\x00-\x7f\x40-\x7e])|(?=\x1b))"
    r"|[ -/]+[0-~]"
    r"|[^\x00-\x1f]?"
    r")|[\x00-\x06\x0e-\x1a\x1c-\x1f\x7f]"
)
_DRAWS = re.compile(r"\x1b\[[0-9:;]*[@A-HJ-MPSTXZ`abdefgmrsu]")
_ASKS = frozenset({
    "\x1b[c", "\x1b[0c", "\x1b[>c", "\x1b[>0c", "\x1b[5n", "\x1b[6n", "\x1b[!p",
})  # fmt: skip
"""What the operator's terminal may answer: its kind, that it is there, where the cursor is."""
_MODE = re.compile(r"\x1b\[(\??)([0-9;]{1,20})([hl])")
_PRIVATE = frozenset({1, 5, 6, 7, 12, 25, 45, 47, 1047, 1048, 1049, 2004})
_ANSI = frozenset({4, 20})
_SHORT = frozenset({
    "\x1b7", "\x1b8", "\x1bD", "\x1bE", "\x1bH", "\x1bM", "\x1b=", "\x1b>", "\x1bc", "\x1b#8",
    *(f"\x1b{place}{charset}" for place in "()" for charset in "0AB"),
})  # fmt: skip
_PASSED_CONTROLS = frozenset("\x0e\x0f")
"""Shift in and out: line drawing."""

LEAVE = "\x1b[!p\x1b[?1l\x1b[?5l\x1b[?47l\x1b[?1047l\x1b[?25h\x1b[?2004l\x1b>\x1b(B\x0f\x1b[0m"
"""What sets a terminal back after a guest had it."""


class TerminalFilter:
    """Passes what draws to a real terminal."""

    def __init__(self) -> None:
        self._incoming = Incoming()

    def pass_on(self, data: bytes) -> bytes:
        """Return what of it may be written to a terminal."""
        return _SEQUENCE.sub(_judged, self._incoming.take(data)).encode()


class TextFilter:
    """Leaves text alone, for a file that people read and search."""

    def __init__(self) -> None:
        self._incoming = Incoming()

    def pass_on(self, data: bytes) -> bytes:
        """Return the text of it, lines ended by a newline."""
        text = _SEQUENCE.sub("", self._incoming.take(data))
        return text.replace("\r", "").replace("\x07", "").replace("\x08", "").encode()


def _judged(found: re.Match[str]) -> str:
    sequence = found[0]
    if sequence in _SHORT or sequence in _ASKS or sequence in _PASSED_CONTROLS:
        return sequence
    if _DRAWS.fullmatch(sequence):
        return sequence
    if mode := _MODE.fullmatch(sequence):
        known = _PRIVATE if mode[1] else _ANSI
        numbers = [each for each in mode[2].split(";") if each.isdigit() and int(each) in known]
        return f"\x1b[{mode[1]}{';'.join(numbers)}{mode[3]}" if numbers else ""
    return ""
