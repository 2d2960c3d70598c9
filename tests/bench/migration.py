"""Live migration between two real hosts, beside virsh: `BENCH_REPEATS=1` for a quick look.

`BENCH_PARTS=ends,race` runs only these. One lab of its own for all of it, taken down at the end.
"""

from __future__ import annotations

import asyncio
import importlib
import os
from collections.abc import Iterator

from tests.bench.migration_lab import ground
from tests.bench.rows import Row

PARTS = ("ends", "race", "forecast", "cost")


def run() -> Iterator[Row]:
    """Every row of issue 3's table, part by part."""
    wanted = os.environ.get("BENCH_PARTS", ",".join(PARTS)).split(",")
    with ground() as made:
        for part in wanted:
            yield from asyncio.run(
                importlib.import_module(f"tests.bench.migration_{part}").rows(made)
            )
