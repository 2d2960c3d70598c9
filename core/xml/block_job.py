"""What the XML of a running instance tells of block jobs: mirrors, and the numbers of images."""

from __future__ import annotations

from core.model import Value
from core.xml.disk import read_source
from core.xml.tree import Element, attribute, parse


class JobDisk(Value, frozen=True):
    """A disk that has a medium, and so may have a block job."""

    ready: bool = False
    """Its copy, or active commit, waits for a pivot or an abort (`<mirror ready='yes'>`)."""
    mirror: str = ""
    """What it is mirrored to, as a disk's source names it; empty: nothing."""


def read_job_disks(xml: str) -> dict[str, JobDisk]:
    """Return the disks that have a medium, by target. Raises XmlError."""
    return {
        target: JobDisk(attribute(disk, "ready", "mirror") == "yes", _mirror(disk))
        for disk in parse(xml, "domain").iterfind("devices/disk")
        if disk.find("source") is not None and (target := attribute(disk, "dev", "target"))
    }


def read_image_number(xml: str, target: str, path: str) -> str | None:
    """Return by which number libvirt knows an image of a disk now; None: it is not in its chain.

    Numbers grow with each change of the chain and are new after each start (`<source index=>`, or
    `<backingStore index=>` below): they are used at once. Raises XmlError.
    """
    for disk in parse(xml, "domain").iterfind("devices/disk"):
        if attribute(disk, "dev", "target") == target:
            return _number(disk, path)
    return None


def _number(disk: Element, path: str) -> str | None:
    layer: Element | None = disk
    while layer is not None:
        source = read_source(layer)
        if source is not None and source.path == path:
            return attribute(layer, "index") or attribute(layer, "index", "source") or None
        layer = layer.find("backingStore")
    return None


def _mirror(disk: Element) -> str:
    mirror = disk.find("mirror")
    source = None if mirror is None else read_source(mirror)
    return "" if source is None else source.path
