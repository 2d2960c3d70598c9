"""From process start to the first full instances table, over links of several lengths."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from tests.bench.host import BenchHost, console, far, reached, served
from tests.bench.listing import spent
from tests.bench.rows import Row, below

RUNS = 5
INSTANCES = 1000
LINKS = {0.0: 0.9, 0.02: 1.5, 0.1: 4.0}
"""Round trip -> the most seconds there should be."""
RIVALS = {0.0: RUNS, 0.02: 1}
"""Round trip -> runs of virsh, which asks for the state of each instance: 22 s over 20 ms."""
FULL = 30
"""Rows of instances on a 40-line screen from which the table counts as full."""


def full(lines: list[str]) -> bool:
    """Whether the instances' table is full, each row with its state."""
    return sum(" vm0" in f" {line}" and "running" in line for line in lines) >= FULL


def first_table(host: BenchHost) -> float:
    """Seconds from the start of a console to its first full table."""
    with console(host.uri) as terminal:
        seen = terminal.wait(full, 120)
    return float("inf") if seen is None else seen


def run() -> Iterator[Row]:
    """The medians of a few starts of the real console on a pty, by turns with virsh."""
    with served(INSTANCES) as daemon:
        for round_trip, limit in LINKS.items():
            ours, rivals = [], []
            with reached(daemon, round_trip) as host:
                virsh = ("virsh", "-c", host.uri)
                for turn in range(RUNS):
                    if turn < RIVALS.get(round_trip, 0):
                        parts = spent(*virsh, "list", "--all"), spent(*virsh, "domstats")
                        rivals.append(sum(part.wall for part in parts))
                    ours.append(first_table(host))
            yield Row(
                "startup",
                f"first full instances table, {INSTANCES:,} instances, {far(round_trip)}",
                median(ours),
                "s",
                median(rivals) if rivals else None,
                "virsh list + domstats",
                below(limit),
                median(ours) < limit,
            )
