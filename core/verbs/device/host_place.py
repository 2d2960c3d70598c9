"""Which device of its host a request gives to an instance, and what speaks against it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from core.model import Instance, Request, State
from core.model.host_device import HostDevice
from core.model.lists import listed
from core.model.text import clean, natural_key
from core.state.held_devices import held_by, holders
from core.verbs.device.device_requests import DeviceAttach
from core.verbs.device.plug import pci_words, plug_of
from core.verbs.device.requests import InterfaceAttach
from core.verbs.refusal import Refusal, RefusalCode

FREE = frozenset({"vfio-pci", "pci-stub"})
"""Drivers that only hold a device for guests."""
_ROOT_HUB = re.compile(r"usb_usb[0-9]+")


def given_device(request: Request) -> str:
    """Return the word of the device as `HostDevice` has it; empty: it is none of a host."""
    if isinstance(request, InterfaceAttach):
        plug = plug_of(request.network)
        return _pci(plug.name) if plug.kind.of_host == "pci" else ""
    if not isinstance(request, DeviceAttach):
        return ""
    kind, _, rest = request.device.lower().partition(":")
    if kind == "pci":
        return _pci(rest)
    if kind == "usb" and re.fullmatch(r"[0-9]+\.[0-9]+", rest):  # as lsusb writes it: 001.010
        return "usb:" + ".".join(str(int(number)) for number in rest.split("."))
    return f"{kind}:{rest}" if kind in ("usb", "mdev") else ""


def _pci(address: str) -> str:
    words = pci_words(address.lower())
    return "" if words is None else "pci:{}:{}:{}.{}".format(*words)


def hosts_of_devices(request: Request) -> Iterable[str]:
    """Return the host whose devices a request is judged by."""
    return (request.subject.host,) if given_device(request) else ()


def devices_called(state: State, host: str, word: str) -> list[HostDevice]:
    """Return the devices of a host that a word means: several of one model; none, or not known."""
    return [one for one in state.devices.get(host, ()) if word and word in (one.place, one.model)]


def is_root_hub(device: HostDevice) -> bool:
    """Whether a device is the hub that a USB controller shows itself as."""
    return _ROOT_HUB.fullmatch(device.name) is not None


def against_place(state: State, request: Request, field: str) -> Iterator[Refusal]:
    """Tell why an instance cannot be given this device of its host."""
    instance, word = state.instances.get(request.subject), given_device(request)
    if instance is None or not word:
        return
    known = devices_called(state, instance.host, word)
    if len(known) > 1:
        places = listed(sorted((one.place for one in known), key=natural_key), most=len(known))
        text = f"{clean(instance.host)} has {len(known)} devices {word}: {places}"
        yield _no(text, "name one by where it is plugged in", field)
        return
    if known and is_root_hub(known[0]):
        text = f"{word} is the USB controller of {clean(instance.host)} itself"
        yield _no(text, "give what is plugged into it, or the controller by its pci: word", field)
        return
    words = {word, *(one.place for one in known)}
    yield from _against_holders(state, instance, words, field)
    if known and runs_with(instance, request):
        yield from _against_group(state, instance, known[0], field)


def runs_with(instance: Instance, request: Request) -> bool:
    """Whether it is given what a request is about while it runs."""
    return instance.state.active and getattr(request, "when", "") != "next-start"


def _against_holders(
    state: State, instance: Instance, words: set[str], field: str
) -> Iterator[Refusal]:
    for other in state.instances.values():
        if other.host != instance.host or other.key == instance.key:
            continue
        for word in sorted(words.intersection(held_by(other))):
            if word.startswith("usb:") and not other.state.active:
                continue  # it may be given to whoever runs
            runs = "has" if other.state.active else "is defined with"
            cure = "one at a time can have it: detach it there first"
            yield _no(f"{clean(other.name)} {runs} {word}", cure, field)


def _against_group(
    state: State, instance: Instance, device: HostDevice, field: str
) -> Iterator[Refusal]:
    """Tell of devices of its IOMMU group: libvirt gives it to one that runs once all are free."""
    held = holders(state.instances, instance.host)
    for place in device.iommu_others:
        for other in held.get(place, ()):
            if other.key != instance.key and other.state.active:
                text = f"{device.place} is in the IOMMU group of {place}, which {clean(other.name)}"
                yield _no(f"{text} has", "a group is one instance's: take another", field)
                return
    used = used_of_group(state, instance, device)
    if used:
        names = listed([f"{one.place} ({clean(one.driver)})" for one in used])
        text = (
            f"{device.place} is in one IOMMU group with {names}, which {clean(instance.host)} uses"
        )
        cure = (
            "give it all of them from its next start on (--when next-start), or have the host let "
            f"go of them first: `virsh nodedev-detach {used[0].name}`"
        )
        yield _no(text, cure, field)


def used_of_group(state: State, instance: Instance, device: HostDevice) -> list[HostDevice]:
    """Return what its host uses of the IOMMU group of a device, and an instance has not."""
    own = set(held_by(instance))
    return [
        one
        for one in state.devices.get(instance.host, ())
        if one.place in device.iommu_others
        and one.place not in own
        and one.driver not in FREE | {"", "pcieport"}
        and one.work != "bridge"
    ]


def _no(text: str, cure: str, field: str) -> Refusal:
    return Refusal(RefusalCode.PARAMETER, text, cure, field)
