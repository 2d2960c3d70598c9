"""The devices of a host that an instance has passed through, from its XML."""

from __future__ import annotations

import re

from core.model.base import Value
from core.model.text import printable_name
from core.xml.tree import Element, attribute, attributes, exact, hexadecimal


class HostDeviceNeed(Value, frozen=True):
    """A device of the host that is passed through."""

    kind: str
    """pci, usb, mdev, scsi, scsi_host... as libvirt calls the type."""
    device: str
    """The node device's name where one follows from the XML (`pci_0000_00_1f_2`), else a text."""
    failover: bool = False
    """A network card that is unplugged for the move (the teaming of virtio and a transient one)."""


def host_devices(domain: Element) -> tuple[HostDeviceNeed, ...]:
    """Return the devices that a `<domain>` has passed through, NVMe disks among them."""
    found = [
        _host_device(device, attribute(device, "type"))
        for device in domain.iterfind("devices/hostdev")
    ]
    nvme = domain.iterfind("devices/disk[@type='nvme']/source/address")
    found += [HostDeviceNeed("pci", _pci_name(address)) for address in nvme]
    for interface in domain.iterfind("devices/interface"):
        if attribute(interface, "type") == "hostdev":
            transient = attribute(interface, "type", "teaming") == "transient"
            name = _pci_name(interface.find("source/address"))
            found.append(HostDeviceNeed("pci", name, failover=transient))
    return tuple(found)


def _host_device(device: Element, kind: str) -> HostDeviceNeed:
    address = device.find("source/address")
    transient = attribute(device, "type", "teaming") == "transient"
    if kind == "pci":
        return HostDeviceNeed(kind, _pci_name(address), failover=transient)
    if kind == "mdev":
        return HostDeviceNeed(kind, "mdev_" + attribute(address, "uuid").replace("-", "_"))
    if kind == "usb" and device.find("source/vendor") is not None:
        vendor = attribute(device, "id", "source/vendor")
        product = attribute(device, "id", "source/product")
        return HostDeviceNeed(kind, f"{vendor}:{product}")
    for name in ("block", "char", "interface"):  # mode='capabilities': a container's
        if given := exact(device, f"source/{name}"):
            return HostDeviceNeed(kind, given)
    words = [] if address is None else [printable_name(value) for _, value in attributes(address)]
    return HostDeviceNeed(kind or attribute(device, "mode"), ":".join(words) or "?")


def node_name(word: str) -> str:
    """Return how libvirt's node devices are called by the word of one: `pci_0000_03_00_0`.

    The name of a mediated one goes on with its parent's where libvirt is newer than 7.3.
    """
    return re.sub(r"[^0-9a-z]", "_", word.lower())


def _pci_name(address: Element | None) -> str:
    """Return how libvirt names the node device of a PCI address."""
    if address is None:
        return "?"
    domain, bus, slot, function = (
        hexadecimal(attribute(address, name)) for name in ("domain", "bus", "slot", "function")
    )
    return f"pci_{domain:04x}_{bus:02x}_{slot:02x}_{function:x}"
