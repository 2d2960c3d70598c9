"""The checkpoints of one instance, and whether a backup of it is under way. Runs on a lane thread.

libvirt (to 12) has no call for those of several instances, and no event for any.
"""

from __future__ import annotations

from typing import Any

from core.errors import XmlError
from core.hypervisor.connection.binding import Connection, libvirt
from core.hypervisor.connection.tolerance import gone, if_supported, unless_gone
from core.hypervisor.observe.reading import process_hangs
from core.model.checkpoint import Checkpoint
from core.model.job import BACKUP
from core.model.text import printable_name
from core.xml.checkpoint import read_checkpoint


def read_checkpoints_of(conn: Connection, uuid: str) -> tuple[Checkpoint, ...] | None:
    """Read the checkpoints of an instance, parents first; None when there is no such instance.

    Three calls and one for each. Raises libvirtError.
    """
    return unless_gone(lambda: list_checkpoints(conn.lookupByUUIDString(uuid)))


def list_checkpoints(domain: Any) -> tuple[Checkpoint, ...]:
    """Read the checkpoints of a domain, with what was written since each where its QEMU answers.

    A driver that knows none has none. Raises libvirtError.
    """
    flags = libvirt.VIR_DOMAIN_CHECKPOINT_LIST_TOPOLOGICAL
    handles: list[Any] = if_supported(lambda: domain.listAllCheckpoints(flags), otherwise=[])
    if not handles:
        return ()
    asks = domain.isActive() == 1 and not process_hangs(domain)
    return tuple(one for handle in handles if (one := _read(handle, asks)) is not None)


def _read(handle: Any, asks: bool) -> Checkpoint | None:
    """Read one; None when it was deleted meanwhile."""
    plain = libvirt.VIR_DOMAIN_CHECKPOINT_XML_NO_DOMAIN
    name = handle.getName()
    try:
        if asks:
            try:
                sized = handle.getXMLDesc(plain | libvirt.VIR_DOMAIN_CHECKPOINT_XML_SIZE)
                return read_checkpoint(sized, judged=True)
            except libvirt.libvirtError as error:
                if gone(error):
                    return None
        xml = handle.getXMLDesc(plain)  # it went off meanwhile, or its QEMU is busy
        return read_checkpoint(xml)
    except libvirt.libvirtError as error:
        if gone(error):
            return None
        raise
    except XmlError:
        return Checkpoint(printable_name(name))


def backup_runs(conn: Connection, uuid: str) -> bool | None:
    """Tell whether a backup of an instance is under way; None where there is no telling.

    Two calls: of one that is under way jobInfo alone does not tell the kind. Raises libvirtError.
    """

    def told() -> bool | None:
        domain = conn.lookupByUUIDString(uuid)
        stats = if_supported(domain.jobStats, otherwise=None)
        if stats is None:
            return None
        return bool(stats.get("type")) and stats.get("operation") == BACKUP

    try:
        return unless_gone(told)
    except libvirt.libvirtError as error:
        if error.get_error_code() == libvirt.VIR_ERR_OPERATION_INVALID:
            return False  # it is off
        raise
