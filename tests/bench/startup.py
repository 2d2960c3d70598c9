"""From process start to the first full instances table."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from tests.bench.rows import Row, below
from tests.bench.terminal import Terminal
from tests.driver.private_daemon import PrivateDaemon

RUNS = 5
FULL = 30
"""Rows of instances on a 40-line screen from which the table counts as full."""


def _full(lines: list[str]) -> bool:
    return sum(" vm0" in f" {line}" and "running" in line for line in lines) >= FULL


def run() -> Iterator[Row]:
    """The median of a few starts of the real console on a pty."""
    times = []
    with PrivateDaemon(999, running=999) as daemon:
        for _ in range(RUNS):
            with Terminal(["-m", "console", "-c", daemon.uri]) as terminal:
                seen = terminal.wait(_full, 30)
                times.append(float("inf") if seen is None else seen)
    value = median(times)
    yield Row(
        "startup",
        "first full instances table, 1,000 instances",
        value,
        "s",
        target=below(1.5),
        met=value < 1.5,
    )
