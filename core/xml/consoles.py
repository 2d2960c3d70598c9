"""The consoles and displays of an instance, from its XML. Pure, any thread."""

from __future__ import annotations

from core.model.console import Console, Consoles, Display
from core.model.text import real_name
from core.xml.tree import Element, attribute, number, parse

_KINDS = ("serial", "parallel", "console")


def read_consoles(xml: str, *, running: bool) -> Consoles:
    """Return what there is to look at of an instance; raises XmlError.

    libvirt writes the first serial port a second time, as a `<console>` of the same alias, or of
    the same port while it has none: it is told once.
    """
    devices = parse(xml, "domain").find("devices")
    found: list[Console] = []
    for element in () if devices is None else devices:
        if element.tag in _KINDS:
            console = _console(element)
            if not any(_same(console, element, other) for other in found):
                found.append(console)
    graphics = () if devices is None else devices.iterfind("graphics")
    displays = tuple(each for element in graphics for each in (_display(element),) if each.kind)
    models = () if devices is None else devices.iterfind("video/model")
    screens = any(model.get("type") != "none" for model in models)
    return Consoles(running, tuple(found), displays, screens)


def _same(console: Console, element: Element, other: Console) -> bool:
    if console.alias:
        return console.alias == other.alias
    copied = element.tag == "console" and attribute(element, "type", "target") == "serial"
    return copied and other.kind == "serial" and other.port == console.port


def _console(element: Element) -> Console:
    return Console(
        alias=attribute(element, "name", "alias"),
        kind=str(element.tag),
        source=attribute(element, "type"),
        target=attribute(element, "type", "target"),
        port=number(attribute(element, "port", "target")) or 0,
        path=attribute(element, "path", "source"),
        log=attribute(element, "file", "log"),
    )


def _display(element: Element) -> Display:
    listen = attribute(element, "listen") or attribute(element, "address", "listen")
    return Display(
        kind=attribute(element, "type"),
        listen=listen,
        port=_port(attribute(element, "port")),
        tls_port=_port(attribute(element, "tlsPort")),
        socket=real_name(attribute(element, "socket") or attribute(element, "socket", "listen")),
    )


def _port(written: str) -> int | None:
    """A port that is given; `-1` is one that libvirt has yet to choose."""
    return number(written) or None
