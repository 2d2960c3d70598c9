"""How a block job that did not do what it was for is told, and what is removed of it. Pure."""

from __future__ import annotations

from dataclasses import replace

from core.model import BlockJobState
from core.model.text import clean
from core.verbs.block.calls import (
    BlockAbortCall,
    BlockCopyCall,
    BlockPivotCall,
    CopyRemoveCall,
    PoolLookCall,
    RoomCall,
)
from core.verbs.block.following import Followed, chain_of, refused
from core.verbs.situation import Action, End, Situation, cancelled, failed, unknown


def failure(job: Followed, what: str, path: str, kept: str) -> Action:
    """Look whether there was room where it wrote, for nobody tells, then say that it failed.

    `path` is the file, empty where it is none of the host's; `kept` a sentence on what stays.
    """
    told = job.job.error if job.job is not None else ""
    left = job.job.left if job.job is not None else None
    looked = job.sent(RoomCall)
    if not told and path.startswith("/"):
        look = job.once(RoomCall(path, max(left or 0, 1)), "looking whether there is room for it")
        if look is not None:
            return look if job.now.link_up else job.wait()
        told = "" if looked is None else looked.error
    why = told.rstrip(".") or "libvirt tells no reason; there is room where it wrote"
    return failed(f"{what} failed: {why}", kept)


def unanswered(job: Followed, what: str) -> End:
    """Say that a job was asked for, and that nothing shows whether it ever began."""
    why = f": {job.begun.error}" if job.begun.error else ""
    return unknown(
        f"whether {what} began is not known{why}",
        job.begun.hint or f"See on {job.now.request.subject.host} what became of it.",
    )


def undone(job: Followed, what: str) -> End:
    """Judge a pull or a merge that has ended and did not do it all: its chain is as it was."""
    now, vanished = job.now, job.state is BlockJobState.VANISHED
    if vanished and not job.begun.accepted:
        return unanswered(job, what)
    if vanished and _untold(job):
        return unknown(
            f"whether {what} was done is not known{job.ended_with_it}",
            "Start it and look at the images of its disk: an instance that is off tells of none.",
        )
    if now.cancelled or job.sent(BlockAbortCall) is not None:
        return cancelled(f"{what} was ended: its chain is as it was")
    if vanished:
        gone = f"{what} is not there any more, and its chain is as it was"
        return failed(f"{gone}{job.ended_with_it}")
    return failed(f"{what} was ended by somebody else: its chain is as it was")


def _untold(job: Followed) -> bool:
    """Whether nothing tells how a job ended: no chain, and no definition that a pivot changes."""
    pivot = job.sent(BlockPivotCall)
    stays = job.kind == "active-commit" and (pivot is None or refused(pivot))
    return not stays and chain_of(job.now, job.disk) is None


def cleared(job: Followed, path: str, end: End) -> Action:
    """Remove what was written of a copy that is of no use, then end.

    A device was there before it: it stays, be it a volume that libvirt could delete.
    """
    begun = job.begun.call
    if isinstance(begun, BlockCopyCall) and begun.device:
        return replace(end, outcome=f"{end.outcome}; {clean(path)} has a part of it")
    if not job.now.link_up:
        return job.wait()
    host = _elsewhere(job, path)
    if host and job.sent(CopyRemoveCall) is None:
        text = f"{end.outcome}; {clean(path)} is not removed: {job.now.name} is on {clean(host)}"
        return replace(end, outcome=text, hint="See what it writes to there before you remove it.")
    removing = job.once(CopyRemoveCall(path), f"removing {clean(path)}, which is of no use")
    if removing is not None:
        return removing
    removed = job.sent(CopyRemoveCall)
    assert removed is not None
    if removed.error:
        kept = f"; {clean(path)} could not be removed: {removed.error.rstrip('.')}"
        hint = removed.hint or end.hint or "Remove it by hand."
        return End(end.status, f"{end.outcome}{kept}", hint)
    return End(end.status, f"{end.outcome}; what was written of {clean(path)} is removed", end.hint)


def _elsewhere(job: Followed, path: str) -> str:
    """Return the other host on which its instance may write to a file; empty: none.

    libvirt moves none that is mirrored: of one that has left it the mirror had ended, however.
    """
    left = job.now.instance is None
    for host, twin in job.now.around.twins.items():
        has = any(layer.path == path for disk in twin.disks for layer in disk.layers)
        if has or left or not twin.described:
            return host
    return ""


def shown(job: Followed, path: str, end: End) -> Action:
    """Have the pool look at a file that was made in it, then end."""
    pool = pool_of(job.now, path)
    if pool and job.now.link_up:
        look = job.once(PoolLookCall(pool), f"having the pool {clean(pool)} look at it")
        if look is not None:
            return look
    return end


def pool_of(now: Situation, path: str) -> str:
    """Return the name of the active pool in whose directory a file is; empty: no pool's."""
    host, folder = now.request.subject.host, path.rpartition("/")[0]
    return next(
        (
            pool.name
            for pool in now.around.pools.values()
            if pool.host == host and pool.active and pool.path.rstrip("/") == folder
        ),
        "",
    )
