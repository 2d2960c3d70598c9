"""RPCs per refresh per host, counted on the wire between a real session and a real daemon."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from core.clock import SystemClock
from core.hypervisor.options import LinkOptions
from core.hypervisor.session import Hypervisor
from core.model.observation import Observation, Sampled
from tests.bench.counting import CountingProxy
from tests.bench.rows import Row
from tests.driver.private_daemon import PrivateDaemon

TICKS = 5


async def _per_tick(uri: str, proxy: CountingProxy) -> float:
    samples: asyncio.Queue[Sampled] = asyncio.Queue()

    def sink(observation: Observation) -> None:
        if isinstance(observation, Sampled):
            samples.put_nowait(observation)

    options = LinkOptions(statistics_interval=0.5, sweep_interval=3600)
    session = Hypervisor("bench", uri, sink=sink, clock=SystemClock(), options=options)
    await session.start()
    await session.settled()
    quiet, before = 0, -1
    while quiet < 2:  # descriptions of the instances are read once, in the background
        await asyncio.sleep(1.0)
        rate = proxy.total - before
        before, quiet = proxy.total, quiet + 1 if rate <= 3 else 0
    while not samples.empty():
        samples.get_nowait()
    calls = proxy.total
    for _ in range(TICKS):
        await samples.get()
    per_tick = (proxy.total - calls) / TICKS
    await session.close()
    return per_tick


def run() -> Iterator[Row]:
    """A row for 6 and for 1,000 instances."""
    for instances in (6, 1000):
        with PrivateDaemon(instances - 1, running=instances - 1) as daemon:
            path = daemon.directory / "counted"
            proxy = CountingProxy(path, daemon.socket)
            value = asyncio.run(_per_tick(f"test+unix:///default?socket={path}", proxy))
            proxy.close()
        yield Row(
            "rpc",
            f"RPCs per refresh per host, {instances:,} instances",
            value,
            "calls",
            target="1",
            met=value <= 1.0,
        )
