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


SCALEIO = ConnectorFamily(
    needing(
        ("scaleIO_volname",),
        ("scaleIO_volume_id",),
        ("serverIP",),
        ("serverPort",),
        ("serverUsername",),
        ("serverPassword", "serverToken", "config_group"),
    ),
    block_device(),
)
STORPOOL = ConnectorFamily(
    needing(("volume",), ("client_id",), ("access_mode",)),
    block_device(),
)
LIGHTOS = ConnectorFamily(
    needing(("uuid",), ("subsysnqn",), ("lightos_nodes",)),
    block_device(io=""),
)
