"""Figures as a report writes them: in full, for somebody who was not there. Pure."""

from __future__ import annotations

from core.model import SteerKind, SteerRecord
from core.model.sizes import bandwidth
from core.model.text import clean
from core.model.times import milliseconds


def sentences(*texts: str) -> str:
    """Join what may lack a stop at its end: `db runs on beta. Mend the network.`"""
    given = [text.strip() for text in texts if text.strip()]
    return " ".join(text if text[-1] in ".!?" else f"{text}." for text in given)


def passed_words(passed: bool | None) -> str:
    """A check: `ok`, `NO`, `not seen`."""
    if passed is None:
        return "not seen"
    return "ok" if passed else "NO"


def steer_words(record: SteerRecord) -> str:
    """A command, what came of it and why: `max-downtime 450 ms, done: it would finish then.`"""
    steer = record.steer
    parts = [steer.kind.value]
    if steer.value is not None:
        down = steer.kind is SteerKind.MAX_DOWNTIME
        parts.append(milliseconds(steer.value) if down else bandwidth(steer.value))
    if steer.text:
        parts.append(clean(steer.text))
    why = "; ".join(clean(text) for text in (steer.reason, record.detail) if text)
    return f"{' '.join(parts)}, {record.answer.value}" + (f": {why}" if why else "")
