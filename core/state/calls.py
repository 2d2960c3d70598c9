"""The calls that were made, of operations and of migrations that are none here. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from core.model import Migration, OperationRecord, OperationStep, State

T = TypeVar("T", OperationRecord, Migration)


@dataclass(frozen=True, slots=True)
class CallMade:
    """One call, with what it was made for."""

    step: OperationStep
    verb: str
    name: str
    """Of the subject."""
    host: str
    over: bool
    """Nothing more will be heard of it."""


def calls_made(state: State, only: str = "") -> list[CallMade]:
    """Return the calls of all operations, or `only` of one, the newest first.

    To those of an operation belong those of the operations that it asked for, as a drain does.
    """
    wanted = _with_asked(state, only)
    made = [*_of_operations(state, wanted), *_of_migrations(state, wanted)]
    return sorted(made, key=lambda each: -each.step.at)


def virsh_lines(state: State, only: str) -> list[str]:
    """Return the virsh lines of the calls of one operation, the oldest first."""
    return [made.step.virsh for made in reversed(calls_made(state, only)) if made.step.virsh]


def calls_unknown(record: OperationRecord, workflow: bool) -> bool:
    """Whether an operation that has no call noted may have made some: consoles of before wrote
    down none of a `workflow`. One that never began made none.
    """
    return workflow and record.started is not None


def _with_asked(state: State, only: str) -> frozenset[str]:
    record = state.operations.get(only)
    asked = () if record is None else (step.operation for step in record.steps)
    return frozenset({only, *filter(None, asked)} - {""})


def _of_operations(state: State, wanted: frozenset[str]) -> Iterator[CallMade]:
    for record in _chosen(state.operations.values(), wanted):
        for step in record.steps:
            if step.call:
                over = record.status.final or record.question is not None
                yield CallMade(step, record.verb, record.name, record.host, over)


def _of_migrations(state: State, wanted: frozenset[str]) -> Iterator[CallMade]:
    for migration in _chosen(state.migrations.values(), wanted):
        for step in migration.calls:
            yield CallMade(step, "migrate", migration.name, migration.host, migration.over)


def _chosen(items: Iterable[T], wanted: frozenset[str]) -> Iterator[T]:
    return (item for item in items if not wanted or item.id in wanted)
