"""Where the graphical and serial consoles listen (nova-map 2.3, rules 1 and 2)."""

from __future__ import annotations

from collections.abc import Iterator

from core.model.rewrites import GraphicsListen, Rewrites, SerialListen
from core.xml.tree import Element, attribute, number


def graphics(root: Element, rewrites: Rewrites) -> Iterator[str]:
    """Set the listen address of the consoles of a type, in both places libvirt has it."""
    for listen in rewrites.graphics:
        consoles = [
            console
            for console in root.findall("./devices/graphics")
            if attribute(console, "type") == listen.type and _listens_at_address(console)
        ]
        if not consoles:
            yield f"The instance has no {listen.type} console that listens at an address."
        for console in consoles:
            _listen_at(console, listen)


def _listens_at_address(console: Element) -> bool:
    """Whether it listens at an address of its own, not at a socket's, a network's, or nowhere."""
    kinds = {attribute(listen, "type") for listen in console.findall("listen")}
    return not kinds or "address" in kinds


def _listen_at(console: Element, listen: GraphicsListen) -> None:
    console.set("listen", listen.address)
    for element in console.findall("listen[@type='address']"):
        element.set("address", listen.address)


def serial(root: Element, rewrites: Rewrites) -> Iterator[str]:
    """Set the address of serial ports that listen over TCP, and the port where one is reserved.

    One that connects to somewhere goes on connecting there.
    """
    listen = rewrites.serial
    if listen is None:
        return
    ports = [
        device
        for kind in ("serial", "console")
        for device in root.findall(f"./devices/{kind}[@type='tcp']")
        if device.find("source[@mode='bind']") is not None
    ]
    if listen.host and not ports:
        yield "The instance has no serial port that listens over TCP."
    if ports and not listen.host:
        yield "The instance has a serial port over TCP, and no address for it at the destination."
        return
    for device in ports:
        _serial_at(device, listen)


def _serial_at(device: Element, listen: SerialListen) -> None:
    index = number(attribute(device, "port", "target"))
    for source in device.findall("source[@mode='bind']"):
        source.set("host", listen.host)
        if index is not None and index < len(listen.ports):
            source.set("service", str(listen.ports[index]))
