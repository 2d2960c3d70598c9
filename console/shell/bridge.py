"""The bridge between the core's thread and the screen's: news one way, questions the other.

The core runs in a daemon thread of its own, on its own asyncio loop. However fast it produces
deltas, the screen is woken at most `rate` times a second and at most one wake-up is ever on its
way (level-triggered); it then takes everything merged. An event of something that is in view, or a
migration that is and has another status, does not wait for its turn: it wakes the screen after
`URGENT_SECONDS`, for at five pictures a second a twentieth of all events would be seen 190 ms late.
Nothing here blocks the UI thread, and a core that hangs does not keep the console from leaving.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import TypeVar

from core.errors import UnreachableError, VirtdeckError
from core.model import Delta, MigrationStatus, ObjectKey, OperationStatus, State, merge
from core.source import Source

Answer = TypeVar("Answer")

SourceFactory = Callable[[], AbstractAsyncContextManager[Source]]
"""Called on the core's loop; entering it opens the source, leaving it closes it."""

URGENT_SECONDS = 0.03
"""The least time between two wake-ups."""
GOODBYE_SECONDS = 0.5
"""How long `stop` waits for the core to close its links before it is left to die."""


@dataclass(frozen=True, slots=True)
class News:
    """What the screen takes at a wake-up: the newest picture and what differs from the last."""

    state: State
    delta: Delta


class Bridge:
    """Hosts a source in the thread `core`. The methods are for the UI thread.

    `wake` and `failed` are called on the core's thread and must only post a message.
    """

    def __init__(
        self,
        factory: SourceFactory,
        *,
        wake: Callable[[], object],
        failed: Callable[[Exception], object],
        rate: float,
    ) -> None:
        self._factory = factory
        self._wake = wake
        self._failed = failed
        self._pause = 1 / rate
        self._lock = threading.Lock()
        self._collected: Delta | None = None
        """What the screen was not told of yet; the core's."""
        self._pending: Delta | None = None
        self._shown = State()
        """The picture with all of `_pending` in it. The core's thread makes it: that of the screen
        would wait while a long listing is taken in."""
        self._woken = False
        self.in_view: frozenset[ObjectKey] = frozenset()
        """What the screen shows now; set by the UI thread, read by the core's."""
        self._rests_until = 0.0
        """Of `time.monotonic`; set by the UI thread, read by the core's."""
        self._preferred: tuple[ObjectKey, ...] = ()
        self._statuses: dict[str, MigrationStatus | OperationStatus | None] = {}
        """Of the operations and migrations, by id, as they were last told; the core's."""
        self._source: Source | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._main: asyncio.Task[None] | None = None
        self._thread = threading.Thread(target=self._run, name="core", daemon=True)

    def start(self) -> None:
        """Start the core's thread; returns at once."""
        self._thread.start()

    def stop(self) -> None:
        """Ask the core to close and wait for it, at most `GOODBYE_SECONDS`."""
        loop, main = self._loop, self._main
        if loop is not None and main is not None and self._thread.is_alive():
            try:
                loop.call_soon_threadsafe(main.cancel)
            except RuntimeError:  # the loop closed in between
                return
            self._thread.join(GOODBYE_SECONDS)

    @property
    def source(self) -> Source | None:
        """The open source, None until it is; only for what any thread may read."""
        return self._source

    @property
    def state(self) -> State:
        """The newest picture, empty until the source is open."""
        source = self._source
        return State() if source is None else source.state

    @property
    def notices(self) -> tuple[str, ...]:
        """What the operator should know of the source; nothing until it is open."""
        source = self._source
        return () if source is None else source.notices

    def take(self) -> News:
        """Everything told since the last `take`, merged; allows the next wake-up."""
        with self._lock:
            delta, self._pending, self._woken = self._pending, None, False
            state = self._shown
        return News(state, delta or Delta(revision=state.revision, at=state.at))

    def look_at(self, in_view: Collection[ObjectKey], marked: Iterable[ObjectKey] = ()) -> None:
        """Say what the screen shows, from top to bottom, and what is marked: it is read first."""
        preferred = tuple(dict.fromkeys((*in_view, *marked)))
        self.in_view = frozenset(in_view)
        source, loop = self._source, self._loop
        if preferred == self._preferred or source is None or loop is None or loop.is_closed():
            return
        self._preferred = preferred
        loop.call_soon_threadsafe(source.prefer, preferred)

    def rest(self, seconds: float) -> None:
        """Leave the screen as it is for so long: the core has the interpreter to itself."""
        self._rests_until = time.monotonic() + seconds

    def ask(self, question: Callable[[Source], Awaitable[Answer]]) -> Future[Answer]:
        """Run a coroutine of the source on the core's loop.

        The future fails with UnreachableError while the source is not open. Add a callback that
        posts a message: never wait for it on the UI thread.
        """
        source, loop = self._source, self._loop
        if source is None or loop is None or loop.is_closed():
            refused: Future[Answer] = Future()
            refused.set_exception(
                UnreachableError("The console's core is not running.", "Leave and start it again.")
            )
            return refused

        async def answer() -> Answer:
            return await question(source)

        return asyncio.run_coroutine_threadsafe(answer(), loop)

    # -- on the core's thread ----------------------------------------------------------------

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except asyncio.CancelledError:
            return
        except VirtdeckError as error:
            self._failed(error)
        except Exception as error:
            self._failed(error)

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._main = asyncio.current_task()
        async with self._factory() as source:
            changes = source.changes()
            self._source = source
            self._tell(Delta(revision=source.state.revision, at=source.state.at))
            await self._follow(changes)

    async def _follow(self, changes: AsyncIterator[Delta]) -> None:
        """Tell the screen of changes, no oftener than it is allowed to be woken."""
        loop = asyncio.get_running_loop()
        told = loop.time()
        telling: asyncio.TimerHandle | None = None

        def tell() -> None:
            nonlocal told, telling
            told, telling = loop.time(), None
            self._tell_collected()

        async for delta in changes:
            self._collect(delta)
            due = told + (URGENT_SECONDS if self._urgent(delta) else self._pause)
            due = max(due, self._rests_until)
            if telling is None or due < telling.when():
                if telling is not None:
                    telling.cancel()
                telling = loop.call_at(due, tell)
            # Whatever comes meanwhile is merged by the source: reading has a limit, too.
            await asyncio.sleep(URGENT_SECONDS / 3)

    def _urgent(self, delta: Delta) -> bool:
        moved = self._moved_on(delta)
        seen = self.in_view
        # the end of an operation is told on every screen
        told = any(key.kind == "operation" for key in moved)
        return (
            told
            or bool(seen & moved)
            or not seen.isdisjoint(event.subject for event in delta.events)
        )

    def _moved_on(self, delta: Delta) -> set[ObjectKey]:
        """The operations and migrations whose status is another: how far they are can wait."""
        keys = [key for key in delta.changed if key.kind in ("migration", "operation")]
        if not keys or self._source is None:
            return set()
        state = self._source.state
        moved = set()
        for key in keys:
            row = state.migrations.get(key.id) or state.operations.get(key.id)
            status = None if row is None else row.status
            if status is not self._statuses.get(key.id):
                self._statuses[key.id] = status
                moved.add(key)
        return moved

    def _tell(self, delta: Delta) -> None:
        self._collect(delta)
        self._tell_collected()

    def _collect(self, delta: Delta) -> None:
        self._collected = _merged(self._collected, delta)

    def _tell_collected(self) -> None:
        shown, collected = self.state, self._collected
        self._collected = None
        with self._lock:
            self._shown = shown
            if collected is not None:
                self._pending = _merged(self._pending, collected)
            wake, self._woken = not self._woken, True
        if wake:
            self._wake()


def _merged(waiting: Delta | None, delta: Delta) -> Delta:
    return delta if waiting is None else merge((waiting, delta)) or delta
