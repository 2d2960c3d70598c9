"""Checkpoints and backups: read from libvirt's XML, and written for it. Pure.

The description of a checkpoint of virtdeck's says where its backup lies, a disk a line: that is
what the next increment is based on, from whichever console it is asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from core.model.checkpoint import Checkpoint, CheckpointDisk
from core.xml.tree import Element, attribute, exact, number, paragraph, parse, text

OURS = "Backup by virtdeck"
UNFINISHED = f"{OURS}, not finished"
BITMAP = "virtdeck-changed"
"""What a pull calls the bitmap of what was written since its checkpoint."""


def read_checkpoint(xml: str, *, judged: bool = False) -> Checkpoint:
    """Return the checkpoint that a `<domaincheckpoint>` describes. Raises XmlError.

    `judged`: QEMU was asked for sizes. libvirt tells none for a bitmap that is missing or not
    whole.
    """
    root = parse(xml, "domaincheckpoint")
    described = paragraph(root, "description")
    first, *lines = described.splitlines() or [""]
    ours = first in (OURS, UNFINISHED)
    files = dict(line.split("=", 1) for line in lines if "=" in line) if ours else {}
    created = number(text(root, "creationTime"))
    return Checkpoint(
        name=exact(root, "name"),
        parent=exact(root, "parent/name"),
        created=None if created is None else float(created),
        description="" if ours else described,
        disks=tuple(
            _disk(disk, files, judged)
            for disk in root.iterfind("disks/disk")
            if attribute(disk, "checkpoint") == "bitmap"
        ),
        unfinished=first == UNFINISHED,
        judged=judged,
    )


def _disk(disk: Element, files: Mapping[str, str], judged: bool) -> CheckpointDisk:
    target, changed = attribute(disk, "name"), number(attribute(disk, "size"))
    return CheckpointDisk(
        target,
        attribute(disk, "bitmap"),
        changed,
        files.get(target, ""),
        broken=judged and changed is None,
    )


def read_backup_files(xml: str) -> tuple[str, ...]:
    """Return the files of the backup under way (`<domainbackup>`): targets, or scratches of a pull.

    Raises XmlError.
    """
    disks = parse(xml, "domainbackup").findall("disks/disk")
    found = (attribute(disk, "file", part) for disk in disks for part in ("target", "scratch"))
    return tuple(path for path in found if path)


def files_described(files: Iterable[tuple[str, str]]) -> str:
    """Return the description of a checkpoint whose backup is whole: target and file of each."""
    return "\n".join([OURS, *(f"{target}={path}" for target, path in files)])


def with_description(xml: str, description: str) -> str:
    """Return a `<domaincheckpoint>` with another description. Raises XmlError."""
    from lxml import etree  # see core.xml.tree

    root = parse(xml, "domaincheckpoint", verbatim=True)
    found = root.find("description")
    if found is None:
        found = etree.SubElement(root, "description")
    found.text = description
    return etree.tostring(root, encoding="unicode")


def checkpoint_xml(
    name: str, targets: Sequence[str], without: Sequence[str], description: str
) -> str:
    """Return a `<domaincheckpoint>` of these disks, and not of those."""
    from lxml import etree

    root = etree.Element("domaincheckpoint")
    etree.SubElement(root, "name").text = name
    if description:
        etree.SubElement(root, "description").text = description
    disks = etree.SubElement(root, "disks")
    for target in targets:
        etree.SubElement(disks, "disk", name=target, checkpoint="bitmap")
    for target in without:
        etree.SubElement(disks, "disk", name=target, checkpoint="no")
    return etree.tostring(root, encoding="unicode")


def leftover_xml(name: str, target: str, without: Sequence[str], created: int) -> str:
    """Return the `<domaincheckpoint>` that takes up the bitmap of one disk that it has already."""
    from lxml import etree

    root = etree.fromstring(checkpoint_xml(name, [target], without, ""))
    etree.SubElement(root, "creationTime").text = str(created)
    for disk in root.iterfind("disks/disk[@checkpoint='bitmap']"):
        disk.set("bitmap", name)
    return etree.tostring(root, encoding="unicode")


def push_xml(
    files: Sequence[tuple[str, str]], without: Sequence[str], format_: str, since: str
) -> str:
    """Return a `<domainbackup>` that writes the target and file of each disk, and no other."""
    from lxml import etree

    root = etree.Element("domainbackup", mode="push")
    if since:
        etree.SubElement(root, "incremental").text = since
    disks = etree.SubElement(root, "disks")
    for target, path in files:
        disk = etree.SubElement(disks, "disk", name=target, backup="yes", type="file")
        etree.SubElement(disk, "driver", type=format_)
        etree.SubElement(disk, "target", file=path)
    for target in without:
        etree.SubElement(disks, "disk", name=target, backup="no")
    return etree.tostring(root, encoding="unicode")


def pull_xml(
    scratches: Sequence[tuple[str, str]], without: Sequence[str], server: str, since: str
) -> str:
    """Return a `<domainbackup>` that serves disks over NBD: target and scratch file of each.

    `server` is `unix:PATH` or `tcp:ADDRESS:PORT`. Each disk is an export of its target's name.
    """
    from lxml import etree

    root = etree.Element("domainbackup", mode="pull")
    if since:
        etree.SubElement(root, "incremental").text = since
    kind, _, place = server.partition(":")
    if kind == "unix":
        etree.SubElement(root, "server", transport="unix", socket=place)
    else:
        address, _, port = place.rpartition(":")
        etree.SubElement(root, "server", transport="tcp", name=address, port=port)
    disks = etree.SubElement(root, "disks")
    for target, scratch in scratches:
        disk = etree.SubElement(
            disks, "disk", name=target, backup="yes", type="file", exportname=target
        )
        if since:
            disk.set("exportbitmap", BITMAP)
        etree.SubElement(disk, "driver", type="qcow2")
        etree.SubElement(disk, "scratch", file=scratch)
    for target in without:
        etree.SubElement(disks, "disk", name=target, backup="no")
    return etree.tostring(root, encoding="unicode")
