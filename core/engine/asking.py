"""Questions to the operator: put, kept, and answered from any console of the journal."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress

from msgspec.structs import replace

from core.engine import vanished
from core.engine.case import Case
from core.engine.messages import Messages
from core.errors import JournalError, NotFoundError, RefusedError
from core.model import OperationRecord, OperationStatus, OperationStep, State
from core.model.operation import OperationQuestion
from core.verbs.checks import others
from core.verbs.situation import Answered

LOOK_EVERY = 0.5
"""Seconds between two looks for an answer: one query of the journal, microseconds."""

OTHERS_EVERY = 2.0
"""Seconds between two looks for the answer to what nothing waits for, from another console: a
thousand guests may be shutting down. An answer from this one wakes its operation."""

_log = logging.getLogger(__name__)


async def ask(
    case: Case,
    question: OperationQuestion,
    messages: Messages,
    state: Callable[[], State],
    keep: Callable[[Case], Awaitable[None]],
) -> None:
    """Put a question, or look once whether it was answered; returns as soon as the case changes.

    An answer has its turn: it waits until nothing else is under way on the subject.
    """
    question = vanished.reworded(case, question, state())
    if put(case, question):
        await keep(case)
    busy = any(other.id != case.record.id for other in others(state(), case.request))
    answer = None if busy else await _answer(case, question, messages)
    if answer is not None:
        _take(case, question, answer)
        await keep(case)
        return
    with suppress(TimeoutError):
        async with asyncio.timeout(LOOK_EVERY):
            await case.woken.wait()
    case.woken.clear()


async def news_or_answer(
    case: Case, question: OperationQuestion | None, messages: Messages
) -> bool:
    """Wait until the case changes, or what may be answered meanwhile is; whether it was."""
    messages.waits[case.handle.id] = case.woken
    try:
        while question is not None and not case.woken.is_set():
            if (answer := await _answer(case, question, messages)) is not None:
                _take(case, question, answer)
                return True
            with suppress(TimeoutError):
                async with asyncio.timeout(OTHERS_EVERY):
                    await case.woken.wait()
        await case.woken.wait()
        return False
    finally:
        messages.waits.pop(case.handle.id, None)


async def answer(state: State, messages: Messages, operation_id: str, word: str) -> None:
    """Answer the question of an operation, whoever runs it.

    Raises NotFoundError, RefusedError for a word that is no answer to it, and JournalError.
    """
    record = state.operations.get(operation_id)
    if record is None:
        raise NotFoundError(f"There is no operation {operation_id}.", "See `virtdeck operations`.")
    question = require(record, word)
    await messages.send(operation_id, "answer", word, about=question.key)


def require(record: OperationRecord, word: str) -> OperationQuestion:
    """Return the question that a word answers; raises RefusedError where it answers none. Pure."""
    question = record.question
    if question is None or record.status.final:
        raise RefusedError(
            f"{record.verb} of {record.name} asks nothing: it is {record.status.value}.",
            "See `virtdeck operations`.",
        )
    if all(choice.word != word for choice in question.choices):
        known = " or ".join(choice.word for choice in question.choices)
        raise RefusedError(f"{word!r} is no answer to it.", f"Answer {known}.")
    return question


def put(case: Case, question: OperationQuestion) -> bool:
    """Note a question; whether it was put anew, and is to be kept."""
    if case.record.question == question:
        return False
    step = OperationStep(case.now(), f"asking the operator: {question.text}")
    case.record = replace(
        case.record,
        question=question,
        countdown=None,
        status=OperationStatus.ASKING,
        steps=(*case.record.steps, step),
    )
    return True


async def withdraw(case: Case, keep: Callable[[Case], Awaitable[None]]) -> None:
    """Note that what was asked needs no answer any more, where something was asked."""
    if case.record.status is not OperationStatus.ASKING:
        return
    step = OperationStep(case.now(), "no longer asked: its state tells")
    case.record = replace(
        case.record,
        question=None,
        status=OperationStatus.RUNNING,
        steps=(*case.record.steps, step),
    )
    await keep(case)


async def _answer(case: Case, question: OperationQuestion, messages: Messages) -> Answered | None:
    words = {choice.word for choice in question.choices}
    try:
        told = await messages.answers(case.record.id)
    except JournalError as error:
        _log.warning("answers cannot be read: %s", error)
        return None
    for message in told:
        if message.about == question.key and message.text in words:
            return Answered(question.key, message.text, message.author)
    return None


def _take(case: Case, question: OperationQuestion, answer: Answered) -> None:
    chosen = next(choice for choice in question.choices if choice.word == answer.word)
    step = OperationStep(case.now(), f"{answer.by} answered: {chosen.text}")
    case.progress = replace(case.progress, answers=(*case.progress.answers, answer))
    asking = case.record.status is OperationStatus.ASKING
    case.record = replace(
        case.record,
        question=None,
        status=OperationStatus.RUNNING if asking else case.record.status,
        steps=(*case.record.steps, step),
    )
