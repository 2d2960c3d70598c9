"""The ground of the migration benches: a lab of its own, and who looks on.

What is compared is seen by the same eyes, whoever runs the migration: two connections of the
bench's own that get libvirt's events and ask for nothing.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.errors import LabError, VirtdeckError
from core.fleet import Fleet
from core.hypervisor import event_loop
from core.hypervisor.binding import libvirt
from core.lab import Lab, LabHost
from core.model import Migrate, Migration, MigrationStatus, Observation, Steer, SteerKind
from core.model.event import JobCompleted
from core.model.observation import MigrationChanged
from tests.lab import burner
from tests.lab.burner import Burner
from tests.lab.migrating import found, opened, other, told, until

REPEATS = int(os.environ.get("BENCH_REPEATS", "5"))
"""How often each migration is made; fewer while a bench is being written."""
SETTLED = 1.0
FILLED = 400.0
"""Seconds after which a burner is up, and MiB/s at least that it fills its memory at."""
MIB = 1 << 20


@dataclass(frozen=True)
class Told:
    """An event of libvirt's, when it came in (epoch seconds)."""

    at: float
    host: str
    name: str
    what: str
    values: dict[str, Any] = field(default_factory=dict)


class Eyes:
    """Gets the events of both hosts. Written by the thread `virt-events`, read by any."""

    def __init__(self, lab: Lab) -> None:
        event_loop.ensure_running()
        self.told: list[Told] = []
        self._connections = [self._open(host) for host in lab.hosts]

    def _open(self, host: LabHost) -> Any:
        connection = libvirt.open(host.uri)

        def lifecycle(_: Any, domain: Any, event: int, detail: int, *__: Any) -> None:
            self._note(host, domain, f"lifecycle-{event}-{detail}-")

        def iteration(_: Any, domain: Any, number: int, *__: Any) -> None:
            self._note(host, domain, "pass")

        def completed(_: Any, domain: Any, values: dict[str, Any], *__: Any) -> None:
            self._note(host, domain, "completed", dict(values))

        for event, callback in (
            (libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE, lifecycle),
            (libvirt.VIR_DOMAIN_EVENT_ID_MIGRATION_ITERATION, iteration),
            (libvirt.VIR_DOMAIN_EVENT_ID_JOB_COMPLETED, completed),
        ):
            connection.domainEventRegisterAny(None, event, callback, None)
        return connection

    def _note(
        self, host: LabHost, domain: Any, what: str, values: dict[str, Any] | None = None
    ) -> None:
        self.told.append(Told(time.time(), host.name, domain.name(), what, values or {}))

    def close(self) -> None:
        """Look no more."""
        for connection in self._connections:
            connection.close()

    def course(self, name: str, source: str, since: float) -> Course:
        """What became of a migration of `name` that was asked for at `since`."""
        events = [one for one in self.told if one.name == name and one.at >= since]
        here = [one for one in events if one.host == source]
        there = [one for one in events if one.host != source]
        suspended = f"lifecycle-{libvirt.VIR_DOMAIN_EVENT_SUSPENDED}-"
        begun, done = _first(here, "pass"), _last(here, "completed")
        gone = _first(here, f"lifecycle-{libvirt.VIR_DOMAIN_EVENT_STOPPED}-")
        switched = _first(here, f"{suspended}{libvirt.VIR_DOMAIN_EVENT_SUSPENDED_POSTCOPY}-")
        stood = _first(here, suspended)
        resumed = _first(there, f"lifecycle-{libvirt.VIR_DOMAIN_EVENT_RESUMED}-")
        finished = gone is not None and resumed is not None
        end = done or gone
        return Course(
            finished=finished,
            begun=begun.at if begun else None,
            completed=done.at if done else None,
            total=end.at - begun.at if finished and end and begun else None,
            downtime=float(done.values["downtime"]) if done and "downtime" in done.values else None,
            seen=max(resumed.at - stood.at, 0.0) * 1000 if finished and resumed and stood else None,
            post_copy=switched is not None,
            values=done.values if done else {},
        )


def _first(told: list[Told], what: str) -> Told | None:
    return next((one for one in told if one.what.startswith(what)), None)


def _last(told: list[Told], what: str) -> Told | None:
    return _first(told[::-1], what)


@dataclass(frozen=True)
class Course:
    """A migration as its events told it; None: it did not happen, or was not told."""

    finished: bool
    begun: float | None
    """When the first pass began, epoch seconds."""
    completed: float | None
    """When JOB_COMPLETED came in, epoch seconds."""
    total: float | None
    """Seconds from the first pass to JOB_COMPLETED."""
    downtime: float | None
    """Milliseconds, as libvirt measured it."""
    seen: float | None
    """Milliseconds between the events of the guest's stop and of its going on."""
    post_copy: bool
    values: dict[str, Any]
    """libvirt's record of the job."""


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
        self.completed: dict[tuple[str, str], float] = {}
        """By host and uuid, when libvirt's JOB_COMPLETED came in."""
        fleet.tap = self._saw

    def _saw(self, observation: Observation) -> None:
        if isinstance(observation, MigrationChanged):
            migration = observation.migration
            self.statuses.setdefault((migration.id, migration.status), time.time())
        elif isinstance(observation, JobCompleted):
            self.completed[observation.host, observation.uuid] = observation.at


@contextmanager
def ground() -> Iterator[Ground]:
    """Bring a lab of its own up, without guests; down afterwards."""
    lab = Lab(f"bench-{os.getpid()}")
    command = [sys.executable, "-m", "tests.bench.migration_init", lab.name]
    with (
        tempfile.TemporaryDirectory(prefix="virtdeck-bench-") as folder,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as init,
    ):
        made: Ground | None = None
        try:
            if init.stdout is None or init.stdout.readline() != b"up\n":
                raise LabError("The lab of the bench does not come up.")
            made = Ground(lab, Path(folder))
            yield made
        finally:
            if made is not None:
                made.eyes.close()
            lab.down()
            if init.stdin is not None:
                init.stdin.close()


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
            await fleet.steer(number, Steer(SteerKind.ABORT))
        await reaches(fleet, number)
    await until(lambda: fleet.state.operations[number].status.final, "the end of the operation")
    return fleet.state.migrations[number]


def expect(migration: Migration, status: MigrationStatus) -> Migration:
    """Return a migration that ended as it should; raises AssertionError with its story."""
    if migration.status is not status:
        raise AssertionError(told(migration))
    return migration
