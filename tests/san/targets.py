"""How the volumes of the SAN's guest are reached: connection_infos as Cinder would give them.

What gives them out is guest/targets.
"""

from __future__ import annotations

import json
from typing import Any

from core.volumes.connection_info import ConnectionInfo, read_connection_info

MIB = 1 << 20
TARGET = "iqn.2026-11.lab:disks"
PORTALS = ("127.0.0.1:3260", "127.0.0.2:3260")
RDMA = "10.9.9.1:3260"
WIRE = "10.9.8.1:3260"
"""The portal that the other host reaches."""
ADAPTER, PORT = "2000020000010101", "2000020000010102"
"""Of Fibre Channel: the initiator's, and the target's."""
USER, SECRET = "operator", "the-word-of-chap"
OTHER_USER, OTHER_SECRET = "other-operator", "the-other-word-of-chap"
NAMESPACE = "00000000-1111-2222-3333-444444444444"


def info(protocol: str, data: dict[str, Any]) -> ConnectionInfo:
    """Return what virtdeck makes of it."""
    return read_connection_info(json.dumps({"driver_volume_type": protocol, "data": data}))


def whole(one: ConnectionInfo) -> dict[str, Any]:
    """Return its data with its secrets: what os-brick is given."""
    return {**one.data, **{key: secret.reveal() for key, secret in one.secrets.items()}}


def iscsi(lun: int, *, paths: int = 1, **more: Any) -> ConnectionInfo:
    """Return what leads to a LUN, over one portal or both."""
    data: dict[str, Any] = {
        "target_discovered": False,
        "target_portal": PORTALS[0],
        "target_iqn": TARGET,
        "target_lun": lun,
        "auth_method": "CHAP",
        "auth_username": USER,
        "auth_password": SECRET,
        "volume_id": f"volume-{lun}",
    }
    if paths > 1:
        data["target_portals"] = list(PORTALS[:paths])
        data["target_iqns"] = [TARGET] * paths
        data["target_luns"] = [lun] * paths
    return info("iscsi", {**data, **more})


def from_the_other(lun: int = 9, **more: Any) -> ConnectionInfo:
    """Return what leads the other host to LUN 5: by a number, a name and a password of its own."""
    here = {"target_portal": WIRE, "auth_username": OTHER_USER, "auth_password": OTHER_SECRET}
    return iscsi(lun, **{**here, "volume_id": "volume-5", **more})


def iser() -> ConnectionInfo:
    """Return what leads to the LUN over iSER."""
    return info("iser", {**whole(iscsi(4)), "target_portal": RDMA})


def fibre_channel(lun: int = 1) -> ConnectionInfo:
    """Return what leads to a LUN over Fibre Channel."""
    return info(
        "fibre_channel",
        {
            "target_discovered": True,
            "target_wwn": [PORT],
            "target_lun": lun,
            "initiator_target_map": {ADAPTER: [PORT]},
            "volume_id": f"fibre-{lun}",
        },
    )


def nvmeof(*, paths: int = 1) -> ConnectionInfo:
    """Return what leads to the namespace, over one port or both."""
    return info(
        "nvmeof",
        {
            "target_nqn": "nqn.2026-11.lab:disks",
            "vol_uuid": NAMESPACE,
            "portals": [[f"127.0.0.{path + 1}", "4420", "tcp"] for path in range(paths)],
            "ns_id": 1,
            "volume_id": "namespace-1",
        },
    )


def nfs() -> ConnectionInfo:
    """Return what leads to the file of the share."""
    return info("nfs", {"export": "127.0.0.1:/", "name": "volume-1", "format": "raw"})


def document(one: ConnectionInfo) -> str:
    """Return it as Cinder gives it."""
    return json.dumps({"driver_volume_type": one.protocol, "data": whole(one)})
