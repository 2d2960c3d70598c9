"""The snapshots of the instances that somebody looked at. Pure.

libvirt has no event for a snapshot and no call that lists those of all instances, so they are read
with the details of an instance, and again after what may have changed them.
"""

from __future__ import annotations

from msgspec.structs import replace

from core.model import ObjectKey, Snapshot
from core.model.observation import BlockJobsRead, DetailRead, SnapshotsRead
from core.state import runs
from core.state.tables import Tables


def on_read(tables: Tables, read: SnapshotsRead) -> None:
    """Take over the snapshots of an instance, unless a later reading is known."""
    _put(tables, ObjectKey("instance", read.host, read.uuid), read.snapshots, read.at)


def on_detail(tables: Tables, read: DetailRead) -> None:
    """Take over what the details of an instance say of its snapshots and block jobs."""
    detail = read.detail
    if detail.snapshots is not None:
        _put(tables, ObjectKey("instance", read.host, detail.uuid), detail.snapshots, detail.at)
    if detail.block_jobs is not None:
        told = BlockJobsRead(read.host, detail.at, detail.uuid, detail.block_jobs)
        runs.on_block_jobs_read(tables, told)


def drop(tables: Tables, key: ObjectKey) -> None:
    """Forget the snapshots of an instance."""
    for snapshot in tables.snapshots.get(key) or ():
        tables.mark_gone(snapshot.key)
    if tables.snapshots.drop(key):
        tables.mark(key)
    tables.snapshots_read.pop(key, None)


def forget(tables: Tables, host: str) -> None:
    """Forget those of a host that is in reach again: what became of them meanwhile nobody told."""
    for key in [key for key in tables.snapshots if key.host == host]:
        drop(tables, key)


def _put(tables: Tables, key: ObjectKey, read: tuple[Snapshot, ...], at: float) -> None:
    if key not in tables.instances or at < tables.snapshots_read.get(key, at):
        return
    tables.snapshots_read[key] = at
    # older tapes do not say whose they are
    snapshots = tuple(replace(one, host=key.host, uuid=key.id) for one in read)
    before = {one.key: one for one in tables.snapshots.get(key) or ()}
    if not tables.snapshots.put(key, snapshots):
        return
    tables.mark(key)
    for one in snapshots:
        if before.pop(one.key, None) != one:
            tables.mark(one.key)
    for gone in before:
        tables.mark_gone(gone)
