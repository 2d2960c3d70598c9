"""The screen of the base images, on the tape: what each line and the panel say, and what may go."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import msgspec
import pytest

from console.screens.dialogs.confirm import ConfirmDialog
from console.screens.dialogs.menu import MenuDialog
from console.screens.storage.images import ImagesScreen
from console.settings import DisplaySettings, Settings
from console.shell.app import VirtdeckApp
from core.model import Delta
from core.state.images import BaseImage
from core.verbs.volume_deleting import DeleteVolume
from tests.screens.checking_source import Checking
from tests.screens.conftest import MOMENTS, SIZES, TAPE, ZONE, Moment, press, settled, until
from tests.screens.migrate_source import Answering
from tests.screens.test_migrate_dialog import shown
from tests.screens.test_snapshots import Compare, presses

IMAGES = ("3", "i")


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("state", ["loaded", "lost", "empty"])
def test_images(snap_compare: Compare, console: Moment, state: str, size: tuple[int, int]) -> None:
    assert snap_compare(console(state), terminal_size=size, run_before=presses(*IMAGES))


def screen_of(app: VirtdeckApp) -> ImagesScreen:
    assert isinstance(app.screen, ImagesScreen)
    return app.screen


def to(app: VirtdeckApp, fits: Callable[[BaseImage], bool]) -> int:
    """How many lines below the first the first one is that fits."""
    table = screen_of(app).table
    return next(
        place for place, key in enumerate(table.keys_in_view) if fits(table.model.rows[key])
    )


async def test_one_that_nothing_needs_is_deleted(app: VirtdeckApp, source: Answering) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        await press(pilot, *IMAGES)
        rows = screen_of(app).table.model.rows
        assert any(row.used for row in rows.values())
        free = to(app, lambda row: not row.used and not row.unknown)
        await press(pilot, *["down"] * free)
        assert "Nothing needs it" in shown(app)
        name = screen_of(app).table.cursor.row.volume.name
        await press(pilot, "a", "v", "d")
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog))
        assert name in shown(app)
        await press(pilot, *name, "enter")
        await until(pilot, lambda: bool(source.submitted))
        (request,) = source.submitted
        assert isinstance(request, DeleteVolume)
        assert request.subject.id.endswith(f"/{name}")


async def test_the_menu_says_who_needs_one() -> None:
    replay = Checking.at(TAPE, MOMENTS["loaded"])
    settings = Settings(display=DisplaySettings(refresh_rate=30))
    app = VirtdeckApp(lambda: replay, settings, clock=replay.clock, zone=ZONE)
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await press(pilot, *IMAGES)
        await press(pilot, *["down"] * to(app, lambda row: row.used), "a", "v")
        await until(pilot, lambda: "is needed: by" in shown(app))
        await press(pilot, "d", "enter")
        assert isinstance(app.screen, MenuDialog)


async def test_a_sample_makes_no_line_anew_and_an_undefine_does(app: VirtdeckApp) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        await press(pilot, *IMAGES)
        screen, state = screen_of(app), app.view.state
        rows = screen.table.model.rows
        user = next(row for row in rows.values() if row.users).users[0].instance
        grown = next(iter(rows))
        more = msgspec.structs.replace(state.volumes[grown], allocation=7)
        sampled = {host.key: host for host in state.hosts.values()}
        app.view.state = state = replace(state, volumes={**state.volumes, grown: more})
        seen = frozenset({*state.instances, *sampled, grown})
        changes = screen.changes(Delta(state.revision, state.at, changed=seen))
        assert changes is not None
        assert {key: row.volume.allocation for key, row in changes[0].items()} == {grown: 7}
        left = {key: one for key, one in state.instances.items() if key != user}
        app.view.state = replace(state, instances=left)
        assert screen.changes(Delta(state.revision, state.at, gone=frozenset({user}))) is None
