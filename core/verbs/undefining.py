"""An instance's definition is removed, with what belongs to it, and the disks that were named."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Annotated, ClassVar, Literal

from core.model import Disk, Instance, Request, State, Volume
from core.model.lists import listed
from core.model.sizes import size
from core.model.text import clean
from core.state.usage import (
    hosts_out_of_reach,
    hosts_unread,
    users_elsewhere,
    users_known,
    users_of,
)
from core.verbs.call import Call
from core.verbs.caution import Caution
from core.verbs.parameter import parameter
from core.verbs.refusal import Refusal, RefusalCode
from core.verbs.sequence import Step, sequence
from core.verbs.situation import Situation
from core.verbs.states import TO_BE_OFF
from core.verbs.verb import Risk, Verb

Kept = Literal["remove", "keep"]
Fate = Literal["", "remove", "keep"]
"""Empty: it has none, and older libvirt knows no flag for it."""


class Undefine(Request, frozen=True):
    """Remove an instance's definition from its host (virDomainUndefineFlags).

    Its saved memory, and what libvirt keeps of its snapshots and checkpoints, goes with it.
    """

    verb: ClassVar[str] = "undefine"
    disks: Annotated[
        tuple[str, ...],
        parameter("Disks whose volumes are deleted too, by target.", source="disks"),
    ] = ()
    nvram: Annotated[Kept, parameter("What becomes of its UEFI variables.", label="NVRAM")] = (
        "remove"
    )
    tpm: Annotated[Kept, parameter("What becomes of its TPM's state.", label="TPM")] = "remove"


class UndefineCall(Call, frozen=True):
    """virDomainUndefineFlags."""

    nvram: Fate = ""
    tpm: Fate = ""
    saved: bool = False
    """It has saved memory, which is removed."""
    volumes: tuple[str, ...] = ()
    """Paths of the volumes that are deleted next: the definition no longer tells them then."""

    def virsh(self, name: str) -> tuple[str, ...]:
        """`virsh undefine`."""
        flags = {"remove": "--{}", "keep": "--keep-{}"}
        kept = [flags[fate].format(what) for what, fate in self._fates if fate]
        saved = ("--managed-save",) if self.saved else ()
        return ("undefine", name, *kept, *saved, "--snapshots-metadata", "--checkpoints-metadata")

    @property
    def _fates(self) -> tuple[tuple[str, Fate], ...]:
        return (("nvram", self.nvram), ("tpm", self.tpm))


class VolumeOfPathDeleteCall(Call, frozen=True):
    """virStorageVolDelete of the volume of a path; none there is as good as deleted."""

    repeatable: ClassVar[bool] = True
    path: str

    def virsh(self, _: str) -> tuple[str, ...]:
        """`virsh vol-delete`."""
        if self.path.startswith("/"):
            return ("vol-delete", self.path)
        pool, _, name = self.path.partition("/")
        return ("vol-delete", name, "--pool", pool)


def _undefine(situation: Situation) -> list[Step]:
    call = _call(situation)
    gone = Step(
        call,
        f"removing the definition of {situation.name}",
        lambda now: now.subject is None,
    )
    deletes = (
        Step(VolumeOfPathDeleteCall(path), f"deleting {clean(path)}") for path in call.volumes
    )
    return [gone, *deletes]


def _call(situation: Situation) -> UndefineCall:
    for sent in situation.sent:
        if isinstance(sent.call, UndefineCall):
            return sent.call
    request, instance = situation.request, situation.instance
    assert isinstance(request, Undefine)
    if instance is None:
        return UndefineCall()
    return UndefineCall(
        request.nvram if instance.firmware not in ("", "bios") else "",
        request.tpm if any(device.kind == "tpm" for device in instance.devices) else "",
        instance.managed_save,
        _deleted(instance, request.disks),
    )


def _deleted(instance: Instance, targets: Sequence[str]) -> tuple[str, ...]:
    """Return the paths of the named disks; each goes before what it is based on.

    An image must never be left without its base.
    """
    disks = _named(instance, targets)
    below = Counter(each.path for disk in disks for each in disk.backing)
    paths = [disk.source.path for disk in disks if disk.source]
    return tuple(sorted(dict.fromkeys(paths), key=lambda path: below[path]))


def _named(instance: Instance, targets: Sequence[str]) -> tuple[Disk, ...]:
    return tuple(disk for disk in instance.disks if disk.target in targets)


def _against(state: State, request: Request, _: str) -> Iterator[Refusal]:
    assert isinstance(request, Undefine)
    instance = state.instances.get(request.subject)
    if instance is None:
        return
    if not instance.persistent:
        text = f"{instance.name} is transient"
        yield Refusal(RefusalCode.STATE, text, "it is gone once it is off")
    if not instance.described:
        return
    known = {disk.target: disk for disk in instance.disks}
    for target in request.disks:
        if target in known:
            yield from _against_disk(state, instance, known[target], request.disks)
        else:
            text = f"{instance.name} has no disk {clean(target)}"
            has = f"it has {', '.join(known)}" if known else "it has none"
            yield Refusal(RefusalCode.PARAMETER, text, has, "disks")


def _against_disk(
    state: State, instance: Instance, disk: Disk, targets: Sequence[str]
) -> Iterator[Refusal]:
    """Tell why a disk must not be deleted: it is not the instance's alone, or may not be."""
    path = "" if disk.source is None else disk.source.path
    volume = _volume(state, instance, disk)
    if disk.device != "disk":
        text = f"{disk.target} of {instance.name} is no disk, but a {disk.device}"
        yield Refusal(RefusalCode.PARAMETER, text, "what lies in it is left alone", "disks")
    elif volume is None:
        text = f"{disk.target} of {instance.name} is {clean(path) or 'empty'}, in no pool as read"
        yield Refusal(RefusalCode.PARAMETER, text, "refresh its pool, or leave it out", "disks")
    elif unread := _unread(state, volume):
        text = f"Who uses {clean(volume.path)} is not known yet"
        cure = f"wait until all that is on {listed(unread)} was read"
        yield Refusal(RefusalCode.STATE, text, cure, "disks")
    elif users := _users(state, instance, volume, targets):
        text = f"{disk.target} of {instance.name} ({clean(volume.path)}) is used by {listed(users)}"
        yield Refusal(RefusalCode.STATE, text, "leave it out", "disks")


def _volume(state: State, instance: Instance, disk: Disk) -> Volume | None:
    """Return the volume that is the image a disk writes to."""
    if disk.source is None or not disk.source.path:
        return None
    return next(
        (
            volume
            for volume in state.volumes.values()
            if volume.host == instance.host
            and disk.source.path in (volume.path, f"{volume.pool_name}/{volume.name}")
        ),
        None,
    )


def _unread(state: State, volume: Volume) -> list[str]:
    """Return the hosts of which not all was read yet that tells who uses a volume."""
    here = users_known(state, volume) and _chains_known(state, volume)
    return [*([] if here else [volume.host]), *hosts_unread(state, volume)]


def _chains_known(state: State, volume: Volume) -> bool:
    """Whether every volume of the host has told what it is based on."""
    return all(each.described for each in state.volumes.values() if each.host == volume.host)


def _users(state: State, instance: Instance, volume: Volume, targets: Sequence[str]) -> list[str]:
    """Return what else uses a volume; what is deleted with it does not count."""
    going = [_volume(state, instance, disk) for disk in _named(instance, targets)]
    others = [one for one in users_of(state, volume) if one.key != instance.key]
    far = users_elsewhere(state, volume)
    above = [
        f"{clean(each.path)}, which is based on it"
        for each in state.volumes.values()
        if each.host == volume.host
        and each.backing
        and each.backing == volume.path
        and each not in going
    ]
    return [
        *(clean(one.name) for one in others),
        *(f"{clean(one.name)} on {clean(one.host)}" for one in far),
        *above,
    ]


def _goes(state: State, requests: Sequence[Request]) -> list[str]:
    """Say of each what goes away with its definition, and what stays."""
    found: list[str] = []
    for request in requests:
        instance = state.instances.get(request.subject)
        if instance is not None:
            assert isinstance(request, Undefine)
            found += _of_one(state, instance, request)
    return found


def _of_one(state: State, instance: Instance, request: Undefine) -> Iterator[str]:
    name = clean(instance.name)
    if instance.managed_save:
        yield f"The saved memory of {name} is lost: what its guest had not written goes with it."
    if snapshots := state.snapshots.get(instance.key):
        yield f"libvirt forgets {len(snapshots)} of its snapshots."
    deleted = _named(instance, request.disks)
    for disk in deleted:
        yield f"Deletes {disk.target} of {name}: {_image(state, instance, disk)}."
    if away := _out_of_reach(state, instance, deleted):
        them = "it is" if len(away) == 1 else "they are"
        yield (
            f"Whether instances on {listed(away)} use what is deleted is not known: {them} "
            "out of reach."
        )
    stays = [disk for disk in instance.disks if disk.source is not None and disk not in deleted]
    if stays:
        images = [f"{disk.target} ({_image(state, instance, disk)})" for disk in stays]
        yield f"Stays where it is: {listed(images)}."


def _out_of_reach(state: State, instance: Instance, disks: Sequence[Disk]) -> list[str]:
    volumes = [_volume(state, instance, disk) for disk in disks]
    found = [hosts_out_of_reach(state, volume) for volume in volumes if volume is not None]
    return list(dict.fromkeys(name for names in found for name in names))


def _image(state: State, instance: Instance, disk: Disk) -> str:
    """Return a disk's image, with the bytes it takes where that is known."""
    volume = _volume(state, instance, disk)
    path = clean("" if disk.source is None else disk.source.path)
    if volume is None or volume.allocation is None:
        return path
    return f"{path}, {size(volume.allocation)} on disk"


def _outcome(situation: Situation) -> str:
    deleted = _call(situation).volumes
    disks = f", {len(deleted)} of its disks deleted" if deleted else ""
    return f"{situation.name} is no longer defined{disks}"


UNDEFINE = Verb(
    Undefine,
    title="Undefine",
    help="Remove its definition from the host, and the disks that are named.",
    doing="being undefined",
    group="define",
    key="u",
    decide=sequence(_undefine, _outcome),
    steps=_undefine,
    resumable=True,
    calls=(UndefineCall, VolumeOfPathDeleteCall),
    needs_description=True,
    looks_at=frozenset({"snapshots"}),
    storage_for="disks",
    states=TO_BE_OFF,
    refusals=_against,
    risk=Risk(
        Caution.TYPE,
        lambda _, subjects: (
            f"Removes the definition of {subjects.whom}: its host no longer knows "
            f"{'them' if subjects.many else 'it'}."
        ),
        after=_goes,
    ),
    cancelled="What was deleted stays deleted.",
)

VERBS = (UNDEFINE,)
