"""What format an image is in, as its name says, and whether that was only found in it. Pure.

libvirt finds out what format a volume of a folder is in by what it begins with. A guest writes what
a raw disk of it begins with: as qcow2 that may name any file of the host as what it lies over.
Nobody but an operator gives a volume its name.
"""

from __future__ import annotations

from collections.abc import Mapping

PLAIN = frozenset({"", "raw", "iso", "dir", "none", "unknown"})
"""Formats, as pools tell them, that are read as they are: nothing in them names another file."""
_ENDINGS: Mapping[str, str] = {
    "qcow2": "qcow2", "qcow": "qcow", "qed": "qed", "vmdk": "vmdk", "vdi": "vdi", "vhd": "vpc",
    "raw": "raw", "img": "raw",
}  # fmt: skip


def named_format(name: str) -> str:
    """Return the format that an image is in by the ending of its name; empty: that says none."""
    return _ENDINGS.get(name.rpartition(".")[2].lower(), "")


def only_found(name: str, format_: str) -> bool:
    """Whether nothing but what an image begins with says that it is in a format."""
    return format_ not in PLAIN and named_format(name) != format_
