"""What the volumes table costs with 10 and with 10,000 volumes: real files in a real `dir` pool."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from statistics import median

from core.fleet import Fleet
from core.hypervisor.connection.binding import libvirt
from tests.bench.host import console
from tests.bench.rows import Row, limited
from tests.bench.rpc import watching
from tests.bench.screen import thread_cpu
from tests.bench.startup import FULL
from tests.bench.storage import served_pool
from tests.bench.terminal import Terminal
from tests.slow_link import SlowLink

VOLUMES = (10, 10_000)
PAGE = 1.0
"""Seconds at the most from the key to the first page with sizes."""
SHARE = 5.0
"""Percent of a core at the most that the thread of the screen takes while nothing is done."""
REFRESH = 70
"""Calls at the most for a pool that is refreshed: its own, and 64 of its volumes."""
QUIET = 3.0
"""Seconds without a call after which all is read."""
ONCE = 12.0
"""Seconds after which the host itself was read, which is put off until there is time."""
WATCH, TICKS, KEYS = 15.0, 10, 40
DOWN, UP, PAGE_DOWN = "j", "k", "\x1b[6~"


def run() -> Iterator[Row]:
    """Calls, first page, UI thread and keys for each size of pool."""
    keys: list[float] = []
    for volumes in VOLUMES:
        name = f"pool of {volumes:,} volumes"
        with served_pool(volumes, 0.0) as (uri, link):
            tick, refresh = asyncio.run(_calls(uri, link, volumes))
            yield Row("volumes", f"{name}: calls a tick for the host", tick, "calls",
                      target="<= 1", met=tick <= 1)  # fmt: skip
            yield Row("volumes", f"{name}: calls when it is refreshed", refresh, "calls",
                      target=f"<= {REFRESH}", met=refresh <= REFRESH)  # fmt: skip
            with console(f"big={uri}") as terminal:
                yield limited("volumes", f"{name}: first page with sizes, from the key",
                              _first_page(terminal, volumes), "s", PAGE)  # fmt: skip
                _settle(terminal)
                yield limited("volumes", f"{name}: UI thread, the table in view",
                              _share(terminal), "% of a core", SHARE)  # fmt: skip
                keys.append(_key(terminal, (DOWN, UP)))
                yield _key_row(f"{name}: a key that moves the cursor", keys)
                if volumes > FULL:
                    paging = _key(terminal, (PAGE_DOWN,))
                    yield Row("volumes", f"{name}: a page down", paging, "ms")


def _key_row(name: str, keys: list[float]) -> Row:
    if len(keys) < 2:
        return Row("volumes", name, keys[-1], "ms")
    met = keys[-1] < 1.5 * keys[0] + 5
    return Row("volumes", name, keys[-1], "ms", keys[0], "with 10", "as with 10", met)


async def _calls(uri: str, link: SlowLink, volumes: int) -> tuple[float, int]:
    """Calls a tick once all is read, and those that follow on a refresh of the pool."""
    async with watching(uri, interval=1.0) as fleet:
        await _read(fleet, volumes)
        await asyncio.sleep(ONCE)  # what is read once, of the host itself too, has been
        before = link.calls().total()
        await asyncio.sleep(TICKS)
        tick = (link.calls().total() - before) / TICKS
    async with watching(uri, interval=0) as fleet:
        await _read(fleet, volumes)
        await _quiet(link)
        before = link.calls().total()
        own = await asyncio.to_thread(libvirt.open, uri)
        opened = link.calls().total() - before
        await asyncio.to_thread(own.storagePoolLookupByName("big").refresh, 0)
        await _quiet(link)
        # a look-up and the refresh are ours
        return round(tick, 2), link.calls().total() - before - opened - 2


async def _read(fleet: Fleet, volumes: int) -> None:
    """Return once every volume is described."""
    while True:
        found = fleet.state.volumes
        if len(found) >= volumes and all(one.described for one in found.values()):
            return
        await asyncio.sleep(0.1)


async def _quiet(link: SlowLink) -> None:
    last, since = -1, time.monotonic()
    while time.monotonic() - since < QUIET:
        if (now := link.calls().total()) != last:
            last, since = now, time.monotonic()
        await asyncio.sleep(0.1)


def _first_page(terminal: Terminal, volumes: int) -> float:
    """Seconds from the key to a screen of volumes with their sizes."""
    wanted = min(volumes, FULL)

    def page(lines: list[str]) -> bool:
        return sum(" v0" in line and "1.0M" in line for line in lines) >= wanted

    up = terminal.wait(lambda lines: any("big up" in line for line in lines), 60)
    assert up is not None, terminal.screen.display
    pressed = time.monotonic()
    terminal.press("3")
    seen = terminal.wait(page, 120)
    return float("inf") if seen is None else time.monotonic() - pressed


def _settle(terminal: Terminal) -> None:
    """Take what comes until the listing behind the page is done: a second writes nothing more."""
    while terminal.read_for(2.0) > 4096:
        pass
    terminal.read_for(10.0)


def _share(terminal: Terminal) -> float:
    cpu, start = thread_cpu(terminal.pid, terminal.pid), time.monotonic()
    terminal.read_for(WATCH)
    used = thread_cpu(terminal.pid, terminal.pid) - cpu
    return 100 * used / (time.monotonic() - start)


def _key(terminal: Terminal, keys: tuple[str, ...]) -> float:
    """Milliseconds from a key to what it changes on the screen, the median."""
    taken = []
    for number in range(KEYS):
        terminal.read_for(0.1)
        pressed = time.monotonic()
        terminal.press(keys[number % len(keys)])
        while not terminal.feed(1.0):
            pass
        taken.append(1000 * (time.monotonic() - pressed))
    return median(taken)
