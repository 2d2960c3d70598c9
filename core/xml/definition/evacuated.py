"""A definition that was kept, as it is defined on another host. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from core.model.secrets import HIDDEN
from core.xml.definition.text import written
from core.xml.pretty import SECRET_ATTRIBUTES, SECRET_ELEMENTS
from core.xml.tree import Element, attributes, parse

_ARGUMENTS = ("arg", "env")


@dataclass(frozen=True, slots=True)
class Evacuated:
    """What is defined, and what of it is not as it was."""

    xml: str
    notes: tuple[str, ...] = ()
    """What its operator should know, a clause each."""
    against: str = ""
    """Why it cannot be defined, a clause; empty: it can."""


def evacuated(kept: str) -> Evacuated:
    """Return a kept definition as another host takes it: UUID, devices and addresses stay.

    Its secrets are not known: they are left out, and a display that had a password listens on its
    host alone. A medium in a drive may be missing there. Raises XmlError.
    """
    root = parse(kept, "domain", verbatim=True)
    root.attrib.pop("id", "")
    notes = [*_without_secrets(root), *_what_stays_behind(root)]
    for disk in root.iterfind("devices/disk"):
        source = disk.find("source")
        if disk.get("device") in ("cdrom", "floppy") and source is not None and source.get("file"):
            source.set("startupPolicy", "optional")
    hidden = any(
        HIDDEN in value
        for element in root.iter("*")
        if _name(element) in _ARGUMENTS
        for _, value in attributes(element)
    )
    against = "an argument of its own for QEMU holds a secret, which is not kept" if hidden else ""
    return Evacuated(written(root), tuple(dict.fromkeys(notes)), against)


def _without_secrets(root: Element) -> list[str]:
    notes = []
    for element in list(root.iter("*")):
        hidden = [name for name, value in attributes(element) if HIDDEN in value]
        if _name(element) in _ARGUMENTS:
            continue
        lost = [name for name in hidden if name in SECRET_ATTRIBUTES]
        for name in lost:
            del element.attrib[name]
        if lost and _name(element) == "graphics":
            _only_here(element)
            notes.append(
                f"the password of its display ({element.get('type')}) is not kept: it is reached "
                "from its host alone until one is set"
            )
        elif lost:
            notes.append(f"a secret of its <{_name(element)}> is not kept")
        if _name(element) in SECRET_ELEMENTS and HIDDEN in (element.text or ""):
            parent = element.getparent()
            if parent is not None:
                parent.remove(element)
            notes.append(f"a secret of its <{_name(element)}> is not kept")
    return notes


def _only_here(graphics: Element) -> None:
    """Let a display listen on its host alone: without its password it would be open to all."""
    for listen in graphics.findall("listen"):
        graphics.remove(listen)
    graphics.attrib.pop("passwdValidTo", "")
    if graphics.get("socket") is None:
        graphics.set("listen", "127.0.0.1")


def _what_stays_behind(root: Element) -> list[str]:
    notes = []
    if root.find("os/nvram") is not None or root.find("os[@firmware='efi']") is not None:
        notes.append(
            "its NVRAM is a file of the dead host: where the new one has none at its path, it "
            "begins with an empty one"
        )
    if root.find("devices/tpm/backend[@type='emulator']") is not None:
        notes.append("what its TPM holds is on the dead host: it begins with an empty one")
    if root.find("devices/hostdev") is not None:
        notes.append("it has devices of the dead host: the new one must have the like")
    return notes


def _name(element: Element) -> str:
    return str(element.tag).rpartition("}")[2]


def disk_elements(xml: str) -> dict[str, str]:
    """Return the `<disk>` that opens each disk's image read-only, by its target.

    Of those only whose image an instance holds a lock on: no drives with media, no disks that
    several may write to. Raises XmlError.
    """
    from lxml import etree  # see core.xml.tree

    found: dict[str, str] = {}
    for disk in parse(xml, "domain", verbatim=True).iterfind("devices/disk"):
        target, source = disk.find("target"), disk.find("source")
        held = disk.get("device", "disk") in ("disk", "lun") and disk.find("shareable") is None
        if target is None or source is None or not held:
            continue
        made = etree.Element("disk", type=disk.get("type", "file"), device="disk")
        driver = disk.find("driver")
        kind = "raw" if driver is None else driver.get("type", "raw")
        etree.SubElement(made, "driver", name="qemu", type=kind)
        for each in ("auth", "source"):
            if (part := disk.find(each)) is not None:
                part.tail = None
                made.append(part)
        etree.SubElement(made, "readonly")
        found[target.get("dev", "")] = etree.tostring(made, encoding="unicode")
    return found


def trial(name: str, kind: str, architecture: str, disks: tuple[str, ...]) -> str:
    """Return an instance that opens disks, never runs, and needs next to nothing."""
    from lxml import etree  # see core.xml.tree

    root = etree.Element("domain", type=kind)
    etree.SubElement(root, "name").text = name
    etree.SubElement(root, "memory", unit="MiB").text = "16"
    etree.SubElement(root, "vcpu").text = "1"
    system = etree.SubElement(etree.SubElement(root, "os"), "type")
    system.text = "hvm"
    if architecture:
        system.set("arch", architecture)
    devices = etree.SubElement(root, "devices")
    etree.SubElement(devices, "controller", type="usb", model="none")
    for number, text in enumerate(disks):
        disk = parse(text, "disk", verbatim=True)
        etree.SubElement(disk, "target", dev=_letters(number), bus="virtio")
        devices.append(disk)
    etree.SubElement(devices, "memballoon", model="none")
    return etree.tostring(root, encoding="unicode")


def _letters(number: int) -> str:
    """Return the name of the disk of that number: vda ... vdz, vdaa ..."""
    letters = ""
    number += 1
    while number:
        number, last = divmod(number - 1, 26)
        letters = chr(ord("a") + last) + letters
    return f"vd{letters}"
