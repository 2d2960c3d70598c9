"""What only the XML of instances tells, read before a verb is judged. On the source's loop."""

from __future__ import annotations

from collections.abc import Sequence

from core.model import ObjectKey, State
from core.source import Source
from core.verbs.verb import Verb

LOOKED_AT = 50
"""With more instances than this the check of the operation itself has to do."""


def undescribed(state: State, verb: Verb, keys: Sequence[ObjectKey]) -> list[ObjectKey]:
    """Return the instances whose XML a verb needs and nobody has read, of the first few."""
    if not verb.needs_description:
        return []
    rows = [state.instances.get(key) for key in keys[:LOOKED_AT]]
    return [row.key for row in rows if row is not None and not row.described]


async def describe(source: Source, verb: Verb, keys: Sequence[ObjectKey]) -> None:
    """Read what the XML of instances tells, as far as a verb needs it and it is not known.

    Raises UnreachableError, DeadlineError, NotFoundError.
    """
    for key in undescribed(source.state, verb, keys):
        await source.read(key)
