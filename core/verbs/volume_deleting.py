"""A volume that nobody needs is deleted: as an image cache is cleared."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

from core.model import Request, State, Volume
from core.model.lists import listed
from core.model.sizes import size
from core.model.text import clean
from core.state.images import image_of, users_in_words
from core.verbs.caution import Caution
from core.verbs.refusal import Refusal, RefusalCode
from core.verbs.sequence import Step, sequence
from core.verbs.situation import Situation
from core.verbs.verb import Risk, Subjects, Verb
from core.verbs.volume import VolumeDeleteCall


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
    image, name = image_of(state, volume), clean(volume.name)
    if image.used:
        text = f"{name} is needed: by {listed(users_in_words(image))}"
        yield Refusal(RefusalCode.STATE, text, "what needs it goes first")
    elif image.unknown:
        text = f"Whether {name} is needed is not known: {listed(image.unknown, 2)}"
        yield Refusal(RefusalCode.STATE, text, "see to that, or read everything again")


def _loses(request: Request, subjects: Subjects) -> str:
    del request
    what = "what is in them is" if subjects.many else "what is in it is"
    return f"Deletes {subjects.whom}: {what} lost."


def _sizes(state: State, requests: Sequence[Request]) -> list[str]:
    """Each with its size; nothing tells what is in a volume."""
    told = [
        f"{clean(volume.pool_name)}/{clean(volume.name)} ({size(volume.allocation)} on disk)"
        for request in requests
        if (volume := state.volumes.get(request.subject)) is not None
        and volume.allocation is not None
    ]
    return [f"Deleted: {listed(told)}."] if told else []


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
