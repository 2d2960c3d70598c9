"""A wait for a guest on the operations screen: it counts down, and the operator may choose."""

from __future__ import annotations

import re

from console.screens.dialogs.question import TypedQuestionDialog
from core.model import OperationRecord, OperationStatus
from core.model.operation import AnswerChoice, Countdown, OperationQuestion
from tests.screens.conftest import press, until
from tests.screens.migration_source import START, MigrationSource
from tests.screens.test_migration_screens import app_of, text_of
from tests.screens.test_row_menu import CALL, line_of, opened, operation, source_of

LOSS = "Cuts the power of web: what its guest has not written to disk is lost."
CHOICES = OperationQuestion(
    "wait-1", "wait on for the guest of web, or force it now?",
    (AnswerChoice("wait-on", "wait on: nothing forces it"),
     AnswerChoice("force-now", "do not wait: cut its power now", LOSS)),
)  # fmt: skip


def waiting(until_: float | None = 600.0) -> OperationRecord:
    """A shutdown that has 600 s from long before now on: enough for any machine."""
    end = None if until_ is None else START + until_
    countdown = Countdown(START, end, "its power is cut" if end else "", 2, START + 590)
    return operation(
        *("shutdown", OperationStatus.VERIFYING),
        steps=(CALL,),
        started=START,
        countdown=countdown,
        question=CHOICES,
    )


def answering(source: MigrationSource) -> list[tuple[str, str]]:
    answers: list[tuple[str, str]] = []

    async def answer(operation_id: str, word: str) -> None:
        answers.append((operation_id, word))

    source.answer = answer  # type: ignore[method-assign]
    return answers


async def test_it_counts_down_in_the_table_and_on_the_page() -> None:
    app = app_of(source_of(waiting()))
    async with app.run_test(size=(200, 50)) as pilot:
        await press(pilot, "4")
        await until(pilot, lambda: "asked twice" in text_of(app))
        told = r"asked twice, again in (\d+) s; its power is cut in (\d+) s"
        shown = re.findall(told, text_of(app))
        assert len(shown) == 2
        assert {int(cut) - int(again) for again, cut in shown} == {10}
        assert re.search(r"\d+/600s", text_of(app))
        assert "x answers: wait-on or force-now." in text_of(app)


async def test_one_that_is_waited_for_without_end_says_so() -> None:
    app = app_of(source_of(waiting(None)))
    async with app.run_test(size=(200, 50)) as pilot:
        await press(pilot, "4")
        await until(pilot, lambda: "waited for as long as it takes" in text_of(app))


async def test_its_menu_begins_with_what_may_be_chosen() -> None:
    source = source_of(waiting())
    answers = answering(source)
    app = app_of(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, app, "4")
        assert "nothing forces it" in line_of(app, "wait-on")
        await press(pilot, "w")
        await until(pilot, lambda: answers == [("op", "wait-on")])


async def test_what_forcing_takes_away_is_said_and_the_name_typed() -> None:
    source = source_of(waiting())
    answers = answering(source)
    app = app_of(source)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, app, "4")
        await press(pilot, "f")
        await until(pilot, lambda: isinstance(app.screen, TypedQuestionDialog))
        await until(pilot, lambda: "what its guest has not written" in text_of(app))
        assert answers == []
        await press(pilot, "w", "e", "b", "enter")
        await until(pilot, lambda: answers == [("op", "force-now")])


async def test_on_a_read_only_console_nothing_is_chosen() -> None:
    source = source_of(waiting(), read_only=True)
    answers = answering(source)
    app = app_of(source)
    async with app.run_test(size=(120, 40)) as pilot:
        menu = await opened(pilot, app, "4")
        await press(pilot, "w")
        await until(pilot, lambda: "read-only" in line_of(app, "wait-on"))
        assert app.screen is menu
        assert answers == []
