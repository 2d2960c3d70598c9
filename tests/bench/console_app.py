"""The console on a made-up fleet whose first instance's serial console is a local pty.

`python -m tests.bench.console_app COMMAND...` opens the real app with the real console screen; only
libvirt's stream is replaced, by a pty on which the command runs when the console is opened.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import pty
import struct
import sys
import termios
import tty
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from core.hypervisor.consoles.inbox import READ_AHEAD
from core.hypervisor.consoles.pace import DeliveryPace
from core.model import ObjectKey
from core.model.console import Console, ConsoleEnd, Consoles, LogTail
from tests.bench.synthetic import SyntheticSource, opened


class PtyConsole:
    """A `core.source.OpenConsole` on a command of this machine; it keeps what libvirt's keeps."""

    def __init__(self, command: Sequence[str], columns: int, rows: int) -> None:
        self.end: ConsoleEnd | None = None
        self.why = ""
        self.waiting = 0
        self._loop = asyncio.get_running_loop()
        self._stirred = asyncio.Event()
        self._data = bytearray()
        self._pace = DeliveryPace()
        self._over = False
        pid, self._fd = pty.fork()
        if pid == 0:
            os.execvp(command[0], [*command])
        fcntl.ioctl(self._fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        tty.setraw(self._fd)
        self._loop.add_reader(self._fd, self._receive)

    def _receive(self) -> None:
        try:
            piece = os.read(self._fd, 65_536)
        except OSError:
            piece = b""
        self._data += piece
        self._over = not piece
        if self._over or len(self._data) >= READ_AHEAD:
            self._loop.remove_reader(self._fd)
        self._stirred.set()

    async def read(self) -> bytes:
        await self._pace.due(self._stirred, lambda: len(self._data))
        data = bytes(self._data)
        self._data.clear()
        if self._over and not data:
            self.end, self.why = ConsoleEnd.OFF, "The instance is off."
        elif self._over:
            self._stirred.set()
        elif len(data) >= READ_AHEAD:
            self._loop.add_reader(self._fd, self._receive)
        return data

    async def write(self, data: bytes) -> None:
        os.write(self._fd, data)

    async def close(self) -> None:
        self.end = ConsoleEnd.CLOSED


class PtyConsoles:
    """A `core.source.ConsoleAccess` with one command for every instance."""

    def __init__(self, command: Sequence[str], columns: int, rows: int) -> None:
        self._command = command
        self._size = (columns, rows)

    async def look(self, key: ObjectKey) -> Consoles:
        return Consoles(True, (Console("serial0", "serial", "pty"),))

    async def open(self, key: ObjectKey, alias: str = "", *, force: bool = False) -> PtyConsole:
        return PtyConsole(self._command, *self._size)

    async def tail(self, key: ObjectKey, name: str, since: int | None = None) -> LogTail:
        return LogTail(name)

    async def picture(self, key: ObjectKey, screen: int = 0) -> bytes:
        raise NotImplementedError


def main() -> int:
    """Open the app; the first argument is columns x rows, the rest the command."""
    columns, rows = map(int, sys.argv[1].split("x"))

    from console.settings import Settings
    from console.shell.app import VirtdeckApp

    @asynccontextmanager
    async def source() -> AsyncIterator[SyntheticSource]:
        async with opened(6, 0, still=True) as made:
            made.read_only = False
            made.consoles = PtyConsoles(sys.argv[2:], columns, rows)
            yield made

    VirtdeckApp(source, Settings()).run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
