"""What many verbs say of a state: why they make no sense in it, the reason and the cure; and that
libvirt itself keeps an instance in it.
"""

from __future__ import annotations

from collections.abc import Mapping

from core.model import Instance, InstanceState

Refusals = Mapping[InstanceState, tuple[str, str]]

NOT_KNOWN = "The state of {name} is not known", "refresh, or look on {host}"
OFF = "{name} is shut off", "start it first"

TO_BE_ON: Refusals = {InstanceState.SHUTOFF: OFF, InstanceState.UNKNOWN: NOT_KNOWN}
"""What needs a hypervisor process."""

_ON = "{name} is on", "shut it down first"

TO_BE_OFF: Refusals = {
    **dict.fromkeys(
        (
            InstanceState.RUNNING,
            InstanceState.PAUSED,
            InstanceState.SHUTTING_DOWN,
            InstanceState.CRASHED,
            InstanceState.SUSPENDED,
        ),
        _ON,
    ),
    InstanceState.UNKNOWN: NOT_KNOWN,
}
"""What needs it to be off."""

TO_ANSWER: Refusals = {
    **TO_BE_ON,
    InstanceState.PAUSED: ("{name} is paused, its guest cannot answer", "resume it first"),
    InstanceState.SUSPENDED: ("{name} is asleep, its guest cannot answer", "resume it first"),
    InstanceState.CRASHED: ("{name} has crashed, its guest cannot answer", "{restart}"),
}
"""What needs a guest that runs."""


STARTING_UP = "starting up"
"""`Instance.reason` while libvirt reads the memory of one that it starts."""


def held_for(reason: str, instance: Instance | None) -> bool:
    """Whether libvirt itself has paused an instance, for this (`Instance.reason`): `saving`.

    It lets the instance run, or ends it, when that is over.
    """
    paused = instance is not None and instance.state is InstanceState.PAUSED
    return instance is not None and paused and instance.reason == reason


def lives_on(reason: str, instance: Instance | None) -> bool:
    """Whether an instance runs, or is paused, and not by libvirt itself for this."""
    known = None if instance is None else instance.state
    lives = known in (InstanceState.RUNNING, InstanceState.PAUSED)
    return lives and not held_for(reason, instance)
