"""A hundred hosts of a hundred instances in one console: each a libvirtd of its own."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack

import psutil

from tests.bench.host import console, served
from tests.bench.idle import busy
from tests.bench.rows import Row, below
from tests.bench.startup import FULL

LINKS = 100
INSTANCES = 100
SETTLE = 60.0
"""Seconds until everything was described, and lanes that nobody needs any more are closed."""
WATCH = 20.0
TABLE, MEMORY, SHARE, THREADS = 4.0, 200.0, 12.0, 4.0
"""The most there should be: seconds, MB, percent of a core, threads a link."""


def _full(lines: list[str]) -> bool:
    rows = sum("running" in line for line in lines)
    return rows >= FULL and any(f"{LINKS * INSTANCES:,} instances" in line for line in lines)


def run() -> Iterator[Row]:
    """One start of the real console on a pty, and what it costs a minute later."""
    with ExitStack() as stack:
        daemons = [stack.enter_context(served(INSTANCES)) for _ in range(LINKS)]
        uris = [f"host{number:02}={daemon.uri}" for number, daemon in enumerate(daemons)]
        with console(*uris) as terminal:
            table = terminal.wait(_full, 300)
            assert table is not None, terminal.screen.display
            yield _row("first full table", table, "s", TABLE)
            terminal.drain(max(0.0, SETTLE - (time.monotonic() - terminal.started)))
            process = psutil.Process(terminal.pid)
            yield _row(
                "idle, a tick each 2 s", busy(process, terminal, WATCH), "% of a core", SHARE
            )
            yield _row("memory", process.memory_info().rss / 1e6, "MB", MEMORY)
            yield _row("threads", process.num_threads() / LINKS, "a link", THREADS)
            sockets = len(process.net_connections(kind="unix")) / LINKS
            yield Row("links", f"{_CASE}: connections", sockets, "a link")


_CASE = f"{LINKS} links of {INSTANCES} instances"


def _row(name: str, value: float, unit: str, limit: float) -> Row:
    return Row("links", f"{_CASE}: {name}", value, unit, target=below(limit), met=value < limit)
