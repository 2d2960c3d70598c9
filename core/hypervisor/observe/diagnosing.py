"""All the figures of one instance, and the load of its host, at one moment. Runs on a lane thread.

Seven calls, and one for each disk; those that ask the instance's process are not made where that
hangs.
"""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import Any

from msgspec.structs import replace

from core.errors import XmlError
from core.hypervisor.connection.binding import Connection, libvirt
from core.hypervisor.connection.tolerance import if_supported, unless_gone
from core.hypervisor.event_words import word
from core.hypervisor.observe.block_jobs import list_block_jobs
from core.hypervisor.observe.diagnostic_figures import read_host_load, read_sample
from core.hypervisor.observe.reading import process_hangs, waits_for_xml
from core.model.diagnostics import DiagnosticSample, InstanceLimits
from core.model.job import JOB_OPERATION
from core.xml.limits import read_limits

_GROUPS = (
    *("STATE", "CPU_TOTAL", "BALLOON", "VCPU", "INTERFACE", "BLOCK", "PERF", "IOTHREAD"),
    *("MEMORY", "VM"),
)
"""Asked for as far as this library and the daemon know them."""
_HARMLESS = ("STATE", "INTERFACE")
"""What libvirt tells without the process."""
_EVERY_CPU = -1
_NO_JOB, _RUNNING_JOB = 0, (1, 2)
"""VIR_DOMAIN_JOB_NONE; _BOUNDED, _UNBOUNDED."""


def read_diagnostics(conn: Connection, uuid: str, at: float) -> DiagnosticSample | None:
    """Read the figures of an instance and of its host; None where it is gone. Raises libvirtError.

    Of one that is off there are those of its host.
    """
    return unless_gone(lambda: _read(conn, conn.lookupByUUIDString(uuid), at))


def _read(conn: Connection, domain: Any, at: float) -> DiagnosticSample:
    active = domain.isActive() == 1
    hangs = active and process_hangs(domain)
    record = _record(conn, domain, _HARMLESS if hangs else _GROUPS) if active else {}
    cpu: dict[str, int] = if_supported(lambda: conn.getCPUStats(_EVERY_CPU, 0), otherwise={})
    memory: dict[str, int] = if_supported(lambda: conn.getMemoryStats(_EVERY_CPU, 0), otherwise={})
    host = read_host_load(cpu or {}, memory or {})
    xml = "" if waits_for_xml(domain) else domain.XMLDesc(0)
    limits = _limits(xml)
    sample = read_sample(record, at, active=active, asked=not hangs, host=host, limits=limits)
    if not sample.answers:
        return sample
    jobs = list_block_jobs(domain, xml, at) if xml else None
    return replace(sample, job=_job(domain), block_jobs=jobs or ())


def _job(domain: Any) -> str:
    stats: dict[str, Any] = if_supported(lambda: domain.jobStats(0), otherwise={})
    running = stats.get("type", _NO_JOB) in _RUNNING_JOB
    return word(JOB_OPERATION, int(stats.get("operation", 0))) if running else ""


def _record(conn: Connection, domain: Any, names: tuple[str, ...]) -> dict[str, Any]:
    known = [getattr(libvirt, f"VIR_DOMAIN_STATS_{name}", 0) for name in names]
    flags = libvirt.VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT
    ((_, record),) = conn.domainListGetStats([domain], reduce(or_, known), flags)
    return dict(record)


def _limits(xml: str) -> InstanceLimits:
    try:
        return read_limits(xml) if xml else InstanceLimits()
    except XmlError:
        return InstanceLimits()
