"""What single events, other than lifecycle and jobs, change besides being logged."""

from __future__ import annotations

from msgspec.structs import replace

from core.model import AgentState, Alert
from core.model.event import (
    AgentChanged,
    BalloonChanged,
    IoError,
    MemoryFailure,
    Rebooted,
    WatchdogFired,
)
from core.state import alerts, runs
from core.state.instances import put_instance
from core.state.tables import Tables

_AGENT = {"connected": AgentState.CONNECTED, "disconnected": AgentState.DISCONNECTED}


def on_agent(tables: Tables, event: AgentChanged) -> None:
    """Show the agent's state; at a start libvirt says once that it is not connected yet."""
    runs.on_agent(tables, event)
    instance = tables.instances.get(event.subject)
    state = _AGENT.get(event.state)
    if instance is None or state is None:
        return
    if event.reason == "domain-started" and instance.agent is AgentState.CONNECTED:
        # of the run before: not a loss
        instance = replace(instance, agent=AgentState.UNKNOWN)
        put_instance(tables, instance, event.at)
    put_instance(tables, replace(instance, agent=state), event.at)


def on_balloon(tables: Tables, event: BalloonChanged) -> None:
    """Show the memory the guest has now."""
    instance = tables.instances.get(event.subject)
    if instance is not None:
        put_instance(tables, replace(instance, memory=event.actual), event.at)


def on_io_error(tables: Tables, event: IoError) -> None:
    """Remember which disk it was: if it pauses the instance, that event does not say."""
    key = event.subject
    instance = tables.instances.get(key)
    if instance is None:
        return
    tables.io_errors[key] = event
    current = tables.alerts.get(key) or ()  # the pause may have been seen before
    tables.put_alerts(key, alerts.instance_alerts(instance, instance, current, event.at, event))


def on_watchdog(tables: Tables, event: WatchdogFired) -> None:
    """Raise the alert; a pause that follows raises its own."""
    instance = tables.instances.get(event.subject)
    if instance is not None:
        _raise(tables, alerts.watchdog_alert(instance, event))


def on_memory_failure(tables: Tables, event: MemoryFailure) -> None:
    """Raise the alert."""
    instance = tables.instances.get(event.subject)
    if instance is not None:
        _raise(tables, alerts.memory_alert(instance, event))


def _raise(tables: Tables, alert: Alert) -> None:
    current = tables.alerts.get(alert.subject) or ()
    tables.put_alerts(alert.subject, alerts.with_alert(current, alert))


def on_reboot(tables: Tables, event: Rebooted) -> None:
    """Clear what a reboot cures."""
    current = tables.alerts.get(event.subject)
    if current:
        tables.put_alerts(event.subject, alerts.after_reboot(current, event.at))
