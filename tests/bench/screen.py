"""What the screen costs: bytes to the terminal, CPU of the UI thread, memory."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

from tests.bench.rows import Row, below
from tests.bench.terminal import Terminal

TICK = os.sysconf("SC_CLK_TCK")
SETTLE = 6.0
"""Seconds until start-up work (first paint, first samples) is over."""
WATCH = 15.0


def thread_cpu(pid: int, thread: int) -> float:
    """Seconds of CPU a thread has used."""
    stat = Path(f"/proc/{pid}/task/{thread}/stat").read_text().rpartition(")")[2].split()
    return (int(stat[11]) + int(stat[12])) / TICK


def resident(pid: int) -> float:
    """Resident memory in MB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) * 1024 / 1e6
    return 0.0


def watch(instances: int, events: float, *options: str) -> tuple[float, float, float]:
    """Bytes/s, UI thread's share of a core, MB, of a console on a made-up fleet."""
    command = ["-m", "tests.bench.synthetic", f"--instances={instances}", f"--events={events}"]
    with Terminal([*command, *options]) as terminal:
        terminal.wait(lambda lines: any("instance-0" in line for line in lines), 60)
        terminal.read_for(SETTLE)
        cpu, start = thread_cpu(terminal.pid, terminal.pid), time.monotonic()
        sent = terminal.read_for(WATCH)
        elapsed = time.monotonic() - start
        share = (thread_cpu(terminal.pid, terminal.pid) - cpu) / elapsed
        return sent / elapsed, share, resident(terminal.pid)


def run() -> Iterator[Row]:
    """Rows for the idle, the busy and the very large fleet."""
    idle, share, _ = watch(6, 0, "--still")
    yield Row("screen", "terminal, idle", idle, "B/s", target=below(200), met=idle < 200)
    yield Row("screen", "UI thread, idle", share * 100, "% of a core")
    moving, _, _ = watch(6, 0)
    yield Row("screen", "terminal, 6 instances, every figure moves each 2 s", moving, "B/s")
    busy, share, memory = watch(1000, 100)
    yield Row(
        "screen",
        "terminal, 1,000 instances, 100 events/s, 120x40",
        busy,
        "B/s",
        target=below(5000),
        met=busy < 5000,
    )
    yield Row("screen", "UI thread, 1,000 instances, 100 events/s", share * 100, "% of a core")
    yield Row(
        "screen",
        "memory, 1,000 instances",
        memory,
        "MB",
        target=below(150),
        met=memory < 150,
    )
    _, share, memory = watch(10_000, 1000)
    yield Row(
        "screen",
        "UI thread, 10,000 instances, 1,000 events/s",
        share * 100,
        "% of a core",
        target=below(10),
        met=share < 0.10,
    )
    yield Row("screen", "memory, 10,000 instances", memory, "MB")
