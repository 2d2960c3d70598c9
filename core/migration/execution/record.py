"""A migration as it stands: changed in one place, shown to everybody, written down."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from msgspec.structs import replace

from core.clock import Clock
from core.migration.execution.call_notes import CallNotes, Note, UriOf
from core.migration.execution.port import MigrationMessages
from core.model import Forecast, JobSample, Migration, Observation, OperationStep
from core.model.observation import MigrationChanged, MigrationSampled
from core.model.operation import with_step

Keep = Callable[[Migration], Awaitable[None]]
"""Writes a migration down. Must not raise: what cannot be kept goes on all the same."""

Publish = Callable[[Observation], None]

TIMELINE = {
    (True, "suspended", "migrated"): "the guest stands still on {host}",
    (True, "suspended", "postcopy"): "switched to post-copy",
    (True, "suspended", "postcopy-failed"): "post-copy failed on {host}",
    (True, "stopped", "migrated"): "{host} let it go",
    (True, "resumed", "migrated"): "the guest goes on at {host}",
    (False, "started", "migrated"): "{host} waits for its memory",
    (False, "resumed", "migrated"): "the guest goes on at {host}",
    (False, "resumed", "postcopy"): "the guest goes on at {host}, fetching what it misses",
    (False, "resumed", "postcopy-failed"): "post-copy failed on {host}",
    (False, "stopped", "failed"): "its process on {host} ended",
    (False, "stopped", "destroyed"): "its process on {host} was ended",
}
"""What a lifecycle event says in the timeline: by at-the-source, its change and its detail."""


class RecordKeeper:
    """The one place where a migration's value is replaced. On the core's loop only."""

    def __init__(
        self,
        migration: Migration,
        clock: Clock,
        publish: Publish,
        keep: Keep | None,
        *,
        uri_of: UriOf = lambda _: "",
        note: Note | None = None,
        messages: MigrationMessages | None = None,
    ) -> None:
        """Without `keep` nothing is written down: somebody else's migration.

        `uri_of` is for the virsh lines. `note` takes the calls that are made; without it the
        migration itself has them. Without `messages` no other console is told anything.
        """
        self.messages = messages
        self.migration = migration
        self.calls = CallNotes(clock, uri_of, note or self._note)
        self.clock = clock
        self._publish = publish
        self._keep = keep

    @property
    def ours(self) -> bool:
        """Whether it is a migration of ours, which is written down."""
        return self._keep is not None

    def change(self, text: str = "", **changes: Any) -> None:
        """Change the migration, with a line for its timeline, and show it."""
        timeline = self.migration.timeline
        if text:
            timeline = (*timeline, OperationStep(self.clock.now(), text))
        self.put(replace(self.migration, timeline=timeline, **changes))

    def put(self, migration: Migration) -> None:
        """Replace the migration and show it."""
        self.migration = migration
        self.show()

    def show(self) -> None:
        """Tell everybody how it stands; its newest sample and forecast are told apart."""
        bare = replace(self.migration, sample=None, forecast=None)
        self._publish(MigrationChanged(self.migration.host, self.clock.now(), bare))

    def sampled(self, sample: JobSample, forecast: Forecast | None, progress: float | None) -> None:
        """Take a reading of the job, and what it makes us expect, and show it."""
        migration = self.migration
        self.migration = replace(
            migration,
            sample=sample,
            forecast=forecast or migration.forecast,
            progress=migration.progress if progress is None else progress,
        )
        self._publish(
            MigrationSampled(migration.host, sample.at, migration.id, sample, forecast, progress)
        )

    def _note(self, step: OperationStep, begun: OperationStep | None) -> None:
        calls = with_step(self.migration.calls, step, begun)
        self.put(replace(self.migration, calls=calls))

    async def keep(self) -> None:
        """Write it down as it stands."""
        if self._keep is not None:
            await self._keep(replace(self.migration, sample=None, forecast=None))
