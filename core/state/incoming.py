"""Ends that libvirt tells as it tells a crash and that are no fault of the instance. Pure.

A guest that powers off ends its hypervisor process, and on a busy host libvirt may be asking it
something just then: an error of the monitor, after the news that the instance is shutting down.

An abort at the source makes the destination's hypervisor process end by itself. libvirt tells that
as it tells a crash: an error of the monitor, then a stop that failed.
"""

from __future__ import annotations

from msgspec.structs import replace

from core.model import Answer, Event, Instance, InstanceState, Migration, MigrationStatus, SteerKind
from core.model.event import ControlError, InstanceLifecycle
from core.state.tables import Tables

ABORTED, BROKEN, ENDING = "aborted-migration", "incoming-migration", "shutdown"
"""What an end belongs to: a migration that was aborted from a console; one of which that is not
known; a shutdown."""
BELONGS = 60.0
"""Seconds after the end of a migration in which its destination may still tell of it."""


def waits(instance: Instance | None) -> bool:
    """Whether an instance waits for the memory of a migration, or is ended while it does.

    libvirt 11.3 tells of a shutdown by the host before it tells of the stop; 9.0 did not.
    """
    return (
        instance is not None
        and instance.state in (InstanceState.PAUSED, InstanceState.SHUTTING_DOWN)
        and instance.reason in ("migrating", "starting up")
    )


def in_context(tables: Tables, event: Event) -> Event:
    """Return the event, with its cause where it is the end of an instance that came in."""
    if isinstance(event, InstanceLifecycle):
        if event.change != "stopped" or event.detail not in ("failed", "crashed"):
            return event
    elif not isinstance(event, ControlError):
        return event
    instance, row = tables.instances.get(event.subject), _newest(tables, event.uuid)
    if row is not None and row.host == event.host and not row.status.final:
        return event  # it stands still at its source
    incoming = waits(instance)
    over = instance is None or not instance.state.active
    if (incoming or over) and row is not None and _aborted(row, event):
        return replace(event, cause=ABORTED)
    if incoming:
        return replace(event, cause=BROKEN)
    return replace(event, cause=ENDING) if _powers_off(instance, event) else event


def _powers_off(instance: Instance | None, event: Event) -> bool:
    """Whether a monitor is lost because its instance is shutting down."""
    ends = instance is not None and instance.state is InstanceState.SHUTTING_DOWN
    return ends and isinstance(event, ControlError)


def _newest(tables: Tables, uuid: str) -> Migration | None:
    rows = reversed(list(tables.migrations.picture().values()))
    return next((row for row in rows if row.uuid == uuid), None)


def _aborted(row: Migration, event: Event) -> bool:
    """Whether a migration to the event's host was aborted, or is being."""
    recent = row.ended is None or event.at - row.ended <= BELONGS
    asked = row.status is MigrationStatus.ABORTED or _is_asked_to_abort(row)
    return row.to in (event.host, "") and recent and asked


def _is_asked_to_abort(row: Migration) -> bool:
    return any(
        record.steer.kind is SteerKind.ABORT and record.answer is not Answer.REFUSED
        for record in row.steering
    )
