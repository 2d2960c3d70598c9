"""What ends at a destination because its migration does: no fault of the instance there. Pure.

An abort at the source makes the destination's hypervisor process end by itself. libvirt tells that
as it tells a crash: an error of the monitor, then a stop that failed.
"""

from __future__ import annotations

from msgspec.structs import replace

from core.model import Answer, Event, Instance, InstanceState, Migration, MigrationStatus, SteerKind
from core.model.event import ControlError, InstanceLifecycle
from core.state.tables import Tables

ABORTED, BROKEN = "aborted-migration", "incoming-migration"
"""What an end belongs to: a migration that was aborted from a console; one of which that is not
known."""
BELONGS = 60.0
"""Seconds after the end of a migration in which its destination may still tell of it."""


def waits(instance: Instance | None) -> bool:
    """Whether an instance waits for the memory of a migration."""
    return (
        instance is not None
        and instance.state is InstanceState.PAUSED
        and instance.reason in ("migrating", "starting up")
    )


def in_context(tables: Tables, event: Event) -> Event:
    """Return the event, with its cause where it is the end of an instance that came in."""
    if isinstance(event, InstanceLifecycle):
        if event.change != "stopped" or event.detail not in ("failed", "crashed"):
            return event
    elif not isinstance(event, ControlError):
        return event
    instance = tables.instances.get(event.subject)
    incoming = waits(instance)
    if (incoming or instance is None or not instance.state.active) and _aborted(tables, event):
        return replace(event, cause=ABORTED)
    return replace(event, cause=BROKEN) if incoming else event


def _aborted(tables: Tables, event: Event) -> bool:
    """Whether the newest migration of the instance to this host was aborted, or is being."""
    for row in reversed(list(tables.migrations.picture().values())):
        if row.uuid == event.uuid and row.to in (event.host, ""):
            recent = row.ended is None or event.at - row.ended <= BELONGS
            return recent and (row.status is MigrationStatus.ABORTED or _is_asked_to_abort(row))
    return False


def _is_asked_to_abort(row: Migration) -> bool:
    return any(
        record.steer.kind is SteerKind.ABORT and record.answer is not Answer.REFUSED
        for record in row.steering
    )
