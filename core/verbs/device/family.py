"""The verbs that attach devices to instances, and detach them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from core.model import Instance, Request, State
from core.model.device_word import names_of_devices, names_of_interfaces
from core.model.lists import listed
from core.verbs.applied import KNOWN, against_when
from core.verbs.caution import Caution
from core.verbs.device import disk, host_device, interface, interface_checks, media, share
from core.verbs.device.beforehand import VOLUME_CONNECT
from core.verbs.device.calls import (
    AttachCall,
    DetachCall,
    DropSecretsCall,
    FindDeviceCall,
    SecretsCall,
)
from core.verbs.device.connecting import ConnectCall, DisconnectCall
from core.verbs.device.detaching import named
from core.verbs.device.device_requests import DeviceAttach, DeviceDetach
from core.verbs.device.devices import find, several, word_of
from core.verbs.device.disk_secrets import detach_wholly, without_disk
from core.verbs.device.host_place import hosts_of_devices
from core.verbs.device.leftover import VOLUME_DISCONNECT
from core.verbs.device.media import DRIVES
from core.verbs.device.rehearsed import rehearsed
from core.verbs.device.requests import (
    InterfaceAttach,
    InterfaceDetach,
    VolumeAttach,
    VolumeDetach,
)
from core.verbs.device.system_disk import caution_of_detaching, system_disk
from core.verbs.device.taken_from_host import TAKES_FROM_HOST
from core.verbs.refusal import Refusal, RefusalCode
from core.verbs.sequence import sequence
from core.verbs.verb import Risk, Subjects, Verb


def _against_detach(state: State, request: Request, but: str) -> Iterator[Refusal]:
    instance, (kind, name) = state.instances.get(request.subject), named(request)
    if instance is None:
        return
    yield from against_when(state, request, but)
    yield from _against_another(state, request, but)
    yield from _against_drive(instance, request)
    # one that runs may be defined with a device that what runs has not
    elsewhere = (
        instance.state.active and instance.persistent and getattr(request, "when", "") != "now"
    )
    runs = instance.state.active and getattr(request, "when", "") == "next-start"
    if not runs and (told := several(instance, kind, name)) is not None:
        yield Refusal(RefusalCode.PARAMETER, *told, kind)
    if not instance.described or elsewhere or find(instance, kind, name):
        return
    known = listed(_names(instance, kind))
    text = f"{instance.name} has no {kind} {word_of('disk', name)}"
    has = f"it has {known}" if known else "it has none"
    yield Refusal(RefusalCode.PARAMETER, text, has, kind)


def _against_another(state: State, request: Request, but: str) -> Iterator[Refusal]:
    """Tell of a detach of the same device that asks the operator: others are waited for."""
    for record in state.operations.values():
        same = (record.subject, record.verb) == (request.subject, request.verb)
        if not same or record.status.final or record.id == but:
            continue
        kind, name = named(request)
        if str(record.options.get(kind, "")).lower() == name.lower():
            text = f"It is being detached already, by {record.id}"
            cure = f"answer what that asks, or cancel it: `virtdeck operations cancel {record.id}`"
            yield Refusal(RefusalCode.BUSY, text, cure)


def _against_drive(instance: Instance, request: Request) -> Iterator[Refusal]:
    """Tell of what cannot leave a machine that runs: a drive, and a disk of a bus without plugs."""
    when = getattr(request, "when", "both")
    if not isinstance(request, VolumeDetach) or not instance.state.active or when == "next-start":
        return
    found = next((one for one in instance.disks if one.target == request.disk), None)
    if found is None:
        return
    what = "drive" if found.device in DRIVES else f"{found.bus} disk"
    if found.device in DRIVES or found.bus in (*disk.NO_HOTPLUG, "fdc"):
        text = f"{request.disk} is a {what}, which cannot be detached while {instance.name} runs"
        cure = "have it detached from the next start on: --when next-start"
        if found.device in DRIVES:
            cure = f"take its medium out (change-media), or {cure}"
        yield Refusal(RefusalCode.PARAMETER, text, cure, "disk")


def _names(instance: Instance, kind: str) -> list[str]:
    if kind == "disk":
        return [one.target for one in instance.disks]
    if kind == "device":
        return list(filter(None, names_of_devices(instance)))
    return names_of_interfaces(instance)


def _takes_disk(request: Request, subjects: Subjects) -> str:
    assert isinstance(request, VolumeDetach)
    return f"Takes {word_of('disk', request.disk)} away from {subjects.whom}: what its guest has " \
           "not written to it is lost. The volume stays."  # fmt: skip


def _takes_interface(request: Request, subjects: Subjects) -> str:
    assert isinstance(request, InterfaceDetach)
    word = word_of(*named(request))
    return f"Takes {word} away from {subjects.whom}: what goes over it ends."


def _takes_device(request: Request, subjects: Subjects) -> str:
    assert isinstance(request, DeviceDetach)
    word = word_of("device", request.device)
    if word.startswith("share:"):
        return f"Takes {word} away from {subjects.whom}: its guest must have unmounted it."
    return f"Takes {word} away from {subjects.whom}: its host has it back."


_detaching = partial(
    Verb,
    decide=detach_wholly,
    steps=rehearsed,
    calls=(DetachCall, AttachCall, DropSecretsCall, FindDeviceCall, DisconnectCall),
    waits=True,
    resumable=True,
    states=KNOWN,
    refusals=_against_detach,
    needs_description=True,
    single=True,
    looks_at=frozenset({"definition", "document"}),
    cancelled="It is waited for no longer: its guest may still let go of it.",
)
_attaching = partial(
    Verb,
    states=KNOWN,
    needs_description=True,
    needs_host=True,
    single=True,
    looks_at=frozenset({"definition"}),
)
VOLUME_ATTACH = _attaching(
    VolumeAttach,
    title="Attach a volume",
    help="Give it one more disk: a volume of a pool, or a file, device or network image.",
    doing="being given a disk",
    group="disks",
    key="a",
    decide=disk.attach,
    steps=disk.attach_steps,
    calls=(AttachCall, SecretsCall, DropSecretsCall, ConnectCall, DisconnectCall),
    refusals=disk.against,
    undo=disk.undo,
    leaves=disk.leaves,
    tidies=without_disk,
    storage_for=("volume", "connection_info"),
    volumes=disk.volumes_of,
)
VOLUME_DETACH = _detaching(
    VolumeDetach,
    title="Detach a disk",
    part="disk",
    help="Have its guest let go of a disk, and see that it does.",
    doing="letting go of a disk",
    group="disks",
    key="d",
    risk=Risk(Caution.CONFIRM, _takes_disk, raised=caution_of_detaching, after=system_disk),
)
INTERFACE_ATTACH = _attaching(
    InterfaceAttach,
    title="Attach an interface",
    help="Give it one more network device.",
    doing="being given an interface",
    group="interfaces",
    key="a",
    decide=sequence(interface.attach_steps, interface.outcome),
    steps=interface.attach_steps,
    calls=(AttachCall,),
    risk=TAKES_FROM_HOST,
    devices=hosts_of_devices,
    refusals=interface_checks.against,
    undo=interface.undo,
)
INTERFACE_DETACH = _detaching(
    InterfaceDetach,
    title="Detach an interface",
    part="interface",
    help="Have its guest let go of a network device, and see that it does.",
    doing="letting go of an interface",
    group="interfaces",
    key="d",
    risk=Risk(Caution.CONFIRM, _takes_interface),
)
DEVICE_ATTACH = _attaching(
    DeviceAttach,
    title="Attach a device",
    help="Give it a device of its host: PCI, USB, a mediated one, or random numbers.",
    doing="being given a device",
    group="devices",
    key="a",
    decide=sequence(host_device.attach_steps, host_device.outcome),
    steps=host_device.attach_steps,
    calls=(AttachCall,),
    risk=TAKES_FROM_HOST,
    devices=hosts_of_devices,
    refusals=host_device.against,
    undo=host_device.undo,
)
DEVICE_DETACH = _detaching(
    DeviceDetach,
    title="Detach a device",
    part="device",
    help="Have its guest let go of a device, and see that it does.",
    doing="letting go of a device",
    group="devices",
    key="d",
    risk=Risk(Caution.CONFIRM, _takes_device),
)
DEVICE_SHARE = Verb(
    share.ShareDirectory,
    title="Share a directory",
    help="Share a directory of its host with it, by virtiofs; a detach takes it away.",
    doing="being given a share",
    group="devices",
    key="s",
    decide=share.attach,
    steps=share.attach_steps,
    calls=(AttachCall,),
    states=KNOWN,
    refusals=share.against,
    undo=share.undo,
    needs_description=True,
    needs_facts=True,
    needs_host=True,
    tries_document=True,
    single=True,
    looks_at=frozenset({"definition", "document"}),
)
CHANGE_MEDIA = _attaching(
    media.ChangeMedia,
    title="Change a medium",
    help="Put another medium into a drive, or take it out.",
    doing="being given a medium",
    group="disks",
    key="o",
    decide=sequence(media.steps, media.outcome),
    steps=media.steps,
    resumable=True,
    calls=(media.ChangeMediaCall,),
    refusals=media.against,
    undo=media.undo,
    volumes=media.volumes_of,
)

VERBS = (
    *(VOLUME_ATTACH, VOLUME_DETACH, CHANGE_MEDIA, INTERFACE_ATTACH, INTERFACE_DETACH),
    *(DEVICE_ATTACH, DEVICE_DETACH, DEVICE_SHARE, VOLUME_CONNECT, VOLUME_DISCONNECT),
)
