"""`virtdeck instances` as a whole process, against virsh doing the same."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from statistics import median

from tests.bench.rows import Row
from tests.bench.terminal import ROOT
from tests.driver.private_daemon import PrivateDaemon

RUNS = 5
INSTANCES = 1000


def timed(*command: str) -> float:
    """Seconds of wall time of a command whose output is thrown away."""
    start = time.perf_counter()
    subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - start


def run() -> Iterator[Row]:
    """Medians of interleaved runs, so that a busy moment hits both."""
    ours, rivals = [], []
    with PrivateDaemon(INSTANCES - 1, running=INSTANCES - 1) as daemon:
        virsh = ("virsh", "-c", daemon.uri)
        for _ in range(RUNS):
            rivals.append(timed(*virsh, "list", "--all") + timed(*virsh, "domstats"))
            ours.append(timed(sys.executable, "-m", "console", "-c", daemon.uri, "instances"))
    value, rival = median(ours), median(rivals)
    yield Row(
        "listing",
        f"virtdeck instances, {INSTANCES:,} instances, whole process",
        value,
        "s",
        rival,
        "virsh list + domstats",
        "ratio <= 3",
        value <= 3 * rival,
    )
