"""Fibre Channel: a LUN of target ports that the host's adapters see. Pure."""

from __future__ import annotations

from core.volumes.connection_info import ConnectionInfo
from core.volumes.place import ConnectorFamily, block_device


def check(info: ConnectionInfo) -> None:
    """Raise ConnectionInfoError where it does not lead to a LUN."""
    info.require("target_wwn", "target_wwns")
    info.require("target_lun", "target_luns")
    for key in ("target_wwn", "target_wwns"):
        if isinstance(info.data.get(key), list):
            info.texts(key)
        else:
            info.text(key)
    info.texts("target_luns")
    mapped = info.data.get("initiator_target_map")
    if mapped is not None and not isinstance(mapped, dict):
        raise info.malformed("initiator_target_map", "is no object")


FIBRE_CHANNEL = ConnectorFamily(check, block_device())
