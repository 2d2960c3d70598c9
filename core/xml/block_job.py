"""Which disks of a running instance may have a block job, and whose copy is ready."""

from __future__ import annotations

from core.xml.tree import attribute, parse


def read_job_disks(xml: str) -> dict[str, bool]:
    """Return the targets of the disks that have a medium, and whether the copy of each is ready.

    `<mirror ready='yes'>` stands for a copy or an active commit that waits for a pivot or an abort.
    Raises XmlError.
    """
    return {
        target: attribute(disk, "ready", "mirror") == "yes"
        for disk in parse(xml, "domain").iterfind("devices/disk")
        if disk.find("source") is not None and (target := attribute(disk, "dev", "target"))
    }
