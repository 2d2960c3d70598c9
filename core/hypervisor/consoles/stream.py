"""A console of an instance, open: virDomainOpenConsole on a stream, on a connection of its own.

Three threads meet here. libvirt's event loop (`virt-events`) reads what the guest writes as it
comes; the console's lane makes every call that may block (open, send, close); the core's loop gives
out what was read, about thirty times a second, and decides what is sent when.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

from core.errors import UsageError, VirtdeckError
from core.hypervisor.connection.binding import Connection, libvirt
from core.hypervisor.connection.lane import Lane
from core.hypervisor.consoles.inbox import StreamInbox
from core.hypervisor.consoles.pace import DeliveryPace
from core.hypervisor.consoles.window import SendWindow
from core.model.console import ConsoleEnd
from core.model.lists import plural

LetGo = Callable[[Connection], None]
WAITING_LIMIT = 1 << 20
"""Bytes that may wait to be sent."""
_BLOCKED = 0.05
_LOOK_SECONDS = 5.0
_ENDING_SECONDS = 1.0
"""How long an instance may still be told as active after its console has ended with it."""
_TAKEN = 39  # VIR_ERR_RPC, where another client took the console


class ConsoleStream:
    """A console one reads from and types into. All methods on the core's loop.

    `read` gives what the guest wrote, b"" once it has ended; then `end` says why, `why` in words.
    """

    def __init__(self, uuid: str, alias: str, lane: Callable[[LetGo], Lane]) -> None:
        """Use `open_console`."""
        self.alias = alias
        self.end: ConsoleEnd | None = None
        self.why = ""
        self._uuid = uuid
        self._loop = asyncio.get_running_loop()
        self._stirred = asyncio.Event()
        self._inbox = StreamInbox(self._loop, self._stirred.set)
        self._lane = lane(self._inbox.detach)
        self._pace = DeliveryPace()
        self._outgoing = bytearray()
        self._window = SendWindow()
        self._typed = asyncio.Event()
        self._sender: asyncio.Task[None] | None = None

    async def open(self, *, force: bool, deadline: float) -> None:
        """Open it; see `open_console`."""
        uuid, alias, inbox = self._uuid, self.alias, self._inbox
        try:
            await self._lane.call(
                lambda conn: inbox.attach(conn, uuid, alias, force=force), deadline=deadline
            )
        except BaseException:
            self._lane.close()
            raise
        self._sender = asyncio.create_task(self._send(), name=f"console-{uuid[:8]}")

    async def read(self) -> bytes:
        """Wait for what the guest writes; b"" when nothing comes any more."""
        while self.end is None:
            await self._pace.due(self._stirred, lambda: self._inbox.size)
            data, full = self._inbox.take()
            if full and self.end is None:
                await self._go_on_reading()
            if data:
                self._window.heard(len(data))
                self._typed.set()
                if self._inbox.over:
                    self._stirred.set()
                return data
            if self._inbox.over:
                await self._find_reason()
        return b""

    async def write(self, data: bytes) -> None:
        """Have this typed into the console, in its turn; returns at once.

        Raises UsageError when the guest takes nothing and too much waits already.
        """
        if len(self._outgoing) + len(data) > WAITING_LIMIT:
            raise UsageError(
                f"{plural(len(self._outgoing), 'byte')} wait for the guest to read them.",
                "Paste less at once, or put the text into a file of the guest.",
            )
        self._outgoing += data
        self._typed.set()

    @property
    def waiting(self) -> int:
        """Bytes that were typed and are not sent, because the guest has not read what was."""
        return len(self._outgoing)

    async def close(self, patience: float = 2.0) -> None:
        """Let go of the console; nothing comes of it any more.

        Waits until it is free for others, so many seconds at most: its host may hang.
        """
        if self.end is None:
            self.end = ConsoleEnd.CLOSED
        self._stirred.set()
        self._release()
        until = self._loop.time() + patience
        while not self._lane.ended and self._loop.time() < until:  # noqa: ASYNC110 - a thread's
            await asyncio.sleep(0.005)

    # -- inside ---------------------------------------------------------------------------------

    async def _go_on_reading(self) -> None:
        with suppress(VirtdeckError):
            await self._lane.call(lambda _: self._inbox.resume(), deadline=_LOOK_SECONDS)

    async def _send(self) -> None:
        """Send what was typed as fast as the guest reads it, until the console has ended."""
        while self.end is None:
            await self._typed.wait()
            room = self._window.room(self._loop.time())
            piece = bytes(self._outgoing[:room])
            if not self._outgoing:
                self._typed.clear()
            elif not piece:
                await asyncio.sleep(_BLOCKED)
            else:
                await self._send_piece(piece)

    async def _send_piece(self, piece: bytes) -> None:
        try:
            count = await self._lane.call(lambda _: self._inbox.send(piece), deadline=_LOOK_SECONDS)
        except VirtdeckError as error:
            self._inbox.fail(getattr(error, "code", 0), error.message)
            self._outgoing.clear()
            return
        self._window.sent(count)
        del self._outgoing[:count]
        if not count:
            await asyncio.sleep(_BLOCKED)

    async def _find_reason(self) -> None:
        """Say why nothing comes any more, by what is true of the instance and the connection."""
        code, text = self._inbox.failure
        before, now = self._inbox.process, await self._process()
        until = self._loop.time() + _ENDING_SECONDS
        while now == before and self._loop.time() < until:
            await asyncio.sleep(_BLOCKED)  # of one that is cut off the stream ends first
            now = await self._process()
        if self.end is not None:  # we closed it meanwhile
            return
        self.end, self.why = judged(code, text, before, now)
        self._release()

    async def _process(self) -> int | None:
        """libvirt's number of the instance's run, -1 where it is off; None: no answer."""
        if self._inbox.broken:
            return None
        try:
            uuid = self._uuid
            return await self._lane.call(lambda conn: _number(conn, uuid), deadline=_LOOK_SECONDS)
        except VirtdeckError:
            return None

    def _release(self) -> None:
        if self._sender is not None:
            self._sender.cancel()
        self._lane.close()


async def open_console(
    lane: Callable[[LetGo], Lane], uuid: str, alias: str, *, force: bool, deadline: float
) -> ConsoleStream:
    """Open a console on a lane of its own, which `lane` makes and the console closes at its end.

    `force` takes it from whoever has it. Raises ConsoleInUseError where another client has it and
    `force` is off, NotFoundError, UnreachableError, DeadlineError, HypervisorError as libvirt says.
    """
    stream = ConsoleStream(uuid, alias, lane)
    await stream.open(force=force, deadline=deadline)
    return stream


def _number(conn: Connection, uuid: str) -> int:
    try:
        return int(conn.lookupByUUIDString(uuid).ID())
    except libvirt.libvirtError as error:
        if error.get_error_code() == libvirt.VIR_ERR_NO_DOMAIN:
            return -1
        raise


def judged(code: int, text: str, before: int, now: int | None) -> tuple[ConsoleEnd, str]:
    """Why a console ended, by libvirt's numbers of the instance's run before and now. Pure.

    `now` is -1 where it is off, None where the host gives no answer. A reverted one has another
    number within a moment: its console ended with the run before, whatever the error looks like.
    """
    if now is None:
        return ConsoleEnd.LOST, "The connection to its host broke off."
    if now == -1:
        return ConsoleEnd.OFF, "The instance is off."
    if now != before:
        return ConsoleEnd.OFF, "The instance was stopped, and runs anew."
    if code == _TAKEN:
        return ConsoleEnd.TAKEN, "Another client took this console over."
    reason = f" ({' '.join(text.split())})" if text else ""
    return ConsoleEnd.DROPPED, f"Its host closed this console{reason}."
