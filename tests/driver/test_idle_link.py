"""What a link costs while nobody does anything: a console may have a hundred of them."""

from __future__ import annotations

import threading

import psutil
from msgspec.structs import replace

from core.model.observation import Listed, Sampled
from tests.driver.private_daemon import PrivateDaemon
from tests.driver.watching import QUICK, described, linked, until

IDLE = {"lane-idle-link", "lane-idle-statistics"}


def lanes() -> set[str]:
    return {thread.name for thread in threading.enumerate() if thread.name.startswith("lane-idle-")}


def connections(daemon: PrivateDaemon) -> int:
    """Clients of the daemon, as its process sees them."""
    sockets = psutil.Process(daemon.pid).net_connections(kind="unix")
    return sum(one.laddr == str(daemon.socket) for one in sockets)


async def test_an_idle_link_has_two_connections_each_with_a_thread(daemon: PrivateDaemon) -> None:
    """One for events and what they ask for, one for the statistics, which may hang for minutes in
    a process that does not answer. All that was opened beside them to read is closed again."""
    threads, before = set(threading.enumerate()), connections(daemon)
    options = replace(QUICK, lane_idle=0.1)
    async with linked(daemon.uri, options, "idle") as (host, seen):
        await until(described(seen, 4))
        await until(lambda: bool(seen.of(Sampled)))
        await until(lambda: any("pools" in listing.kinds for listing in seen.of(Listed)))
        await host.call(lambda conn: conn.getHostname())  # on a lane for operations
        await until(lambda: lanes() == IDLE)
        await until(lambda: connections(daemon) - before == len(IDLE))
        sampled = len(seen.of(Sampled))
        await until(lambda: len(seen.of(Sampled)) >= sampled + 5)
        assert lanes() == IDLE
        assert connections(daemon) - before == len(IDLE)
        assert {thread.name for thread in set(threading.enumerate()) - threads} == IDLE
    await until(lambda: not lanes() and connections(daemon) == before)
