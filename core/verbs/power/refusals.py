"""Why a power verb makes no sense in a state: the reason, and the cure after a colon."""

from __future__ import annotations

from collections.abc import Iterable

from core.model import InstanceState, Migration, Request, State
from core.model.lists import listed
from core.model.text import clean
from core.state.held_devices import bound_devices, lent_interfaces
from core.state.second_copy import last_migration
from core.verbs.power.requests import Reboot, Start
from core.verbs.refusal import Refusal, RefusalCode
from core.verbs.states import NOT_KNOWN, OFF, Refusals

PAUSED_BY_JOB = frozenset(
    {"saving", "dumping", "creating snapshot", "starting up", "shutting down"}
)
"""virDomainPausedReason of an instance that libvirt itself paused and will let run."""
MIGRATING = "migrating"
"""The same, of either side of a migration: at its source, and while memory comes in."""
PAUSED_BY_POST_COPY = frozenset({"post-copy", "post-copy failed"})
"""The same, once the destination has run: what either side has in memory is not the whole."""

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
TO_SHUT_DOWN: Refusals = {**TO_ASK_THE_GUEST, **TO_STOP}
"""It need not be started to be off."""
TO_RESET: Refusals = {
    InstanceState.SUSPENDED: ("{name} is asleep", "resume wakes it, stop cuts its power"),
    InstanceState.SHUTTING_DOWN: ENDING,
    InstanceState.SHUTOFF: OFF,
    InstanceState.UNKNOWN: NOT_KNOWN,
}
TO_HARD_REBOOT: Refusals = {
    InstanceState.SHUTOFF: ("{name} is shut off", "start starts it"),
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
    """Refuse to let run what libvirt itself has paused: it goes on by itself, here or elsewhere.

    A migration that is not known to go on is no reason here, but a sign that it may run elsewhere
    (core.state.second_copy): the typed name lets it run.
    """
    instance = state.instances.get(request.subject)
    if instance is None or instance.state is not InstanceState.PAUSED:
        return
    name, reason = instance.name, instance.reason
    last = last_migration(state, instance.uuid)
    if reason in PAUSED_BY_JOB:
        paused = f"{name} is paused by libvirt itself ({reason})"
        yield Refusal(RefusalCode.STATE, paused, "let that end")
    elif reason in PAUSED_BY_POST_COPY:
        text = f"{name} is paused by a post-copy migration ({_told(reason, last)}), after which "\
               "its memory is whole at no side but the one that ends it"  # fmt: skip
        cure = "let it end, or resume-migration goes on with one that failed"
        yield Refusal(RefusalCode.STATE, text, cure)
    elif reason == MIGRATING and last is not None and not last.status.final:
        text = f"{name} is paused by its migration ({_told(reason, last)})"
        yield Refusal(RefusalCode.STATE, text, "let that end, or abort it")


def against_leaving_devices_out(state: State, request: Request, _: str) -> Iterable[Refusal]:
    """Refuse to go on from saved memory without the devices that left for the saving.

    libvirt's start leaves them out and tells of none; restore attaches them again.
    """
    assert isinstance(request, Start)
    instance = state.instances.get(request.subject)
    if instance is None or not instance.managed_save or request.forget_saved:
        return
    left = (*bound_devices(instance), *lent_interfaces(instance, state.networks))
    if left:
        names = listed([clean(one.word) for one in left])
        text = f"{instance.name} has saved memory, and a start goes on from it without {names}"
        yield Refusal(RefusalCode.STATE, text, "restore it: that attaches what left")


def against_power_cycle(state: State, request: Request, _: str) -> Iterable[Refusal]:
    """Refuse to cut the power and start again what could then not be, or must not be started."""
    instance = state.instances.get(request.subject)
    hard = not isinstance(request, Reboot) or request.then_hard
    if instance is not None and hard and not instance.persistent:
        text = f"{instance.name} is transient: its definition goes with its power"
        yield Refusal(RefusalCode.STATE, text, "reset restarts it")
    if hard:
        yield from held_by_libvirt(state, request, "")


def _told(reason: str, last: Migration | None) -> str:
    """Say what libvirt and the journal know of the migration that paused an instance."""
    if last is None:
        return reason
    is_ = "ended as" if last.status.final else "is"
    there = last.to or last.uri or "a host that is not known"
    return f"{reason}; {last.id} from {last.host} to {there} {is_} {last.status.value}"
