"""The devices that are neither disk nor interface, each with what tells it from its likes."""

from __future__ import annotations

from collections.abc import Callable

from core.model import Device
from core.xml.address import pci, read_address
from core.xml.tree import Element, attribute, size, text

# Per kind, where the words of its summary stand: `ATTRIBUTE` or `PATH@ATTRIBUTE`; `PATH@` is text.
_CHARACTER = (
    "type", "target@name", "target@type", "target@port", "source@path", "source@host",
    "source@service", "target@state",
)  # fmt: skip
_WORDS: dict[str, tuple[str, ...]] = {
    "audio": ("type", "id"),
    "channel": _CHARACTER,
    "console": _CHARACTER,
    "controller": ("type", "index", "model"),
    "crypto": ("model", "type", "backend@model"),
    "emulator": (".@",),
    "filesystem": ("type", "source@dir", "source@file", "source@name", "source@dev",
                   "source@usage", "target@dir"),
    "hub": ("type",),
    "input": ("type", "bus", "model"),
    "iommu": ("model",),
    "lease": ("lockspace@", "key@", "target@path"),
    "memballoon": ("model",),
    "memory": ("model", "source@path", "source/path@", "target/node@"),
    "panic": ("model",),
    "parallel": _CHARACTER,
    "pstore": ("backend", "path@"),
    "redirdev": ("bus", "type", "source@host", "source@service"),
    "rng": ("model", "backend@model", "backend@", "backend@type"),
    "serial": _CHARACTER,
    "shmem": ("name", "model@type", "role"),
    "smartcard": ("mode", "type"),
    "sound": ("model",),
    "tpm": ("model", "backend@type", "backend@version", "backend/device@path"),
    "video": ("model@type", "model@vram", "model@heads"),
    "vsock": ("model", "cid@address"),
    "watchdog": ("model", "action"),
}  # fmt: skip


def read_device(device: Element) -> Device:
    """Return any device; one of a kind not known here is summed up by its model and type."""
    kind = str(device.tag)
    summary = _SPECIAL.get(kind)
    return Device(
        kind=kind,
        summary=summary(device) if summary else _words(device, _WORDS.get(kind, _FALLBACK)),
        alias=attribute(device, "name", "alias"),
        address=read_address(device),
    )


_FALLBACK = ("model", "type", "model@type", "target@name", "source@path")


def _words(device: Element, places: tuple[str, ...]) -> str:
    words: list[str] = []
    for place in places:
        path, at, name = place.rpartition("@")
        value = attribute(device, name, path or ".") if name or not at else text(device, path)
        if value and value not in words:
            words.append(value)
    return " ".join(words)


def _graphics(device: Element) -> str:
    """`vnc 127.0.0.1:5900`, `spice /run/s.sock`; never its password."""
    words = [attribute(device, "type")]
    socket = attribute(device, "socket") or attribute(device, "socket", "listen")
    listen = attribute(device, "listen") or attribute(device, "address", "listen")
    port = attribute(device, "port")
    if socket:
        words.append(socket)
    elif port not in ("", "-1"):
        words.append(f"{listen}:{port}")
    elif listen:
        words.append(listen)
    return " ".join(filter(None, words))


def _host_device(device: Element) -> str:
    """What of the host is passed through: a PCI or USB device, a SCSI disk, a mediated device."""
    source = device.find("source")
    words = [attribute(device, "type") or attribute(device, "mode")]
    identity = ":".join(
        filter(None, (attribute(source, "id", "vendor"), attribute(source, "id", "product")))
    )
    if source is not None:
        address = source.find("address")
        where = ("protocol", "name", "wwpn", "dev")
        words += [identity, *(attribute(source, name) for name in where)]
        words.append(attribute(source, "name", "adapter"))
        words.append(attribute(address, "uuid"))
        if identity == "" and not attribute(address, "uuid"):
            words.append(_host_address(source, words[0]))
        words += [text(source, "block"), text(source, "char"), text(source, "interface")]
    return " ".join(filter(None, words))


def _host_address(source: Element, kind: str) -> str:
    """Addresses of host devices carry no type of their own: it is that of the device."""
    address = source.find("address")
    if address is None:
        return ""
    if kind == "pci":
        return pci(address)
    return ":".join(attribute(address, str(name)) for name in address.attrib)


def _memory(device: Element) -> str:
    amount = size(device, "target/size", unit="KiB")
    words = _words(device, _WORDS["memory"])
    return f"{words} {amount // 2**20} MiB".strip() if amount is not None else words


def _shared_memory(device: Element) -> str:
    amount = size(device, "size")
    words = _words(device, _WORDS["shmem"])
    return f"{words} {amount // 2**20} MiB".strip() if amount is not None else words


_SPECIAL: dict[str, Callable[[Element], str]] = {
    "graphics": _graphics,
    "hostdev": _host_device,
    "memory": _memory,
    "shmem": _shared_memory,
}
