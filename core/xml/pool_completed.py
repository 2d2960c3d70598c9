"""What libvirt adds to the definition of a pool by itself, and what changes with use. Pure."""

from __future__ import annotations

import re

from core.xml.definition.changes import Change, changes

_COMPLETED = frozenset(
    {
        *("uuid", "name", "source", "permissions", "format", "target", "path"),
        *("owner", "group", "label"),  # once it was read, of a pool that names its mode
    }
)
_FIGURES = frozenset({"capacity", "allocation", "available"})


def pool_completed(wanted: str, found: str) -> bool:
    """Whether what is found is what was wanted, but for what libvirt completes and measures."""
    return all(_by_libvirt(one) for one in changes(wanted, found, "pool"))


def _by_libvirt(change: Change) -> bool:
    tag = change.where[-1][0]
    if _FIGURES & {name for name, _, _ in change.where}:
        return True
    if change.before is None:
        return tag in _COMPLETED
    same = _plain(change.before) == _plain(change.after or "")
    return tag == "path" and same


def _plain(path: str) -> str:
    """Return a path as libvirt keeps it."""
    return re.sub("/+", "/", path).rstrip("/")
