"""Records the tapes of migrations the screens are tested with, on a lab of its own.

`python -m tests.screens.record_migrations FOLDER [NAME...]` brings up two real hosts, moves a
busy guest between them in six ways, and writes what the core observed of each.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

from core.errors import VirtdeckError
from core.fleet import Fleet
from core.journal.record import Recorder
from core.lab import Lab, LabHost
from core.model import InstanceState, Migration, MigrationStatus, ObjectKey, Steer, SteerKind
from core.verbs.migration.requests import Migrate
from tests.lab import burner
from tests.lab.burner import Burner
from tests.screens.record_tapes import LAB, until, write_clean

GUEST = "orders"
BUSY = Burner(GUEST, memory=160, writes=64, rate=30)
"""Writes 64 MiB at 30 MiB/s, without end: at 20 MiB/s it does not converge."""
CALM = Burner(GUEST, memory=160, writes=48, rate=6)
S = MigrationStatus


class Story:
    """One migration of the guest from where it runs to the other host."""

    def __init__(self, lab: Lab, fleet: Fleet, started: float) -> None:
        self._fleet = fleet
        self._started = started
        self.lab = lab
        self.id = ""

    @property
    def now(self) -> Migration:
        return self._fleet.state.migrations[self.id]

    @property
    def source(self) -> LabHost:
        return self.lab.host(self.now.host)

    @property
    def destination(self) -> LabHost:
        return self.lab.host(self.now.to)

    def mark(self, what: str) -> None:
        """Say when on the tape something was: the moments of the snapshots are chosen by it."""
        print(f"  {asyncio.get_running_loop().time() - self._started:6.1f} s: {what}", flush=True)

    async def begin(self, **options: object) -> None:
        key = running(self._fleet)
        to = "beta" if key.host == "alpha" else "alpha"
        # unsafe: both hosts see the folder `shared`, which libvirt takes for local
        operation = await self._fleet.submit(
            Migrate(key, to=to, unsafe=True, migrate_uri="tcp://127.0.0.1",
                    listen_address="127.0.0.1", **options)  # type: ignore[arg-type]
        )  # fmt: skip
        self.id = operation.id
        await until(lambda: self.id in self._fleet.state.migrations)
        await self.reaches(S.RUNNING)
        if self.now.status.final:
            raise VirtdeckError(f"It did not begin: {self.now.outcome}")

    async def steer(self, kind: SteerKind, value: float | None = None) -> None:
        record = await self._fleet.migrations.steer(self.id, Steer(kind, value))
        self.mark(f"{kind.value}: {record.answer.value} {record.detail}")

    async def reaches(self, *statuses: MigrationStatus) -> None:
        await until(lambda: self.now.status in statuses or self.now.status.final, 180)
        self.mark(f"{self.now.status.value} {self.now.outcome} {self.now.hint}")

    async def ends(self) -> None:
        await until(lambda: self.now.status.final, 180)
        self.mark(f"{self.now.status.value} {self.now.outcome} {self.now.hint}")
        await asyncio.sleep(5)
        self.mark("end")

    async def passes(self, count: int) -> None:
        await until(lambda: len(self.now.iterations) >= count or self.now.status.final, 120)
        self.mark(f"iteration {count}")


async def converging(story: Story) -> None:
    await story.begin(bandwidth=16, max_downtime=500, policy="adaptive")
    await story.ends()


async def not_converging(story: Story) -> None:
    await story.begin(bandwidth=16, max_downtime=300, policy="adaptive", auto_converge=False,
                      post_copy="never")  # fmt: skip
    await story.passes(5)
    await asyncio.sleep(4)
    await story.steer(SteerKind.BANDWIDTH, 20)
    await asyncio.sleep(10)
    story.mark("seen enough")
    await story.steer(SteerKind.ABORT)
    await story.ends()


async def post_copy(story: Story) -> None:
    await story.begin(bandwidth=16, max_downtime=300, post_copy="allow", post_copy_bandwidth=4)
    await until(lambda: story.now.status is S.POST_COPY or story.now.status.final, 120)
    story.mark(story.now.status.value)
    await story.ends()


async def aborted(story: Story) -> None:
    await story.begin(bandwidth=8, policy="manual")
    await asyncio.sleep(8)
    await story.steer(SteerKind.ABORT)
    await story.ends()


async def failed(story: Story) -> None:
    await story.begin(bandwidth=8, policy="manual")
    await asyncio.sleep(8)
    os.kill(story.destination.qemu_pid(GUEST), signal.SIGKILL)
    await story.ends()


async def post_copy_failed(story: Story) -> None:
    await story.begin(bandwidth=8, policy="manual", post_copy="allow", post_copy_bandwidth=2)
    await asyncio.sleep(8)
    await story.steer(SteerKind.POST_COPY)
    await story.reaches(S.POST_COPY)
    await asyncio.sleep(4)
    story.source.virsh("domjobabort", GUEST, "--postcopy")
    await story.ends()


STORIES: dict[str, Callable[[Story], Awaitable[None]]] = {
    "migration-not-converging": not_converging,
    "migration-aborted": aborted,
    "migration-failed": failed,
    "migration-converging": converging,
    "migration-post-copy": post_copy,
    "migration-post-copy-failed": post_copy_failed,
}
"""By the name of their tapes."""


async def main(folder: Path, names: list[str]) -> None:
    lab = Lab(LAB)
    lab.up(say=print)
    try:
        for name in names or list(STORIES):
            print(name, flush=True)
            burner.start(lab, "alpha", CALM if name == "migration-converging" else BUSY)
            await asyncio.sleep(3)
            await record(lab, STORIES[name], folder / f"{name}.jsonl.gz")
            burner.remove(lab, GUEST)
    finally:
        lab.down(say=print)


async def record(lab: Lab, tell: Callable[[Story], Awaitable[None]], path: Path) -> None:
    with tempfile.TemporaryDirectory() as directory:
        raw = Path(directory) / "raw.jsonl"
        uris = [f"{host.name}={host.uri}" for host in lab.hosts]
        fleet = Fleet.open(uris, journal=Path(directory) / "journal.db")
        recorder = Recorder(raw, fleet.links.names, virtdeck="0.1.0")
        fleet.tap = recorder.write
        started = asyncio.get_running_loop().time()
        async with fleet:
            await fleet.ready(30)
            await until(lambda: all(one.described for one in fleet.state.instances.values()))
            await asyncio.sleep(8)
            with suppress(TimeoutError):
                await tell(Story(lab, fleet, started))
            fleet.tap = None
        recorder.close()
        write_clean(raw, path)


def running(fleet: Fleet) -> ObjectKey:
    """Where the guest runs."""
    for instance in fleet.state.instances.values():
        if instance.name == GUEST and instance.state is InstanceState.RUNNING:
            return instance.key
    raise VirtdeckError(f"{GUEST} runs nowhere.")


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2:]))
