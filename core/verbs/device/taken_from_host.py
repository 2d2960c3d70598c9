"""What a device that is given to an instance takes away from its host. Pure.

libvirt takes the host's driver off a PCI device (`managed`), and QEMU off a USB device, whatever
the host has on it: the disk with its system on it, or the card that the operator's own link goes
through.
"""

from __future__ import annotations

from collections.abc import Sequence

from core.model import Request, State
from core.model.host_device import HostDevice
from core.model.lists import listed
from core.model.text import clean
from core.verbs.caution import Caution
from core.verbs.device.host_place import (
    FREE,
    devices_called,
    given_device,
    is_root_hub,
    runs_with,
    used_of_group,
)
from core.verbs.verb import Risk

_GOES = {
    "network": "its network interface and all that goes through it",
    "nvme": "its disks, with what is on them",
    "storage": "its disks, with what is on them",
    "wireless": "its network interface and all that goes through it",
}
"""What a host has no more of a device, by what that is for."""


def _caution(state: State, request: Request) -> Caution:
    return Caution.CONFIRM if _loss(state, request) else Caution.NONE


def _sentences(state: State, requests: Sequence[Request]) -> list[str]:
    return [told for told in (_loss(state, one) for one in requests) if told]


def _loss(state: State, request: Request) -> str:
    word = given_device(request)
    if not word.startswith(("pci:", "usb:")):
        return ""
    host = request.subject.host
    found = devices_called(state, host, word)
    if not found:
        where = f"`virtdeck devices {clean(host)}` tells what that is"
        return f"{word} is taken from {clean(host)}, with all it does there: {where}."
    device = found[0]
    if device.driver in FREE or (device.physical_function and not device.driver):
        return ""
    what = " ".join(clean(word) for word in (device.label, device.work and f"({device.work})"))
    uses = device.driver and device.kind != "usb_device"  # that one's driver is usb, of whatever
    used = f", whose driver {clean(device.driver)} uses it" if uses else ""
    lost = _lost(state, host, device)
    return f"{word}, {what.strip() or 'a device'}, is taken from {clean(host)}{used}{lost}."


def _lost(state: State, host: str, device: HostDevice) -> str:
    """Return what its host loses with it, as the end of a sentence."""
    if device.kind == "usb_device":
        return ", with all it does there"
    known = state.devices.get(host, ())
    goes = [_GOES[device.work]] if device.work in _GOES and device.driver else []
    count = len(device.virtual_functions)
    goes += [f"its {count} virtual functions"] if count else []
    plugged = _plugged(known, device)
    goes += [f"what is plugged into it, {listed(plugged)}"] if plugged else []
    return f": there go {listed(goes)}" if goes else ""


def _plugged(known: Sequence[HostDevice], controller: HostDevice) -> list[str]:
    """Return the names of the USB devices below a controller, but not of its own hub."""
    names, waiting = list[str](), [controller.name]
    while waiting:
        above = waiting.pop()
        for one in known:
            if one.kind == "usb_device" and one.parent == above != one.name:
                waiting.append(one.name)
                names += [] if is_root_hub(one) else [clean(one.label or one.place)]
    return names


def _warnings(state: State, requests: Sequence[Request]) -> list[str]:
    """Say what may keep an instance from its next start."""
    found: list[str] = []
    for one in requests:
        instance, word = state.instances.get(one.subject), given_device(one)
        if instance is None or not word:
            continue
        known = devices_called(state, instance.host, word)
        if word.startswith("usb:") and "." in word and getattr(one, "when", "") != "now":
            found.append(_of_place(state, instance.host, word, known))
        if known and not runs_with(instance, one):
            used = used_of_group(state, instance, known[0])
            places = listed([other.place for other in used])
            text = f"{word} is in one IOMMU group with {places}: it starts once it has these, too"
            found += [f"{text}, or its host has let go of them."] if used else []
    return found


def _of_place(state: State, host: str, word: str, known: Sequence[HostDevice]) -> str:
    text = (
        f"{word} is where it is plugged in now: once that is pulled out, or the host boots, it may "
        "be another number, with which the instance does not start"
    )
    model = known[0].model if known else ""
    alone = bool(model) and len(devices_called(state, host, model)) == 1
    return f"{text}; {model} names it wherever it is." if alone else f"{text}."


TAKES_FROM_HOST = Risk(raised=_caution, after=_sentences, warns=_warnings)
"""Confirmed by a yes where the host may have something on the device, which is named."""
