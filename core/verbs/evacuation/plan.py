"""What an evacuation of one instance comes to: its definition, its disks, what speaks against it.

Pure: from what is kept of the dead host and what the state knows of the others.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from msgspec.structs import replace

from core import xml as xml_of
from core.errors import XmlError
from core.model import Disk, Host, Instance, Network, Volume
from core.model.kept import KeptDefinition, KeptHost
from core.model.lists import listed
from core.model.rewrites import Move, Rewrites
from core.model.text import clean
from core.verbs.create.plan import InstancePlan
from core.verbs.evacuation.requests import DisksCall, Evacuate, LostDisk
from core.xml.definition.evacuated import disk_elements, evacuated
from core.xml.rewrite import rewrite


@dataclass(frozen=True, slots=True)
class EvacuationPlan:
    """All that is sent for one instance, or why nothing is."""

    plan: InstancePlan
    disks: DisksCall
    notes: tuple[str, ...] = ()
    against: str = ""
    """Why it cannot be, a clause without a full stop; empty: it can."""


def planned(
    request: Evacuate,
    kept: KeptHost,
    definition: KeptDefinition,
    host: Host | None,
    networks: tuple[Network, ...] | None,
    volumes: tuple[Volume, ...],
    moved: tuple[Move, ...] = (),
) -> EvacuationPlan:
    """Return what evacuating an instance to `host` comes to.

    `networks` are those of that host, None where they were not listed; `volumes` those that it
    told, `moved` the devices that it has connected under another path. What is not known there
    is left to libvirt, which tells when it is started.
    """
    nothing = InstancePlan(definition.name, "", (), request.start, request.autostart)
    none = DisksCall(request.source, "", "", ())
    try:
        xml = _with_devices(definition.xml, moved)
        made, elements = evacuated(xml), disk_elements(xml)
        instance = xml_of.read_instance(xml, host=request.source)
    except XmlError as error:
        return EvacuationPlan(nothing, none, against=f"what is kept cannot be read: {error}")
    disks = tuple(_lost(disk, kept, elements) for disk in instance.disks if disk.source)
    call = DisksCall(
        request.source,
        instance.type,
        instance.architecture,
        tuple(disk for disk in disks if disk.element),
        one_machine=_one_machine(kept, host),
        stated=request.shared,
    )
    plan = replace(nothing, xml=made.xml, given=True)
    reasons = (
        *_against_kept(definition, instance),
        *_against_networks(instance, request.subject.host, networks),
        *_against_overlays(disks, request.subject.host, volumes),
    )
    notes, against = (*made.notes, *_left(request)), made.against or next(iter(reasons), "")
    return EvacuationPlan(plan, call, notes, against)


def _with_devices(xml: str, moved: tuple[Move, ...]) -> str:
    return rewrite(xml, Rewrites(disks=moved), lenient=True) if moved else xml


def _left(request: Evacuate) -> Iterator[str]:
    """Name the checkpoints that stay behind."""
    if request.checkpoints:
        what = "checkpoint" if len(request.checkpoints) == 1 else "checkpoints"
        yield (
            f"its {what} {listed(request.checkpoints)} stay behind: the next backup is a full one, "
            "and bitmaps of that name are left in its images"
        )


def _lost(disk: Disk, kept: KeptHost, elements: dict[str, str]) -> LostDisk:
    assert disk.source is not None
    source = disk.source
    directory = source.path.rpartition("/")[0]
    name = source.path.partition("/")[0]
    pool = next(
        (
            pool
            for pool in kept.pools
            if (
                pool.name == name if source.type == "volume" else pool.path.rstrip("/") == directory
            )
        ),
        None,
    )
    return LostDisk(
        disk.target,
        source.type,
        source.path,
        source.format,
        "" if pool is None else pool.type,
        None if pool is None else pool.capacity,
        elements.get(disk.target, ""),
    )


def _one_machine(kept: KeptHost, host: Host | None) -> bool:
    """Whether both daemons are on this machine: reached without a network, and of one name."""
    if host is None or host.facts is None or not kept.hostname:
        return False
    near = not urlsplit(kept.uri).hostname and not urlsplit(host.uri).hostname
    return near and kept.hostname == host.facts.hostname


def _against_kept(definition: KeptDefinition, instance: Instance) -> Iterator[str]:
    if definition.later:
        yield f"{clean(definition.later)} has shown it since"
    if instance.cold is not None and instance.cold.role == "source":
        yield "it was cold-migrated, which is neither confirmed nor reverted"


def _against_networks(
    instance: Instance, host: str, networks: tuple[Network, ...] | None
) -> Iterator[str]:
    if networks is None:
        return
    known = {network.name: network for network in networks}
    for interface in instance.interfaces:
        if interface.type != "network":
            continue
        name = clean(interface.source)
        if interface.source not in known:
            yield f"{host} has no network {name}, which its interface {interface.mac} is on"
        elif not known[interface.source].active:
            yield f"the network {name} of {host}, which it is on, is not active: start it"


def _against_overlays(
    disks: tuple[LostDisk, ...], host: str, volumes: tuple[Volume, ...]
) -> Iterator[str]:
    """Tell of an image over a disk that no definition has: the guest may have gone on in that.

    No event tells of a snapshot, so what is kept may be older than one.
    """
    for disk in disks:
        over = [
            clean(volume.path)
            for volume in volumes
            if disk.element and volume.host == host and volume.backing == disk.path
        ]
        if over:
            yield (
                f"{listed(over)} on {host} lies over its disk {disk.target}: it may have gone on "
                "in that, and what it is based on must not be written to"
            )
