"""The volumes table with few and with many; and what goes between volumes and files."""

from __future__ import annotations

from collections.abc import Iterator

from tests.bench import transfers, volumes_table
from tests.bench.rows import Row


def run() -> Iterator[Row]:
    """The table; then the transfers, against virsh."""
    yield from volumes_table.run()
    yield from transfers.run()
