"""A tape as a source that can be asked for preflights and takes what is submitted.

What the preflights find was recorded as well, of the same guests; a test chooses from it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from core.engine.handle import Handle
from core.errors import VirtdeckError
from core.journal.replay import Replay, TapeMigrations
from core.model import (
    Finding,
    Forecast,
    Level,
    Migration,
    MigrationStatus,
    OperationRecord,
    Preflight,
    Request,
)
from core.model.observation import MigrationChanged
from core.verbs.migration.requests import Migrate
from core.verbs.refusal import Refusal, RefusalCode
from core.verbs.wording import name_of

Answer = Callable[[Migrate], Preflight]

RECORDED = msgspec.json.decode(
    (Path(__file__).parents[1] / "data" / "preflights" / "web.json").read_bytes(),
    type=dict[str, Preflight],
)
"""What two real hosts answered: `tests/screens/record_preflights.py`."""


def told(case: str, *ids: str) -> tuple[Finding, ...]:
    """Findings of a recorded preflight by their names, or those that are ok."""
    findings = RECORDED[case].findings
    if not ids:
        return tuple(one for one in findings if one.level is Level.OK)
    return tuple(one for name in ids for one in findings if one.id.startswith(name))


FINE = told("fine")
DOUBTS = told("post-copy", "post-copy", "interface-")
BLOCKERS = told("blocked", "network-blue", "snapshots")
FORESEEN = RECORDED["post-copy"].forecast


def answer(*findings: Finding, forecast: Forecast | None = FORESEEN) -> Answer:
    """The same findings whatever is asked; the virsh line follows what is asked."""

    def preflight(request: Migrate) -> Preflight:
        like = RECORDED["fine" if request.post_copy == "never" else "post-copy"]
        return Preflight(at=1.0, findings=findings, forecast=forecast, virsh=like.virsh)

    return preflight


class AnsweringMigrations(TapeMigrations):
    """Answers each preflight as its source was told."""

    def __init__(self, source: Answering) -> None:
        self._source = source

    async def preflight(
        self, request: Migrate, *, measure: bool = False, fresh: bool = False
    ) -> Preflight:
        self._source.fresh += fresh
        (self._source.measured if measure else self._source.asked).append(request)
        for hold in (self._source.hold, self._source.hold_measured if measure else None):
            if hold is not None:
                await hold.wait()
        if self._source.error is not None:
            raise self._source.error
        return self._source.answers(request)


class Answering(Replay):
    """The tape; `answers` makes each preflight, `hold` keeps them back until it is set.

    `hold_measured` only those that measure.
    """

    read_only = False

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.migrations = AnsweringMigrations(self)
        self.answers: Answer = answer(*FINE)
        self.hold: asyncio.Event | None = None
        self.hold_measured: asyncio.Event | None = None
        self.asked: list[Migrate] = []
        self.measured: list[Migrate] = []
        """Those that were to measure the dirty rate."""
        self.fresh = 0
        """How many were to look whatever was seen just before."""
        self.submitted: list[Request] = []
        self.refusals: tuple[str, ...] = ()
        self.error: VirtdeckError | None = None

    def check(self, request: Request) -> tuple[Refusal, ...]:
        del request
        return tuple(Refusal(RefusalCode.STATE, reason) for reason in self.refusals)

    async def submit(self, request: Request) -> Handle:
        self.submitted.append(request)
        record = OperationRecord(
            id=f"op-{len(self.submitted)}", verb=request.verb, host=request.subject.host,
            subject=request.subject, name=name_of(self.state, request), author="a@b", created=1.0,
        )  # fmt: skip
        if isinstance(request, Migrate):
            self.begins(record, request)
        return Handle(record)

    def begins(self, record: OperationRecord, request: Migrate) -> None:
        """Put the migration into the picture, as the core does."""
        begun = Migration(
            id=record.id, host=record.host, uuid=record.subject.id, name=record.name,
            to=request.to, status=MigrationStatus.PREPARING, created=self.state.at,
        )  # fmt: skip
        at = self.state.at
        delta = self.player._store.apply(MigrationChanged(host=record.host, at=at, migration=begun))
        self._mailroom.post(delta)


def names(requests: Sequence[Request], source: Replay) -> list[str]:
    """The instances that requests are for."""
    return [name_of(source.state, request) for request in requests]
