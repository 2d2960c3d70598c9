"""What a migration has come to, decided from what is true on both hosts. Pure.

The result of the call is not trusted: after an error the pair (source, destination) may be
(running, none): it failed and nothing is lost; (running or paused, paused): it goes on;
(paused, running): the source is being cleaned up; (none, running): it is done (nova-map 2.5).
"""

from __future__ import annotations

from core.migration.judgement import abort, post_copy
from core.migration.judgement.post_copy import PostCopyNames
from core.migration.judgement.seen import Judgement, Seen
from core.model import InstanceState, MigrationStatus

SETTLE = 10.0
"""Seconds after the end of the call in which libvirt may still be resuming the source, or the
destination still be defining the instance."""

UNSEEN = 60.0
"""Seconds a host that went out of reach at the very end is waited for before it is said so."""


def judge(seen: Seen, name: str, host: str, to: str) -> Judgement:
    """Decide from one look. `name` moves from `host` to `to` (empty: not known where)."""
    after_switch = not seen.offline and post_copy.concerns(seen)
    if not seen.source.up:
        if after_switch:
            return post_copy.unseen(seen, PostCopyNames(name, host, to))
        return _source_unseen(seen, name, host, to)
    if seen.offline:
        return _offline(seen, name, host, to)
    if seen.recovering and seen.calling:
        return Judgement(MigrationStatus.POST_COPY)
    if after_switch:
        return post_copy.judge(seen, PostCopyNames(name, host, to))
    over = not seen.calling and seen.returned is not None and seen.certain
    if not over:
        return _under_way(seen, name, host)
    return _over(seen, name, host, to)


def _offline(seen: Seen, name: str, host: str, to: str) -> Judgement:
    """Only the definition moves: it is there, or it is not."""
    if seen.calling:
        return Judgement(MigrationStatus.PREPARING)
    if seen.destination.instance is not None and not seen.error:
        return Judgement(MigrationStatus.VERIFYING)
    if not seen.destination.up:
        why = f"{to} is out of reach: whether {name} is defined there is not known"
        return Judgement(MigrationStatus.UNKNOWN, why, f"It is known as soon as {to} is back.")
    why = seen.error.rstrip(".") or "libvirt gave no reason"
    return Judgement(MigrationStatus.FAILED, f"{name} stays on {host}: {why}", seen.hint)


def _source_unseen(seen: Seen, name: str, host: str, to: str) -> Judgement:
    """The source is out of reach: only a destination that holds the instance proves anything."""
    if seen.destination.holds:
        return Judgement(MigrationStatus.VERIFYING)
    return Judgement(
        MigrationStatus.UNKNOWN,
        f"{host} is out of reach: whether {name} is still on its way to {to or '?'} is not known",
        f"It is known as soon as {host} is back.",
    )


def _under_way(seen: Seen, name: str, host: str) -> Judgement:
    source, job = seen.source, seen.job
    if source.gone:
        arrived = seen.destination.holds
        return Judgement(MigrationStatus.VERIFYING if arrived else MigrationStatus.COMPLETING)
    ended = job is not None and job.type in ("none", "completed", "failed", "cancelled")
    if seen.aborted and ended and source.state is not None:
        return Judgement(MigrationStatus.ABORTED, _stays(seen, name, host))
    if source.reason == "migrating" or (seen.stopped and source.state is InstanceState.PAUSED):
        return Judgement(MigrationStatus.COMPLETING)
    begun = job is not None and not ended and bool(job.memory_total or job.disk_total)
    if begun or seen.status is MigrationStatus.RUNNING:
        return Judgement(MigrationStatus.RUNNING)
    return Judgement(MigrationStatus.PREPARING)


def _over(seen: Seen, name: str, host: str, to: str) -> Judgement:
    source, destination = seen.source, seen.destination
    waited = seen.now - (seen.returned or seen.now)
    if source.gone:
        if destination.holds:
            return Judgement(MigrationStatus.VERIFYING)
        if destination.incoming:
            return Judgement(MigrationStatus.COMPLETING)  # however long: it may still begin to run
        if waited < (SETTLE if destination.up else UNSEEN):
            return Judgement(MigrationStatus.COMPLETING)
        return _vanished(seen, name, host, to)
    if source.state is InstanceState.PAUSED and source.reason == "migrating":
        if waited < SETTLE:
            return Judgement(MigrationStatus.COMPLETING)
        return _stuck(seen, name, host, to)
    if destination.holds and not seen.error:
        # the destination has it, and the source has not said yet that it let it go
        if waited < SETTLE:
            return Judgement(MigrationStatus.COMPLETING)
        return _stuck(seen, name, host, to)
    stays = _stays(seen, name, host)
    if abort.was_aborted(seen):
        return Judgement(MigrationStatus.ABORTED, f"{stays}{abort.reason(seen)}")
    why = seen.error.rstrip(".") or "its migration was aborted or failed, nobody saw which"
    return Judgement(MigrationStatus.FAILED, f"{stays}: {why}", abort.doubt(seen) or seen.hint)


def _stays(seen: Seen, name: str, host: str) -> str:
    state = seen.source.state
    verb = "still runs" if state is InstanceState.RUNNING else f"stays {state}"
    return f"{name} {verb} on {host}"


def _vanished(seen: Seen, name: str, host: str, to: str) -> Judgement:
    if not to:
        return Judgement(
            MigrationStatus.COMPLETED,
            f"{name} left {host} for a host that is not open here",
            "Open its destination to see it there.",
        )
    if not seen.destination.up:
        return Judgement(
            MigrationStatus.UNKNOWN,
            f"{name} left {host}, and {to} is out of reach: whether it arrived is not known",
            f"It is known as soon as {to} is back.",
        )
    why = f" ({seen.error.rstrip('.')})" if seen.error else ""
    return Judgement(
        MigrationStatus.FAILED,
        f"{name} runs neither on {host} nor on {to}{why}",
        f"See the events of both hosts and the log of {name} there; start it where it is defined.",
    )


def _stuck(seen: Seen, name: str, host: str, to: str) -> Judgement:
    there = "is there too" if seen.destination.holds else "is not there"
    why = f" ({seen.error.rstrip('.')})" if seen.error else ""
    return Judgement(
        MigrationStatus.UNKNOWN,
        f"{name} is left {seen.source.state} ({seen.source.reason or 'no reason'}) on {host}, and "
        f"on {to or 'the destination'} it {there}{why}",
        f"Look at both before you touch either: if {name} runs on {to or 'the destination'}, "
        f"never resume it on {host}.",
        followed=True,
    )
