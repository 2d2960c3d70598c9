"""A device of the host is attached to an instance: PCI, USB, a mediated one, random numbers. Pure.

What QEMU plugs into no guest that runs is refused by its name, with what to do instead.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

from msgspec.structs import replace

from core.model import Instance, Request, State
from core.model.host_device import HostDevice
from core.model.lists import listed
from core.model.new_device import AttachedDevice
from core.model.text import clean
from core.state.held_devices import held_by
from core.verbs.applied import affects, against_when
from core.verbs.device.attaching import attach_step, attached, known_again, taken
from core.verbs.device.boot_turn import against_turn
from core.verbs.device.calls import AttachCall
from core.verbs.device.device_requests import DeviceAttach, DeviceDetach
from core.verbs.device.host_place import against_place
from core.verbs.device.plug import pci_words
from core.verbs.refusal import Refusal, RefusalCode
from core.verbs.sequence import Step
from core.verbs.situation import Situation

_MODELS = ("vfio-pci", "vfio-ccw", "vfio-ap")
"""libvirt's of mediated devices."""
_SHAPES: Mapping[str, tuple[str, str]] = {
    "pci": (r"([0-9a-f]{4}:)?[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]", "pci:0000:03:00.0"),
    "usb": (r"[0-9a-f]{4}:[0-9a-f]{4}|[0-9]{1,3}\.[0-9]{1,3}", "usb:1d6b:0002 or usb:1.2"),
    "mdev": (r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "mdev:UUID"),
    "rng": (r"/\S+", "rng:/dev/urandom"),
}
"""By kind: what follows the colon, and an example."""
_REFUSED: Mapping[str, tuple[str, str]] = {
    "tpm": ("QEMU plugs a TPM into no guest that runs", "have it from the next start on: add-tpm"),
    "virtiofs": ("A directory is shared by a tag", "share it: device share"),
    "share": ("A directory is shared by a tag", "share it: device share"),
    "scsi": ("A SCSI device of the host is a disk to its guest", "attach it as one: volume attach"),
    "net": ("A network device is plugged in as an interface", "interface attach: hostdev:ADDRESS"),
    "memory": ("Memory is no device of the host", "set-memory changes how much it has"),
}  # fmt: skip


def attach_steps(now: Situation) -> list[Step]:
    """Return the one call."""
    request = now.request
    assert isinstance(request, DeviceAttach)
    call = attached(now)
    if call is None:
        from core.xml.new_host_device import host_device_xml

        new = _new(request.device, request.boot_order)
        new = replace(new, model=mdev_model(now.around.devices, new.source) or new.model)
        live, config = affects(now, request.when)
        needs = f"pci {new.source}" if new.type == "pci" and request.when != "next-start" else ""
        call = AttachCall(
            live=live,
            config=config,
            kind="device",
            name=f"{new.type}:{new.source}",
            xml=host_device_xml(new),
            needs=needs,
        )
        call = known_again(now, call)
    return list(attach_step(call, f"attaching {call.name} to {now.name}"))


def _new(word: str, boot_order: int = 0) -> AttachedDevice:
    kind, _, rest = word.partition(":")
    kinds: dict[str, Literal["pci", "usb", "mdev", "rng"]] = {
        "pci": "pci", "usb": "usb", "mdev": "mdev", "rng": "rng",
    }  # fmt: skip
    source = rest if kind == "rng" else rest.lower()
    words = pci_words(source) if kind == "pci" else None
    if words is not None:
        source = "{}:{}:{}.{}".format(*words)
    if kind == "usb" and "." in source:  # lsusb writes 001.010, and libvirt reads that as octal
        source = ".".join(str(int(number)) for number in source.split("."))
    return AttachedDevice(kinds[kind], source, boot_order)


def outcome(now: Situation) -> str:
    """Say what is so then."""
    call = attached(now)
    assert call is not None
    later = "" if call.live else ", from its next start on"
    return f"{clean(call.name)} is attached to {now.name}{later}"


def undo(now: Situation) -> Request | None:
    """Return what takes it away again."""
    request = now.request
    assert isinstance(request, DeviceAttach)
    new = _new(request.device)
    return DeviceDetach(request.subject, f"{new.type}:{new.source}", request.when)


def against(state: State, request: Request, but: str) -> Iterator[Refusal]:
    """Tell why it cannot be attached."""
    assert isinstance(request, DeviceAttach)
    instance = state.instances.get(request.subject)
    if instance is None:
        return
    yield from against_when(state, request, but)
    if (wrong := _against_word(request.device)) is not None:
        yield wrong
        return
    new = _new(request.device)
    word = f"{new.type}:{new.source}"
    if taken(instance, "device", word):
        yield _no(f"{instance.name} has {clean(word)} already", "take another")
        return
    yield from against_place(state, request, "device")
    if request.boot_order and new.type not in ("pci", "usb"):
        text = f"QEMU boots from PCI and USB devices of the host, not from {clean(word)}"
        yield Refusal(RefusalCode.PARAMETER, text, "leave it out", "boot_order")
        return
    yield from against_turn(instance, request.boot_order)
    known = state.devices.get(instance.host, ())
    if new.type == "mdev" and instance.architecture.startswith("s390"):
        model = mdev_model(known, new.source)
        if not model:
            text = f"Whether {clean(word)} is a channel device or a crypto adapter is not known"
            yield _no(text, f"see those of its host: `virtdeck devices {clean(instance.host)}`")
        elif model == "vfio-ap" and (has := _ap_of(instance, known)):
            text = f"{clean(instance.name)} has {has}, and libvirt gives one vfio-ap to each"
            yield _no(text, "assign more domains and adapters to that")


def _ap_of(instance: Instance, known: Sequence[HostDevice]) -> str:
    """Return the crypto adapters that an instance has, by their word; empty: it has none."""
    held = (one for one in held_by(instance) if one.startswith("mdev:"))
    return next((one for one in held if mdev_model(known, one[5:]) == "vfio-ap"), "")


def mdev_model(devices: Sequence[HostDevice], uuid: str) -> str:
    """Return libvirt's model of a mediated device, from what it was made of; empty: not known."""
    device = next((one for one in devices if one.place == f"mdev:{uuid}"), None)
    if device is None:
        return ""
    types = [kind for one in devices if one.name == device.parent for kind in one.mdev_types]
    api = next((kind.api for kind in types if kind.id == device.label), "")
    if api in _MODELS:
        return api
    named = device.label.replace("_", "-")  # the types of s390 are vfio_ccw-io, vfio_ap-passthrough
    return next((one for one in _MODELS if named.startswith(one)), "vfio-pci")


def _against_word(word: str) -> Refusal | None:
    kind, colon, rest = word.partition(":")
    if kind in _REFUSED:
        return _no(*_REFUSED[kind])
    if kind not in _SHAPES or not colon:
        shown = listed([example for _, example in _SHAPES.values()])
        return _no(f"{clean(word) or 'Nothing'} names no device of a host", f"give {shown}")
    pattern, example = _SHAPES[kind]
    if not re.fullmatch(pattern, rest if kind == "rng" else rest.lower()):
        return _no(f"{clean(rest) or 'Nothing'} is no {kind} device", f"give {example}")
    return None


def _no(text: str, cure: str) -> Refusal:
    return Refusal(RefusalCode.PARAMETER, text, cure, "device")
