"""What it costs: the throughput of a migration that is watched, ten migrations at once."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from functools import partial
from statistics import median
from typing import Any

from console.shell.bridge import Bridge
from core.fleet import Fleet
from core.hypervisor.connection.options import LinkOptions
from core.model import InstanceState, Migration, MigrationStatus
from core.model.base import ObjectKey
from core.verbs.migration.requests import Migrate
from tests.bench.migration_lab import MIB, REPEATS, Ground, retried
from tests.bench.rows import Row, below
from tests.bench.screen import thread_cpu
from tests.bench.terminal import Terminal
from tests.driver.command import Virtdeck
from tests.lab.burner import Burner
from tests.lab.migrating import until

LARGE = "large"
LINKS = {100: 512, 0: 2048}
"""MiB/s, and MiB that the guest has. 0: as fast as it goes, which takes all of both cores here."""
TEN = tuple(
    Burner(f"ten-{number}", memory=40, writes=12, rate=8 + number % 3) for number in range(10)
)
SETTLE = 3.0
"""Seconds until what a console does at its start is done."""
NARROW = 4
"""MiB/s for each of the ten, less than any of them writes."""
WAYS: tuple[dict[str, Any], ...] = (
    {"policy": "adaptive", "post_copy": "allow"},
    {"policy": "nova-rocky", "post_copy": "allow"},
    {"policy": "nova", "post_copy": "allow", "timeout_action": "force-complete",
     "completion_timeout": 4.0},
)  # fmt: skip


async def rows(ground: Ground) -> AsyncIterator[Row]:
    """The watched one, then the ten."""
    async for row in _watched(ground):
        yield row
    for row in await _ten(ground):
        yield row


async def _watched(ground: Ground) -> AsyncIterator[Row]:
    """By turns: virsh alone, and from a real console that shows the cockpit."""
    for bandwidth, memory in LINKS.items():
        guest = Burner(LARGE, memory=memory, writes=memory - 4, rate=0)
        alone, watched = [], []
        for _ in range(REPEATS):
            async with ground.guest(guest):
                alone.append(await retried(partial(_alone, ground, bandwidth)))
            async with ground.guest(guest):
                watched.append(await retried(partial(_in_the_cockpit, ground, bandwidth)))
        ours, theirs = median(watched), median(alone)
        link = f"{bandwidth} MiB/s" if bandwidth else "unlimited"
        yield Row(
            "migration",
            f"throughput with the cockpit open, {memory} MiB, link {link}",
            ours,
            "MiB/s",
            rival=theirs,
            rival_name="virsh, nobody watching",
            target=">= 0.98x",
            met=ours / theirs >= 0.98,
        )


async def _alone(ground: Ground, bandwidth: int) -> float:
    """With virsh, after a console was there for as long as in the other case.

    Else less time had passed since the guest before was removed, and its memory would still be at
    hand: that of a virtual machine goes back to its host within seconds, and costs time to get.
    """
    with _console(ground) as terminal:
        await _settled(terminal)
    course, _ = await ground.virsh(LARGE, "--bandwidth", str(bandwidth))
    return _throughput(course.values)


async def _in_the_cockpit(ground: Ground, bandwidth: int) -> float:
    """With virsh as well; a console shows its cockpit."""
    began = time.time()
    with _console(ground) as terminal:
        await _settled(terminal)
        process = await ground.virsh_begun(LARGE, "--bandwidth", str(bandwidth))
        await _cockpit(terminal)
        while process.returncode is None:
            await asyncio.to_thread(terminal.drain, 0.2)
    await asyncio.sleep(0.3)  # the event may come after virsh is back
    return _throughput(ground.eyes.course(LARGE, "alpha", began).values)


def _console(ground: Ground) -> Terminal:
    home = ground.fresh_path("home")
    home.mkdir()
    hosts = [word for name, uri in ground.uris.items() for word in ("-c", f"{name}={uri}")]
    return Terminal(["-m", "console", *hosts], environment=Virtdeck(home).environment)


async def _settled(terminal: Terminal) -> None:
    """Wait until the console is on its migrations, and what it does at its start is done."""

    def there(lines: list[str]) -> bool:
        return any(LARGE in line for line in lines)

    await asyncio.to_thread(terminal.wait, there, 30)
    terminal.press("6")
    await asyncio.to_thread(terminal.read_for, SETTLE)


async def _cockpit(terminal: Terminal) -> None:
    """Wait until a migration is seen, and open its cockpit."""

    def runs(lines: list[str]) -> bool:
        return any("running" in line for line in lines)

    await asyncio.to_thread(terminal.wait, runs, 30)
    terminal.press("\r")
    shown = await asyncio.to_thread(
        terminal.wait, lambda lines: "Migrations ›" in "".join(lines), 10
    )
    assert shown is not None, terminal.screen.display


def _throughput(values: dict[str, Any]) -> float:
    """MiB/s of the copying, by libvirt's own record.

    Without the downtime, which is a matter of a tenth of a second more or less: QEMU sends, and
    looks whether it is through, in slices of that length.
    """
    slack = values.get("setup_time", 0) + values.get("downtime", 0)
    return float(values["memory_processed"]) / MIB / (values["time_elapsed"] - slack) * 1000


async def _ten(ground: Ground) -> list[Row]:
    async with AsyncExitStack() as stack:
        for guest in TEN:
            await stack.enter_async_context(ground.guest(guest))
        bridge = _bridge(ground)
        try:
            bridge.start()
            keys = await _keys(bridge)
            migrations, share, seconds = await _together(bridge, keys)
        finally:
            bridge.stop()
    done = sum(one.status is MigrationStatus.COMPLETED for one in migrations)
    own = sum(_steered_by_its_own(one) for one in migrations)
    return [
        Row("migration", f"10 at once: completed, within {seconds:.0f} s", done, "migrations",
            target="10", met=done == 10),
        Row("migration", "10 at once: steered by its own policy and no other", own, "migrations",
            target="10", met=own == 10),
        Row("migration", "10 at once: core thread", share * 100, "% of a core",
            target=below(20), met=share < 0.2),
    ]  # fmt: skip


def _bridge(ground: Ground) -> Bridge:
    hosts = [f"{name}={uri}" for name, uri in ground.uris.items()]
    journal = ground.fresh_path("journal.sqlite3")
    options = LinkOptions(sweep_interval=0)
    return Bridge(
        lambda: Fleet.open(hosts, options=options, journal=journal),
        wake=lambda: None,
        failed=lambda error: None,
        rate=5.0,
    )


async def _keys(bridge: Bridge) -> list[ObjectKey]:
    """Wait until all ten are seen to run."""
    names = {guest.name for guest in TEN}

    def running() -> list[ObjectKey]:
        rows = [one for one in bridge.state.instances.values() if one.name in names]
        keys = [one.key for one in rows if one.state is InstanceState.RUNNING and one.described]
        return keys if len(keys) == len(TEN) else []

    found: list[ObjectKey] = await until(running, "ten guests")
    return found


async def _together(
    bridge: Bridge, keys: Sequence[ObjectKey]
) -> tuple[list[Migration], float, float]:
    """Begin all at once; returns them at their end, the core thread's share, the seconds."""
    thread = next(one for one in threading.enumerate() if one.name == "core")
    assert thread.native_id is not None
    before, began = thread_cpu(os.getpid(), thread.native_id), time.monotonic()
    for number, key in enumerate(keys):
        request = Migrate(
            key, to="beta", bandwidth=NARROW, post_copy_bandwidth=NARROW, max_downtime=300,
            **WAYS[number % len(WAYS)],
        )  # fmt: skip
        await asyncio.wrap_future(bridge.ask(lambda source, one=request: source.submit(one)))

    def over() -> bool:
        found = list(bridge.state.migrations.values())
        return len(found) == len(keys) and all(one.status.final for one in found)

    await until(over, "the end of all", 90)
    seconds = time.monotonic() - began
    share = (thread_cpu(os.getpid(), thread.native_id) - before) / seconds
    return list(bridge.state.migrations.values()), share, seconds


def _steered_by_its_own(migration: Migration) -> bool:
    by = {record.by for record in migration.steering}
    return by == {f"policy {migration.policy}"}
