"""The pages of a volume and of a pool, on the tape: what they say, and where enter leads."""

from __future__ import annotations

from typing import Any

import pytest

from console.screens.dialogs.menu import MenuDialog
from console.screens.instances.instance import InstanceScreen
from console.screens.storage.pool import PoolScreen
from console.screens.storage.storage_screen import StoragePage
from console.screens.storage.volume import VolumeScreen
from console.screens.storage.volumes import VolumesScreen
from console.shell.app import VirtdeckApp
from core.model import ObjectKey
from core.verbs.pool import PoolRefresh
from tests.screens.conftest import SIZES, Moment, press, settled, until
from tests.screens.migrate_source import Answering
from tests.screens.test_migrate_dialog import shown
from tests.screens.test_snapshots import Compare, presses

BASE = ("3", *["down"] * 7, "enter")
"""To shared/web-base.qcow2, which lies below a disk."""
CASES = {"volume": BASE, "pool": ("3", *["down"] * 5, "enter")}


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("state", ["loaded", "lost", "long"])
@pytest.mark.parametrize("page", CASES)
def test_page(
    snap_compare: Compare, console: Moment, page: str, state: str, size: tuple[int, int]
) -> None:
    assert snap_compare(console(state), terminal_size=size, run_before=presses(*CASES[page]))


def page_of(app: VirtdeckApp) -> StoragePage[Any]:
    assert isinstance(app.screen, StoragePage)
    return app.screen


async def test_enter_goes_along_the_chain_to_whose_disk_it_is(app: VirtdeckApp) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        await press(pilot, *BASE)
        page = app.screen
        assert isinstance(page, VolumeScreen)
        assert "web:vda" in shown(app)
        base = page.key
        await press(pilot, "down", "enter")
        assert page_of(app).key != base
        assert base in page_of(app).table.keys_in_view, "the base is above it"
        await press(pilot, "down", "down", "enter")
        assert app.screen.__class__ is InstanceScreen
        await press(pilot, "escape", "escape")
        assert page_of(app) is page
        await press(pilot, "p")
        assert isinstance(page_of(app), PoolScreen)
        assert page_of(app).key == ObjectKey("pool", base.host, base.id.partition("/")[0])


async def test_what_can_be_done_is_for_the_volume_and_for_the_line_of_the_pool(
    app: VirtdeckApp,
) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        await press(pilot, *BASE, "end", "a")
        assert isinstance(app.screen, MenuDialog)
        assert "web-base.qcow2" in shown(app)
        await press(pilot, "escape", "p", "a")
        assert isinstance(app.screen, MenuDialog)
        assert "shared" in shown(app)
        assert "Pools" in shown(app)


async def test_a_filter_leads_to_the_volume_that_it_means_and_to_a_pool_it_names(
    app: VirtdeckApp,
) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        await press(pilot, "3", "slash", *"web-base", "enter")
        screen = app.screen
        assert isinstance(screen, VolumesScreen)
        (found,) = screen.chosen_subjects()
        assert (found.kind, found.id.partition("/")[2]) == ("volume", "web-base.qcow2")
        await press(pilot, "escape", "home", "slash", *"shared", "enter")
        (found,) = screen.chosen_subjects()
        assert found.kind == "pool"
        await press(pilot, "enter")
        assert isinstance(page_of(app), PoolScreen)
        await press(pilot, "slash", *"web-base", "enter")
        (found,) = page_of(app).chosen_subjects()
        assert found.kind == "volume"


async def test_libvirt_looks_again_at_the_pool_of_the_line(
    app: VirtdeckApp, source: Answering
) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        await press(pilot, *CASES["pool"], "end", "R")
        await until(pilot, lambda: bool(source.submitted))
        assert source.submitted == [PoolRefresh(page_of(app).key)]


async def test_a_page_follows_the_tape(console: Moment) -> None:
    app = console("loaded")
    async with app.run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        await press(pilot, *CASES["pool"])
        before = shown(app)
        app.tape.change("seek", 20.0)
        await until(pilot, lambda: shown(app).splitlines()[1:] != before.splitlines()[1:])
