"""The consoles of guests on the screen: typed into, let go of, ended, taken, searched."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from textual.pilot import Pilot
from textual.widgets import Input
from textual.widgets._toast import Toast

from console.screens.consoles.consoles import ConsolesScreen
from console.screens.dialogs.question import TypedQuestionDialog
from console.shell import console_state
from console.shell.app import VirtdeckApp
from console.shell.console_state import ConsoleState
from console.widgets.terminal import TerminalView
from core.errors import ConsoleInUseError, HypervisorError, UnsupportedError
from core.model.console import Console, ConsoleEnd, Consoles, LogTail
from tests.screens.conftest import MOMENTS, SIZES, TAPE, press, settled, until
from tests.screens.console_source import SERIAL, PlayedConsole, WithConsoles, recorded

Compare = Callable[..., bool]
LET_GO = "ctrl+right_square_bracket"
TO_WEB = ("slash", *"name:web", "enter", "i")


@pytest.fixture
def source() -> Iterator[WithConsoles]:
    made = WithConsoles.at(TAPE, MOMENTS["loaded"])
    yield made
    made.close()


def view(app: VirtdeckApp) -> TerminalView:
    return app.screen.query_one(TerminalView)


def shown(app: VirtdeckApp) -> list[str]:
    """The lines of the terminal as they are painted."""
    widget = view(app)
    lines = [widget.render_line(y).text.rstrip() for y in range(widget.size.height)]
    while len(lines) > 1 and not lines[-1]:
        lines.pop()
    return lines


def line(app: VirtdeckApp, name: str = "tabs") -> str:
    """The line of tabs, or the footer."""
    assert isinstance(app.screen, ConsolesScreen)
    return app.screen.query_one(f"#{name}").render_line(0).text


async def opened(pilot: Pilot[None], app: VirtdeckApp, source: WithConsoles) -> PlayedConsole:
    """The console of web, open."""
    await press(pilot, *TO_WEB)
    await until(pilot, lambda: isinstance(app.screen, ConsolesScreen))
    await until(pilot, lambda: bool(source.played.opened))
    await until(pilot, lambda: current(app).state is ConsoleState.OPEN)
    return source.played.opened[-1]


def current(app: VirtdeckApp) -> Any:
    assert app.consoles.current is not None
    return app.consoles.current


async def test_every_key_goes_to_the_guest_until_it_is_let_go(
    app: VirtdeckApp, source: WithConsoles
) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        guest = await opened(pilot, app, source)
        await pilot.press("q", "1", "escape", "ctrl+c", "tab", "up", "question_mark", "colon")
        await until(pilot, lambda: guest.typed == b"q1\x1b\x03\t\x1b[A?:")
        guest.say(b"\x1b[?1h")
        await until(pilot, lambda: current(app).terminal.modes.cursor_keys)
        await pilot.press("up", "f5")
        await until(pilot, lambda: guest.typed.endswith(b"\x1bOA\x1b[15~"))
        assert "^] lets go" in line(app)

        await pilot.press(LET_GO)
        await until(pilot, lambda: "types again" in line(app))
        assert "Close" in line(app, "footer")
        await pilot.press("j", "y")  # no commands: nothing happens, nothing is sent
        await pilot.press("e")
        await until(pilot, lambda: guest.typed.endswith(b"[15~\x1d"))
        await pilot.press("enter", "x")
        await until(pilot, lambda: guest.typed.endswith(b"\x1dx"))

        await pilot.press(LET_GO, LET_GO)
        await until(pilot, lambda: not isinstance(app.screen, ConsolesScreen))
        assert guest.end is None  # it stays open
        await pilot.press("i")
        await until(pilot, lambda: isinstance(app.screen, ConsolesScreen))
        assert source.played.opened == [guest]
        await pilot.press(LET_GO, "x")
        await until(pilot, lambda: guest.end is ConsoleEnd.CLOSED)
        await until(pilot, lambda: not isinstance(app.screen, ConsolesScreen))
        assert app.consoles.open == []


async def test_the_terminal_answers_and_paints_what_changes(
    app: VirtdeckApp, source: WithConsoles
) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        guest = await opened(pilot, app, source)
        guest.say(b"one\r\n\x1b[6ntwo")
        await until(pilot, lambda: shown(app) == ["one", "two"])
        await until(pilot, lambda: guest.typed == b"\x1b[2;1R")
        guest.say(b"\r\x1b]0;evil\x07\x1b]52;c;aGk=\x07\x1b[2K\x9d0;t\x07three\xe2\x80\xae")
        await until(pilot, lambda: shown(app)[-1].endswith("three"))
        guest.say(b"\x1b[?2004h")
        await until(pilot, lambda: current(app).terminal.modes.bracketed_paste)
        from textual.events import Paste

        app.post_message(Paste("a\nb"))
        await until(pilot, lambda: guest.typed.endswith(b"\x1b[200~a\rb\x1b[201~"))


async def test_a_terminal_of_24_lines_shows_the_one_with_the_cursor(
    app: VirtdeckApp, source: WithConsoles
) -> None:
    async with app.run_test(size=(60, 20)) as pilot:
        guest = await opened(pilot, app, source)
        assert (current(app).terminal.columns, current(app).terminal.rows) == (80, 24)
        guest.say(b"\x1b[Htop\x1b[24;75Hbottom")
        await until(pilot, lambda: shown(app)[-1].endswith("bottom"))
        assert not any("top" in each for each in shown(app))
        guest.say(b"\x1b[H")
        await until(pilot, lambda: shown(app)[0].startswith("top"))


async def test_what_becomes_of_a_guest_is_told_and_it_opens_again(
    app: VirtdeckApp, source: WithConsoles
) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        guest = await opened(pilot, app, source)
        guest.say(b"\x1b[?1049hvim")
        source.played.there = Consoles(False, (SERIAL,))
        guest.finish(ConsoleEnd.OFF, "The instance is off.")
        await until(pilot, lambda: current(app).state is ConsoleState.OFF)
        assert any("The instance is off." in each for each in shown(app))
        assert not current(app).terminal.modes.alternate
        assert "off" in line(app)
        await pilot.press("a")
        await settled(pilot)
        assert guest.typed == b""  # and it was said why

        source.played.there = Consoles(True, (SERIAL,))
        current(app).look_again()  # as the event of its start does
        await until(pilot, lambda: len(source.played.opened) == 2)
        await until(pilot, lambda: current(app).state is ConsoleState.OPEN)

        source.played.opened[-1].say(b"\x1b[2J\x1b[5;1Hweb:/# \x1b]0;title\x07")
        await until(pilot, lambda: "title" in line(app))
        source.played.opened[-1].finish(ConsoleEnd.TAKEN, "Another client took this console over.")
        await until(pilot, lambda: current(app).state is ConsoleState.TAKEN)
        assert [each.strip() for each in shown(app)[4:]] == [
            *("web:/#", "Another client took this console over."),
        ]
        assert "title" not in line(app)
        current(app).look_again()
        await settled(pilot)
        assert len(source.played.opened) == 2  # nobody takes it back unasked
        assert "r takes it back" in line(app)


async def test_one_that_was_open_is_tried_again_until_its_console_is_there(
    app: VirtdeckApp, source: WithConsoles
) -> None:
    """As after a revert: the process is there before its console can be opened."""
    async with app.run_test(size=(80, 24)) as pilot:
        guest = await opened(pilot, app, source)
        in_use = ConsoleInUseError("Another client has this console open.")
        source.played.errors = [HypervisorError("It is not using a PTY."), in_use]
        guest.finish(ConsoleEnd.OFF, "The instance was stopped, and runs anew.")
        await until(pilot, lambda: current(app).state is ConsoleState.RETURNING)
        assert any("waiting for its console to open" in each for each in shown(app))
        assert "reopening" in line(app)
        await until(pilot, lambda: len(source.played.opened) == 2)
        await until(pilot, lambda: current(app).state is ConsoleState.OPEN)
        assert source.played.forced == [False] * 4, "nothing is taken from anybody"
        assert sum("waiting for its console" in each for each in shown(app)) == 1
        source.played.opened[-1].say(b"welcome back")
        await until(pilot, lambda: shown(app)[-1] == "welcome back")


async def test_what_does_not_come_back_is_given_up_and_one_opened_by_hand_fails_at_once(
    app: VirtdeckApp, source: WithConsoles, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(console_state, "PATIENCE", -1.0)
    async with app.run_test(size=(80, 24)) as pilot:
        guest = await opened(pilot, app, source)
        source.played.errors = [HypervisorError("It is not using a PTY.") for _ in range(2)]
        guest.finish(ConsoleEnd.OFF, "The instance is off.")
        await until(pilot, lambda: current(app).state is ConsoleState.FAILED)
        assert "r tries again" in line(app)
        await pilot.press(LET_GO, "r")
        await until(pilot, lambda: source.played.forced == [False] * 3)
        await until(pilot, lambda: current(app).state is ConsoleState.FAILED)


async def test_a_console_in_use_is_taken_over_after_its_name_is_typed(
    app: VirtdeckApp, source: WithConsoles
) -> None:
    source.played.errors = [ConsoleInUseError("Another client has this console open.")]
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, *TO_WEB)
        await until(pilot, lambda: isinstance(app.screen, ConsolesScreen))
        await until(pilot, lambda: current(app).state is ConsoleState.IN_USE)
        await pilot.press(LET_GO, "r")
        await until(pilot, lambda: isinstance(app.screen, TypedQuestionDialog))
        await pilot.press(*"wrong", "enter")
        assert isinstance(app.screen, TypedQuestionDialog)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, ConsolesScreen))
        assert source.played.forced == [False]
        await pilot.press("r")
        await until(pilot, lambda: isinstance(app.screen, TypedQuestionDialog))
        await pilot.press(*"web", "enter")
        await until(pilot, lambda: source.played.forced == [False, True])
        await until(pilot, lambda: current(app).state is ConsoleState.OPEN)


async def test_what_is_told_hides_neither_line_at_the_bottom(
    app: VirtdeckApp, source: WithConsoles
) -> None:
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await opened(pilot, app, source)
        await pilot.press(LET_GO, "r")  # it is open: that is told
        await until(pilot, lambda: bool(app.screen.query(Toast)))
        await until(pilot, lambda: app.screen.query_one(Toast).region.height > 0)
        footer = app.screen.query_one("#footer").region
        assert app.screen.query_one(Toast).region.bottom == footer.y == 22


async def test_older_lines_are_turned_to_and_searched(
    app: VirtdeckApp, source: WithConsoles
) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        guest = await opened(pilot, app, source)
        guest.say(b"".join(b"line %d of many\r\n" % number for number in range(200)))
        await until(pilot, lambda: any("line 199 " in each for each in shown(app)))
        await pilot.press("shift+pageup")
        await until(pilot, lambda: "older lines" in line(app))
        before = shown(app)
        guest.say(b"more\r\n")
        await until(pilot, lambda: "more" in current(app).terminal.texts()[-2])
        assert shown(app) == before  # what is read stays where it is
        await pilot.press("shift+home")
        await until(pilot, lambda: shown(app)[0] == "line 0 of many")
        await pilot.press("x")
        await until(pilot, lambda: guest.typed == b"x")
        await until(pilot, lambda: any("more" in each for each in shown(app)))

        await pilot.press(LET_GO, "slash")
        await until(pilot, lambda: isinstance(app.focused, Input))
        await pilot.press(*"LINE 4 ")
        await until(pilot, lambda: any("line 4 " in each for each in shown(app)))
        await pilot.press("enter")
        await until(pilot, lambda: "LINE 4 : 1 of 1" in line(app))
        await pilot.press("escape")
        await until(pilot, lambda: "LINE" not in line(app))
        await pilot.press("slash", *"7 of", "enter", "n")
        await until(pilot, lambda: "7 of: 19 of 20" in line(app))
        await pilot.press("N", "N")
        await until(pilot, lambda: "7 of: 1 of 20" in line(app))


async def test_several_are_tabs_and_the_size_is_told_on_demand(
    app: VirtdeckApp, source: WithConsoles
) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        web = await opened(pilot, app, source)
        await pilot.press(LET_GO, "escape")
        await until(pilot, lambda: not isinstance(app.screen, ConsolesScreen))
        await press(pilot, "escape", "slash", *"name:db", "enter", "i")
        await until(pilot, lambda: len(source.played.opened) == 2)
        await until(pilot, lambda: current(app).state is ConsoleState.OPEN)
        db = source.played.opened[-1]
        assert "web" in line(app)
        assert "db" in line(app)
        await pilot.press("d")
        await until(pilot, lambda: db.typed == b"d")
        await pilot.press(LET_GO, "tab", "s")
        await until(pilot, lambda: web.typed == b"stty rows 39 cols 120\r")
        web.say(b"\x1b[?1049h")
        await until(pilot, lambda: current(app).terminal.modes.alternate)
        await pilot.press(LET_GO, "s")
        await settled(pilot)
        assert web.typed == b"stty rows 39 cols 120\r"  # vim has the screen


async def test_a_console_with_only_a_log_is_followed(
    app: VirtdeckApp, source: WithConsoles
) -> None:
    source.played.there = Consoles(True, (Console("serial0", "serial", "file", path="/l"),))
    source.played.log = LogTail("/l", b"booting\nand more\n")
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, *TO_WEB)
        await until(pilot, lambda: isinstance(app.screen, ConsolesScreen))
        await until(pilot, lambda: shown(app) == ["booting", "and more"])
        assert current(app).state is ConsoleState.LOG
        source.played.log = LogTail("/l", source.played.log.data + b"login:")
        await until(pilot, lambda: shown(app)[-1] == "login:")
        source.played.log = LogTail("/l", why_not="/l is on beta: it is read on that host only.")
        await until(pilot, lambda: current(app).state is ConsoleState.FAILED)
        assert any("read on that host only" in each for each in shown(app))


async def test_what_its_host_kept_comes_first_and_why_not_is_said(
    app: VirtdeckApp, source: WithConsoles
) -> None:
    source.played.there = replace(source.played.there, consoles=(replace(SERIAL, log="/l"),))
    source.played.log = LogTail("/l", b"cut off\r\nbooted\r\n\x1b[6n")
    source.played.says = b"now"
    async with app.run_test(size=(80, 24)) as pilot:
        guest = await opened(pilot, app, source)
        await until(pilot, lambda: shown(app)[-1:] == ["now"])
        assert shown(app)[0] == "booted"
        assert "so far" in shown(app)[1]
        assert guest.typed == b""  # what was asked long ago is not answered
    source.played.errors = [UnsupportedError("It cannot be.", "Do something.")]


async def test_what_comes_is_written_to_a_new_file(
    app: VirtdeckApp, source: WithConsoles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        guest = await opened(pilot, app, source)
        await pilot.press(LET_GO, "w")
        await until(pilot, lambda: current(app).log is not None)
        guest.say(b"\x1b[1mbold\x1b[0m\r\n\x1b]0;t\x07plain\r\n")
        file = current(app).log
        await until(pilot, lambda: file.read_bytes() == b"bold\nplain\n")
        assert file.stat().st_mode & 0o777 == 0o600
        assert "writing" in line(app)
        await pilot.press("w")
        await until(pilot, lambda: current(app).log is None)


async def test_a_tape_opens_none(console: Callable[[str], VirtdeckApp]) -> None:
    app = console("loaded")
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, *TO_WEB)
        await settled(pilot)
        assert not isinstance(app.screen, ConsolesScreen)


CASES: dict[str, tuple[str, tuple[str, ...]]] = {
    "shell": ("shell", ()),
    "vi": ("vi", ()),
    "top": ("top", ()),
    "commands": ("shell", (LET_GO,)),
    "search": ("shell", (LET_GO, "slash", *"model", "enter")),
    "in-use": ("", (LET_GO, "r")),
}


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("case", CASES)
def test_pictures(
    snap_compare: Compare,
    app: VirtdeckApp,
    source: WithConsoles,
    case: str,
    size: tuple[int, int],
) -> None:
    data, keys = CASES[case]

    async def run_before(pilot: Pilot[None]) -> None:
        if data:
            source.played.says = recorded(data)
            await opened(pilot, app, source)
            await until(pilot, lambda: view(app)._late is None and shown(app) != [""])
        else:
            source.played.errors = [ConsoleInUseError("Another client has this console open.")]
            await press(pilot, *TO_WEB)
            await until(pilot, lambda: isinstance(app.screen, ConsolesScreen))
            await until(pilot, lambda: current(app).state is ConsoleState.IN_USE)
        await press(pilot, *keys)

    assert snap_compare(app, terminal_size=size, run_before=run_before)
