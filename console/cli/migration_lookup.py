"""Finding the migration that a command means, once it is known which there are."""

from __future__ import annotations

from contextlib import suppress

from console.cli import completeness, lookup
from console.cli.completeness import as_far_as_known, complete, tell
from console.cli.output import note
from core.errors import NotFoundError, RefusedError, UnreachableError
from core.fleet import Fleet
from core.migration.judgement.words import against_not_open
from core.model import Migration, OperationRecord, State
from core.model.text import clean
from core.verbs.migration.requests import Migrate, ResumeMigration


def running(state: State, name: str) -> Migration:
    """Return the migration of NAME that is not over.

    Raises RefusedError when the newest is over, and what `lookup.migrations` raises.
    """
    found = lookup.migrations(state, name)
    for item in found:
        if item.not_open:
            raise RefusedError(against_not_open(item))
        if not item.status.final:
            return item
    over = found[0]
    raise RefusedError(
        clean(f"The migration of {over.name} to {over.to or over.uri} is over: {over.status}."),
        "`virtdeck migrations` lists those that run.",
    )


def prepared(state: State, name: str) -> OperationRecord | None:
    """Return the operation of a migration of NAME that is not over, and has not begun yet."""
    moves = (Migrate.verb, ResumeMigration.verb)
    for record in state.operations.values():
        known = record.status.final or record.id in state.migrations or record.not_open
        if record.verb in moves and not known and name in _spellings(record):
            return record
    return None


def _spellings(record: OperationRecord) -> tuple[str, ...]:
    names = (record.name, record.subject.id)
    return (record.id, *names, *(f"{record.host}{sign}{one}" for sign in "/:" for one in names))


async def look_for(fleet: Fleet, name: str) -> None:
    """Wait until those that others began are found, unless one of NAME is known that is not over;
    and one that is being prepared, until it begins: nothing of it can be steered before.

    Says on the error stream where that could not be found out. Raises as `lookup.migrations`.
    """
    with suppress(NotFoundError, UnreachableError):
        if any(not item.status.final for item in lookup.migrations(fleet.state, name)):
            return
    if (asked := prepared(fleet.state, name)) is not None:
        note(f"{asked.name}: its migration is being prepared: waiting until it begins")
        changes = fleet.changes()
        while prepared(fleet.state, name) is not None:
            await anext(changes)
    gaps = await complete(fleet, completeness.migrations(fleet.migrations.known))
    with as_far_as_known(gaps):
        lookup.migrations(fleet.state, name)
    tell(gaps)
