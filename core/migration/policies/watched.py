"""What a policy sees."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from core.model.forecast import Forecast, JobSample
from core.model.migration import Limits, MigrationStatus
from core.model.steer import Steer, SteerRecord
from core.verbs.migration.requests import Migrate

DOWNTIME_LIMIT = 500.0
"""Milliseconds a policy may go to where the operator set no limit: nova's default."""


@dataclass(frozen=True)
class Watched:
    """A migration at one moment; times are epoch seconds, sizes bytes."""

    now: float
    started: float
    """When the copying began."""
    request: Migrate
    status: MigrationStatus
    limits: Limits
    samples: Sequence[JobSample]
    """Oldest first."""
    forecast: Forecast | None
    can_post_copy: bool
    """Asked for at the start, the first iteration seen, the guest not paused, not yet switched."""
    auto_converge: bool
    steering: tuple[SteerRecord, ...] = ()
    """All earlier commands with their answers, oldest first."""
    memory: int = 0
    disks: tuple[int, ...] = ()
    """Sizes of the disks that are copied."""

    @property
    def elapsed(self) -> float:
        """Seconds since the copying began."""
        return self.now - self.started

    @property
    def downtime_limit(self) -> float:
        """Milliseconds: how far the max downtime may be raised."""
        return float(self.request.max_downtime or DOWNTIME_LIMIT)


@dataclass(frozen=True)
class Policy:
    """A way to steer, by its name and what it does in one line."""

    name: str
    description: str
    act: Callable[[Watched], Iterable[Steer]]
    """What it wants now, regardless of what it did before."""
