"""What a terminal of 80x24 must not lose."""

from __future__ import annotations

import pytest

from console.screens.base import TABS
from console.screens.chrome import shorter_tabs, tab_groups
from console.screens.listing import ListScreen
from console.screens.parts import Part, fitting, lay_out
from tests.screens.conftest import Moment, press
from tests.screens.test_verb_menu import text

SUMMARIES = (
    " 12 instances ",
    " 1,234 of 12,345 instances ",
    " 1,234 marked (1,001 hidden) ",
    " 10 of 12 active ",
)


@pytest.mark.parametrize("current", [name for _, name in TABS])
@pytest.mark.parametrize("number", range(len(SUMMARIES) + 1))
def test_every_screen_is_among_the_tabs_whatever_stands_beside_them(
    current: str, number: int
) -> None:
    right = [[Part(summary)] for summary in SUMMARIES[:number]]
    lefts = [tab_groups(TABS, current), *shorter_tabs(TABS, current)]
    parts = lay_out(fitting(lefts, right, 80), right, 80)
    shown = [part for part in parts if part.call]
    assert {part.call for part in shown} == {f"app.show_screen('{name}')" for _, name in TABS}
    line = "".join(part.text for part in parts)
    assert current.capitalize() in line
    assert all(f" {key} " in line for key, _ in TABS)
    assert len(line) == 80


@pytest.mark.parametrize("current", [name for _, name in TABS])
def test_with_a_filter_the_tabs_keep_their_names_on_80_cells(current: str) -> None:
    right = [[Part(f" 12 of 120 {current} ")]]
    lefts = [tab_groups(TABS, current), *shorter_tabs(TABS, current)]
    line = "".join(part.text for part in lay_out(fitting(lefts, right, 80), right, 80))
    for _, name in TABS:
        assert name[:2].capitalize() in line, line


@pytest.mark.parametrize(
    ("key", "name"), [tab for tab in TABS if tab[1] not in ("hosts", "events")]
)
async def test_what_an_empty_screen_says_is_read_whole(
    console: Moment, key: str, name: str
) -> None:
    """Hosts and events are never empty on the tape."""
    app = console("empty")
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, key)
        screen = app.screen
        assert isinstance(screen, ListScreen)
        assert screen.registry_layer == name
        shown = " ".join(" ".join(text(app)).split())
        for sentence in screen.empty_text().splitlines():
            assert " ".join(sentence.split()) in shown
