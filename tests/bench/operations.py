"""What an operation costs: from the key to the call on the wire, and its commits to the journal."""

from __future__ import annotations

import asyncio
import random
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from core.engine.executor import Executor
from core.fleet import Fleet
from core.verbs.power.requests import Pause, Shutdown
from tests.bench.host import BenchHost, console, reached, served
from tests.bench.rows import Row, limited, percentile
from tests.bench.terminal import Terminal

INSTANCES = 1_000
PROBES = 60
SETTLE = 8.0
"""Seconds until everything was described."""
PATIENCE = 5.0
READS = 0.3
"""Seconds between a question on the screen and its answer, at the least, of who reads it."""
SUSPEND, RESUME = 34, 28
"""REMOTE_PROC_DOMAIN_SUSPEND and _RESUME (remote_protocol.x)."""
COMMITS = {"pause": 3, "shutdown": 3}
"""Accepted; about to be sent; ended. What follows a call is written with the end."""


def _until_sent(host: BenchHost, procedure: int, key: str, terminal: Terminal) -> float:
    """Seconds from a key to its call on the wire; `PATIENCE` where it did not come."""
    pressed = time.monotonic()
    terminal.press(key)
    while time.monotonic() < pressed + PATIENCE:
        terminal.feed(0.005)
        at = host.link.last_calls().get(procedure, 0.0)
        if at > pressed:
            return at - pressed
    return PATIENCE


def _keys(instances: int) -> Iterator[Row]:
    times: list[float] = []
    hasty: list[float] = []
    with served(instances) as daemon, reached(daemon) as host, console(host.uri) as terminal:
        terminal.wait(lambda lines: any("vm0005" in line for line in lines), 30)
        terminal.read_for(SETTLE)
        for probe in range(PROBES):
            key, procedure = (("y", SUSPEND), ("u", RESUME))[probe % 2]
            reads = probe % 4 < 2
            if key == "y":  # a pause is confirmed
                terminal.press("p")
                asked = terminal.wait(
                    lambda lines: any("y yes" in line for line in lines), PATIENCE
                )
                assert asked is not None, terminal.screen.display
                if reads:
                    terminal.read_for(READS)
            found = times if reads or key == "u" else hasty
            found.append(_until_sent(host, procedure, key, terminal))
            terminal.read_for(1.0 + random.random() * 0.5)
    for percent, limit in ((50, None), (95, 30.0)):
        name = f"key to the call on the wire, p{percent}, {instances:,} instances, journal included"
        yield limited("operations", name, percentile(times, percent) * 1000, "ms", limit)
    name = f"the same, a question answered the moment it is painted, p95 of {len(hasty)}"
    yield limited("operations", name, percentile(hasty, 95) * 1000, "ms", None)


async def _commits(request: type[Pause | Shutdown]) -> int:
    """Commits of one operation on libvirt's test driver."""
    points = 0

    def count() -> None:
        nonlocal points
        points += 1

    before = Executor.at_commit
    Executor.at_commit = staticmethod(count)  # type: ignore[method-assign]
    try:
        with tempfile.TemporaryDirectory(prefix="virtdeck-bench-") as home:
            journal = Path(home, "journal.sqlite3")
            async with Fleet.open(["test:///default"], journal=journal) as fleet:
                assert await fleet.ready(10)
                record = await (await fleet.submit(request(next(iter(fleet.state.instances)))))
                assert record.status == "done", record
    finally:
        Executor.at_commit = staticmethod(before)  # type: ignore[method-assign]
    return points // 2  # one before, one after


def run() -> Iterator[Row]:
    """The keys on a host of a thousand instances, and the commits of two verbs."""
    yield from _keys(INSTANCES)
    for verb, request in (("pause", Pause), ("shutdown", Shutdown)):
        name = f"journal commits of `{verb}`"
        yield limited("operations", name, asyncio.run(_commits(request)), "", COMMITS[verb] + 1)
