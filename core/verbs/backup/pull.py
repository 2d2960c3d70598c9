"""A backup that this machine reads, from the look before it to what is said of it. Pure.

What qemu-img exits with is the result: libvirt calls a pull that is ended a success, whatever was
read of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from core.model.text import clean
from core.verbs.agent.freezing import GuardCall
from core.verbs.backup.calls import (
    BackupAbortCall,
    BackupConfirmCall,
    BackupSizes,
    BackupStatus,
    BackupStatusCall,
)
from core.verbs.backup.course import Course, with_more
from core.verbs.backup.made import made
from core.verbs.backup.planning import pull_planned
from core.verbs.backup.pull_calls import (
    PullBeginCall,
    PullDiscardCall,
    PullPlace,
    PullPlanCall,
    PullReadCall,
    PullStopCall,
)
from core.verbs.backup.still import guarded, let_go
from core.verbs.block.following import refused
from core.verbs.part import part_of
from core.verbs.sequence import LONG
from core.verbs.situation import Action, End, Send, Sent, Situation, Wait, cancelled, failed

if TYPE_CHECKING:
    from core.verbs.backup.pull_request import BackupPull


def pull(now: Situation, request: BackupPull) -> Action:
    """Decide about a backup that is read."""
    course = Course(now)
    looked = course.sent(PullPlanCall)
    if looked is None:
        plan = pull_planned(now, request)
        text = f"looking whether {now.name} can be backed up so"
        return plan if isinstance(plan, End) else Send(plan, text)
    if not looked.accepted:
        again = course.once(course.plan, "looking once more")
        return again or failed(looked.error, looked.hint)
    if now.calling:
        stop = course.once(PullStopCall(), f"ending it: {now.cancelled}") if now.cancelled else None
        return stop or Wait(now.now + LONG)
    if not now.link_up:
        return Wait(now.now + 2.0)
    begun = course.sent(PullBeginCall)
    if begun is None:
        return _begin(course, request, looked)
    if (thaw := let_go(course, begun)) is not None:
        return thaw
    if refused(begun):
        return given_up(course, failed(begun.error, begun.hint))
    if not begun.accepted and (action := _served(course)) is not None:
        return action
    if now.cancelled:
        return given_up(course, cancelled(f"the backup of {now.name} was ended"))
    return _read(course, request, begun)


def _begin(course: Course, request: BackupPull, looked: Sent) -> Action:
    """Have the disks served; nothing is begun that a console has left."""
    now, plan, place = course.now, course.plan, looked.answer
    assert isinstance(place, PullPlace)
    why = now.cancelled or ("its console ended first" if now.progress.adopted else "")
    if why:
        return cancelled(f"{now.name} was not backed up, and nothing was written: {why}")
    if request.quiesce:
        if (guard := guarded(course)) is not None:
            return guard
        set_ = course.sent(GuardCall)
        if set_ is not None and set_.error:
            return failed(set_.error, set_.hint)
    call = PullBeginCall(
        *(plan.name, place.disks, place.server, plan.without, plan.since, plan.checkpoint),
        quiesce=request.quiesce,
    )
    return Send(call, f"having QEMU serve the disks of {now.name} at {clean(place.server)}")


def _served(course: Course) -> Action | None:
    """Look whether a pull of which nobody heard is under way; None: it is."""
    begun = course.sent(PullBeginCall)
    assert begun is not None
    assert isinstance(begun.call, PullBeginCall)
    scratches = tuple(disk.scratch for disk in begun.call.disks)
    look = course.once(BackupStatusCall(course.plan.name, scratches), "asking whether it is served")
    if look is not None:
        return look
    told = course.sent(BackupStatusCall)
    if told is not None and isinstance(told.answer, BackupStatus) and told.answer.runs:
        return None
    why = f": {begun.error}" if begun.error else ""
    return given_up(course, failed(f"nobody saw how the backup of {course.now.name} began{why}"))


def _read(course: Course, request: BackupPull, begun: Sent) -> Action:
    """Read one disk after the other; then let QEMU serve them no more."""
    now, plan, call = course.now, course.plan, begun.call
    assert isinstance(call, PullBeginCall)
    for disk in plan.disks:
        wanted = PullReadCall(
            *(disk.target, disk.path, call.server, disk.parent, bool(plan.since)),
            compressed=request.compressed,
            part=part_of(now),
        )
        read = _newest_read(course, disk.path)
        lost = read is not None and read.ended is None
        if read is None or (lost and read.at < (now.progress.adopted or 0.0)):
            wanted = replace(wanted, again=lost)
            return Send(wanted, f"reading {disk.target} of {now.name} to {clean(disk.path)}")
        if read.error:
            # a file that is whole, and whose name another took meanwhile, is left
            return given_up(course, failed(read.error, read.hint), "what else")
    abort = course.once(BackupAbortCall(), "having QEMU serve them no more")
    return abort or _whole(course)


def _whole(course: Course) -> Action:
    """Mark the checkpoint as one with a backup, and end."""
    plan = course.plan
    answers = [one.answer for one in course.now.sent if isinstance(one.answer, BackupSizes)]
    end = made(course, {file.path: file.size for answer in answers for file in answer.files})
    if not plan.checkpoint:
        return end
    confirm = BackupConfirmCall(plan.name, course.pairs)
    text = f"having the checkpoint {clean(plan.name)} say where its backup is"
    if (send := course.once(confirm, text)) is not None:
        return send
    confirmed = course.sent(BackupConfirmCall)
    if confirmed is not None and confirmed.error:
        return with_more(end, f"its checkpoint does not say so: {confirmed.error.rstrip('.')}")
    return end


def given_up(course: Course, end: End, what: str = "what") -> Action:
    """End what is served, remove what was made, then end."""
    plan, begun = course.plan, course.sent(PullBeginCall)
    began = begun is not None and not refused(begun)
    if began and (abort := course.once(BackupAbortCall(), "ending it")) is not None:
        return abort
    checkpoint = plan.name if plan.checkpoint and began else ""
    call = PullDiscardCall(
        _own(course, heard=True), checkpoint, _own(course, heard=False), part_of(course.now)
    )
    discard = course.once(call, "removing what is of no use")
    if discard is not None:
        return discard
    sent = course.sent(PullDiscardCall)
    if sent is not None and sent.error:
        return with_more(end, sent.error.rstrip("."))
    return with_more(end, f"{what} was written of it is removed")


def _newest_read(course: Course, path: str) -> Sent | None:
    """Return the newest call that reads a disk to a file; None: none was sent."""
    for one in reversed(course.now.sent):
        if isinstance(one.call, PullReadCall) and one.call.path == path:
            return one
    return None


def _own(course: Course, *, heard: bool) -> tuple[str, ...]:
    """Return the files that this backup has made, or where nobody `heard`, may have made."""
    reads = ((path, _newest_read(course, path)) for path in course.paths)
    return tuple(path for path, read in reads if read and not refused(read)
                 and read.accepted is heard)  # fmt: skip
