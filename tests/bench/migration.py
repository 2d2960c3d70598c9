"""Live migration between two real hosts, beside virsh: `BENCH_REPEATS=1` for a quick look.

`BENCH_PARTS=ends,race` runs only these. One lab of its own for all of it, taken down at the end.
"""

from __future__ import annotations

import asyncio
import importlib
import os
from collections.abc import AsyncIterator, Iterator

from tests.bench.migration_lab import ground
from tests.bench.rows import Row

PARTS = ("ends", "race", "forecast", "cost")


def run() -> Iterator[Row]:
    """Every row of issue 3's table, part by part; one that fails is told after the others."""
    wanted = os.environ.get("BENCH_PARTS", ",".join(PARTS)).split(",")
    failed: list[Exception] = []
    with ground() as made:
        for part in wanted:
            rows = importlib.import_module(f"tests.bench.migration_{part}").rows(made)
            found: list[Row] = []
            try:
                asyncio.run(_collect(rows, found))
            except Exception as error:
                failed.append(error)
            yield from found
    if failed:
        raise ExceptionGroup("parts failed", failed)


async def _collect(rows: AsyncIterator[Row], found: list[Row]) -> None:
    async for row in rows:
        found.append(row)  # noqa: PERF401 - each at once: those after it may fail
