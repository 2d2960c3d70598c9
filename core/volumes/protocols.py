"""Every protocol by the name that Cinder gives it, and the family that knows it. Pure."""

from __future__ import annotations

from core.volumes.connection_info import ConnectionInfo, ConnectionInfoError
from core.volumes.connectors.clients import LIGHTOS, SCALEIO, STORPOOL
from core.volumes.connectors.fibre_channel import FIBRE_CHANNEL
from core.volumes.connectors.iscsi import ISCSI
from core.volumes.connectors.mounted import NFS, QUOBYTE, SMB, VZSTORAGE
from core.volumes.connectors.nvmeof import NVMEOF
from core.volumes.connectors.paths import GPFS, LOCAL
from core.volumes.connectors.rbd import RBD
from core.volumes.gone import GONE, against_gone
from core.volumes.place import ConnectorFamily

PROTOCOLS: dict[str, ConnectorFamily] = {
    "iscsi": ISCSI,
    "iser": ISCSI,
    "fibre_channel": FIBRE_CHANNEL,
    "nvmeof": NVMEOF,
    "rbd": RBD,
    "nfs": NFS,
    "smbfs": SMB,
    "quobyte": QUOBYTE,
    "gpfs": GPFS,
    "vzstorage": VZSTORAGE,
    "scaleio": SCALEIO,
    "storpool": STORPOOL,
    "lightos": LIGHTOS,
    "local": LOCAL,
}
"""`driver_volume_type` -> its family; `core.volumes.gone` has those that are no more."""


def family_of(info: ConnectionInfo) -> ConnectorFamily:
    """Return who knows how a volume is attached.

    Raises ConnectionInfoError for a protocol that is gone or unknown, and for what is missing.
    """
    against_gone(info.protocol)
    family = PROTOCOLS.get(info.protocol)
    if family is None:
        known = ", ".join((*PROTOCOLS, *GONE))
        text = f"{info.protocol} is no protocol of Cinder's that virtdeck knows."
        raise ConnectionInfoError(text, f"It knows {known}.")
    family.check(info)
    return family
