"""How soon the end of a migration, an abort and a switch are known: in the state, on the screen."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from functools import partial

from core.model import MigrationStatus, Steer, SteerKind
from tests.bench.migration_lab import REPEATS, Ground, Stamps, begin, ends, expect, reaches, retried
from tests.bench.rows import Row, below, percentile
from tests.bench.terminal import Terminal
from tests.driver.command import Virtdeck
from tests.lab.burner import Burner
from tests.lab.migrating import other, until

CALM = Burner("calm", memory=40, writes=8, rate=0)
BUSY = Burner("busy", memory=64, writes=32, rate=8)
SLOW = 4
"""MiB/s at which the busy one is under way for as long as it takes to press a key."""
MANY = 3
"""Times the repeats: a p95 needs more than five."""
COCKPIT = "Migrations ›"
S = MigrationStatus


async def rows(ground: Ground) -> AsyncIterator[Row]:
    """End, abort and switch."""
    ended = "end (JOB_COMPLETED) to completed"
    async with ground.guest(CALM):
        back = await _virsh_returns(ground)
        yield _row(f"{ended} in the state", await _ends(ground), 200, back)
    async with ground.guest(CALM):
        yield _row(f"{ended} on the screen", await _screen(ground), 200, back)
        with _busy_process():
            beside = await _screen(ground)
        yield _row(f"{ended} on the screen, one busy process beside it", beside, 150)
    async with ground.guest(BUSY):
        stopped = await _virsh_aborts(ground)
        yield _row("abort pressed to aborted in the state", await _aborts(ground), 500, stopped)
    yield _row("switch pressed to switched in the state", await _switches(ground), 500)


def _row(name: str, seconds: list[float], limit: float, rival: list[float] | None = None) -> Row:
    value = percentile(seconds, 95) * 1000
    return Row(
        "migration",
        f"{name}, p95 of {len(seconds)}",
        value,
        "ms",
        rival=percentile(rival, 95) * 1000 if rival else None,
        rival_name="virsh migrate returns" if rival else "",
        target=below(limit),
        met=value < limit,
    )


async def _virsh_returns(ground: Ground) -> list[float]:
    """From the event to the return of virsh, to and fro."""
    found, source = [], "alpha"
    for _ in range(2 * ((REPEATS + 1) // 2)):  # it ends where it began
        course, back = await ground.virsh(CALM.name, source=source)
        source = other(source)
        if course.completed is not None and back is not None:
            found.append(back - course.completed)
    return found


async def _ends(ground: Ground) -> list[float]:
    async with ground.fleet() as fleet:
        stamps = Stamps(fleet)

        async def one() -> float:
            migration = expect(await ends(fleet, await begin(fleet, CALM.name)), S.COMPLETED)
            told = stamps.completed.pop((migration.host, migration.uuid))
            return stamps.statuses[migration.id, S.COMPLETED] - told

        return [await retried(one) for _ in range(MANY * REPEATS)]


async def _screen(ground: Ground) -> list[float]:
    """The same on the terminal of a real console, which starts the migration by its keys."""
    home = ground.fresh_path("home")
    home.mkdir()
    hosts = [word for name, uri in ground.uris.items() for word in ("-c", f"{name}={uri}")]
    with Terminal(["-m", "console", *hosts], environment=Virtdeck(home).environment) as terminal:
        return [await retried(partial(_seen, ground, terminal)) for _ in range(MANY * REPEATS)]


@contextmanager
def _busy_process() -> Iterator[None]:
    """Have a process of its own take all it gets of a core."""
    process = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        yield
    finally:
        process.kill()
        process.wait()


async def _seen(ground: Ground, terminal: Terminal) -> float:
    def shows(*words: str, without: str = "\n", seconds: float = 30) -> None:
        def there(lines: list[str]) -> bool:
            text = "".join(lines)
            return all(word in text for word in words) and without not in text

        if terminal.wait(there, seconds) is None:
            raise AssertionError("\n".join([f"not seen: {words}", *terminal.screen.display]))

    def keys() -> float:
        shows("calm", "running", without=COCKPIT)
        terminal.press("m")
        shows("^s start", " ok")
        terminal.press("\x13")
        try:
            shows(COCKPIT, "● completed", seconds=10)
            return time.time()
        finally:
            terminal.press("\x1b")

    began = time.time()
    seen = await asyncio.to_thread(keys)
    told = [one for one in ground.eyes.told if one.what == "completed" and one.at > began]
    return seen - told[-1].at


async def _virsh_aborts(ground: Ground) -> list[float]:
    """From `virsh domjobabort` to the return of `virsh migrate`."""
    found = []
    for _ in range(REPEATS):
        process = await ground.virsh_begun(BUSY.name, "--bandwidth", str(SLOW))
        await asyncio.sleep(2.0)
        pressed = time.time()
        await asyncio.to_thread(ground.lab.host("alpha").virsh, "domjobabort", BUSY.name)
        await process.wait()
        found.append(time.time() - pressed)
    return found


async def _aborts(ground: Ground) -> list[float]:
    async with ground.fleet() as fleet:
        stamps = Stamps(fleet)

        async def one(turn: int) -> float:
            number = await begin(fleet, BUSY.name, bandwidth=SLOW, policy="manual")
            await reaches(fleet, number, S.RUNNING)
            await asyncio.sleep(0.5 + 0.1 * (turn % 5))  # at any moment between two looks
            pressed = time.time()
            await fleet.migrations.steer(number, Steer(SteerKind.ABORT))
            expect(await ends(fleet, number), S.ABORTED)
            return stamps.statuses[number, S.ABORTED] - pressed

        return [await retried(partial(one, turn)) for turn in range(2 * REPEATS)]


async def _switches(ground: Ground) -> list[float]:
    options = {"bandwidth": 6, "policy": "manual", "post_copy": "allow"}
    async with ground.guest(BUSY), ground.fleet() as fleet:
        stamps = Stamps(fleet)

        async def one(turn: int) -> float:
            number = await begin(fleet, BUSY.name, **options)
            await until(
                lambda: (now := fleet.state.migrations[number]).iterations or now.status.final,
                "the first pass",
            )
            await asyncio.sleep(0.3 + 0.1 * (turn % 5))
            pressed = time.time()
            await fleet.migrations.steer(number, Steer(SteerKind.POST_COPY))
            expect(await ends(fleet, number), S.COMPLETED)
            # its status may never say so: here the post-copy itself is over within 30 ms
            return stamps.switched[number] - pressed

        return [await retried(partial(one, turn)) for turn in range(2 * REPEATS)]
