"""What is read of an instance because somebody looks at it: snapshots and block jobs.

No listing has them. What makes, reverts to and deletes snapshots mostly tells nothing: what our own
verbs change is read after their calls, what others change when an event hints at it, or when
somebody looks again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Protocol, TypeVar

from core.clock import Clock
from core.errors import VirtdeckError
from core.hypervisor.connection.binding import Connection
from core.hypervisor.observe.stale_reads import StaleReads
from core.model.checkpoint import Checkpoint
from core.model.event import InstanceLifecycle, JobCompleted
from core.model.instance import Snapshot
from core.model.job import JOB_OPERATION
from core.model.observation import (
    BackupRead,
    BlockJobsRead,
    CheckpointsRead,
    DetailRead,
    InstanceGone,
    Observation,
    SnapshotsRead,
)
from core.model.run import BlockJob

T = TypeVar("T")
_OPERATIONS = frozenset(
    JOB_OPERATION.index(word) for word in ("snapshot", "snapshot-revert", "snapshot-delete")
)


def may_change_snapshots(observation: Observation) -> str:
    """Return the UUID of the instance whose snapshots an event may have changed, or nothing. Pure.

    A revert moves the current one and tells of itself by lifecycle events; a snapshot with memory
    is a job.
    """
    if isinstance(observation, InstanceLifecycle) and observation.detail == "from-snapshot":
        return observation.uuid
    if isinstance(observation, JobCompleted) and observation.values.get("operation") in _OPERATIONS:
        return observation.uuid
    return ""


class InstanceCalling(Protocol):
    """How a function gets to a connection of the host."""

    def __call__(self, function: Callable[[Connection], T], *, uuid: str) -> Awaitable[T]:
        """Run `function(conn)`; calls about one instance are made in order."""
        ...


class InstanceLooks:
    """Reads what only somebody who looks at an instance needs. On the core's loop.

    The snapshots of those that were looked at are read again after what may have changed them.
    """

    def __init__(
        self,
        host: str,
        call: InstanceCalling,
        reread: Callable[[str], Awaitable[object]],
        clock: Clock,
        sink: Callable[[Observation], None],
    ) -> None:
        """`reread` reads an instance itself, in its turn with all that is read of instances."""
        self._host = host
        self._call = call
        self._reread = reread
        self._clock = clock
        self._sink = sink
        self._known: set[str] = set()
        """The instances whose snapshots were read, and are kept in the state."""
        self._being_read: Counter[str] = Counter()
        self._links = 0
        """How many links were lost."""
        self._stale = StaleReads("snapshots", self._read_snapshots)

    @contextmanager
    def reading(self, uuid: str) -> Iterator[None]:
        """Have the snapshots read once more where an event tells of them while this is read."""
        self._being_read[uuid] += 1
        try:
            yield
        finally:
            self._being_read[uuid] -= 1
            self._being_read += Counter()  # keeps what is left

    async def snapshots(self, uuid: str) -> tuple[Snapshot, ...] | None:
        """Read the snapshots of an instance now and hand them over; None when it is gone.

        Of one that has external ones the instance is read as well, after them, and handed over
        first: no event tells that its disks go on in other files. Raises as `Hypervisor.call` does.
        """
        from core.hypervisor.observe.snapshots import read_snapshots_of

        at, links = self._clock.now(), self._links
        with self.reading(uuid):
            read = await self._call(
                lambda conn: read_snapshots_of(conn, self._host, uuid), uuid=uuid
            )
            if read is not None and any(one.external for one in read):
                await self._reread(uuid)
            if read is not None and links == self._links:
                self._sink(SnapshotsRead(self._host, at, uuid, read))
        return read

    async def block_jobs(self, uuid: str) -> tuple[BlockJob, ...] | None:
        """Read the block jobs of an instance now and hand them over; None: they are not known.

        Raises as `Hypervisor.call` does.
        """
        from core.hypervisor.observe.block_jobs import read_block_jobs_of

        at = self._clock.now()
        read = await self._call(lambda conn: read_block_jobs_of(conn, uuid, at), uuid=uuid)
        if read is not None:
            self._sink(BlockJobsRead(self._host, at, uuid, read))
        return read

    async def checkpoints(self, uuid: str) -> tuple[Checkpoint, ...] | None:
        """Read the checkpoints of an instance now and hand them over; None when it is gone.

        Raises as `Hypervisor.call` does.
        """
        from core.hypervisor.observe.checkpoints import read_checkpoints_of

        at = self._clock.now()
        read = await self._call(lambda conn: read_checkpoints_of(conn, uuid), uuid=uuid)
        if read is not None:
            self._sink(CheckpointsRead(self._host, at, uuid, read))
        return read

    async def backup(self, uuid: str) -> bool | None:
        """Read whether a backup of an instance is under way, and hand that over; None: not known.

        Raises as `Hypervisor.call` does.
        """
        from core.hypervisor.observe.checkpoints import backup_runs

        at = self._clock.now()
        runs = await self._call(lambda conn: backup_runs(conn, uuid), uuid=uuid)
        if runs is not None:
            self._sink(BackupRead(self._host, at, uuid, runs))
        return runs

    def notice(self, observation: Observation) -> None:
        """Note what was read, what is gone, and what an event made out of date."""
        if isinstance(observation, SnapshotsRead):
            self._known.add(observation.uuid)
        elif isinstance(observation, DetailRead):
            if observation.detail.snapshots is not None:
                self._known.add(observation.detail.uuid)
        elif isinstance(observation, InstanceGone):
            self._known.discard(observation.uuid)
        elif (uuid := may_change_snapshots(observation)) and (
            uuid in self._known or uuid in self._being_read
        ):
            self._stale.add((uuid,))

    def forget(self) -> None:
        """Forget what was read: the link is lost."""
        self._known.clear()
        self._links += 1
        self._stale.forget()

    async def close(self) -> None:
        """Read nothing again any more."""
        self.forget()
        await self._stale.close()

    async def _read_snapshots(self, uuids: tuple[str, ...]) -> None:
        for uuid in uuids:
            with suppress(VirtdeckError):
                await self.snapshots(uuid)
