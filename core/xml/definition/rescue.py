"""The definition that boots an instance from a rescue image, with all of its disks in place. Pure.

The original goes into the metadata of that definition, without its secrets: whatever console ends
the rescue, with whatever journal, finds it there. Measured (lifecycle.md 6): per-device orders and
`<os><boot>` exclude each other; a kernel in `<os>` wins over both; an IDE CD-ROM is none on q35, a
virtio one is none at all.
"""

from __future__ import annotations

import string
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from core.errors import XmlError
from core.xml.definition.text import child, written
from core.xml.instance import RESCUE
from core.xml.tree import Element, attribute, children, number, parse, text

_ORIGINAL = f"{{{RESCUE}}}rescue"
_WINS = ("kernel", "initrd", "cmdline", "boot")
"""What in `<os>` decides what is booted, before any order of devices."""
_PREFIX = {"virtio": "vd", "scsi": "sd", "sata": "sd", "usb": "sd", "ide": "hd", "xen": "xvd"}
_MOST_IDE = 4


@dataclass(frozen=True, slots=True)
class RescueDisk:
    """What is booted from."""

    source: str
    """A path on the host, or POOL/VOLUME."""
    device: Literal["disk", "cdrom"]
    format: str
    """`raw`, `qcow2`."""
    bus: str = ""
    """Empty: the first that this machine boots such a device from."""


def is_rescue(domain: Element) -> bool:
    """Whether a definition is that of a rescue."""
    return domain.find(f"metadata/{_ORIGINAL}") is not None


def original_of(document: str) -> str | None:
    """Return the definition that a rescue keeps; None: it is none. Raises XmlError."""
    found = parse(document, "domain", verbatim=True).find(f"metadata/{_ORIGINAL}")
    return None if found is None or not found.text else found.text


def rescue_document(document: str, disk: RescueDisk) -> str:
    """Return the definition of a rescue. Raises XmlError where there is no place for the disk."""
    root = parse(document, "domain", verbatim=True)
    if is_rescue(root):
        raise XmlError("It is in rescue already.", "Take it out of that first: unrescue.")
    metadata = root.find("metadata")
    if metadata is None:
        metadata = child(root, "metadata")
    _keep(metadata, document)
    _boot_by_devices(root)
    devices = root.find("devices")
    if devices is None:
        devices = child(root, "devices")
    _add(root, devices, disk)
    return written(root)


def _keep(metadata: Element, document: str) -> None:
    from lxml import etree  # see core.xml.tree

    kept = etree.SubElement(metadata, _ORIGINAL, nsmap={"rescue": RESCUE})
    kept.text = document


def _boot_by_devices(root: Element) -> None:
    """Have the devices' own order decide: the disks keep theirs, behind the rescue disk."""
    system = root.find("os")
    if system is not None:
        for element in children(system):
            if element.tag in _WINS:
                system.remove(element)
    orders = [one for one in root.iterfind("devices/*/boot") if one.get("order")]
    for place, order in enumerate(sorted(orders, key=_order), 2):
        order.set("order", str(place))
    if not orders:
        for place, disk in enumerate(root.iterfind("devices/disk"), 2):
            child(disk, "boot", order=str(place))


def _order(boot: Element) -> int:
    return number(attribute(boot, "order")) or 0


def _add(root: Element, devices: Element, disk: RescueDisk) -> None:
    bus = disk.bus or _bus_for(root, disk.device)
    if disk.device == "cdrom" and bus == "virtio":
        raise XmlError("A CD-ROM is none on virtio.", "Choose sata, scsi or usb.")
    target = _free_target(devices, bus)
    made = child(devices, "disk", type=_kind(disk.source), device=disk.device)
    child(made, "driver", name="qemu", type=disk.format)
    if made.get("type") == "volume":
        pool, _, volume = disk.source.partition("/")
        child(made, "source", pool=pool, volume=volume)
    else:
        child(made, "source", **{"dev" if made.get("type") == "block" else "file": disk.source})
    child(made, "target", dev=target, bus=bus)
    if disk.device == "cdrom":
        child(made, "readonly")
    child(made, "boot", order="1")
    if bus == "scsi" and not any(_is_scsi(one) for one in devices.iterfind("controller")):
        child(devices, "controller", type="scsi", model="virtio-scsi")


def _is_scsi(controller: Element) -> bool:
    return controller.get("type") == "scsi"


def _kind(source: str) -> str:
    if source.startswith("/"):
        return "block" if source.startswith("/dev/") else "file"
    return "volume"


def _bus_for(root: Element, device: str) -> str:
    """Return a bus that firmware of this machine boots such a device from."""
    machine = attribute(root, "machine", "os/type")
    if device == "disk":
        buses = (one.get("bus") for one in root.iterfind("devices/disk[@device='disk']/target"))
        return next((bus for bus in buses if bus in _PREFIX), "virtio")
    if "q35" in machine:
        return "sata"
    used = sum(1 for one in root.iterfind("devices/disk/target") if one.get("bus") == "ide")
    i440fx = machine.startswith("pc") and text(root, "os/type") in ("hvm", "")
    return "ide" if i440fx and used < _MOST_IDE else "scsi"


def _free_target(devices: Element, bus: str) -> str:
    prefix = _PREFIX.get(bus)
    if prefix is None:
        raise XmlError(f"There is no bus {bus} to boot from.", f"Choose {', '.join(_PREFIX)}.")
    used = {one.get("dev") for one in devices.iterfind("disk/target")}
    free = next((name for name in _targets(prefix) if name not in used), None)
    if free is None:
        raise XmlError(f"No target of {bus} is free.", "Choose another bus.")
    return free


def _targets(prefix: str) -> Iterator[str]:
    yield from (f"{prefix}{letter}" for letter in string.ascii_lowercase)
