"""A volume that nobody needs is deleted: as an image cache is cleared."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

from core.model import Request, State, Volume
from core.verbs.caution import Caution
from core.verbs.refusal import Refusal
from core.verbs.sequence import Step, sequence
from core.verbs.situation import Situation
from core.verbs.verb import Risk, Subjects, Verb
from core.verbs.volume import VolumeDeleteCall
from core.verbs.volume_use import against_losing, sizes_in


class DeleteVolume(Request, frozen=True):
    """Delete a volume that nothing needs (virStorageVolDelete)."""

    verb: ClassVar[str] = "volume-delete"


def _steps(situation: Situation) -> list[Step]:
    volume = situation.subject
    if not isinstance(volume, Volume):
        made = [one.call for one in situation.sent if isinstance(one.call, VolumeDeleteCall)]
        return [Step(call, f"deleting {situation.name}", _gone) for call in made[:1]]
    call = VolumeDeleteCall(volume.pool_name, volume.name)
    return [Step(call, f"deleting {situation.name}", _gone)]


def _gone(now: Situation) -> bool:
    return now.subject is None


def _against(state: State, request: Request, _: str) -> Iterator[Refusal]:
    volume = state.volumes.get(request.subject)
    if volume is None:
        return
    yield from against_losing(state, volume, "what needs it goes first")


def _loses(request: Request, subjects: Subjects) -> str:
    del request
    what = "what is in them is" if subjects.many else "what is in it is"
    return f"Deletes {subjects.whom}: {what} lost."


def _sizes(state: State, requests: Sequence[Request]) -> list[str]:
    """Each with its size; nothing tells what is in a volume."""
    return sizes_in("Deleted", state, requests)


VOLUME_DELETE = Verb(
    DeleteVolume,
    title="Delete",
    help="Delete a volume that nothing needs: no disk, and no image that lies over it.",
    doing="being deleted",
    group="volume",
    key="d",
    subject="volume",
    decide=sequence(_steps, lambda now: f"{now.name} is deleted"),
    steps=_steps,
    calls=(VolumeDeleteCall,),
    refusals=_against,
    risk=Risk(Caution.TYPE, _loses, after=_sizes),
)
VERBS = (VOLUME_DELETE,)
