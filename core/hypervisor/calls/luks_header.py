"""Where the data of a LUKS volume begins. Pure."""

from __future__ import annotations

HEADER = 592
"""Bytes of the header of LUKS1 before its first key, by its specification."""
_MAGIC = b"LUKS\xba\xbe"
_SECTOR = 512


def payload_offset(header: bytes) -> int | None:
    """Return how many bytes of a volume are LUKS1's own; None: it is no LUKS1.

    QEMU itself opens no LUKS2.
    """
    if len(header) < HEADER or header[:6] != _MAGIC or header[6:8] != b"\0\1":
        return None
    return int.from_bytes(header[104:108], "big") * _SECTOR
