"""From a change made by somebody else to the repainted line, at a hundred events a second."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator

from core.hypervisor.connection.binding import libvirt
from tests.bench.rows import Row, limited, percentile
from tests.bench.terminal import Terminal
from tests.driver.private_daemon import PrivateDaemon, uuid_of

INSTANCES = 999
EVENTS_PER_SECOND = 100
PROBES = 60
VISIBLE = range(5, 30)
"""Instances that are on the first screen: the probe is taken from these, the load is not."""


def _load(uri: str, stop: threading.Event) -> None:
    """Pause and resume instances that are not on the screen, at a steady rate."""
    connection = libvirt.open(uri)
    domains = [
        connection.lookupByUUIDString(uuid_of(number)) for number in range(100, INSTANCES + 1)
    ]
    paused: set[int] = set()
    started, sent = time.monotonic(), 0
    while not stop.is_set():
        while sent < (time.monotonic() - started) * EVENTS_PER_SECOND:
            number = random.randrange(len(domains))
            (domains[number].resume if number in paused else domains[number].suspend)()
            paused ^= {number}
            sent += 1
        time.sleep(0.002)


def _probe(terminal: Terminal, domain: object, name: str, paused: bool) -> float:
    word = "paused" if paused else "running"
    start = time.monotonic()
    (domain.suspend if paused else domain.resume)()  # type: ignore[attr-defined]

    def painted(lines: list[str]) -> bool:
        return any(name in line and word in line for line in lines)

    seen = terminal.wait(painted, 5)
    return 5.0 if seen is None else time.monotonic() - start


def run() -> Iterator[Row]:
    """p50 and p95 over probes at random moments."""
    stop = threading.Event()
    with (
        PrivateDaemon(INSTANCES, running=INSTANCES) as daemon,
        Terminal(["-m", "console", "-c", daemon.uri]) as terminal,
    ):
        terminal.wait(lambda lines: any("vm0005" in line for line in lines), 30)
        terminal.read_for(5)
        load = threading.Thread(target=_load, args=(daemon.uri, stop), daemon=True)
        load.start()
        prober = libvirt.open(daemon.uri)
        latencies = []
        for probe in range(PROBES):
            terminal.read_for(0.1 + random.random() * 0.3)
            number = VISIBLE[probe // 2 % len(VISIBLE)]
            domain = prober.lookupByUUIDString(uuid_of(number))
            latencies.append(_probe(terminal, domain, f"vm{number:04}", probe % 2 == 0))
        stop.set()
        load.join()
    for percent, limit in ((50, None), (95, 50.0)):
        name = f"event to repainted line, p{percent}, 1,000 instances, 100 events/s"
        yield limited("latency", name, percentile(latencies, percent) * 1000, "ms", limit)
