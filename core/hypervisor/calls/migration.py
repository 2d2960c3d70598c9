"""The calls behind live migration. Run on a lane thread; raise libvirtError.

Only `migrate` takes long. The others return in milliseconds, but for a hypervisor process that
hangs: then libvirt gives up after 30 s (libvirt.md 2.5), which is why each has a deadline.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from core.hypervisor.connection.binding import Connection, libvirt
from core.hypervisor.connection.tolerance import gone, if_supported, unsupported
from core.hypervisor.job_stats import read_sample
from core.model import JobSample, Limits

_UNLIMITED = 1 << 40
"""MiB/s from which libvirt's "no limit" begins: it says 8796093022207."""


def migrate(
    conn: Connection, uuid: str, uri: str, parameters: Mapping[str, Any], flags: int
) -> None:
    """Migrate (virDomainMigrateToURI3); returns when it is over. Peer to peer, it survives us."""
    conn.lookupByUUIDString(uuid).migrateToURI3(uri, dict(parameters), flags)


def job(conn: Connection, uuid: str) -> JobSample | None:
    """Read the job of an instance now; `type` is none where there is none. None: it is gone.

    A destination refuses (code 84) while an instance comes in: that reads as no job. So does
    "migration was active, but no RAM info was set" (nova-map 2.5).
    """
    at = time.time()
    try:
        domain = conn.lookupByUUIDString(uuid)
        return read_sample(domain.jobStats(0), at)
    except libvirt.libvirtError as error:
        if gone(error):
            return None
        code = error.get_error_code()
        no_figures = "no RAM info was set" in (error.get_error_message() or "")
        if unsupported(error) or code == libvirt.VIR_ERR_OPERATION_INVALID or no_figures:
            return JobSample(at=at, type="none")
        raise


def completed_job(conn: Connection, uuid: str) -> JobSample | None:
    """Read the record of the job that ended last, and leave it there; None where there is none.

    Of a pre-copy migration the destination keeps it, the source only if the instance is still
    defined; of a post-copy one nobody (libvirt.md 6.3).
    """
    flags = libvirt.VIR_DOMAIN_JOB_STATS_COMPLETED | libvirt.VIR_DOMAIN_JOB_STATS_KEEP_COMPLETED
    try:
        raw = conn.lookupByUUIDString(uuid).jobStats(flags)
    except libvirt.libvirtError as error:
        if gone(error) or unsupported(error):
            return None
        raise
    sample = read_sample(raw, time.time())
    return None if sample.type == "none" else sample


def migrating(conn: Connection, uuids: tuple[str, ...], seconds: float) -> dict[str, bool]:
    """Tell which of these instances a migration out runs on, as far as `seconds` go.

    One call each: for a look when a host comes into view, never on a timer.
    """
    end, found = time.monotonic() + seconds, {}
    for uuid in uuids:
        sample = job(conn, uuid)
        found[uuid] = sample is not None and is_migration(sample)
        if time.monotonic() >= end:
            break
    return found


def is_migration(sample: JobSample) -> bool:
    """Whether a reading is of a migration out that goes on."""
    return sample.type in ("bounded", "unbounded") and sample.operation == "migration-out"


def abort(conn: Connection, uuid: str, *, post_copy: bool = False) -> None:
    """Abort the job (virDomainAbortJob); with `post_copy` pause a post-copy (code 55 else)."""
    domain = conn.lookupByUUIDString(uuid)
    if post_copy:
        domain.abortJobFlags(libvirt.VIR_DOMAIN_ABORT_JOB_POSTCOPY)
    else:
        domain.abortJob()


def start_post_copy(conn: Connection, uuid: str) -> None:
    """Switch a migration to post-copy (virDomainMigrateStartPostCopy)."""
    conn.lookupByUUIDString(uuid).migrateStartPostCopy(0)


def set_max_downtime(conn: Connection, uuid: str, milliseconds: int) -> None:
    """Set how long the guest may stand still (virDomainMigrateSetMaxDowntime).

    It sticks: the next migration of the same process begins with it.
    """
    conn.lookupByUUIDString(uuid).migrateSetMaxDowntime(milliseconds, 0)


def set_bandwidth(conn: Connection, uuid: str, mib: int, *, post_copy: bool = False) -> None:
    """Set the bandwidth in MiB/s, 0 for no limit (virDomainMigrateSetMaxSpeed)."""
    flags = libvirt.VIR_DOMAIN_MIGRATE_MAX_SPEED_POSTCOPY if post_copy else 0
    # 0 is no limit at the start of a migration, and "as slow as can be" for the setter in pre-copy
    value = mib if mib or post_copy else _most()
    conn.lookupByUUIDString(uuid).migrateSetMaxSpeed(value, flags)


def _most() -> int:
    """The largest bandwidth libvirt takes: what it names itself when there is no limit."""
    return ((1 << 63) - 1) >> 20


def suspend(conn: Connection, uuid: str) -> None:
    """Pause the guest, so that nothing is written anew (virDomainSuspend)."""
    conn.lookupByUUIDString(uuid).suspend()


def limits(conn: Connection, uuid: str) -> Limits:
    """Read what is in force. Libvirt that cannot tell leaves a value unknown."""
    domain = conn.lookupByUUIDString(uuid)
    flag = libvirt.VIR_DOMAIN_MIGRATE_MAX_SPEED_POSTCOPY
    return Limits(
        max_downtime=_tolerant(lambda: float(domain.migrateGetMaxDowntime(0))),
        bandwidth=_tolerant(lambda: _bandwidth(domain.migrateGetMaxSpeed(0))),
        post_copy_bandwidth=_tolerant(lambda: _bandwidth(domain.migrateGetMaxSpeed(flag))),
    )


def _tolerant(call: Callable[[], float | None]) -> float | None:
    try:
        return if_supported(call, otherwise=None)
    except libvirt.libvirtError as error:
        if error.get_error_code() == libvirt.VIR_ERR_OPERATION_INVALID:  # in post-copy
            return None
        raise


def _bandwidth(mib: int) -> float:
    return 0.0 if mib >= _UNLIMITED else float(mib)


def read_xml(conn: Connection, uuid: str) -> tuple[str, str]:
    """Read the migratable XML of a running instance and that of its next start.

    Both hold the secrets of the domain (a VNC password would be lost else): they go to the
    destination, and nowhere else. The second is empty for a transient instance.
    """
    domain = conn.lookupByUUIDString(uuid)
    flags = libvirt.VIR_DOMAIN_XML_MIGRATABLE | libvirt.VIR_DOMAIN_XML_SECURE
    live = domain.XMLDesc(flags)
    if not domain.isPersistent():
        return live, ""
    return live, domain.XMLDesc(flags | libvirt.VIR_DOMAIN_XML_INACTIVE)


def set_autostart(conn: Connection, uuid: str) -> None:
    """Have an instance started with its host: migration does not carry that over."""
    conn.lookupByUUIDString(uuid).setAutostart(1)


def undefine(conn: Connection, uuid: str) -> None:
    """Remove the definition of an instance that has moved away, as UNDEFINE_SOURCE does.

    Its NVRAM and TPM state are kept, for libvirt may not have copied them. Nothing is done to one
    that is on.
    """
    domain = conn.lookupByUUIDString(uuid)
    if domain.isActive():
        return
    flags = libvirt.VIR_DOMAIN_UNDEFINE_KEEP_NVRAM
    flags |= getattr(libvirt, "VIR_DOMAIN_UNDEFINE_KEEP_TPM", 0)  # libvirt 8.9
    domain.undefineFlags(flags)


def agent_answers(conn: Connection, uuid: str, seconds: int) -> bool | None:
    """Ask the guest agent for a sign of life; None where the driver cannot ask.

    virDomainGetTime is the cheapest question every agent knows.
    """
    domain = conn.lookupByUUIDString(uuid)
    try:
        domain.agentSetResponseTimeout(seconds, 0)
        domain.getTime()
    except libvirt.libvirtError as error:
        if error.get_error_code() == libvirt.VIR_ERR_AGENT_UNRESPONSIVE:
            return False
        return None
    return True
