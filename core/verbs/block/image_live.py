"""The image of an instance whose QEMU runs: mirrored, ended at a still moment, compressed. Pure.

A guest that is frozen for that is thawed whatever comes: by the call that freezes it, and by who
takes over from a console that ended in the middle of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.model.text import clean
from core.verbs.agent.freezing import ThawCall
from core.verbs.block.calls import (
    ALREADY_FROZEN,
    BlockCopyCall,
    CopyFinishCall,
    CopyRemoveCall,
)
from core.verbs.block.family import in_bytes
from core.verbs.block.following import Followed, refused
from core.verbs.block.image_calls import CompressCall, CompressCheckCall
from core.verbs.block.mirror import Mirror, judged, newest
from core.verbs.block.outcome import cleared, shown
from core.verbs.block.slowed import released
from core.verbs.part import part_of
from core.verbs.sequence import LONG
from core.verbs.situation import Action, End, Send, Situation, Wait, done, failed

if TYPE_CHECKING:
    from core.verbs.block.image import ImageMake

PART = ".part"
"""The end of the name of what is compressed once it is whole."""


def live(now: Situation, request: ImageMake, disk: str, path: str) -> Action:
    """Decide about an image of an instance that runs, or ran when its mirror was begun."""
    if all(not isinstance(one.call, BlockCopyCall) for one in now.sent):
        return _begin(now, request, disk, path)
    job = newest(now)
    call = job.begun.call
    assert isinstance(call, BlockCopyCall)
    if refused(job.begun):
        return released(now, failed(job.begun.error, job.begun.hint))
    if (thaw := _thaw(job)) is not None:
        return thaw
    if now.calling:
        return Wait(now.now + LONG)
    whole = call.to.removesuffix(PART) if request.compressed else call.to
    mirror = Mirror(
        *(job, call, f"the image of {job.disk} of {now.name}"),
        ready=lambda: _finish(job, request),
        whole=lambda how: _whole(job, call, whole, how),
        pivoted=lambda: failed(
            f"{now.name} was made to go on on {clean(call.to)} by somebody else",
            "It is its disk now: make another image.",
        ),
    )
    return _told(job, released(now, judged(mirror) or job.wait()))


def _begin(now: Situation, request: ImageMake, disk: str, path: str) -> Action:
    if now.sent and refused(now.last):
        return failed(now.last.error, now.last.hint)
    if request.compressed and not now.sent:
        return Send(CompressCheckCall(path), f"looking whether {clean(path)} can be written here")
    call = BlockCopyCall(
        *(disk, path + PART if request.compressed else path, request.format),
        *(False, request.synchronous, in_bytes(request.speed)),
    )
    return Send(call, f"copying {disk} of {now.name} to {clean(call.to)}")


def _finish(job: Followed, request: ImageMake) -> Action | None:
    """End a mirror that is equal: at a moment in which the guest is still, where that is wanted."""
    finish = job.sent(CopyFinishCall)
    if finish is not None and refused(finish):
        return job.abort(finish.error)
    how = "with the guest frozen" if request.quiesce else "as it is now"
    return job.once(CopyFinishCall(job.disk, request.quiesce), f"ending the copy, {how}")


def _thaw(job: Followed) -> Send | None:
    """Thaw a guest of which it was not heard that it is thawed; None: there is none."""
    finish = job.sent(CopyFinishCall)
    if finish is None or finish.accepted or not job.now.link_up or job.ended_with_it:
        return None
    assert isinstance(finish.call, CopyFinishCall)
    if not finish.call.quiesce or finish.error.startswith(ALREADY_FROZEN):
        return None
    return job.once(ThawCall(), f"thawing the guest of {job.now.name}")


def _told(job: Followed, action: Action) -> Action:
    """Say with the end that a guest may be frozen still, where it could not be thawed."""
    thaw = job.sent(ThawCall)
    if not isinstance(action, End) or thaw is None or thaw.accepted:
        return action
    text = f"{action.outcome}; the guest of {job.now.name} may be frozen still: {thaw.error}"
    return End(action.status, text.rstrip("."), "Thaw it: `virsh domfsthaw`.")


def _whole(job: Followed, call: BlockCopyCall, path: str, how: str) -> Action:
    """Compress what is whole where that is wanted, then end."""
    end = done(f"{clean(path)} is {job.disk} of {job.now.name} as it was then{how}")
    if path == call.to:
        return shown(job, path, end)
    compress = job.once(
        CompressCall(call.to, call.format, path, part_of(job.now)),
        f"compressing it to {clean(path)}",
    )
    if compress is not None:
        return compress
    made = job.sent(CompressCall)
    assert made is not None
    if made.error:
        return cleared(job, call.to, failed(made.error.rstrip("."), made.hint))
    remove = job.once(CopyRemoveCall(call.to), f"removing {clean(call.to)}")
    return remove if remove is not None else shown(job, path, end)
