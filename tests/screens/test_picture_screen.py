"""What an instance shows on its screen: drawn, taken again; what is said where there is none."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from operator import eq
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from textual.pilot import Pilot

from console.screens.consoles.consoles import ConsolesScreen
from console.screens.picture import picture as picture_screen
from console.screens.picture.picture import PictureScreen
from console.settings import COLOURLESS, DisplaySettings, Settings
from console.shell.app import VirtdeckApp
from core.errors import UnsupportedError
from tests.screens.conftest import MOMENTS, SIZES, TAPE, ZONE, press, settled, until
from tests.screens.console_source import WithConsoles

Compare = Callable[..., bool]
DATA = Path(__file__).parents[1] / "data" / "pictures"
BIOS = (DATA / "no-bootable-device.png").read_bytes()
"""What SeaBIOS shows, as libvirt 9.0 brought it from QEMU 7.2."""
TO_WEB = ("slash", *"name:web", "enter", "I")


def one_colour(colour: tuple[int, int, int], size: tuple[int, int] = (640, 480)) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, "PNG")
    return out.getvalue()


@pytest.fixture
def source() -> Iterator[WithConsoles]:
    made = WithConsoles.at(TAPE, MOMENTS["loaded"])
    made.played.pictures = [BIOS]
    yield made
    made.close()


@pytest.fixture
def app(source: WithConsoles, monkeypatch: pytest.MonkeyPatch) -> VirtdeckApp:
    for name in ("TMUX", "STY", "KITTY_WINDOW_ID", "TERM_PROGRAM", "LC_TERMINAL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    return with_theme(source, "dark")


def with_theme(source: WithConsoles, theme: str) -> VirtdeckApp:
    settings = Settings(display=DisplaySettings(theme=theme, glyphs="unicode", refresh_rate=30))
    return VirtdeckApp(lambda: source, settings, clock=source.clock, zone=ZONE)


async def drawn(pilot: Pilot[None], app: VirtdeckApp) -> PictureScreen:
    """The screen, once it shows a picture."""
    await press(pilot, *TO_WEB)
    await until(pilot, lambda: isinstance(app.screen, PictureScreen))
    assert isinstance(app.screen, PictureScreen)
    await until(pilot, lambda: bool(colours(app)))
    return app.screen


def widget(app: VirtdeckApp) -> Any:
    return next(iter(app.screen.query("HalfcellImage")), None)


def colours(app: VirtdeckApp) -> set[str]:
    """The colours of the upper pixels that are painted."""
    found = widget(app)
    if found is None or not found.size:
        return set()
    strips = [found.render_line(y) for y in range(found.size.height)]
    segments = [each for strip in strips for each in strip if "▀" in each.text]
    return {each.style.color.triplet.hex for each in segments if each.style and each.style.color}


def said(app: VirtdeckApp) -> str:
    page = app.screen.query_one("#said")
    lines = [page.render_line(y).text for y in range(page.size.height)]
    return " ".join(" ".join(lines).split()) if page.display else ""


async def test_it_is_drawn_and_drawn_again_when_it_changes(
    app: VirtdeckApp, source: WithConsoles, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(picture_screen, "APART", 0.01)
    async with app.run_test(size=(80, 24)) as pilot:
        await drawn(pilot, app)
        assert "#000000" in colours(app)
        assert len(colours(app)) > 3, "the letters"
        source.played.pictures = [one_colour((255, 0, 0))]
        await until(pilot, lambda: colours(app) == {"#ff0000"})
        first = widget(app).image
        await pilot.pause(0.2)
        assert widget(app).image is first, "the same again is not drawn again"
        source.played.pictures = [one_colour((0, 0, 255), (100, 400))]
        await until(pilot, lambda: colours(app) == {"#0000ff"})
        await until(pilot, lambda: widget(app).size == (10, 21))  # it keeps its shape


async def test_what_speaks_against_it_is_told_and_asked_again(
    app: VirtdeckApp, source: WithConsoles, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(picture_screen, "APART", 0.01)

    async def refuse(*_: object) -> bytes:
        raise UnsupportedError("It has no screen.", "Give it a <video/>.")

    taken = source.played.picture
    monkeypatch.setattr(source.played, "picture", refuse)
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, *TO_WEB)
        await until(pilot, lambda: isinstance(app.screen, PictureScreen))
        await until(pilot, lambda: said(app) == "It has no screen. Give it a <video/>.")
        monkeypatch.setattr(source.played, "picture", taken)
        source.played.pictures = [b"P6 nonsense"]
        await until(pilot, lambda: "no picture that can be read" in said(app))
        source.played.pictures = [BIOS]
        await until(pilot, lambda: bool(colours(app)))
        await until(pilot, lambda: not said(app))


async def test_one_that_is_off_has_none(app: VirtdeckApp, source: WithConsoles) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "slash", *"name:archive", "enter", "I")
        await until(pilot, lambda: isinstance(app.screen, PictureScreen))
        await until(pilot, lambda: said(app) == "It is off: a picture is taken again once it runs.")
        await press(pilot, "escape")
        await until(pilot, lambda: not isinstance(app.screen, PictureScreen))


async def test_without_colours_it_is_said_at_once(source: WithConsoles) -> None:
    app = with_theme(source, COLOURLESS)
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, *TO_WEB)
        await until(pilot, lambda: isinstance(app.screen, PictureScreen))
        await until(pilot, lambda: "needs a terminal with colours" in said(app))


async def test_the_console_is_a_key_away(app: VirtdeckApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await drawn(pilot, app)
        await press(pilot, "i")
        await until(pilot, lambda: isinstance(app.screen, ConsolesScreen))


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_how_it_looks(app: VirtdeckApp, snap_compare: Compare, size: tuple[int, int]) -> None:
    async def run_before(pilot: Pilot[None]) -> None:
        await drawn(pilot, app)
        full = (size[0], size[1] - 3)  # but for the lines around it
        await until(pilot, lambda: any(map(eq, widget(app).size, full)))
        await settled(pilot)

    assert snap_compare(app, terminal_size=size, run_before=run_before)
