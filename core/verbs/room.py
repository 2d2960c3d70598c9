"""Whether a pool of devices has the room for a volume that is made, or grows. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from core.model import Pool, State, Volume
from core.model.sizes import size_words
from core.model.storage import OF_DEVICES
from core.model.text import clean
from core.state.storage_rows import pool_key
from core.verbs.refusal import Refusal, RefusalCode


def against_room(pool: Pool | None, more: int, field: str = "size") -> Iterator[Refusal]:
    """Tell where a pool of devices, which are as large as they say, has no room for more."""
    if pool is None or pool.type not in OF_DEVICES or pool.available is None:
        return
    if more > pool.available:
        text = f"{clean(pool.name)} has {size_words(pool.available)} left"
        yield Refusal(RefusalCode.PARAMETER, text, "give less", field)


def against_growing(state: State, volume: Volume, wanted: int, field: str) -> Iterator[Refusal]:
    """Tell where a volume is to be larger than its pool lets it be."""
    more = wanted - (volume.capacity or 0)
    yield from against_room(state.pools.get(pool_key(volume)), more, field)
