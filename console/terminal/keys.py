"""Keys as a terminal sends them (xterm's), by Textual's names. Pure."""

from __future__ import annotations

_LETTERS = {"up": "A", "down": "B", "right": "C", "left": "D", "end": "F", "home": "H"}
"""Keys whose sequence ends with a letter: `CSI A`, in application mode `SS3 A`."""
_NUMBERS = {
    "insert": 2, "delete": 3, "pageup": 5, "pagedown": 6,
    "f5": 15, "f6": 17, "f7": 18, "f8": 19, "f9": 20, "f10": 21, "f11": 23, "f12": 24,
    "f13": 25, "f14": 26, "f15": 28, "f16": 29, "f17": 31, "f18": 32, "f19": 33, "f20": 34,
}  # fmt: skip
"""Keys whose sequence has a number: `CSI 5 ~`."""
_FUNCTION = {"f1": "P", "f2": "Q", "f3": "R", "f4": "S"}
_SINGLE = {
    "enter": "\r",
    "tab": "\t",
    "escape": "\x1b",
    "backspace": "\x7f",
    "space": " ",
}
_CONTROLLED = {
    "at": "\x00", "space": "\x00", "@": "\x00", "left_square_bracket": "\x1b", "backslash": "\x1c",
    "right_square_bracket": "\x1d", "circumflex_accent": "\x1e", "underscore": "\x1f",
    "slash": "\x1f", "minus": "\x1f", "question_mark": "\x7f", "backspace": "\x08",
    "2": "\x00", "3": "\x1b", "4": "\x1c", "5": "\x1d", "6": "\x1e", "7": "\x1f", "8": "\x7f",
}  # fmt: skip
"""What a key is with ctrl, beside the letters."""
_MODIFIERS = {"shift": 1, "alt": 2, "ctrl": 4, "meta": 8}


def encoded(key: str, character: str | None, *, application: bool = False) -> bytes:
    """Return what a terminal sends for a key; b"": nothing, as for one that it has not.

    `key` is Textual's name (`ctrl+shift+left`), `character` what it types, `application` whether
    cursor keys are those of an application (DECCKM).
    """
    *modifiers, name = key.split("+") if key != "+" else ["+"]
    held = sum(_MODIFIERS.get(each, 0) for each in set(modifiers))
    if any(each not in _MODIFIERS for each in modifiers):  # super and hyper are the desktop's
        return b""
    sequence = _sequence(name, held, application=application)
    if sequence:
        return sequence.encode()
    if name == "tab" and held & 1:
        return b"\x1b[Z"
    text = _text(name, character, held)
    if not text:
        return b""
    return (f"\x1b{text}" if held & 2 else text).encode()


def _sequence(name: str, held: int, *, application: bool) -> str:
    modified = f";{held + 1}" if held else ""
    if name in _LETTERS:
        if modified:
            return f"\x1b[1{modified}{_LETTERS[name]}"
        return f"\x1b{'O' if application else '['}{_LETTERS[name]}"
    if name in _FUNCTION:
        return f"\x1b[1{modified}{_FUNCTION[name]}" if modified else f"\x1bO{_FUNCTION[name]}"
    if name in _NUMBERS:
        return f"\x1b[{_NUMBERS[name]}{modified}~"
    return ""


def _text(name: str, character: str | None, held: int) -> str:
    if held & 4:
        if len(name) == 1 and name.isascii() and name.isalpha():
            return chr(ord(name.upper()) - 64)
        return _CONTROLLED.get(name, _SINGLE.get(name, ""))
    if name in _SINGLE:
        return _SINGLE[name]
    if character is not None and (character.isprintable() or held & 2):
        return character
    return name if len(name) == 1 else ""


def pasted(text: str, *, bracketed: bool) -> bytes:
    """Return pasted text as a terminal sends it: line ends as enter, marked where that is asked.

    The mark of the end is taken out of it, so that nothing pasted can be taken for typed.
    """
    lines = text.replace("\r\n", "\r").replace("\n", "\r")
    if not bracketed:
        return lines.encode()
    while "\x1b[201~" in lines:
        lines = lines.replace("\x1b[201~", "")
    return f"\x1b[200~{lines}\x1b[201~".encode()
