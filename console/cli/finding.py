"""What must be read of the hosts before the subjects of a verb can be named."""

from __future__ import annotations

from collections.abc import Sequence

from console.cli.completeness import complete, listed
from console.cli.moves import one_half
from console.cli.snapshot_reading import read_snapshots
from console.cli.subjects import subjects
from core.errors import UsageError
from core.fleet import Fleet, Reading
from core.model import ObjectKey
from core.verbs.verb import Verb

READS: dict[str, tuple[Reading, str]] = {
    "pool": (Reading.STORAGE, "pools"),
    "network": (Reading.NETWORKS, "networks"),
    "volume": (Reading.STORAGE, "volumes"),
}
"""By the kind of a subject: what must be read to find it, and the listing it is in."""


def read_for(verb: Verb, *, stored: bool = False) -> frozenset[Reading]:
    """Return what is read to find the subjects of a verb, and to judge a request by its host."""
    found = {READS[verb.subject][0]} if verb.subject in READS else set()
    if stored or verb.needs_host:
        found |= {Reading.STORAGE, Reading.VOLUMES}
    if verb.needs_host or verb.needs_networks:
        found.add(Reading.NETWORKS)
    return frozenset(found)


async def meant(fleet: Fleet, verb: Verb, names: Sequence[str]) -> list[ObjectKey]:
    """Return the subjects that names mean, once what is to be read to find them was read.

    Raises UsageError for several of a verb that is done to one at a time.
    """
    if verb.subject in READS:
        await complete(fleet, listed(READS[verb.subject][1]))
    if verb.subject == "snapshot":
        await read_snapshots(fleet, names)
    if verb.either_half:
        names = [await one_half(fleet, name) for name in names]
    keys = subjects(fleet.state, verb.subject, names)
    if verb.single and len(keys) > 1:
        raise UsageError(
            f"{verb.name} is done to one {verb.subject} at a time: these are {len(keys):,}.",
            "What it is given is for one of them.",
        )
    return keys
