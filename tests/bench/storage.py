"""A pool with thousands of volumes behind a link of 20 ms: real files in a real `dir` pool.

libvirt's protocol carries no list of more than 16,384 volumes (REMOTE_STORAGE_VOL_LIST_MAX), nor as
many names: of a larger pool a daemon tells the figures, and each volume that is asked for by name.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager

from core.hypervisor.connection.binding import libvirt
from core.model import LinkStatus, Observation
from core.model.observation import LinkChanged
from tests.bench.host import console, far
from tests.bench.listing import spent
from tests.bench.rows import Row, below
from tests.bench.rpc import watching
from tests.bench.startup import FULL
from tests.driver.private_daemon import PrivateDaemon
from tests.slow_link import SlowLink

LISTED = 16_384
VOLUMES = (2_500, LISTED, 100_000)
ROUND_TRIP = 0.02
PAGE = 3.0
"""Seconds at the most from the key to the first page with sizes."""
RIVALRY = 2_500
"""Volumes up to which virsh is asked: it calls twice for each, one call after the other."""
WATCH = 45.0
"""Seconds: longer than a call may take for which nobody named a deadline."""
SIZE = 1 << 20
POOL = "<pool type='dir'><name>big</name><target><path>{path}</path></target></pool>"


@contextmanager
def served_pool(volumes: int, round_trip: float = ROUND_TRIP) -> Iterator[tuple[str, SlowLink]]:
    """Serve a pool `big` of that many sparse files over a link; gives the URI there, and it."""
    with PrivateDaemon(instances=0) as daemon:
        directory = daemon.directory / "pool"
        directory.mkdir()
        for number in range(volumes):
            with (directory / f"v{number:06}.img").open("wb") as file:
                file.truncate(SIZE)
        own = libvirt.open(f"qemu+unix:///session?socket={daemon.socket}")
        own.storagePoolDefineXML(POOL.format(path=directory)).create()
        with SlowLink(daemon.directory / "far", daemon.socket, round_trip=round_trip) as link:
            yield f"qemu+unix:///session?socket={link.path}", link
        own.close()


def _first_page(uri: str) -> float:
    """Seconds from the key to a screen of volumes with their sizes."""

    def page(lines: list[str]) -> bool:
        return sum(" v0" in line and "1.0M" in line for line in lines) >= FULL

    with console(f"big={uri}") as terminal:
        up = terminal.wait(lambda lines: any("big up" in line for line in lines), 60)
        assert up is not None, terminal.screen.display
        pressed = time.monotonic()
        terminal.press("3")
        seen = terminal.wait(page, 120)
        return float("inf") if seen is None else time.monotonic() - pressed


def _rival(uri: str) -> float:
    """Seconds until virsh has printed the pool's volumes with their sizes."""
    return spent("virsh", "-q", "-c", uri, "vol-list", "big", "--details").wall


async def _losses(uri: str) -> int:
    """How often the link to a host was lost while its storage was read."""
    losses = 0

    def tap(observation: Observation) -> None:
        nonlocal losses
        if isinstance(observation, LinkChanged):
            losses += observation.link.status is LinkStatus.DOWN

    async with watching(uri, interval=2) as fleet:
        fleet.tap = tap
        await asyncio.sleep(WATCH)
    return losses


def run() -> Iterator[Row]:
    """For each size of pool: the first page, where there can be one, and the link."""
    for volumes in VOLUMES:
        name = f"pool of {volumes:,} volumes, {far(ROUND_TRIP)}"
        with served_pool(volumes) as (uri, _):
            if volumes <= LISTED:
                page = _first_page(uri)
                rival = _rival(uri) if volumes <= RIVALRY else None
                yield Row(
                    *("storage", f"{name}: first page with sizes", page, "s"),
                    *(rival, "virsh vol-list --details" if rival else ""),
                    below(PAGE),
                    page < PAGE,
                )
            lost = asyncio.run(_losses(uri))
            yield Row(
                *("storage", f"{name}: times the link was lost in {WATCH:g} s", lost, "times"),
                target="0",
                met=lost == 0,
            )
