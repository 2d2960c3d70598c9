"""The screens of migrations on tapes from the lab, at three sizes, as pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from console.settings import DisplaySettings, Settings
from console.shell.app import VirtdeckApp
from core.journal.replay import Replay
from tests.screens.conftest import SIZES, TAPE, ZONE, press

Compare = Callable[..., bool]
Stage = Callable[..., VirtdeckApp]

MOMENTS: dict[str, dict[str, float]] = {
    "converging": {"running": 12.0, "end": 18.0},
    "not-converging": {"running": 37.0},
    "post-copy": {"running": 20.0, "end": 37.0},
    "aborted": {"end": 20.0},
    "failed": {"end": 21.0},
    "post-copy-failed": {"end": 24.0},
}
"""Seconds into each tape; record_migrations.py says when what happened."""
PLACES = [(tape, moment) for tape, moments in MOMENTS.items() for moment in moments]
COCKPIT = ("6", "enter")


@pytest.fixture
def stage() -> Iterator[Stage]:
    """An app on one of the tapes, at one of its moments."""
    replays: list[Replay] = []

    def at(tape: str, moment: str, theme: str = "dark") -> VirtdeckApp:
        path: Path = TAPE.with_name(f"migration-{tape}.jsonl.gz")
        replay = Replay.at(path, MOMENTS[tape][moment])
        replays.append(replay)
        settings = Settings(display=DisplaySettings(theme=theme, glyphs="unicode", refresh_rate=30))
        return VirtdeckApp(lambda: replay, settings, clock=replay.clock, zone=ZONE)

    yield at
    for replay in replays:
        replay.close()


def presses(*keys: str) -> Callable[[Pilot[None]], Any]:
    async def run_before(pilot: Pilot[None]) -> None:
        await press(pilot, *keys)

    return run_before


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize(("tape", "moment"), PLACES)
def test_cockpit(
    snap_compare: Compare, stage: Stage, tape: str, moment: str, size: tuple[int, int]
) -> None:
    app = stage(tape, moment)
    assert snap_compare(app, terminal_size=size, run_before=presses(*COCKPIT))


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize(("tape", "moment"), PLACES[::2])
def test_list(
    snap_compare: Compare, stage: Stage, tape: str, moment: str, size: tuple[int, int]
) -> None:
    assert snap_compare(stage(tape, moment), terminal_size=size, run_before=presses("6"))


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("tape", ["converging", "post-copy", "post-copy-failed"])
def test_report(snap_compare: Compare, stage: Stage, tape: str, size: tuple[int, int]) -> None:
    app = stage(tape, "end")
    assert snap_compare(app, terminal_size=size, run_before=presses(*COCKPIT, "r"))


@pytest.mark.parametrize("theme", ["light", "high-contrast", "colour-blind-safe", "monochrome"])
def test_theme(snap_compare: Compare, stage: Stage, theme: str) -> None:
    app = stage("not-converging", "running", theme)
    assert snap_compare(app, terminal_size=(80, 24), run_before=presses(*COCKPIT))


@pytest.mark.parametrize("size", SIZES[:2], ids=lambda size: f"{size[0]}x{size[1]}")
def test_instances(snap_compare: Compare, stage: Stage, size: tuple[int, int]) -> None:
    app = stage("not-converging", "running")
    assert snap_compare(app, terminal_size=size, run_before=presses())
