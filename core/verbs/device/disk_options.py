"""How a volume that is attached is read and written: what was asked for, what it means. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from core.errors import VirtdeckError
from core.model import Instance, State
from core.model.new_device import AttachedDisk
from core.model.text import clean
from core.model.volume_secret import secret_uuid
from core.verbs.create.site import Site, against_volume
from core.verbs.device.encryption import against_encryption, encryption_by_host
from core.verbs.device.requests import VolumeAttach
from core.verbs.device.volume_place import (
    WantedVolume,
    by_host,
    info_of,
    is_url,
    refused_by,
)
from core.verbs.limit_parameter import pairs_of
from core.verbs.refusal import Refusal, RefusalCode
from core.verbs.situation import Situation

_SSH_USER = 9_008_000
"""libvirt, as it counts."""

if TYPE_CHECKING:
    from core.volumes.connection_info import ConnectionInfo
    from core.volumes.disk import DiskWishes


def limits_in(request: VolumeAttach) -> tuple[tuple[str, int], ...]:
    """Return the limits by libvirt's names."""
    return tuple((name, value) for name, value in pairs_of(request.limits) if value)


def reads_only(request: VolumeAttach, info: ConnectionInfo | None) -> bool:
    """Return whether it may only be read; raises UsageError."""
    from core.volumes.quality import read_only

    return request.access == "read-only" or (info is not None and read_only(info))


def new_disk(
    now: Situation, request: VolumeAttach, found: WantedVolume, target: str
) -> AttachedDisk:
    """Return the disk; raises UsageError where its connection_info makes no sense."""
    from dataclasses import replace

    from core.volumes.disk import attached_disk, disk_of

    wishes = _wishes(now, request, target)
    if found.info is not None:
        discard = "ignore" if request.discard == "ignore" else ""
        unit = _unit(now, request)
        return attached_disk(found.info, found.place, replace(wishes, discard=discard, unit=unit))
    known = found.place.format if request.format == "as-known" else request.format
    return disk_of(replace(found.place, format=known), wishes)


def _wishes(now: Situation, request: VolumeAttach, target: str) -> DiskWishes:
    from core.volumes.disk import DiskWishes

    subject = now.request.subject.id
    return DiskWishes(
        target=target,
        bus=request.bus,
        cache=request.cache if request.cache != "default" else "",
        io=request.io if request.io != "default" else "",
        discard=request.discard,
        serial=request.serial,
        alias=request.alias,
        read_only=request.access == "read-only",
        shareable=request.shareable,
        logical_block=request.logical_block or None,
        physical_block=request.physical_block or None,
        limits=limits_in(request),
        limit_group=request.limit_group,
        luks=secret_uuid(subject, target, "luks") if _opened_by_qemu(request) else "",
        proof=secret_uuid(subject, target, "proof"),
    )


def _opened_by_qemu(request: VolumeAttach) -> bool:
    return request.passphrase is not None and encryption_by_host(request) is None


def _unit(now: Situation, request: VolumeAttach) -> int | None:
    """Return the unit by Nova's rule, where the first controller has many: another has seven."""
    from core.volumes.disk import next_unit

    both: list[Instance] = [one for one in (now.instance, now.defined) if one is not None]
    devices = [device for one in both for device in one.devices if device.kind == "controller"]
    virtio = any(device.summary.startswith("scsi 0 virtio") for device in devices)
    if request.bus != "scsi" or not virtio:
        return None
    return max(next_unit(one.disks, one.devices) for one in both)


def against_options(request: VolumeAttach) -> Iterator[Refusal]:
    """Tell of options that make no sense, or none together."""
    from core.volumes.quality import against_block, against_limits

    if why := against_limits(dict(limits_in(request))):
        yield Refusal(RefusalCode.PARAMETER, f"What it is limited to {why}", field="limits")
    if request.limit_group and not request.limits:
        text = "A group shares limits, and none is given"
        yield Refusal(RefusalCode.PARAMETER, text, "give one: --limits", "limit_group")
    for name in ("logical_block", "physical_block"):
        size = getattr(request, name)
        if size and (why := against_block(size)):
            text = f"A {name.replace('_', ' ')} of {size} bytes {why}"
            yield Refusal(RefusalCode.PARAMETER, text, "512 and 4096 are usual", name)
    if request.logical_block and 0 < request.physical_block < request.logical_block:
        text = "A physical block is no less than a logical one"
        yield Refusal(RefusalCode.PARAMETER, text, "swap them", "physical_block")
    if request.connection_info is not None and request.volume:
        text = "A connection_info and a volume are both given"
        yield Refusal(RefusalCode.PARAMETER, text, "give either", "volume")
    if request.password is not None and not is_url(request.volume):
        text = "There is nobody whose password it would be"
        cure = "give it with a URL that has a user: iscsi://USER@HOST/IQN/LUN"
        yield Refusal(RefusalCode.PARAMETER, text, cure, "password")
    yield from against_encryption(request)
    if request.passphrase is not None and request.format == "qcow2":
        text = "QEMU opens LUKS by itself where the volume is raw"
        yield Refusal(RefusalCode.PARAMETER, text, "leave --format out", "passphrase")


def _against_opening(request: VolumeAttach, info: ConnectionInfo | None) -> Iterator[Refusal]:
    from core.volumes.protocols import family_of

    ours = encryption_by_host(request)
    if info is None or ours is None:
        return
    if not by_host(info, request):
        text = (
            f"The host connects no {clean(info.protocol)} volume, and so opens no {ours.provider}"
        )
        yield Refusal(RefusalCode.PARAMETER, text, "QEMU opens luks by itself", "encryption")
    elif family_of(info).mounts:
        text = f"A file of {clean(info.protocol)} is no device that {ours.provider} is opened on"
        yield Refusal(RefusalCode.PARAMETER, text, "QEMU opens luks by itself", "encryption")


def against_place(site: Site, request: VolumeAttach) -> Iterator[Refusal]:
    """Tell why what is named is no volume that can be attached."""
    field = "volume" if request.connection_info is None else "connection_info"
    if field == "volume" and not is_url(request.volume):
        yield from against_volume(site, request.volume, "volume")
        return
    error = refused_by(site, request)
    if error is not None:
        yield _refusal(error, field)
        return
    try:
        info = info_of(request)
        reads_only(request, info)
    except VirtdeckError as found:
        yield _refusal(found, field)
        return
    yield from _against_opening(request, info)
    if is_url(request.volume):
        yield from _against_url(request)


def _against_url(request: VolumeAttach) -> Iterator[Refusal]:
    from core.volumes.urls import OF_FILES, READ_ONLY

    scheme = request.volume.partition("://")[0].lower()
    if scheme in OF_FILES and request.format == "as-known":
        text = f"What format {clean(request.volume)} has is not known"
        yield Refusal(RefusalCode.PARAMETER, text, "say raw or qcow2: --format", "format")
    if scheme in READ_ONLY and request.access != "read-only":
        text = f"QEMU only reads what it has by {scheme}"
        yield Refusal(RefusalCode.PARAMETER, text, "--access read-only", "access")


def against_user(state: State, request: VolumeAttach) -> Iterator[Refusal]:
    """Tell of a user that libvirt leaves out without a word: QEMU would log in as another."""
    from core.volumes.urls import user_of_ssh

    host = state.hosts.get(request.subject.host)
    facts = None if host is None else host.facts
    if not is_url(request.volume) or facts is None or not 0 < facts.libvirt_number < _SSH_USER:
        return
    if user := user_of_ssh(request.volume):
        text = (
            f"libvirt {facts.libvirt_version} of {clean(request.subject.host)} tells QEMU no user "
            f"of ssh before 9.8: it would not log in as {clean(user)}, but as who QEMU runs as"
        )
        cure = (
            "leave the user out, and let that account in with a key of its own that asks for no "
            "passphrase; or take a newer libvirt"
        )
        yield Refusal(RefusalCode.UNSUPPORTED, text, cure, "volume")


def _refusal(error: VirtdeckError, field: str) -> Refusal:
    cure = f"{error.hint[:1].lower()}{error.hint[1:]}".rstrip(".")
    return Refusal(RefusalCode.PARAMETER, error.message.rstrip("."), cure, field)
