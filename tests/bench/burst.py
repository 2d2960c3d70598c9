"""A thousand instances that start at once: when it is on the screen, and what it keeps waiting."""

from __future__ import annotations

import asyncio
import multiprocessing
import time
from collections.abc import Iterator
from statistics import median
from typing import Any

from core.hypervisor.connection.binding import libvirt
from tests.bench.host import BenchHost, console, reached, served
from tests.bench.rows import Row, below
from tests.bench.rpc import described, watching
from tests.bench.startup import FULL, full
from tests.driver.private_daemon import uuid_of

RUNS = 3
INSTANCES = 1_000
EVENTS = INSTANCES - 1
BEAT = 0.001
LATE = 1.5
"""Seconds in which all must have been started, or nothing was measured."""


class MassStart:
    """Starts every instance within a second, from another process; those on the screen last."""

    def __init__(self, host: BenchHost) -> None:
        spawn = multiprocessing.get_context("spawn")
        self._ended = spawn.Value("d", 0.0)
        order = list(range(EVENTS, 0, -1))
        self._process = spawn.Process(target=_start_all, args=(host.daemon.uri, order, self._ended))
        self._process.start()

    @property
    def ended(self) -> float:
        """When the last one was started, by time.monotonic; 0: it was not yet."""
        return float(self._ended.value)

    def join(self) -> None:
        """Wait for the process; raises AssertionError when starting them took too long."""
        self._process.join()
        assert self._process.exitcode == 0, "nothing was measured: see above"


def _start_all(uri: str, order: list[int], ended: Any) -> None:
    connection = libvirt.open(uri)
    domains = [connection.lookupByUUIDString(uuid_of(number)) for number in order]
    start = time.monotonic()
    for place, domain in enumerate(domains):
        domain.create()
        time.sleep(max(0.0, start + place / EVENTS - time.monotonic()))
    ended.value = time.monotonic()
    assert ended.value - start < LATE, "this machine is too busy to start them in that time"
    del domain, domains
    connection.close()


def _on_the_screen(host: BenchHost) -> float:
    """Seconds from the last instance's start until the screen shows it."""
    with console(host.uri) as terminal:
        shown = terminal.wait(lambda lines: sum("shutoff" in line for line in lines) >= FULL, 60)
        assert shown is not None, terminal.screen.display
        terminal.read_for(10)  # what is read once has been
        start = MassStart(host)
        while not start.ended or not full(terminal.screen.display):
            terminal.feed(0.005)
        seen = time.monotonic()
        start.join()
        return seen - start.ended


async def _longest_block(host: BenchHost) -> float:
    """Seconds for which the core's loop did nothing else at the most."""
    async with watching(host.uri, interval=2) as fleet:
        await described(fleet, INSTANCES)
        longest = 0.0

        async def beat() -> None:
            nonlocal longest
            while True:
                began = time.monotonic()
                await asyncio.sleep(BEAT)
                longest = max(longest, time.monotonic() - began - BEAT)

        beating = asyncio.create_task(beat())
        start = await asyncio.to_thread(MassStart, host)
        while not start.ended:  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.1)
        await asyncio.sleep(1.0)  # what is read because of it
        beating.cancel()
        await asyncio.to_thread(start.join)
        return longest


def run() -> Iterator[Row]:
    """The medians of a few mass starts."""
    shown, blocked = [], []
    for _ in range(RUNS):
        with served(INSTANCES, running=0) as daemon, reached(daemon) as host:
            shown.append(_on_the_screen(host))
        with served(INSTANCES, running=0) as daemon, reached(daemon) as host:
            blocked.append(asyncio.run(_longest_block(host)))
    burst = f"{EVENTS:,} instances started within a second"
    yield Row(
        "burst",
        f"{burst}: the last one on the screen after",
        median(shown),
        "s",
        target=below(1),
        met=median(shown) < 1,
    )
    yield Row(
        "burst",
        f"{burst}: longest block of the core's loop",
        median(blocked) * 1000,
        "ms",
        target=below(50),
        met=median(blocked) < 0.050,
    )
