"""Reading the snapshots that a command's words may mean: nobody has them before somebody looks."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

from console.cli.lookup import instances_before_slash
from core.errors import VirtdeckError
from core.fleet import Fleet


async def read_snapshots(fleet: Fleet, words: Iterable[str]) -> None:
    """Read those of each instance that `INSTANCE/SNAPSHOT` names, once.

    One that cannot be read has none: the look-up that follows says what was not found.
    """
    owners = [one for word in words for one in instances_before_slash(fleet.state, word)]
    for key in dict.fromkeys(one.key for one in owners):
        with suppress(VirtdeckError):
            await fleet.snapshots(key)
