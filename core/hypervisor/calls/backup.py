"""The calls of a backup that QEMU itself writes. Run on a lane thread; raise libvirtError."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from core.errors import HypervisorError, XmlError
from core.hypervisor.calls.agent import guest_with_agent
from core.hypervisor.calls.backup_files import BACKUP_FILES
from core.hypervisor.calls.block import freeze
from core.hypervisor.calls.checkpoint import images_told
from core.hypervisor.calls.file_pool import pool_of_file
from core.hypervisor.calls.function import CallFunctions
from core.hypervisor.connection.binding import Connection, libvirt
from core.hypervisor.connection.tolerance import gone, if_supported
from core.model import ObjectKey
from core.model.job import BACKUP, JOB_TYPE
from core.model.lists import listed
from core.model.sizes import size
from core.model.text import clean
from core.verbs.backup.calls import (
    BackupAbortCall,
    BackupBeginCall,
    BackupConfirmCall,
    BackupFigures,
    BackupPlanCall,
    BackupStatus,
    BackupStatusCall,
    DiskFigures,
)
from core.xml.checkpoint import (
    files_described,
    push_xml,
    read_backup_files,
    read_checkpoint,
    with_description,
)

BROKEN = 109
"""VIR_ERR_CHECKPOINT_INCONSISTENT."""
_ENDED = JOB_TYPE.index("completed")


def plan(conn: Connection, subject: ObjectKey, call: BackupPlanCall) -> BackupFigures:
    """Look whether a backup can be made so; raises HypervisorError where it cannot."""
    domain = conn.lookupByUUIDString(subject.id)
    refuse_second(domain)
    targets = [disk.target for disk in call.disks]
    changed = changed_since(domain, call.since, targets) if call.since else {}
    figures = tuple(
        DiskFigures(disk.target, domain.blockInfo(disk.target)[0], changed.get(disk.target))
        for disk in call.disks
    )
    with pool_of_file(conn, f"{call.folder}/any") as pool:
        pool.refresh(0)
        there = [disk.path for disk in call.disks if _has(pool, disk.path)]
        if there:
            what = f"{listed([clean(path) for path in there])} is there already."
            raise HypervisorError(what, "Choose another name, or another folder.")
        free = int(pool.info()[3])
        if changed and free < sum(changed.values()):
            what = f"no space left: {size(free)} are free where {size(sum(changed.values()))}"
            raise HypervisorError(f"{what} are to be written.", "Free space, or choose a folder.")
    for disk in call.disks:
        if disk.parent:
            _look_for_parent(conn, disk.parent, call.since)
    return BackupFigures(figures)


def refuse_second(domain: Any) -> None:
    """Raise where a backup is under way: libvirt would refuse another after half a minute."""
    stats = domain.jobStats()
    if stats.get("type") and stats.get("operation") == BACKUP:
        raise HypervisorError("A backup of it is under way.", "Wait for its end, or end it.")


def changed_since(domain: Any, since: str, targets: list[str]) -> dict[str, int]:
    """Return what was written to each disk since a checkpoint; raises where that cannot be told."""
    flags = libvirt.VIR_DOMAIN_CHECKPOINT_XML_SIZE | libvirt.VIR_DOMAIN_CHECKPOINT_XML_NO_DOMAIN
    xml = domain.checkpointLookupByName(since).getXMLDesc(flags)
    base = read_checkpoint(xml, judged=True)
    broken = [target for target in targets if target in base.broken]
    if broken:
        raise _broken(since, listed(broken))
    return {disk.target: disk.changed or 0 for disk in base.disks}


def _broken(name: str, disks: str) -> HypervisorError:
    text = f"The checkpoint {clean(name)} is broken: QEMU has no whole bitmap of {disks}."
    cure = f"Take a full backup; delete checkpoint {clean(name)} with those made after it."
    return HypervisorError(text, cure, BROKEN)


def _look_for_parent(conn: Connection, path: str, since: str) -> None:
    try:
        with pool_of_file(conn, path) as pool:
            pool.refresh(0)
            if _has(pool, path):
                return
    except libvirt.libvirtError as error:
        if error.get_error_code() != libvirt.VIR_ERR_SYSTEM_ERROR:  # its folder is not there
            raise
    what = f"{clean(path)} is not there, the backup that was made with {clean(since)}."
    raise HypervisorError(what, "Put it back, or take a full backup.")


def _has(pool: Any, path: str) -> bool:
    name = path.rpartition("/")[2]
    return name in pool.listVolumes()


def begin(conn: Connection, subject: ObjectKey, call: BackupBeginCall) -> None:
    """Have QEMU begin (virDomainBackupBegin), the guest's file systems frozen meanwhile if wanted.

    They are thawed whatever comes: the call fails where they could not be.
    """
    xml = push_xml(call.files, call.without, call.format, call.since)
    checkpoint = call.checkpoint_xml if call.checkpoint else None
    flags = libvirt.VIR_DOMAIN_BACKUP_BEGIN_REUSE_EXTERNAL  # the files were made before
    held = still(conn, subject, quiesce=call.quiesce)
    with held as domain, begun_errors_told(call.since, domain):
        domain.backupBegin(xml, checkpoint, flags)
    in_bytes = libvirt.VIR_DOMAIN_BLOCK_JOB_SPEED_BANDWIDTH_BYTES
    for target, _ in call.files if call.bandwidth else ():
        with suppress(libvirt.libvirtError):  # it is done by now
            domain.blockJobSetSpeed(target, call.bandwidth, in_bytes)


@contextmanager
def still(conn: Connection, subject: ObjectKey, *, quiesce: bool) -> Iterator[Any]:
    """Have a domain, its guest frozen meanwhile where that is wanted, and thawed whatever comes."""
    if not quiesce:
        yield conn.lookupByUUIDString(subject.id)
        return
    domain = guest_with_agent(conn, subject)
    freeze(domain)
    try:
        yield domain
    finally:
        domain.fsThaw(None, 0)


@contextmanager
def begun_errors_told(since: str, domain: Any) -> Iterator[None]:
    """Say what libvirt's usual refusals mean, and what cures them."""
    try:
        with images_told(domain.name()):
            yield
    except libvirt.libvirtError as error:
        code = error.get_error_code()
        if code == BROKEN and since:
            raise _broken(since, "its disks") from None
        if code == libvirt.VIR_ERR_NO_DOMAIN_CHECKPOINT:
            what = f"There is no checkpoint {clean(since)} any more."
            raise HypervisorError(what, "Take a full backup.", code) from None
        raise


def status(conn: Connection, subject: ObjectKey, call: BackupStatusCall) -> BackupStatus:
    """Tell how a backup stands, or how the last one ended (virDomainGetJobStats)."""
    domain = conn.lookupByUUIDString(subject.id)
    now: dict[str, Any] = {}
    if domain.isActive():  # one that is off has no job, and no answer to this
        now = if_supported(domain.jobStats, otherwise={})
    if now.get("type") and now.get("operation") == BACKUP and _writes(domain, call.files):
        total, processed = now.get("disk_total", 0), now.get("disk_processed", 0)
        return BackupStatus(runs=True, total=total, processed=processed)
    flags = libvirt.VIR_DOMAIN_JOB_STATS_COMPLETED | libvirt.VIR_DOMAIN_JOB_STATS_KEEP_COMPLETED
    last: dict[str, Any] = {}
    with suppress(libvirt.libvirtError):
        last = domain.jobStats(flags)
    result = error = ""
    if last.get("operation") == BACKUP and last.get("type", 0) >= _ENDED:
        result, error = JOB_TYPE[last["type"]], clean(str(last.get("errmsg", "")))
    return BackupStatus(
        runs=False, result=result, error=error, checkpoint=_has_checkpoint(domain, call.name)
    )


def _writes(domain: Any, files: tuple[str, ...]) -> bool:
    try:
        return not set(files).isdisjoint(read_backup_files(domain.backupGetXMLDesc(0)))
    except (libvirt.libvirtError, XmlError):  # it has ended meanwhile
        return False


def _has_checkpoint(domain: Any, name: str) -> bool:
    try:
        return domain.checkpointLookupByName(name) is not None
    except libvirt.libvirtError as error:
        if gone(error):
            return False
        raise


def abort(conn: Connection, subject: ObjectKey, _: BackupAbortCall) -> None:
    """End the backup that is under way (virDomainAbortJob)."""
    conn.lookupByUUIDString(subject.id).abortJob()


def confirm(conn: Connection, subject: ObjectKey, call: BackupConfirmCall) -> None:
    """Have a checkpoint say where its backup lies: it is redefined with another description."""
    domain = conn.lookupByUUIDString(subject.id)
    plain = libvirt.VIR_DOMAIN_CHECKPOINT_XML_NO_DOMAIN
    xml = domain.checkpointLookupByName(call.name).getXMLDesc(plain)
    told = with_description(xml, files_described(call.files))
    domain.checkpointCreateXML(told, libvirt.VIR_DOMAIN_CHECKPOINT_CREATE_REDEFINE)


CALL_FUNCTIONS: CallFunctions = {
    BackupPlanCall: plan,
    BackupBeginCall: begin,
    BackupStatusCall: status,
    BackupAbortCall: abort,
    BackupConfirmCall: confirm,
    **BACKUP_FILES,
}
