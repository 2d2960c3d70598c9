"""Device addresses as people read them: `pci 0000:00:03.0`."""

from __future__ import annotations

from collections.abc import Callable

from core.model.text import printable_name
from core.xml.tree import Element, attribute, attributes, hexadecimal


def read_address(device: Element | None, path: str = "address") -> str:
    """Return the address of a device, from the element at `path`; empty when it has none."""
    address = None if device is None else device.find(path)
    if address is None:
        return ""
    kind = attribute(address, "type")
    reader = _READERS.get(kind)
    if reader is not None:
        return f"{kind} {reader(address)}"
    rest = [printable_name(value) for name, value in attributes(address) if name != "type"]
    return " ".join(part for part in (kind, *rest) if part)


def endpoint(host: str, port: str) -> str:
    """Return `HOST:PORT`, an IPv6 address in brackets; what is missing is left out."""
    name = f"[{host}]" if ":" in host and port else host
    return f"{name}:{port}" if port else name


def pci(address: Element | None) -> str:
    """Return DOMAIN:BUS:SLOT.FUNCTION as lspci writes it."""
    domain, bus, slot, function = (
        hexadecimal(attribute(address, name)) for name in ("domain", "bus", "slot", "function")
    )
    return f"{domain:04x}:{bus:02x}:{slot:02x}.{function:x}"


def _ccw(address: Element) -> str:
    channel, subchannel, device = (
        hexadecimal(attribute(address, name)) for name in ("cssid", "ssid", "devno")
    )
    return f"{channel:02x}.{subchannel:x}.{device:04x}"


def _joined(*names: str) -> Callable[[Element], str]:
    def reader(address: Element) -> str:
        return ":".join(attribute(address, name) or "0" for name in names)

    return reader


def _words(*names: str) -> Callable[[Element], str]:
    def reader(address: Element) -> str:
        pairs = ((name, attribute(address, name)) for name in names)
        return " ".join(f"{name} {value}" for name, value in pairs if value)

    return reader


_READERS: dict[str, Callable[[Element], str]] = {
    "pci": pci,
    "ccw": _ccw,
    "drive": _joined("controller", "bus", "target", "unit"),
    "virtio-serial": _joined("controller", "bus", "port"),
    "ccid": _joined("controller", "slot"),
    "usb": _joined("bus", "port"),
    "isa": _words("iobase", "irq"),
    "dimm": _words("slot", "base"),
    "spapr-vio": _words("reg"),
}
