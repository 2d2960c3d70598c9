"""After the end: the figures of a migration, and whether everything is as it should be. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from core.migration.judgement.post_copy import whole
from core.migration.judgement.seen import Side
from core.model import (
    AgentState,
    Before,
    Check,
    Instance,
    InstanceState,
    JobSample,
    Migration,
    MigrationResult,
)
from core.verbs.migration.requests import Migrate


def before(instance: Instance, there: Instance | None) -> Before:
    """Note what an instance is; `there` is the one of its UUID at the destination."""
    return Before(
        state=instance.state,
        persistent=instance.persistent,
        autostart=instance.autostart,
        agent=instance.agent is AgentState.CONNECTED,
        defined_there=there is not None and there.persistent and not there.state.active,
    )


def result(
    migration: Migration,
    samples: Sequence[JobSample],
    final: JobSample | None,
    *,
    stood_still: float | None,
    resumed: float | None,
) -> MigrationResult:
    """Return the figures. `final` is the completed job's record, where it was seen.

    `stood_still` and `resumed` are when the events told of the guest's stop at the source and of
    its going on at the destination, seconds since the epoch. libvirt's own downtime says nothing
    in post-copy (libvirt.md 6.5), so there is only the one between the events.
    """
    last = final or (samples[-1] if samples else None)
    ended = migration.ended
    total = None if last is None else last.elapsed
    if total is None and ended is not None and migration.started is not None:
        total = ended - migration.started
    post_copy = None
    if migration.switched is not None and ended is not None:
        over = ended if final is None else min(ended, final.at)  # the hand-over is no part of it
        post_copy = max(0.0, over - migration.switched)
    moved = _transferred(last)
    rate = moved / total if moved is not None and total else None
    return MigrationResult(
        total=total,
        total_net=None if final is None else final.elapsed_net,
        downtime=final.downtime if final is not None and post_copy is None else None,
        downtime_net=final.downtime_net if final is not None and post_copy is None else None,
        downtime_seen=_between(stood_still, resumed),
        post_copy=post_copy,
        setup=None if last is None else last.setup,
        transferred=moved,
        normal_bytes=None if last is None else last.normal_bytes,
        device_bytes=None if last is None else last.device_processed,
        throughput=rate,
        iterations=_most([sample.iteration for sample in (*samples, final) if sample is not None]),
        throttle=_most([sample.throttle for sample in samples]),
    )


def _between(stood_still: float | None, resumed: float | None) -> float | None:
    """Return the milliseconds between the events."""
    if stood_still is None or resumed is None or resumed < stood_still:
        return None
    return 1000.0 * (resumed - stood_still)


def _transferred(last: JobSample | None) -> int | None:
    if last is None or last.memory_processed is None:
        return None
    return last.memory_processed + (last.disk_processed or 0)


def _most(values: Sequence[int | None]) -> int | None:
    return max((value for value in values if value is not None), default=None)


def checks(
    migration: Migration,
    was: Before | None,
    source: Instance | None,
    destination: Instance | None,
    *,
    keeps_definition: bool,
    persists: bool,
    source_seen: bool,
) -> tuple[Check, ...]:
    """Verify a completed migration from fresh readings of both hosts.

    `keeps_definition`: the source was asked to keep it; `persists`: the destination to define it;
    `source_seen`: the source told.
    """
    name, to, host = migration.name, migration.to, migration.host
    left = _left(name, host, source, keeps_definition)
    if not source_seen:
        left = Check("gone", None, f"Whether {host} let it go could not be seen.")
    found = [_runs(name, to, destination, was), left]
    if destination is None:
        return tuple(found)
    found.append(Check("uuid", destination.uuid == migration.uuid, "It has the same UUID."))
    if was is None:
        return tuple(found)
    if persists:
        kept = destination.persistent
        found.append(
            Check("persistent", kept, f"It is {'' if kept else 'not '}defined on {to} for good.")
        )
    if was.autostart and persists:
        on = destination.autostart
        found.append(
            Check("autostart", on, f"It {'starts' if on else 'does not start'} with {to}.")
        )
    return tuple(found)


def arrived(name: str, to: str, there: Instance | None) -> str:
    """Return how it is at its destination, and as what where it has another name there."""
    renamed = _renamed(name, there)
    if there is None or there.state is InstanceState.RUNNING:
        return f"{name} runs on {to}{renamed}"
    return f"{name} is on {to}{renamed}, {there.state}"


def _renamed(name: str, there: Instance | None) -> str:
    """Return ` as NAME` where it was renamed on its way (virsh migrate --dname); else nothing."""
    return "" if there is None or there.name in ("", name) else f" as {there.name}"


def _runs(name: str, to: str, there: Instance | None, was: Before | None) -> Check:
    if there is None:
        return Check("there", False, f"{name} is not on {to}.")
    wanted = InstanceState.RUNNING if was is None else was.state
    passed = there.state is wanted or there.state is InstanceState.RUNNING
    return Check("there", passed, f"{name} is {there.state} on {to}{_renamed(name, there)}.")


def hint_of(there: Instance | None) -> str:
    """Return what to do about an instance that arrived but has crashed; else nothing."""
    if there is None or there.state is not InstanceState.CRASHED:
        return ""
    why = ""
    if there.type == "qemu":
        why = " Emulated (TCG), it may have lost a page that was written while it was copied."
    return f"Its kernel says why on its console; then reset it, or stop and start it.{why}"


def _left(name: str, host: str, here: Instance | None, keeps: bool) -> Check:
    if here is None:
        return Check("gone", True, f"{name} is gone from {host}.")
    if here.state.active:
        return Check("gone", False, f"{name} is still {here.state} on {host}.")
    return Check("gone", keeps, f"{name} is off, and still defined, on {host}.")


def may_undefine(request: Migrate, here: Side, there: Side) -> bool:
    """Whether what is left of a definition at the source is to be removed in libvirt's place.

    libvirt forgets that it was asked to when it lost a migration that went on (a post-copy whose
    hosts lost each other). Only where it was asked for, the source says that everything was sent,
    and the destination has the whole of it, defined for good.
    """
    left, arrived = here.instance, there.instance
    if not request.undefine or left is None or arrived is None:
        return False
    sent = here.gone and left.persistent and left.reason == "migrated"
    return sent and whole(there) and arrived.persistent


def agent_check(answers: bool | None) -> Check:
    """Verify that the guest agent answers where it did before; None: it could not be asked."""
    if answers is None:
        return Check("agent", None, "Whether its guest agent answers could not be seen.")
    return Check(
        "agent", answers, f"Its guest agent {'answers' if answers else 'does not answer'}."
    )


def left_clean(migration: Migration, there: Side, *, waited: bool) -> Check:
    """Verify that a migration that ended before the switch left nothing at the destination.

    libvirt cleans up there by itself, seconds later if it must: before it `waited` what is there
    says nothing.
    """
    name, to = migration.name, migration.to or "the destination"
    if not there.up:
        return Check("clean", None, f"What is left on {to} could not be seen.")
    if there.instance is None:
        return Check("clean", True, f"Nothing of {name} is left on {to}.")
    was = migration.was
    if was is not None and was.defined_there and there.gone:
        return Check("clean", True, f"{to} has the definition of {name} that it had before, off.")
    state = there.instance.state
    if not waited:
        return Check("clean", None, f"{name} is still {state} on {to}: it is looked at again.")
    return Check("clean", False, f"{name} is {state} on {to}: look at it.")
