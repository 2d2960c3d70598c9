"""What is asked for with a backup, and why it cannot be made so."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from core.model import Instance, InstanceState, Request, State
from core.model.driver import DRIVERS, driver_of_type
from core.model.lists import listed
from core.model.text import clean
from core.verbs.agent import without_agent
from core.verbs.backup.folder import Folder, against_folder
from core.verbs.backup.planning import WhatIsWanted, base_of, chosen
from core.verbs.block.family import against_encryption, against_job, named
from core.verbs.definition import NAME_BYTES
from core.verbs.parameter import parameter
from core.verbs.refusal import Refusal, RefusalCode
from core.verbs.snapshot.naming import CHECKPOINT_PATTERN, CHECKPOINT_SHAPE

Kind = Literal["full", "incremental"]

Name = Annotated[
    str,
    parameter(
        "The name of the backup, of its files and its checkpoint; unless given by the"
        " time: backup-20261129-094512 (UTC).",
        pattern=CHECKPOINT_PATTERN,
        shape=CHECKPOINT_SHAPE,
        longest=NAME_BYTES // 2,
    ),
]
Since = Annotated[
    str | None,
    parameter(
        "Of an incremental one: the checkpoint since which what was written is kept; unless given"
        " the newest of which the backup is known.",
        source="checkpoints",
    ),
]
KindOf = Annotated[
    Kind,
    parameter(
        "full: all of each disk. incremental: what was written since a checkpoint, in a file that"
        " needs the backup before it."
    ),
]
Exclude = Annotated[tuple[str, ...], parameter("Disks to leave out.", source="disks")]
WithCheckpoint = Annotated[
    bool,
    parameter(
        "Make a checkpoint with it, since which the next can be incremental. Disks of qcow2 only.",
        label="checkpoint",
    ),
]
Quiesce = Annotated[
    bool,
    parameter(
        "The guest's agent freezes its file systems as it begins, for some hundredths of a second:"
        " what programs have written is in it then."
    ),
]


class Backup(Request, frozen=True):
    """Have QEMU write the disks of an instance as they are now (virDomainBackupBegin)."""

    verb: ClassVar[str] = "backup"
    to: Folder
    kind: KindOf = "full"
    since: Since = None
    name: Name | None = None
    exclude: Exclude = ()
    checkpoint: WithCheckpoint = True
    quiesce: Quiesce = False
    format: Annotated[
        Literal["qcow2", "raw"],
        parameter("The format of the files; raw of a full one only.", advanced=True),
    ] = "qcow2"
    speed: Annotated[
        float,
        parameter(
            "The most it may copy a second; 0: as fast as it goes. libvirt is told once QEMU has"
            " begun: some hundred MiB may be written before that.",
            least=0, most=1e6, unit="MiB/s", label="speed", advanced=True,
        ),
    ] = 0.0  # fmt: skip


def against(state: State, request: Request, _: str) -> Iterator[Refusal]:
    """Tell why a backup cannot be made as it is asked for."""
    assert isinstance(request, Backup)
    instance = state.instances.get(request.subject)
    if instance is None:
        return
    yield from against_driver(instance)
    yield from against_folder(state, instance.host, request.to)
    if request.kind == "incremental" and request.format == "raw":
        text = "An increment in the format raw could not tell what it does not have"
        yield Refusal(RefusalCode.PARAMETER, text, "choose qcow2", "format")
    yield from against_what(state, instance, request)


def against_driver(instance: Instance) -> Iterator[Refusal]:
    """Tell that nothing but QEMU makes backups; a driver that is not known may."""
    driver = driver_of_type(instance.type)
    if driver.name in DRIVERS and driver.name != "qemu":
        text = f"{driver.product} makes no backups"
        yield Refusal(RefusalCode.UNSUPPORTED, text, "only QEMU does: copy disks that are off")


def against_what(state: State, instance: Instance, request: WhatIsWanted) -> Iterator[Refusal]:
    """Tell which disks cannot be backed up so, since what, and with what name."""
    if request.since is not None and request.kind == "full":
        text = "A full backup is since nothing"
        yield Refusal(RefusalCode.PARAMETER, text, "choose incremental, or leave since out")
    if request.quiesce:
        yield from _against_quiesce(state, instance)
    bitmaps = request.checkpoint or request.kind == "incremental"
    yield from against_disks(instance, request.exclude, bitmaps=bitmaps)
    if not instance.described:
        return
    targets = chosen(instance, request.exclude)
    for target in targets:
        yield from against_job(state, instance, target)
    known = state.checkpoints.get(instance.key)
    if known is None:
        return
    if request.checkpoint and any(one.name == request.name for one in known):
        text = f"{instance.name} has a checkpoint called {clean(request.name or '')}"
        yield Refusal(RefusalCode.PARAMETER, text, "choose another name", "name")
    base = base_of(known, request, targets, instance.name)
    if isinstance(base, Refusal):
        yield base


def against_disks(
    instance: Instance, exclude: tuple[str, ...], *, bitmaps: bool, copied: bool = True
) -> Iterator[Refusal]:
    """Tell which disks cannot be backed up, or can have no bitmap where that is wanted."""
    if not instance.described:
        return
    wrong = [clean(one) for one in exclude if named(instance, one) is None]
    if wrong:
        text = f"{instance.name} has no disk {listed(wrong)}"
        has = f"it has {', '.join(disk.target for disk in instance.disks)}"
        yield Refusal(RefusalCode.PARAMETER, text, has, "exclude")
    targets = chosen(instance, exclude)
    if not targets:
        text = f"{instance.name} has no disk that is written, or none is left"
        yield Refusal(RefusalCode.STATE, text, "there is nothing to back up")
    disks = [disk for disk in instance.disks if disk.target in targets]
    for disk in disks if copied else ():
        cure = f"exclude {disk.target}, and back it up inside the guest"
        yield from against_encryption(instance, disk, cure, "exclude")
    raw = [disk.target for disk in disks if disk.source and disk.source.format not in ("", "qcow2")]
    if raw and bitmaps:
        text = f"{listed(raw)} of {instance.name} is not of qcow2: QEMU keeps no bitmap in it"
        cure = "exclude it, or make a full backup without a checkpoint"
        yield Refusal(RefusalCode.UNSUPPORTED, text, cure)


def _against_quiesce(state: State, instance: Instance) -> Iterator[Refusal]:
    if instance.state is not InstanceState.RUNNING:
        text = f"{instance.name} does not run: its guest freezes nothing"
        yield Refusal(RefusalCode.STATE, text, "leave quiesce out")
    else:
        yield from without_agent(state, Request(instance.key), "")
