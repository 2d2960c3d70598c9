"""iSCSI and iSER: a LUN of a target, through the kernel's initiator. Pure.

QEMU has an initiator of its own (libiscsi), which needs nothing of the host: `of_qemu`.
"""

from __future__ import annotations

from core.errors import UsageError
from core.model.new_device import NetworkImage
from core.volumes.connection_info import ConnectionInfo
from core.volumes.connectors.servers import server
from core.volumes.place import ConnectorFamily, DeviceInfo, VolumePlace, block_device


def check(info: ConnectionInfo) -> None:
    """Raise ConnectionInfoError where it does not lead to a LUN."""
    for key in ("target_portal", "target_iqn", "target_lun"):
        info.require(key, f"{key}s")
    for key in ("target_portals", "target_iqns", "target_luns"):
        info.texts(key)
    counts = {len(info.texts(key)) for key in ("target_portals", "target_iqns", "target_luns")}
    if len(counts - {0}) > 1:
        raise info.malformed("target_portals", "has another length than target_iqns or target_luns")
    _check_numbers(info)
    for key in ("target_portal", *info.texts("target_portals")):
        server(info, info.text(key) if key == "target_portal" else key, "target_portal")
    if not info.lacks("auth_method") and info.text("auth_method").upper() == "CHAP":
        info.require("auth_username")
        info.require("auth_password")


def _check_numbers(info: ConnectionInfo) -> None:
    """Raise ConnectionInfoError where a LUN is no number: os-brick and libvirt tell it late."""
    if not info.lacks("target_lun") and not _is_number(info.text("target_lun")):
        raise info.malformed("target_lun", "is no number")
    if not all(map(_is_number, info.texts("target_luns"))):
        raise info.malformed("target_luns", "is no list of numbers")


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()


def of_qemu(info: ConnectionInfo, _: DeviceInfo) -> VolumePlace:
    """Return the LUN as QEMU itself reaches it, over one of its portals."""
    if info.protocol != "iscsi":
        raise UsageError(
            f"QEMU has no {info.protocol}: only the host reaches it.", "Let the host connect it."
        )
    portals, iqns, luns = (
        info.texts(f"{key}s") or (info.text(key),)
        for key in ("target_portal", "target_iqn", "target_lun")
    )
    user = info.text("auth_username")
    image = NetworkImage(
        "iscsi",
        f"{iqns[0]}/{luns[0]}",
        (server(info, portals[0], "target_portal", 3260),),
        user=user,
        secret_type="iscsi" if user else "",
    )
    return VolumePlace(
        image.place, "network", network=image, secret=info.secrets.get("auth_password")
    )


ISCSI = ConnectorFamily(check, block_device(), everywhere=True)
