"""Which operations were about a volume or a pool, as far as they are remembered. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from core.model import ObjectKey, OperationRecord, Pool, State, Volume
from core.model.connected_volume import ConnectedVolume
from core.state.connections import connections_of, leftovers


def operations_about(state: State, row: Pool | Volume) -> list[OperationRecord]:
    """Return the operations of a pool and its volumes, or of a volume, the newest first.

    Those of instances count where an option names the volume by its path or as POOL/VOLUME.
    """
    every = reversed(tuple(state.operations.values()))
    if isinstance(row, Pool):
        return [one for one in every if _of_pool(one, row)]
    return [one for one in every if _of_volume(one, row)]


def _of_pool(record: OperationRecord, pool: Pool) -> bool:
    subject = record.subject
    if subject.host != pool.host:
        return False
    return subject == pool.key or (
        subject.kind == "volume" and subject.id.startswith(f"{pool.uuid}/")
    )


def _of_volume(record: OperationRecord, volume: Volume) -> bool:
    if record.subject == volume.key:
        return True
    if record.host != volume.host:
        return False
    if record.subject == ObjectKey("pool", volume.host, volume.pool):
        return bool(record.options.get("name") == volume.name)
    named = f"{volume.pool_name}/{volume.name}"
    names = {named, f"{volume.host}/{named}", volume.path} - {""}
    return any(text in names for text in _texts(record.options.values()))


def _texts(values: Iterable[Any]) -> Iterator[str]:
    for value in values:
        if isinstance(value, str):
            yield value
        elif isinstance(value, list | tuple):
            yield from _texts(value)


def connections_at(state: State, row: Volume) -> list[tuple[ObjectKey, ConnectedVolume, bool]]:
    """Return who had the device of a volume connected, by its path, and whether it is left over."""
    left = {(subject, one.slot) for subject, one in leftovers(state)}
    return [
        (subject, one, (subject, one.slot) in left)
        for subject in state.instances
        if subject.host == row.host
        for one in connections_of(state, subject).values()
        if one.path == row.path
    ]
