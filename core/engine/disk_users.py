"""Who uses the disk an instance was refused, as far as the open hosts show it. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from core.errors import DiskInUseError
from core.model import Disk, Instance, LinkStatus, ObjectKey, State
from core.model.text import clean

_NOBODY = (
    "No instance of the open hosts uses it: look on the host for a program that does, such as "
    "qemu-img or qemu-nbd, or for an instance of a host that is not open."
)

_NOT_READ = "Which instance uses it is not known yet: the disks of some were not read. Try again."


def named(error: DiskInUseError, state: State, subject: ObjectKey) -> DiskInUseError:
    """Return the error with the disk's target and the instances that have the image open."""
    own = state.instances.get(subject)
    paths = {error.path} if error.path else _images(own)
    disks = [disk for disk in (() if own is None else own.disks) if _has(disk, {error.path})]
    users = sorted(_users(state, subject, paths))
    which = f" It is its disk {clean(disks[0].target)}." if disks else ""
    whom = f" It is used by {' and by '.join(users)}." if users else ""
    nobody = _NOT_READ if any(not item.described for item in state.instances.values()) else _NOBODY
    hint = error.hint if users else f"{error.hint} {nobody}"
    return DiskInUseError(f"{error.message}{which}{whom}", hint, error.code, error.path)


def _users(state: State, subject: ObjectKey, paths: set[str]) -> Iterator[str]:
    for key, instance in state.instances.items():
        if key == subject or not instance.state.active:
            continue
        if any(_has(disk, paths) for disk in instance.disks):
            host = state.hosts.get(key.host)
            up = host is not None and host.link.status is LinkStatus.UP
            seen = "" if up else ", as it was last seen"
            yield f"{clean(instance.name)} on {clean(key.host)} ({instance.state.value}{seen})"


def _has(disk: Disk, paths: set[str]) -> bool:
    return any(layer.path in paths for layer in disk.layers)


def _images(instance: Instance | None) -> set[str]:
    if instance is None:
        return set()
    written = (layer for disk in instance.disks for layer in disk.layers[: 1 + len(disk.data)])
    return {layer.path for layer in written if layer.path}
