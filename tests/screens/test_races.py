"""Screens that are told something before their widgets are mounted, or while they are taken down.

A pilot that waits for the screen never sees that: here nothing waits.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace
from textual import events

from console.screens import MODES, open_screen
from console.screens.base import ConsoleScreen
from console.screens.dialogs.dialog import Dialog
from console.screens.dialogs.migrate import MigrateDialog
from console.screens.dialogs.palette import PaletteDialog
from console.screens.dialogs.question import QuestionDialog, TypedQuestionDialog
from console.screens.filter_bar import FilterBar
from console.screens.help import HelpScreen
from console.screens.instances.instance import InstanceScreen
from console.screens.listing import ListScreen
from console.screens.migrations.migration import MigrationScreen
from console.screens.migrations.report import ReportScreen
from console.shell.app import VirtdeckApp
from core.model import Delta, ObjectKey
from core.model.observation import MigrationChanged
from core.source import Source
from tests.screens.conftest import press, settled, until
from tests.screens.migration_source import MigrationSource, app_of, the

Make = Callable[[VirtdeckApp], ConsoleScreen]


def migration_id(app: VirtdeckApp) -> str:
    return next(iter(app.view.state.migrations))


def instance_screen(app: VirtdeckApp, tab: str) -> InstanceScreen:
    return InstanceScreen(next(iter(app.view.state.instances)), tab)


SCREENS: dict[str, Make] = {
    **{name: lambda _, name=name: open_screen(name) for name in MODES},
    "help": lambda _: HelpScreen("instances"),
    "overview": lambda app: instance_screen(app, "overview"),
    "charts": lambda app: instance_screen(app, "charts"),
    "xml": lambda app: instance_screen(app, "xml"),
    "migration": lambda app: MigrationScreen(migration_id(app)),
    "no migration": lambda _: MigrationScreen("forgotten"),
    "report": lambda app: ReportScreen(migration_id(app)),
}


def tell(screen: ConsoleScreen) -> None:
    """Everything that the app, the core's answers, timers and keys may do to a screen."""
    state = screen.console.view.state
    screen.take_news(Delta(revision=state.revision, at=state.at))
    for seen in (-1, state.revision - 1):
        screen.seen = seen
        screen.catch_up()
    screen.show_all()
    screen.show_change(Delta(revision=state.revision, at=state.at))
    screen.show_time()
    screen.show_lines()
    assert all(isinstance(key, ObjectKey) for key in screen.in_view())
    screen.peel()
    if isinstance(screen, ListScreen):
        assert all(isinstance(key, ObjectKey) for key in screen._marked_keys())
        screen.set_filter("word")
        screen.action_filter()
        screen.action_other_pane()
        screen._filter_typed(FilterBar.Typed("word"))
        screen._filter_kept(FilterBar.Kept(""))
    if isinstance(screen, InstanceScreen):
        for tab in ("charts", "xml", "overview"):
            screen.action_show_tab(tab)
        screen.action_search()
        screen._typed(FilterBar.Typed("word"))
        screen._close_bar()
        screen._resized()
    if isinstance(screen, MigrationScreen):
        screen.on_resize()
    if isinstance(screen, ReportScreen):
        screen.action_form(1)


@pytest.mark.parametrize("name", SCREENS)
async def test_a_screen_may_be_told_anything_at_any_time(name: str) -> None:
    app = app_of(MigrationSource(*the("running")))
    async with app.run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        screen = SCREENS[name](app)
        mounted = app.push_screen(screen)
        tell(screen)  # on its way in
        await mounted
        tell(screen)
        gone = app.pop_screen()
        tell(screen)  # on its way out
        await gone
        tell(screen)
        await settled(pilot)
        unmounted = app.push_screen(again := SCREENS[name](app))
        left = app.pop_screen()  # before a widget of it is there
        tell(again)
        await unmounted
        tell(again)
        await left
        tell(again)
        await settled(pilot)
        assert app.defect is None


def dialogs(app: VirtdeckApp) -> list[Dialog[Any]]:
    assert isinstance(app.screen, ConsoleScreen)
    rows = list(app.view.state.instances.values())[:1]
    return [
        QuestionDialog("Sure?", [], "Yes"),
        TypedQuestionDialog("Sure?", [], "Yes", "web"),
        MigrateDialog(rows),
        PaletteDialog(app.screen),
    ]


@pytest.mark.parametrize("number", range(4))
async def test_a_dialog_that_is_answered_twice_closes_only_itself(number: int) -> None:
    app = app_of(MigrationSource(*the("running")))
    async with app.run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        await app.push_screen(HelpScreen("instances"))
        below = app.screen
        dialog = dialogs(app)[number]
        app.push_screen(dialog)
        dialog.answer(None)
        dialog.answer(None)
        await until(pilot, lambda: not dialog.is_attached)
        dialog.answer(None)
        await pilot.pause()
        assert app.screen is below
        assert app.defect is None


@pytest.mark.parametrize("way", ["palette", "crumb"])
async def test_a_screen_that_asks_to_be_left_does_not_wait_for_itself(way: str) -> None:
    """The palette runs an action for the screen below it, a click runs one for the line."""
    app = app_of(MigrationSource(*the("completed")))
    async with app.run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        await app.push_screen(MigrationScreen(migration_id(app)))
        await settled(pilot)
        left = app.screen
        if way == "palette":
            await press(pilot, "colon", *"back", "enter")
        else:
            await pilot.click("#tabs", offset=(1, 0))
        await until(pilot, lambda: not left.is_running)
        await settled(pilot)
        assert len(app.screen_stack) == 1


KEYS = (*"123456", "enter", "escape", "escape", "slash", "w", "question_mark", "colon", "tab")


@pytest.mark.parametrize("seed", range(3))
async def test_screens_are_opened_and_left_while_news_come_and_the_loop_is_late(seed: int) -> None:
    """What an operator and a busy machine do, in an order that the seed fixes."""
    chance = random.Random(seed)
    source = MigrationSource(*the("running"))
    app = app_of(source)

    async def moved_on(_: Source) -> None:
        row = next(iter(source.state.migrations.values()))
        source.tell(MigrationChanged(replace(row, hint=str(chance.random()))))

    async with app.run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        for step in range(40):
            for key in chance.choices(KEYS, k=chance.randint(1, 4)):
                app.post_message(events.Key(key, key if len(key) == 1 else None))
            if step % 5 == 0:
                app.push_screen(MigrationScreen(migration_id(app)))
                app.pop_screen()
            if isinstance(app.screen, ConsoleScreen):
                app.screen.post_message(events.Resize(app.size, app.size))
            app.bridge.ask(moved_on)
            app._take_news()
            app._tick()
            time.sleep(chance.choice((0, 0.002, 0.02)))  # noqa: ASYNC251 - the loop is late
            await pilot.pause(0)
            assert app.defect is None
        # a screen may take its time to say where its focus is
        await until(pilot, lambda: app.ordered_keys.at_rest, 10_000)
