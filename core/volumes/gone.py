"""Protocols that Cinder once had: who can no longer reach them, and who last could. Pure data."""

from __future__ import annotations

from core.volumes.connection_info import ConnectionInfoError

_BRICK = "os-brick has had no {name} since 4.0.0; the last with it is 3.2.1"
GONE: dict[str, str] = {
    "aoe": _BRICK.format(name="ATA over Ethernet"),
    "drbd": _BRICK.format(name="DRBD"),
    "hgst": _BRICK.format(name="HGST"),
    "disco": _BRICK.format(name="DISCO"),
    "veritas_hyperscale": _BRICK.format(name="Veritas HyperScale"),
    "sheepdog": "QEMU has had no Sheepdog since 6.1, os-brick none since 3.0.0; the last with it "
    "are QEMU 6.0 and os-brick 2.11.0",
    "fake": "it is Nova's stand-in for its own tests: no QEMU and no libvirt ever had it",
}
"""Protocol -> why it cannot be attached."""
_ELSEWHERE = "Move the volume to a back end of another protocol in Cinder (retype), or copy it."


def against_gone(protocol: str) -> None:
    """Raise ConnectionInfoError for a protocol that is gone."""
    if why := GONE.get(protocol):
        text = f"A volume of {protocol} cannot be attached: {why}."
        raise ConnectionInfoError(text, "" if protocol == "fake" else _ELSEWHERE)
