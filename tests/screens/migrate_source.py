"""A tape as a source that can be asked for preflights and takes what is submitted.

Only the answers of the preflight are made up; everything else is the tape's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

from core.errors import VirtdeckError
from core.journal.replay import Replay
from core.model import (
    Finding,
    Forecast,
    Level,
    Migrate,
    Migration,
    MigrationStatus,
    OperationRecord,
    Preflight,
    Request,
)
from core.model.observation import MigrationChanged
from core.operations.handle import Handle
from core.operations.wording import name_of

Answer = Callable[[Migrate], Preflight]

FINE = (
    Finding("links", Level.OK, "Both hosts answer."),
    Finding("cpu", Level.OK, "beta has every feature of the guest's CPU."),
    Finding("disk-vda", Level.OK, "vda is on storage that both hosts reach."),
    Finding("memory", Level.OK, "beta has 3.1 GiB free."),
)
DOUBTS = (
    Finding("clock", Level.UNKNOWN, "The clock of beta could not be read.",
            "Compare `date` on both hosts."),
    Finding("version", Level.WARNING, "beta has an older libvirt (9.0.0) than alpha (10.0.0).",
            "It may not come back: update beta first."),
)  # fmt: skip
BLOCKERS = (
    Finding("network-default", Level.BLOCKER, "beta has no network called default.",
            "Define it on beta: virsh net-define, or say another with a rewrite."),
    Finding("disk-vdb", Level.BLOCKER, "vdb (/var/lib/images/scratch.qcow2) is not on beta.",
            "Copy the storage, or put it on a pool that both hosts reach."),
)  # fmt: skip
SLOWLY = Forecast(
    at=1.0, sentence="It converges in about 14 s: 180M/s are sent and 20M/s written anew.", eta=14.0
)


def answer(*findings: Finding, forecast: Forecast | None = SLOWLY) -> Answer:
    """The same findings whatever is asked; the virsh line follows what is asked."""

    def preflight(request: Migrate) -> Preflight:
        words = ["virsh migrate --live --p2p --persistent --undefinesource"]
        words += ["--postcopy"] if request.post_copy != "never" else []
        words += [request.subject.id[:8], f"qemu+ssh://{request.to}/system"]
        return Preflight(at=1.0, findings=findings, forecast=forecast, virsh=" ".join(words))

    return preflight


class Answering(Replay):
    """The tape; `answers` makes each preflight, `hold` keeps them back until it is set."""

    read_only = False

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.answers: Answer = answer(*FINE)
        self.hold: asyncio.Event | None = None
        self.asked: list[Migrate] = []
        self.measured: list[Migrate] = []
        """Those that were to measure the dirty rate."""
        self.submitted: list[Request] = []
        self.refusals: tuple[str, ...] = ()
        self.error: VirtdeckError | None = None

    def check(self, request: Request) -> tuple[str, ...]:
        del request
        return self.refusals

    async def preflight(self, request: Migrate, *, measure: bool = False) -> Preflight:
        (self.measured if measure else self.asked).append(request)
        if self.hold is not None:
            await self.hold.wait()
        if self.error is not None:
            raise self.error
        return self.answers(request)

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
