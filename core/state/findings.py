"""Changes that were found before anybody told of them, held back until no event will tell them.

A daemon that changes something answers a listing or a sample at once, and sends the event from its
main loop, some milliseconds later: after a hang that is a race which either can win. The state
follows at once, whoever wins; the log line of the finding waits, because the event says more.
"""

from __future__ import annotations

from typing import NamedTuple

from core.model import ObjectKey
from core.model.event import Found
from core.state.tables import Tables

GRACE = 2.0
"""Seconds a finding waits for its event. Milliseconds are usual; a machine under load may take a
second between its answer and its event. What no event tells is only logged that much later."""

APPEARED, VANISHED = "appeared", "vanished"


class ExpectedFinding(NamedTuple):
    """A change that was found, and the word an event that tells it would say.

    The word is a state, `APPEARED` or `VANISHED`; empty for what no event tells.
    """

    found: Found
    word: str = ""


def report(tables: Tables, finding: ExpectedFinding) -> None:
    """Log a finding: at once what no event tells, else when none has by the end of the grace."""
    found, word = finding
    if not word:
        tables.log(found)
        return
    place = (found.subject, word)
    earlier = tables.held.pop(place, None)
    if earlier is not None:  # it happened twice, and was found twice
        tables.log(earlier[0])
    # A listing is as old as it was slow, and its event is due from when it came: not from `at`.
    tables.held[place] = (found, tables.at)


def told(tables: Tables, subject: ObjectKey, *words: str) -> None:
    """Drop the findings that an event about `subject` tells better."""
    if tables.held:
        for word in words:
            tables.held.pop((subject, word), None)


def release(tables: Tables, at: float) -> None:
    """Log the findings whose grace is over at `at`, also where a clock was set meanwhile.

    They are held in the order of their times, so those that still wait cost nothing.
    """
    while tables.held:
        place, (found, since) = next(iter(tables.held.items()))
        if abs(at - since) <= GRACE:
            return
        del tables.held[place]
        tables.log(found)
