"""A backup that QEMU writes, from the look before it to what is said of it. Pure.

Nothing half done stays: files and checkpoint of a backup that was not seen to be whole are removed,
by this console or the next.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.model.lists import plural
from core.model.text import clean
from core.verbs.agent.freezing import GuardCall
from core.verbs.backup.calls import (
    BackupAbortCall,
    BackupBeginCall,
    BackupConfirmCall,
    BackupDiscardCall,
    BackupFigures,
    BackupFilesCall,
    BackupPlanCall,
    BackupSizes,
    BackupVerifyCall,
)
from core.verbs.backup.course import Course, Ended, with_more
from core.verbs.backup.made import made
from core.verbs.backup.planning import planned
from core.verbs.backup.still import guarded, let_go
from core.verbs.block.family import in_bytes
from core.verbs.block.following import refused
from core.verbs.situation import Action, End, Send, Sent, Situation, Wait, cancelled, failed

if TYPE_CHECKING:
    from core.verbs.backup.request import Backup


def push(now: Situation, request: Backup) -> Action:
    """Decide about a backup."""
    course = Course(now)
    looked = course.sent(BackupPlanCall)
    if looked is None:
        plan = planned(now, request)
        text = f"looking whether {now.name} can be backed up so"
        return plan if isinstance(plan, End) else Send(plan, text)
    if not looked.accepted:
        again = course.once(course.plan, "looking once more")
        return again or failed(looked.error, looked.hint)
    if not now.link_up:
        return Wait(now.now + 2.0)
    begun = course.sent(BackupBeginCall)
    if begun is None:
        return _begin(course, request, looked)
    if (action := let_go(course, begun)) is not None:
        return action
    if refused(begun):
        return given_up(course, failed(begun.error, begun.hint))
    return _judged(course, begun)


def _begin(course: Course, request: Backup, looked: Sent) -> Action:
    """Make the files, then have QEMU begin; nothing is begun that a console has left."""
    now, plan, files = course.now, course.plan, course.sent(BackupFilesCall)
    why = now.cancelled or ("its console ended first" if now.progress.adopted else "")
    if files is None:
        if why:
            return cancelled(f"{now.name} was not backed up, and nothing was written: {why}")
        text = f"making {plural(len(plan.disks), 'file')} in {clean(plan.folder)}"
        return Send(BackupFilesCall(expected(course, looked), plan.format), text)
    if refused(files):
        return failed(files.error, files.hint)
    if not files.accepted or why:
        end = cancelled if now.cancelled else failed
        return given_up(course, end(f"{now.name} was not backed up: {why or files.error}"))
    if request.quiesce:
        if (guard := guarded(course)) is not None:
            return guard
        set_ = course.sent(GuardCall)
        if set_ is not None and set_.error:
            return given_up(course, failed(set_.error, set_.hint))
    since = f" since {clean(plan.since)}" if plan.since else ""
    call = BackupBeginCall(
        *(plan.name, course.pairs, plan.without, plan.since, plan.format, plan.checkpoint),
        *(request.quiesce, in_bytes(request.speed)),
    )
    return Send(call, f"writing what {now.name} has{since}")


def expected(course: Course, looked: Sent) -> tuple[tuple[str, int, str], ...]:
    """Return path, capacity and parent of each file."""
    answer = looked.answer
    assert isinstance(answer, BackupFigures)
    capacities = {disk.target: disk.capacity for disk in answer.disks}
    return tuple(
        (disk.path, capacities.get(disk.target, 0), disk.parent) for disk in course.plan.disks
    )


def _judged(course: Course, begun: Sent) -> Action:
    now, ended = course.now, course.ended(begun)
    if ended.result == "running":
        if now.cancelled:
            abort = course.once(BackupAbortCall(), f"ending it: {now.cancelled}")
            if abort is not None:
                return abort
        return course.follow(begun)
    if ended.result == "completed":
        return _whole(course)
    return given_up(course, _not_made(course, ended))


def _not_made(course: Course, ended: Ended) -> End:
    now, why = course.now, ended.error.rstrip(".")
    if course.sent(BackupAbortCall) is not None:
        return cancelled(f"the backup of {now.name} was ended")
    off = now.instance is None or not now.instance.state.active
    if ended.result == "lost":
        return failed(f"nobody saw how the backup of {now.name} ended")
    if off:
        return failed(f"the backup of {now.name} failed: it was turned off meanwhile")
    return failed(
        f"the backup of {now.name} failed: {why or 'it was ended by somebody else'}",
        "Free space there, or take another folder." if "space" in why else "",
    )


def _whole(course: Course) -> Action:
    """Look at the files, mark the checkpoint as one with a backup, and end."""
    plan, looked = course.plan, course.sent(BackupPlanCall)
    assert looked is not None
    verify = BackupVerifyCall(expected(course, looked), plan.format)
    if (send := course.once(verify, "looking at what was written")) is not None:
        return send
    verified = course.sent(BackupVerifyCall)
    assert verified is not None
    if verified.error:
        return given_up(course, failed(verified.error, verified.hint))
    sizes = verified.answer.files if isinstance(verified.answer, BackupSizes) else ()
    end = made(course, {file.path: file.size for file in sizes})
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


def given_up(course: Course, end: End) -> Action:
    """Remove what was made, then end."""
    plan, begun = course.plan, course.sent(BackupBeginCall)
    checkpoint = plan.name if plan.checkpoint and begun is not None and not refused(begun) else ""
    discard = course.once(BackupDiscardCall(course.paths, checkpoint), "removing what is of no use")
    if discard is not None:
        return discard
    sent = course.sent(BackupDiscardCall)
    if sent is not None and sent.error:
        return with_more(end, sent.error.rstrip("."))
    return with_more(end, "what was written of it is removed")
