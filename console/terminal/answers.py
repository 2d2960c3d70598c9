"""What a terminal answers to a guest that asks, and the modes a guest sets. Pure.

The emulation library answers nothing, so what is asked is found here: busybox asks for the cursor
at each prompt, vim for the kind of terminal. Nothing of it is passed on to the operator's own
terminal: no title, no clipboard (OSC 52), no window operation.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from core.model.text import clean

WATCHED = re.compile(
    r"\x1b(?:"
    r"\[(?:[<=>][\x00-\x1a\x1c-\x3f\x7f]*+[@-~]"
    r"|\??[\x00-\x1a\x1c-\x3b\x7f]*+[cnpqtu]|\?[0-9;]*+[hl])"
    r"|\][^\x07\x1b\x18\x1a\n]*+(?:\x07|\x1b\\|[\x18\x1a\n]|(?=\x1b))"
    r"|[PX^_][^\x07\x1b\x18\x1a]*+(?:\x07|\x1b\\|[\x18\x1a]|(?=\x1b))"
    r"|[cZ=>]"
    r")|[\x05\x07]"
)
"""Every sequence that is answered, kept or taken out: of the others the emulation makes a picture.

None of them is unfinished (`Incoming`)."""
_ATTRIBUTES = b"\x1b[?62;22c"
_LONGEST_TITLE = 80
_KNOWN_MODES = frozenset({1, 6, 7, 25, 47, 1047, 1049, 2004})
_ALTERNATE = frozenset({47, 1047, 1049})


@dataclass
class Modes:
    """What a guest has asked of its terminal that concerns others than the picture."""

    on: set[int] = field(default_factory=lambda: {7, 25})
    """Private modes (DECSET)."""
    keypad: bool = False
    """Application keypad (DECKPAM)."""
    title: str = ""
    bells: int = 0
    """How often it rang."""

    @property
    def cursor_keys(self) -> bool:
        """Whether cursor keys are those of an application (DECCKM)."""
        return 1 in self.on

    @property
    def bracketed_paste(self) -> bool:
        """Whether what is pasted is marked as such."""
        return 2004 in self.on

    @property
    def alternate(self) -> bool:
        """Whether a program has the screen for itself."""
        return bool(self.on & _ALTERNATE)

    def reset(self) -> None:
        """Back to how a terminal begins (RIS)."""
        self.on = {7, 25}
        self.keypad = False

    def take(self, sequence: str, place: tuple[int, int], size: tuple[int, int]) -> Taken:
        """Note what a watched sequence says; `place` is (row, column) from 1, size likewise."""
        kind = sequence[1:2]
        if sequence == "\x07":
            self.bells += 1
        elif kind == "]":
            return Taken("", _answer_osc(self, sequence))
        elif kind == "P":
            return Taken("", _answer_dcs(sequence))
        elif kind == "[":
            return self._control(sequence, place, size)
        elif kind == "c":
            self.reset()
            return Taken(sequence)
        elif kind == "Z":
            return Taken("", _ATTRIBUTES)
        elif kind in ("=", ">"):
            self.keypad = kind == "="
        return Taken()

    def _control(self, sequence: str, place: tuple[int, int], size: tuple[int, int]) -> Taken:
        body, final = sequence[2:-1], sequence[-1]
        if final in "hl" and body.startswith("?"):
            numbers = {int(each) for each in body[1:].split(";") if 0 < len(each) < 6}
            self.on = self.on | numbers if final == "h" else self.on - numbers
            return Taken(sequence)
        if final == "u" and not body:
            return Taken(sequence)  # restore the cursor
        if (body, final) == ("!", "p"):
            self.on, self.keypad = {7, 25} | (self.on & _ALTERNATE), False
            return Taken(sequence)
        return Taken("", _answer_csi(self, body, final, place, size))


@dataclass(frozen=True)
class Taken:
    """What of a sequence goes on to the emulation, and what is answered."""

    passed: str = ""
    answer: bytes = b""


def _answer_csi(
    modes: Modes, body: str, final: str, place: tuple[int, int], size: tuple[int, int]
) -> bytes:
    at = f"{place[0]};{place[1]}"
    fixed = {
        ("", "c"): _ATTRIBUTES,
        ("0", "c"): _ATTRIBUTES,
        (">", "c"): b"\x1b[>1;10;0c",
        (">0", "c"): b"\x1b[>1;10;0c",
        ("=", "c"): b"\x1bP!|00000000\x1b\\",
        ("5", "n"): b"\x1b[0n",
        ("6", "n"): f"\x1b[{at}R".encode(),
        ("?6", "n"): f"\x1b[?{at};1R".encode(),
        ("18", "t"): f"\x1b[8;{size[0]};{size[1]}t".encode(),
        (">", "q"): b"\x1bP>|virtdeck\x1b\\",
        (">0", "q"): b"\x1bP>|virtdeck\x1b\\",
    }
    if (body, final) in fixed:
        return fixed[body, final]
    if final == "p" and (asked := re.fullmatch(r"\?([0-9]{1,5})\$", body)):
        number = int(asked[1])
        known = (1 if number in modes.on else 2) if number in _KNOWN_MODES else 0
        return f"\x1b[?{number};{known}$y".encode()
    return b""


def _answer_osc(modes: Modes, sequence: str) -> bytes:
    """Keep a title; say what the colours are, for programs that choose theirs by it."""
    number, _, value = sequence[2:].rstrip("\x07\x1b\\\x18\x1a\n").partition(";")
    if number in ("0", "2"):
        modes.title = clean(value[:_LONGEST_TITLE]).strip()
    if value == "?" and number in ("10", "11"):
        level = "cccc" if number == "10" else "0000"
        return f"\x1b]{number};rgb:{level}/{level}/{level}\x1b\\".encode()
    return b""


def _answer_dcs(sequence: str) -> bytes:
    """Say that a setting, or a capability, is not told."""
    if sequence.startswith("\x1bP$q"):
        return b"\x1bP0$r\x1b\\"
    return b"\x1bP0+r\x1b\\" if sequence.startswith("\x1bP+q") else b""
