"""A tape as a source: what a console shows instead of live hosts, without libvirt."""

from __future__ import annotations

import asyncio
import contextlib
from bisect import bisect_right
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Self

from core.clock import Clock, SystemClock
from core.errors import NotFoundError, ReadOnlyError, UnsupportedError
from core.journal.player import Player
from core.journal.tape import Tape
from core.journal.tape_links import TapeLinks
from core.mailbox import Mailbox, Mailroom
from core.model import (
    Instance,
    InstanceDetail,
    ObjectKey,
    Preflight,
    Request,
    Snapshot,
    State,
    Steer,
    SteerRecord,
)
from core.model.console import Consoles, LogTail
from core.model.diagnostics import DiagnosticSample
from core.model.kept import KeptHost
from core.model.observation import DetailRead
from core.model.text import clean
from core.source import (
    ConsoleAccess,
    Definitions,
    Diagnostics,
    Kept,
    Links,
    Migrations,
    OpenConsole,
    Operation,
)
from core.verbs.migration.requests import Migrate
from core.verbs.refusal import Refusal, RefusalCode

_REFUSAL = "This is a tape: nothing on it can be changed."
_NO_CONSOLE = "This is a tape: it has no consoles."
_CURE = "Open the hosts themselves with `virtdeck --connect URI`."


class TapeClock:
    """The time on a tape: what is "now" while it is shown. Safe from any thread."""

    def __init__(self, tape: Tape, player: Player) -> None:
        self._start = tape.start
        self._player = player

    def now(self) -> float:
        """Seconds since the epoch at the tape's position."""
        return self._start + self._player.position

    def monotonic(self) -> float:
        """The same: a tape has no other clock."""
        return self.now()


class TapeMigrations:
    """A `core.source.Migrations`: those of a tape are only shown."""

    async def preflight(
        self, request: Migrate, *, measure: bool = False, fresh: bool = False
    ) -> Preflight:
        """Raise ReadOnlyError."""
        del request, measure, fresh
        raise ReadOnlyError(_REFUSAL, _CURE)

    async def steer(self, migration_id: str, steer: Steer) -> SteerRecord:
        """Raise ReadOnlyError."""
        del migration_id, steer
        raise ReadOnlyError(_REFUSAL, _CURE)


class TapeDefinitions:
    """A `core.source.Definitions`: what is on a tape is not edited."""

    async def document(self, key: ObjectKey) -> str:
        """Raise ReadOnlyError."""
        del key
        raise ReadOnlyError(_REFUSAL, _CURE)


class TapeConsoles:
    """A `core.source.ConsoleAccess`: a tape has none."""

    async def look(self, key: ObjectKey) -> Consoles:
        """Raise ReadOnlyError."""
        del key
        raise ReadOnlyError(_NO_CONSOLE, _CURE)

    async def open(self, key: ObjectKey, alias: str = "", *, force: bool = False) -> OpenConsole:
        """Raise ReadOnlyError."""
        del key, alias, force
        raise ReadOnlyError(_NO_CONSOLE, _CURE)

    async def tail(self, key: ObjectKey, name: str, since: int | None = None) -> LogTail:
        """Raise ReadOnlyError."""
        del key, name, since
        raise ReadOnlyError(_NO_CONSOLE, _CURE)

    async def picture(self, key: ObjectKey, screen: int = 0) -> bytes:
        """Raise ReadOnlyError."""
        del key, screen
        raise ReadOnlyError(_NO_CONSOLE, _CURE)


class TapeDiagnostics:
    """A `core.source.Diagnostics`: a tape has the figures of the table only."""

    async def sample(self, key: ObjectKey) -> DiagnosticSample:
        """Raise UnsupportedError."""
        del key
        raise UnsupportedError(_NO_FIGURES, _LIVE)

    async def dirty_rate(self, key: ObjectKey, memory: int) -> float | None:
        """Raise UnsupportedError."""
        del key, memory
        raise UnsupportedError(_NO_FIGURES, _LIVE)


class TapeKept:
    """A `core.source.Kept`: a tape keeps nothing, and its hosts are tried by nobody."""

    async def host(self, name: str) -> KeptHost:
        """Raise UnsupportedError."""
        raise UnsupportedError(f"A recording keeps no definitions of {clean(name)}.", _LIVE)

    async def knock(self, name: str) -> None:
        """Do nothing."""

    async def look_again(self, name: str, pools: Collection[str]) -> None:
        """Do nothing."""


_NO_FIGURES = "A recording has no such figures: they are read of a live host only."
_LIVE = "The overview and the charts have what was recorded."


class Replay:
    """A `core.source.Source` that plays a tape; `player` moves it.

    As an async context manager it plays on the caller's loop; without one it stands still at its
    position until `player.seek` moves it, which needs no loop.
    """

    read_only = True

    def __init__(self, path: Path, *, clock: Clock | None = None) -> None:
        """Open and check the tape; raises TapeError. `clock` paces the playing (monotonic)."""
        self.tape = Tape(path)
        self._mailroom = Mailroom()
        self.player = Player(self.tape, self._mailroom.post, clock or SystemClock())
        self.clock = TapeClock(self.tape, self.player)
        self.migrations: Migrations = TapeMigrations()
        self.definitions: Definitions = TapeDefinitions()
        self.links: Links = TapeLinks()
        self.consoles: ConsoleAccess = TapeConsoles()
        self.diagnostics: Diagnostics = TapeDiagnostics()
        self.kept: Kept = TapeKept()
        self._task: asyncio.Task[None] | None = None

    @classmethod
    def at(cls, path: Path, seconds: float) -> Self:
        """Return a replay that stands still `seconds` after the tape's start."""
        replay = cls(path)
        replay.player.paused = True
        replay.player.seek(seconds)
        return replay

    async def __aenter__(self) -> Self:
        """Begin to play where it stands, unless it is paused."""
        self._task = asyncio.create_task(self.player.run(), name="replay")
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop and close the tape."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        self.close()

    def close(self) -> None:
        """End every reader of `changes()` and close the tape; `state` stays readable."""
        self._mailroom.close()
        self.tape.close()

    @property
    def state(self) -> State:
        """The picture at the tape's position."""
        return self.player.state

    @property
    def notices(self) -> tuple[str, ...]:
        """That the end of the tape is missing, when it is."""
        return (f"{self.tape.warning} What is there is played.",) if self.tape.warning else ()

    def changes(self) -> Mailbox:
        """Deltas as they are played, and one for every seek."""
        return self._mailroom.subscribe()

    def check(self, request: Request) -> tuple[Refusal, ...]:
        """Refuse everything."""
        del request
        return (Refusal(RefusalCode.READ_ONLY, _REFUSAL),)

    async def submit(self, request: Request) -> Operation:
        """Raise ReadOnlyError."""
        del request
        raise ReadOnlyError(_REFUSAL, _CURE)

    async def cancel(self, operation_id: str) -> None:
        """Raise ReadOnlyError."""
        del operation_id
        raise ReadOnlyError(_REFUSAL, _CURE)

    async def answer(self, operation_id: str, word: str) -> None:
        """Raise ReadOnlyError."""
        del operation_id, word
        raise ReadOnlyError(_REFUSAL, _CURE)

    async def forget(self, operation_id: str) -> None:
        """Raise ReadOnlyError."""
        del operation_id
        raise ReadOnlyError(_REFUSAL, _CURE)

    async def read(self, key: ObjectKey, *, jobs: bool = False) -> Instance | None:
        """Return the instance as the tape has it now."""
        del jobs
        return self.state.instances.get(key)

    async def detail(self, key: ObjectKey) -> InstanceDetail:
        """Return the newest details recorded up to now, else the first recorded later.

        Raises NotFoundError when the tape has none for this instance.
        """
        lines = self.tape.detail_lines(key)
        if not lines:
            raise NotFoundError(
                "The tape has no details of this instance.",
                "A recording reads them when it starts and when an instance appears.",
            )
        newest = bisect_right(lines, self.tape.due(self.player.position) - 1) - 1
        for observation in self.tape.read(lines[max(0, newest)], 1):
            if isinstance(observation, DetailRead):
                return observation.detail
        raise NotFoundError("The tape has no details of this instance.")

    async def snapshots(self, key: ObjectKey) -> tuple[Snapshot, ...]:
        """Return the snapshots of an instance as the tape has them now.

        Raises NotFoundError where it has none of this instance up to now.
        """
        if key not in self.state.snapshots:
            raise NotFoundError("Up to here the tape does not tell the snapshots of this instance.")
        return self.state.snapshots[key]

    def prefer(self, keys: Sequence[ObjectKey]) -> None:
        """Do nothing: a tape has been read."""
        del keys
