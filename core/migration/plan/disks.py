"""Which disks of an instance are copied to the destination (nova-map 2.2). Pure."""

from __future__ import annotations

from collections.abc import Iterator

from core.model import Disk
from core.verbs.migration.requests import Migrate

_COPIED_TYPES = ("file", "block")


def disks_to_copy(
    request: Migrate, disks: tuple[Disk, ...]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the targets to copy, and a sentence for each disk that is left out.

    Without `request.disks`, those of a file or block device that only this instance writes to and
    that the rewrites do not connect to a volume at the destination.
    """
    if request.storage == "shared":
        return (), ()
    if request.disks:
        return tuple(disk.target for disk in disks if disk.target in request.disks), ()
    reasons = {disk.target: why_not_copied(request, disk) for disk in disks}
    return (
        tuple(target for target, reason in reasons.items() if reason is None),
        tuple(f"{target} is not copied: {reason}." for target, reason in reasons.items() if reason),
    )


def why_not_copied(request: Migrate, disk: Disk) -> str | None:
    """Return why a disk is not copied; None: it is; empty: there is nothing in it to speak of."""
    if disk.source is None:
        return ""
    reason = _never_copied(request, disk)
    if reason is None and disk.source.type not in _COPIED_TYPES:
        return f"its source is of type {disk.source.type}, name it to copy it all the same"
    return reason


def _never_copied(request: Migrate, disk: Disk) -> str | None:
    if disk.read_only:
        return "it is read-only"
    if disk.shareable:
        return "other instances may use it"
    if any(volume.serial == disk.serial for volume in request.rewrites.volumes):
        return "it is a volume that the destination connects to"
    return None


def disk_objections(request: Migrate, disks: tuple[Disk, ...], name: str) -> Iterator[str]:
    """Yield what speaks against the disks that are named to be copied."""
    by_target = {disk.target: disk for disk in disks}
    for target in request.disks:
        disk = by_target.get(target)
        if disk is None:
            known = f"it has {', '.join(by_target)}" if by_target else "it has none"
            yield f"{name} has no disk {target!r} to copy: {known}."
        elif disk.source is None:
            yield f"{target} cannot be copied: it is an empty drive."
        elif reason := _never_copied(request, disk):
            yield f"{target} cannot be copied: {reason}."
