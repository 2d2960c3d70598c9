"""What libvirt adds to the definition of a pool by itself, and what changes with use. Pure."""

from __future__ import annotations

from core.xml.definition.changes import changes

_COMPLETED = frozenset({"uuid", "name", "source", "permissions", "format", "target", "path"})
_FIGURES = frozenset({"capacity", "allocation", "available"})


def pool_completed(wanted: str, found: str) -> bool:
    """Whether what is found is what was wanted, but for what libvirt completes and measures."""
    return all(
        bool(_FIGURES & {tag for tag, _, _ in one.where})
        or (one.before is None and one.where[-1][0] in _COMPLETED)
        for one in changes(wanted, found, "pool")
    )
