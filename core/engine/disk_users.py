"""Who uses the disk an instance was refused, as far as the open hosts show it.

A command that reads once may be refused before the hosts have told what disks others have: they are
given the time for that, so that the answer does not depend on who was faster.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator

from core.engine.port import Hosts
from core.errors import DiskInUseError
from core.model import Disk, Instance, LinkStatus, ObjectKey, State
from core.model.lists import listed
from core.model.text import clean

PATIENCE = 20.0
"""Seconds that the hosts are given to tell the disks of what runs there."""
_LOOK_AGAIN = 0.1

_NOBODY = (
    "No instance of the open hosts was seen to use it: one may just be starting. Else look on the "
    "host for a program that does, such as qemu-img or qemu-nbd, or for an instance of a host that "
    "is not open."
)

_NOT_READ = (
    "Which instance uses it is not known: the disks of {} were not read. See `virtdeck show` of it."
)


async def told(
    hosts: Hosts, state: Callable[[], State], error: DiskInUseError, subject: ObjectKey
) -> DiskInUseError:
    """Return the error as `named` does, once what runs elsewhere has told its disks.

    Waits while the hosts go on reading, `PATIENCE` seconds at most.
    """
    loop = asyncio.get_running_loop()
    end = loop.time() + PATIENCE
    while loop.time() < end:
        reading = {row.host for row in _unread(state(), subject)}
        if not any(map(hosts.reads_on, reading)):
            break
        await asyncio.sleep(_LOOK_AGAIN)
    return named(error, state(), subject)


def named(error: DiskInUseError, state: State, subject: ObjectKey) -> DiskInUseError:
    """Return the error with the disk's target and the instances that have the image open. Pure."""
    own = state.instances.get(subject)
    paths = {error.path} if error.path else _images(own)
    disks = [disk for disk in (() if own is None else own.disks) if _has(disk, {error.path})]
    users = sorted(_users(state, subject, paths))
    which = f" It is its disk {clean(disks[0].target)}." if disks else ""
    if len(disks) > 1:  # QEMU locks it once for each
        names = " and ".join(clean(disk.target) for disk in disks)
        which = f" It is its disks {names}, both: take one of them away."
    whom = f" It is used by {' and by '.join(users)}." if users else ""
    unread = [f"{clean(row.name)} on {clean(row.host)}" for row in _unread(state, subject)]
    nobody = _NOT_READ.format(listed(unread)) if unread else _NOBODY
    hint = error.hint if users or len(disks) > 1 else f"{error.hint} {nobody}"
    return DiskInUseError(f"{error.message}{which}{whom}", hint, error.code, error.path)


def _unread(state: State, subject: ObjectKey) -> list[Instance]:
    """Return the instances that may have the image open, as far as is known of their disks."""
    return [
        row
        for key, row in state.instances.items()
        if key != subject and row.state.active and not row.described
    ]


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
