"""The calls that write memory to disk, and how far they are. Run on a lane thread."""

from __future__ import annotations

from core.hypervisor.calls.function import CallFunctions
from core.hypervisor.calls.memory_faults import memory_told
from core.hypervisor.connection.binding import Connection, libvirt
from core.model import ObjectKey
from core.verbs.dumping import CoreDumpCall
from core.verbs.saved import AbortJobCall, RestoreCall, SaveCall, SaveRemoveCall


def save(conn: Connection, subject: ObjectKey, call: SaveCall) -> None:
    """Save an instance's memory (virDomainManagedSave); returns when it is written."""
    flags = libvirt.VIR_DOMAIN_SAVE_BYPASS_CACHE if call.bypass_cache else 0
    then = {
        "as-it-is": 0,
        "running": libvirt.VIR_DOMAIN_SAVE_RUNNING,
        "paused": libvirt.VIR_DOMAIN_SAVE_PAUSED,
    }
    with memory_told():
        conn.lookupByUUIDString(subject.id).managedSave(flags | then[call.then])


def restore(conn: Connection, subject: ObjectKey, _: RestoreCall) -> None:
    """Start an instance from its saved memory (virDomainCreate); returns when it is read."""
    conn.lookupByUUIDString(subject.id).createWithFlags(0)


def remove_saved(conn: Connection, subject: ObjectKey, _: SaveRemoveCall) -> None:
    """Throw saved memory away (virDomainManagedSaveRemove)."""
    conn.lookupByUUIDString(subject.id).managedSaveRemove(0)


def core_dump(conn: Connection, subject: ObjectKey, call: CoreDumpCall) -> None:
    """Write an instance's memory to a file on its host; returns when it is written."""
    formats = {
        "elf": libvirt.VIR_DOMAIN_CORE_DUMP_FORMAT_RAW,
        "kdump-zlib": libvirt.VIR_DOMAIN_CORE_DUMP_FORMAT_KDUMP_ZLIB,
        "kdump-lzo": libvirt.VIR_DOMAIN_CORE_DUMP_FORMAT_KDUMP_LZO,
        "kdump-snappy": libvirt.VIR_DOMAIN_CORE_DUMP_FORMAT_KDUMP_SNAPPY,
        "win-dmp": libvirt.VIR_DOMAIN_CORE_DUMP_FORMAT_WIN_DMP,
    }
    flags = libvirt.VIR_DUMP_MEMORY_ONLY | (libvirt.VIR_DUMP_LIVE if call.live else 0)
    domain = conn.lookupByUUIDString(subject.id)
    domain.coreDumpWithFormat(call.to, formats[call.format], flags)


def abort_job(conn: Connection, subject: ObjectKey, _: AbortJobCall) -> None:
    """End the job that is under way (virDomainAbortJob)."""
    conn.lookupByUUIDString(subject.id).abortJob()


def job_share(conn: Connection, uuid: str) -> float | None:
    """Return how far an instance's job is, 0 to 1; None where there is none, or no telling.

    One that has just begun has no totals yet.
    """
    try:
        stats = conn.lookupByUUIDString(uuid).jobStats()
    except libvirt.libvirtError:
        return None
    for total, left in (("data_total", "data_remaining"), ("memory_total", "memory_remaining")):
        if stats.get(total):
            return float(min(1.0, max(0.0, 1.0 - stats.get(left, 0) / stats[total])))
    return 0.0 if stats.get("type", libvirt.VIR_DOMAIN_JOB_NONE) else None


CALL_FUNCTIONS: CallFunctions = {
    SaveCall: save,
    RestoreCall: restore,
    SaveRemoveCall: remove_saved,
    CoreDumpCall: core_dump,
    AbortJobCall: abort_job,
}
