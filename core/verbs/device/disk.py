"""A volume is attached to an instance as a disk. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from string import ascii_lowercase

from core.model import Instance, ObjectKey, Request, State
from core.model.image_format import only_found
from core.model.new_device import AttachedDisk
from core.model.text import clean
from core.verbs.applied import affects, against_when
from core.verbs.create.machine import against_found_format, disk_at
from core.verbs.create.site import Site, site_in, site_of
from core.verbs.device.attaching import attach_step, attached, taken
from core.verbs.device.calls import AttachCall, SecretsCall
from core.verbs.device.connecting import (
    VolumeReached,
    answered,
    connect_step,
    info_sent,
    still_connected,
    with_entry,
)
from core.verbs.device.disk_options import (
    against_options,
    against_place,
    against_user,
    new_disk,
    reads_only,
)
from core.verbs.device.disk_secrets import drop_secrets
from core.verbs.device.requests import VolumeAttach, VolumeDetach
from core.verbs.device.sharing import Access, against_serial, against_users
from core.verbs.device.volume_place import by_host, info_of, is_url, secrets_of, wanted
from core.verbs.refusal import Refusal, RefusalCode
from core.verbs.sequence import Step, sequence
from core.verbs.situation import CALL_DEADLINE, Action, Sent, Situation

_NAMES = "name it as POOL/VOLUME or by its path, or give a connection_info"
PREFIXES = {"virtio": "vd", "scsi": "sd", "usb": "sd", "sata": "sd", "ide": "hd"}
_PATIENT = 340.0
"""Seconds for what is of Ceph: its library waits 300 s for its monitors (client_mount_timeout),
and QEMU answers nothing meanwhile."""
_LOOKING = 30.0
"""Seconds more for an image of the network: it is seen first whether its server answers."""
NO_HOTPLUG = ("sata", "ide")


def attach_steps(now: Situation) -> list[Step]:
    """Return the calls: what its host connects first, then its secrets, then the disk."""
    request = now.request
    assert isinstance(request, VolumeAttach)
    steps = []
    info = info_sent(now)
    if info is None and not now.sent:
        info = info_of(request)
    if by_host(info, request):
        assert info is not None
        steps.append(connect_step(now, info, request, _target(now)))
        if answered(now) is None:
            return steps  # of the disk nothing is known before it is connected
    secrets, call = _planned(now, request)
    text = f"attaching {call.what or clean(request.volume)} to {now.name} as {call.name}"
    if secrets is not None:
        undo = drop_secrets(request.subject, call.name)
        steps.append(Step(secrets, f"giving libvirt the secrets of {call.name}", undo=undo))
    deadline = _PATIENT if '<source protocol="rbd"' in call.xml else CALL_DEADLINE
    if "<source protocol=" in call.xml:
        deadline += _LOOKING
    return [*steps, *attach_step(call, text, deadline)]


def attach(now: Situation) -> Action:
    """Decide what is sent next; an attach that is done has the entry of what is connected."""
    action = sequence(attach_steps, outcome)(now)
    request = now.request
    assert isinstance(request, VolumeAttach)
    return (
        action if answered(now) is None else with_entry(now, action, _planned(now, request)[1].name)
    )


def _planned(now: Situation, request: VolumeAttach) -> tuple[SecretsCall | None, AttachCall]:
    """Return what is sent; what was sent already stays what it was."""
    first = next((one.call for one in now.sent if isinstance(one.call, SecretsCall)), None)
    if first is not None:
        return first, first.plan
    if (call := attached(now)) is not None:
        return None, call
    from core.xml.new_disk import disk_xml

    known = answered(now)
    found = wanted(site_of(now), request, None if known is None else known[1], info_sent(now))
    live, config = affects(now, request.when)
    target = (known[0].target if known else "") or _target(now)
    secrets = secrets_of(request.subject, target, found, request, lasts=config)
    new = new_disk(now, request, found, target)
    alone = (*found.places, request.volume) if alone_in(request, new) else ()
    call = AttachCall(
        live=live, config=config, kind="disk", name=target, xml=disk_xml(new),
        alone=tuple(filter(None, alone)), what=found.word, found=_only_found(now, request),
    )  # fmt: skip
    return (SecretsCall(secrets, call) if secrets else None), call


def _only_found(now: Situation, request: VolumeAttach) -> str:
    """Return the path of a volume whose format only what it begins with tells; empty: of none."""
    if request.format != "as-known" or request.connection_info or request.volume.startswith("/"):
        return ""
    volume = None if is_url(request.volume) else site_of(now).volume(request.volume)
    found = volume is not None and only_found(volume.name, volume.format)
    return volume.path if volume is not None and found and volume.type != "block" else ""


def alone_in(request: VolumeAttach, new: AttachedDisk) -> bool:
    """Whether nobody else may use its image: nor what others have from their next start on."""
    return request.access == "read-write" and not new.shareable and not new.read_only


def free_target(bus: str, instances: Iterable[Instance | None]) -> str:
    """Return the first target of a bus that neither what runs nor what is defined has."""
    used = {disk.target for each in instances if each is not None for disk in each.disks}
    prefix = PREFIXES[bus]
    names = [*ascii_lowercase, *(a + b for a in ascii_lowercase for b in ascii_lowercase)]
    return next(f"{prefix}{name}" for name in names if f"{prefix}{name}" not in used)


def leaves(request: Request, sent: Sequence[Sent]) -> VolumeReached | None:
    """Return the entry of what an attach that did not end well has left connected."""
    assert isinstance(request, VolumeAttach)
    plans = [one.call.plan for one in sent if isinstance(one.call, SecretsCall)]
    plans += [one.call for one in sent if isinstance(one.call, AttachCall)]
    target = plans[0].name if plans else request.target
    left = still_connected(sent, target)
    return None if left is None else VolumeReached(left)


def outcome(now: Situation) -> str:
    """Say what is so then."""
    request = now.request
    assert isinstance(request, VolumeAttach)
    call = _planned(now, request)[1]
    later = "" if call.live else ", from its next start on"
    return f"{call.what or clean(request.volume)} is attached to {now.name} as {call.name}{later}"


def _target(now: Situation) -> str:
    """Return what the disk will be, as it is chosen before the first call: its undo names it."""
    request = now.request
    assert isinstance(request, VolumeAttach)
    return request.target or free_target(request.bus, (now.instance, now.defined))


def undo(now: Situation) -> Request | None:
    """Return what takes it away again."""
    request = now.request
    assert isinstance(request, VolumeAttach)
    return VolumeDetach(request.subject, _target(now), request.when)


def volumes_of(state: State, request: Request) -> Iterable[ObjectKey]:
    """Return the volume: what format it has is to be known."""
    assert isinstance(request, VolumeAttach)
    if is_url(request.volume):
        return ()
    volume = site_in(state, request.subject.host).volume(request.volume)
    return () if volume is None else (volume.key,)


def against(state: State, request: Request, but: str) -> Iterator[Refusal]:
    """Tell why it cannot be attached."""
    assert isinstance(request, VolumeAttach)
    instance = state.instances.get(request.subject)
    if instance is None:
        return
    yield from against_when(state, request, but)
    site = site_in(state, request.subject.host)
    if not request.volume and request.connection_info is None:
        text = "Which volume is not said"
        yield Refusal(RefusalCode.PARAMETER, text, _NAMES, "volume")
        return
    yield from _against_target(instance, request)
    yield from _against_bus(instance, request)
    yield from against_options(request)
    refused = list(against_place(site, request))
    yield from refused
    if not refused:
        yield from against_user(state, request)
        yield from _against_use(state, instance, request)


def _against_use(state: State, instance: Instance, request: VolumeAttach) -> Iterator[Refusal]:
    site = site_in(state, request.subject.host)
    found = wanted(site, request)
    yield from _against_format(site, request)
    info = found.info
    network = found.place.network
    access = Access(
        "read-only" if reads_only(request, info) else "read-write",
        "volume" if info is None else "connection_info",
        shared=request.shareable or (info is not None and info.multiattach),
        servers=() if network is None else network.servers,
    )
    said = request.volume or found.word
    if not by_host(info, request):
        refused = list(against_users(state, instance, (found.place.source, said), access))
        yield from refused
        if refused:
            return
    if info is not None:
        yield from against_serial(state, instance, info.volume_id, said, access)


def _against_target(instance: Instance, request: VolumeAttach) -> Iterator[Refusal]:
    if not request.target:
        return
    if taken(instance, "disk", request.target):
        text = f"{instance.name} has a disk {request.target} already"
        free = free_target(request.bus, (instance,))
        yield Refusal(RefusalCode.PARAMETER, text, f"take {free}, or leave it out", "target")
    elif not request.target.startswith(PREFIXES[request.bus]):
        prefix = PREFIXES[request.bus]
        text = f"A disk on {request.bus} is not called {request.target}"
        yield Refusal(RefusalCode.PARAMETER, text, f"its name begins with {prefix}", "target")


def _against_bus(instance: Instance, request: VolumeAttach) -> Iterator[Refusal]:
    live = instance.state.active and request.when != "next-start"
    if live and request.bus in NO_HOTPLUG:
        text = f"A disk on {request.bus} cannot be attached while {instance.name} runs"
        cure = "take virtio, scsi or usb, or have it from the next start on: --when next-start"
        yield Refusal(RefusalCode.PARAMETER, text, cure, "bus")
    if request.bus == "scsi" and live and not _has_controller(instance, "scsi"):
        text = f"{instance.name} has no SCSI controller"
        cure = "take virtio, or give it one by `edit`, from its next start on"
        yield Refusal(RefusalCode.PARAMETER, text, cure, "bus")


def _has_controller(instance: Instance, kind: str) -> bool:
    return not instance.described or any(
        one.kind == "controller" and one.summary.startswith(kind) for one in instance.devices
    )


def _against_format(site: Site, request: VolumeAttach) -> Iterator[Refusal]:
    """Never have QEMU find out: a guest can write a header into a raw disk that names any file."""
    if request.connection_info is not None or is_url(request.volume):
        return
    found = disk_at(site, request.volume)
    known = found.format if request.format == "as-known" else request.format
    if request.shareable and known != "raw":
        text = (
            f"Several instances write to {clean(request.volume)} only where it is raw, not {known}"
        )
        yield Refusal(RefusalCode.PARAMETER, text, "convert it, or share it read-only", "shareable")
    if request.format == "as-known":
        say = "say in which it was made, raw or qcow2: --format"
        yield from against_found_format(site, request.volume, "format", say)
    guessed = request.volume.startswith("/") and found.type == "file"
    if guessed and request.format == "as-known":
        text = f"What format {clean(request.volume)} has is not known"
        yield Refusal(RefusalCode.PARAMETER, text, "say raw or qcow2: --format", "format")
