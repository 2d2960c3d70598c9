"""A tape whose instances have consoles: what a real guest wrote, recorded by
tests/lab/record_consoles.py, and whatever a test has it write."""

from __future__ import annotations

import asyncio
from pathlib import Path

from core.errors import VirtdeckError
from core.journal.replay import Replay
from core.model import ObjectKey
from core.model.console import Console, ConsoleEnd, Consoles, Display, LogTail

DATA = Path(__file__).parents[1] / "data" / "consoles"
SERIAL = Console("serial0", "serial", "pty", "isa-serial")


def recorded(case: str) -> bytes:
    """What a guest wrote."""
    return (DATA / f"{case}.bin").read_bytes()


class PlayedConsole:
    """A `core.source.OpenConsole`: `says` is what the guest writes, `typed` what it was sent."""

    def __init__(self, says: bytes) -> None:
        self.end: ConsoleEnd | None = None
        self.why = ""
        self.waiting = 0
        self.typed = b""
        self._loop = asyncio.get_running_loop()
        self._says: asyncio.Queue[bytes] = asyncio.Queue()
        if says:
            self._says.put_nowait(says)

    def say(self, data: bytes) -> None:
        """Have the guest write. Any thread."""
        self._loop.call_soon_threadsafe(self._says.put_nowait, data)

    def finish(self, end: ConsoleEnd, why: str) -> None:
        """Have the console end. Any thread."""
        self.end, self.why = end, why
        self.say(b"")

    async def read(self) -> bytes:
        return await self._says.get()

    async def write(self, data: bytes) -> None:
        self.typed += data

    async def close(self) -> None:
        self.end = ConsoleEnd.CLOSED
        self._says.put_nowait(b"")


class PlayedConsoles:
    """A `core.source.ConsoleAccess`."""

    def __init__(self) -> None:
        self.there = Consoles(True, (SERIAL,), (Display("vnc", "127.0.0.1", 5901),), True)
        self.says = b""
        """What a console that is opened next writes."""
        self.errors: list[VirtdeckError] = []
        """What opening fails with, first."""
        self.log = LogTail("")
        self.pictures: list[bytes] = []
        self.opened: list[PlayedConsole] = []
        self.forced: list[bool] = []

    async def look(self, key: ObjectKey) -> Consoles:
        return self.there

    async def open(self, key: ObjectKey, alias: str = "", *, force: bool = False) -> PlayedConsole:
        self.forced.append(force)
        if self.errors:
            raise self.errors.pop(0)
        self.opened.append(PlayedConsole(self.says))
        return self.opened[-1]

    async def tail(self, key: ObjectKey, name: str, since: int | None = None) -> LogTail:
        data = self.log.data[since or 0 :]
        return LogTail(name, data, self.log.why_not, len(self.log.data))

    async def picture(self, key: ObjectKey, screen: int = 0) -> bytes:
        return self.pictures.pop(0) if len(self.pictures) > 1 else self.pictures[0]


class WithConsoles(Replay):
    """The tape, which takes what is typed into its consoles and nothing else."""

    read_only = False

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.played = PlayedConsoles()
        self.consoles = self.played
