"""How a transfer of a volume goes on that was cut off, and what it has moved. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from msgspec.structs import replace as replace_value

from core.model import OperationStatus
from core.model.sizes import rate_words, size_words
from core.verbs.call import Call
from core.verbs.sequence import LONG, Step, Steps, sequence
from core.verbs.situation import Action, Decide, End, Send, Sent, Situation, Wait, unknown
from core.verbs.volume import Transferred, VolumeUploadCall

PATIENCE = 600.0
"""Seconds that a host is waited for whose link was lost in the middle of a transfer."""
TRIES = 20
"""How often one is gone on with after that."""


def written(now: Situation) -> int:
    """Return how many bytes of a file are written for certain, where not all are."""
    answers = [one.answer for one in now.sent if isinstance(one.answer, Transferred)]
    return answers[-1].reached or 0 if answers else 0


Going = tuple[type[Call], Callable[[Situation], str]]
"""The call of a transfer, and what cures one that was cut off."""


def transfer(steps: Steps, outcome: Callable[[Situation], str], going: Going) -> Decide:
    """Return the decisions of a transfer: it goes on after a lost link, and tells what it moved."""
    decide, (kind, cure) = sequence(steps, outcome), going

    def decided(given: Situation) -> Action:
        now = _without_lost(given, kind)
        action = decide(now)
        sent = [one for one in now.sent if isinstance(one.call, kind)]
        if isinstance(action, Send) and isinstance(action.call, kind) and sent:
            return _unless_left(now, action, sent[-1], cure(now))
        if not isinstance(action, End) or not sent:
            return action
        if action.status is OperationStatus.DONE:
            return replace(action, result=_total(now))
        if (again := _gone_on(given, steps(now)[-1], sent[-1], action)) is not None:
            return again
        certain = sent[-1].error and sent[-1].certain and not written(now)
        return replace(action, hint=action.hint if certain else cure(now))

    return decided


def _without_lost(now: Situation, kind: type[Call]) -> Situation:
    """Leave out the transfers whose answer was lost and that were gone on with."""
    last = max((n for n, one in enumerate(now.sent) if isinstance(one.call, kind)), default=0)
    kept = tuple(
        one
        for number, one in enumerate(now.sent)
        if number == last or one.accepted or not isinstance(one.call, kind)
    )
    return replace(now, progress=replace_value(now.progress, sent=kept))


def _unless_left(now: Situation, action: Send, last: Sent, cure: str) -> Action:
    """Send the next part, once its host answers; not unasked where its console has ended."""
    unasked = not now.progress.answers
    if last.accepted and unasked and last.at < (now.progress.adopted or 0.0):
        what = f"{now.request.verb} of {now.name} was interrupted: its console ended"
        return unknown(what, cure)
    if not now.link_up:
        return Wait(now.now + LONG, f"waiting for {now.request.subject.host}, to go on there")
    return action


def _gone_on(now: Situation, step: Step, last: Sent, end: End) -> Action | None:
    """Go on with what a lost link cut off, as soon as the host answers again; None: not that."""
    if end.status is not OperationStatus.UNKNOWN or now.cancelled:
        return None
    tries = sum(isinstance(one.call, type(step.call)) and not one.accepted for one in now.sent)
    if last.ended is None or last.certain or tries > TRIES or now.now > last.ended + PATIENCE:
        return None
    if not now.link_up:
        text = f"waiting for {now.request.subject.host}, to go on where it was"
        return Wait(last.ended + PATIENCE, text)
    call = step.call
    if isinstance(call, VolumeUploadCall):
        call = replace_value(call, fresh=False)
    return Send(call, f"{step.text}, going on with it", step.deadline)


def _total(now: Situation) -> Transferred | None:
    """Return what went over in all parts; None where nobody heard."""
    found = [one.answer for one in now.sent if isinstance(one.answer, Transferred)]
    if not found:
        return None
    return replace_value(
        found[-1],
        data=sum(one.data for one in found),
        seconds=sum(one.seconds for one in found),
        began=found[0].began,
        note=next((one.note for one in found if one.note), ""),
    )


def moved_words(now: Situation) -> str:
    """Say how much went over, and how fast; empty where nobody heard."""
    told = _total(now)
    if told is None or not told.seconds:
        return ""
    here = f", the first {size_words(told.began)} of it from before" if told.began else ""
    data = "" if told.data + told.began >= told.bytes else f", {size_words(told.data)} of it data"
    speed = rate_words(told.data / told.seconds)
    anew = f"; {told.note}" if told.note else ""
    return f": {size_words(told.bytes)}{here}{data}, in {told.seconds:.1f} s ({speed}){anew}"
