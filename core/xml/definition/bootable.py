"""The device of a definition that is to be booted from, by a word for it. Pure."""

from __future__ import annotations

from core.errors import XmlError
from core.model.device_word import words_of_device, words_of_interface
from core.xml.device import read_device
from core.xml.interface import read_interface
from core.xml.tree import Element, attribute

_OF_HOST = ("pci", "usb", "scsi", "scsi_host")
"""What of a host QEMU boots from: no mediated device."""


def bootable(root: Element, name: str) -> Element:
    """Return the one device of that name. Raises XmlError.

    A disk is named by its target, a network device by its MAC address, one of the host by its word
    or, as what USB passes on, by an alias of the operator's own.
    """
    devices = [(device, _words(device)) for device in root.iterfind("devices/*")]
    found = [one for one, words in devices if name.lower() in (word.lower() for word in words)]
    if len(found) == 1:
        return _checked(found[0], name)
    if found:
        others = dict.fromkeys(word for one, words in devices if one in found for word in words[1:])
        by = f"Name one by {', '.join(others)}." if others else "Give one an alias (ua-...) first."
        raise XmlError(f"It has {len(found)} devices {name}.", by)
    known = [words[0] for _, words in devices if words]
    has = f"It has {', '.join(known)}." if known else "It has no disk and no network device."
    raise XmlError(f"It has no device {name} to boot from.", has)


def _words(device: Element) -> tuple[str, ...]:
    """Return the words of a device that firmware may boot from, the usual one first."""
    if device.tag == "disk":
        return tuple(filter(None, (attribute(device, "dev", "target"),)))
    if device.tag == "interface":
        return words_of_interface(read_interface(device))
    alias = attribute(device, "name", "alias")
    own = (alias,) if alias.startswith("ua-") else ()
    if device.tag == "hostdev":
        return tuple(dict.fromkeys((*words_of_device(read_device(device)), *own)))
    return own if device.tag == "redirdev" else ()


def _checked(device: Element, name: str) -> Element:
    if device.tag == "hostdev" and device.get("type") not in _OF_HOST:
        text = f"QEMU boots from PCI, USB and SCSI devices of the host, not from {name}."
        raise XmlError(text, "Leave it out.")
    return device
