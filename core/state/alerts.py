"""What is wrong, decided from what is known: pure functions from before and after to alerts.

An alert keeps the time it was first raised for as long as its cause lasts.
"""

from __future__ import annotations

from collections.abc import Iterable

from core.model import (
    AgentState,
    Alert,
    AlertKind,
    Host,
    Instance,
    InstanceState,
    LinkStatus,
    Pool,
    PoolState,
    Severity,
)
from core.model.event import IoError, MemoryFailure, WatchdogFired
from core.model.sizes import percent

Alerts = tuple[Alert, ...]

POOL_FULL = 0.90
POOL_NOT_FULL = 0.88
"""A pool alert is raised above the one and cleared below the other: no flicker at the edge."""
REBOOT_BELONGS = 10.0
"""Seconds in which a reboot is part of what the watchdog or the memory failure did."""

_STATE_KINDS = frozenset({AlertKind.IO_ERROR, AlertKind.CRASHED})
_GRAVE_MEMORY_ACTIONS = ("fatal", "reset")


def with_alert(current: Alerts, alert: Alert) -> Alerts:
    """Return `current` with `alert` in it; one of its kind that is there keeps its time."""
    others = []
    for old in current:
        if old.kind is not alert.kind:
            others.append(old)
        elif old.cause == alert.cause and old.name == alert.name:
            return current
        else:
            alert = _since(alert, old.since)
    return tuple(sorted((*others, alert), key=lambda one: (one.severity, one.since, one.kind)))


def _since(alert: Alert, since: float) -> Alert:
    return Alert(alert.kind, alert.severity, alert.subject, alert.name, since, alert.cause)


def without(current: Alerts, kinds: Iterable[AlertKind]) -> Alerts:
    """Return `current` without those kinds."""
    unwanted = frozenset(kinds)
    if not any(alert.kind in unwanted for alert in current):
        return current
    return tuple(alert for alert in current if alert.kind not in unwanted)


def instance_alerts(
    old: Instance | None, new: Instance, current: Alerts, at: float, io_error: IoError | None
) -> Alerts:
    """Return the alerts of an instance that changed from `old` to `new` at `at`.

    `io_error` is the last I/O error event of it, for the sentence; None: nobody heard it, and
    what was told of this pause before stays.
    """
    current = without(current, _cured(old, new))
    fault = _fault(new, io_error)
    unheard = fault is not None and fault[0] is AlertKind.IO_ERROR and io_error is None
    told = unheard and any(one.kind is AlertKind.IO_ERROR for one in current)
    if fault is not None and not told:
        kind, cause = fault
        since = new.state_since if new.state_since is not None else at
        current = with_alert(current, _alert(new, kind, Severity.ERROR, since, cause))
    if _lost_agent(old, new):
        cause = "The guest agent was connected and is not any more; the instance keeps running."
        current = with_alert(
            current, _alert(new, AlertKind.AGENT_LOST, Severity.WARNING, at, cause)
        )
    return current


def _alert(
    subject: Instance | Pool | Host, kind: AlertKind, severity: Severity, at: float, cause: str
) -> Alert:
    return Alert(kind, severity, subject.key, subject.name, at, cause)


def _cured(old: Instance | None, new: Instance) -> set[AlertKind]:
    """Return the kinds of alert whose cause the new state does away with."""
    fault = _fault(new, None)
    cured = set(_STATE_KINDS) - ({fault[0]} if fault else set())
    if old is not None and (old.state, old.reason) != (new.state, new.reason):
        cured |= {AlertKind.WATCHDOG} - ({fault[0]} if fault else set())
    if not new.state.active or _is_another_run(old, new):
        cured |= {AlertKind.MEMORY_FAILURE, AlertKind.AGENT_LOST, AlertKind.NOT_ANSWERING}
    # An agent may end some moments before its guest tells that it is shutting down.
    ends = new.state is InstanceState.SHUTTING_DOWN
    if ends or new.agent in (AgentState.CONNECTED, AgentState.NONE):
        cured.add(AlertKind.AGENT_LOST)
    return cured


def _is_another_run(old: Instance | None, new: Instance) -> bool:
    return old is not None and old.id is not None and new.id is not None and old.id != new.id


def _fault(instance: Instance, io_error: IoError | None) -> tuple[AlertKind, str] | None:
    """Return what the state itself says is wrong."""
    state, reason = instance.state, instance.reason
    if state is InstanceState.PAUSED and reason == "I/O error":
        return AlertKind.IO_ERROR, _io_cause(instance, io_error)
    if state is InstanceState.PAUSED and reason == "watchdog":
        return AlertKind.WATCHDOG, "Its watchdog fired and paused it."
    if state is InstanceState.CRASHED:
        panicked = reason == "panicked"
        return AlertKind.CRASHED, "The guest panicked." if panicked else "The guest crashed."
    if reason == "crashed" and state is InstanceState.PAUSED:
        return AlertKind.CRASHED, "The guest crashed and was paused."
    if reason == "crashed" and state is InstanceState.SHUTOFF:
        return AlertKind.CRASHED, "Its hypervisor process ended unexpectedly."
    return None


def _io_cause(instance: Instance, event: IoError | None) -> str:
    if event is None:
        return "I/O error on one of its disks: paused."
    targets = (disk.target for disk in instance.disks if event.alias and disk.alias == event.alias)
    disk = next(targets, event.alias)
    # What is wrong comes first: a narrow column shows the beginning.
    what = "No space left" if event.reason == "enospc" else "I/O error"
    where = f" on {disk}" if disk else ""
    return f"{what}{where}: paused{f' ({event.path})' if event.path else ''}."


def _lost_agent(old: Instance | None, new: Instance) -> bool:
    """A guest that is shutting down takes its agent with it: that is no loss."""
    alive = (InstanceState.RUNNING, InstanceState.PAUSED)
    return (
        old is not None
        and old.agent is AgentState.CONNECTED
        and new.agent is AgentState.DISCONNECTED
        and old.state in alive
        and new.state in alive
        and not _is_another_run(old, new)
    )


def watchdog_alert(instance: Instance, event: WatchdogFired) -> Alert:
    """Return the alert for a watchdog that fired without pausing the instance."""
    severity = Severity.WARNING if event.action == "reset" else Severity.ERROR
    cause = f"Its watchdog fired; action: {event.action}."
    return _alert(instance, AlertKind.WATCHDOG, severity, event.at, cause)


def memory_alert(instance: Instance, event: MemoryFailure) -> Alert:
    """Return the alert for a memory error of the host that hit the instance."""
    grave = event.action in _GRAVE_MEMORY_ACTIONS
    cause = f"Host memory failed under the {event.recipient}; action: {event.action}."
    severity = Severity.ERROR if grave else Severity.WARNING
    return _alert(instance, AlertKind.MEMORY_FAILURE, severity, event.at, cause)


def silent_alert(instance: Instance, at: float) -> Alert:
    """Return the alert for a hypervisor process that does not answer."""
    cause = "Its hypervisor process does not answer: it hangs, or a job holds it."
    return _alert(instance, AlertKind.NOT_ANSWERING, Severity.ERROR, at, cause)


def after_reboot(current: Alerts, at: float) -> Alerts:
    """Return the alerts a reboot leaves.

    It cures a watchdog's and a memory failure's, unless it is itself part of what they did; and
    it takes the agent along, which is no loss.
    """
    old = {alert.kind for alert in current if alert.since + REBOOT_BELONGS < at}
    cured = old & {AlertKind.WATCHDOG, AlertKind.MEMORY_FAILURE}
    return without(current, cured | {AlertKind.AGENT_LOST})


def _too_full(pool: Pool, current: Alerts) -> bool:
    """Whether the pool is too full, given the alerts it has."""
    used = pool.used_fraction
    if used is None or pool.state is PoolState.INACTIVE:
        return False
    raised = any(alert.kind is AlertKind.POOL_FULL for alert in current)
    return used >= POOL_NOT_FULL if raised else used > POOL_FULL


def update_pool(pool: Pool, current: Alerts, at: float) -> Alerts:
    """Return the alerts of a pool as read at `at`."""
    if not _too_full(pool, current):
        return without(current, (AlertKind.POOL_FULL,))
    since = next((one.since for one in current if one.kind is AlertKind.POOL_FULL), at)
    cause = f"{percent(pool.used_fraction or 0.0)} of the pool is allocated."
    return with_alert(current, _alert(pool, AlertKind.POOL_FULL, Severity.WARNING, since, cause))


def update_host(host: Host, current: Alerts, at: float) -> Alerts:
    """Return the alerts of a host whose link changed at `at`: trying to connect cures nothing."""
    if host.link.status is LinkStatus.DOWN:
        cause = host.link.error or "The connection was lost."
        since = host.link.since or at
        alert = _alert(host, AlertKind.HOST_UNREACHABLE, Severity.ERROR, since, cause)
        return with_alert(current, alert)
    if host.link.status is LinkStatus.CONNECTING:
        return current
    return without(current, (AlertKind.HOST_UNREACHABLE,))
