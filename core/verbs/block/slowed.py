"""A guest that was slowed down for a copy has its speed back at the end, or that is told. Pure."""

from __future__ import annotations

from dataclasses import replace

from core.model.sizes import size
from core.model.text import clean
from core.verbs.block.calls import ReleaseCall, SlowDownCall
from core.verbs.block.following import Followed, disk_of, refused
from core.verbs.block.mirror import newest
from core.verbs.situation import Action, End, Send, Sent, Situation, Wait

TRIES = 4
"""How often its speed is given back, where that fails: libvirt's lock may be held for long."""
PAUSE = 5.0
"""Seconds before the second try; before each later one as many more."""


def released(now: Situation, action: Action) -> Action:
    """Give a guest its speed back before the end, where it was slowed down."""
    job = newest(now)
    slowed = [one for one in now.sent if isinstance(one.call, SlowDownCall) and not refused(one)]
    if not isinstance(action, End) or not slowed or now.restarted:
        return action
    if now.instance is None:
        hosts = [host for host, twin in now.around.twins.items() if twin.state.active]
        return _told(job, action, slowed[-1], f"it went to {clean(hosts[0])}") if hosts else action
    if not now.instance.state.active or disk_of(now, job.disk) is None:
        return action  # the limit is gone with its QEMU, or with the disk
    return _release(job) or _ended(job, action, slowed[-1])


def _release(job: Followed) -> Action | None:
    """Send it, and again where it failed or nobody heard of it; None: it is over."""
    now, call = job.now, ReleaseCall(job.disk)
    tries = [one for one in now.sent if one.call == call]
    last = tries[-1] if tries else None
    if last is not None and (last.accepted or (last.error and len(tries) >= TRIES)):
        return None
    if not now.link_up:
        return job.wait()
    text = f"letting {now.name} write as fast as it can again"
    if last is None:
        return Send(call, text)
    if last.ended is None:  # its answer still comes, unless its console has ended
        lost = last.at < (now.progress.adopted or 0.0)
        return Send(call, f"{text}, once more") if lost else job.wait()
    if now.now < (until := last.ended + PAUSE * len(tries)):
        return Wait(until)
    return Send(call, f"{text}, once more")


def _ended(job: Followed, end: End, slowed: Sent) -> End:
    last = next(one for one in reversed(job.now.sent) if isinstance(one.call, ReleaseCall))
    return end if last.accepted else _told(job, end, slowed, last.error)


def _told(job: Followed, end: End, slowed: Sent, why: str) -> End:
    """Say with the end that the guest may be as slow still."""
    assert isinstance(slowed.call, SlowDownCall)
    limit = f"{job.disk} may still be written to at {size(slowed.call.write)}/s at most"
    hint = f"Take the limit of {job.disk} away by set-disk-limits. {end.hint}".rstrip()
    return replace(end, outcome=f"{end.outcome}; {limit}: {why.rstrip('.')}", hint=hint)
