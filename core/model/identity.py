"""Which host is meant: names are the operator's own, they change, and two fleets may share them."""

from __future__ import annotations

from core.model.base import Value


class HostIdentity(Value, frozen=True):
    """What was known of a host when something about it was written down. Empty: not known."""

    name: str
    """What it was called then."""
    uri: str = ""
    """Its address then, without secrets."""
    uuid: str = ""
    """libvirt's host UUID."""
    hostname: str = ""
    """What it called itself."""
