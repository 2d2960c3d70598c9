"""Figures that are read of an instance because somebody asks why it is slow."""

from __future__ import annotations

from collections.abc import Mapping

from core.clock import Clock
from core.errors import NotFoundError
from core.fleet_links import host_named
from core.hypervisor.session import Hypervisor
from core.model import ObjectKey
from core.model.diagnostics import DiagnosticSample

DEADLINE = 8.0
"""Seconds one sample may take; a process that hangs is not asked."""


class FleetDiagnostics:
    """A `core.source.Diagnostics`. On the core's asyncio loop only."""

    def __init__(self, hosts: Mapping[str, Hypervisor], clock: Clock) -> None:
        self._hosts = hosts
        self._clock = clock

    async def sample(self, key: ObjectKey) -> DiagnosticSample:
        """Read all figures of an instance and of its host, now, on an operation lane.

        Raises NotFoundError, UnreachableError, DeadlineError.
        """
        from core.hypervisor.observe.diagnosing import read_diagnostics

        host = host_named(self._hosts, key.host)
        sample = await host.call(
            lambda conn: read_diagnostics(conn, key.id, self._clock.now()), deadline=DEADLINE
        )
        if sample is None:
            raise NotFoundError(f"There is no such instance on {key.host} any more.")
        return sample

    async def dirty_rate(self, key: ObjectKey, memory: int) -> float | None:
        """Measure how fast a running guest of so many bytes writes to its memory, bytes a second.

        It takes some seconds, in QEMU. None where it cannot be measured: it is off, a job runs, or
        this hypervisor has no such calculation. Raises NotFoundError.
        """
        from core.migration.execution.measure import measure

        use = await measure(host_named(self._hosts, key.host), key.id, memory)
        return use.rates[-1].rate if use.rates else None
