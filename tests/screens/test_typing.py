"""Keys that come all at once, as those of a quick typist do over a slow line."""

from __future__ import annotations

from textual import events
from textual.pilot import Pilot
from textual.widgets import Input

from console.screens.dialogs.migrate import MigrateDialog
from console.screens.dialogs.question import QuestionDialog
from console.screens.instances.instances import InstancesScreen
from console.shell.app import VirtdeckApp
from core.verbs.migration.requests import Migrate
from tests.screens.conftest import settled, until
from tests.screens.migrate_source import Answering

NAMES = {"/": "slash", ":": "colon", "?": "question_mark"}


def burst(app: VirtdeckApp, *keys: str) -> None:
    """Have all of the keys in the app's queue before it looks at the first."""
    for key in keys:
        name = NAMES.get(key, key)
        app.post_message(events.Key(name, key if len(key) == 1 else None))


def listing(app: VirtdeckApp) -> InstancesScreen:
    assert isinstance(app.screen, InstancesScreen)
    return app.screen


async def test_a_filter_is_typed_into_the_filter(app: VirtdeckApp, source: Answering) -> None:
    """Its letters are keys of the list: b reboots, f shuts down."""
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        burst(app, *"/beta")
        await until(pilot, lambda: listing(app).filter_text == "beta")
        burst(app, "enter", "slash", "ctrl+u", *"web", "enter")
        await until(pilot, lambda: listing(app).filter_text == "web")
        await settled(pilot)
        assert not source.submitted
        assert listing(app).focused is listing(app).table


async def test_a_menu_takes_the_keys_typed_ahead(app: VirtdeckApp, source: Answering) -> None:
    """Nothing in it can have the focus: there is nothing to wait for."""
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        base = listing(app)
        burst(app, "a", "p", "escape", "escape", *"/beta")
        await until(pilot, lambda: base.filter_text == "beta")
        assert app.screen is base
        assert not source.submitted


async def test_a_dialog_is_opened_filled_in_and_started(
    app: VirtdeckApp, source: Answering
) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        burst(app, *"/web", "enter", "m", "down", "down", "down", *"20", "down", "right")
        await until(pilot, lambda: isinstance(app.screen, MigrateDialog))
        dialog = app.screen
        assert isinstance(dialog, MigrateDialog)
        await until(
            pilot,
            lambda: [box.value for box in dialog.query("#bandwidth").results(Input)] == ["20"],
        )
        await until(pilot, lambda: dialog.at_rest and app.ordered_keys.at_rest)
        burst(app, "ctrl+s")
        await until(pilot, lambda: source.submitted)
        (request,) = source.submitted
        assert isinstance(request, Migrate)
        assert (request.bandwidth, request.post_copy) == (20, "allow")


async def test_what_is_pasted_goes_to_where_the_key_before_it_leads(
    app: VirtdeckApp, source: Answering
) -> None:
    """A password pasted after a tab would be readable in the field before."""
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        burst(app, "/")
        app.post_message(events.Paste("beta"))
        burst(app, "enter", "down")
        await until(pilot, lambda: listing(app).filter_text == "beta" and app.ordered_keys.at_rest)
        assert listing(app).focused is listing(app).table
        assert not source.submitted


async def test_what_follows_the_key_that_closes_a_dialog_goes_to_the_list(
    app: VirtdeckApp, source: Answering
) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await opened(pilot, app)
        burst(app, "escape", "down", "down")
        await until(pilot, lambda: isinstance(app.screen, InstancesScreen))
        await until(pilot, lambda: under_cursor(app) == "cache")
        assert not source.submitted


async def opened(pilot: Pilot[None], app: VirtdeckApp) -> None:
    burst(app, "b")
    await until(pilot, lambda: isinstance(app.screen, QuestionDialog))


def under_cursor(app: VirtdeckApp) -> str:
    screen = next(one for one in app.screen_stack if isinstance(one, InstancesScreen))
    row = screen.table.cursor.row
    return "" if row is None else row.name


async def test_a_key_that_never_arrives_does_not_hold_up_the_rest(app: VirtdeckApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        app.ordered_keys._under_way, app.ordered_keys._since = app.screen, 0.0  # long ago
        burst(app, "down")
        await until(pilot, lambda: under_cursor(app) == "batch")
