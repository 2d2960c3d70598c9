"""Lanes: a daemon thread with a connection of its own and at most one call in flight.

Two calls on one connection stall each other for seconds with libvirt before 10, and five cut the
connection off, so whoever may have to wait long has a lane. A call that does not return in time
costs its lane only: the lane is abandoned, and what it held is given back whenever the call does
return. Threads are daemons, for a pool's threads would keep the process alive until a stuck call
returns.
"""

from __future__ import annotations

import asyncio
import queue
import threading
import traceback
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple, Protocol, TypeVar

from core.errors import DeadlineError, NotSentError, VirtdeckError
from core.futures import hand_over, settle
from core.hypervisor.connection.binding import Connection
from core.hypervisor.connection.silence import Silence, on_this_thread

T = TypeVar("T")


class Connecting(Protocol):
    """How a lane gets its connection, and how it gives it back. Called on the lane's thread."""

    def turn(self) -> Awaitable[Callable[[], None]] | None:
        """Return what to wait for before `open` is called, None: nothing. Called on the loop.

        What it gives is called when the connection is open, or will not be.
        """
        ...

    def open(self) -> Connection:
        """Open a connection; raises core.errors or libvirt errors. May block for ever."""
        ...

    def close(self, conn: Connection) -> None:
        """Free a connection entirely. May block; must not raise."""
        ...

    def alive(self, conn: Connection) -> bool:
        """Tell, without any call to the daemon, whether the connection still stands."""
        ...

    def translate(self, error: Exception, *, broken: bool) -> Exception:
        """Turn a libvirt error into one of core.errors; others are returned as they are.

        `broken`: the connection died of, or before, it.
        """
        ...

    def too_late(self, seconds: float) -> VirtdeckError:
        """Return the error for an opening that did not end in time. Any thread."""
        ...

    def interrupt_open(self, thread_id: int) -> None:
        """End what an `open` on this thread (its native id) waits for, where that is possible.

        Called on the loop; returns at once.
        """
        ...


class _Job(NamedTuple):
    function: Callable[[Connection], Any]
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Any]
    silence: Silence


class Lane:
    """One thread, one connection, one call at a time, in the order of the calls.

    The connection is opened by the first call, within that call's deadline. All methods run on the
    asyncio loop of the caller.
    """

    def __init__(
        self,
        name: str,
        connecting: Connecting,
        *,
        let_go: Callable[[Connection], None] | None = None,
    ) -> None:
        """`let_go` is called with a connection before it is freed, on the lane's thread.

        It lets go of what it holds of it and lives longer than a call; it must not raise.
        """
        self.name = name
        self._let_go = let_go
        self._connecting = connecting
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._turn = asyncio.Lock()
        self._opening = False
        self._making = False
        """Whether the newest call may have been made: it no longer waits for its connection."""
        self._conn: Connection | None = None
        """Changes during a call, and when the lane has finished."""
        self._finished = False
        self._pending: asyncio.Future[Any] | None = None
        self._queued: asyncio.Future[None] | None = None
        """Is settled when the call that waits for its turn to open is not to be made."""
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._serve, name=name, daemon=True)
        self._thread.start()

    @property
    def usable(self) -> bool:
        """Whether another call may be made: not closed, not abandoned, connection not broken."""
        return not self._finished

    @property
    def idle(self) -> bool:
        """Whether no call is in flight, nor waits for its turn to open."""
        return self._pending is None and self._queued is None

    @property
    def ended(self) -> bool:
        """Whether its thread has given the connection back and ended."""
        return self._ended.is_set()

    @property
    def _will_open(self) -> bool:
        """Whether a call has to open the connection first, be it again.

        Asked between calls of a lane that has not finished: nobody frees the connection meanwhile.
        """
        if self._finished:
            return False
        return self._conn is None or not self._connecting.alive(self._conn)

    async def call(self, function: Callable[[Connection], T], *, deadline: float) -> T:
        """Run `function(conn)` on the thread; `deadline` seconds the host may take to answer it.

        They count from when it is its turn. A function of several calls may tell of its progress,
        and of what is its own work (core.hypervisor.connection.silence): that counts for nothing.

        Where connections wait for each other, opening has its own turn, and a deadline of its own.

        `function` must return plain values: a libvirt handle would keep the connection from being
        freed. Raises DeadlineError when it did not return in time (the lane is then abandoned, and
        whether the call took effect is not known), NotSentError when the lane is closed or the time
        ran out before a connection was there, UnreachableError when the connection broke during the
        call, and what `function` raised, translated. A cancelled caller abandons the lane as well.
        """
        async with self._turn:
            if self._will_open and (turn := self._connecting.turn()) is not None:
                release = await self._wait_for(turn)
                try:
                    await self._make(_nothing, deadline)
                finally:
                    release()
            return await self._make(function, deadline)

    async def _wait_for(self, turn: Awaitable[Callable[[], None]]) -> Callable[[], None]:
        """Wait for the turn to open; raises when the lane is closed or given up meanwhile."""
        queued = self._queued = asyncio.get_running_loop().create_future()
        coming = asyncio.ensure_future(turn)
        try:
            await asyncio.wait((coming, queued), return_when=asyncio.FIRST_COMPLETED)
            if not queued.done():
                return coming.result()
            queued.result()
            raise NotSentError(f"The connection {self.name} is closed.")
        except BaseException:
            coming.cancel()
            coming.add_done_callback(_give_back)
            raise
        finally:
            self._queued = None

    async def _make(self, function: Callable[[Connection], T], deadline: float) -> T:
        if self._finished:
            raise NotSentError(f"The connection {self.name} is closed.")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._pending = future
        self._making = False  # nobody else writes it now: the thread waits for a job
        silence = Silence()
        self._jobs.put(_Job(function, loop, future, silence))
        try:
            while not future.done() and (left := silence.left(deadline)) > 0:
                await asyncio.wait((future,), timeout=left)
        finally:
            self._pending = None
            if not future.done():
                self.close()
        if not future.done():
            future.cancel()
            if not self._making:  # looked at after close(): what is opened now is not used
                raise self._connecting.too_late(deadline)
            raise DeadlineError(f"The host gave no answer within {deadline:g} s.")
        return future.result()

    def stop_opening(self, error: VirtdeckError) -> None:
        """Fail the call that still waits for its connection, if there is one: nothing was sent."""
        if self._queued is not None:
            self.give_up(error)
        if self._opening:
            self.close()
            if not self._making:  # then the call is not made even if it opens this instant
                self.give_up(error)

    def give_up(self, error: VirtdeckError) -> None:
        """Close the lane and fail the call in flight, which may yet take effect."""
        if self._queued is not None:
            settle(self._queued, None, error)
        self.close()
        if self._pending is not None:
            settle(self._pending, None, error)

    def close(self) -> None:
        """Take no more calls; the thread frees the connection when its present call returns.

        Returns at once. Also how a lane with a stuck call is abandoned.
        """
        if self._finished:
            return
        self._finished = True
        self._jobs.put(None)
        if self._queued is not None:
            settle(self._queued, None, None)
        if self._opening and self._thread.native_id is not None:
            self._connecting.interrupt_open(self._thread.native_id)

    def _serve(self) -> None:
        try:
            while (job := self._jobs.get()) is not None:
                with on_this_thread(job.silence):
                    result, error = self._perform(job.function)
                if self._conn is None or not self._connecting.alive(self._conn):
                    self._finished = True
                hand_over(job.loop, job.future, result, error)
                del job, result, error  # they would keep the last call's values until the next
                if self._finished:
                    break
        finally:
            self._free()
            self._ended.set()

    def _free(self) -> None:
        conn, self._conn = self._conn, None
        if conn is not None:
            if self._let_go is not None:
                self._let_go(conn)
            self._connecting.close(conn)

    def _perform(self, function: Callable[[Connection], Any]) -> tuple[Any, Exception | None]:
        """Open the connection if need be, make the call. Returns result, error."""
        try:
            if self._conn is not None and not self._connecting.alive(self._conn):
                self._free()  # it died while nobody used it: that costs no call
            if self._conn is None:
                self._conn = self._open()
            self._making = True  # before the check, as in `_open`
            if self._finished:  # given up while it was being opened: nobody wants the call
                self._making = False
                return None, None
            return function(self._conn), None
        except Exception as error:
            # The frames of the failed call hold handles, and a handle keeps a connection open.
            traceback.clear_frames(error.__traceback__)
            broken = self._conn is None or not self._connecting.alive(self._conn)
            return None, self._connecting.translate(error, broken=broken)

    def _open(self) -> Connection:
        self._opening = True  # before the check: either close() sees it, or this sees close()
        try:
            if self._finished:
                return None
            return self._connecting.open()
        finally:
            self._opening = False


def _give_back(coming: asyncio.Future[Callable[[], None]]) -> None:
    """Give back a turn that came when nobody waited for it any more."""
    if not coming.cancelled() and coming.exception() is None:
        coming.result()()


def _nothing(_conn: Connection) -> None:
    """For a call that only opens."""
