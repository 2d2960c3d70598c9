"""What interfaces are plugged into (nova-map 2.3, rule 8)."""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

from core.errors import XmlError
from core.model.rewrites import InterfaceRewrite, Rewrites
from core.xml.rewrite.abi import stated_differences
from core.xml.rewrite.back_end import with_back_end
from core.xml.rewrite.elements import drop, swap
from core.xml.tree import Element, attribute, parse


def interfaces(root: Element, rewrites: Rewrites) -> Iterator[str]:
    """Plug every interface into what the destination has; each must have its entry."""
    if not rewrites.interfaces:
        return
    wanted = {entry.mac.lower(): entry for entry in rewrites.interfaces}
    found = set()
    for interface in root.findall("./devices/interface"):
        mac = attribute(interface, "address", "mac").lower()
        entry = wanted.get(mac)
        if not mac:
            yield "The instance has an interface without a MAC: it cannot be told from others."
        elif entry is None:
            yield (
                f"The interface {mac} has no entry: name it, with nothing but its MAC where it "
                "stays as it is."
            )
        else:
            found.add(mac)
            yield from _plug(interface, entry)
    for mac in wanted:
        if mac not in found:
            yield f"The instance has no interface {mac}."


def _plug(interface: Element, entry: InterfaceRewrite) -> Iterator[str]:
    if entry.xml:
        yield from _replace(interface, entry)
    elif entry.network:
        _set_source(interface, "network", "network", entry.network, ("portgroup",))
    elif entry.bridge:
        _set_source(interface, "bridge", "bridge", entry.bridge, ())
    elif entry.dev:
        _set_source(interface, "direct", "dev", entry.dev, ("mode",))


def _set_source(interface: Element, kind: str, key: str, value: str, kept: tuple[str, ...]) -> None:
    """Plug an interface into something by its name.

    What the source's host said of the old one (port, bridge) goes; `kept` attributes stay where
    the kind does, and so does a virtual port.
    """
    same = interface.get("type") == kind
    old = interface.find("source")
    attributes = {} if old is None else {name: old.get(name) or "" for name in kept}
    if not same:
        drop(interface, "virtualport")
        attributes = {}
    source = etree.Element("source")
    source.set(key, value)
    for name, stays in attributes.items():
        if stays:
            source.set(name, stays)
    if old is None:
        interface.append(source)
    else:
        swap(old, source)
    interface.set("type", kind)


def _replace(old: Element, entry: InterfaceRewrite) -> Iterator[str]:
    try:
        new = parse(entry.xml, "interface")
    except XmlError as error:
        yield f"The new interface {entry.mac}: {error.message}"
        return
    yield from stated_differences(f"The interface {entry.mac}", old, new)
    swap(old, with_back_end(old, new))
