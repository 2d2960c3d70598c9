"""A volume is attached to an instance as a disk. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from string import ascii_lowercase

from core.model import Instance, ObjectKey, Request, State
from core.model.new_device import AttachedDisk
from core.model.text import clean
from core.verbs.applied import affects, against_when
from core.verbs.create.machine import disk_at
from core.verbs.create.site import Site, against_volume, site_in, site_of
from core.verbs.device.attaching import attach_step, attached, taken
from core.verbs.device.calls import AttachCall
from core.verbs.device.requests import VolumeAttach, VolumeDetach
from core.verbs.device.sharing import Access, against_users
from core.verbs.refusal import Refusal, RefusalCode
from core.verbs.sequence import Step
from core.verbs.situation import Situation

PREFIXES = {"virtio": "vd", "scsi": "sd", "usb": "sd", "sata": "sd", "ide": "hd"}
NO_HOTPLUG = ("sata", "ide")


def attach_steps(now: Situation) -> list[Step]:
    """Return the one call."""
    request = now.request
    assert isinstance(request, VolumeAttach)
    call = attached(now)
    if call is None:
        from core.xml.new_disk import disk_xml

        new = _new(now, request)
        live, config = affects(now, request.when)
        alone = (new.source, request.volume) if alone_in(request) else ()
        call = AttachCall(
            live=live, config=config, kind="disk", name=new.target, xml=disk_xml(new), alone=alone
        )
    return list(
        attach_step(call, f"attaching {clean(request.volume)} to {now.name} as {call.name}")
    )


def alone_in(request: VolumeAttach) -> bool:
    """Whether nobody else may use its image: nor what others have from their next start on."""
    return request.access == "read-write" and not request.shareable


def _new(now: Situation, request: VolumeAttach) -> AttachedDisk:
    found = disk_at(site_of(now), request.volume)
    target = request.target or free_target(request.bus, (now.instance, now.defined))
    known = found.format if request.format == "as-known" else request.format
    cache = request.cache if request.cache != "default" else ""
    if found.type == "block" and not cache:
        cache = "none"  # as Nova has it: the host's page cache would come between two hosts
    return AttachedDisk(
        source=found.source,
        type=found.type,
        format=known,
        target=target,
        bus=request.bus,
        read_only=request.access == "read-only",
        shareable=request.shareable,
        serial=request.serial,
        cache=cache,
        io=request.io if request.io != "default" else "",
        discard=request.discard,
    )


def free_target(bus: str, instances: Iterable[Instance | None]) -> str:
    """Return the first target of a bus that neither what runs nor what is defined has."""
    used = {disk.target for each in instances if each is not None for disk in each.disks}
    prefix = PREFIXES[bus]
    names = [*ascii_lowercase, *(a + b for a in ascii_lowercase for b in ascii_lowercase)]
    return next(f"{prefix}{name}" for name in names if f"{prefix}{name}" not in used)


def outcome(now: Situation) -> str:
    """Say what is so then."""
    request, call = now.request, attached(now)
    assert isinstance(request, VolumeAttach)
    assert call is not None
    later = "" if call.live else ", from its next start on"
    return f"{clean(request.volume)} is attached to {now.name} as {call.name}{later}"


def undo(now: Situation) -> Request | None:
    """Return what takes it away again."""
    request = now.request
    assert isinstance(request, VolumeAttach)
    target = request.target or free_target(request.bus, (now.instance, now.defined))
    return VolumeDetach(request.subject, target, request.when)


def volumes_of(state: State, request: Request) -> Iterable[ObjectKey]:
    """Return the volume: what format it has is to be known."""
    assert isinstance(request, VolumeAttach)
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
    if not request.volume:
        text = "Which volume is not said"
        yield Refusal(
            RefusalCode.PARAMETER, text, "name it as POOL/VOLUME or by its path", "volume"
        )
        return
    yield from against_volume(site, request.volume, "volume")
    yield from _against_target(instance, request)
    yield from _against_bus(instance, request)
    yield from _against_format(site, request)
    places = (disk_at(site, request.volume).source, request.volume)
    access = Access(request.access, "volume", shared=request.shareable)
    yield from against_users(state, instance, places, access)


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
    found = disk_at(site, request.volume)
    known = found.format if request.format == "as-known" else request.format
    if request.shareable and known != "raw":
        text = (
            f"Several instances write to {clean(request.volume)} only where it is raw, not {known}"
        )
        yield Refusal(RefusalCode.PARAMETER, text, "convert it, or share it read-only", "shareable")
    guessed = request.volume.startswith("/") and found.type == "file"
    if guessed and request.format == "as-known":
        text = f"What format {clean(request.volume)} has is not known"
        yield Refusal(RefusalCode.PARAMETER, text, "say raw or qcow2", "format")
