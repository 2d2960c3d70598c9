"""The consoles of a fleet's instances: what there are, opened, their files, what a screen shows."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from core.errors import NotFoundError, ReadOnlyError, UnsupportedError
from core.fleet_links import host_named
from core.futures import hand_over
from core.hypervisor.session import Hypervisor
from core.model.base import ObjectKey
from core.model.console import Console, Consoles, LogTail

if TYPE_CHECKING:
    from core.hypervisor.connection.binding import Connection
    from core.hypervisor.consoles.stream import ConsoleStream

OPENING_SECONDS = 30.0
LARGEST_PICTURE = 64 << 20
_PICTURE_SECONDS = 20.0
_FILE_SECONDS = 5.0
_GRACE = 0.25


class FleetConsoles:
    """A `core.source.ConsoleAccess`. On the core's asyncio loop only."""

    def __init__(self, hosts: Mapping[str, Hypervisor], *, read_only: bool) -> None:
        self._hosts = hosts
        self._read_only = read_only
        self._open: list[ConsoleStream] = []
        self._numbers = itertools.count(1)

    async def look(self, key: ObjectKey) -> Consoles:
        """Read what consoles and displays an instance has now, in one call or two."""
        uuid = key.id
        return await host_named(self._hosts, key.host).call(lambda conn: _look(conn, uuid))

    async def open(self, key: ObjectKey, alias: str = "", *, force: bool = False) -> ConsoleStream:
        """Open a console on a connection of its own; "": the first one.

        `force` takes it from whoever has it: ask first. Raises ConsoleInUseError without, where
        another client has it, ReadOnlyError, NotFoundError for no such console, UnsupportedError
        for one that cannot be typed into, and as `core.source.ConsoleAccess` says.
        """
        from core.hypervisor.consoles.stream import open_console

        if self._read_only:
            raise ReadOnlyError(
                "This link is read-only: a console takes what is typed.",
                "Start without --read-only.",
            )
        host = host_named(self._hosts, key.host)
        console = chosen(await self.look(key), alias)
        label = f"console-{next(self._numbers)}-{key.id[:8]}"
        stream = await open_console(
            lambda let_go: host.lane(label, let_go=let_go),
            *(key.id, console.alias),
            force=force,
            deadline=OPENING_SECONDS,
        )
        self._open = [each for each in self._open if each.end is None]
        self._open.append(stream)
        return stream

    async def tail(self, key: ObjectKey, name: str, since: int | None = None) -> LogTail:
        """Read the end of a file of the host, where that is this machine; never raises for it.

        A file system whose server is gone costs its own thread and five seconds.
        """
        from core.hypervisor.consoles.log import read_tail

        host = host_named(self._hosts, key.host)
        if not host.address.local:
            return LogTail(name, why_not=f"{name} is on {key.host}: it is read on that host only.")
        return await _on_a_thread(lambda: read_tail(name, since), name)

    async def picture(self, key: ObjectKey, screen: int = 0) -> bytes:
        """Take a picture of what a screen of an instance shows (virDomainScreenshot)."""
        from core.hypervisor.calls.screenshot import picture

        uuid = key.id
        return await host_named(self._hosts, key.host).call(
            lambda conn: picture(conn, uuid, screen, LARGEST_PICTURE), deadline=_PICTURE_SECONDS
        )

    async def close(self) -> None:
        """Let go of every console, before the links are closed: about a quarter of a second."""
        await asyncio.gather(*(stream.close(_GRACE) for stream in self._open))


def chosen(consoles: Consoles, alias: str) -> Console:
    """Return the console to open. Pure; raises NotFoundError and UnsupportedError with the cure."""
    console = consoles.named(alias)
    if console is None:
        there = ", ".join(each.label for each in consoles.consoles)
        raise NotFoundError(
            f"It has no console {alias!r}." if alias else "It has no console.",
            f"There are: {there}." if there else "Give it a serial port: <serial type='pty'/>.",
        )
    if not consoles.running:
        raise UnsupportedError("The instance is off.", "Start it: its console is there then.")
    if not console.talks:
        raise UnsupportedError(
            f"{console.label} is of type '{console.source}': nothing can be typed into it.",
            f"What it wrote is in {console.record}." if console.record else "",
        )
    return console


def _look(conn: Connection, uuid: str) -> Consoles:
    from core.xml.consoles import read_consoles

    domain = conn.lookupByUUIDString(uuid)
    running = domain.isActive() == 1
    return read_consoles(domain.XMLDesc(0), running=running)


async def _on_a_thread(read: Any, name: str) -> LogTail:
    import threading

    loop = asyncio.get_running_loop()
    future: asyncio.Future[LogTail] = loop.create_future()
    threading.Thread(
        target=lambda: hand_over(loop, future, read(), None), name="console-log", daemon=True
    ).start()
    with suppress(TimeoutError):
        async with asyncio.timeout(_FILE_SECONDS):
            return await asyncio.shield(future)
    return LogTail(name, why_not=f"{name} could not be read within {_FILE_SECONDS:g} s.")
