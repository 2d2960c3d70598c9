"""What is noted of an operation on its way: waits, looks, how far it is, a workflow's calls."""

from __future__ import annotations

import msgspec

from core.engine.case import Case
from core.model import OperationStep
from core.model.operation import with_step
from core.verbs.call import Call
from core.verbs.situation import Sent, Wait


def note_wait(case: Case, wait: Wait) -> bool:
    """Note a wait, what comes after it and what may be answered meanwhile; whether that is new."""
    told, before = case.said(wait.text), case.record
    case.record = msgspec.structs.replace(before, countdown=wait.countdown, question=wait.question)
    return told or case.record != before


def note_look(case: Case, call: Call) -> None:
    """Note that a call which only looks is made: once more, where it is the newest."""
    before = case.progress.sent
    if before and before[-1].call == call:
        before = before[:-1]
    sent = (*before, Sent(call, case.now()))
    case.progress = msgspec.structs.replace(case.progress, sent=sent)


def note_share(case: Case, share: float | None) -> bool:
    """Note how far what is waited for is; whether that is new: it is shown, and not journalled."""
    new = share is not None and share != case.record.progress
    if new:
        case.is_far(share)
    return new


def note_call(case: Case, step: OperationStep, begun: OperationStep | None = None) -> None:
    """Note a call of a workflow as the engine notes its own; how `begun` ended, in its place."""
    steps = with_step(case.record.steps, step, begun)
    case.record = msgspec.structs.replace(case.record, steps=steps)


def note_rest(case: Case) -> None:
    """Note that no call is on its way, where the newest one was answered: it is written by now."""
    if all(one.ended is not None for one in case.progress.sent[-1:]):
        case.at_rest.set()
