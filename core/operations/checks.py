"""Whether a request makes sense now: every reason against it, and what to do instead. Pure."""

from __future__ import annotations

import math

from core.errors import NotFoundError, RefusedError, VirtdeckError
from core.model import (
    Drain,
    Host,
    Instance,
    InstanceState,
    LinkStatus,
    Migrate,
    OperationRecord,
    Pause,
    Reboot,
    Request,
    Reset,
    Resume,
    ResumeMigration,
    Shutdown,
    Start,
    State,
    Stop,
)
from core.model.driver import driver_of_type
from core.operations import migration_checks, second_copy
from core.operations.registry import verb_of

READ_ONLY = "is open read-only"
"""The words by which a refusal is known to be about read-only access."""

LONGEST_TIMEOUT = 86_400.0
"""Seconds an operation may be told to wait: a day."""

BUSY = {
    "migration": "is migrating",
    "save": "is being saved",
    "dump": "is being dumped",
    "snapshot": "is having a snapshot taken",
}
"""Jobs during which libvirt blocks every power verb but the power cut, and how they read."""

PAUSED_BY_JOB = frozenset(
    {"migrating", "saving", "dumping", "creating snapshot", "starting up", "shutting down"}
    | {"post-copy", "post-copy failed"}
)
"""virDomainPausedReason of an instance that libvirt itself paused and will let run."""


_NOT_KNOWN = "The state of {name} is not known: refresh, or look on {host}."
_OFF = "{name} is shut off: start it first."
_ENDING = "{name} is shutting down: wait until it is off, or stop it."

_TO_ASK_THE_GUEST = {
    InstanceState.PAUSED: "{name} is paused, its guest cannot answer: resume it first, or stop it.",
    InstanceState.SUSPENDED: "{name} is asleep, its guest cannot answer: resume it, or stop it.",
    InstanceState.CRASHED: "{name} has crashed, its guest cannot answer: {restart}.",
    InstanceState.SHUTTING_DOWN: "{name} is already shutting down: wait, or stop it.",
    InstanceState.SHUTOFF: _OFF,
    InstanceState.UNKNOWN: _NOT_KNOWN,
}

REASONS: dict[type[Request], dict[InstanceState, str]] = {
    Start: {
        InstanceState.RUNNING: "{name} is already running.",
        InstanceState.PAUSED: "{name} is already started, and paused: resume it.",
        InstanceState.SUSPENDED: "{name} is already started, and asleep: resume wakes it.",
        InstanceState.CRASHED: "{name} has crashed and its process is kept: {restart}.",
        InstanceState.SHUTTING_DOWN: "{name} is shutting down: wait until it is off.",
        InstanceState.UNKNOWN: _NOT_KNOWN,
    },
    Shutdown: _TO_ASK_THE_GUEST,
    Reboot: _TO_ASK_THE_GUEST,
    Stop: {InstanceState.SHUTOFF: "{name} is already shut off."},
    Reset: {
        InstanceState.SUSPENDED: "{name} is asleep: resume wakes it, stop cuts its power.",
        InstanceState.SHUTTING_DOWN: _ENDING,
        InstanceState.SHUTOFF: _OFF,
        InstanceState.UNKNOWN: _NOT_KNOWN,
    },
    Pause: {
        InstanceState.PAUSED: "{name} is already paused.",
        InstanceState.SUSPENDED: "{name} is already asleep: resume wakes it.",
        InstanceState.CRASHED: "{name} has crashed, it does not run: {restart}.",
        InstanceState.SHUTTING_DOWN: _ENDING,
        InstanceState.SHUTOFF: _OFF,
        InstanceState.UNKNOWN: _NOT_KNOWN,
    },
    Resume: {
        InstanceState.RUNNING: "{name} is already running.",
        InstanceState.CRASHED: "{name} has crashed, it cannot go on: {restart}.",
        InstanceState.SHUTTING_DOWN: _ENDING,
        InstanceState.SHUTOFF: _OFF,
        InstanceState.UNKNOWN: _NOT_KNOWN,
    },
}
"""Why a verb makes no sense in a state; a state that is not there is fine."""


def check(state: State, request: Request, but: str = "") -> tuple[str, ...]:
    """Return why a request would be refused now, a sentence each; empty: it would be accepted.

    Pure: the state is all it knows. What speaks against the host comes first. `but` is the id of
    an operation that does not count: the request's own.
    """
    host, instance = state.hosts.get(request.subject.host), state.instances.get(request.subject)
    if host is None:
        return (f"There is no host {request.subject.host}: see `virtdeck hosts`.",)
    reasons = [*_against_host(host), *_against_options(request)]
    if isinstance(request, Drain):
        return (*reasons, *migration_checks.against_drain(state, request, but))
    if instance is None:
        if host.link.status is LinkStatus.UP:
            reasons.append(f"{host.name} has no such instance now: see `virtdeck instances`.")
        return tuple(reasons)
    reasons.extend(_against_others(state, request, instance.name, but))
    reasons.extend(_against_job(state, request, instance))
    if isinstance(request, Migrate):
        reasons.extend(migration_checks.against_migrate(state, request, instance))
    elif isinstance(request, ResumeMigration):
        reasons.extend(migration_checks.against_resume(state, request, instance))
    else:
        reasons.extend(_against_state(request, instance))
    return (*reasons, *second_copy.against(state, request, but))


def _against_host(host: Host) -> list[str]:
    reasons = []
    if host.link.read_only:
        reasons.append(f"{host.name} {READ_ONLY}: open it without --read-only to change anything.")
    if host.link.status is not LinkStatus.UP:
        why = f" ({host.link.error.rstrip('.')})" if host.link.error else ""
        cure = host.link.hint or "Wait until its link is up, or reconnect it."
        reasons.append(f"{host.name} is not reachable{why}: {cure[0].lower()}{cure[1:]}")
    return reasons


def _against_options(request: Request) -> list[str]:
    timeout = getattr(request, "timeout", None)
    if timeout is None or (math.isfinite(timeout) and 1 <= timeout <= LONGEST_TIMEOUT):
        return []
    return [f"A timeout of {timeout} s makes no sense: give 1 to {LONGEST_TIMEOUT:.0f} seconds."]


def _against_others(state: State, request: Request, name: str, but: str) -> list[str]:
    return [
        f"{name}: {other.verb} is {other.status.value} on it (by {other.author}): "
        "wait for it, or cancel it."
        for other in others(state, request)
        if other.id != but and not _overrides(request, other)
    ]


def others(state: State, request: Request) -> list[OperationRecord]:
    """Return the operations on the same instance that are not over, of any console."""
    return [
        record
        for record in state.operations.values()
        if record.subject == request.subject and not record.status.final
    ]


def _overrides(request: Request, other: OperationRecord) -> bool:
    return any(kind.verb == other.verb for kind in verb_of(request).overrides)


def _against_job(state: State, request: Request, instance: Instance) -> list[str]:
    job = state.jobs.get(instance.key)
    if job is None or job.kind not in BUSY or isinstance(request, Stop | ResumeMigration):
        return []
    return [f"{instance.name} {BUSY[job.kind]}: wait for the end of it, or abort it."]


def _against_state(request: Request, instance: Instance) -> list[str]:
    held = instance.state is InstanceState.PAUSED and instance.reason in PAUSED_BY_JOB
    if held and isinstance(request, Resume):
        return [f"{instance.name} is paused by libvirt itself ({instance.reason}): let that end."]
    reason = REASONS[type(request)].get(instance.state, "")
    can_reset = driver_of_type(instance.type).can("reset")
    restart = "reset it, or stop it" if can_reset else "stop it"
    places = {"name": instance.name, "host": instance.host, "restart": restart}
    return [reason.format(**places)] if reason else []


def against_cancel(state: State, operation_id: str) -> VirtdeckError:
    """Return why an operation that this console does not run cannot be cancelled from it."""
    record = state.operations.get(operation_id)
    if record is None:
        return NotFoundError(f"There is no operation {operation_id}.", "See `virtdeck operations`.")
    if record.status.final:
        return RefusedError(f"{record.verb} of {record.name} is over: {record.status.value}.")
    if record.not_open:
        return RefusedError(
            f"{record.verb} of {record.name} is of {record.host}, another host than those open "
            "here.",
            f"Open {record.not_open} to do something about it.",
        )
    return RefusedError(
        f"{record.verb} of {record.name} runs on another console ({record.author}).",
        "Cancel it there.",
    )
