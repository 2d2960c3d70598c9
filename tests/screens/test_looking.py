"""What is in view is told to the core, which reads it first: at once, not with the next news."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from console.screens.listing import ListScreen
from console.shell.app import VirtdeckApp
from core.model import ObjectKey
from tests.screens.conftest import Moment, press, settled, until


async def test_what_comes_into_view_is_told_without_any_news(
    console: Moment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tape stands still: nothing but the operator moves the screen."""
    app = console("loaded")
    told: list[tuple[ObjectKey, ...]] = []

    def prefer(keys: Sequence[ObjectKey]) -> None:
        told.append(tuple(keys))

    async with app.run_test(size=(80, 8)) as pilot:
        await settled(pilot)
        monkeypatch.setattr(app.bridge.source, "prefer", prefer)
        revision = app.view.state.revision
        for key in ("3", "end", "home", "1", "end"):
            before = shown(app)
            await press(pilot, key)
            await until(pilot, lambda: shown(app) != before and told[-1:] == [shown(app)])  # noqa: B023
        await press(pilot, "slash", *"web")
        await until(pilot, lambda: len(shown(app)) == 1 and told[-1:] == [shown(app)])
        assert app.view.state.revision == revision


def shown(app: VirtdeckApp) -> tuple[ObjectKey, ...]:
    """The rows in view, from top to bottom."""
    screen = app.screen
    assert isinstance(screen, ListScreen)
    return tuple(screen.table.keys_in_view)
