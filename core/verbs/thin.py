"""Warnings of a pool that has less free than what is made there, or grows, may come to take. Pure.

What is made of files takes nothing before it is written to, so that libvirt makes it however large:
it is the guest that is stopped once the pool is full.
"""

from __future__ import annotations

from collections.abc import Sequence

from core.model import Instance, Pool, Request, State, Volume
from core.model.sizes import size_words
from core.model.storage import OF_DEVICES
from core.model.text import clean
from core.state.storage_rows import pool_key
from core.verbs.growing import growths, volume_of_disk


def thin_words(pool: Pool | None, name: str, wanted: int, taken: int = 0) -> list[str]:
    """Say where a volume of files may come to take more than its pool has free.

    `wanted` is what its guest may write, `taken` what it takes of the pool already.
    """
    if pool is None or pool.type in OF_DEVICES or pool.available is None:
        return []
    if (more := wanted - taken) <= pool.available:
        return []
    text = f"The pool {clean(pool.name)} has {size_words(pool.available)} free, and {clean(name)} "
    text += f"may come to take {size_words(more)}{' more' if taken else ''}: "
    return [f"{text}once the pool is full its guest is paused, or gets I/O errors."]


def growing_words(state: State, volume: Volume | None, wanted: int) -> list[str]:
    """Say so of a volume that grows."""
    if volume is None or wanted <= (volume.capacity or 0):
        return []
    pool = state.pools.get(pool_key(volume))
    return thin_words(pool, volume.name, wanted, volume.allocation or 0)


def growth_words(state: State, instance: Instance | None, given: Sequence[str]) -> list[str]:
    """Say which pools have less free than the disks that grow may come to take."""
    if instance is None:
        return []
    known, found = {disk.target: disk for disk in instance.disks}, list[str]()
    for target, wanted in growths(given).items():
        if (disk := known.get(target)) is not None:
            found += growing_words(state, volume_of_disk(state.volumes, instance, disk), wanted)
    return found


def grown_words(state: State, requests: Sequence[Request]) -> list[str]:
    """Say so of all that requests have grow."""
    return [
        sentence
        for one in requests
        for sentence in growth_words(
            state, state.instances.get(one.subject), getattr(one, "grow", ())
        )
    ]
