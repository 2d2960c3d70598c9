"""How migrations go, as they go: bars on a terminal, lines in a pipe, JSON lines for scripts."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass, field

from msgspec.structs import replace

from console.cli.migration_text import bar_line, end_lines, json_of, progress_line, steering_line
from console.cli.output import json_line, note, say
from core.clock import Clock, SystemClock
from core.model import Answer, Migration, MigrationStatus, Steer

QUIET_SECONDS = 3.0
"""The least time between two lines of one migration in a pipe, but for what happens to it."""
SAMPLE_JSON_SECONDS = 0.5
"""The least time between two samples of one migration as JSON."""
PAINT_SECONDS = 0.2
"""The least time between two pictures on a terminal."""
SAMPLE_SECONDS = 15.0
"""After so long without a line there is one, though no iteration began."""


@dataclass
class _Told:
    """What was printed of one migration."""

    status: MigrationStatus | None = None
    iteration: int | None = None
    answers: dict[tuple[float, Steer, str], Answer] = field(default_factory=dict)
    """Of each command, by when it was given, what it is and by whom; a version of the migration
    may lack what another console has not written down yet."""
    at: float = float("-inf")
    sampled: float = float("-inf")
    frame: Migration | None = None


def _on_terminal() -> bool:
    return sys.stdout is not None and sys.stdout.isatty()


def _terminal_size() -> tuple[int, int]:
    size = shutil.get_terminal_size()
    return size.columns, size.lines


@dataclass
class ProgressPrinter:
    """Prints what becomes of migrations; `tell` takes every version of each."""

    as_json: bool
    clock: Clock = field(default_factory=SystemClock)
    live: bool = field(default_factory=_on_terminal)
    size: Callable[[], tuple[int, int]] = _terminal_size
    """Columns and lines of the terminal."""

    def __post_init__(self) -> None:
        self.live = self.live and not self.as_json
        self.held = False
        """While a question is asked nothing is painted."""
        self._told: dict[str, _Told] = {}
        self._running: dict[str, Migration] = {}
        self._painted = 0
        self._drawn_at = float("-inf")

    @property
    def running(self) -> tuple[Migration, ...]:
        """Those that are not over, as they were told last."""
        return tuple(self._running.values())

    def tell(self, migration: Migration) -> None:
        """Print what is new of a migration."""
        told = self._told.setdefault(migration.id, _Told())
        if migration.status.final:
            self._running.pop(migration.id, None)
        else:
            self._running[migration.id] = migration
        if self.as_json:
            self._tell_json(migration, told)
            return
        lines = self._news(migration, told)
        if lines:
            self.erase()
            for line in lines:
                say(line)
        if migration.outcome and lines and migration.hint:
            note(f"  {migration.hint}")
        if lines or self._since(self._drawn_at) >= PAINT_SECONDS:
            self.draw()

    def drop(self, migration_id: str) -> None:
        """Paint a migration no longer, whether it is over or not."""
        if self._running.pop(migration_id, None) is not None:
            self.draw()

    def _tell_json(self, migration: Migration, told: _Told) -> None:
        frame = replace(migration, sample=None, forecast=None, progress=None)
        if frame != told.frame:
            told.frame = frame
            say(json_line(json_of(migration)))
        elif migration.sample is not None and self._since(told.sampled) >= SAMPLE_JSON_SECONDS:
            told.sampled = self.clock.monotonic()
            say(json_line({"kind": "sample", "id": migration.id, "name": migration.name,
                           "sample": migration.sample, "forecast": migration.forecast,
                           "progress": migration.part_done}))  # fmt: skip

    def _news(self, migration: Migration, told: _Told) -> list[str]:
        since = migration.resumed[-1].at if migration.resumed else 0.0
        lines = []
        for record in migration.steering:
            command = (record.at, record.steer, record.by)
            if told.answers.get(command) is not record.answer and record.at >= since:
                lines.append(f"{migration.name}: {steering_line(record)}")
            told.answers[command] = record.answer
        if migration.status is not told.status:
            told.status = migration.status
            over = migration.status.final
            lines += end_lines(migration) if over else [progress_line(migration, self.clock.now())]
            told.at = self.clock.monotonic()
        elif not self.live and self._is_due(migration, told):
            lines.append(progress_line(migration, self.clock.now()))
            told.at = self.clock.monotonic()
        return lines

    def _is_due(self, migration: Migration, told: _Told) -> bool:
        """Whether a pipe gets a line: a new iteration, or nothing was said for long."""
        sample = migration.sample
        if sample is None or not migration.status.copying:
            return False
        passed = self._since(told.at)
        if sample.iteration != told.iteration and passed >= QUIET_SECONDS:
            told.iteration = sample.iteration
            return True
        return passed >= SAMPLE_SECONDS

    def _since(self, moment: float) -> float:
        return self.clock.monotonic() - moment

    def draw(self) -> None:
        """Paint, on a terminal, a line for each that is not over, in place of those before."""
        if not self.live or self.held or not self._running:
            return
        columns, height = self.size()
        room = max(1, height - 2)
        now = self.clock.now()
        bars = [bar_line(migration, columns - 1, now) for migration in self.running[:room]]
        if len(self._running) > room:
            bars[-1] = f"and {len(self._running) - room + 1} more"
        self._write(self._home() + "\n".join(f"{bar}\x1b[K" for bar in bars) + "\x1b[J")
        self._painted = len(bars)
        self._drawn_at = self.clock.monotonic()

    def erase(self) -> None:
        """Take the painted lines away."""
        if self._painted:
            self._write(self._home() + "\x1b[J")
            self._painted = 0

    def _home(self) -> str:
        return "\r" + (f"\x1b[{self._painted - 1}A" if self._painted > 1 else "")

    def _write(self, text: str) -> None:
        sys.stdout.write(text)
        sys.stdout.flush()
