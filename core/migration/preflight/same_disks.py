"""Whether disks that libvirt may take for two hosts' own were seen to be the same. Pure."""

from __future__ import annotations

from core.migration.preflight.case import FullCase
from core.migration.preflight.sharing import disk_sharing, here_of, there_of
from core.migration.preflight.storage import disks_at_stake
from core.model import Disk


def vouched(case: FullCase) -> bool:
    """Whether every disk libvirt would look at was seen to be one file, on one machine.

    One machine has one page cache, so the disks' cache modes do not matter either.
    """
    if not case.one_kernel or case.request.offline:
        return False
    disks = disks_at_stake(case)
    return bool(disks) and all(_one_file(case, disk) for disk in disks)


def _one_file(case: FullCase, disk: Disk) -> bool:
    here = here_of(case, disk.source.path if disk.source is not None else "")
    there = there_of(case, disk)
    seen = bool(here.identity) and here.identity == there.identity
    return seen and bool(disk_sharing(case, disk).same)
