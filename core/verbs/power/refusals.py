"""Why a power verb makes no sense in a state: the reason, and the cure after a colon."""

from __future__ import annotations

from collections.abc import Iterable

from core.model import InstanceState, Request, State
from core.verbs.refusal import Refusal, RefusalCode
from core.verbs.states import NOT_KNOWN, OFF, Refusals

PAUSED_BY_JOB = frozenset(
    {"migrating", "saving", "dumping", "creating snapshot", "starting up", "shutting down"}
    | {"post-copy", "post-copy failed"}
)
"""virDomainPausedReason of an instance that libvirt itself paused and will let run."""

ENDING = "{name} is shutting down", "wait until it is off, or stop it"

TO_START: Refusals = {
    InstanceState.RUNNING: ("{name} is already running", "reboot restarts it"),
    InstanceState.PAUSED: ("{name} is already started, and paused", "resume it"),
    InstanceState.SUSPENDED: ("{name} is already started, and asleep", "resume wakes it"),
    InstanceState.CRASHED: ("{name} has crashed and its process is kept", "{restart}"),
    InstanceState.SHUTTING_DOWN: ("{name} is shutting down", "wait until it is off"),
    InstanceState.UNKNOWN: NOT_KNOWN,
}
TO_ASK_THE_GUEST: Refusals = {
    InstanceState.PAUSED: (
        "{name} is paused, its guest cannot answer",
        "resume it first, or stop it",
    ),
    InstanceState.SUSPENDED: (
        "{name} is asleep, its guest cannot answer",
        "resume it, or stop it",
    ),
    InstanceState.CRASHED: ("{name} has crashed, its guest cannot answer", "{restart}"),
    InstanceState.SHUTTING_DOWN: ("{name} is already shutting down", "wait, or stop it"),
    InstanceState.SHUTOFF: OFF,
    InstanceState.UNKNOWN: NOT_KNOWN,
}
TO_STOP: Refusals = {InstanceState.SHUTOFF: ("{name} is already shut off", "start starts it")}
TO_RESET: Refusals = {
    InstanceState.SUSPENDED: ("{name} is asleep", "resume wakes it, stop cuts its power"),
    InstanceState.SHUTTING_DOWN: ENDING,
    InstanceState.SHUTOFF: OFF,
    InstanceState.UNKNOWN: NOT_KNOWN,
}
TO_PAUSE: Refusals = {
    InstanceState.PAUSED: ("{name} is already paused", "resume lets it run on"),
    InstanceState.SUSPENDED: ("{name} is already asleep", "resume wakes it"),
    InstanceState.CRASHED: ("{name} has crashed, it does not run", "{restart}"),
    InstanceState.SHUTTING_DOWN: ENDING,
    InstanceState.SHUTOFF: OFF,
    InstanceState.UNKNOWN: NOT_KNOWN,
}
TO_RESUME: Refusals = {
    InstanceState.RUNNING: ("{name} is already running", "there is nothing to resume"),
    InstanceState.CRASHED: ("{name} has crashed, it cannot go on", "{restart}"),
    InstanceState.SHUTTING_DOWN: ENDING,
    InstanceState.SHUTOFF: OFF,
    InstanceState.UNKNOWN: NOT_KNOWN,
}


def held_by_libvirt(state: State, request: Request, _: str) -> Iterable[Refusal]:
    """Refuse to resume what libvirt itself paused: it lets it run again by itself."""
    instance = state.instances.get(request.subject)
    if instance is None or instance.state is not InstanceState.PAUSED:
        return
    if instance.reason in PAUSED_BY_JOB:
        paused = f"{instance.name} is paused by libvirt itself ({instance.reason})"
        yield Refusal(RefusalCode.STATE, paused, "let that end")
