"""The words by which devices are attached to instances: `pci:0000:03:00.0`, `usb:1d6b:0002`."""

from __future__ import annotations

import re

from core.model.instance import Device

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
