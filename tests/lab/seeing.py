"""Waiting until a fleet shows what libvirt itself tells: for a test that changed it past the fleet.

What a test does with virsh, with a file or with a signal comes to the fleet by an event, some time
later, or by none. What is asked of the fleet before that is judged by how it was.
"""

from __future__ import annotations

import asyncio

from core.fleet import Fleet
from core.model import Instance, InstanceState, ObjectKey
from tests.patience import PATIENCE

SECONDS = 40.0


async def caught_up(fleet: Fleet, key: ObjectKey) -> Instance | None:
    """Wait until the fleet has an instance as libvirt has it now, XML and all; None: it is gone.

    It is read until two readings and the picture agree: a reading comes after the events that were
    told before it, but they reach the picture by another thread.
    """
    before: tuple[object, ...] | None = None
    try:
        async with asyncio.timeout(SECONDS * PATIENCE):
            while True:
                read = await fleet.read(key)
                shown = fleet.state.instances.get(key)
                if read is None and shown is None:
                    return None
                now = _standing(read)
                if read is not None and read.described and before == now == _standing(shown):
                    return shown
                before = now
                await asyncio.sleep(0.01)
    except TimeoutError:
        row = fleet.state.instances.get(key)
        raise AssertionError(f"{key} is not read: {before}, and shown as {row}") from None


def _standing(instance: Instance | None) -> tuple[object, ...] | None:
    """What tells one run of an instance, and one moment of it, from another."""
    if instance is None:
        return None
    return instance.name, instance.state, instance.reason, instance.id, instance.managed_save


async def key_of(
    fleet: Fleet, name: str, state: InstanceState | None = None, host: str = ""
) -> ObjectKey:
    """The key of an instance that a test has just made, once the fleet has all of it.

    Without a `state` it may be in any, without a `host` on any.
    """

    def is_it(row: Instance) -> bool:
        return row.name == name and state in (None, row.state) and host in ("", row.host)

    try:
        async with asyncio.timeout(SECONDS * PATIENCE):
            while True:
                for row in list(fleet.state.instances.values()):
                    if is_it(row) and (now := await caught_up(fleet, row.key)) and is_it(now):
                        return row.key
                await asyncio.sleep(0.05)
    except TimeoutError:
        rows = [row for row in fleet.state.instances.values() if row.name == name]
        raise AssertionError(f"{name} is not seen {state or ''}: {rows}") from None


async def answers(fleet: Fleet, host: str) -> None:
    """Wait until a host whose daemon was ended and started again answers the fleet.

    Its link may still be shown as up: nobody may have noticed yet that it was lost.
    """
    from core.errors import VirtdeckError

    async with asyncio.timeout(SECONDS * PATIENCE):
        while True:
            row = next(one for one in fleet.state.instances.values() if one.host == host)
            try:
                await fleet.read(row.key)
            except VirtdeckError:
                await asyncio.sleep(0.05)
            else:
                return
