"""What the tests of live migration share: a fleet of both hosts, and how a migration is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from core.errors import VirtdeckError
from core.fleet import Fleet
from core.hypervisor.connection.options import LinkOptions
from core.lab import LabHost
from core.model import (
    InstanceState,
    Migration,
    MigrationStatus,
    ObjectKey,
    OperationRecord,
    SteerRecord,
)
from core.verbs.migration.requests import Migrate
from tests.lab.seeing import key_of
from tests.patience import PATIENCE

M = MigrationStatus
SLOW = 4
"""MiB/s at which a copy of a small guest takes as long as a test needs."""


@asynccontextmanager
async def opened(
    uris: dict[str, str], journal: Path, *, hosts: tuple[str, ...] = ("alpha", "beta")
) -> AsyncIterator[Fleet]:
    fleet = Fleet.open(
        [f"{name}={uris[name]}" for name in hosts],
        options=LinkOptions(statistics_interval=0.5, sweep_interval=0),
        journal=journal,
    )
    async with fleet:
        assert await fleet.ready(20.0 * PATIENCE)
        yield fleet


async def until(condition: Callable[[], Any], what: str, seconds: float = 40.0) -> Any:
    """Wait until something is true, and return it."""
    found: Any = None
    try:
        async with asyncio.timeout(seconds * PATIENCE):
            while not (found := condition()):  # noqa: ASYNC110 - any condition
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise AssertionError(f"{what}: not within {seconds * PATIENCE} s") from None
    return found


async def found(fleet: Fleet, name: str) -> ObjectKey:
    """The key of an instance that runs, where it runs, once the fleet has all of it."""
    return await key_of(fleet, name, InstanceState.RUNNING)


def other(host: str) -> str:
    return {"alpha": "beta", "beta": "alpha"}[host]


async def start(fleet: Fleet, name: str, **options: Any) -> Started:
    """Ask for a migration of a running guest to the other host."""
    key = await found(fleet, name)
    if "to" not in options:
        options["to"] = other(key.host)
    operation = await fleet.submit(Migrate(key, **options))
    await until(lambda: operation.id in fleet.state.migrations, "the migration is seen")
    return Started(fleet, operation, key)


class Started:
    """A migration of ours that was asked for."""

    def __init__(self, fleet: Fleet, operation: Any, source: ObjectKey) -> None:
        self._fleet = fleet
        self.operation = operation
        self.source = source

    @property
    def now(self) -> Migration:
        return self._fleet.state.migrations[self.operation.id]

    async def reaches(self, *statuses: MigrationStatus, seconds: float = 60.0) -> Migration:
        """Wait for one of some statuses; any other end is a failure."""
        await until(
            lambda: self.now.status in statuses or self.now.status.final,
            f"{self.now.name} is {' or '.join(statuses)}",
            seconds,
        )
        assert self.now.status in statuses, told(self.now)
        return self.now

    async def passes(self, count: int) -> Migration:
        """Wait until so many passes have begun."""
        await until(
            lambda: len(self.now.iterations) >= count or self.now.status.final,
            f"pass {count} of {self.now.name}",
        )
        assert not self.now.status.final, told(self.now)
        return self.now

    async def ends(self) -> OperationRecord:
        """Wait for the end of the operation, whatever it is."""
        try:
            async with asyncio.timeout(60.0 * PATIENCE):
                with suppress(VirtdeckError):
                    await self.operation
        except TimeoutError:
            raise AssertionError(f"the operation does not end: {told(self.now)}") from None
        record: OperationRecord = self.operation.record
        return record


def told(migration: Migration) -> str:
    """A migration's story, for the message of a test that fails."""
    lines = [f"{migration.status}: {migration.outcome} {migration.hint}"]
    lines += [f"  +{step.at - migration.created:.2f} {step.text}" for step in migration.timeline]
    lines += [f"  {said(record)}" for record in migration.steering]
    lines += [f"  {check.name} {check.passed} {check.text}" for check in migration.checks]
    return "\n".join(lines)


def said(record: SteerRecord) -> str:
    return (
        f"{record.by}: {record.steer.kind} {record.steer.value} -> {record.answer} {record.detail}"
    )


def passed(migration: Migration) -> bool:
    """Whether everything that was verified is as it should be."""
    return bool(migration.checks) and all(check.passed for check in migration.checks)


def states(hosts: tuple[LabHost, ...], name: str) -> dict[str, str]:
    """Host -> the state of an instance there, in virsh's words; hosts without it are not in it."""
    listed = {host.name: host.instances() for host in hosts}
    return {host: rows[name] for host, rows in listed.items() if name in rows}
