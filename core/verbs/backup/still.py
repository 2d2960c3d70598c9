"""A guest held still while a backup is begun, and thawed whatever becomes of this console. Pure."""

from __future__ import annotations

from core.verbs.agent.freezing import EndGuardCall, Guard, GuardCall, ThawCall
from core.verbs.backup.course import Course
from core.verbs.block.calls import ALREADY_FROZEN
from core.verbs.situation import Send, Sent

GUARD = 60
"""Seconds after which the guest thaws itself, where no console is left to do it."""


def guarded(course: Course) -> Send | None:
    """Have the guest thaw itself later; None: that was sent."""
    if course.sent(GuardCall) is not None:
        return None
    return Send(GuardCall(GUARD), f"having {course.now.name} thaw itself after {GUARD} s")


def let_go(course: Course, begun: Sent) -> Send | None:
    """Thaw a guest of which it was not heard that it is thawed, and end what would thaw it.

    `begun` is the call that froze it. None: nothing of it is left.
    """
    now, guard = course.now, course.sent(GuardCall)
    if guard is None or now.instance is None or not now.instance.state.active:
        return None
    if not begun.accepted and not begun.error.startswith(ALREADY_FROZEN):
        thaw = course.once(ThawCall(), f"thawing the guest of {now.name}")
        if thaw is not None:
            return thaw
    pid = guard.answer.pid if isinstance(guard.answer, Guard) else 0
    text = f"having {now.name} thaw itself no more"
    return course.once(EndGuardCall(pid), text) if pid else None
