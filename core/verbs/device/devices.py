"""The devices of an instance that can be attached and detached, by their kind and name. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from core.model import Instance
from core.model.device_word import word_of_device
from core.model.new_device import DeviceKind
from core.model.text import clean


@dataclass(frozen=True, slots=True)
class Present:
    """A device that is there."""

    source: str = ""
    """What it is connected to; empty: nothing."""
    alias: str = ""
    """Of what runs."""
    type: str = ""
    """Of an interface: network, bridge, user..."""
    secrets: bool = False
    """It needs secrets of libvirt's: to be opened, or for its servers."""


PROVEN = ("rbd", "iscsi")
"""Protocols whose servers may ask for a secret."""


def find(instance: Instance | None, kind: DeviceKind, name: str) -> Present | None:
    """Return a device of what runs or is defined; None: it has none of that name."""
    if instance is None:
        return None
    if kind == "disk":
        for disk in instance.disks:
            if disk.target == name:
                source = disk.source
                secrets = disk.encrypted or (source is not None and source.protocol in PROVEN)
                return Present("" if source is None else source.path, disk.alias, secrets=secrets)
        return None
    if kind == "device":
        words = ((word_of_device(one), one) for one in instance.devices)
        return next((Present(alias=one.alias) for word, one in words if word == name), None)
    for interface in instance.interfaces:
        if interface.mac.lower() == name:
            return Present(interface.source, interface.alias, interface.type)
    return None


def word_of(kind: DeviceKind, name: str) -> str:
    """Return what a device is called in a sentence: `vdb`, `the interface 52:54:00:12:34:56`."""
    return f"the interface {clean(name)}" if kind == "interface" else clean(name)
