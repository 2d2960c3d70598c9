"""Instances come, change and go: the one place where the table of instances is written."""

from __future__ import annotations

from msgspec.structs import replace

from core.model import AgentState, Instance, InstanceState, ObjectKey
from core.model.event import InstanceLifecycle
from core.model.observation import InstanceGone, InstanceRead, InstancesDescribed
from core.state import agents, alerts, checkpoints, findings, jobs, lifecycle, runs, snapshots
from core.state.tables import Tables


def put_instance(tables: Tables, instance: Instance, at: float) -> None:
    """Set an instance, with the alerts that follow from what changed about it."""
    key = instance.key
    old = tables.instances.get(key)
    if not tables.instances.put(key, instance):
        return
    tables.mark(key)
    current = tables.alerts.get(key) or ()
    io_error = tables.io_errors.get(key)
    after = alerts.instance_alerts(old, instance, current, at, io_error)
    after = agents.excuse(tables, key, current, after)
    tables.put_alerts(key, after)
    if old is not None and old.state.active and not instance.state.active:
        forget_run(tables, key)
        runs.end(tables, key, at)
    elif old is not None and instance.state.active and not old.state.active:
        runs.begin(tables, key)


def forget_run(tables: Tables, key: ObjectKey) -> None:
    """Drop what belongs to a run of an instance that ended: rates, counters, its job."""
    tables.samples.get(key.host, {}).pop(key.id, None)
    if key in tables.rates:
        tables.histories.gap(key)
    tables.put_rates(key, None)
    tables.put_job(key, None, 0.0)
    # Not when it goes on: what a full disk says of that may come before the resumption itself.
    tables.io_errors.pop(key, None)


def drop_instance(tables: Tables, key: ObjectKey) -> None:
    """Remove an instance and everything kept about it; nothing when it is not there."""
    forget_run(tables, key)
    runs.drop(tables, key)
    snapshots.drop(tables, key)
    checkpoints.drop(tables, key)
    tables.put_alerts(key, ())
    tables.histories.drop(key)
    tables.moved.pop(key, None)
    if tables.instances.drop(key):
        tables.mark_gone(key)


def settled(old: Instance | None, new: Instance, since: float | None) -> Instance:
    """Return a reading with what it cannot know: the time its state began.

    `since` is when it began at the latest, if its state is news.
    """
    if new.state_since is not None:
        return new
    if old is not None and old.state is new.state:
        since = old.state_since
    return new if since is None else replace(new, state_since=since)


_NO_AGENT = (AgentState.NONE, AgentState.UNKNOWN)


def relisted(old: Instance, new: Instance) -> Instance:
    """Return an instance as a listing without its XML found it, with what was known before."""
    unknown = new.state is InstanceState.UNKNOWN
    same = new.state is old.state
    running = old.state.active if unknown else new.state.active
    return replace(
        old,
        name=new.name or old.name,
        state=old.state if unknown else new.state,
        reason=old.reason if unknown or (same and not new.reason) else new.reason,
        id=new.id,
        persistent=new.persistent,
        autostart=new.autostart,
        managed_save=new.managed_save,
        agent=old.agent if running or old.agent in _NO_AGENT else AgentState.DISCONNECTED,
    )


def on_read(tables: Tables, read: InstanceRead) -> None:
    """Take over a reading: it is the truth, whatever events made us guess."""
    key = read.instance.key
    old = tables.instances.get(key)
    instance = read.instance
    if old is not None and not instance.described:
        instance = relisted(old, instance)
    new_and_unseen = old is None and (read.host, "instances") not in tables.listed
    tables.moved[key] = read.at
    put_instance(tables, settled(old, instance, None if new_and_unseen else read.at), read.at)


def on_described(tables: Tables, described: InstancesDescribed) -> None:
    """Take over what the XML of instances says; their state and flags stay as they are known."""
    for instance in described.instances:
        old = tables.instances.get(instance.key)
        if old is not None:
            put_instance(tables, with_description(old, instance), described.at)


def with_description(old: Instance, read: Instance) -> Instance:
    """Return an instance as it is known, with what its XML says."""
    connected = old.state.active or read.agent is AgentState.NONE
    return replace(
        read,
        name=old.name,
        state=old.state,
        reason=old.reason,
        state_since=old.state_since,
        id=old.id,
        persistent=old.persistent,
        autostart=old.autostart,
        managed_save=old.managed_save,
        agent=read.agent if connected else AgentState.DISCONNECTED,
    )


def on_gone(tables: Tables, gone: InstanceGone) -> None:
    """Remove an instance that is neither defined nor running."""
    key = ObjectKey("instance", gone.host, gone.uuid)
    findings.told(tables, key, findings.APPEARED)  # by a listing that is older than its end
    drop_instance(tables, key)


def on_lifecycle(tables: Tables, event: InstanceLifecycle) -> None:
    """Show at once what a lifecycle event says; a reading will follow."""
    key = event.subject
    old = tables.instances.get(key)
    if event.change == "started":
        tables.samples.get(key.host, {}).pop(key.id, None)  # its counters begin at zero
    new = lifecycle.after(old, event)
    findings.told(tables, key, *lifecycle.tells(event, new))
    if new is not None:
        put_instance(tables, new, event.at)
        tables.moved[key] = event.at
        jobs.on_lifecycle(tables, event)
    elif old is not None:
        drop_instance(tables, key)
