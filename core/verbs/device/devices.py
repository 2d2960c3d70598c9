"""The devices of an instance that can be attached and detached, by their kind and name. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from core.model import Disk, Instance
from core.model.device_word import names_of, words_of_device, words_of_interface
from core.model.lists import listed
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
    return next(iter(matching(instance, kind, name)), None)


def matching(instance: Instance | None, kind: DeviceKind, name: str) -> list[Present]:
    """Return all the devices of a name: USB devices of a model, the interfaces of a failover."""
    if instance is None:
        return []
    if kind == "disk":
        return [_disk(one) for one in instance.disks if one.target == name]
    if kind == "device":
        devices = [one for one in instance.devices if name in words_of_device(one)]
        return [Present(alias=one.alias) for one in devices]
    cards = [one for one in instance.interfaces if name in words_of_interface(one)]
    return [Present(one.source, one.alias, one.type) for one in cards]


def _disk(disk: Disk) -> Present:
    source = disk.source
    secrets = disk.encrypted or (source is not None and source.protocol in PROVEN)
    return Present("" if source is None else source.path, disk.alias, secrets=secrets)


def several(instance: Instance | None, kind: DeviceKind, name: str) -> tuple[str, str] | None:
    """Return what to say where a name is that of several devices, and the cure; None: it is not."""
    found = matching(instance, kind, name)
    if instance is None or len(found) < 2:
        return None
    if kind == "device":
        words = [words_of_device(one) for one in instance.devices]
    else:
        words = [words_of_interface(one) for one in instance.interfaces]
    own = [one for one, each in zip(names_of(words), words, strict=True) if name in each]
    shown = [_told(one, each, name) for one, each in zip(own, found, strict=True)]
    text = f"{clean(instance.name)} has {len(found)} {kind}s {clean(name)}: {listed(shown)}"
    names = [clean(one) for one in own if one != name]
    other = f"take the other out of its XML: `virtdeck edit {clean(instance.name)}`"
    return text, f"say which: {' or '.join(names)}" if names else other


def _told(name: str, device: Present, asked: str) -> str:
    own = name if name != asked else device.alias or "one"
    place = device.source.removeprefix("pci ")
    return clean(own if not place or own.endswith(place) else f"{own} ({place})")


def word_of(kind: DeviceKind, name: str) -> str:
    """Return what a device is called in a sentence: `vdb`, `the interface 52:54:00:12:34:56`."""
    return f"the interface {clean(name)}" if kind == "interface" else clean(name)
