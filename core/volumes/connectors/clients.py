"""Storage whose own client on the host makes the device: ScaleIO, StorPool, LightOS. Pure."""

from __future__ import annotations

from collections.abc import Callable

from core.volumes.connection_info import ConnectionInfo
from core.volumes.place import ConnectorFamily, block_device


def needing(*alternatives: tuple[str, ...]) -> Callable[[ConnectionInfo], None]:
    """Return what raises ConnectionInfoError where one of these has a value in none of its keys."""

    def check(info: ConnectionInfo) -> None:
        for keys in alternatives:
            info.require(*keys)

    return check


def check_scaleio(info: ConnectionInfo) -> None:
    """Raise ConnectionInfoError where it does not lead to a volume.

    Cinder's driver itself maps the volume to the host since its version 3.6.0, and names the
    host's client. Before, os-brick did, which knows no server where one of these keys is missing.
    """
    needing(("scaleIO_volname",), ("scaleIO_volume_id",))(info)
    if not info.lacks("sdc_guid"):
        return
    needing(("serverIP",), ("serverPort",), ("serverUsername",))(info)
    info.require("serverPassword", "config_group")
    there = ["hostIP", "iopsLimit", "bandwidthLimit"]
    if not info.lacks("serverPassword"):
        there.append("serverToken")
    for key in there:  # which may be empty
        if key not in info.data:
            info.require(key)


def check_lightos(info: ConnectionInfo) -> None:
    """Raise ConnectionInfoError where it does not lead to a volume."""
    needing(("uuid",), ("subsysnqn",), ("lightos_nodes",))(info)
    nodes = info.data["lightos_nodes"]
    if not isinstance(nodes, dict) or not all(isinstance(one, dict) for one in nodes.values()):
        raise info.malformed("lightos_nodes", "is no object of nodes")
    for node in nodes.values():
        for key in ("target_portal", "target_port", "transport_type"):
            if not node.get(key):
                raise info.malformed("lightos_nodes", f"has one without {key}")


def check_storpool(info: ConnectionInfo) -> None:
    """Raise ConnectionInfoError where it does not lead to a volume."""
    needing(("volume",), ("client_id",), ("access_mode",))(info)
    if info.text("access_mode") not in ("rw", "ro"):
        raise info.malformed("access_mode", "is neither rw nor ro")


SCALEIO = ConnectorFamily(check_scaleio, block_device())
STORPOOL = ConnectorFamily(check_storpool, block_device())
LIGHTOS = ConnectorFamily(check_lightos, block_device(io=""))
