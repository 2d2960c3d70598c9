"""Toasts give way to newer ones, and what is closed leaves nothing behind."""

from __future__ import annotations

import gc
from collections import Counter

import pytest
from textual._styles_cache import StylesCache
from textual.widget import Widget
from textual.widgets import Button
from textual.widgets._toast import Toast

from console.screens.dialogs.question import QuestionDialog
from console.shell.toasts import AT_MOST
from core.model import OperationStatus
from core.model.observation import OperationChanged
from tests.screens.conftest import Moment, press, settled, until
from tests.screens.migration_source import START
from tests.screens.test_migration_screens import app_of
from tests.screens.test_row_menu import QUESTION, operation, source_of


async def test_the_newest_toasts_stand_and_what_went_wrong_stays_longest(console: Moment) -> None:
    app = console("loaded")
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await settled(pilot)
        app.notify("the disk is full", severity="error", markup=False)
        for number in range(2 * AT_MOST):
            app.notify(f"done {number}", markup=False)
        newest = {f"done {number}" for number in range(AT_MOST + 1, 2 * AT_MOST)}

        def shown() -> set[str]:
            return {str(toast.render()) for toast in app.screen.query(Toast)}

        await until(pilot, lambda: shown() == {"the disk is full"} | newest)
        for number in range(AT_MOST):
            app.notify(f"failed {number}", severity="error", markup=False)
        await until(pilot, lambda: shown() == {f"failed {number}" for number in range(AT_MOST)})


async def test_a_dialog_that_is_closed_leaves_no_painted_lines(console: Moment) -> None:
    app = console("loaded")
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)

        async def after(times: int) -> Counter[type]:
            for _ in range(times):
                await press(pilot, "question_mark")
                await until(pilot, lambda: len(app.screen_stack) > 1)
                await settled(pilot)
                await press(pilot, "escape")
                await until(pilot, lambda: len(app.screen_stack) == 1)
            await settled(pilot)
            gc.collect()
            kinds = (StylesCache, Widget)
            found = gc.get_objects()
            return Counter(kind for kind in kinds for each in found if isinstance(each, kind))

        first = await after(2)
        later = await after(5)
        assert later[StylesCache] <= first[StylesCache] + 2, (first, later)
        assert later[Widget] <= first[Widget] + 2, (first, later)


async def test_a_dialog_shows_what_is_told_while_it_is_open(console: Moment) -> None:
    app = console("loaded")
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await settled(pilot)

        def shown() -> list[str]:
            return [str(toast.render()) for toast in app.screen.query(Toast)]

        app.notify("before", markup=False)
        await until(pilot, lambda: shown() == ["before"])
        await press(pilot, "a")
        await until(pilot, lambda: len(app.screen_stack) > 1)
        await settled(pilot)
        app.notify("meanwhile", markup=False)
        await until(pilot, lambda: shown() == ["meanwhile"])
        await press(pilot, "escape")
        await until(pilot, lambda: shown() == ["before", "meanwhile"])


async def test_a_question_goes_with_its_answer() -> None:
    asks = operation("nmi", OperationStatus.ASKING, question=QUESTION)
    source = source_of(asks)
    app = app_of(source)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:

        def shown() -> list[str]:
            return [str(toast.render()).split("\n")[0] for toast in app.screen.query(Toast)]

        await until(pilot, lambda: shown() == ["nmi web asks"])
        app.notify("something else", markup=False)
        await until(pilot, lambda: len(shown()) == 2)

        async def answered(_: object) -> None:
            goes_on = operation("nmi", OperationStatus.RUNNING)
            source.tell(OperationChanged("alpha", START + 1, goes_on))

        app.bridge.ask(answered)
        await until(pilot, lambda: shown() == ["something else"])


@pytest.mark.parametrize("size", [(80, 24), (200, 50)])
async def test_what_is_told_hides_neither_the_footer_nor_what_answers_a_dialog(
    console: Moment, size: tuple[int, int]
) -> None:
    app = console("loaded")
    async with app.run_test(size=size, notifications=True) as pilot:
        await settled(pilot)
        app.notify("three\nlines\nlong", markup=False)
        await until(pilot, lambda: bool(app.screen.query(Toast)))
        await until(pilot, lambda: app.screen.query_one(Toast).region.height >= 3)
        assert app.screen.query_one(Toast).region.bottom == size[1] - 1, "the footer is in sight"
        app.push_screen(QuestionDialog("Stop it?", ["line"] * size[1], "Stop it"))
        await until(pilot, lambda: isinstance(app.screen, QuestionDialog))
        app.notify("three\nlines\nlong", markup=False)
        await until(pilot, lambda: bool(app.screen.query(Toast)))
        await until(pilot, lambda: app.screen.query_one(Toast).region.height >= 3)
        told = app.screen.query_one(Toast).region
        buttons = app.screen.query(Button)
        await until(pilot, lambda: all(one.region.height > 0 for one in buttons))
        assert not any(told.overlaps(one.region) for one in buttons)
        assert told.y == 0, "it lies over what is not needed to answer"
