"""The Migrate dialog as pictures: what is fine, what blocks, many at once, all options."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from textual.pilot import Pilot

from console.screens.dialogs.migrate import MigrateDialog
from console.settings import DisplaySettings, Settings
from console.shell.app import VirtdeckApp
from tests.screens.conftest import MOMENTS, SIZES, TAPE, ZONE, press, until
from tests.screens.migrate_source import BLOCKERS, DOUBTS, FINE, Answer, Answering, answer

Compare = Callable[..., bool]
ONE = ("slash", *"name:web", "enter", "m")
MANY = ("asterisk", "m")
ALL_OPTIONS = ("down",) * 6 + ("right",)
CASES: dict[str, tuple[Answer, tuple[str, ...], tuple[str, ...]]] = {
    "fine": (answer(*FINE), ONE, ()),
    "blocked": (answer(*BLOCKERS, *DOUBTS, *FINE), ONE, ()),
    "overridden": (answer(BLOCKERS[0], *FINE), ONE, ("up", "up", *"network-blue", "enter")),
    "many": (answer(*BLOCKERS[1:], *DOUBTS, *FINE), MANY, ()),
    "all-options": (answer(*DOUBTS, *FINE), ONE, ALL_OPTIONS),
    "contradictory": (answer(*FINE), ONE, (*ALL_OPTIONS, "down", *"10")),
}
"""What is answered, the keys that open the dialog, and those pressed in it."""


@pytest.fixture
def asked() -> Iterator[Callable[[Answer], VirtdeckApp]]:
    sources: list[Answering] = []

    def app(answers: Answer) -> VirtdeckApp:
        source = Answering.at(TAPE, MOMENTS["loaded"])
        source.answers = answers
        sources.append(source)
        display = DisplaySettings(theme="dark", glyphs="unicode", refresh_rate=30)
        return VirtdeckApp(lambda: source, Settings(display=display), clock=source.clock, zone=ZONE)

    yield app
    for source in sources:
        source.close()


def pressing(opening: tuple[str, ...], more: tuple[str, ...]) -> Callable[[Pilot[None]], Any]:
    async def run_before(pilot: Pilot[None]) -> None:
        await press(pilot, *opening)
        await until(pilot, lambda: isinstance(pilot.app.screen, MigrateDialog))
        dialog = pilot.app.screen
        assert isinstance(dialog, MigrateDialog)
        await until(pilot, lambda: dialog.at_rest)
        await pilot.press(*more)
        await until(pilot, lambda: dialog.at_rest)
        await pilot.pause()

    return run_before


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("case", CASES)
def test_dialog(
    snap_compare: Compare,
    asked: Callable[[Answer], VirtdeckApp],
    case: str,
    size: tuple[int, int],
) -> None:
    answers, opening, more = CASES[case]
    assert snap_compare(asked(answers), terminal_size=size, run_before=pressing(opening, more))
