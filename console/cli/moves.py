"""Cold migrations that are open: what both hosts have of an instance is told by its XML alone."""

from __future__ import annotations

import asyncio
from collections import Counter

from console.cli import lookup
from console.cli.completeness import Gap
from console.cli.output import note
from core.errors import VirtdeckError
from core.fleet import Fleet
from core.model import Instance, State
from core.model.lists import plural

LOOKED_AT = 100
"""Where more are on several hosts, all that is told of them is that nobody has looked: a call for
each takes long."""


async def read_halves(fleet: Fleet) -> list[Gap]:
    """Read what several hosts have of one instance, for that may be a move: a call for each.

    Returns what could not be read.
    """
    wanted = [one for one in _twins(fleet.state) if not one.described]
    if len(wanted) > LOOKED_AT:
        several = plural(len(wanted), "instance")
        note(f"{several} of several hosts: --json --details tells which are half moved.")
        return []

    async def read(one: Instance) -> Gap | None:
        try:
            await fleet.read(one.key)
        except VirtdeckError as error:
            why = error.message.rstrip(".")
            return Gap(one.host, f"did not tell whether {one.name} is half moved: {why}")
        return None

    return [gap for gap in await asyncio.gather(*map(read, wanted)) if gap is not None]


def _twins(state: State) -> list[Instance]:
    """Return the instances that several hosts have, where those answer."""
    down = {host.name for host in lookup.down_hosts(state)}
    rows = [one for one in state.instances.values() if one.host not in down]
    count = Counter(one.uuid for one in state.instances.values())
    return [one for one in rows if count[one.uuid] > 1]


async def one_half(fleet: Fleet, word: str) -> str:
    """Return a name that fits one half of a cold migration alone, where `word` fits both.

    What is done to a move is the same for either. Raises UnreachableError, DeadlineError.
    """
    for one in lookup.halves(fleet.state, word):
        read = one if one.described else await fleet.read(one.key)
        if read is not None and read.cold is not None:
            return f"{read.host}/{read.uuid}"
    return word
