"""Every screen, in every state, at three sizes, as a picture that must not change unnoticed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from textual.pilot import Pilot

from console.screens.dialogs.confirm import ConfirmDialog
from console.screens.instances.instance import TABS
from console.screens.proposal import Proposal, Target
from core.model import Instance, InstanceState, ObjectKey, State
from core.verbs.danger import danger_of
from core.verbs.registry import VERBS
from tests.declared import PICTURED, only
from tests.screens.conftest import SIZES, Moment, press, settled
from tests.verbs import REQUESTS

Compare = Callable[..., bool]
SCREENS = {"instances": "1", "hosts": "2", "volumes": "3", "operations": "4", "events": "5"}
STATES = ("loaded", "empty", "lost", "error", "long")


def presses(*keys: str) -> Callable[[Pilot[None]], Any]:
    async def run_before(pilot: Pilot[None]) -> None:
        await press(pilot, *keys)

    return run_before


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("screen", SCREENS)
def test_list(
    snap_compare: Compare, console: Moment, screen: str, state: str, size: tuple[int, int]
) -> None:
    app = console(state)
    assert snap_compare(app, terminal_size=size, run_before=presses(SCREENS[screen]))


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("state", ["loaded", "lost", "error", "long"])
def test_instance(
    snap_compare: Compare, console: Moment, state: str, size: tuple[int, int]
) -> None:
    app = console(state)
    keys = ("slash", *"mail", "enter", "enter")
    assert snap_compare(app, terminal_size=size, run_before=presses(*keys))


@pytest.mark.parametrize("size", SIZES[:2], ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("tab", TABS[1:])
def test_tab(snap_compare: Compare, console: Moment, tab: str, size: tuple[int, int]) -> None:
    app = console("loaded")
    keys = ("slash", *"mail", "enter", "enter", *["tab"] * TABS.index(tab))
    assert snap_compare(app, terminal_size=size, run_before=presses(*keys))


@pytest.mark.parametrize(
    ("name", "keys"),
    [
        ("help", ("question_mark",)),
        ("palette", ("colon",)),
        ("palette-search", ("colon", *"web")),
        ("filter", ("slash", *"state:run")),
        ("bad-filter", ("slash", *"state:nonsense")),
        ("hiding-filter", ("slash", *"nothing-like-it", "enter")),
        ("marks", ("space", "space")),
        ("hidden-marks", ("space", "space", "slash", *"web", "enter")),
        ("sorted", ("s", "s", "s")),
        ("read-only", ("p",)),
        ("search", ("end", "enter", "y", "slash", *"disk", "enter", "n")),
    ],
)
def test_key(snap_compare: Compare, console: Moment, name: str, keys: tuple[str, ...]) -> None:
    with only(*PICTURED):
        app = console("loaded")
    assert snap_compare(app, terminal_size=(80, 24), run_before=presses(*keys))


@pytest.mark.parametrize("theme", ["light", "high-contrast", "colour-blind-safe", "monochrome"])
def test_theme(snap_compare: Compare, console: Moment, theme: str) -> None:
    app = console("lost", theme=theme)
    assert snap_compare(app, terminal_size=(80, 24), run_before=presses())


def proposal(
    verb: str, *names: str, hidden: int = 0, refused: int = 0, transient: bool = False
) -> Proposal:
    targets = []
    for number, name in enumerate(names):
        key = ObjectKey("instance", "alpha", name)
        why = (f"{name} is paused: resume it first.",) if number < refused else ()
        targets.append(Target(key, name, "alpha", "running", REQUESTS[verb](subject=key), why))
    rows = [
        Instance("alpha", name, name, InstanceState.RUNNING, persistent=not transient)
        for name in names
    ]
    state = State(instances={row.key: row for row in rows})
    able = [target.request for target in targets if not target.reasons]
    danger = danger_of(state, able)
    return Proposal(VERBS[verb], tuple(targets), hidden, danger)


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("one", proposal("shutdown", "web")),
        ("dangerous", proposal("stop", "db")),
        ("several", proposal("stop", "web", "db", "mail", hidden=1, refused=1)),
        ("many", proposal("pause", *(f"worker-{number:03}" for number in range(40)))),
        ("transient", proposal("shutdown", "web", transient=True)),
    ],
)
def test_confirm(snap_compare: Compare, console: Moment, name: str, asked: Proposal) -> None:
    async def run_before(pilot: Pilot[None]) -> None:
        await settled(pilot)
        pilot.app.push_screen(ConfirmDialog(asked))
        await pilot.pause()

    assert snap_compare(console("loaded"), terminal_size=(80, 24), run_before=run_before)


def test_leave(snap_compare: Compare, console: Moment) -> None:
    assert snap_compare(console("operating"), terminal_size=(80, 24), run_before=presses("q"))
