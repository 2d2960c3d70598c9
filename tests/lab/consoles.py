"""Talking to a guest on its serial console, for tests."""

from __future__ import annotations

import asyncio
import sys
import threading
import traceback

from core.source import OpenConsole
from tests.patience import PATIENCE


class Talk:
    """Reads a console and keeps what came; answers the question for the cursor as a terminal."""

    def __init__(self, console: OpenConsole) -> None:
        self.console = console
        self.said = b""

    async def until(self, wanted: bytes, seconds: float = 40.0) -> bytes:
        """Read until something was said since the last call; returns all up to it."""
        async with asyncio.timeout(seconds * PATIENCE):
            while wanted not in self.said:
                data = await self.console.read()
                assert data, f"{self.console.end}: {self.console.why} after {self.said[-300:]!r}"
                if b"\x1b[6n" in data:  # a prompt asks where it is, vi how large the terminal is
                    at = b"24;80" if b"999;999H" in data else b"1;1"
                    await self.console.write(b"\x1b[%bR" % at)
                self.said += data
        end = self.said.index(wanted) + len(wanted)
        before, self.said = self.said[:end], self.said[end:]
        return before

    async def prompt(self, name: str) -> None:
        """Wake the shell, and wait until it asks for a command; what it said before is dropped."""
        await self.console.write(b"\r")
        await self.until(f"{name}:/# ".encode())

    async def ended(self, seconds: float = 40.0) -> None:
        """Read until nothing comes any more."""
        try:
            async with asyncio.timeout(seconds * PATIENCE):
                while await self.console.read():
                    pass
        except TimeoutError:
            raise AssertionError(f"nothing told its end; {event_thread()}") from None


def event_thread() -> str:
    """Where libvirt's event loop is now: it tells the end of a console."""
    thread = next(each for each in threading.enumerate() if each.name == "virt-events")
    frame = sys._current_frames().get(thread.ident or 0)
    return "".join(traceback.format_stack(frame)[-6:]) if frame else "it has ended"
