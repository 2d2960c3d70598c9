"""The devices that are neither disk nor interface, each with what tells it from its likes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypedDict

from core.model import Device
from core.model.text import printable_name
from core.xml.address import endpoint, pci, read_address
from core.xml.tree import Element, attribute, attributes, flag, number, size, text

# Per kind, where the words of its summary stand: `ATTRIBUTE` or `PATH@ATTRIBUTE`; `PATH@` is text.
_WORDS: dict[str, tuple[str, ...]] = {
    "audio": ("type", "id"),
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
    "pstore": ("backend", "path@"),
    "rng": ("model", "backend@model", "backend@", "backend@type"),
    "shmem": ("name", "model@type", "role"),
    "sound": ("model",),
    "tpm": ("model", "backend@type", "backend@version", "backend/device@path"),
    "video": ("model@type", "model@vram", "model@heads"),
    "vsock": ("model", "cid@address"),
    "watchdog": ("model", "action"),
}  # fmt: skip


def read_device(device: Element) -> Device:
    """Return any device; one of a kind not known here is summed up by its model and type."""
    kind = str(device.tag)
    summary, more = _SPECIAL.get(kind), _OF_HOST.get(kind)
    return Device(
        kind=kind,
        summary=summary(device) if summary else _words(device, _WORDS.get(kind, _FALLBACK)),
        alias=attribute(device, "name", "alias"),
        address=read_address(device),
        boot_order=number(attribute(device, "order", "boot")),
        **(more(device) if more else {}),
    )


class _OfHost(TypedDict, total=False):
    """What a `Device` tells of what it is of its host."""

    source: str
    target: str
    bus: str
    read_only: bool


def _share(device: Element) -> _OfHost:
    found = device.find("source")
    names = ("dir", "file", "name", "dev", "socket")
    source = next(filter(None, (attribute(found, name) for name in names)), "")
    target = attribute(device, "dir", "target")
    driver = attribute(device, "type", "driver")
    # without a driver it is 9p; a container is given a place, and reaches it by no bus
    bus = driver if driver not in ("", "path", "handle") else "9p"
    return {
        "source": source,
        "target": target,
        "bus": "" if target.startswith("/") and not driver else bus,
        "read_only": flag(device, "readonly"),
    }


def _tpm(device: Element) -> _OfHost:
    backend = device.find("backend")
    source = attribute(backend, "path", "device") or attribute(backend, "path", "source")
    return {"source": source, "bus": attribute(device, "model")}


def _random(device: Element) -> _OfHost:
    return {"source": text(device, "backend"), "bus": attribute(device, "model")}


def _plugged_in(device: Element) -> _OfHost:
    """What is given by its model has a place as well while it runs: that tells two apart."""
    address = device.find("source/address")
    bus, number = attribute(address, "bus"), attribute(address, "device")
    if device.get("type") != "usb" or not bus.isdecimal() or not number.isdecimal():
        return {}
    return {"source": f"usb:{int(bus)}.{int(number)}"}


_OF_HOST: dict[str, Callable[[Element], _OfHost]] = {
    "filesystem": _share,
    "hostdev": _plugged_in,
    "rng": _random,
    "tpm": _tpm,
}


_FALLBACK = ("model", "type", "model@type", "target@name", "source@path")


def _words(device: Element, places: tuple[str, ...]) -> str:
    words: list[str] = []
    for place in places:
        path, at, name = place.rpartition("@")
        value = attribute(device, name, path or ".") if name or not at else text(device, path)
        if value:
            words.append(value)
    return " ".join(words)


def _graphics(device: Element) -> str:
    """`vnc 127.0.0.1:5900`, `spice [::1] tls 5901`, `spice /run/s.sock`; never its password."""
    words = [attribute(device, "type")]
    socket = attribute(device, "socket") or attribute(device, "socket", "listen")
    listen = attribute(device, "listen") or attribute(device, "address", "listen")
    port = attribute(device, "port")
    if socket:
        words.append(socket)
    else:
        words.append(endpoint(listen, "" if port == "-1" else port))
    for name, attribute_name in (("tls", "tlsPort"), ("websocket", "websocket")):
        extra = attribute(device, attribute_name)
        if extra not in ("", "-1"):
            words.append(f"{name} {extra}")
    words += [attribute(device, "address"), attribute(device, "rendernode", "gl")]
    return " ".join(filter(None, words))


def _character(device: Element) -> str:
    """`tcp isa-serial 1 10.0.0.9:2222`, `unix org.qemu.guest_agent.0 virtio connected`."""
    target = device.find("target")
    forwarded = attribute(target, "address")
    port = attribute(target, "port")
    words = [
        attribute(device, "bus"),
        attribute(device, "mode"),
        attribute(device, "type"),
        attribute(target, "name"),
        attribute(target, "type"),
        endpoint(forwarded, port) if forwarded else port,
        *map(_character_source, _sources(device)),
        *(text(each) for each in device.iterfind("certificate")),
        attribute(target, "state"),
    ]
    return " ".join(filter(None, words))


def _sources(device: Element) -> list[Element]:
    """Return where it is connected to first, then where it is itself (UDP has both)."""
    return sorted(device.findall("source"), key=lambda each: each.get("mode") == "bind")


def _character_source(source: Element) -> str:
    named = attribute(source, "path") or attribute(source, "channel")
    return named or endpoint(attribute(source, "host"), attribute(source, "service"))


def _share_words(device: Element) -> str:
    """`mount /srv/data data virtiofs read-only`."""
    words = [_words(device, _WORDS["filesystem"]), attribute(device, "type", "driver")]
    if flag(device, "readonly"):
        words.append("read-only")
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
    return ":".join(printable_name(value) for _, value in attributes(address))


def _memory(device: Element) -> str:
    amount = size(device, "target/size", unit="KiB")
    words = _words(device, _WORDS["memory"])
    return f"{words} {_amount(amount)}".strip()


def _shared_memory(device: Element) -> str:
    amount = size(device, "size")
    words = _words(device, _WORDS["shmem"])
    return f"{words} {_amount(amount)}".strip()


def _amount(count: int | None) -> str:
    """Return bytes in the largest unit up to MiB that says exactly as many."""
    if count is None:
        return ""
    unit, power = next(
        (unit, power)
        for unit, power in (("MiB", 20), ("KiB", 10), ("B", 0))
        if not count % 2**power
    )
    return f"{count >> power} {unit}"


_SPECIAL: dict[str, Callable[[Element], str]] = {
    **dict.fromkeys(
        ("channel", "console", "parallel", "redirdev", "serial", "smartcard"), _character
    ),
    "filesystem": _share_words,
    "graphics": _graphics,
    "hostdev": _host_device,
    "memory": _memory,
    "shmem": _shared_memory,
}
