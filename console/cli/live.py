"""A fleet for the length of one command, on the command's own asyncio loop."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from msgspec.structs import replace

from console.cli import targets
from console.cli.invocation import Invocation
from console.cli.lookup import down_hosts, unreachable
from console.cli.output import complain, note
from console.settings import Settings
from core.errors import UnreachableError
from core.fleet import Fleet, LinkOptions, Reading

NOWHERE = (
    "Name a host with --connect URI, or try `virtdeck demo`; `virtdeck doctor` checks this machine."
)

OPERATE: dict[str, Any] = {
    "operations": True,
    "reads": frozenset(Reading) - {Reading.NETWORKS, Reading.STORAGE, Reading.VOLUMES},
}
"""For a command that changes instances: no check looks at what is known of networks and storage."""
WATCH: dict[str, Any] = {"statistics_interval": 0.0}
"""For a command that follows what happens, not how much."""

Work = Callable[[Fleet], Awaitable[int]]


def once(*reads: Reading, samples: int = 0) -> dict[str, Any]:
    """Return the link options of a command that reads once: that and so many samples, no sweep."""
    return {
        "reads": frozenset(reads),
        "statistics_interval": 1.0 if samples else 0.0,
        "statistics_limit": samples,
        "sweep_interval": 0.0,
    }


def read_once(
    invocation: Invocation,
    work: Work,
    reads: Iterable[Reading],
    *,
    samples: int = 0,
    tolerate_down: bool = False,
) -> int:
    """Do `work` as `on_fleet` does where only this is read, once, and so many samples are taken.

    Memory is not searched for what can be freed: the command is over before that pays.
    """
    collecting = gc.isenabled()
    gc.disable()
    try:
        options = once(*reads, samples=samples)
        return on_fleet(invocation, work, tolerate_down=tolerate_down, **options)
    finally:
        if collecting:
            gc.enable()


def on_fleet(
    invocation: Invocation,
    work: Work,
    *,
    operations: bool = False,
    tolerate_down: bool = False,
    prepare: Callable[[Fleet], None] | None = None,
    **changes: Any,
) -> int:
    """Open the hosts, wait until each is listed or has failed, run `work`, return its status.

    `operations` opens the journal too; `prepare` is given the fleet before it is entered; `changes`
    are to the links' options. Hosts that cannot be reached are named on the error stream and turn a
    0 into 3, unless `tolerate_down`. Raises UnreachableError when no host can be reached.
    """
    settings = Settings.load(invocation.config)

    async def command() -> int:
        fleet = Fleet.open(
            targets.hosts(invocation, settings),
            groups=settings.groups,
            connecting=settings.connecting,
            read_only=targets.read_only(invocation, settings),
            options=replace(link_options(settings), **changes),
            journal=settings.journal_path,
            operations=operations,
        )
        if prepare is not None:
            prepare(fleet)
        async with fleet:
            for notice in fleet.notices:
                note(f"virtdeck: {notice}")
            await fleet.ready()  # each attempt has an end of its own
            return await _reporting(fleet, work, tolerate_down)

    return asyncio.run(command())


def link_options(settings: Settings) -> LinkOptions:
    """Return how links behave, as configured."""
    link = settings.link
    return LinkOptions(
        statistics_interval=link.stats_interval,
        keepalive_interval=link.keepalive_interval,
        keepalive_count=link.keepalive_count,
        share_ssh=link.share_ssh,
    )


async def _reporting(fleet: Fleet, work: Work, tolerate_down: bool) -> int:
    down = down_hosts(fleet.state)
    if len(down) == len(fleet.state.hosts):
        error = unreachable(down)
        raise UnreachableError(error.message, f"{error.hint} {NOWHERE}".strip())
    status = await work(fleet)
    if down and not tolerate_down:
        complain(unreachable(down))
        return status or UnreachableError.exit_status
    return status
