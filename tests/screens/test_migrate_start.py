"""The key that starts a migration, pressed at every stage of its dialog: it is never just lost."""

from __future__ import annotations

import asyncio

import pytest
from textual import events
from textual.pilot import Pilot

from console.screens.dialogs.migrate import MigrateDialog
from console.screens.migrations.migrate_check import LOOKS_AGAIN, WAITS
from console.shell.app import VirtdeckApp
from core.model import Finding, Level
from core.verbs.migration.requests import Migrate
from tests.screens.conftest import press, settled, until
from tests.screens.migrate_source import BLOCKERS, DOUBTS, FINE, Answering, answer
from tests.screens.test_migrate_dialog import (
    WEB,
    choose,
    dialog,
    found,
    looked,
    messages,
    opened,
)


def let_go(app: VirtdeckApp, source: Answering) -> None:
    """Have the hosts answer."""
    loop, hold = app.bridge._loop, source.hold
    assert loop is not None
    assert hold is not None
    loop.call_soon_threadsafe(hold.set)


def burst(app: VirtdeckApp, *keys: str) -> None:
    """Keys that come in one piece, as over a link that stood still."""
    for key in keys:
        app.post_message(events.Key(key, key if len(key) == 1 else None))


async def started(pilot: Pilot[None], source: Answering) -> Migrate:
    await until(pilot, lambda: source.submitted)
    (request,) = source.submitted
    assert isinstance(request, Migrate)
    return request


async def test_while_the_hosts_are_looked_at_it_waits_and_then_starts(
    app: VirtdeckApp, source: Answering
) -> None:
    source.hold = asyncio.Event()
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, app)
        await pilot.press("ctrl+s")
        assert WAITS in found(app)
        await pilot.press("ctrl+s")
        assert not source.submitted
        let_go(app, source)
        assert (await started(pilot, source)).to == "beta"
        await until(pilot, lambda: not isinstance(app.screen, MigrateDialog))


async def test_typed_ahead_of_the_dialog_it_waits_too(app: VirtdeckApp, source: Answering) -> None:
    *before, opens = WEB
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, *before)
        burst(app, opens, "ctrl+s")
        assert (await started(pilot, source)).to == "beta"


async def test_before_the_look_at_what_was_just_typed_it_looks_at_once(
    app: VirtdeckApp, source: Answering
) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, app)
        await looked(pilot, app)
        await choose(pilot, app, "bandwidth", *"12", "ctrl+s")
        assert (await started(pilot, source)).bandwidth == 12
        assert source.asked[-1].bandwidth == 12


async def test_what_was_typed_in_the_same_moment_counts(
    app: VirtdeckApp, source: Answering
) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, app)
        await looked(pilot, app)
        await choose(pilot, app, "bandwidth")
        burst(app, *"250", "ctrl+s")
        assert (await started(pilot, source)).bandwidth == 250


async def test_a_key_goes_to_the_line_it_was_pressed_on(
    app: VirtdeckApp, source: Answering
) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, app)
        await looked(pilot, app)
        await choose(pilot, app, "post_copy")
        burst(app, "right", "down", "right", "ctrl+s")
        request = await started(pilot, source)
        assert (request.post_copy, request.storage) == ("allow", "copy-all")


async def test_while_it_is_measured_it_starts_at_once(app: VirtdeckApp, source: Answering) -> None:
    source.hold_measured = asyncio.Event()  # never set
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, app)
        await until(pilot, lambda: len(source.measured) == 1)
        await pilot.press("ctrl+s")
        await started(pilot, source)


async def test_changed_while_it_is_measured_it_waits_for_a_look_of_its_own(
    app: VirtdeckApp, source: Answering
) -> None:
    source.hold_measured = hold = asyncio.Event()
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, app)
        await until(pilot, lambda: len(source.measured) == 1)
        await choose(pilot, app, "policy", "right", "ctrl+s")
        assert WAITS in found(app)
        loop = app.bridge._loop
        assert loop is not None
        loop.call_soon_threadsafe(hold.set)
        assert (await started(pilot, source)).policy == "nova"
        assert source.asked[-1].policy == "nova"


@pytest.mark.parametrize("way", ["edit", "escape"])
async def test_an_edit_or_esc_takes_a_start_that_waits_back(
    app: VirtdeckApp, source: Answering, way: str
) -> None:
    source.hold = asyncio.Event()
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, app)
        await pilot.press("ctrl+s")
        if way == "edit":
            await choose(pilot, app, "policy", "right")
        else:
            await pilot.press("escape")
        assert WAITS not in found(app)
        let_go(app, source)
        await looked(pilot, app)
        await settled(pilot)
        assert not source.submitted
        await pilot.press("ctrl+s")
        await started(pilot, source)


async def test_what_nobody_has_read_yet_keeps_a_start_that_waits(
    app: VirtdeckApp, source: Answering
) -> None:
    source.hold = asyncio.Event()
    source.answers = answer(*DOUBTS, *FINE)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, app)
        await pilot.press("ctrl+s")
        let_go(app, source)
        await looked(pilot, app)
        assert "2 findings to be read first" in messages(app)
        assert not source.submitted
        await pilot.press("ctrl+s")
        await started(pilot, source)


async def test_what_was_read_before_does_not_keep_it(app: VirtdeckApp, source: Answering) -> None:
    source.answers = answer(*DOUBTS, *FINE)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, app)
        await looked(pilot, app)
        await choose(pilot, app, "bandwidth", *"12", "ctrl+s")
        assert (await started(pilot, source)).bandwidth == 12


async def test_where_something_blocks_it_looks_again_and_starts_once_that_is_over(
    app: VirtdeckApp, source: Answering
) -> None:
    """As just after a migration, whose last steps the look still saw."""
    source.answers = answer(BLOCKERS[0], *FINE)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, app)
        await looked(pilot, app)
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "Not started. network-blue: " in messages(app))
        source.answers, source.hold = answer(*FINE), asyncio.Event()
        await pilot.press("ctrl+s")
        assert LOOKS_AGAIN in found(app)
        let_go(app, source)
        await started(pilot, source)
        assert source.fresh == 2


async def test_what_blocks_for_good_is_named(app: VirtdeckApp, source: Answering) -> None:
    source.answers = answer(Finding("there", Level.BLOCKER, "It is there.", fixed=True))
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, app)
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "Not started. there: It is there." in messages(app))
        assert not source.submitted
        assert isinstance(app.screen, MigrateDialog)


async def test_what_makes_no_sense_is_said(app: VirtdeckApp, source: Answering) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, app)
        await looked(pilot, app)
        await choose(pilot, app, "max_downtime", *"soon", "ctrl+s")
        assert "Not started: Max downtime is a whole number, 1 to" in messages(app)
        assert dialog(app).focused is not None
        assert not source.submitted
