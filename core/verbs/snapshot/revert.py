"""An instance goes back to a snapshot."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from core.model import Request, Snapshot, State
from core.model.lists import listed
from core.state.subject import subject_of
from core.verbs.call import Call
from core.verbs.caution import Caution
from core.verbs.parameter import parameter
from core.verbs.refusal import Refusal, RefusalCode
from core.verbs.sequence import Step, sequence
from core.verbs.situation import Situation
from core.verbs.snapshot.family import EXTERNAL_REVERT, MERGE_BY_HAND, below, too_old
from core.verbs.verb import Risk, Subjects, Verb


class SnapshotRevert(Request, frozen=True):
    """Put an instance back to where it was at a snapshot (virDomainRevertToSnapshot)."""

    verb: ClassVar[str] = "snapshot-revert"
    then: Annotated[
        Literal["as-it-was", "running", "paused"],
        parameter("How the instance is afterwards; as it was when the snapshot was made."),
    ] = "as-it-was"


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
    return [Step(SnapshotRevertCall(request.then), text, shows)]


def _against_revert(state: State, request: Request, _: str) -> Iterator[Refusal]:
    snapshot = subject_of(state, request.subject)
    if not isinstance(snapshot, Snapshot):
        return
    if snapshot.external:
        yield from too_old(state, request, EXTERNAL_REVERT, "reverts to")
        return
    above = [one.name for one in below(state, snapshot) if one.external]
    if above:
        text = f"The external {listed(above)} lies over {snapshot.name} and would be cut off"
        yield Refusal(RefusalCode.STATE, text, MERGE_BY_HAND)


def _reverts(_: Request, subjects: Subjects) -> str:
    return (
        f"Puts the disks back as they were at {subjects.whom}: what was written since is lost, and "
        "so is what the guest is doing now."
    )


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
    calls=(SnapshotRevertCall,),
    single=True,
    looks_at=frozenset({"snapshots"}),
    refusals=_against_revert,
    risk=Risk(Caution.TYPE, _reverts),
)
