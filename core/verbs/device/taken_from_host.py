"""What a PCI device that is given to an instance takes away from its host. Pure.

libvirt takes the host's driver off such a device (`managed`), whatever the host has on it: the disk
with its system on it, or the card that the operator's own link goes through.
"""

from __future__ import annotations

from collections.abc import Sequence

from core.model import Request, State
from core.model.text import clean
from core.verbs.caution import Caution
from core.verbs.device.device_requests import DeviceAttach
from core.verbs.device.plug import pci_words, plug_of
from core.verbs.device.requests import InterfaceAttach
from core.verbs.verb import Risk

_FREE = frozenset({"vfio-pci", "pci-stub"})
"""Drivers that only hold a device for guests."""


def _caution(state: State, request: Request) -> Caution:
    return Caution.CONFIRM if _loss(state, request) else Caution.NONE


def _sentences(state: State, requests: Sequence[Request]) -> list[str]:
    return [told for told in (_loss(state, one) for one in requests) if told]


def _loss(state: State, request: Request) -> str:
    place = _place(request)
    if not place:
        return ""
    host = request.subject.host
    device = next((one for one in state.devices.get(host, ()) if one.place == place), None)
    if device is None:
        where = f"`virtdeck devices {clean(host)}` tells what that is"
        return f"{place} is taken from {clean(host)}, with all it does there: {where}."
    if device.driver in _FREE or device.physical_function:
        return ""
    what = " ".join(clean(word) for word in (device.label, device.work and f"({device.work})"))
    used = f", whose driver {clean(device.driver)} uses it" if device.driver else ""
    return f"{place}, {what.strip() or 'a device'}, is taken from {clean(host)}{used}."


def _place(request: Request) -> str:
    """Return the device by which `HostDevice` knows it; empty: it is no PCI device."""
    address = ""
    if isinstance(request, DeviceAttach):
        kind, _, rest = request.device.partition(":")
        address = rest.lower() if kind == "pci" else ""
    elif isinstance(request, InterfaceAttach):
        plug = plug_of(request.network)
        address = plug.name.lower() if plug.kind.of_host == "pci" else ""
    words = pci_words(address)
    return "" if words is None else "pci:{}:{}:{}.{}".format(*words)


TAKES_FROM_HOST = Risk(raised=_caution, after=_sentences)
"""Confirmed by a yes where the host may have something on the device, which is named."""
