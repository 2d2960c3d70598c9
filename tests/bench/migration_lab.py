"""The ground of the migration benches: a lab of its own, and what is done on it."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from core.errors import VirtdeckError
from core.fleet import Fleet
from core.lab import Lab
from core.model import Migration, MigrationStatus, Observation, Steer, SteerKind
from core.model.event import JobCompleted
from core.model.observation import MigrationChanged
from core.verbs.migration.requests import Migrate
from tests.bench.migration_eyes import Course, Eyes
from tests.lab import burner
from tests.lab.burner import Burner
from tests.lab.migrating import found, opened, other, told, until

T = TypeVar("T")

REPEATS = int(os.environ.get("BENCH_REPEATS", "5"))
"""How often each migration is made; fewer while a bench is being written."""
SETTLED = 1.0
FILLED = 400.0
"""Seconds after which a burner is up, and MiB/s at least that it fills its memory at."""
MIB = 1 << 20


class Ground:
    """The lab with what the benches do on it."""

    def __init__(self, lab: Lab, journals: Path) -> None:
        self.lab = lab
        self.journals = journals
        self.eyes = Eyes(lab)
        self.uris = {host.name: host.uri for host in lab.hosts}
        self._made = 0

    def fresh_path(self, name: str) -> Path:
        """A path nothing is at yet."""
        self._made += 1
        return self.journals / f"{self._made}-{name}"

    @asynccontextmanager
    async def fleet(self) -> AsyncIterator[Fleet]:
        """A fleet of both hosts, ready, with a journal of its own."""
        async with opened(self.uris, self.fresh_path("journal.sqlite3")) as fleet:
            yield fleet

    @asynccontextmanager
    async def guest(self, guest: Burner, host: str = "alpha") -> AsyncIterator[str]:
        """A burner that writes as it shall; gone afterwards, wherever it is then."""
        try:
            yield await asyncio.to_thread(self.start, guest, host)
        finally:
            await asyncio.to_thread(burner.remove, self.lab, guest.name)

    def start(self, guest: Burner, host: str = "alpha") -> str:
        """Start a burner and wait until it writes."""
        burner.start(self.lab, host, guest)
        time.sleep(SETTLED + (guest.fills or guest.writes) / FILLED)
        return guest.name

    async def virsh(
        self, name: str, *options: str, source: str = "alpha", seconds: float = 60.0
    ) -> tuple[Course, float | None]:
        """Migrate with virsh, aborted when it takes longer than that.

        Returns what was seen, and when virsh came back (epoch seconds), None: it did not.
        """
        began = time.time()
        process = await self.virsh_begun(name, *options, source=source)
        try:
            await asyncio.wait_for(process.wait(), seconds)
            back: float | None = time.time()
        except TimeoutError:
            await asyncio.to_thread(self._abort, source, name)
            await process.wait()
            back = None
        await asyncio.sleep(0.2)  # its last event may come after it
        return self.eyes.course(name, source, began), back

    async def virsh_begun(
        self, name: str, *options: str, source: str = "alpha"
    ) -> asyncio.subprocess.Process:
        """Begin a migration with virsh."""
        here, there = self.lab.host(source), self.lab.host(other(source))
        return await asyncio.create_subprocess_exec(
            *("virsh", "-q", "-c", here.uri, "migrate", name, there.uri),
            *("--live", "--p2p", "--persistent", "--undefinesource"),
            *("--migrateuri", "tcp://127.0.0.1", "--listen-address", "127.0.0.1"),
            *options,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )

    def _abort(self, source: str, name: str) -> None:
        with suppress(VirtdeckError):
            self.lab.host(source).virsh("domjobabort", name)


class Stamps:
    """When each thing became known to a fleet, by its tap: before the state, by microseconds."""

    def __init__(self, fleet: Fleet) -> None:
        self.statuses: dict[tuple[str, MigrationStatus], float] = {}
        """By migration id and status, epoch seconds."""
        self.switched: dict[str, float] = {}
        """By migration id, when its switch to post-copy was known."""
        self.completed: dict[tuple[str, str], float] = {}
        """By host and uuid, when libvirt's JOB_COMPLETED came in."""
        fleet.tap = self._saw

    def _saw(self, observation: Observation) -> None:
        if isinstance(observation, MigrationChanged):
            migration = observation.migration
            self.statuses.setdefault((migration.id, migration.status), time.time())
            if migration.switched is not None:
                self.switched.setdefault(migration.id, time.time())
        elif isinstance(observation, JobCompleted):
            self.completed[observation.host, observation.uuid] = observation.at


@contextmanager
def ground() -> Iterator[Ground]:
    """Bring a lab of its own up, without guests; down afterwards."""
    lab = Lab(f"bench-{os.getpid()}")
    with tempfile.TemporaryDirectory(prefix="virtdeck-bench-") as folder:
        made: Ground | None = None
        try:
            lab.up(guests=False)
            made = Ground(lab, Path(folder))
            yield made
        finally:
            if made is not None:
                made.eyes.close()
            lab.down()


async def begin(fleet: Fleet, name: str, **options: Any) -> str:
    """Ask for a migration of a running guest to the other host; returns its id."""
    key = await found(fleet, name)
    operation = await fleet.submit(Migrate(key, to=other(key.host), **options))
    await until(lambda: operation.id in fleet.state.migrations, "the migration is seen")
    return operation.id


async def reaches(
    fleet: Fleet, number: str, *statuses: MigrationStatus, seconds: float = 60.0
) -> Migration:
    """Wait until a migration has one of some statuses, or is over."""
    await until(
        lambda: (now := fleet.state.migrations[number].status) in statuses or now.final,
        f"{number} is {statuses}",
        seconds,
    )
    return fleet.state.migrations[number]


async def ends(fleet: Fleet, number: str, seconds: float = 60.0) -> Migration:
    """Wait for the end of a migration; one that takes longer than that is aborted."""
    try:
        await reaches(fleet, number, seconds=seconds)
    except AssertionError:
        with suppress(VirtdeckError):
            await fleet.migrations.steer(number, Steer(SteerKind.ABORT))
        await reaches(fleet, number)
    await until(lambda: fleet.state.operations[number].status.final, "the end of the operation")
    return fleet.state.migrations[number]


def expect(migration: Migration, status: MigrationStatus) -> Migration:
    """Return a migration that ended as it should; raises AssertionError with its story."""
    if migration.status is not status:
        raise AssertionError(told(migration))
    return migration


async def retried(attempt: Callable[[], Awaitable[T]]) -> T:
    """Return what an attempt returns; one that breaks is made again, twice at most.

    Two hosts on one machine share its ports: now and then another connection has the one that
    libvirt has just chosen ("Failed to find an available port: Address already in use").
    """
    for _ in range(2):
        with suppress(AssertionError, KeyError, IndexError):
            return await attempt()
        print("a migration broke: once more", file=sys.stderr)
    return await attempt()
