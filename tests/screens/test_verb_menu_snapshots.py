"""The menu of verbs as pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from textual.pilot import Pilot

from console.screens.dialogs.verb_form import VerbFormDialog
from console.settings import DisplaySettings, Settings
from console.shell.app import VirtdeckApp
from tests.declared import PICTURED, POKE, declared, only
from tests.screens.checking_source import Checking
from tests.screens.conftest import MOMENTS, SIZES, TAPE, ZONE, press, settled, until

Compare = Callable[..., bool]
CASES = {
    "groups": ("slash", *"name:web", "enter", "a"),
    "power": ("slash", *"name:web", "enter", "a", "p", "down", "down"),
    "several": ("asterisk", "a", "p"),
    "wrong-key": ("slash", *"name:web", "enter", "a", "p", "z"),
    "form": ("slash", *"name:web", "enter", "a", "p", "tab"),
    "form-wrong": (
        *("slash", *"name:web", "enter", "a", "g", "tab", "down", "1", "0", "down", "right"),
        *("down", *"why not", "down", "right"),
    ),
}
"""The keys of each picture."""


@pytest.fixture
def app() -> Iterator[VirtdeckApp]:
    source = Checking.at(TAPE, MOMENTS["loaded"])
    display = DisplaySettings(theme="dark", glyphs="unicode", refresh_rate=30)
    with only(*PICTURED), declared(POKE):
        yield VirtdeckApp(lambda: source, Settings(display=display), clock=source.clock, zone=ZONE)
    source.close()


def pressing(keys: tuple[str, ...]) -> Callable[[Pilot[None]], Any]:
    async def run_before(pilot: Pilot[None]) -> None:
        await press(pilot, *keys)
        form = pilot.app.screen
        if isinstance(form, VerbFormDialog):
            await until(pilot, lambda: form.at_rest)
            await settled(pilot)

    return run_before


@pytest.mark.parametrize("size", [SIZES[0], SIZES[2]], ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("case", CASES)
def test_menu(snap_compare: Compare, app: VirtdeckApp, case: str, size: tuple[int, int]) -> None:
    assert snap_compare(app, terminal_size=size, run_before=pressing(CASES[case]))
