"""Volumes that libvirt would read in a format which nobody but what they hold tells. Blocking."""

from __future__ import annotations

import struct
from typing import Any

from core.errors import HypervisorError
from core.hypervisor.connection.binding import libvirt
from core.hypervisor.connection.tolerance import unsupported
from core.model.image_format import PLAIN, only_found
from core.model.text import printable_name
from core.xml.storage import read_volume

_HEADER = struct.Struct(">4sIQ56xQ")
"""Of qcow2: magic, version, where the name of its backing file is, incompatible features."""
_DATA_FILE = 1 << 2
"""The incompatible feature of an image whose data is in another file."""
_CURE = "Look at what it begins with. `virtdeck volume download` copies it as it is."


def refuse_other_format(volume: Any, has: str) -> None:
    """Raise HypervisorError where a raw disk would be read as something else.

    `has` is the format that its instance has it in; empty: that is not known.
    """
    found = read_volume(volume.XMLDesc(0), "", "", "")
    if has == "raw" and found.format not in PLAIN:
        text = (
            f"{printable_name(found.path)} is a raw disk, and libvirt would read it as "
            f"{found.format}: its guest may have written that, to be given another file of the host"
        )
        raise HypervisorError(f"{text}.", _CURE)


def refuse_found_format(volume: Any) -> None:
    """Raise HypervisorError where a volume names another file and its name does not say so.

    One that names none does no harm: images for clouds are often qcow2, and called otherwise.
    """
    found = read_volume(volume.XMLDesc(0), "", "", "")
    if not only_found(found.name, found.format):
        return
    if found.format == "qcow2" and not found.backing and not _names_a_file(volume):
        return
    text = (
        f"{printable_name(found.name)} reads as {found.format} that may name another file of the "
        "host, and its name does not say so: a guest that had it as a raw disk may have written "
        "that."
    )
    cure = f"If you made it so, have its name end in .{found.format}, and refresh its pool."
    raise HypervisorError(text, cure)


def _names_a_file(volume: Any) -> bool:
    """Whether an image in qcow2 lies over another, or has its data in another."""
    stream = volume.connect().newStream(0)
    try:
        volume.download(stream, 0, _HEADER.size, 0)
        data = b""
        while len(data) < _HEADER.size and (piece := stream.recv(_HEADER.size - len(data))):
            data += piece
        stream.finish()
    except libvirt.libvirtError as error:
        if unsupported(error):
            return True
        raise
    if len(data) < _HEADER.size:
        return True
    _, version, backing, features = _HEADER.unpack(data)
    return bool(backing) or (version > 2 and bool(features & _DATA_FILE))
