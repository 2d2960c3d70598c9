"""Toasts give way to newer ones, and what is closed leaves nothing behind."""

from __future__ import annotations

import gc
from collections import Counter

from textual._styles_cache import StylesCache
from textual.widget import Widget
from textual.widgets._toast import Toast

from console.shell.toasts import AT_MOST
from tests.screens.conftest import Moment, press, settled, until


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
