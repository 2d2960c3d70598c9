"""What a console costs that shows a big host on which nothing happens: processor and memory."""

from __future__ import annotations

import time
from collections.abc import Iterator

import psutil

from tests.bench.host import BenchHost, console, reached, served
from tests.bench.rows import Row, limited
from tests.bench.startup import full
from tests.bench.terminal import Terminal

CASES = {1_000: 2.5, 10_000: 10.0}
"""Instances -> percent of a core at the most."""
MEMORY = {1_000: 65}
"""Instances -> MB at the most."""
WATCH = 20.0
EVERY_SECOND = "[link]\nstats_interval = 1.0\n"
QUIET = 3
"""Calls a second with which nothing but the statistics is read."""


def _settle(terminal: Terminal, host: BenchHost) -> None:
    """Wait until everything of the host was read once."""
    assert terminal.wait(full, 120) is not None, terminal.screen.display
    quiet, before = 0, host.link.calls().total()
    while quiet < 3:
        terminal.drain(1.0)
        now = host.link.calls().total()
        quiet, before = quiet + 1 if now - before <= QUIET else 0, now


def run() -> Iterator[Row]:
    """A tick a second, everything described; the whole process."""
    for instances, limit in CASES.items():
        with (
            served(instances) as daemon,
            reached(daemon) as host,
            console(host.uri, settings=EVERY_SECOND) as terminal,
        ):
            _settle(terminal, host)
            process = psutil.Process(terminal.pid)
            share = busy(process, terminal, WATCH)
            memory = process.memory_info().rss / 1e6
        size = f"{instances:,} instances on a daemon"
        yield limited("idle", f"console, {size}, a tick a second", share, "% of a core", limit)
        yield limited("idle", f"memory, {size}", memory, "MB", MEMORY.get(instances))


def busy(process: psutil.Process, terminal: Terminal, seconds: float) -> float:
    """Return the percentage of a core a console's process takes meanwhile."""
    before, start = process.cpu_times(), time.monotonic()
    terminal.drain(seconds)
    after, elapsed = process.cpu_times(), time.monotonic() - start
    return (after.user + after.system - before.user - before.system) / elapsed * 100
