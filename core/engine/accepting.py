"""Of two consoles that ask in the same moment one is accepted: the second look, within the write.

A request is checked against the state, which knows of the journal what was read of it until then.
What another console wrote since is judged in the transaction that writes the new operation.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Container, Iterable
from dataclasses import replace
from typing import NamedTuple

from core.engine.case import Case, awaited
from core.engine.host_names import names_of, record_here
from core.journal.entry import Entry
from core.model import OperationRecord, Request, State
from core.verbs import checks


class Unless(NamedTuple):
    """What keeps a new operation out of the journal; as `Journal.put` takes it."""

    known: Container[str]
    """Operations that do not count: those of this console."""
    against: Callable[[Iterable[Entry]], bool]
    """Whether what others wrote speaks against it. On the journal's thread."""


def unless(state: State, request: Request, own: str, known: Container[str]) -> Unless:
    """Return what speaks against a request that nothing in `state` speaks against. Pure.

    `own` is the id of its operation. An entry of the same thing, of a host that has not said yet
    which it is, speaks against it as well: it is to be read, and told in our names, first.
    """

    def against(entries: Iterable[Entry]) -> bool:
        found: dict[str, OperationRecord] = {}
        for entry in entries:
            names = names_of(entry, state)
            if not names.sure and entry.record.subject.id == request.subject.id:
                return True
            found[entry.record.id] = record_here(entry.record, names)
        now = replace(state, operations={**state.operations, **found})
        return bool(checks.check(now, request, own))

    return Unless(known, against)


def yield_to(case: Case, ahead: Iterable[Case]) -> list[asyncio.Task[None]]:
    """Return what a new operation has to wait for of those ahead of it; end what it overrides."""
    before = []
    for other in ahead:
        if type(other.request) in case.verb.overrides:
            other.stop_waiting(f"{case.record.verb} was asked for")
        elif not checks.goes_beside(case.request, other.verb) and (task := awaited(other)):
            before.append(task)
    return before
