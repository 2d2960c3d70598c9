"""A question with more text than the terminal has lines: what answers it stays in view."""

from __future__ import annotations

import pytest
from textual.widget import Widget
from textual.widgets import Button, Input

from console.screens.dialogs.question import QuestionDialog, TypedQuestionDialog
from console.screens.page import Page
from console.shell.app import VirtdeckApp
from tests.screens.conftest import press, settled, until
from tests.screens.test_migrate_dialog import shown

LINES = [f"instance number {number} is started there, as it ran" for number in range(60)]
WORD = "alpha is fenced"


def in_view(app: VirtdeckApp, widget: Widget) -> bool:
    return widget.region.height > 0 and app.screen.region.contains_region(widget.region)


@pytest.mark.parametrize("size", [(80, 24), (40, 16), (200, 50)])
async def test_a_long_question_scrolls_and_is_answered(
    app: VirtdeckApp, size: tuple[int, int]
) -> None:
    answers: list[bool | None] = []
    async with app.run_test(size=size) as pilot:
        await settled(pilot)
        dialog = TypedQuestionDialog(
            "Evacuate alpha to beta?", LINES, "Evacuate", "alpha is fenced"
        )
        app.push_screen(dialog, answers.append)
        await until(pilot, lambda: "pgdn" in shown(app))
        await settled(pilot)
        for widget in (*dialog.query(Button), *dialog.query(Input)):
            assert in_view(app, widget), widget
        assert "number 0 is" in shown(app)
        assert "number 59" not in shown(app)
        assert in_view(app, list(dialog.query(Page))[-1]), "the keys, however many lines they take"
        for _ in range(30):
            await press(pilot, "pagedown")
        await until(pilot, lambda: "number 59" in shown(app))
        assert "number 0 is" not in shown(app)
        assert in_view(app, dialog.query_one(Input))
        for _ in range(30):
            await press(pilot, "pageup")
        await until(pilot, lambda: "number 0 is" in shown(app))
        await press(
            pilot, *(("space" if one == " " else one) for one in "alpha is fenced"), "enter"
        )
        await until(pilot, lambda: bool(answers))
        assert answers == [True]


async def test_what_is_short_does_not_scroll_and_follows_the_size_of_the_terminal(
    app: VirtdeckApp,
) -> None:
    async with app.run_test(size=(80, 50)) as pilot:
        await settled(pilot)
        dialog = QuestionDialog("Stop it?", LINES[:20], "Stop it")
        app.push_screen(dialog)
        await until(pilot, lambda: "number 19" in shown(app))
        assert "pgdn" not in shown(app)
        await pilot.resize_terminal(80, 16)
        await until(pilot, lambda: in_view(app, dialog.query_one("#yes")))
        await until(pilot, lambda: "pgdn further down" in shown(app))
        await press(pilot, "space", "space", "space")
        await until(pilot, lambda: "number 19" in shown(app))
