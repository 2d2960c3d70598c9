"""Which object has to be read again after an event. Pure."""

from __future__ import annotations

from core.model import event as events
from core.model.base import ObjectKey

# What these tell is complete in itself, or shows in the statistics; a lifecycle event follows where
# the state changes as well.
_COMPLETE = (
    events.Rebooted,
    events.ClockChanged,
    events.WatchdogFired,
    events.IoError,
    events.GraphicsChanged,
    events.MigrationIteration,
    events.BlockThreshold,
    events.MemoryFailure,
    events.LinkEvent,
    events.Found,
)
_READ = frozenset({"instance", "pool", "network"})


def stale_after(event: events.Event) -> ObjectKey | None:
    """Return the object whose description the event made out of date, if any."""
    if isinstance(event, _COMPLETE):
        return None
    subject = event.subject
    return subject if subject.kind in _READ and subject.id else None
