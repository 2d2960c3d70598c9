"""How long it takes until every instance of a host is described, without the console."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

from tests.bench.host import BenchHost, far, reached, served
from tests.bench.rows import Row, below
from tests.bench.rpc import described, watching

CASES = ((1_000, 0.02, 12), (10_000, 0.0, 25))
"""Instances, the link's round trip, and the most seconds there should be."""


async def _seconds(host: BenchHost, instances: int) -> float:
    start = time.monotonic()
    async with watching(host.uri, interval=2) as fleet:
        await described(fleet, instances)
        return time.monotonic() - start


def run() -> Iterator[Row]:
    """From the opening of the fleet on, to a tenth of a second."""
    for instances, round_trip, limit in CASES:
        with served(instances) as daemon, reached(daemon, round_trip) as host:
            value = asyncio.run(_seconds(host, instances))
        yield Row(
            "describing",
            f"everything described, {instances:,} instances, {far(round_trip)}",
            value,
            "s",
            target=below(limit),
            met=value < limit,
        )
