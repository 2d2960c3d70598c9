"""How a volume that one host has connected is reached from another. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.model.connected_volume import ConnectedVolume
from core.model.secret_value import WITHHELD, Secret
from core.model.text import clean

if TYPE_CHECKING:  # the help needs none of it
    from core.volumes.connection_info import ConnectionInfo


def info_here(known: ConnectedVolume, given: Secret | None) -> ConnectionInfo:
    """Return how a volume is reached from another host; raises UsageError with the cure.

    Without one of that host's own it is the same, where the protocol's says nothing of a host and
    has no secrets: those are in no journal.
    """
    from core.volumes.connection_info import (
        ConnectionInfo,
        ConnectionInfoError,
        read_connection_info,
    )
    from core.volumes.protocols import PROTOCOLS, family_of

    if given is not None:
        info = read_connection_info(given.reveal())
        if not family_of(info).brick:
            text = f"Nobody connects a volume of {info.protocol}: it is there, or QEMU reaches it."
            raise ConnectionInfoError(text, "Move the instance.")
        if known.volume_id and info.volume_id and known.volume_id != info.volume_id:
            text = f"The connection_info is of {clean(info.volume_id)}, not of {clean(known.word)}."
            raise ConnectionInfoError(text, "Give that of the volume.")
        return info
    cure = "Give its connection_info for this host: --connection-info-file."
    if WITHHELD in known.data.values():
        text = f"The secrets of {clean(known.word)} are in no journal."
        raise ConnectionInfoError(text, cure)
    info = ConnectionInfo(
        known.protocol, known.data, volume_id=known.volume_id, multiattach=known.shared
    )
    family = PROTOCOLS.get(known.protocol)
    if family is None or not family.everywhere:
        text = f"How a volume of {known.protocol} is reached is another on each host."
        raise ConnectionInfoError(text, cure)
    family.check(info)
    return info
