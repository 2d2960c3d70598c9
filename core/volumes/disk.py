"""A connected volume as a disk of an instance, by Nova's rules. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from msgspec import structs

from core.model import Device, Disk
from core.model.new_device import AttachedDisk
from core.volumes.connection_info import ConnectionInfo
from core.volumes.place import VolumePlace
from core.volumes.quality import blocks_of, limits_of, read_only

DIRECT = ("none", "directsync")
"""Caches of the host's with which `io=native` goes (libvirt, QEMU)."""
_UNIT = re.compile(r"drive 0:\d+:\d+:(\d+)")


@dataclass(frozen=True, slots=True)
class DiskWishes:
    """What an operator chose; what is empty or None follows from the volume."""

    target: str
    bus: str
    device: str = "disk"
    cache: str = ""
    io: str = ""
    discard: str = ""
    serial: str = ""
    alias: str = ""
    read_only: bool = False
    shareable: bool = False
    unit: int | None = None
    logical_block: int | None = None
    physical_block: int | None = None
    limits: tuple[tuple[str, int], ...] = ()
    limit_group: str = ""
    luks: str = ""
    """The UUID of the secret that opens it."""
    proof: str = ""
    """The UUID of the secret for its servers, where the volume brings its value."""


def attached_disk(info: ConnectionInfo, place: VolumePlace, wishes: DiskWishes) -> AttachedDisk:
    """Return the disk; raises ConnectionInfoError where the data makes no sense."""
    logical, physical = blocks_of(info)
    of_volume = limits_of(info)
    only_read = read_only(info)
    trims = info.flag("discard")
    return disk_of(
        place,
        DiskWishes(
            target=wishes.target,
            bus=wishes.bus,
            device=wishes.device,
            cache=wishes.cache,
            io=wishes.io,
            discard=wishes.discard or ("unmap" if trims else ""),
            serial=wishes.serial or info.volume_id,
            alias=wishes.alias or (f"ua-{info.volume_id}" if info.volume_id else ""),
            read_only=wishes.read_only or only_read,
            shareable=wishes.shareable or info.multiattach,
            unit=wishes.unit,
            logical_block=wishes.logical_block or logical,
            physical_block=wishes.physical_block or physical,
            limits=wishes.limits or of_volume,
            limit_group=wishes.limit_group,
            luks=wishes.luks,
            proof=wishes.proof,
        ),
    )


def disk_of(place: VolumePlace, wishes: DiskWishes) -> AttachedDisk:
    """Return the disk of an image, as it was wished for."""
    cache = wishes.cache or place.cache
    io = wishes.io or (place.io if cache in DIRECT else "")
    network = place.network
    if network is not None and place.secret is not None:
        network = structs.replace(network, secret=wishes.proof)
    return AttachedDisk(
        source=place.source,
        type=place.type,
        format=place.format,
        target=wishes.target,
        bus=wishes.bus,
        device=wishes.device,
        read_only=wishes.read_only,
        shareable=wishes.shareable,
        serial=wishes.serial,
        cache=cache,
        io=io,
        discard=wishes.discard,
        network=network,
        alias=wishes.alias,
        unit=wishes.unit,
        logical_block=wishes.logical_block,
        physical_block=wishes.physical_block,
        limits=wishes.limits,
        limit_group=wishes.limit_group,
        luks=wishes.luks,
    )


def next_unit(disks: Iterable[Disk], devices: Iterable[Device] = ()) -> int:
    """Return the unit that follows the highest one of the first SCSI controller.

    Devices of the host that are on it (`<hostdev type='scsi'>`) have units, too.
    """
    places = [disk.address for disk in disks if disk.bus == "scsi"]
    places += [device.address for device in devices if device.kind == "hostdev"]
    units = [int(found[1]) for place in places if (found := _UNIT.fullmatch(place))]
    return max(units, default=-1) + 1
