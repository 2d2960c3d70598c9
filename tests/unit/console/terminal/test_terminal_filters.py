"""What of a guest's output reaches a real terminal, and a file."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.terminal.filters import LEAVE, TerminalFilter, TextFilter

DRAWING = [
    b"\x1b[2J\x1b[1;1H\x1b[1;31mred\x1b[0m\x1b[K",
    b"\x1b[?1049h\x1b[?25l\x1b[?1h\x1b=",
    b"\x1b(0lqk\x1b(B",
    b"\x1b7\x1b8\x1bM\x1bD",
    b"\x1b[3;10r\x1b[4L\x1b[2P\x1b[5X\x1b[3@\x1b[S\x1b[T\x1b[4b",
    b"\x1b[6n\x1b[c\x1b[>c",
    b"\x1b[38;2;1;2;3m\x1b[38:2::1:2:3m",
    b"plain \xc3\xa9 \xe4\xb8\xad\r\n\t\x08\x07",
    b"\x0eq\x0f",
    b"\x1b[!p\x1bc",
]
HOSTILE = [
    b"\x1b]0;title\x07",
    b"\x1b]2;title\x1b\\",
    b"\x1b]52;c;cm0gLXJm\x07",
    b"\x1b]8;;http://x\x1b\\",
    b"\x1b]4;1;red\x07",
    b"\x1b]1337;File=:AAAA\x07",
    b'\x1bP$q"p\x1b\\',
    b"\x1bPtmux;\x1b\x1b]0;t\x07\x1b\\",
    b"\x1b_Ga=T;AAAA\x1b\\",
    b"\x1b^x\x1b\\",
    b"\x1bXx\x1b\\",
    b"\x1b[21t",
    b"\x1b[20t",
    b"\x1b[8;9;9t",
    b"\x1b[3;0;0t",
    b"\x1b[5i",
    b"\x1b[4i",
    b"\x1b[?5i",
    b"\x1b[>4;2m",
    b"\x1b[>1u",
    b"\x1b[?u",
    b"\x1b[?1000h",
    b"\x1b[?1006h",
    b"\x1b[?1004h",
    b"\x1b[?69h",
    b"\x1b[2 q",
    b"\x1b[?2026$p",
    b"\x1b[>q",
    b"\x05",
    b"\x1bn",
    b"\x1b%G",
    b"\x1b[0x",
    b"\xc2\x9d0;t\x07",
    b"\xc2\x9b21t",
    b"\x1b[2\n1t",
    b'\x00\x7f\x1b[2;2"w',
    b"\x1b\\",
]


@pytest.mark.parametrize("data", DRAWING)
def test_what_draws_passes(data: bytes) -> None:
    assert TerminalFilter().pass_on(data) == data
    bit_by_bit = TerminalFilter()
    assert b"".join(bit_by_bit.pass_on(bytes([each])) for each in data) == data


@pytest.mark.parametrize("data", HOSTILE)
def test_what_does_not_draw_is_taken_out(data: bytes) -> None:
    assert TerminalFilter().pass_on(b"a" + data + b"b") == b"ab"
    bit_by_bit = TerminalFilter()
    assert b"".join(bit_by_bit.pass_on(bytes([each])) for each in b"a" + data + b"b") == b"ab"


def test_of_several_modes_only_the_harmless_pass() -> None:
    assert TerminalFilter().pass_on(b"\x1b[?1;1000;25h") == b"\x1b[?1;25h"


def test_a_file_gets_text() -> None:
    text = TextFilter().pass_on(b"\x1b[1mone\x1b[0m\r\n\x1b]0;t\x07two\x08\tx\r\n")
    assert text == b"one\ntwo\tx\n"


_ALLOWED = re.compile(
    rb"\x1b(?:\[\??[0-9:;]*[@A-HJ-MPSTXZ`abdefghlmrsu]|\[>?0?c|\[[56]n|\[!p|[78DEHM=>c]|#8|[()][0AB])"
)


@given(st.lists(st.one_of(st.binary(max_size=30), st.sampled_from(HOSTILE + DRAWING)), max_size=8))
def test_nothing_else_ever_passes(pieces: list[bytes]) -> None:
    terminal, text = TerminalFilter(), TextFilter()
    out = b"".join(terminal.pass_on(piece) for piece in pieces)
    assert b"\x1b" not in _ALLOWED.sub(b"", out)
    assert not re.search("[\x80-\x9f]", out.decode())
    plain = b"".join(text.pass_on(piece) for piece in pieces).decode()
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f]", plain.replace("\v", "").replace("\f", ""))


def test_leaving_sets_the_terminal_back() -> None:
    assert TerminalFilter().pass_on(LEAVE.encode()) == LEAVE.encode()
