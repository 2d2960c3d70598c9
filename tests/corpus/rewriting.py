"""Rewrites of foreign instances: what the guest sees must stay, by a list of its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from copy import deepcopy
from typing import NamedTuple

from lxml import etree

from core.errors import VirtdeckError
from core.model.rewrites import InterfaceRewrite, Rewrites, VolumeRewrite
from core.xml.rewrite import abi_differences, rewrite

# What libvirt compares of a device (virDomainDeviceInfoCheckABIStability and those of disks and
# interfaces), and what else QEMU makes a guest's device of.
_VIRTIO = ("driver/@iommu", "driver/@ats", "driver/@packed", "driver/@page_per_vq",
           "driver/@queues", "driver/@queue_size", "driver/@event_idx")  # fmt: skip
_PLACE = ("address/@*", "acpi/@index", "boot/@order", "rom/@*")
GUEST = {
    "disk": (
        *_VIRTIO, *_PLACE, "@device", "@model", "target/@dev", "target/@bus",
        "target/@rotation_rate", "target/@removable", "serial/text()", "wwn/text()",
        "vendor/text()", "product/text()", "blockio/@*", "geometry/@*", "count(readonly)",
        "count(shareable)",
    ),
    "interface": (
        *_VIRTIO, *_PLACE, "mac/@address", "model/@type", "mtu/@size", "link/@state",
        "teaming/@*", "driver/@rx_queue_size", "driver/@tx_queue_size", "driver/@rss",
        "driver/@rss_hash_report", "driver/host/@*", "driver/guest/@*",
    ),
}  # fmt: skip
OTHER = {
    "disk": "<disk type='file'><driver name='qemu' type='raw'/><source file='/other'/></disk>",
    "lun": "<disk type='block'><driver name='qemu' type='raw'/><source dev='/dev/other'/></disk>",
    "interface": "<interface type='bridge'><source bridge='other'/></interface>",
}


def identity(xml: str) -> Iterator[str]:
    """Yield where no rewrite at all changes anything."""
    made = rewrite(xml, Rewrites())
    if etree.canonicalize(_bare(made)) != etree.canonicalize(_bare(xml)):
        yield "a rewrite of nothing changes the XML"
    yield from (f"differs from itself: {each}" for each in abi_differences(xml, xml))


class Moved(NamedTuple):
    """A device that was rewritten."""

    number: int
    """Among its kind, from 0."""
    after: str
    """The XML of the instance; empty: it was refused."""
    lines: list[str]
    """What is not as it was for the guest."""


def moved_devices(root: etree._Element) -> Iterator[Moved]:
    """Give each disk and interface its own back end again, and then another one."""
    for kind in ("disk", "interface"):
        for number, device in enumerate(root.xpath(f"devices/{kind}")):
            before, rewrites = _prepared(root, kind, number)
            if rewrites is None or device.get("type") in ("hostdev", "vhostuser"):
                continue  # without a MAC, the host's own device, or without a serial
            other = OTHER["lun"] if device.get("device") == "lun" else OTHER[kind]
            for what in (_itself(device), other):
                yield _moved(kind, number, before, _filled(rewrites, kind, number, what))


def _moved(kind: str, number: int, before: str, rewrites: Rewrites) -> Moved:
    where = f"{kind} {number}"
    try:
        after = rewrite(before, rewrites)
    except VirtdeckError as error:
        return Moved(number, "", [f"{where}: {error.message}"])
    old = etree.fromstring(before.encode()).xpath(f"devices/{kind}")[number]
    new = etree.fromstring(after.encode()).xpath(f"devices/{kind}")[number]
    lines = [
        f"{where}: {path} was {old.xpath(path)}, is {new.xpath(path)}"
        for path in GUEST[kind]
        if old.xpath(path) != new.xpath(path)
    ]
    lines += [f"{where}: {sentence}" for sentence in abi_differences(before, after)]
    return Moved(number, after, lines)


def _prepared(root: etree._Element, kind: str, number: int) -> tuple[str, Rewrites | None]:
    """Return XML in which the device can be named, and the rewrites that leave others alone."""
    root = deepcopy(root)
    devices = root.xpath(f"devices/{kind}")
    if kind == "disk":
        for element in devices[number].findall("serial"):
            devices[number].remove(element)
        etree.SubElement(devices[number], "serial").text = "the-one"
        return etree.tostring(root, encoding="unicode"), Rewrites()
    macs = [
        each.findtext("mac") is not None and each.find("mac").get("address") for each in devices
    ]
    if not all(macs) or Counter(map(str.lower, macs)).most_common(1)[0][1] > 1:
        return "", None
    entries = tuple(InterfaceRewrite(mac) for mac in macs)
    return etree.tostring(root, encoding="unicode"), Rewrites(interfaces=entries)


def _filled(rewrites: Rewrites, kind: str, number: int, xml: str) -> Rewrites:
    if kind == "disk":
        return Rewrites(volumes=(VolumeRewrite("the-one", xml),))
    entries = list(rewrites.interfaces)
    entries[number] = InterfaceRewrite(entries[number].mac, xml=xml)
    return Rewrites(interfaces=tuple(entries))


def _itself(device: etree._Element) -> str:
    bare = deepcopy(device)
    for element in bare.findall("serial"):
        bare.remove(element)
    return str(etree.tostring(bare, encoding="unicode", with_tail=False))


def _bare(xml: str) -> str:
    """Return XML without comments and processing instructions, which a rewrite drops."""
    parser = etree.XMLParser(remove_comments=True, remove_pis=True)
    return etree.tostring(etree.fromstring(xml.encode(), parser), encoding="unicode")
