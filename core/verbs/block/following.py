"""A block job of an operation, followed to its end: what is known of it, and what is made of that.

Events tell how it ends. What ends while nobody listens, or with its QEMU, is told by the chain in
the instance's XML alone: a job that vanished is a failure until that shows otherwise. Pure.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from core.model import BlockJob, BlockJobState, Disk, Instance
from core.model.event import BlockJobChanged
from core.verbs.block.calls import BlockAbortCall
from core.verbs.call import Call
from core.verbs.situation import Send, Sent, Situation, Wait

GRACE = 3.0
"""Seconds an event may come later than a reading that no longer shows its job: they come on
different connections."""
LOOK_EVERY, LATER_EVERY, EARLY = 2.0, 5.0, 60.0
"""Seconds between two looks, in the first minute and later: events tell of the ends."""


@dataclass(frozen=True, slots=True)
class Followed:
    """The job that the first call of an operation, or a later one, began."""

    now: Situation
    begun: Sent
    """The call."""
    disk: str
    kind: str
    """pull, copy, commit, active-commit, backup."""
    shows: Callable[[Situation], bool]
    """Whether the instance's chain of images shows that it was completed."""

    @property
    def job(self) -> BlockJob | None:
        """What was told of it; None: nothing since it was begun, or since the link was lost."""
        job = self.now.run.block_job(self.disk)
        mine = job is not None and job.type == self.kind and job.at >= self.begun.at
        return job if mine else None

    @property
    def state(self) -> BlockJobState | None:
        """How it stands; None: that cannot be told now. Completed is also what the chain shows."""
        now, job = self.now, self.job
        if job is not None and job.state is not BlockJobState.VANISHED:
            return job.state
        if self.shows(now):
            return BlockJobState.COMPLETED
        gone = self._gone
        unseen = not now.link_up or now.looked is None or now.looked < gone
        unseen = unseen or (now.instance is not None and _unread(now.instance))
        return None if unseen or now.now < gone + GRACE else BlockJobState.VANISHED

    @property
    def was_ready(self) -> bool:
        """Whether it was seen to wait for a pivot or an abort."""
        return any(
            isinstance(event, BlockJobChanged)
            and (event.disk, event.status) == (self.disk, "ready")
            for event in self.now.events
            if event.at >= self.begun.at
        )

    @property
    def ended_with_it(self) -> str:
        """Say, to follow what became of it, that its instance went first; empty: it did not."""
        instance, name = self.now.instance, self.now.name
        if instance is None:
            return f": {name} is gone"
        if not instance.state.active:
            return f": {name} was turned off meanwhile"
        return f": {name} was started anew meanwhile" if self.now.restarted else ""

    def sent(self, kind: type[Call]) -> Sent | None:
        """Return the newest call of a kind since it was begun; None: none was sent."""
        since = self.now.sent[self.now.sent.index(self.begun) :]
        return next((one for one in reversed(since) if isinstance(one.call, kind)), None)

    def wait(self) -> Wait:
        """Wait for what is told, and look now and then."""
        now = self.now
        if not now.link_up:
            return Wait(now.now + LOOK_EVERY)
        every = LOOK_EVERY if now.now < self.begun.at + EARLY else LATER_EVERY
        looked = max(now.looked or 0.0, now.last.ended or now.last.at)
        return Wait(looked + every, share=None if self.job is None else self.job.progress)

    def abort(self, why: str) -> Send | None:
        """End it; None: that was sent already, and is waited for."""
        return self.once(BlockAbortCall(self.disk), f"ending it: {why}")

    def once(self, call: Call, text: str) -> Send | None:
        """Send a call, unless its answer is there or still comes; None: it is waited for.

        One of which a console that ended never heard is made again: it does no harm.
        """
        before = self.sent(type(call))
        lost = before is not None and before.ended is None
        if before is None or (lost and before.at < (self.now.progress.adopted or 0.0)):
            return Send(call, text)
        return None

    @property
    def _gone(self) -> float:
        """Since when it is not there."""
        job, adopted = self.job, self.now.progress.adopted or 0.0
        return job.at if job is not None else max(self.begun.ended or self.begun.at, adopted)


def disk_of(now: Situation, target: str) -> Disk | None:
    """Return a disk of the instance as last read; None: it has none of that name."""
    disks = () if now.instance is None else now.instance.disks
    return next((disk for disk in disks if disk.target == target), None)


def chain_of(now: Situation, target: str) -> Disk | None:
    """Return a disk whose whole chain is told; None: of an instance that is off, or gone, none is.

    What is defined names the image in use alone: that nothing is named below proves nothing.
    """
    seen = now.instance
    told = seen is not None and seen.state.active and seen.described and not _unread(seen)
    return disk_of(now, target) if told else None


def _unread(instance: Instance) -> bool:
    """Whether it was started and not read since: its disks are as they are defined."""
    return instance.state.active and instance.id is None


def writes_to(now: Situation, target: str, path: str) -> bool:
    """Whether a disk writes to an image."""
    disk = disk_of(now, target)
    return disk is not None and disk.source is not None and disk.source.path == path


def refused(sent: Sent) -> bool:
    """Whether libvirt said no to a call: it did nothing."""
    return bool(sent.error) and sent.certain
