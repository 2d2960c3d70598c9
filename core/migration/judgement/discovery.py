"""Migrations that somebody else started: found by their events and jobs, never by a timer.

libvirt tells of passes and of the instance that waits at a destination, not of a beginning; so a
host that comes into view is looked through once.
"""

from __future__ import annotations

from collections.abc import Iterator

from core.model import (
    Delta,
    Instance,
    InstanceState,
    Migration,
    MigrationStatus,
    ObjectKey,
    State,
)
from core.model.event import InstanceLifecycle, LinkEvent, MigrationIteration


def hints(news: Delta, state: State) -> Iterator[ObjectKey]:
    """Yield the instances, at their source, of which news says that they may be migrating. Pure."""
    for event in news.events:
        if isinstance(event, MigrationIteration):
            yield event.subject
        elif isinstance(event, InstanceLifecycle) and event.detail == "migrated":
            if event.change == "started":
                yield from sources(state, event.uuid, but=event.host)
            elif event.change == "suspended":
                yield event.subject


def sources(state: State, uuid: str, but: str) -> list[ObjectKey]:
    """Return where an instance that comes in at `but` may come from."""
    return [
        key
        for host in state.hosts
        if host != but and (key := ObjectKey("instance", host, uuid)) in state.instances
    ]


def came_up(news: Delta) -> list[str]:
    """Return the hosts whose link came up: what runs there already is to be found."""
    return [
        event.host for event in news.events if isinstance(event, LinkEvent) and event.change == "up"
    ]


def active(state: State, host: str) -> tuple[str, ...]:
    """Return the UUIDs of a host's instances that a job may run on."""
    return tuple(
        instance.uuid
        for key, instance in state.instances.items()
        if key.host == host and instance.state.active
    )


def destination(state: State, migration: Migration) -> str:
    """Return the open host an instance is on its way to, or has gone to; empty: none of them."""
    found: list[tuple[bool, str]] = []
    for host in state.hosts:
        if host == migration.host:
            continue
        instance = state.instances.get(ObjectKey("instance", host, migration.uuid))
        if instance is not None and instance.state.active:
            found.append((not waits(instance), host))
    return min(found)[1] if found else ""


def waits(instance: Instance) -> bool:
    """Whether an instance waits for its memory."""
    return instance.state is InstanceState.PAUSED and instance.reason == "migrating"


def foreign(instance: Instance, began: float) -> Migration:
    """Return the migration of somebody else, as it is first seen. `began`: epoch seconds."""
    return Migration(
        id=f"foreign-{instance.uuid}-{began:.0f}",
        host=instance.host,
        uuid=instance.uuid,
        name=instance.name,
        status=MigrationStatus.PREPARING,
        policy="manual",
        author="somebody else",
        foreign=True,
        created=began,
        started=began,
        memory=instance.memory_maximum,
        post_copy="allow",
    )
