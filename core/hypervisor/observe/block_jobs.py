"""The block jobs that run on the disks of one instance. Runs on a lane thread."""

from __future__ import annotations

from typing import Any

from core.errors import XmlError
from core.hypervisor.connection.binding import Connection, libvirt
from core.hypervisor.connection.tolerance import unless_gone, unsupported
from core.hypervisor.event_words import BLOCK_JOB_TYPE, word
from core.hypervisor.observe.reading import process_hangs
from core.model.run import BlockJob, BlockJobState
from core.xml.block_job import read_job_disks


def read_block_jobs_of(conn: Connection, uuid: str, at: float) -> tuple[BlockJob, ...] | None:
    """Read the block jobs of an instance; None where that is not known.

    Four calls and one for each disk. Raises libvirtError.
    """

    def read() -> tuple[BlockJob, ...] | None:
        domain = conn.lookupByUUIDString(uuid)
        if domain.isActive() != 1:
            return ()
        if process_hangs(domain):
            return None
        return list_block_jobs(domain, domain.XMLDesc(0), at)

    return unless_gone(read)


def list_block_jobs(domain: Any, xml: str, at: float) -> tuple[BlockJob, ...] | None:
    """Read the block jobs of a running domain, a call for each disk; None where it cannot be told.

    Whether a copy is ready is only in the domain's XML: that it has caught up (cur and end are the
    same) does not say so. Each call waits for the hypervisor process. Raises libvirtError.
    """
    try:
        disks = read_job_disks(xml)
    except XmlError:
        return None
    found = []
    in_bytes = libvirt.VIR_DOMAIN_BLOCK_JOB_INFO_BANDWIDTH_BYTES
    for target, disk in disks.items():
        try:
            told = domain.blockJobInfo(target, in_bytes)
        except libvirt.libvirtError as error:
            if error.get_error_code() == libvirt.VIR_ERR_INVALID_ARG:
                continue  # the disk was detached meanwhile
            if error.get_error_code() == libvirt.VIR_ERR_OPERATION_INVALID:
                return ()  # by now it is off
            if unsupported(error):
                return None
            raise
        if told:  # no job: nothing, or an empty dictionary
            found.append(
                BlockJob(
                    disk=target,
                    type=word(BLOCK_JOB_TYPE, int(told["type"])),
                    state=BlockJobState.READY if disk.ready else BlockJobState.RUNNING,
                    since=at,
                    at=at,
                    current=int(told["cur"]),
                    end=int(told["end"]),
                    bandwidth=int(told["bandwidth"]),
                    target=disk.mirror,
                )
            )
    return tuple(found)
