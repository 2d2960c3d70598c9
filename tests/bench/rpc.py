"""RPCs to a host, counted on the wire between a real fleet and a real daemon."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager

from core.fleet import Fleet
from core.hypervisor.connection.options import LinkOptions, Reading
from core.model.observation import Observation, Sampled
from tests.bench.host import BenchHost, reached, served
from tests.bench.rows import Row

TICKS = 5
TABLE = 12
"""Calls at the most until every row is there."""
DESCRIBING = 1_010
COUNTED = 0.02
"""The round trip of the link where calls up to a moment are counted: next to nothing is sent while
the moment is noticed."""


@asynccontextmanager
async def watching(
    uri: str, *, interval: float, reads: Iterable[Reading] = Reading
) -> AsyncIterator[Fleet]:
    """A fleet of one host called `bench`, read every `interval` seconds and never swept."""
    options = LinkOptions(
        statistics_interval=interval,
        sweep_interval=0,
        connect_timeout=60,
        reads=frozenset(reads),
    )
    async with Fleet.open([f"bench={uri}"], options=options, operations=False) as fleet:
        yield fleet


async def described(fleet: Fleet, instances: int) -> None:
    """Return when every instance is listed and described."""

    def done() -> bool:
        found = fleet.state.instances
        return len(found) >= instances and all(one.described for one in found.values())

    while not done():  # noqa: ASYNC110 - to look at every delta would be what is measured
        await asyncio.sleep(0.1)


async def _table(host: BenchHost, instances: int) -> int:
    """Calls until every instance was listed: what is read of it then is not waited for."""
    async with watching(host.uri, interval=1) as fleet:
        changes = fleet.changes()
        while len(fleet.state.instances) < instances:
            await anext(changes)
        return host.link.calls().total()


async def _describing(host: BenchHost, instances: int) -> int:
    """Calls from the listing until everything is described, with nothing else that is read."""
    async with watching(
        host.uri, interval=0, reads=(Reading.INSTANCES, Reading.DESCRIPTIONS)
    ) as fleet:
        changes = fleet.changes()
        while len(fleet.state.instances) < instances:
            await anext(changes)
        listed = host.link.calls().total()
        await described(fleet, instances)
        return host.link.calls().total() - listed


async def _per_tick(host: BenchHost, instances: int) -> float:
    samples: asyncio.Queue[Observation] = asyncio.Queue()

    def tap(observation: Observation) -> None:
        # a big sample comes in parts, all of one call
        if isinstance(observation, Sampled) and observation.part == observation.parts - 1:
            samples.put_nowait(observation)

    async with watching(host.uri, interval=0.5) as fleet:
        await described(fleet, instances)
        await asyncio.sleep(2.0)  # what is read once, of the host itself too, has been
        fleet.tap = tap
        await samples.get()
        calls = host.link.calls().total()
        for _ in range(TICKS):
            await samples.get()
        return (host.link.calls().total() - calls) / TICKS


def run() -> Iterator[Row]:
    """A row for each number of instances."""
    for instances in (6, 1_000, 10_000):
        with served(instances) as daemon:
            if instances < 10_000:
                with reached(daemon) as host:
                    value = asyncio.run(_per_tick(host, instances))
                    yield _row("RPCs per refresh per host", instances, value, 1)
            with reached(daemon, COUNTED) as host:
                calls = asyncio.run(_table(host, instances))
                yield _row("RPCs to the first full table", instances, calls, TABLE)
            if instances == 1_000:
                with reached(daemon) as host:
                    calls = asyncio.run(_describing(host, instances))
                    yield _row("RPCs to describe", instances, calls, DESCRIBING)


def _row(name: str, instances: int, value: float, limit: int) -> Row:
    return Row(
        "rpc",
        f"{name}, {instances:,} instances",
        value,
        "calls",
        target=f"<= {limit:,}",
        met=value <= limit,
    )
