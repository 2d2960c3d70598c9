"""What lies in the images below is pulled into the one in use: it then needs them no more."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar

from core.model import BlockJobState, Disk, Request, State
from core.model.text import clean
from core.verbs.block.calls import BlockAbortCall, BlockPullCall, RoomCall
from core.verbs.block.family import (
    Speed,
    TheDisk,
    against_start,
    image_parameter,
    in_bytes,
    named,
)
from core.verbs.block.following import Followed, chain_of, disk_of, refused
from core.verbs.block.outcome import failure, undone
from core.verbs.refusal import Refusal, RefusalCode
from core.verbs.situation import Action, Send, Situation, done, failed
from core.verbs.states import TO_BE_ON
from core.verbs.verb import Verb


class BlockPull(Request, frozen=True):
    """Pull what lies in the images below into the one in use (virDomainBlockRebase)."""

    verb: ClassVar[str] = "block-pull"
    disk: TheDisk
    base: Annotated[
        str | None,
        image_parameter("The image that stays below; unless given none does."),
    ] = None
    speed: Speed = 0.0


def _pull(now: Situation) -> Action:
    request = now.request
    assert isinstance(request, BlockPull)
    if not now.sent:
        down = f" down to {clean(request.base)}" if request.base else ""
        call = BlockPullCall(request.disk, request.base or "", in_bytes(request.speed))
        return Send(call, f"pulling what lies below {request.disk} of {now.name} into it{down}")
    begun = now.sent[0]
    if refused(begun):
        return failed(begun.error, begun.hint)
    job = Followed(now, begun, request.disk, "pull", lambda seen: _pulled(seen, request))
    return _judged(job, request) or job.wait()


def _judged(job: Followed, request: BlockPull) -> Action | None:
    now, what = job.now, f"the pull of {request.disk} of {job.now.name}"
    match job.state:
        case BlockJobState.COMPLETED:
            return done(_outcome(now, request))
        case BlockJobState.CANCELED | BlockJobState.VANISHED:
            return undone(job, what)
        case BlockJobState.FAILED:
            disk = disk_of(now, request.disk)
            path = "" if disk is None or disk.source is None else disk.source.path
            return failure(job, what, path, "Its images are as they were.")
        case BlockJobState.RUNNING if now.cancelled:
            return job.abort(now.cancelled)
    return None


def _pulled(now: Situation, request: BlockPull) -> bool:
    disk = chain_of(now, request.disk)
    return disk is not None and _stands_on(disk, request.base or "")


def _stands_on(disk: Disk, base: str) -> bool:
    """Whether nothing lies between the image in use and one below, or below it at all."""
    below = disk.backing[0].path if disk.backing else ""
    return disk.source is not None and below == base


def _outcome(now: Situation, request: BlockPull) -> str:
    needs = f"stands on {clean(request.base)}" if request.base else "needs no other image"
    return f"{request.disk} of {now.name} {needs}"


def _against(state: State, request: Request, _: str) -> Iterator[Refusal]:
    assert isinstance(request, BlockPull)
    instance = state.instances.get(request.subject)
    if instance is None:
        return
    yield from against_start(state, request, instance, request.disk)
    disk = named(instance, request.disk)
    if disk is None or not instance.state.active:
        return  # of one that is off no chain is told
    below = [one.path for one in disk.backing]
    if not below:
        text = f"{disk.target} of {instance.name} is based on nothing"
        yield Refusal(RefusalCode.STATE, text, "there is nothing to pull", "disk")
    elif request.base and request.base not in below[1:]:
        text = f"{clean(request.base)} is no image with others between it and {disk.target}"
        others = ", ".join(map(clean, below[1:]))
        cure = f"choose {others}, or leave it out" if others else "leave it out"
        yield Refusal(RefusalCode.PARAMETER, text, cure, "base")


PULL = Verb(
    BlockPull,
    title="Pull from below",
    help="Copy what lies in the images below into the one in use, which then needs them no more.",
    doing="pulling a disk together",
    group="disks",
    decide=_pull,
    calls=(BlockPullCall, BlockAbortCall, RoomCall),
    waits=True,
    single=True,
    needs_description=True,
    looks_at=frozenset({"block-jobs"}),
    during_backups=False,
    states=TO_BE_ON,
    refusals=_against,
    cancelled="It is ended, and its images are as they were.",
)
