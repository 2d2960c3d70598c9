"""Opening a connection through ssh: with a login of its own, and through one that is shared.

The sshd is a real one on loopback. A link of a set round trip is put before it: ssh reaches it by
a ProxyCommand, which joins it to the proxy (tests/slow_link.py).
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from statistics import median
from unittest.mock import patch

from core.hypervisor.connection.connector import Connector
from core.hypervisor.connection.lane import Lane
from core.hypervisor.connection.options import LinkOptions
from core.hypervisor.connection.uri import parse_uri
from tests.bench.rows import Row
from tests.driver.private_daemon import PrivateDaemon
from tests.lab.private_sshd import PrivateSshd
from tests.slow_link import SlowLink

ROUNDS = 7
ROUND_TRIPS = (0.0, 0.02, 0.1)
LIMIT = 60.0


def run() -> Iterator[Row]:
    """Two rows for each length of the link."""
    with PrivateDaemon(instances=3) as daemon, PrivateSshd() as sshd:
        uri = sshd.plain_uri(daemon.socket, "test", "default")
        for round_trip in ROUND_TRIPS:
            with patch.dict(os.environ, sshd.environment):
                first, own, shared = asyncio.run(_measure(sshd, uri, round_trip))
            case = f"a link of {1000 * round_trip:g} ms" if round_trip else "local"
            yield Row("ssh", f"{case}: the first connection of a host opens", first, "s")
            yield Row(
                *("ssh", f"{case}: a further one, shared", shared, "s"),
                rival=own,
                rival_name="a login of its own",
            )


async def _measure(sshd: PrivateSshd, uri: str, round_trip: float) -> tuple[float, float, float]:
    """Return medians: the first of a host, a further one with its own login, one that is shared."""
    config = sshd.directory / "config"
    before = config.read_text()
    async with _tcp_behind(sshd, "near"):
        with SlowLink(sshd.directory / "far", sshd.directory / "near", round_trip=round_trip):
            sshd.configure(f"ProxyCommand {sshd.directory}/relay {sshd.directory}/far")
            try:
                own = [await _open(sshd, uri, share=False) for _ in range(ROUNDS)]
                shared = [await _open(sshd, uri, share=True) for _ in range(ROUNDS)]
            finally:
                config.write_text(before)
    return (
        median(times[0] for times in shared),
        median(times[1] for times in own),
        median(times[1] for times in shared),
    )


async def _open(sshd: PrivateSshd, uri: str, *, share: bool) -> list[float]:
    """Open two connections to a host one after the other; return the seconds of each."""
    connector = Connector(parse_uri(uri), LinkOptions(share_ssh=share, connect_timeout=LIMIT))
    lanes = [Lane(f"lane-{number}", connector) for number in range(2)]
    times = []
    for lane in lanes:
        began = time.monotonic()
        await lane.call(lambda _: None, deadline=LIMIT)
        times.append(time.monotonic() - began)
    for lane in lanes:
        lane.close()
    await connector.log_in_anew()
    while sshd.connections():  # noqa: ASYNC110 - they are processes of another
        await asyncio.sleep(0.01)
    return times


@asynccontextmanager
async def _tcp_behind(sshd: PrivateSshd, name: str) -> AsyncIterator[None]:
    """Reach sshd's port at a unix socket, which is what the proxy of a slow link forwards to."""

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", sshd.port)
        await asyncio.gather(
            *(carry(reader, far_writer), carry(far_reader, writer)), return_exceptions=True
        )

    async with await asyncio.start_unix_server(serve, sshd.directory / name) as server:
        yield
        server.close()
