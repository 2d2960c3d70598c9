"""An instance goes back to a snapshot."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from core.model import Request, Snapshot, State
from core.model.lists import listed
from core.state.subject import owner_of, subject_of
from core.verbs.call import Call
from core.verbs.caution import Caution
from core.verbs.definition import NAME_BYTES
from core.verbs.parameter import parameter
from core.verbs.refusal import Refusal, RefusalCode
from core.verbs.sequence import Step, sequence
from core.verbs.situation import Situation
from core.verbs.snapshot.create import SnapshotCreateCall
from core.verbs.snapshot.family import (
    EXTERNAL_REVERT,
    MERGE_BY_HAND,
    against_chain,
    below,
    too_old,
)
from core.verbs.snapshot.files import files_of_volumes, volume_paths
from core.verbs.snapshot.naming import NAME_PATTERN, NAME_SHAPE
from core.verbs.verb import Risk, Subjects, Verb


class SnapshotRevert(Request, frozen=True):
    """Put an instance back to where it was at a snapshot (virDomainRevertToSnapshot)."""

    verb: ClassVar[str] = "snapshot-revert"
    then: Annotated[
        Literal["as-it-was", "running", "paused"],
        parameter("How the instance is afterwards; as it was when the snapshot was made."),
    ] = "as-it-was"
    keep: Annotated[
        str,
        parameter(
            "Make a snapshot of this name first, of what is there now; empty: none is made.",
            pattern=f"|{NAME_PATTERN}",
            shape=NAME_SHAPE,
            longest=NAME_BYTES,
        ),
    ] = ""


class SnapshotRevertCall(Call, frozen=True):
    """virDomainRevertToSnapshot."""

    long: ClassVar[bool] = True
    then: Literal["as-it-was", "running", "paused"] = "as-it-was"

    def virsh(self, name: str) -> tuple[str, ...]:
        """`virsh snapshot-revert`."""
        instance, _, snapshot = name.partition("/")
        then = () if self.then == "as-it-was" else (f"--{self.then}",)
        return ("snapshot-revert", instance, snapshot, *then)


def _revert(situation: Situation) -> list[Step]:
    request = situation.request
    assert isinstance(request, SnapshotRevert)

    def shows(now: Situation) -> bool:
        heard = any(one.accepted for one in now.sent)
        return heard and isinstance(now.subject, Snapshot) and now.subject.current

    text = f"putting the instance back to {situation.name}"
    return [*_kept_first(situation), Step(SnapshotRevertCall(request.then), text, shows)]


def _kept_first(situation: Situation) -> list[Step]:
    """Return what keeps the present: of the kind of the snapshot, or libvirt reverts to neither."""
    request = situation.request
    assert isinstance(request, SnapshotRevert)
    if not request.keep:
        return []
    sent = next((one.call for one in situation.sent), None)
    call = sent if isinstance(sent, SnapshotCreateCall) else _keeping(situation, request.keep)

    def shows(now: Situation) -> bool:
        return any(one.name == request.keep for one in now.snapshots or ())

    return [Step(call, f"keeping the present as the snapshot {request.keep}", shows)]


def _keeping(situation: Situation, name: str) -> SnapshotCreateCall:
    snapshot, instance = situation.subject, situation.instance
    external = isinstance(snapshot, Snapshot) and snapshot.external
    files: tuple[tuple[str, str], ...] = ()
    if external and instance is not None:
        paths = volume_paths(situation.around.volumes.values(), instance.host)
        files = files_of_volumes(instance, name, paths)
    return SnapshotCreateCall(name, "external" if external else "internal", files=files)


def _against_revert(state: State, request: Request, _: str) -> Iterator[Refusal]:
    snapshot = subject_of(state, request.subject)
    if not isinstance(snapshot, Snapshot):
        return
    assert isinstance(request, SnapshotRevert)
    family = state.snapshots.get(owner_of(snapshot.key), ())
    if request.keep and any(one.name == request.keep for one in family):
        text = f"There is a snapshot called {request.keep}"
        yield Refusal(RefusalCode.PARAMETER, text, "choose another name")
    if snapshot.external:
        yield from too_old(state, request, EXTERNAL_REVERT, "reverts to")
        yield from against_chain(state, snapshot)
        return
    above = [one.name for one in below(state, snapshot) if one.external]
    if above:
        text = f"The external {listed(above)} lies over {snapshot.name} and would be cut off"
        yield Refusal(RefusalCode.STATE, text, MERGE_BY_HAND)


def _reverts(request: Request, subjects: Subjects) -> str:
    assert isinstance(request, SnapshotRevert)
    back = f"Puts the disks back as they were at {subjects.whom}: what was written since is"
    if request.keep:
        return f"{back} in {request.keep} only, and what the guest is doing now ends."
    return f"{back} lost, and so is what the guest is doing now."


REVERT = Verb(
    SnapshotRevert,
    title="Revert",
    help="Put the instance back to where it was at the snapshot.",
    doing="being reverted",
    group="snapshots",
    key="v",
    subject="snapshot",
    decide=sequence(_revert, lambda now: f"the instance is back at {now.name}", powers=True),
    steps=_revert,
    calls=(SnapshotRevertCall, SnapshotCreateCall),
    single=True,
    looks_at=frozenset({"snapshots", "backup"}),
    during_backups=False,
    during_move=False,
    refusals=_against_revert,
    risk=Risk(Caution.TYPE, _reverts),
)
