"""Cutting the power, and a process that not even that ends. Pure decisions.

A process that waits in the kernel for its storage (state D) cannot be killed. Measured with libvirt
9.0 and a disk whose file system is frozen: the call takes 80 s, says yes, and the instance is shut
off for libvirt, with the process still there and what it was writing not yet written. So what took
longer than a kill takes is not called done, and nothing is started after it.
"""

from __future__ import annotations

from core.model import InstanceState
from core.verbs.power.calls import STUCK, DestroyCall
from core.verbs.power.immediate import by_whom, judge
from core.verbs.situation import Action, End, Send, Situation, Wait, done, failed, unknown

KILL = 40.0
"""Seconds in which libvirt has sent SIGTERM, after 10 s SIGKILL, and seen the end of any process
that can be killed."""

CUT_DEADLINE = 120.0
"""Seconds for a power cut: twice that, and 2 s more for each device of the host."""

STUCK_PATIENCE = 60.0
"""Seconds for libvirt to give up on a process it could not kill."""


def cut(text: str) -> Send:
    """Cut the power; `text` is the line in the operation's log."""
    return Send(DestroyCall(), text, CUT_DEADLINE)


def stop(situation: Situation) -> Action:
    """Cut the power; done when it is off."""
    if not situation.sent:
        return cut(f"cutting the power of {situation.name}")
    return after_cut(situation)


def after_cut(situation: Situation) -> Action:
    """Decide once the power cut was sent: done when it is off."""
    if (held := held_by_kernel(situation)) is not None:
        return held
    missed = f"the power of {situation.name} was cut, and it is still on"
    return judge(situation, powered_off(situation), missed)


def powered_off(situation: Situation) -> End | None:
    """Return the end of an operation that wanted the instance off, once it is."""
    name, instance = situation.name, situation.instance
    if instance is None:
        return done(by_whom(situation, f"{name} is off and gone: it was transient"))
    if instance.state is InstanceState.SHUTOFF:
        return done(by_whom(situation, f"{name} is shut off"))
    if situation.restarted:
        return failed(
            f"{name} was off and is {instance.state.value} again: something has started it",
            "See what starts it: its guest, a cluster manager, another operator.",
        )
    return None


def held_by_kernel(situation: Situation) -> Action | None:
    """Decide about an instance whose process survived a power cut, the newest call; else None."""
    name, last, instance = situation.name, situation.last, situation.instance
    took = (last.ended or last.at) - last.at
    if not isinstance(last.call, DestroyCall) or not (last.error == STUCK or took >= KILL):
        return None
    host = situation.request.subject.host
    cure = (
        f"Mend the storage that it waits for. Start {name} nowhere before its process is gone: "
        f"`ps -eLo stat,pid,comm` on {host} shows it, with a D."
    )
    held = "its process is held by the kernel (state D, in I/O) and survives SIGKILL"
    if last.error != STUCK:
        held = f"its process was not seen to end for {took:.0f} s: the kernel may hold it (state D)"
    if instance is None or not instance.state.active:
        return unknown(
            f"{name} is off for libvirt, but {held}: what it was writing is written once its "
            "storage answers",
            cure,
        )
    until = (last.ended or last.at) + STUCK_PATIENCE
    if situation.now < until:
        return Wait(until, f"{held}; waiting for libvirt to see it end")
    return unknown(f"{name} is not off: {held}. It ends once its storage answers", cure)
