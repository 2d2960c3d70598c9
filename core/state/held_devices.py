"""Which device of a host an instance holds, by the words that give it to one. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from core.model import Instance, ObjectKey
from core.model.device_word import word_of_device
from core.model.host_device import HostDevice


def held_by(instance: Instance) -> list[str]:
    """Return the words of the host's devices that an instance has, those of SR-IOV too."""
    found = [word_of_device(one) for one in instance.devices if one.kind == "hostdev"]
    sriov = [one.source for one in instance.interfaces if one.type == "hostdev"]
    found += [f"pci:{one.removeprefix('pci ')}" for one in sriov if one]
    return [word for word in found if word]


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
    """Return who holds a device: by its place, or by what it is a model of."""
    words: Iterable[str] = filter(None, (device.place, device.model))
    return [one for word in words for one in held.get(word, ())]
