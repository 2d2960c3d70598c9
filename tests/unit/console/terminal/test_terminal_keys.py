"""Keys as a terminal sends them, and what is pasted."""

from __future__ import annotations

import pytest
from textual._xterm_parser import XTermParser
from textual.events import Key, Paste

from console.terminal.keys import encoded, pasted


@pytest.mark.parametrize(
    "typed",
    [
        *map(chr, range(1, 32)),
        "a", "Z", " ", "~", "é", "中", "\x7f",
        *(f"\x1b{letter}" for letter in "aZ"),
        *(f"\x1b[{letter}" for letter in "ABCDHFZ"),
        *(f"\x1bO{letter}" for letter in "PQRS"),
        *(f"\x1b[{number}~" for number in (2, 3, 5, 6, 15, 17, 18, 19, 20, 21, 23, 24)),
        *(f"\x1b[1;{held}{letter}" for held in (2, 5, 6) for letter in "ABCDHF"),
        "\x1b[3;5~", "\x1b[15;2~", "\x1b[1;3A",
    ],
)  # fmt: skip
def test_what_the_operator_types_reaches_the_guest_as_it_was_typed(typed: str) -> None:
    """Through Textual's own reading of a terminal, and back.

    It does not tell ctrl+h from backspace, and loses alt with anything but a letter.
    """
    parser = XTermParser()
    events = [*parser.feed(typed), *parser.feed("")]
    keys = [event for event in events if isinstance(event, Key)]
    sent = b"".join(encoded(key.key, key.character) for key in keys).decode()
    assert sent == {"\x08": "\x7f"}.get(typed, typed), [key.key for key in keys]


def test_cursor_keys_of_an_application() -> None:
    assert encoded("up", None, application=True) == b"\x1bOA"
    assert encoded("home", None, application=True) == b"\x1bOH"
    assert encoded("ctrl+up", None, application=True) == b"\x1b[1;5A"
    assert encoded("pageup", None, application=True) == b"\x1b[5~"


def test_keys_that_no_terminal_has_send_nothing() -> None:
    assert encoded("super+a", "a") == b""
    assert encoded("volume_up", None) == b""
    assert encoded("print_screen", None) == b""


def test_a_paste_is_marked_where_that_is_asked_and_cannot_end_itself() -> None:
    parser = XTermParser()
    (event,) = [
        each
        for each in [*parser.feed("\x1b[200~a\nb\x1b[201~"), *parser.feed("")]
        if isinstance(each, Paste)
    ]
    assert pasted(event.text, bracketed=False) == b"a\rb"
    assert pasted("a\r\nb", bracketed=True) == b"\x1b[200~a\rb\x1b[201~"
    hostile = "x\x1b[20\x1b[201~1~rm\n"
    assert pasted(hostile, bracketed=True).count(b"\x1b[201~") == 1
