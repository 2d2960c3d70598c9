"""A volume that a host has connected for a disk: an entry of the ledger. Pure values."""

from __future__ import annotations

from typing import Any

from core.model.base import Value


class ConnectedVolume(Value, frozen=True):
    """What lets its host disconnect a volume again."""

    protocol: str
    data: dict[str, Any]
    """Of its connection_info, without secrets."""
    device: dict[str, Any]
    """What os-brick told of it."""
    target: str = ""
    """Of the disk."""
    volume_id: str = ""
    multipath: bool = False

    @property
    def path(self) -> str:
        """Its device, or its file."""
        return str(self.device.get("path", ""))

    @property
    def word(self) -> str:
        """What it is called in a sentence."""
        return f"the {self.protocol} volume {self.volume_id or self.path}".rstrip()
