"""NVMe over fabrics: a namespace of a subsystem. Pure."""

from __future__ import annotations

from core.volumes.connection_info import ConnectionInfo
from core.volumes.place import ConnectorFamily, block_device


def check(info: ConnectionInfo) -> None:
    """Raise ConnectionInfoError for what is in neither of the two forms that Cinder has had."""
    info.require("target_nqn", "nqn", "volume_replicas")
    if info.lacks("volume_replicas"):
        _check_paths(info)
    replicas = info.data.get("volume_replicas") or []
    if not isinstance(replicas, list) or not all(isinstance(one, dict) for one in replicas):
        raise info.malformed("volume_replicas", "is no list of objects")
    for replica in replicas:
        for key in ("target_nqn", "vol_uuid", "portals"):
            if not replica.get(key):
                raise info.malformed("volume_replicas", f"has one without {key}")


def _check_paths(info: ConnectionInfo) -> None:
    if info.lacks("portals"):
        info.require("transport_type")
        info.require("target_portal", "portals")
        info.require("target_port", "portals")
        return
    portals = info.data["portals"]
    whole = isinstance(portals, list) and all(
        isinstance(one, list | tuple) and len(one) == 3 for one in portals
    )
    if not whole:
        raise info.malformed("portals", "is no list of address, port and transport")
    info.require("vol_uuid", "volume_nguid", "ns_id")


NVMEOF = ConnectorFamily(check, block_device(io=""), everywhere=True)
