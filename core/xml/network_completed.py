"""What libvirt adds to the definition of a network by itself. Pure."""

from __future__ import annotations

from core.xml.definition.changes import Change, changes

_COMPLETED = frozenset({"uuid", "mac", "bridge", "name", "stp", "delay", "nat", "port", "mode"})


def completed(wanted: str, found: str) -> bool:
    """Whether what is found is what was wanted but for what libvirt itself completes."""
    return all(
        one.before is None and _name(one) in _COMPLETED for one in changes(wanted, found, "network")
    )


def _name(change: Change) -> str:
    """Return the name of what changed: an element, or an attribute."""
    kind, name, _ = change.where[-1]
    return name if kind == "@" else kind
