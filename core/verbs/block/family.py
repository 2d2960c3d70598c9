"""What the verbs of block jobs share: the disk they are for, and what speaks against it. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from msgspec import Meta

from core.model import Disk, Instance, Request, State
from core.model.driver import DRIVERS, driver_of_type
from core.model.lists import listed
from core.model.text import clean
from core.verbs.parameter import PATH_BYTES, parameter
from core.verbs.refusal import Refusal, RefusalCode

MIB = 1 << 20
STAYS_ENCRYPTED = "copy it inside the guest, or move it while the instance is off"

TheDisk = Annotated[str, parameter("The disk, by its target.", source="disks")]

JobDisk = Annotated[
    str, parameter("The disk that has the job, by its target.", source="block-jobs")
]

Speed = Annotated[
    float,
    parameter("The most it may copy a second; 0: as fast as it goes.", least=0, most=1e6,
              unit="MiB/s", label="speed", advanced=True),
]  # fmt: skip


def image_parameter(help_: str) -> Meta:
    """Return the parameter that names an image of a disk's chain."""
    return parameter(help_, source="images", longest=PATH_BYTES)


def in_bytes(speed: float) -> int:
    """Return a speed in MiB/s as libvirt takes it: at least a byte a second, unless none is set."""
    return max(1, round(speed * MIB)) if speed else 0


def against_driver(state: State, request: Request, _: str) -> Iterator[Refusal]:
    """Tell that nothing but QEMU has block jobs; a driver that is not known may."""
    instance = state.instances.get(request.subject)
    driver = None if instance is None else driver_of_type(instance.type)
    if driver is not None and driver.name in DRIVERS and driver.name != "qemu":
        text = f"{driver.product} has no block jobs"
        yield Refusal(RefusalCode.UNSUPPORTED, text, "only QEMU has: copy disks that are off")


def against_disk(instance: Instance, target: str) -> Iterator[Refusal]:
    """Tell why nothing can be done to the images of a disk."""
    if not instance.described:
        return
    known = {disk.target: disk for disk in instance.disks}
    if target not in known:
        text = f"{instance.name} has no disk {clean(target)}"
        has = f"it has {', '.join(known)}" if known else "it has none"
        yield Refusal(RefusalCode.PARAMETER, text, has, "disk")
    elif known[target].source is None or known[target].device != "disk":
        text = f"{target} of {instance.name} is no disk with an image"
        disks = [one.target for one in known.values() if one.device == "disk" and one.source]
        cure = f"choose {listed(disks)}" if disks else "it has none"
        yield Refusal(RefusalCode.PARAMETER, text, cure, "disk")


def against_job(state: State, instance: Instance, target: str) -> Iterator[Refusal]:
    """Tell that a disk has a block job: libvirt has one at a time."""
    run = state.runs.get(instance.key)
    job = None if run is None else run.block_job(target)
    if job is not None and not job.state.over:
        text = f"{target} of {instance.name} has a block job: {job.type}, {job.state.value}"
        yield Refusal(RefusalCode.BUSY, text, "wait for its end, or end it by block-job-abort")


def against_start(
    state: State, request: Request, instance: Instance, target: str
) -> Iterator[Refusal]:
    """Tell why no block job of a disk can be started."""
    yield from against_driver(state, request, "")
    yield from against_disk(instance, target)
    yield from against_job(state, instance, target)


def against_encryption(
    instance: Instance, disk: Disk | None, cure: str, field: str = "disk"
) -> Iterator[Refusal]:
    """Tell that QEMU encrypts a disk: what it writes of that elsewhere is not encrypted."""
    if disk is not None and disk.encrypted:
        text = f"{disk.target} of {instance.name} is encrypted by QEMU: its copy would be in clear"
        yield Refusal(RefusalCode.UNSUPPORTED, text, cure, field)


def named(instance: Instance | None, target: str) -> Disk | None:
    """Return a disk of an instance by its target."""
    disks = () if instance is None else instance.disks
    return next((disk for disk in disks if disk.target == target), None)
