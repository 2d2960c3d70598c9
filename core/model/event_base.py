"""What every event has."""

from __future__ import annotations

from core.model.base import ObjectKey, Value, kebab

Scalar = str | int | float | bool | None


class Event(Value, frozen=True, tag_field="event", tag=kebab):
    """What all events have. `at` is when our callback ran: libvirt gives no time."""

    host: str
    at: float
    uuid: str
    name: str

    @property
    def subject(self) -> ObjectKey:
        """The object it is about."""
        return ObjectKey("instance", self.host, self.uuid)
