"""The statistics of a job (virDomainGetJobStats, or JOB_COMPLETED's) as a `JobSample`. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from core.hypervisor.event_words import word
from core.model.forecast import JobSample
from core.model.job import JOB_OPERATION, JOB_TYPE
from core.model.text import clean

_MILLISECONDS = 1000.0
_WHOLE = {
    "memory_bps": "memory_bps",
    "page_size": "memory_page_size",
    "iteration": "memory_iteration",
    "constant": "memory_constant",
    "normal": "memory_normal",
    "normal_bytes": "memory_normal_bytes",
    "disk_bps": "disk_bps",
    "device_processed": "vfio_data_transferred",  # libvirt 10.6
    "throttle": "auto_converge_throttle",
    "post_copy_requests": "memory_postcopy_requests",
    "compression_cache": "compression_cache",
    "compression_bytes": "compression_bytes",
    "compression_misses": "compression_cache_misses",
}
"""Whole numbers that are taken as they are: the sample's field, and libvirt's name."""


def read_sample(raw: Mapping[str, Any], at: float) -> JobSample:
    """Return what was read at `at` (epoch seconds); what `raw` does not hold is None.

    `raw` is libvirt-python's dictionary of the typed parameters VIR_DOMAIN_JOB_*: milliseconds,
    bytes, bytes/s, and pages/s for the dirty rate (libvirt.md 6.3, nova-map 2.6). Keys of newer
    daemons are passed over. In the first second libvirt gives zeros for what it does not know yet:
    a memory of no bytes is not known, nor is what remains of it, nor are disks of no bytes then.
    """
    total = _whole(raw, "memory_total") or None
    disks = _whole(raw, "disk_total") if total else _whole(raw, "disk_total") or None
    sample = JobSample(
        at=at,
        type=word(JOB_TYPE, int(raw.get("type", 0))),
        operation=_operation(raw),
        elapsed=_seconds(raw, "time_elapsed"),
        memory_total=total,
        memory_processed=_whole(raw, "memory_processed") if total else None,
        memory_remaining=_whole(raw, "memory_remaining") if total else None,
        dirty_rate=_dirty_rate(raw),
        disk_total=disks,
        disk_processed=None if disks is None else _whole(raw, "disk_processed"),
        disk_remaining=None if disks is None else _whole(raw, "disk_remaining"),
        downtime=_number(raw, "downtime"),
        downtime_net=_number(raw, "downtime_net"),
        elapsed_net=_seconds(raw, "time_elapsed_net"),
        setup=_number(raw, "setup_time"),
        success=None if (success := raw.get("success")) is None else bool(success),
        error=clean(str(raw.get("errmsg", ""))),
    )
    return replace(sample, **{field: _whole(raw, name) for field, name in _WHOLE.items()})


def _operation(raw: Mapping[str, Any]) -> str:
    number = raw.get("operation")
    return "" if number is None else word(JOB_OPERATION, int(number))


def _whole(raw: Mapping[str, Any], name: str) -> int | None:
    value = raw.get(name)
    return None if value is None else int(value)


def _number(raw: Mapping[str, Any], name: str) -> float | None:
    value = raw.get(name)
    return None if value is None else float(value)


def _seconds(raw: Mapping[str, Any], name: str) -> float | None:
    value = raw.get(name)
    return None if value is None else float(value) / _MILLISECONDS


def _dirty_rate(raw: Mapping[str, Any]) -> float | None:
    """Return bytes/s of libvirt's pages/s; without a page size only a zero means anything."""
    pages = raw.get("memory_dirty_rate")
    size = raw.get("memory_page_size")
    if pages is None or (pages and not size):
        return None
    return float(pages) * float(size or 0)
