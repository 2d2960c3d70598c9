"""What an instance's XML must say at the destination of a migration."""

from __future__ import annotations

from core.model.base import Value


class Rewrites(Value, frozen=True):
    """The differences between the source's XML and the destination's (nova-map 2.3)."""
