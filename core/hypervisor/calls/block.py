"""The calls of block jobs, and of the files they make. Run on a lane thread; raise libvirtError."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from lxml import etree

from core.errors import HypervisorError, XmlError
from core.hypervisor.calls.agent import guest_with_agent
from core.hypervisor.calls.file_pool import pool_of_file
from core.hypervisor.calls.function import CallFunctions
from core.hypervisor.calls.volume_users import user_of
from core.hypervisor.connection.binding import Connection, libvirt
from core.hypervisor.connection.tolerance import gone
from core.model import ObjectKey
from core.model.sizes import size
from core.model.text import clean, printable_name
from core.verbs.block.calls import (
    ALREADY_FROZEN,
    BlockAbortCall,
    BlockCommitCall,
    BlockCopyCall,
    BlockPivotCall,
    BlockPullCall,
    BlockSpeedCall,
    CopyFinishCall,
    CopyRemoveCall,
    PoolLookCall,
    ReleaseCall,
    RoomCall,
    SlowDownCall,
)
from core.xml.block_job import read_image_number


def pull(conn: Connection, subject: ObjectKey, call: BlockPullCall) -> None:
    """Begin a pull (virDomainBlockRebase); returns when it has begun."""
    domain = conn.lookupByUUIDString(subject.id)
    base = _image(domain, call.disk, call.base) if call.base else None
    flags = libvirt.VIR_DOMAIN_BLOCK_REBASE_BANDWIDTH_BYTES
    domain.blockRebase(call.disk, base, call.bandwidth, flags)


def commit(conn: Connection, subject: ObjectKey, call: BlockCommitCall) -> None:
    """Begin a commit (virDomainBlockCommit); returns when it has begun."""
    domain = conn.lookupByUUIDString(subject.id)
    flags = libvirt.VIR_DOMAIN_BLOCK_COMMIT_BANDWIDTH_BYTES
    base = _image(domain, call.disk, call.base)
    top = _image(domain, call.disk, call.top) if call.top else None
    if top is None:
        flags |= libvirt.VIR_DOMAIN_BLOCK_COMMIT_ACTIVE
    domain.blockCommit(call.disk, base, top, call.bandwidth, flags)


def copy(conn: Connection, subject: ObjectKey, call: BlockCopyCall) -> None:
    """Begin a copy to a new file or a device (virDomainBlockCopy); returns when it has begun."""
    disk = etree.Element("disk", type="block" if call.device else "file")
    etree.SubElement(disk, "driver", name="qemu", type=call.format)
    etree.SubElement(disk, "source", {"dev" if call.device else "file": call.to})
    flags = libvirt.VIR_DOMAIN_BLOCK_COPY_TRANSIENT_JOB
    if call.shallow:
        flags |= libvirt.VIR_DOMAIN_BLOCK_COPY_SHALLOW
    if call.synchronous:
        flags |= libvirt.VIR_DOMAIN_BLOCK_COPY_SYNCHRONOUS_WRITES
    limit = {libvirt.VIR_DOMAIN_BLOCK_COPY_BANDWIDTH: call.bandwidth} if call.bandwidth else {}
    domain = conn.lookupByUUIDString(subject.id)
    domain.blockCopy(call.disk, etree.tostring(disk, encoding="unicode"), limit, flags)


def set_speed(conn: Connection, subject: ObjectKey, call: BlockSpeedCall) -> None:
    """Limit a block job (virDomainBlockJobSetSpeed)."""
    flags = libvirt.VIR_DOMAIN_BLOCK_JOB_SPEED_BANDWIDTH_BYTES
    conn.lookupByUUIDString(subject.id).blockJobSetSpeed(call.disk, call.bandwidth, flags)


def pivot(conn: Connection, subject: ObjectKey, call: BlockPivotCall) -> None:
    """Have a disk go on on what it is mirrored to; returns when it does."""
    flags = libvirt.VIR_DOMAIN_BLOCK_JOB_ABORT_PIVOT
    conn.lookupByUUIDString(subject.id).blockJobAbort(call.disk, flags)


def abort(conn: Connection, subject: ObjectKey, call: BlockAbortCall) -> None:
    """End a block job (virDomainBlockJobAbort); returns when it has ended."""
    conn.lookupByUUIDString(subject.id).blockJobAbort(call.disk, 0)


def finish(conn: Connection, subject: ObjectKey, call: CopyFinishCall) -> None:
    """End a copy that is equal, the guest's file systems frozen meanwhile where that is wanted.

    They are thawed whatever comes: the call fails where they could not be.
    """
    if not call.quiesce:
        conn.lookupByUUIDString(subject.id).blockJobAbort(call.disk, 0)
        return
    domain = guest_with_agent(conn, subject)
    freeze(domain)
    try:
        domain.blockJobAbort(call.disk, 0)
    finally:
        domain.fsThaw(None, 0)


def freeze(domain: Any) -> None:
    """Freeze a guest, wholly or not at all; raises libvirtError, HypervisorError."""
    try:
        domain.fsFreeze(None, 0)
    except libvirt.libvirtError as error:
        if "frozen state" in str(error):  # the agent takes no other command then
            text = f"{ALREADY_FROZEN}: nothing was ended."
            raise HypervisorError(text, "Thaw it first, or leave quiesce out.") from None
        with suppress(libvirt.libvirtError):  # some of its file systems may be frozen
            domain.fsThaw(None, 0)
        raise


def slow_down(conn: Connection, subject: ObjectKey, call: SlowDownCall | ReleaseCall) -> None:
    """Limit how fast a guest writes to a disk, or no longer (virDomainSetBlockIoTune)."""
    write = call.write if isinstance(call, SlowDownCall) else 0
    limits = {libvirt.VIR_DOMAIN_BLOCK_IOTUNE_WRITE_BYTES_SEC: write}
    domain = conn.lookupByUUIDString(subject.id)
    domain.setBlockIoTune(call.disk, limits, libvirt.VIR_DOMAIN_AFFECT_LIVE)


def look_for_room(conn: Connection, _: ObjectKey, call: RoomCall) -> None:
    """Raise HypervisorError where a file has no room to grow; silent where that cannot be told."""
    try:
        with pool_of_file(conn, call.path) as pool:
            pool.refresh(0)
            free = int(pool.info()[3])
    except libvirt.libvirtError:
        return
    if free < call.needed:
        raise HypervisorError(
            f"no space left: {size(free)} are free where {size(call.needed)} more were to be "
            "written."
        )


def remove_copy(conn: Connection, _: ObjectKey, call: CopyRemoveCall) -> None:
    """Delete a file (virStorageVolDelete), unless it is not there, or an instance uses it."""
    if user := user_of(conn, {call.path}):
        text = f"{printable_name(call.path)} is used by {clean(user)}: it is left alone."
        raise HypervisorError(text, f"See what {clean(user)} writes to before you remove it.")
    with pool_of_file(conn, call.path) as pool:
        pool.refresh(0)
        try:
            pool.storageVolLookupByName(call.path.rpartition("/")[2]).delete(0)
        except libvirt.libvirtError as error:
            if not gone(error):
                raise


def look_at_pool(conn: Connection, _: ObjectKey, call: PoolLookCall) -> None:
    """Have libvirt look at a pool again (virStoragePoolRefresh); its event tells everybody."""
    conn.storagePoolLookupByName(call.pool).refresh(0)


def _image(domain: Any, disk: str, path: str) -> str:
    """Return an image of a disk's chain as libvirt is told it, by the number it has now."""
    try:
        number = read_image_number(domain.XMLDesc(0), disk, path)
    except XmlError:
        number = None
    if number is None:
        raise HypervisorError(
            f"{path} is not in the chain of {disk} any more.", "Look at its disks, and ask again."
        )
    return f"{disk}[{number}]"


CALL_FUNCTIONS: CallFunctions = {
    BlockPullCall: pull,
    BlockCommitCall: commit,
    BlockCopyCall: copy,
    BlockSpeedCall: set_speed,
    BlockPivotCall: pivot,
    BlockAbortCall: abort,
    CopyFinishCall: finish,
    SlowDownCall: slow_down,
    ReleaseCall: slow_down,
    RoomCall: look_for_room,
    CopyRemoveCall: remove_copy,
    PoolLookCall: look_at_pool,
}
