"""The definition of a clone: what must be its own is, all else stays as the guest knows it. Pure.

Kept on purpose: the serials of disks, by which the guest's own tables name them, and addresses on
its buses.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from core.errors import XmlError
from core.xml.cold_mark import unmark
from core.xml.definition.rescue import is_rescue
from core.xml.definition.text import written
from core.xml.tree import Element, attribute, parse, text

_PATHS = ("source", "log", "target")
"""Elements of a character device that may name a file or socket of the host."""
_CONSOLES = ("serial", "parallel", "console", "channel")
_PREFIX = "52:54:00"
"""QEMU's own addresses, which libvirt makes, too."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the image of a cloned disk is."""

    pool: str = ""
    volume: str = ""
    path: str = ""
    """Empty: it is named by its pool."""
    format: str = "qcow2"


@dataclass(frozen=True, slots=True)
class CloneXml:
    """A definition, and what is to be said of it."""

    xml: str
    notes: tuple[str, ...]
    """Sentences."""


def new_uuid(source: str, name: str, at: float) -> str:
    """Return the UUID of a clone: no other has it, and the same is never made twice."""
    return str(uuid.uuid5(uuid.UUID(source), f"{name} {at!r}"))


def new_mac(of: str, number: int) -> str:
    """Return the MAC address of the n-th network device of an instance of this UUID."""
    digest = hashlib.sha256(f"{of} {number}".encode()).digest()
    return ":".join([_PREFIX, *(f"{byte:02x}" for byte in digest[:3])])


def clone_document(
    document: str, name: str, own: str, disks: Mapping[str, Place], nvram: str = ""
) -> CloneXml:
    """Return the definition of a clone called `name` whose UUID is `own`.

    `disks` are the places of its own images by target; `nvram` is the file of its UEFI variables,
    empty where libvirt makes them anew. Raises XmlError for what has no clone.
    """
    root = parse(document, "domain", verbatim=True)
    if is_rescue(root):
        raise XmlError("It is in rescue.", "Unrescue it first.")
    unmark(root)
    before = text(root, "name")
    _name(root, name, own)
    notes = [*_disks(root, disks), *_firmware(root, nvram)]
    _networks(root, own)
    _consoles(root, before, name)
    notes += [*_graphics(root), *_others(root)]
    return CloneXml(written(root), tuple(notes))


def put_disks(root: Element, disks: Mapping[str, Place]) -> None:
    """Have the disks of these targets in other places; all else of them stays."""
    for _ in _disks(root, disks):
        pass


def _name(root: Element, name: str, own: str) -> None:
    for path, value in (("name", name), ("uuid", own)):
        if (found := root.find(path)) is not None:
            found.text = value
    for entry in root.iterfind("sysinfo/system/entry[@name='uuid']"):
        entry.text = own
    for genid in root.iterfind("genid"):
        genid.text = str(uuid.uuid5(uuid.UUID(own), "genid"))


def _disks(root: Element, disks: Mapping[str, Place]) -> Iterator[str]:
    serials = []
    for disk in root.iterfind("devices/disk"):
        target = attribute(disk, "dev", "target")
        if (place := disks.get(target)) is None:
            continue
        for tag in ("source", "backingStore", "mirror"):
            for found in disk.findall(tag):
                _put(found, place) if tag == "source" else disk.remove(found)
        disk.set("type", "file" if place.path else "volume")
        if (driver := disk.find("driver")) is not None:
            driver.set("type", place.format)
        serials += [target] if text(disk, "serial") else []
    if serials:
        yield f"The serials of {', '.join(serials)} are kept: the guest may know its disks by them."


def _put(source: Element, place: Place) -> None:
    startup = source.get("startupPolicy")
    for key in list(source.attrib):
        del source.attrib[key]
    for child in list(source):
        source.remove(child)
    source.text = None
    named = {"file": place.path} if place.path else {"pool": place.pool, "volume": place.volume}
    for key, value in named.items():
        source.set(key, value)
    if startup:
        source.set("startupPolicy", startup)


def _firmware(root: Element, nvram: str) -> Iterator[str]:
    found = root.find("os/nvram")
    if found is None:
        return
    if nvram:
        found.text = nvram
        return
    parent = found.getparent()
    if parent is not None:
        template = found.get("template")
        found.text = None
        if not template:
            parent.remove(found)
    yield "Its UEFI variables are made anew: boot entries of the guest are not in them."


def _networks(root: Element, own: str) -> None:
    for number, interface in enumerate(root.iterfind("devices/interface")):
        if (mac := interface.find("mac")) is not None:
            mac.set("address", new_mac(own, number))
        target = interface.find("target")
        if target is not None and target.get("managed") != "no":
            _drop(target, "dev")
            if not target.attrib:
                interface.remove(target)


def _consoles(root: Element, before: str, name: str) -> None:
    """Give each console files of its own; one whose path does not name it gets the name added."""
    for kind in _CONSOLES:
        for device in root.iterfind(f"devices/{kind}"):
            if device.get("type") in ("pty", "dev", "spicevmc", "null"):
                elements = device.findall("log")
            else:
                elements = [one for tag in _PATHS for one in device.findall(tag)]
            for element in elements:
                for key in ("path", "file"):
                    if path := element.get(key):
                        element.set(key, _own_path(path, before, name))


def _own_path(path: str, before: str, name: str) -> str:
    folder, _, last = path.rpartition("/")
    if before and before in last:
        return f"{folder}/{last.replace(before, name)}"
    return f"{path}-{name}"


def _graphics(root: Element) -> Iterator[str]:
    fixed = []
    for graphics in root.iterfind("devices/graphics"):
        for key in ("port", "tlsPort", "websocket"):
            if graphics.get(key) not in (None, "-1"):
                fixed.append(f"{graphics.get('type')} {graphics.get(key)}")
                _drop(graphics, key)
        if graphics.get("type") in ("vnc", "spice") and graphics.get("autoport") == "no":
            graphics.set("autoport", "yes")
    if fixed:
        yield f"libvirt chooses the ports that were fixed: {', '.join(fixed)}."


def _others(root: Element) -> Sequence[str]:
    for cid in root.iterfind("devices/vsock/cid"):
        _drop(cid, "address")
        cid.set("auto", "yes")
    devices = [one.get("type", "") for one in root.iterfind("devices/hostdev")]
    if not devices:
        return ()
    text_ = "It has the host's own devices, as its original has: only one of the two can run."
    return (text_,)


def _drop(element: Element, name: str) -> None:
    if name in element.attrib:
        del element.attrib[name]
