"""What only the XML of instances tells, read before a verb is judged. On the source's loop."""

from __future__ import annotations

from collections.abc import Sequence

from core.model import ObjectKey, State
from core.source import Source
from core.verbs.verb import Verb

LOOKED_AT = 50
"""With more instances than this the check of the operation itself has to do."""


def undescribed(state: State, verb: Verb, keys: Sequence[ObjectKey]) -> list[ObjectKey]:
    """Return the instances of which a verb needs what nobody has read, of the first few."""
    rows = [state.instances.get(key) for key in keys[:LOOKED_AT]]
    return [
        row.key
        for row in rows
        if row is not None
        and (
            (verb.needs_description and not row.described)
            or ("snapshots" in verb.looks_at and row.key not in state.snapshots)
        )
    ]


async def describe(source: Source, verb: Verb, keys: Sequence[ObjectKey]) -> None:
    """Read what the XML of instances tells, and their snapshots, as far as a verb needs them.

    Raises UnreachableError, DeadlineError, NotFoundError.
    """
    for key in undescribed(source.state, verb, keys):
        if verb.needs_description:  # what `detail` reads of the XML is not the state's
            await source.read(key)
        if "snapshots" in verb.looks_at:
            await source.snapshots(key)
