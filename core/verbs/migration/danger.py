"""What migrations and the commands to them put at risk. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from core.model import Migration, State, Steer, SteerKind
from core.model.lists import listed
from core.model.sizes import percent
from core.model.text import clean
from core.state.held_devices import bound_devices
from core.verbs.caution import Caution, Danger
from core.verbs.device.devices import word_of
from core.verbs.migration.requests import Migrate
from core.verbs.wording import name_of

_STEERING: Mapping[SteerKind, Caution] = {
    SteerKind.ABORT: Caution.CONFIRM,
    SteerKind.POST_COPY: Caution.CONFIRM,
    SteerKind.PAUSE: Caution.CONFIRM,
}
"""The commands to a migration that are confirmed; a value or a policy can be set back."""


def steering_caution(kind: SteerKind) -> Caution:
    """Return how a command to a migration is confirmed."""
    return _STEERING.get(kind, Caution.NONE)


def of_migrate(state: State, requests: Sequence[Migrate]) -> list[str]:
    """Return what migrations put at risk by what was chosen, a sentence each."""
    sentences = []
    losing = [item for item in requests if _loses_definition(state, item)]
    if losing:
        names, many = listed([clean(name_of(state, item)) for item in losing]), len(losing) > 1
        to = clean(losing[0].to)
        sentences.append(
            f"{names} {'are' if many else 'is'} transient on {to} and no longer defined anywhere: "
            f"once off, {'they' if many else 'it'} cannot be started again."
        )
    if any(item.post_copy == "at-once" for item in requests):
        first = requests[0]
        name = clean(name_of(state, first)) if len(requests) == 1 else "each instance"
        sentences.append(_post_copy(name, clean(first.subject.host), clean(first.to)))
    sentences += [
        f"{listed(gone)} {'leaves' if len(gone) == 1 else 'leave'} {clean(name)} for the move: "
        f"its guest does without until {clean(item.to)} gives it what it is defined with."
        for item in requests
        if (name := name_of(state, item)) and (gone := _leaving(state, item))
    ]
    return sentences


def _leaving(state: State, request: Migrate) -> list[str]:
    instance = state.instances.get(request.subject)
    if instance is None or request.offline or request.host_devices != "detach":
        return []
    return [word_of(one.kind, one.name) for one in bound_devices(instance)]


def _loses_definition(state: State, request: Migrate) -> bool:
    instance = state.instances.get(request.subject)
    return instance is not None and instance.persistent and request.undefine and not request.persist


def _post_copy(name: str, host: str, to: str) -> str:
    return (
        f"After the switch {name} runs on {to} while part of its memory is still on {host}: until "
        "that has followed it cannot be aborted, it stands still when the network between them "
        "fails, and it is lost when either host is."
    )


def danger_of_steering(migration: Migration, steer: Steer) -> Danger:
    """Return what a command takes away from a migration that runs."""
    caution = steering_caution(steer.kind)
    name, host = clean(migration.name) or migration.uuid, clean(migration.host)
    to = clean(migration.to or migration.uri) or "the destination"
    match steer.kind:
        case SteerKind.ABORT:
            # without a sample what is known is of the preparation
            share = None if migration.sample is None else migration.progress
            sent = "" if share is None else f" ({percent(share)})"
            text = (
                f"Aborts the migration of {name} to {to}: it runs on at {host}, and what was "
                f"sent{sent} is thrown away."
            )
        case SteerKind.POST_COPY:
            text = _post_copy(name, host, to)
        case SteerKind.PAUSE:
            text = (
                f"Pauses {name} until its migration to {to} is over: what it serves stands still "
                f"so long. If it is aborted, {name} must be resumed on {host}."
            )
        case _:
            return Danger()
    return Danger(caution, text)
