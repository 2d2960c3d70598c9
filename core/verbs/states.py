"""Why a verb makes no sense in a state: what many verbs say. The reason, and the cure."""

from __future__ import annotations

from collections.abc import Mapping

from core.model import InstanceState

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
