"""A snapshot is deleted, and the instance stays as it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, ClassVar

from core.model import Request, Snapshot, State
from core.model.lists import listed
from core.model.text import clean
from core.state.subject import owner_of, subject_of
from core.verbs.block.family import named
from core.verbs.block.merge_users import against_users, merged_with
from core.verbs.call import Call
from core.verbs.caution import Caution
from core.verbs.parameter import parameter
from core.verbs.refusal import Refusal, RefusalCode
from core.verbs.sequence import Step, sequence
from core.verbs.situation import Situation
from core.verbs.snapshot.family import (
    EXTERNAL_DELETE,
    MEMORY_DELETE,
    MERGE_BY_HAND,
    against_chain,
    below,
    too_old,
)
from core.verbs.verb import Risk, Subjects, Verb


class SnapshotDelete(Request, frozen=True):
    """Delete a snapshot; the instance stays as it is (virDomainSnapshotDelete)."""

    verb: ClassVar[str] = "snapshot-delete"
    children: Annotated[
        bool, parameter("Delete those that were made from it too.", advanced=True)
    ] = False


class SnapshotDeleteCall(Call, frozen=True):
    """virDomainSnapshotDelete: the files of an external one are merged."""

    long: ClassVar[bool] = True
    children: bool = False

    def virsh(self, name: str) -> tuple[str, ...]:
        """`virsh snapshot-delete`."""
        instance, _, snapshot = name.partition("/")
        return ("snapshot-delete", instance, snapshot, *(("--children",) if self.children else ()))


def _delete(situation: Situation) -> list[Step]:
    request = situation.request
    assert isinstance(request, SnapshotDelete)
    text = f"deleting {situation.name}"
    return [Step(SnapshotDeleteCall(request.children), text, lambda now: now.subject is None)]


def _against_delete(state: State, request: Request, _: str) -> Iterator[Refusal]:
    assert isinstance(request, SnapshotDelete)
    snapshot = subject_of(state, request.subject)
    if not isinstance(snapshot, Snapshot):
        return
    children = below(state, snapshot)
    if snapshot.external:
        yield from too_old(state, request, EXTERNAL_DELETE, "deletes")
        yield from _against_mixed(state, snapshot)
        yield from against_chain(state, snapshot)
        yield from _against_others(state, snapshot)
    external = [one.name for one in children if one.external]
    if request.children and (external or snapshot.external):
        text = "libvirt deletes no external snapshot together with those made from it"
        yield Refusal(RefusalCode.UNSUPPORTED, text, "delete them one by one, the last first")
    elif external and not snapshot.external:
        text = f"The external {listed(external)} lies over {snapshot.name}"
        yield Refusal(RefusalCode.STATE, text, MERGE_BY_HAND)


def _against_mixed(state: State, snapshot: Snapshot) -> Iterator[Refusal]:
    """Tell why an external one among internal ones is not deleted.

    Measured on libvirt 9.0: it deletes none on an internal parent, and merging a file that an
    internal snapshot is kept in destroys that without a word.
    """
    family = state.snapshots.get(owner_of(snapshot.key), ())
    if any(one.name == snapshot.parent and not one.external for one in family):
        text = f"libvirt deletes no external snapshot made after the internal {snapshot.parent}"
        yield Refusal(RefusalCode.UNSUPPORTED, text, MERGE_BY_HAND)
    inside = [one.name for one in family if one.parent == snapshot.name and not one.external]
    if inside:
        text = f"The internal {listed(inside)} is kept in the file of {snapshot.name}, and lost"
        yield Refusal(RefusalCode.STATE, f"{text} where that is merged", "delete it first")


def _against_others(state: State, snapshot: Snapshot) -> Iterator[Refusal]:
    """Tell who else is based on a file that goes, or on the one below, which it is merged into."""
    instance = state.instances.get(owner_of(snapshot.key))
    for kept in snapshot.disks if instance is not None else ():
        assert instance is not None
        disk = named(instance, kept.target)
        changed = merged_with(state, instance, disk, kept.file) if disk and kept.file else []
        if disk is not None and changed:
            cure = "keep it, or have those need it no more: block-pull copies what they need"
            yield from against_users(state, instance, disk, changed, cure, "")


def _deletes(request: Request, subjects: Subjects) -> str:
    assert isinstance(request, SnapshotDelete)
    children = ", and what was made from it," if request.children else ""
    return f"Deletes {subjects.whom}{children}: there is no going back to it any more."


def _children(state: State, requests: Sequence[Request]) -> list[str]:
    found = []
    for request in requests:
        snapshot = subject_of(state, request.subject)
        if isinstance(request, SnapshotDelete) and isinstance(snapshot, Snapshot):
            names = [clean(one.name) for one in below(state, snapshot)]
            if request.children and names:
                found.append(f"Made from {clean(snapshot.name)}: {listed(names)}.")
            if snapshot.memory_file and _leaves_memory(state, request):
                found.append(
                    f"libvirt before 9.1 leaves the memory in {clean(snapshot.memory_file)}: "
                    "remove it there by hand."
                )
    return found


def _leaves_memory(state: State, request: Request) -> bool:
    host = state.hosts.get(request.subject.host)
    number = 0 if host is None or host.facts is None else host.facts.libvirt_number
    return 0 < number < MEMORY_DELETE


DELETE = Verb(
    SnapshotDelete,
    title="Delete",
    help="Delete the snapshot; the instance stays as it is.",
    doing="being deleted",
    group="snapshots",
    key="d",
    subject="snapshot",
    decide=sequence(_delete, lambda now: f"{now.name} is deleted"),
    steps=_delete,
    calls=(SnapshotDeleteCall,),
    looks_at=frozenset({"snapshots", "backup"}),
    during_backups=False,
    refusals=_against_delete,
    risk=Risk(Caution.TYPE, _deletes, after=_children),
)
