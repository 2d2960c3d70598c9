"""`virtdeck instances` as a whole process, against virsh doing the same."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median
from typing import IO

from tests.bench.host import served
from tests.bench.rows import Row
from tests.bench.terminal import ROOT

RUNS = {1_000: 5, 10_000: 3}
WALL = {1_000: 1.5, 10_000: 1.2}
CPU = 1.8
"""Times what virsh takes, at the most."""
WAYS = ((), ("--json",))


@dataclass(frozen=True)
class Spent:
    """What a command took, in seconds, and left."""

    wall: float
    cpu: float
    """Of the process and of those it started and waited for."""
    status: int
    lines: int


def spent(*command: str) -> Spent:
    """Run a command to its end."""
    with tempfile.TemporaryFile() as output:
        before, start = _children(), time.perf_counter()
        status = subprocess.run(
            command, cwd=ROOT, stdout=output, env=as_installed(), check=False
        ).returncode
        wall, cpu = time.perf_counter() - start, _children() - before
        output.seek(0)
        return Spent(wall, cpu, status, _lines(output))


def as_installed() -> dict[str, str]:
    """Return this environment for a process that keeps what it compiled, as an installed one has.

    Python that must write no bytecode compiles every module of ours anew: half of a start.
    """
    return {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)  # psutil counts in hundredths of a second
    return used.ru_utime + used.ru_stime


def _lines(output: IO[bytes]) -> int:
    return sum(1 for line in output if line.strip())


def run() -> Iterator[Row]:
    """Medians of interleaved runs, so that a busy moment hits both."""
    for instances, runs in RUNS.items():
        with served(instances) as daemon:
            virsh = ("virsh", "-q", "-c", daemon.uri)
            ours: dict[tuple[str, ...], list[Spent]] = {way: [] for way in WAYS}
            rivals: list[Spent] = []
            for _ in range(runs):
                parts = spent(*virsh, "list", "--all"), spent(*virsh, "domstats")
                rivals.append(
                    Spent(sum(p.wall for p in parts), sum(p.cpu for p in parts), 0, parts[0].lines)
                )
                for way, found in ours.items():
                    words = (sys.executable, "-m", "console", "-c", daemon.uri, "instances", *way)
                    found.append(spent(*words))
        for way, found in ours.items():
            yield from _rows(way, instances, found, rivals)


def _rows(
    way: tuple[str, ...], instances: int, ours: list[Spent], rivals: list[Spent]
) -> Iterator[Row]:
    name = " ".join(("virtdeck instances", *way))
    whole = all(one.status == 0 and one.lines >= instances for one in ours)
    limits = (("wall", WALL[instances]), ("CPU", CPU))
    for kind, limit in limits:
        value, rival = (
            median(one.wall if kind == "wall" else one.cpu for one in found)
            for found in (ours, rivals)
        )
        yield Row(
            "listing",
            f"{name}, {instances:,} instances, whole process, {kind}"
            + ("" if whole else ", INCOMPLETE"),
            value,
            "s",
            rival,
            "virsh list + domstats",
            f"ratio <= {limit:g}",
            whole and value <= limit * rival,
        )
