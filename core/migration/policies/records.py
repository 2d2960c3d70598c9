"""What earlier commands mean for what a policy wants now. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from core.model.steer import Answer, Steer, SteerKind, SteerRecord

PAUSE = 5.0
"""Seconds before what failed once is tried again; twice as long after each further failure."""
LONGEST_PAUSE = 60.0
LOST = 60.0
"""Seconds after which a command without any answer is taken for one that got none: the console
that gave it is gone."""

_FAILED = (Answer.REFUSED, Answer.NO_ANSWER)


def settled(records: Sequence[SteerRecord]) -> bool:
    """Whether it was aborted or switched, so that nothing is left to be decided."""
    final = (SteerKind.ABORT, SteerKind.POST_COPY)
    return any(one.answer is Answer.DONE and one.steer.kind in final for one in records)


def due(steer: Steer, records: Sequence[SteerRecord], now: float) -> bool:
    """Whether `steer` is to be given now, given what came of the same before."""
    same = [one for one in records if _same(one.steer, steer)]
    if not same:
        return True
    last = same[-1]
    if steer.kind is SteerKind.ADVISE:
        return _changed_since(last, records)
    if last.answer is Answer.REQUESTED:
        return now - last.at > LOST
    if last.answer not in _FAILED:
        return False
    return now - (last.answered or last.at) >= _pause(same)


def _same(one: Steer, other: Steer) -> bool:
    if one.kind is not other.kind:
        return False
    if one.kind is SteerKind.ADVISE:
        return one.reason == other.reason
    return one.value == other.value


def _changed_since(advice: SteerRecord, records: Sequence[SteerRecord]) -> bool:
    """Whether something was done since: the same words then mean something new."""
    return any(
        one.at > advice.at and one.answer is Answer.DONE and one.steer.kind is not SteerKind.ADVISE
        for one in records
    )


def _pause(same: Sequence[SteerRecord]) -> float:
    failures = 0
    for one in reversed(same):
        if one.answer not in _FAILED:
            break
        failures += 1
    return float(min(PAUSE * 2 ** max(failures - 1, 0), LONGEST_PAUSE))
