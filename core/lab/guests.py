"""The lab's six guests and its volumes: plain data, what `lab up` makes true.

A guest's switches are words of its kernel command line; guest/init lists them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

IGNORE_UNPLUG = "acpiphp.disable=1"
"""A switch of the kernel itself: hot-plug and unplug requests reach nobody."""


class Wanted(StrEnum):
    """The state `lab up` puts a guest into."""

    RUNNING = "running"
    PAUSED = "paused"
    SHUT_OFF = "shut off"
    TRANSIENT = "transient"


@dataclass(frozen=True)
class GuestVolume:
    """A volume of a directory pool; sizes in MiB. `backing` names one of the same pool."""

    name: str
    size: int = 64
    format: str = "qcow2"
    backing: str = ""


@dataclass(frozen=True)
class Guest:
    """A guest of the lab. `memory` in MiB (88 is the least that boots); `disk` is POOL/VOLUME."""

    name: str
    title: str
    description: str
    memory: int = 96
    wanted: Wanted = Wanted.RUNNING
    disk: str = ""
    switches: tuple[str, ...] = field(default=())


SHARED_VOLUMES = (
    GuestVolume("web.qcow2", backing="web-base.qcow2"),
    GuestVolume("web-base.qcow2"),
    GuestVolume("db.qcow2", 128),
)
"""Volumes of the pool `shared`: the disks of guests that are expected to migrate."""

DEFAULT_VOLUMES = {
    "alpha": (
        GuestVolume("cache.qcow2"),
        GuestVolume("spare.raw", 16, "raw"),
        GuestVolume("template.qcow2"),
        GuestVolume("clone.qcow2", backing="template.qcow2"),
    ),
    "beta": (
        GuestVolume("mail.qcow2"),
        GuestVolume("archive-2023.qcow2"),
        GuestVolume("archive.qcow2", backing="archive-2023.qcow2"),
        GuestVolume("batch.raw", 16, "raw"),
    ),
}
"""Volumes of each host's own pool `default`."""

GUESTS = {
    "alpha": (
        Guest(
            *("web", "Web front end", "Answers pings; its disk has a backing file."),
            disk="shared/web.qcow2",
            switches=("vd.ping=20", "vd.disk=64"),
        ),
        Guest(
            *("db", "Database", "Writes 64 MiB of memory at 30 MiB/s, without end."),
            memory=160,
            disk="shared/db.qcow2",
            switches=("vd.write=64:30",),
        ),
        Guest(
            *("cache", "Object cache", "Paused before its first instruction."),
            wanted=Wanted.PAUSED,
            disk="default/cache.qcow2",
        ),
    ),
    "beta": (
        Guest(
            *("mail", "Mail relay", "Writes a little to its disk every second."),
            disk="default/mail.qcow2",
            switches=("vd.disk=128", "vd.ping=2"),
        ),
        Guest(
            *("archive", "Archive", "Defined and shut off."),
            wanted=Wanted.SHUT_OFF,
            disk="default/archive.qcow2",
        ),
        Guest(
            *("batch", "Batch job", "Transient: gone for good once it stops."),
            wanted=Wanted.TRANSIENT,
            disk="default/batch.raw",
        ),
    ),
}
"""Host -> the guests it starts with."""

HOST_NAMES = tuple(GUESTS)
