"""Where an instance keeps its UEFI variables. Pure.

libvirt names the file by the instance. Before 9.2 a definition whose firmware is chosen by libvirt
(`<os firmware='efi'>`) does not tell it, and the command line of its QEMU does.
"""

from __future__ import annotations

import json
import re

from core.errors import XmlError
from core.xml.definition.text import written
from core.xml.tree import Element, attribute, exact, parse

_BLOCK_DEVICE = re.compile(r"-blockdev '?(\{[^']*\})'?")
_NODE = "libvirt-pflash1-storage"
"""What libvirt calls the file of the variables; the code of the firmware is pflash0."""


def nvram_of(document: str) -> str:
    """Return the file of the UEFI variables; empty: it has no UEFI, or one without variables.

    Raises XmlError where libvirt alone knows the file: before 9.2 it writes none down.
    """
    root = parse(document, "domain")
    if path := _named(root):
        return path
    if attribute(root, "firmware", "os") == "efi" or root.find("os/varstore") is not None:
        raise XmlError(
            "Its definition does not say where its UEFI variables are, so they would stay behind.",
            "Name their file in it (<nvram>), or start it and migrate it live.",
        )
    if attribute(root, "type", "os/loader") == "pflash":
        raise XmlError(
            "Its definition has UEFI firmware and does not say where its variables are.",
            "Name their file in it (<nvram>), or start it and migrate it live.",
        )
    return ""


def put_nvram(root: Element, path: str) -> None:
    """Have the UEFI variables in another file."""
    found = root.find("os/nvram")
    if found is None:
        return
    if (source := found.find("source")) is not None:
        source.set("file", path)
    else:
        found.text = path


def nvram_in_definition(document: str) -> str:
    """Return the file that a definition names; empty: none. Raises XmlError."""
    return _named(parse(document, "domain", verbatim=True))


def _named(root: Element) -> str:
    source = root.find("os/nvram/source")
    return attribute(source, "file") or attribute(source, "dev") or exact(root, "os/nvram").strip()


def nvram_in_command(command: str) -> str:
    """Return the file that a command line of QEMU's names (virConnectDomainXMLToNative)."""
    for found in _BLOCK_DEVICE.findall(command):
        try:
            device = json.loads(found)
        except ValueError:
            continue
        if device.get("node-name") == _NODE:
            return str(device.get("filename", ""))
    return ""


def without_devices(document: str) -> str:
    """Return a definition whose command line is asked for: making that of a network card needs
    rights that a user's own daemon has not. Raises XmlError.
    """
    root = parse(document, "domain", verbatim=True)
    devices = root.find("devices")
    for device in [] if devices is None else list(devices):
        if device.tag != "emulator" and devices is not None:
            devices.remove(device)
    return written(root)


def nvram_is_named_by(path: str, name: str) -> bool:
    """Whether libvirt has named this file by an instance's name."""
    return path.rpartition("/")[2].startswith(f"{name}_VARS.")


def nvram_for(other: str, path: str, name: str) -> str:
    """Return where the variables of `other` are when those of `name` are at `path`."""
    folder, _, last = path.rpartition("/")
    suffix = last.removeprefix(f"{name}_VARS") if nvram_is_named_by(path, name) else ".fd"
    return f"{folder}/{other}_VARS{suffix}"


def with_nvram(document: str, path: str) -> str:
    """Return a definition that names another file, where it names one. Raises XmlError."""
    root = parse(document, "domain", verbatim=True)
    put_nvram(root, path)
    return written(root)
