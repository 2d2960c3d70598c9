"""An instance's definition is removed, with what belongs to it, and the disks that were named."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from shlex import quote
from typing import Annotated, ClassVar, Literal

from core.model import Instance, Request, State
from core.model.lists import listed
from core.model.seed import is_seed
from core.model.text import clean
from core.state.connections import connections_of
from core.state.held_devices import keeps_tpm_state
from core.verbs.call import Call
from core.verbs.caution import Caution
from core.verbs.device.calls import DropSecretsCall
from core.verbs.device.devices import find
from core.verbs.device.disk_secrets import drop_secrets
from core.verbs.disk_deletion import (
    against_deleting,
    deletions,
    hosts_not_seen,
    image_of,
    named,
)
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
    secrets: tuple[str, ...] = ()
    """UUIDs of those that libvirt may keep for its disks, which go next."""

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
    drop = DropSecretsCall(call.secrets)
    drops = [Step(drop, "removing the secrets of its disks")] if call.secrets else []
    return [gone, *drops, *deletes]


def _call(situation: Situation) -> UndefineCall:
    for sent in situation.sent:
        if isinstance(sent.call, UndefineCall):
            return sent.call
    request, instance = situation.request, situation.instance
    assert isinstance(request, Undefine)
    if instance is None:
        return UndefineCall()
    return UndefineCall(
        *_fates_of(instance, request),
        instance.managed_save,
        (
            *deletions(instance, request.disks, situation.around.volumes.values()),
            *seeds_of(instance),
        ),
        secrets_of(instance),
    )


def secrets_of(instance: Instance) -> tuple[str, ...]:
    """Return the UUIDs of what was made to open its disks; where none was made there is none."""
    found = ((disk.target, find(instance, "disk", disk.target)) for disk in instance.disks)
    return tuple(
        uuid
        for target, device in found
        if device is not None and device.secrets
        for uuid in drop_secrets(instance.key, target).uuids
    )


def seeds_of(instance: Instance) -> tuple[str, ...]:
    """Return where the seed lies that was made for an instance: nobody else has a use for it."""
    sources = (disk.source for disk in instance.disks if disk.source is not None)
    return tuple(source.path for source in sources if is_seed(source.path, instance.uuid))


def _against(state: State, request: Request, _: str) -> Iterator[Refusal]:
    assert isinstance(request, Undefine)
    instance = state.instances.get(request.subject)
    if instance is None:
        return
    if not instance.persistent:
        text = f"{instance.name} is transient"
        yield Refusal(RefusalCode.STATE, text, "it is gone once it is off")
    yield from _against_connected(state, instance)
    if not instance.described:
        return
    known = {disk.target: disk for disk in instance.disks}
    for target in request.disks:
        if target in known:
            yield from against_deleting(state, instance, known[target], request.disks)
        else:
            text = f"{instance.name} has no disk {clean(target)}"
            has = f"it has {', '.join(known)}" if known else "it has none"
            yield Refusal(RefusalCode.PARAMETER, text, has, "disks")


def _against_connected(state: State, instance: Instance) -> Iterator[Refusal]:
    """Tell what is connected for it: nobody would know any more for whom."""
    disks = {disk.target for disk in instance.disks}
    for volume in connections_of(state, instance.key).values():
        host, target = clean(instance.host), clean(volume.target)
        text = (
            f"{host} has {clean(volume.word)} connected for {f'its {target}' if target else 'it'}"
        )
        cure = f"detach {target} first: that lets go of it"
        if not target or (instance.described and volume.target not in disks):
            command = f"virtdeck volume disconnect {quote(host)} --device"
            cure = f"have it disconnected first: `{command} {quote(clean(volume.handle))}`"
        yield Refusal(RefusalCode.STATE, text, cure)


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
    yield from _of_firmware(instance, request)
    if snapshots := state.snapshots.get(instance.key):
        yield f"libvirt forgets {len(snapshots)} of its snapshots."
    if checkpoints := state.checkpoints.get(instance.key):
        names = listed([one.name for one in checkpoints])
        yield f"libvirt forgets its checkpoints ({names}): their bitmaps stay in disks that stay."
    deleted = named(instance, request.disks)
    for disk in deleted:
        yield f"Deletes {disk.target} of {name}: {image_of(state, instance, disk)}."
    if away := hosts_not_seen(state, instance, deleted):
        them = "it is" if len(away) == 1 else "they are"
        yield (
            f"Whether instances on {listed(away)} use what is deleted is not known: {them} "
            "out of reach."
        )
    if seeds := seeds_of(instance):
        yield f"Deletes its cloud-init seed: {clean(seeds[0])}."
    stays = [
        disk
        for disk in instance.disks
        if disk.source is not None and disk not in deleted and disk.source.path not in seeds
    ]
    if stays:
        images = [f"{disk.target} ({image_of(state, instance, disk)})" for disk in stays]
        yield f"Stays where it is: {listed(images)}."


def _of_firmware(instance: Instance, request: Undefine) -> Iterator[str]:
    """Say what becomes of what the guest keeps outside its disks."""
    nvram, tpm = _fates_of(instance, request)
    name = clean(instance.name)
    if nvram == "remove":
        yield f"Removes the UEFI variables of {name}: what its firmware boots is forgotten."
    if tpm == "remove":
        yield f"Removes the TPM's state of {name}: what is sealed by it stays sealed."
    kept = [what for what, fate in (("NVRAM", nvram), ("TPM", tpm)) if fate == "keep"]
    if kept:
        yield f"Kept on {clean(instance.host)}: {listed(kept)} of {name}."


def _fates_of(instance: Instance, request: Undefine) -> tuple[Fate, Fate]:
    """Return what becomes of NVRAM and TPM; an instance that has none of it has no fate."""
    nvram: Fate = request.nvram if instance.firmware not in ("", "bios") else ""
    tpm: Fate = request.tpm if keeps_tpm_state(instance) else ""
    return nvram, tpm


def _outcome(situation: Situation) -> str:
    deleted = [path for path in _call(situation).volumes if not is_seed(path, _uuid(situation))]
    disks = f", {len(deleted)} of its disks deleted" if deleted else ""
    return f"{situation.name} is no longer defined{disks}"


def _uuid(situation: Situation) -> str:
    return situation.request.subject.id


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
    calls=(UndefineCall, DropSecretsCall, VolumeOfPathDeleteCall),
    needs_description=True,
    looks_at=frozenset({"snapshots", "checkpoints"}),
    storage_for=("disks",),
    during_move=False,
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
