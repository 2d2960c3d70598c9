"""What an instance has of its host beside disks of files and networks. Pure."""

from __future__ import annotations

from core.model import Device, Instance
from core.model.base import Value
from core.model.device_word import names_of_devices
from core.state.held_devices import held_devices


class InstanceDevice(Value, frozen=True):
    """A device, directory or TPM of the host that an instance has."""

    kind: str
    """pci, usb, mdev, scsi..., share, tpm, rng."""
    word: str = ""
    """By which `device detach` takes it; empty: what detaches it is another verb, or none."""
    as_what: str = ""
    """What it is to its guest: a device as such, an interface by its MAC, a disk by its target."""
    source: str = ""
    tag: str = ""
    """What its guest mounts a shared directory by."""
    bus: str = ""
    read_only: bool | None = None
    """Of a share; None: it has no such thing."""
    alias: str = ""


def devices_of_instance(instance: Instance) -> list[InstanceDevice]:
    """Return what an instance has of its host, as it runs, or as it is defined where it is off."""
    named = zip(instance.devices, names_of_devices(instance), strict=True)
    found = [one for device, name in named if (one := _of_host(device, name)) is not None]
    for held in held_devices(instance):
        if held.kind != "device":
            kind, _, place = held.word.partition(":")
            found.append(InstanceDevice(kind, "", f"{held.kind} {held.name}", source=place))
    return found


def _of_host(device: Device, word: str) -> InstanceDevice | None:
    """Return what a device is of the host; None: nothing, it is made up for the guest."""
    if device.kind == "filesystem":
        return InstanceDevice("share", word, "directory", device.source, device.target,
                              device.bus, device.read_only, device.alias)  # fmt: skip
    if device.kind == "tpm" and device.source:
        return InstanceDevice("tpm", "", "TPM", device.source, bus=device.bus, alias=device.alias)
    if device.kind == "rng" and device.source.startswith("/"):
        return InstanceDevice("rng", word, "random numbers", device.source, bus=device.bus,
                              alias=device.alias)  # fmt: skip
    if device.kind == "hostdev":
        kind, _, place = device.summary.partition(" ")
        return InstanceDevice(kind, word, "device", place, alias=device.alias)
    return None
