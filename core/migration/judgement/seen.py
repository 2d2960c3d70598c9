"""What can be seen of a migration, and what it is taken for: plain values."""

from __future__ import annotations

from dataclasses import dataclass

from core.model import Instance, InstanceState, JobSample, MigrationStatus


@dataclass(frozen=True, slots=True)
class Side:
    """One host of a migration, as last seen."""

    up: bool
    """Whether its link is up, and it told."""
    instance: Instance | None
    """None: the instance is not there, as far as the host told."""

    @property
    def state(self) -> InstanceState | None:
        """The state of the instance there; None where there is none."""
        return None if self.instance is None else self.instance.state

    @property
    def reason(self) -> str:
        """libvirt's reason of that state."""
        return "" if self.instance is None else self.instance.reason

    @property
    def gone(self) -> bool:
        """Whether the host told that it runs no such instance."""
        return self.up and (self.instance is None or not self.instance.state.active)

    @property
    def incoming(self) -> bool:
        """Whether the instance waits there for its memory."""
        return self.state is InstanceState.PAUSED and self.reason in ("migrating", "starting up")

    @property
    def holds(self) -> bool:
        """Whether the instance is there as a whole: running, or paused by somebody."""
        active = self.instance is not None and self.instance.state.active
        return self.up and active and not self.incoming


@dataclass(frozen=True, slots=True)
class Seen:
    """All the decision may know. Times are seconds since the epoch."""

    now: float
    status: MigrationStatus
    source: Side
    destination: Side
    calling: bool
    """Our call has not returned."""
    returned: float | None = None
    """When our call returned, or when the job of a call that is not ours was first not there."""
    error: str = ""
    """What the call failed with."""
    hint: str = ""
    code: int = 0
    """libvirt's number of that error."""
    certain: bool = True
    """False: the error leaves open whether the call goes on (the link broke, no answer)."""
    job: JobSample | None = None
    """The newest reading; None: none is to be had."""
    aborted: bool = False
    """An abort was accepted."""
    abort_sent: bool = False
    """One was sent and not refused: its answer was not heard, or another console sent it."""
    cancelled: bool = False
    """A reading of the job showed that it was cancelled."""
    stopped: bool = False
    """The guest is known to stand still for the switch."""
    offline: bool = False
    """Only a definition is moved."""
    recovering: bool = False
    """A failed post-copy was asked to go on, and has not been seen to."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What it has come to."""

    status: MigrationStatus
    outcome: str = ""
    """One sentence, where it is over or does not go on as it should."""
    hint: str = ""
    resumable: bool = False
    followed: bool = False
    """It is over for whoever waits, and a side may still move."""
