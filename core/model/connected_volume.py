"""A volume that a host has connected for a disk: an entry of the ledger. Pure values."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import msgspec

from core.model.base import Value

EVERY_HOST = "*"
"""Stands for the hosts that are not named."""


class VolumeConnecting(Value, frozen=True):
    """How a host connects volumes, as the operator has set it for that host."""

    multipath: bool = False
    """Over all paths there are."""
    enforce_multipath: bool = False
    """Refuse where the host has no multipath, instead of taking one path."""
    scan_attempts: int = 3
    """How often its devices are looked through for a volume."""
    python: str = ""
    """What has os-brick there; empty: the one that virtdeck runs on, elsewhere `python3`."""


class HostEncryption(Value, frozen=True):
    """How its host opens a volume (dm-crypt) before an instance has it; QEMU sees what is inside.

    Nova's rule: luks is QEMU's own affair, luks2 and plain are the host's (nova-map 4.2).
    """

    provider: str
    """luks2 or plain, as Cinder has it."""
    cipher: str = ""
    """Of plain, which has no header that would tell; empty: cryptsetup's own."""
    key_size: int = 0
    """Bits, of plain; 0: cryptsetup's own."""


class ConnectedVolume(Value, frozen=True):
    """What lets its host disconnect a volume again."""

    protocol: str
    data: dict[str, Any]
    """Of its connection_info, without secrets."""
    device: dict[str, Any]
    """What os-brick told of it; its path is one that lasts, where the host has one."""
    target: str = ""
    """Of the disk."""
    volume_id: str = ""
    multipath: bool = False
    python: str = ""
    """With which it was connected."""
    shared: bool = False
    """Several instances may use it at a time."""
    encryption: HostEncryption | None = None
    """How its host has opened it."""

    @property
    def handle(self) -> str:
        """By what it is named on its host: its device, or its id where none came up.

        Where it has no id either, by how it is reached.
        """
        return self.path or self.volume_id or self._reached

    @property
    def _reached(self) -> str:
        data = msgspec.json.encode(self.data, order="sorted")
        return f"{self.protocol}-{sha256(data).hexdigest()[:12]}"

    @property
    def slot(self) -> str:
        """By what the ledger has it among those of its instance."""
        return self.target or self.handle

    @property
    def identity(self) -> str:
        """What its storage calls it, whatever host sees it; empty: that is not told."""
        return str(self.device.get("scsi_wwn") or "")

    @property
    def path(self) -> str:
        """Its device, or its file."""
        return str(self.device.get("path", ""))

    @property
    def word(self) -> str:
        """What it is called in a sentence."""
        return f"the {self.protocol} volume {self.volume_id or self.path}".rstrip()
