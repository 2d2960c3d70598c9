"""Devices of hosts and filters of networks, from their XML. Pure."""

from __future__ import annotations

from core.model.host_device import FilterBinding, HostDevice, MdevType, NetworkFilter
from core.xml.address import pci
from core.xml.tree import Element, attribute, exact, number, parse, text

_KINDS = ("pci", "usb_device", "mdev")
"""Those whose own capability comes first where there are several."""


def read_node_device(xml: str) -> HostDevice:
    """Return the device that a `<device>` describes. Raises XmlError."""
    device = parse(xml, "device")
    found = device.findall("capability")
    capability = next((one for one in found if one.get("type") in _KINDS), None)
    if capability is None:
        capability = found[0] if found else None
    kind = attribute(capability, "type")
    group = None if capability is None else capability.find("iommuGroup")
    place = _place(kind, capability)
    others = () if group is None else tuple(f"pci:{pci(one)}" for one in group.findall("address"))
    physical = _inner(capability, "phys_function")
    virtual = _inner(capability, "virt_functions")
    ids = _ids(capability)
    return HostDevice(
        name=exact(device, "name"),
        parent=text(device, "parent"),
        kind=kind,
        place=place,
        model=f"usb:{ids}" if kind == "usb_device" and ids else "",
        ids=ids,
        label=_label(kind, capability),
        work=_work(text(capability, "class")) if kind == "pci" else "",
        driver=text(device, "driver/name"),
        iommu_group=number(attribute(group, "number")),
        iommu_others=tuple(one for one in others if one != place),
        physical_function="" if physical is None else _function(physical),
        virtual_functions=() if virtual is None else tuple(
            f"pci:{pci(one)}" for one in virtual.findall("address")
        ),
        virtual_maximum=number(attribute(virtual, "maxCount")) or 0,
        mdev_types=_types(_inner(capability, "mdev_types")),
        numa=number(attribute(capability, "node", "numa")),
    )  # fmt: skip


def _inner(capability: Element | None, kind: str) -> Element | None:
    """Return a capability within a capability."""
    inside = [] if capability is None else capability.findall("capability")
    return next((one for one in inside if one.get("type") == kind), None)


def _function(capability: Element) -> str:
    address = capability.find("address")
    return "" if address is None else f"pci:{pci(address)}"


def _place(kind: str, capability: Element | None) -> str:
    if capability is None:
        return ""
    if kind == "pci":
        numbers = [number(text(capability, one)) for one in ("domain", "bus", "slot", "function")]
        if any(one is None for one in numbers):
            return ""
        domain, bus, slot, function = (one or 0 for one in numbers)
        return f"pci:{domain:04x}:{bus:02x}:{slot:02x}.{function:x}"
    if kind == "usb_device":
        bus_, device = text(capability, "bus"), text(capability, "device")
        return f"usb:{bus_}.{device}" if bus_ and device else ""
    if kind == "mdev":
        uuid = text(capability, "uuid")
        return f"mdev:{uuid}" if uuid else ""
    return ""


_CLASSES = {
    "01": "storage",
    "02": "network",
    "03": "display",
    "04": "multimedia",
    "05": "memory",
    "06": "bridge",
    "07": "communication",
    "08": "system",
    "0b": "processor",
    "0c": "serial bus",
    "0d": "wireless",
    "10": "encryption",
    "12": "accelerator",
}
"""The base classes of PCI."""
_SUBCLASSES = {"0c03": "usb", "0108": "nvme"}


def _work(code: str) -> str:
    """Return what a class is for: `0x010802` is nvme."""
    digits = code.removeprefix("0x").lower()
    return _SUBCLASSES.get(digits[:4]) or _CLASSES.get(digits[:2], "")


def _ids(capability: Element | None) -> str:
    vendor = attribute(capability, "id", "vendor").removeprefix("0x")
    product = attribute(capability, "id", "product").removeprefix("0x")
    return f"{vendor}:{product}" if vendor and product else ""


def _label(kind: str, capability: Element | None) -> str:
    if capability is None:
        return ""
    words = [text(capability, one) for one in ("vendor", "product")]
    if kind == "mdev":
        words.append(attribute(capability, "id", "type"))
    if kind == "css":
        found = capability.find("channel_dev_addr")
        numbers = [] if found is None else [text(found, one) for one in ("cssid", "ssid", "devno")]
        words.append(".".join(one.removeprefix("0x") for one in numbers))
    if kind == "ap_matrix":
        words.append("crypto adapters")
    if kind == "net":
        words += [text(capability, "interface"), text(capability, "address")]
    if kind == "scsi_host":
        words.append(f"host {text(capability, 'host')}")
    if kind == "storage":
        words += [text(capability, "block"), text(capability, "model")]
    return " ".join(filter(None, words))


def _types(capability: Element | None) -> tuple[MdevType, ...]:
    inside = [] if capability is None else capability.findall("type")
    return tuple(
        MdevType(
            attribute(one, "id"),
            text(one, "name"),
            text(one, "deviceAPI"),
            number(text(one, "availableInstances")) or 0,
        )
        for one in inside
    )


def read_filter(xml: str) -> NetworkFilter:
    """Return the filter that a `<filter>` describes. Raises XmlError."""
    found = parse(xml, "filter")
    return NetworkFilter(
        attribute(found, "name"),
        text(found, "uuid").lower(),
        attribute(found, "chain"),
        len(found.findall("rule")),
        tuple(attribute(one, "filter") for one in found.findall("filterref")),
    )


def read_binding(xml: str) -> FilterBinding:
    """Return what a `<filterbinding>` binds. Raises XmlError."""
    found = parse(xml, "filterbinding")
    return FilterBinding(
        attribute(found, "name", "portdev"),
        attribute(found, "filter", "filterref"),
        text(found, "owner/name"),
        attribute(found, "address", "mac").lower(),
    )
