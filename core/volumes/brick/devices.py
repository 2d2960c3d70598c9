"""What the devices of a host are called: now, and for good. It is sent along with `child`.

A definition keeps the path of its disk. A number such as /dev/sdb may be another volume's after the
next boot of the host. Nova need not care: it connects its volumes anew at each start.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

BY_ID = "/dev/disk/by-id"
_BEST = ("dm-uuid-mpath-", "md-uuid-", "nvme-uuid.", "nvme-eui.", "wwn-", "scsi-3", "nvme-nguid.")
"""How udev's links begin that name what is stored, the best first: each leads to it, or nowhere."""
_NAMING = 60
"""Seconds in which udev names a device, at the most."""


def udev_is_done() -> None:
    """Wait until udev has named what has come up."""
    with suppress(OSError):  # there is none: then nobody names it
        words = ["udevadm", "settle", f"--timeout={_NAMING}"]
        subprocess.run(words, capture_output=True, check=False)


def lasting(device: Mapping[str, Any]) -> dict[str, Any]:
    """Return what os-brick told of a device, with a path that no other device ever has.

    os-brick's own stays as `os_path`. What it named by its identity, or what has no such name, is
    returned as it is.
    """
    path = _text(device.get("path"))
    if not path.startswith("/dev/") or path.startswith(f"{BY_ID}/"):
        return dict(device)
    node = os.path.realpath(path)
    link = _link_to(node)
    if not link:
        udev_is_done()
        link = _link_to(node)
    return {**device, "path": link, "os_path": path} if link else dict(device)


def _link_to(node: str) -> str:
    """Return the best link that leads to a device; empty: there is none."""
    try:
        links = sorted(Path(BY_ID).iterdir())
    except OSError:
        return ""
    best = (link for start in _BEST for link in links if link.name.startswith(start))
    return next((str(link) for link in best if os.path.realpath(link) == node), "")


def present(device: Mapping[str, Any]) -> dict[str, Any]:
    """Return what os-brick is given of a device: as it told it, by the number it has by now.

    From the form of a path os-brick tells whether it was one of several.
    """
    told = _text(device.get("os_path"))
    if not told:
        return dict(device)
    numbered = told.count("/") == 2
    found = where(_text(device.get("path"))) if numbered else ""
    return {**device, "path": found or told}


def seen(device: Mapping[str, Any]) -> dict[str, Any]:
    """Return what os-brick told, and whether nothing is there: GPFS is connected without a look."""
    path = _text(device.get("path"))
    if path.startswith("/"):
        try:
            Path(path).stat()
        except FileNotFoundError:
            return {**device, "missing": True}
        except OSError:  # a share whose root may not look
            pass
    return dict(device)


def where(path: str) -> str:
    """Return the device that a path leads to; empty: to none."""
    return os.path.realpath(path) if path and Path(path).exists() else ""


def _text(value: object) -> str:
    if isinstance(value, bytes):
        return value.decode(errors="surrogateescape")
    return "" if value is None else str(value)
