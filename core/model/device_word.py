"""The words by which devices are attached to instances: `pci:0000:03:00.0`, `usb:1d6b:0002`.

And by which they are told apart where several have one: two USB devices of a model, the two
interfaces of a failover pair, which have one MAC address on purpose.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from core.model.instance import Device, Instance, Interface

_USB_MODEL = re.compile(r"usb 0x([0-9a-f]{4}):0x([0-9a-f]{4})")
_USB_PLACE = re.compile(r"usb (\d+):(\d+)")


def word_of_device(device: Device) -> str:
    """Return the word of a device that can be attached: `pci:0000:03:00.0`; empty: it cannot."""
    if device.kind == "rng":
        return f"rng:{device.source or device.summary.rpartition(' ')[2]}"
    if device.kind == "filesystem" and device.summary.startswith("mount "):
        # a tag may have blanks; on a tape of before it was kept apart it ends the summary
        tag = device.target or device.summary.rpartition(" ")[2]
        return "" if tag.startswith("/") else f"share:{tag}"  # of a container it is a place
    if device.kind != "hostdev":
        return ""
    if found := _USB_MODEL.match(device.summary):
        return f"usb:{found[1]}:{found[2]}"
    if found := _USB_PLACE.match(device.summary):
        return f"usb:{found[1]}.{found[2]}"
    kind, _, rest = device.summary.partition(" ")
    return f"{kind}:{rest}" if kind in ("pci", "mdev") and rest else ""


def place_of_usb(device: Device) -> str:
    """Return where a USB device of the host is plugged in: `usb:1.4`; empty: that is not told."""
    if device.kind != "hostdev":
        return ""
    if found := _USB_PLACE.match(device.summary):
        return f"usb:{found[1]}.{found[2]}"
    return device.source if device.summary.startswith("usb ") else ""


def words_of_device(device: Device) -> tuple[str, ...]:
    """Return all the words of a device that can be attached, the usual one first."""
    word = word_of_device(device)
    more = (place_of_usb(device), _own_alias(device.alias)) if word else ()
    return tuple(dict.fromkeys(filter(None, (word, *more))))


def words_of_interface(interface: Interface) -> tuple[str, ...]:
    """Return all the words of an interface, its MAC address first."""
    kind, _, place = interface.source.partition(" ")
    of_host = f"pci:{place}" if interface.type == "hostdev" and kind == "pci" and place else ""
    words = (interface.mac.lower(), _own_alias(interface.alias), of_host)
    return tuple(filter(None, words))


def _own_alias(alias: str) -> str:
    """Return an alias that the definition has too: libvirt makes up the others at each start."""
    return alias if alias.startswith("ua-") else ""


def names_of(words: Sequence[tuple[str, ...]]) -> list[str]:
    """Return the name of each of an instance's: its first word that no other has.

    Where others have all its words it is the first of them; where it has none, nothing.
    """
    count = Counter(word for each in words for word in each)
    return [next((one for one in each if count[one] == 1), each[0] if each else "")
            for each in words]  # fmt: skip


def names_of_devices(instance: Instance) -> list[str]:
    """Return the name of each of its devices; empty: it cannot be attached."""
    return names_of([words_of_device(one) for one in instance.devices])


def names_of_interfaces(instance: Instance) -> list[str]:
    """Return the name of each of its interfaces: its MAC address, unless another has it too."""
    return names_of([words_of_interface(one) for one in instance.interfaces])
