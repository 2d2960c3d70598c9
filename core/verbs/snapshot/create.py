"""A snapshot of an instance is made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, ClassVar

from core.model import Disk, Instance, InstanceState, Request, State, Volume
from core.model.lists import listed
from core.model.text import clean
from core.verbs.agent.asking import without_agent
from core.verbs.call import Call
from core.verbs.caution import Caution
from core.verbs.definition import DESCRIPTION_BYTES, NAME_BYTES
from core.verbs.kept_memory import against_shares
from core.verbs.parameter import parameter
from core.verbs.refusal import Refusal, RefusalCode
from core.verbs.sequence import Step, sequence
from core.verbs.situation import Situation
from core.verbs.snapshot.files import (
    files_of_volumes,
    memory_file,
    volume_paths,
    written_disks,
)
from core.verbs.snapshot.naming import NAME_PATTERN, NAME_SHAPE, Where
from core.verbs.states import NOT_KNOWN
from core.verbs.verb import Risk, Verb


class SnapshotCreate(Request, frozen=True):
    """Make a snapshot of an instance (virDomainSnapshotCreateXML)."""

    verb: ClassVar[str] = "snapshot-create"
    name: Annotated[
        str,
        parameter("Its name.", pattern=NAME_PATTERN, shape=NAME_SHAPE, longest=NAME_BYTES),
    ]
    where: Annotated[
        Where,
        parameter(
            "internal: in the disks' own images, with the memory of a guest that runs, which stands"
            " still meanwhile. external: each disk goes on in a new file over the old one, as after"
            " a power cut, unless the memory is kept too."
        ),
    ] = "internal"
    memory: Annotated[
        bool,
        parameter(
            "An external one keeps the memory of the guest too, in a file beside its first disk:"
            " going back, it runs on from there. The guest runs while it is written."
        ),
    ] = False
    quiesce: Annotated[
        bool,
        parameter(
            "The guest's agent freezes its file systems meanwhile: what programs have written is in"
            " it then. Of an external one, while it runs. libvirt thaws them, whatever becomes of"
            " this console."
        ),
    ] = False
    description: Annotated[
        str,
        parameter(
            "What it is for.",
            pattern=r"[^\x00-\x08\x0b-\x1f\x7f-\x9f]*",
            shape="text without control characters",
            longest=DESCRIPTION_BYTES,
        ),
    ] = ""


class SnapshotCreateCall(Call, frozen=True):
    """virDomainSnapshotCreateXML: an external one is of all disks or none of them."""

    long: ClassVar[bool] = True
    name: str
    where: Where
    description: str = ""
    quiesce: bool = False
    files: tuple[tuple[str, str], ...] = ()
    """The new files of disks for which libvirt finds no name: target, path."""
    memory_file: str = ""
    """Where the memory of an external one is kept; empty: it is of the disks only."""

    def virsh(self, name: str) -> tuple[str, ...]:
        """`virsh snapshot-create-as`."""
        told = ("--description", self.description) if self.description else ()
        external: tuple[str, ...] = ()
        if self.where == "external":
            external = ("--atomic", *(("--quiesce",) if self.quiesce else ()))
            if self.memory_file:
                memory = f"file={_spec(self.memory_file)},snapshot=external"
                external = (*external, "--live", "--memspec", memory)
            else:
                external = ("--disk-only", *external)
            for target, path in self.files:
                external += ("--diskspec", f"{target},snapshot=external,file={_spec(path)}")
        return ("snapshot-create-as", name.partition("/")[0], self.name, *told, *external)


def _spec(path: str) -> str:
    """A path in one of virsh's lists, where a comma stands between two of them."""
    return path.replace(",", ",,")


def _create(situation: Situation) -> list[Step]:
    request = situation.request
    assert isinstance(request, SnapshotCreate)

    def shows(now: Situation) -> bool:
        return any(one.name == request.name for one in now.snapshots or ())

    sent = next((one.call for one in situation.sent), None)  # its disks go by other files then
    call = sent if isinstance(sent, SnapshotCreateCall) else _call(situation)
    return [Step(call, f"making the snapshot {request.name} of {situation.name}", shows)]


def _call(situation: Situation) -> SnapshotCreateCall:
    request, instance = situation.request, situation.instance
    assert isinstance(request, SnapshotCreate)
    files: tuple[tuple[str, str], ...] = ()
    memory = ""
    if request.where == "external" and instance is not None:
        paths = volume_paths(situation.around.volumes.values(), instance.host)
        files = files_of_volumes(instance, request.name, paths)
        memory = memory_file(instance, request.name, paths) if request.memory else ""
    return SnapshotCreateCall(
        request.name, request.where, request.description, request.quiesce, files, memory
    )


def _against_create(state: State, request: Request, _: str) -> Iterator[Refusal]:
    assert isinstance(request, SnapshotCreate)
    instance = state.instances.get(request.subject)
    if instance is None:
        return
    if any(one.name == request.name for one in state.snapshots.get(instance.key, ())):
        text = f"{instance.name} has a snapshot called {request.name}"
        yield Refusal(RefusalCode.PARAMETER, text, "choose another name")
    if request.quiesce:
        yield from _against_quiesce(state, instance, request)
    yield from _against_memory(state, instance, request)
    if not instance.described:
        return
    disks = written_disks(instance)
    if not disks and request.where == "external":
        yield Refusal(RefusalCode.STATE, f"{instance.name} has no disk that is written")
    paths = volume_paths(state.volumes.values(), instance.host)
    unfit = [disk.target for disk in disks if _unfit(disk, request.where, paths)]
    if unfit and request.where == "internal":
        text = f"{listed(unfit)} of {instance.name} cannot hold a snapshot inside: only qcow2 can"
        yield Refusal(RefusalCode.STATE, text, "make an external one")
    elif unfit:
        text = f"{listed(unfit)} of {instance.name} is no file or device of the host's"
        yield Refusal(RefusalCode.STATE, text, "libvirt makes an external snapshot of those only")
    elif request.where == "external":
        yield from _against_unread(state, instance)
        if encrypted := [disk.target for disk in disks if disk.encrypted]:
            text = f"{listed(encrypted)} of {instance.name} is encrypted by QEMU: what is written"
            cure = "back it up inside the guest"
            yield Refusal(RefusalCode.UNSUPPORTED, f"{text} after it would be in clear", cure)


def _against_quiesce(
    state: State, instance: Instance, request: SnapshotCreate
) -> Iterator[Refusal]:
    """Tell why nothing can be frozen; libvirt takes no notice of it for one that is off."""
    if request.where == "internal":
        text = "libvirt freezes a guest for an external snapshot only: an internal one has memory"
        yield Refusal(RefusalCode.PARAMETER, text, "leave quiesce out, or make an external one")
    elif instance.state is not InstanceState.RUNNING:
        text = f"{instance.name} does not run: its guest freezes nothing"
        yield Refusal(RefusalCode.STATE, text, "leave quiesce out")
    else:
        yield from without_agent(state, request, "")


def _against_memory(state: State, instance: Instance, request: SnapshotCreate) -> Iterator[Refusal]:
    if request.memory or request.where == "internal":
        yield from against_shares(state, instance)  # of devices libvirt itself knows which may stay
    if not request.memory:
        return
    if request.where == "internal":
        text = "An internal snapshot of a guest that runs always has its memory"
        yield Refusal(RefusalCode.PARAMETER, text, "leave memory out, or make an external one")
    elif request.quiesce:
        text = "libvirt freezes no guest whose memory it keeps: what is not written is in it"
        yield Refusal(RefusalCode.PARAMETER, text, "leave memory or quiesce out")
    elif not instance.state.active:
        text = f"{instance.name} does not run: it has no memory"
        yield Refusal(RefusalCode.STATE, text, "leave memory out")


def _unfit(disk: Disk, where: str, paths: Mapping[str, Volume]) -> bool:
    source = disk.source
    assert source is not None
    if where == "internal":
        return source.format not in ("", "qcow2")  # libvirt decides on one it is not told
    if source.type == "volume":
        volume = paths.get(source.path)
        return volume is not None and volume.type not in ("", "file", "block")
    return source.type not in ("file", "block")


def _against_unread(state: State, instance: Instance) -> Iterator[Refusal]:
    """Tell which disk is a volume of a pool whose path is not known: its new file has no name."""
    paths = volume_paths(state.volumes.values(), instance.host)
    for disk in written_disks(instance):
        source = disk.source
        if source is not None and source.type == "volume" and source.path not in paths:
            pool = source.path.partition("/")[0]
            text = f"{disk.target} of {instance.name} is a volume of the pool {pool}, not read yet"
            yield Refusal(RefusalCode.STATE, text, f"refresh the pool {pool}, then ask again")


def _over_internal(state: State, request: Request) -> str:
    """Return the internal snapshot that an external one would be made after; empty: none."""
    assert isinstance(request, SnapshotCreate)
    known = state.snapshots.get(request.subject, ())
    current = next((one for one in known if one.current), None)
    external = request.where == "external"
    return "" if current is None or current.external or not external else current.name


def _caution(state: State, request: Request) -> Caution:
    return Caution.CONFIRM if _over_internal(state, request) else Caution.NONE


def _costs(state: State, requests: Sequence[Request]) -> list[str]:
    return [
        f"libvirt reverts to {clean(under)} no more, and deletes neither it nor the new one: "
        "mixing internal and external ones has to be undone by hand."
        for request in requests
        if (under := _over_internal(state, request))
    ]


def _made(situation: Situation) -> str:
    assert isinstance(situation.request, SnapshotCreate)
    return f"{situation.name} has the snapshot {situation.request.name}"


CREATE = Verb(
    SnapshotCreate,
    title="Make a snapshot",
    help="Keep its disks as they are now, to go back to.",
    doing="having a snapshot made",
    group="snapshots",
    key="c",
    decide=sequence(_create, _made),
    steps=_create,
    calls=(SnapshotCreateCall,),
    needs_description=True,
    needs_facts=True,
    looks_at=frozenset({"snapshots", "backup"}),
    during_backups=False,
    states={
        InstanceState.UNKNOWN: NOT_KNOWN,
        InstanceState.CRASHED: ("{name} has crashed", "{restart}"),
    },
    refusals=_against_create,
    risk=Risk(raised=_caution, after=_costs),
)
