"""What a lifecycle event makes of an instance, before it has been read again.

libvirt's order has traps: a create sends RESUMED before STARTED; a transient domain never sends
UNDEFINED. So every event says what it says by itself, and a reading that follows has the last word.
"""

from __future__ import annotations

from msgspec.structs import replace

from core.model import AgentState, Instance, InstanceState
from core.model.event import InstanceLifecycle
from core.state.findings import APPEARED, VANISHED
from core.state.incoming import waits

# VIR_DOMAIN_EVENT_* and its detail, to the state and the virDomain*Reason that go with it.
_RUNNING = {
    "booted": "booted",
    "migrated": "migrated",
    "restored": "restored",
    "from-snapshot": "from snapshot",
    "wakeup": "wakeup",
    "unpaused": "unpaused",
    "postcopy": "post-copy",
    "postcopy-failed": "post-copy failed",
}
_PAUSED = {
    "paused": "user",
    "migrated": "migrating",
    "ioerror": "I/O error",
    "watchdog": "watchdog",
    "restored": "user",
    "from-snapshot": "from snapshot",
    "api-error": "api error",
    "postcopy": "post-copy",
    "postcopy-failed": "post-copy failed",
}
_SHUTOFF = {"from-snapshot": "from snapshot"}  # the other details are the reasons

_TABLES = {
    "started": (InstanceState.RUNNING, _RUNNING),
    "resumed": (InstanceState.RUNNING, _RUNNING),
    "suspended": (InstanceState.PAUSED, _PAUSED),
    "stopped": (InstanceState.SHUTOFF, _SHUTOFF),
    "crashed": (InstanceState.CRASHED, {"crashloaded": "panicked"}),
    "pmsuspended": (InstanceState.SUSPENDED, {"memory": "", "disk": ""}),
}
_MOVES = frozenset({*_TABLES, "shutdown", "stopped"})
_SIGNS_OF_LIFE = ("started", "resumed", "suspended")


def after(old: Instance | None, event: InstanceLifecycle) -> Instance | None:
    """Return the instance after `event`; None: there is none (any more).

    An instance not known before that shows a sign of life is taken for a transient one until it
    is read: if it stops before, it is gone.
    """
    if old is None:
        old = _first_sight(event)
        if old is None:
            return None
    if event.change == "defined":
        return replace(old, name=event.name or old.name, persistent=True)
    if event.change == "undefined":
        return _undefined(old, event)
    if event.change == "shutdown":
        # what waits for its memory is still known by its reason when it stops
        reason = old.reason if waits(old) else ""
        return _moved(old, InstanceState.SHUTTING_DOWN, reason, event) if old.state.active else old
    if event.change == "stopped":
        return _stopped(old, event)
    known = _TABLES.get(event.change)
    if known is None:
        return old
    state, reasons = known
    if (event.change, event.detail) == ("started", "migrated"):
        # it is there, and waits for its memory
        return _moved(old, InstanceState.PAUSED, "migrating", event)
    return _moved(old, state, reasons.get(event.detail, event.detail), event)


def tells(event: InstanceLifecycle, new: Instance | None) -> tuple[str, ...]:
    """Return what `event` says, in the words of `findings`; `new` is the instance after it."""
    if new is None:
        return (VANISHED,)
    if event.change in _MOVES:
        return (APPEARED, new.state)
    return (APPEARED,) if event.change == "defined" else ()


def _first_sight(event: InstanceLifecycle) -> Instance | None:
    defined = event.change == "defined"
    if not event.uuid or not (defined or event.change in _SIGNS_OF_LIFE):
        return None
    return Instance(
        host=event.host,
        uuid=event.uuid,
        name=event.name,
        state=InstanceState.SHUTOFF if defined else InstanceState.UNKNOWN,
        persistent=defined,
        described=False,
    )


def _undefined(old: Instance, event: InstanceLifecycle) -> Instance | None:
    """A renamed instance is defined again at once; a running one stays as a transient one."""
    if event.detail == "renamed":
        return old
    return replace(old, persistent=False) if old.state.active else None


def _stopped(old: Instance, event: InstanceLifecycle) -> Instance | None:
    if not old.persistent and event.detail != "from-snapshot":
        return None
    reason = _SHUTOFF.get(event.detail, event.detail)
    if event.detail == "failed" and old.state.active and not waits(old):
        reason = "crashed"  # the process of a running guest went away by itself
    stopped = _moved(old, InstanceState.SHUTOFF, reason, event)
    agent = old.agent if old.agent is AgentState.NONE else AgentState.UNKNOWN
    return replace(stopped, id=None, agent=agent)


def _moved(old: Instance, state: InstanceState, reason: str, event: InstanceLifecycle) -> Instance:
    since = old.state_since if old.state is state else event.at
    return replace(old, state=state, reason=reason, state_since=since)
