"""Whether disks that libvirt may take for two hosts' own were seen to be the same. Pure."""

from __future__ import annotations

from core.migration.preflight_case import FullCase
from core.migration.preflight_sharing import disk_sharing, here_of, there_of
from core.migration.preflight_storage import disks_at_stake
from core.model import Disk


def vouched(case: FullCase) -> bool:
    """Whether every disk libvirt would look at was seen to be one file, on one machine.

    One machine has one page cache, so the disks' cache modes do not matter either.
    """
    hosts = [case.state.hosts.get(name) for name in (case.source, case.destination)]
    names = {"" if host is None or host.facts is None else host.facts.hostname for host in hosts}
    # a unix socket may be forwarded from another machine, which has a name of its own
    one_machine = case.here.local and case.there.local and len(names) == 1 and "" not in names
    if not one_machine or case.request.offline:
        return False
    disks = disks_at_stake(case)
    return bool(disks) and all(_one_file(case, disk) for disk in disks)


def _one_file(case: FullCase, disk: Disk) -> bool:
    here = here_of(case, disk.source.path if disk.source is not None else "")
    there = there_of(case, disk)
    seen = bool(here.identity) and here.identity == there.identity
    return seen and bool(disk_sharing(case, disk).same)
