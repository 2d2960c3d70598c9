"""Which device of a host an instance holds, by the words that give it to one. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from core.model import Instance, Network, ObjectKey
from core.model.device_word import (
    names_of_devices,
    names_of_interfaces,
    place_of_usb,
    word_of_device,
)
from core.model.host_device import HostDevice
from core.model.new_device import DeviceKind


class HeldDevice(NamedTuple):
    """A device of the host that an instance has."""

    word: str
    """By which it is given: `pci:0000:03:00.0`. Of a USB device where it is plugged in, `usb:1.4`,
    or where that is not known what it is a model of, `usb:1d6b:0002`."""
    kind: DeviceKind
    """What it is to the instance: a device as such, an interface (SR-IOV), a disk (NVMe)."""
    name: str
    """Of the device of that kind: its word, the MAC address, the target; another where several
    have that."""


def held_devices(instance: Instance) -> list[HeldDevice]:
    """Return the host's devices that an instance has, as what it has each."""
    found = [
        HeldDevice(place_of_usb(one) or word_of_device(one), "device", name)
        for one, name in zip(instance.devices, names_of_devices(instance), strict=True)
        if one.kind == "hostdev" and name
    ]
    names = names_of_interfaces(instance)
    for card, name in zip(instance.interfaces, names, strict=True):
        if card.type == "hostdev" and card.source:
            word = f"pci:{card.source.removeprefix('pci ')}"
            found.append(HeldDevice(word, "interface", name))
    for disk in instance.disks:
        if disk.source is not None and disk.source.type == "nvme":
            address = disk.source.path.partition("/")[0]
            found.append(HeldDevice(f"pci:{address}", "disk", disk.target))
    return found


def bound_devices(instance: Instance) -> list[HeldDevice]:
    """Return the devices with which QEMU saves no memory: USB is saved, and NVMe is a disk."""
    found = held_devices(instance)
    return [one for one in found if one.kind != "disk" and not one.word.startswith("usb:")]


def lent_interfaces(instance: Instance, networks: Mapping[ObjectKey, Network]) -> list[HeldDevice]:
    """Return the interfaces for which a network of its host lends a device of SR-IOV.

    What runs has them as that device; by its definition it has an interface of the network.
    """
    lends = {
        one.name
        for key, one in networks.items()
        if key.host == instance.host and one.forward == "hostdev"
    }
    names = names_of_interfaces(instance)
    return [
        HeldDevice(f"network:{card.source}", "interface", name)
        for card, name in zip(instance.interfaces, names, strict=True)
        if card.type == "network" and card.source in lends
    ]


def held_by(instance: Instance) -> list[str]:
    """Return the words of the host's devices that an instance has, those of SR-IOV too."""
    return [one.word for one in held_devices(instance)]


def holders(
    instances: Mapping[ObjectKey, Instance], host: str
) -> Mapping[str, tuple[Instance, ...]]:
    """Return who holds which device of a host, by the device's word."""
    found: dict[str, tuple[Instance, ...]] = {}
    for instance in instances.values():
        if instance.host == host:
            for word in held_by(instance):
                found[word] = (*found.get(word, ()), instance)
    return found


def holders_of(device: HostDevice, held: Mapping[str, tuple[Instance, ...]]) -> list[Instance]:
    """Return who holds a device: by its place, or by its model where no place is known of it."""
    words: Iterable[str] = filter(None, (device.place, device.model))
    return list({one.key: one for word in words for one in held.get(word, ())}.values())


def as_held(instance: Instance, device: HostDevice) -> HeldDevice | None:
    """Return how an instance has a device of its host; None: it has it not."""
    words = {device.place, device.model} - {""}
    return next((one for one in held_devices(instance) if one.word in words), None)


def keeps_tpm_state(instance: Instance) -> bool:
    """Whether libvirt keeps the state of a TPM for an instance: of an emulated one it does."""
    kinds = [set(one.summary.split()) for one in instance.devices if one.kind == "tpm"]
    return any(not words & {"passthrough", "external"} for words in kinds)
