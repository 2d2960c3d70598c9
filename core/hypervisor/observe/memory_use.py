"""How a guest uses its memory: how fast it writes, how much it has touched. Runs on a lane thread.

A dirty-rate calculation takes seconds, in QEMU: it is begun by one call and read by another, so
that no lane waits for it.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from core.hypervisor.connection.binding import Connection, libvirt
from core.hypervisor.connection.tolerance import if_supported
from core.hypervisor.observe.preflight import read_job

_MEASURED = 2
"""virDomainDirtyRateStatus of a calculation that is over."""
_MIB = 1 << 20


def read_memory_used(conn: Connection, uuid: str) -> int | None:
    """Return the bytes of memory that a running guest has touched, None: it cannot be told.

    What its balloon driver says, which counts what was freed as touched; without one, what its
    process holds, where that is less than the guest has. It waits for QEMU. Raises libvirtError.
    """
    domain = conn.lookupByUUIDString(uuid)
    figures: dict[str, int] = if_supported(domain.memoryStats, otherwise={})
    unused, held = figures.get("unused"), figures.get("rss")
    given = figures.get("actual") or domain.maxMemory()
    known = [given - unused] if unused is not None else []
    known += [held] if held is not None and held < given else []
    return min(known) * 1024 if known else None


def begin_dirty_rate(conn: Connection, uuid: str, seconds: int) -> bool:
    """Begin to measure how fast a guest writes, over so many seconds; returns whether it does.

    Not where it is off, where this libvirt or QEMU has no such calculation (libvirt 7.2, QEMU
    6.2), nor while a job runs: during a migration its own statistics tell. Raises libvirtError.
    """
    domain = conn.lookupByUUIDString(uuid)
    if not hasattr(libvirt, "VIR_DOMAIN_STATS_DIRTYRATE") or not domain.isActive():
        return False
    busy = if_supported(partial(read_job, conn, uuid), otherwise="not known")
    return not busy and if_supported(partial(_begin, domain, seconds), otherwise=False)


def _begin(domain: Any, seconds: int) -> bool:
    """Start the calculation by sampled pages, which only reads the guest's memory.

    Never by the dirty bitmap (VIR_DOMAIN_DIRTYRATE_MODE_DIRTY_BITMAP), though it is more exact:
    QEMU 7.2 died of it at once, and the guest with it.
    """
    domain.startDirtyRateCalc(max(1, seconds), 0)
    return True


def read_dirty_rate(conn: Connection, uuid: str) -> float | None:
    """Return the bytes per second of the calculation that was begun, None: it is not over.

    Raises libvirtError.
    """
    domain = conn.lookupByUUIDString(uuid)
    ((_, record),) = conn.domainListGetStats([domain], libvirt.VIR_DOMAIN_STATS_DIRTYRATE, 0)
    rate = record.get("dirtyrate.megabytes_per_second")
    if record.get("dirtyrate.calc_status") != _MEASURED or rate is None:
        return None
    return float(rate) * _MIB
