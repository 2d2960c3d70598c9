"""What becomes of what a guest writes: samples of our own of what terminals are sent."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rich.cells import cell_len

from console.terminal.emulator import MOST_ANSWERED, Emulator
from console.terminal.style import CellStyle
from core.model.text import clean

COLUMNS, ROWS = 20, 6


def screen(*pieces: bytes) -> list[str]:
    """The lines after some pieces, without the blanks at their ends."""
    return lines_of(fed(*pieces))


def fed(*pieces: bytes) -> Emulator:
    terminal = Emulator(COLUMNS, ROWS)
    for piece in pieces:
        terminal.feed(piece)
    return terminal


def lines_of(terminal: Emulator) -> list[str]:
    rows = ("".join(run.text for run in terminal.row(each)) for each in range(terminal.rows))
    return [row.rstrip() for row in rows]


def style_of(sequence: bytes) -> CellStyle:
    return fed(sequence + b"x").row(0)[0].style


SAMPLES = [
    ("wraps at the edge", b"0123456789012345678901234", ["01234567890123456789", "01234"]),
    ("the last column waits", b"01234567890123456789\rA", ["A1234567890123456789"]),
    ("carriage return alone", b"abc\rX", ["Xbc"]),
    ("backspace", b"abc\b\bX", ["aXc"]),
    ("tab stops", b"a\tb\x1b[3gc\td", ["a       bc         d"]),
    ("cursor anywhere", b"\x1b[3;5Hx\x1b[Hy\x1b[2Bz", ["y", "", " z  x"]),
    ("column and row", b"ab\x1b[10Gc\x1b[3dd", ["ab       c", "", "          d"]),
    ("erase to the end", b"abcdef\x1b[3D\x1b[K", ["abc"]),
    ("erase to the start", b"abcdef\x1b[4D\x1b[1Kx", ["  xdef"]),
    ("erase below", b"a\r\nb\r\nc\x1b[2;1H\x1b[J", ["a"]),
    ("erase all", b"a\r\nb\x1b[2J\x1b[Hc", ["c"]),
    ("erase letters", b"abcdef\r\x1b[2X", ["  cdef"]),
    ("insert letters", b"abc\r\x1b[2@x", ["x abc"]),
    ("delete letters", b"abcdef\r\x1b[2P", ["cdef"]),
    ("insert mode", b"abc\r\x1b[4hXY\x1b[4l", ["XYabc"]),
    ("insert lines", b"a\r\nb\r\nc\x1b[2H\x1b[L", ["a", "", "b", "c"]),
    ("delete lines", b"a\r\nb\r\nc\x1b[H\x1b[M", ["b", "c"]),
    ("scroll region", b"1\r\n2\r\n3\r\n4\x1b[2;3r\x1b[3H\n", ["1", "3", "", "4"]),
    ("scroll up and down", b"1\r\n2\r\n3\x1b[S\x1b[2T", ["", "", "2", "3"]),
    ("reverse index at the top", b"1\r\n2\x1b[H\x1bMx", ["x", "1", "2"]),
    ("next line and index", b"ab\x1bEc\x1bDd", ["ab", "c", " d"]),
    ("save and restore", b"ab\x1b7\x1b[4;4Hx\x1b8c", ["abc", "", "", "   x"]),
    ("the other save and restore", b"ab\x1b[s\x1b[4;4Hx\x1b[uc", ["abc", "", "", "   x"]),
    ("repeat", b"-\x1b[4b", ["-----"]),
    ("line drawing", b"\x1b(0lqk\x1b(B lqk", ["┌─┐ lqk"]),
    ("line drawing by shift", b"\x1b)0\x0eqx\x0fqx", ["─│qx"]),
    ("no wrap", b"\x1b[?7l0123456789012345678901", ["01234567890123456781"]),
    ("origin mode", b"\x1b[2;4r\x1b[?6h\x1b[Hx", ["", "x"]),
    ("alternate screen", b"shell\x1b[?1049h\x1b[2J\x1b[Hvim\x1b[?1049l", ["shell"]),
    ("in the alternate screen", b"shell\x1b[?1049h\x1b[2J\x1b[Hvim", ["vim"]),
    ("back tab", b"\t\tx\x1b[2Zy", ["        y       x"]),
    ("alignment pattern", b"\x1b#8\x1b[2;1H\x1b[J", ["E" * 20]),
    ("soft reset", b"\x1b[2;3r\x1b[4h\x1b[!p\x1b[Habc\rx", ["xbc"]),
    ("hard reset", b"abc\x1b[?7l\x1bcx", ["x"]),
    ("wide letters", "中文x".encode(), ["中文x"]),
    ("a wide letter at the edge", b"0123456789012345678" + "中".encode(),
     ["0123456789012345678", "中"]),
    ("joiners take no cell", "a\u200db\u202ec".encode(), ["abc"]),
    ("not UTF-8", b"a\xff\xfeb", ["a\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}b"]),
    ("a title draws nothing", b"a\x1b]0;title\x07b\x1b]2;two\x1b\\c", ["abc"]),
    ("a clipboard draws nothing", b"a\x1b]52;c;aGk=\x07b", ["ab"]),
    ("a device string draws nothing", b"a\x1bP$q\"p\x1b\\b\x1bP1;2q#0~~\x1b\\c", ["abc"]),
    ("kitty's pictures draw nothing", b"a\x1b_Gf=24;AAAA\x1b\\b", ["ab"]),
    ("keyboard protocols draw nothing", b"a\x1b[>1u\x1b[<u\x1b[?u\x1b[>4;2mb", ["ab"]),
    ("cursor shapes draw nothing", b"a\x1b[2 qb\x1b[?25lc", ["abc"]),
    ("window operations do nothing", b"a\x1b[8;999;999tb\x1b[3;1;1tc", ["abc"]),
    ("an ended sequence in text", b"\x1b]never ended\nb", ["b"]),
    ("8-bit controls", "\x9b2;2Hx\x9d0;t\x07y".encode(), ["", " xy"]),
]  # fmt: skip


@pytest.mark.parametrize(("data", "lines"), [each[1:] for each in SAMPLES],
                         ids=[each[0] for each in SAMPLES])  # fmt: skip
def test_samples_are_drawn_right_whole_and_in_single_bytes(data: bytes, lines: list[str]) -> None:
    expected = lines + [""] * (ROWS - len(lines))
    assert screen(data) == expected
    assert screen(*(data[place : place + 1] for place in range(len(data)))) == expected


def test_a_letter_and_its_mark_are_one_cell() -> None:
    """The emulation gives a mark a cell of its own; one that comes after its letter is lost."""
    assert screen("cafe\u0301!".encode())[0] == "café!"
    assert screen(b"cafe", "\u0301!".encode())[0] == "cafe!"


@pytest.mark.parametrize(
    ("sequence", "expected"),
    [
        (b"\x1b[1;3;4m", CellStyle(bold=True, italic=True, underline=True)),
        (b"\x1b[2;5;7;9m", CellStyle(faint=True, blink=True, inverse=True, strike=True)),
        (b"\x1b[31;42m", CellStyle(1, 2)),
        (b"\x1b[95;104m", CellStyle(13, 12)),
        (b"\x1b[38;5;200;48;5;17m", CellStyle(200, 17)),
        (b"\x1b[38;2;1;2;3m", CellStyle((1, 2, 3))),
        (b"\x1b[38:2::9:8:7m", CellStyle((9, 8, 7))),
        (b"\x1b[1;31m\x1b[22;39m", CellStyle()),
        (b"\x1b[1;31m\x1b[m", CellStyle()),
    ],
)
def test_colours_and_attributes(sequence: bytes, expected: CellStyle) -> None:
    assert style_of(sequence) == expected


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        (b"\x1b[3;5H\x1b[6n", b"\x1b[3;5R"),
        (b"01234567890123456789\x1b[6n", b"\x1b[1;20R"),
        (b"\x1b[?6n", b"\x1b[?1;1;1R"),
        (b"\x1b[5n", b"\x1b[0n"),
        (b"\x1b[c", b"\x1b[?62;22c"),
        (b"\x1bZ", b"\x1b[?62;22c"),
        (b"\x1b[>c", b"\x1b[>1;10;0c"),
        (b"\x1b[18t", b"\x1b[8;6;20t"),
        (b"\x1b[?2004h\x1b[?2004$p", b"\x1b[?2004;1$y"),
        (b"\x1b[?2004$p", b"\x1b[?2004;2$y"),
        (b"\x1b[?31337$p", b"\x1b[?31337;0$y"),
        (b"\x1b]11;?\x07", b"\x1b]11;rgb:0000/0000/0000\x1b\\"),
        (b"\x1bP$qm\x1b\\", b"\x1bP0$r\x1b\\"),
        (b"\x1bP+q544e\x1b\\", b"\x1bP0+r\x1b\\"),
        (b"\x1b[21t\x1b[20t\x05\x1b[?u", b""),  # nothing a guest chose is ever typed back
    ],
)
def test_a_guest_that_asks_is_answered(asked: bytes, answer: bytes) -> None:
    assert Emulator(COLUMNS, ROWS).feed(asked).answers == answer


def test_one_that_never_stops_asking_is_not_answered_without_end() -> None:
    assert len(Emulator(COLUMNS, ROWS).feed(b"\x1b[6n" * 100_000).answers) == MOST_ANSWERED


def test_modes_title_and_bell() -> None:
    terminal = fed(b"\x1b[?1;2004h\x1b=\x1b]0;\xe2\x80\xaeweb\x1b\\\x07\x07")
    modes = terminal.modes
    assert (modes.cursor_keys, modes.bracketed_paste, modes.keypad) == (True, True, True)
    assert modes.title.endswith("web")
    assert modes.title.isprintable()
    assert modes.bells == 2
    terminal.feed(b"\x1b[?1049h")
    assert modes.alternate
    terminal.feed(b"\x1bc")
    assert (modes.alternate, modes.cursor_keys, modes.bracketed_paste) == (False, False, False)
    assert modes.keypad is False


def test_only_rows_that_changed_are_told() -> None:
    terminal = fed(b"x")
    assert terminal.feed(b"a\x1b[3;1Hb").changed == {0, 2}
    assert terminal.feed(b"\x1b[31m").changed == frozenset()
    assert terminal.feed(b"\r\n" * ROWS).changed == set(range(ROWS))


def test_the_scrollback_has_what_went_off_the_top_and_forgets_the_oldest() -> None:
    terminal = Emulator(COLUMNS, ROWS, scrollback=10)
    terminal.feed(b"".join(b"%d\r\n" % number for number in range(30)))
    texts = [text.rstrip() for text in terminal.texts()]
    assert terminal.history == len(texts) - ROWS
    assert texts[-2] == "29"
    assert terminal.gone + len(texts) == 31
    assert "".join(run.text for run in terminal.history_rows(0, 1)[0]).rstrip() == texts[0]


def test_a_resize_wraps_lines_anew_and_keeps_them() -> None:
    terminal = fed(b"0123456789abcdefghij")
    terminal.resize(10, 4)
    assert [text.rstrip() for text in terminal.texts()][:2] == ["0123456789", "abcdefghij"]
    terminal.resize(0, 0)
    assert (terminal.columns, terminal.rows) == (2, 1)


PIECES = st.one_of(
    st.binary(max_size=40),
    st.sampled_from([data for _, data, _ in SAMPLES]),
    st.from_regex(rb"\x1b\[[<=>?]?[0-9;:]{0,12}[ -/]?[@-~]", fullmatch=True),
    st.from_regex(rb"\x1b[\]PX^_][^\x07]{0,12}(\x07|\x1b\\)?", fullmatch=True),
)


@given(st.lists(PIECES, max_size=12), st.integers(1, 40), st.integers(1, 12))
@example([b"\x1b[99999;99999H\x1b[65535b\x1b[65535@\x1b[65535L\x1b[65535S\x1b[0;0r"], 3, 1)
@example([b"\x1b[8;65535\n;65535t"], 80, 24)
def test_whatever_a_guest_writes_gives_lines_that_are_safe_and_as_wide_as_the_terminal(
    pieces: list[bytes], columns: int, rows: int
) -> None:
    terminal = Emulator(columns, rows, scrollback=20)
    for piece in pieces:
        terminal.feed(piece)
    for number in range(terminal.rows):
        text = "".join(run.text for run in terminal.row(number))
        assert cell_len(text) == terminal.columns
        assert clean(text) == text
    assert terminal.history <= 30
    assert 0 <= terminal.cursor.row < terminal.rows
